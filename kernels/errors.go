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
	// Gone says that the archives answered, and no longer have it.
	Gone bool
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

// Stages of a build, as BuildError has them.
const (
	StagePatch   = "patch"   // a patch does not apply
	StageConfig  = "config"  // an option did not survive
	StageCompile = "compile" // make failed
)

// BuildError says that a kernel tree cannot be built. Whoever wrote the tree or
// the patch is at fault, and no host: a disk that is full or a compiler that is
// missing is an UnavailableError.
type BuildError struct {
	Ref   string
	Stage string
	Text  string // the first error with its context, several lines
	Log   string // file with all that make said, if it ran
}

func (e *BuildError) Error() string {
	text := fmt.Sprintf("build kernel %s: %s: %s", e.Ref, e.Stage, e.Text)
	if e.Log != "" {
		text += "\nlog: " + e.Log
	}
	return text
}
