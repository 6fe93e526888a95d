package kernels

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/kernels/version"
)

// Set says of which kernels something holds: words, all of which must fit.
//
//	all                            every kernel
//	6.1                            of a line, wherever it comes from (also 6.1.192)
//	debian:6.1  debian:6.1/amd64   Debian's of a line; without a flavour, of any
//	debian:6.1.192-2               one version, or release, of Debian's
//	<6.12.94  >=5.16-rc1           by upstream's order of versions
//	<6.12.94-1~bpo12+1             by Debian's order; Debian's kernels alone
//	./bzImage  tree:/src@v6.12     a kernel by the very reference that the run has
//
// So "6.12 >=6.12.94 <6.12.117" is a range within a line.
type Set struct{ words []func(event.Kernel) bool }

var boundForm = regexp.MustCompile(`^(<=|>=|<|>|=)(.+)$`)

// ParseSet reads a set; *RefError if a word makes no sense.
func ParseSet(text string) (Set, error) {
	var s Set
	for _, word := range strings.Fields(text) {
		fits, err := parseWord(word)
		if err != nil {
			return Set{}, err
		}
		s.words = append(s.words, fits)
	}
	if len(s.words) == 0 {
		return Set{}, &RefError{text, "this names no kernel", `write "all", a line (6.1), a reference or a bound (<6.1.190)`}
	}
	return s, nil
}

// Has tells whether a kernel is in the set.
func (s Set) Has(k event.Kernel) bool {
	return !slices.ContainsFunc(s.words, func(fits func(event.Kernel) bool) bool { return !fits(k) })
}

func parseWord(word string) (func(event.Kernel) bool, error) {
	if m := boundForm.FindStringSubmatch(word); m != nil {
		return parseBound(word, m[1], m[2])
	}
	name, isDebian := strings.CutPrefix(word, "debian:")
	switch {
	case word == "all":
		return func(event.Kernel) bool { return true }, nil
	case lineForm.MatchString(word):
		return func(k event.Kernel) bool { return debian.OfLine(k.Version, word) }, nil
	case isDebian:
		ref, err := parseDebian(word, name)
		return func(k event.Kernel) bool { return ref.fits(k, strings.Contains(name, "/")) }, err
	case versionForm.MatchString(word):
		return nil, &RefError{word, "neither a line nor a reference", "did you mean debian:" + word + "?"}
	case !strings.ContainsAny(word, "/:"):
		return nil, &RefError{word, "neither a line nor a reference", `write "all", a line (6.1), a reference or a bound (<6.1.190)`}
	}
	return func(k event.Kernel) bool { return k.Ref == word }, nil
}

// fits tells whether a kernel is one that a reference to Debian's may mean.
func (r Ref) fits(k event.Kernel, ofFlavour bool) bool {
	switch {
	case k.Source != "debian" || ofFlavour && k.Flavour != r.Flavour:
		return false
	case r.Line != "":
		return debian.OfLine(k.Version, r.Line)
	case r.Release != "":
		return k.Release == r.Release
	}
	return k.Package == r.Version
}

// parseBound reads a version with the sign before it. Upstream's versions and
// Debian's have an order each: 6.12.94 is newer than 6.12.94-rc1, and as old as
// every Debian package of it; 6.12.94-1~bpo12+1 is older than 6.12.94-1.
func parseBound(word, sign, bound string) (func(event.Kernel) bool, error) {
	holds := func(c int) bool {
		return c < 0 && sign[0] == '<' || c > 0 && sign[0] == '>' || c == 0 && strings.HasSuffix(sign, "=")
	}
	upstream, err := version.Parse(bound)
	switch {
	case err == nil:
		return func(k event.Kernel) bool {
			v, err := version.Parse(k.Version)
			return err == nil && holds(version.Compare(v, upstream))
		}, nil
	case versionForm.MatchString(bound):
		return func(k event.Kernel) bool {
			return k.Package != "" && holds(debian.CompareVersions(k.Package, bound))
		}, nil
	}
	return nil, &RefError{word, fmt.Sprintf("%q is no kernel version", bound), "write <6.1.190, >=5.16-rc1 or <6.12.94-1~bpo12+1"}
}

// Planned is what a reference says of its kernel before the kernel is there.
func Planned(text string) event.Kernel {
	k := event.Kernel{Ref: text}
	name, isDebian := strings.CutPrefix(text, "debian:")
	if !isDebian {
		return k
	}
	if ref, err := parseDebian(text, name); err == nil {
		k.Source, k.Flavour, k.Release = "debian", ref.Flavour, ref.Release
		if ref.Version != "" {
			k.Package, k.Version = ref.Version, debian.Upstream(ref.Version)
		}
	}
	return k
}
