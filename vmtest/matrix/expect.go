package matrix

import (
	"fmt"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Has tells whether a kernel is in the set that an expectation names.
type Has func(set string, k event.Kernel) bool

// why is what stands behind an expectation, in a line.
func (x Expectation) why() string { return fmt.Sprintf("%s (%s, until %s)", x.Reason, x.Link, x.Until) }

// String is what an expectation says, in a line.
func (x Expectation) String() string {
	what := x.Case
	if what == "" {
		what = x.Suite + ": " + x.Spec
	}
	return fmt.Sprintf("line %d: %s is %s on %s", x.Line, what, x.Is, x.Kernels)
}

// over tells whether an expectation counts no more. Days as they are written
// sort by time.
func (x Expectation) over(today string) bool { return x.Until < today }

// Expect is what the entries in force say of one kernel: of cases, over what the
// corpus says, and of specs. Of several that match the last one counts. today is
// the day that the run began, 2026-11-20.
func Expect(all []Expectation, today string, k event.Kernel, has Has) (cases map[string]Expectation, specs []verdict.Known) {
	cases = map[string]Expectation{}
	for _, x := range all {
		switch {
		case x.over(today) || !has(x.Kernels, k):
		case x.Case != "":
			cases[x.Case] = x
		default:
			specs = append(specs, verdict.Known{Suite: x.Suite, Spec: x.Spec, Expect: verdict.Verdict(x.Is), Why: x.why()})
		}
	}
	return cases, specs
}

// Override puts an expectation in the place of what the corpus says of a case.
func (x Expectation) Override(s *verdict.Sought) {
	s.Expect, s.Why = verdict.Verdict(x.Is), x.why()
}

// Entries judges the entries themselves, by the results of a whole run: one that
// is over, and one that nothing in the run matched, must not stay. It is shown as
// one more kernel's result, with a suite in which each entry is a spec.
func Entries(file string, all []Expectation, today string, results []verdict.Result, has Has) verdict.Result {
	suite := verdict.Suite{Name: "expectations", Planned: len(all), Specs: []verdict.Spec{}, Phases: []verdict.Phase{}}
	var codes []int
	for _, x := range all {
		p := verdict.Spec{Name: x.String(), Judgement: x.judge(today, results, has)}
		suite.Specs = append(suite.Specs, p)
		codes = append(codes, p.Bisect)
	}
	suite.Judgement = verdict.Judge(verdict.Pass, fmt.Sprintf("all %d entries judged", len(all)))
	return verdict.Result{
		Kernel:  event.Kernel{Ref: file, Name: "expectations", Source: "matrix"},
		Console: verdict.Judge(verdict.Pass, "no VM"),
		Splats:  []verdict.Splat{}, Suites: []verdict.Suite{suite}, Cases: []verdict.Case{},
		Code: verdict.Worst(codes...),
	}
}

// judge judges one entry.
func (x Expectation) judge(today string, results []verdict.Result, has Has) verdict.Judgement {
	if x.over(today) {
		return verdict.Judge(verdict.Expired, fmt.Sprintf("it was to be until %s: renew the day or remove the entry: %s (%s)", x.Until, x.Reason, x.Link))
	}
	kernels, unhad, count := 0, 0, map[trace]int{}
	for _, r := range results {
		if r.Kernel.Source == "" {
			unhad++
		}
		if has(x.Kernels, r.Kernel) {
			kernels++
			count[x.find(r)]++
		}
	}
	switch {
	case count[there] > 0:
		return verdict.Judge(verdict.Pass, fmt.Sprintf("in force: on %d of the VMs", count[there]))
	case kernels == 0 && unhad > 0:
		return verdict.Judge(verdict.Unsure, fmt.Sprintf("no kernel of the run is known to be in %q, and one that could not be had may be", x.Kernels))
	case kernels == 0:
		return verdict.Judge(verdict.Unmatched, fmt.Sprintf("no kernel of the run is in %q: correct or remove the entry", x.Kernels))
	case count[unknown] > 0:
		return verdict.Judge(verdict.Unsure, "its suite did not come to its end, so nobody knows whether it is needed")
	case count[absent] > 0:
		return verdict.Judge(verdict.Unmatched, fmt.Sprintf("suite %s has run and has no such spec: correct or remove the entry", x.Suite))
	}
	return verdict.Judge(verdict.Unmatched, "the run lacks the suites for it: add them, or remove the entry")
}

// trace is what a VM's result has of what an entry is about.
type trace int

const (
	unasked trace = iota // it is no business of this VM
	there
	absent  // the suite came to its end without it
	unknown // the suite did not
)

func (x Expectation) find(r verdict.Result) trace {
	for _, c := range r.Cases {
		if c.Name == x.Case {
			return there
		}
	}
	for _, s := range r.Suites {
		if s.Name != x.Suite {
			continue
		}
		for _, p := range s.Specs {
			if p.Name == x.Spec {
				return there
			}
		}
		if s.Verdict == verdict.Pass {
			return absent
		}
		return unknown
	}
	return unasked
}
