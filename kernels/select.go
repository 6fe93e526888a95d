package kernels

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/krepro/krepro/kernels/debian"
)

// Selection names several of Debian's kernels at once:
//
//	newest of debian:5.10          the same as debian:5.10
//	oldest of debian:6.1
//	newest 3 of debian:6.12/amd64
//	all of debian:sid
//
// Behind debian: stands a line or one of Debian's suites. What the archives no
// longer have, and the cache neither, is passed over.
//
// Shared is for what several machines have to come to alike: the cache, which
// differs, does not count.
type Selection struct {
	Text    string
	Oldest  bool // else the newest
	N       int  // how many; 0: all
	Of      string
	Flavour string
	Shared  bool
}

var (
	selectionForm = regexp.MustCompile(`^(newest|oldest|all)(?: ([0-9]{1,3}))? of debian:([^ /]+)(?:/([^ ]+))?$`)
	suiteForm     = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
)

// ParseSelection reads a selection, or a reference to the newest of a line. It
// is not ok if the text is neither; *RefError if it makes no sense.
func ParseSelection(text string) (sel Selection, ok bool, err error) {
	if ref, err := ParseRef(text); err == nil && ref.Line != "" {
		return Selection{Text: text, N: 1, Of: ref.Line, Flavour: ref.Flavour}, true, nil
	}
	if !strings.Contains(text, " of ") {
		return sel, false, nil
	}
	m := selectionForm.FindStringSubmatch(text)
	if m == nil || m[1] == "all" && m[2] != "" || m[2] == "0" {
		return sel, true, &RefError{text, "this selects nothing", `write "newest of debian:6.1", "oldest 2 of debian:6.12" or "all of debian:sid"`}
	}
	sel = Selection{Text: text, Oldest: m[1] == "oldest", N: 1, Of: m[3], Flavour: DefaultFlavour}
	if m[1] == "all" {
		sel.N = 0
	}
	if m[2] != "" {
		sel.N, _ = strconv.Atoi(m[2]) // up to three digits
	}
	if m[4] != "" {
		sel.Flavour = m[4]
	}
	if !slices.Contains(Flavours, sel.Flavour) {
		return sel, true, &RefError{text, "there is no flavour " + strconv.Quote(sel.Flavour), "use one of " + strings.Join(Flavours, ", ")}
	}
	if !lineForm.MatchString(sel.Of) && !suiteForm.MatchString(sel.Of) {
		return sel, true, &RefError{text, strconv.Quote(sel.Of) + " is neither a line nor a suite", "write a line (debian:6.1) or a suite of Debian (debian:sid)"}
	}
	return sel, true, nil
}

// Select resolves a selection to references to exact versions, oldest first.
func (s *Store) Select(ctx context.Context, sel Selection) ([]string, error) {
	c, err := s.recentCatalogue(ctx, catalogueAge)
	if err != nil {
		return nil, err
	}
	all := c.Kernels()
	if lineForm.MatchString(sel.Of) { // of a suite, a pin tells what it had once
		all = slices.Concat(all, s.pins)
	}
	found := sel.among(all)
	if sel.Oldest {
		slices.Reverse(found)
	}
	var refs []string
	for _, k := range found {
		if sel.N > 0 && len(refs) == sel.N {
			break
		}
		has, err := s.obtainable(ctx, k, sel.Shared)
		switch {
		case err != nil: // a set that a fault of the network made smaller would pass for the whole
			return nil, &UnavailableError{Ref: sel.Text, Err: err}
		case has:
			refs = append(refs, refText(k))
		default:
			s.say("%s: the archives no longer have %s", sel.Text, refText(k))
		}
	}
	if len(refs) == 0 {
		return nil, &UnavailableError{Ref: sel.Text, Err: fmt.Errorf("no such kernel can be had (%d are listed)", len(found))}
	}
	if !sel.Oldest {
		slices.Reverse(refs)
	}
	return refs, nil
}

// among keeps those that the selection is made from: of each version one build,
// newest first.
func (sel Selection) among(kernels []debian.Kernel) []debian.Kernel {
	kernels = slices.DeleteFunc(kernels, func(k debian.Kernel) bool {
		of := debian.OfLine(debian.Upstream(k.Version), sel.Of) || slices.Contains(suites(k), sel.Of)
		return !of || k.Flavour != sel.Flavour || len(k.Lacks) > 0
	})
	slices.SortStableFunc(kernels, func(a, b debian.Kernel) int { return debian.CompareVersions(b.Version, a.Version) })
	return slices.CompactFunc(kernels, func(a, b debian.Kernel) bool { return a.Version == b.Version })
}

// obtainable tells whether a kernel is in the cache, if that counts, or in the
// archives; an error means that these cannot be asked.
func (s *Store) obtainable(ctx context.Context, k debian.Kernel, shared bool) (bool, error) {
	if _, err := os.Stat(s.entry(kernelID(k))); err == nil && !shared {
		return true, nil
	}
	apt, err := s.apt()
	if err != nil {
		return false, err
	}
	return apt.Mirrors.Have(ctx, k)
}
