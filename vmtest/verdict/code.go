package verdict

// Worst is the exit code of several: the one that must not be hidden. A run cut
// short, then a fault of the host (git bisect has to stop), then bad, then
// cannot tell.
func Worst(codes ...int) int {
	for _, c := range []int{CodeCancelled, CodeInfra, CodeBad, CodeSkip} {
		for _, have := range codes {
			if have == c {
				return c
			}
		}
	}
	return CodeGood
}

// code is the exit code for one kernel. A failure that a case explains counts
// through the case, which may be expected.
func (r *Result) code() int {
	var codes []int
	for _, c := range r.Cases {
		switch {
		case c.Met:
		case c.Verdict.Clear():
			codes = append(codes, CodeBad) // affected or not, it is not what was expected
		default:
			codes = append(codes, c.Bisect)
		}
	}
	for _, su := range r.Suites {
		if su.Case == "" {
			codes = append(codes, su.Bisect)
		}
		for _, p := range su.Specs {
			codes = append(codes, p.code())
		}
	}
	if r.Console.Verdict != Crash {
		codes = append(codes, r.Console.Bisect)
	}
	for _, s := range r.Splats {
		if s.Case == "" && r.Console.Verdict == Crash {
			codes = append(codes, CodeBad)
		}
	}
	return Worst(codes...)
}
