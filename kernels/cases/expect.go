package cases

import (
	"slices"

	"github.com/krepro/krepro/kernels/version"
)

// Expected tells whether an upstream version, 5.10.218 or 6.0-rc1, has the bug:
//
//   - on a line that a commit was put into, from that release on;
//   - on a line as new as the commit's mainline release or newer, from its start;
//   - on an older line that is not listed, nobody knows;
//   - where no commit brought it, every kernel before the fix has it; an
//     invariant none;
//   - where the fix is known to be, but not since when, nobody knows either,
//     except for the line's first release.
//
// A version that is none is Unknown.
func (c Case) Expected(upstream string) Seen {
	v, err := version.Parse(upstream)
	if err != nil {
		return Unknown
	}
	if c.Invariant {
		return Unaffected
	}
	if c.Introduced.given() {
		has, ok := c.Introduced.in(v)
		if !ok {
			return Unknown
		}
		if !has {
			return Unaffected
		}
	}
	if !c.Fixed.given() {
		return Affected
	}
	if slices.Contains(c.Unpinned, v.Line()) && v.Patch > 0 {
		return Unknown
	}
	// A line without the fix is older than it or listed without it: both mean bad.
	if fixed, _ := c.Fixed.in(v); fixed {
		return Unaffected
	}
	return Affected
}

// ExpectedOf is Expected for a Debian package of an upstream version: its line,
// or what has been seen of either, says whether it can be tested at all.
func (c Case) ExpectedOf(debian, upstream string) Seen {
	v, err := version.Parse(upstream)
	if err == nil && slices.Contains(c.Untestable, v.Line()) {
		return Untestable
	}
	if c.Seen[debian] == Untestable || c.Seen[upstream] == Untestable {
		return Untestable
	}
	return c.Expected(upstream)
}

// in tells whether the change is in v. It is not ok if v's line is older than
// the change and not listed: such a line may have got it, or not.
func (c Change) in(v version.Version) (has, ok bool) {
	if first, listed := c.Stable[v.Line()]; listed {
		return version.Compare(v, must(first)) >= 0, true
	}
	main := must(c.Mainline)
	if version.Compare(v, main) >= 0 {
		return true, true
	}
	// A candidate before the one that brought it is on the same line, and known.
	return false, v.Line() == main.Line()
}

// must parses a version that check has parsed before.
func must(s string) version.Version {
	v, err := version.Parse(s)
	if err != nil {
		panic("unchecked case: " + err.Error())
	}
	return v
}
