package main

import (
	"slices"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/verdict"
)

// asked says what a run asks of one kernel: its suites, and every case that
// they can answer.
func asked(inv invocation, k event.Kernel, corpus []cases.Case) verdict.Asked {
	over, known := inv.expectations(k)
	a := verdict.Asked{Suites: inv.Suites, Filtered: inv.filtered(), Known: known}
	for _, c := range corpus {
		lacks := func(suite string) bool { return !slices.Contains(inv.Suites, suite) }
		if !slices.ContainsFunc(c.Suites(), lacks) {
			s := sought(c, k)
			if x, ok := over[c.Name]; ok {
				x.Override(&s)
			}
			a.Sought = append(a.Sought, s)
		}
	}
	return a
}

// sought is a case in the words of package verdict.
func sought(c cases.Case, k event.Kernel) verdict.Sought {
	s := verdict.Sought{Case: c.Name, Splats: c.Splats, Hang: c.Hang, Expect: expected(c, k)}
	add := func(groups []cases.Specs, must bool) {
		for _, g := range groups {
			for _, spec := range g.Specs {
				s.Specs = append(s.Specs, verdict.SoughtSpec{Suite: g.Suite, Spec: spec, Symptoms: g.Symptoms, Must: must, Trials: g.Trials})
			}
		}
	}
	add(c.Shows, true)
	add(c.May, false)
	return s
}

// expected is what a kernel should turn out to be. Debian's kernels are known by
// their upstream version. Of one given as a file nothing is known, so it has to
// be free of the bug, a bisection wants to hear of it; but of a bug that nobody
// has mended nothing is expected: no kernel would ever be good.
func expected(c cases.Case, k event.Kernel) verdict.Verdict {
	if k.Source != "debian" && !c.Invariant && c.Fixed.Commit == "" {
		return ""
	}
	if k.Source != "debian" {
		return verdict.Unaffected
	}
	switch c.ExpectedOf(k.Package, k.Version) {
	case cases.Affected:
		return verdict.Affected
	case cases.Unaffected:
		return verdict.Unaffected
	case cases.Untestable:
		return verdict.Untestable
	}
	return ""
}
