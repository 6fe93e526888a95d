// Package version reads and orders upstream kernel versions: 5.10.218, 5.16-rc1,
// 6.0. It knows nothing of distributions: a Debian package version has its own
// order, and its upstream part is what stands here.
package version

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// Version is an upstream kernel version. 6.0 and 6.0.0 are the same.
type Version struct {
	Major, Minor, Patch int
	RC                  int // release candidate; 0 = a release
}

var pattern = regexp.MustCompile(`^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:-rc(\d{1,3}))?$`)

// Parse reads "5.10.218", "6.0" or "5.16-rc1"; anything else is an error.
func Parse(s string) (Version, error) {
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("parse kernel version %q: want MAJOR.MINOR[.PATCH][-rcN]", s)
	}
	v := Version{Major: number(m[1]), Minor: number(m[2]), Patch: number(m[3]), RC: number(m[4])}
	if v.RC > 0 && v.Patch > 0 {
		return Version{}, fmt.Errorf("parse kernel version %q: a stable release has no candidates", s)
	}
	return v, nil
}

// number reads what the pattern has already proven to be empty or a few digits.
func number(s string) int {
	n, _ := strconv.Atoi(s) // "" is 0
	return n
}

// Compare is -1, 0 or +1 as a is older than, the same as, or newer than b. A
// release candidate is older than its release.
func Compare(a, b Version) int {
	return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor),
		cmp.Compare(a.Patch, b.Patch), cmp.Compare(a.rank(), b.rank()))
}

// rank orders candidates among themselves and before the release.
func (v Version) rank() int {
	if v.RC == 0 {
		return 1 << 30
	}
	return v.RC
}

// Line is the stable line, "5.10" for 5.10.218; of a candidate, the line it becomes.
func (v Version) Line() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// String is the version as upstream writes it.
func (v Version) String() string {
	s := v.Line()
	if v.Patch > 0 {
		s += fmt.Sprintf(".%d", v.Patch)
	}
	if v.RC > 0 {
		s += fmt.Sprintf("-rc%d", v.RC)
	}
	return s
}
