package verdict

// Surprise is how an outcome differs from what is expected.
type Surprise string

// The surprises.
const (
	None              Surprise = ""
	UnexpectedFailure Surprise = "unexpected failure"
	UnexpectedPass    Surprise = "unexpected pass"
	NoAnswer          Surprise = "no answer"
	ExpiredEntry      Surprise = "expired expectation"
	UnmatchedEntry    Surprise = "expectation that never matched"
)

// expect marks the specs of which an outcome other than a pass is known.
func (r *Result) expect(known []Known) {
	for _, k := range known {
		for i := range r.Suites {
			for j := range r.Suites[i].Specs {
				if p := &r.Suites[i].Specs[j]; r.Suites[i].Name == k.Suite && p.Name == k.Spec {
					p.Expect, p.Why = k.Expect, k.Why
				}
			}
		}
	}
}

// Surprise of a case: an unexpected failure is a bug that was not expected, an
// unexpected pass one that was and is not there.
func (c Case) Surprise() Surprise {
	switch {
	case c.Met:
		return None
	case c.Verdict.Shows():
		return UnexpectedFailure
	case c.Verdict == Unaffected:
		return UnexpectedPass
	}
	return NoAnswer
}

// Surprise of a spec. What a case explains counts through the case, unless an
// entry says something else of the very spec.
func (p Spec) Surprise() Surprise {
	switch {
	case p.Expect == p.Verdict || p.Expect == "" && (p.Case != "" || p.Verdict == Pass):
		return None
	case p.Verdict == Pass:
		return UnexpectedPass
	case p.Verdict == Expired:
		return ExpiredEntry
	case p.Verdict == Unmatched:
		return UnmatchedEntry
	case p.Bisect == CodeBad:
		return UnexpectedFailure
	}
	return NoAnswer
}

// code is the exit code of a spec by itself.
func (p Spec) code() int {
	switch p.Surprise() {
	case None:
		return CodeGood
	case UnexpectedPass:
		return CodeBad
	}
	return p.Bisect
}
