package kernels

import "fmt"

// RefError says that a reference is wrong: what is, and what to write instead.
type RefError struct {
	Ref    string
	Reason string
	Hint   string
}

func (e *RefError) Error() string {
	text := fmt.Sprintf("kernel reference %q: %s", e.Ref, e.Reason)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// UnavailableError says that a kernel could not be had: it is gone from the
// pool, the network or the disk failed. Nothing is wrong with any kernel.
type UnavailableError struct {
	Ref string
	// Nearest is a reference to the nearest kernel that can be had, if one is known.
	Nearest string
	Err     error
}

func (e *UnavailableError) Error() string {
	text := fmt.Sprintf("get kernel %s: %s", e.Ref, e.Err)
	if e.Nearest != "" {
		text += "; the nearest that can be had is " + e.Nearest
	}
	return text
}

func (e *UnavailableError) Unwrap() error { return e.Err }
