package verdict

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// joinRounds makes one of the runs of a spec that came out alike: same verdict,
// same symptoms. Runs that differ stand side by side: a pass does not undo a
// failure, nor the other way round.
func joinRounds(specs []Spec) []Spec {
	out := []Spec{}
	for _, s := range specs {
		same := func(o Spec) bool {
			return o.Name == s.Name && o.Verdict == s.Verdict && slices.Equal(o.Symptoms, s.Symptoms)
		}
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i].join(s)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// join adds a run that came out alike.
func (s *Spec) join(more Spec) {
	s.Rounds = max(1, s.Rounds) + 1
	s.Seconds += more.Seconds
	s.Rate = RateOf(s.Rate.Failures+more.Rate.Failures, s.Rate.Trials+more.Rate.Trials)
	if s.Verdict == Pass {
		s.Reason = passed(s.Rate.Trials)
	}
	if len(more.Lost) == 0 {
		return
	}
	lost := maps.Clone(more.Lost)
	for observer, n := range s.Lost {
		lost[observer] += n
	}
	s.Lost = lost
}

// passed is the reason of a pass.
func passed(trials int) string {
	if trials == 0 {
		return "passed"
	}
	return "0 of " + count(trials, "trial")
}

// mostReasons is how many runs the reason of a case quotes.
const mostReasons = 4

// reasonOf joins what several runs say.
func reasonOf(runs []string) string {
	if n := len(runs) - mostReasons; n > 0 {
		runs = append(slices.Clone(runs[:mostReasons]), fmt.Sprintf("and %d more", n))
	}
	return strings.Join(runs, "; ")
}
