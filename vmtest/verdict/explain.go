package verdict

import (
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// explain marks what a case accounts for: where it shows, specs that failed as
// it describes, splats that it names, and a suite that got no further for it;
// where it is known to be untestable, specs that said so.
func (r *Result) explain(sought []Sought) {
	for _, c := range r.Cases {
		if !c.Verdict.Shows() && !(c.Met && c.Verdict == Untestable) {
			continue
		}
		want := sought[slices.IndexFunc(sought, func(s Sought) bool { return s.Case == c.Name })]
		for i, s := range r.Splats {
			if slices.Contains(want.Splats, s.Title) {
				r.Splats[i].Case = c.Name
			}
		}
		for i := range r.Suites {
			r.explainSuite(&r.Suites[i], c, want)
		}
	}
}

func (r *Result) explainSuite(su *Suite, c Case, want Sought) {
	for i := range su.Specs {
		p := &su.Specs[i]
		if r.accounts(c, want, su.Name, *p) {
			p.Case = c.Name
			if su.Verdict == stopped[c.Verdict] {
				su.Case = c.Name
			}
		}
	}
}

// stopped is how a suite ends in the midst of which a case showed.
var stopped = map[Verdict]Verdict{Crash: OtherCrash, Hang: OtherHang}

// accounts tells whether the case is the reason for what became of the spec.
func (r *Result) accounts(c Case, want Sought, suite string, p Spec) bool {
	switch p.Verdict {
	case Untestable:
		return c.Verdict == Untestable && slices.ContainsFunc(want.Specs, func(s SoughtSpec) bool { return s.Suite == suite && s.Spec == p.Name })
	case Crash:
		return !slices.ContainsFunc(r.Splats, func(s Splat) bool { return s.Spec == p.Name && s.Case != c.Name })
	case OtherHang:
		return c.Verdict == Hang && slices.ContainsFunc(want.Specs, func(s SoughtSpec) bool { return s.Suite == suite && s.Spec == p.Name })
	case Fail:
		return slices.ContainsFunc(want.Specs, func(s SoughtSpec) bool {
			stray := func(sym event.Symptom) bool { return !slices.Contains(s.Symptoms, sym) }
			return s.Suite == suite && s.Spec == p.Name && !slices.ContainsFunc(p.Symptoms, stray)
		})
	}
	return false
}
