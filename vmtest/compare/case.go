package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/stats"
	"github.com/krepro/krepro/vmtest/verdict"
)

// risk is the chance that is left of saying that a case is gone when its rate
// is what it was: half of it that the rate before is lower than was reckoned
// with, half that it shows in none of the trials after.
const risk = 0.01

// State is how far the case's question is answered.
type State string

// The states.
const (
	Gone    State = "gone"    // it showed before, and does not after
	Kept    State = "kept"    // it shows after
	Unseen  State = "unseen"  // it did not show before
	Short   State = "short"   // it showed before, and the trials after are too few
	Unclear State = "unclear" // a run did not answer the question
)

// Units of a rate.
const (
	Trials = "trial"
	Runs   = "run" // for a case that shows as a crash or a hang: trials go down with the VM
)

// Case is what became of the case. It is gone if, with L the exact lower bound
// of the rate before (99.5 %), (1-L)^n <= 0.5 % for the n trials after, and none
// of those failed. P is Fisher's: the chance of so few failures after by luck.
type Case struct {
	Name   string       `json:"name"`
	State  State        `json:"state"`
	Reason string       `json:"reason"`
	Unit   string       `json:"unit"` // of trials: trial or run
	Before verdict.Rate `json:"before"`
	After  verdict.Rate `json:"after"`
	P      float64      `json:"p"`
	Needed int          `json:"needed"` // trials after, in all; 0: it was not seen before
	Rounds int          `json:"rounds"` // that the case's specs ran on each kernel
}

// count is what the runs of one kernel say of a case.
type count struct {
	trials, failures int
	runs, shown      int
	unclear          string // the first run without an answer
}

// caseOf counts a case over all steps but those of debugging builds, which have
// other timing.
func caseOf(name string, steps []Step) Case {
	var of [2]count
	c := Case{Name: name, Unit: Trials}
	for _, s := range steps {
		answer := s.answer(name)
		if s.Kind == OfDebug || answer == nil {
			continue
		}
		of[index(s.After)].take(s, *answer)
		if s.After {
			c.Rounds += s.Rounds
		}
		if answer.Verdict.Shows() && answer.Rate.Failures == 0 {
			c.Unit = Runs
		}
	}
	before, after := of[0].in(c.Unit), of[1].in(c.Unit)
	c.Before, c.After = verdict.RateOf(before.K, before.N), verdict.RateOf(after.K, after.N)
	c.P, _, _ = stats.Fisher(before, after)
	if before.K > 0 {
		c.Needed = stats.Trials(stats.Least(before.K, before.N, 1-risk/2), risk/2)
	}
	if of[0].shown > 0 {
		of[0].unclear = "" // that it shows is known all the same
	}
	c.State, c.Reason = c.state(of[0].unclear, of[1].unclear)
	return c
}

func index(after bool) int {
	if after {
		return 1
	}
	return 0
}

// answer is what the step says of a case, nil if it was not asked.
func (s Step) answer(name string) *verdict.Case {
	for _, r := range s.Results {
		if i := slices.IndexFunc(r.Cases, func(c verdict.Case) bool { return c.Name == name }); i >= 0 {
			return &r.Cases[i]
		}
	}
	return nil
}

// take adds a run. The trials of one without an answer count nowhere.
func (c *count) take(s Step, answer verdict.Case) {
	if !answer.Verdict.Clear() {
		c.unclear = cmp.Or(c.unclear, fmt.Sprintf("%s: %s: %s", s.Name(), answer.Verdict, answer.Reason))
		return
	}
	c.runs++
	c.trials += answer.Rate.Trials
	c.failures += answer.Rate.Failures
	if answer.Verdict.Shows() {
		c.shown++
	}
}

func (c count) in(unit string) stats.Counts {
	if unit == Runs {
		return stats.Counts{K: c.shown, N: c.runs}
	}
	return stats.Counts{K: c.failures, N: c.trials}
}

// state says how far the question is answered; the arguments are why a run of
// either kernel did not answer it.
func (c Case) state(before, after string) (State, string) {
	switch {
	case c.After.Failures > 0:
		return Kept, fmt.Sprintf("%s shows after the patch: %s", c.Name, c.reach(c.After))
	case before != "":
		return Unclear, fmt.Sprintf("%s is not answered before the patch: %s", c.Name, before)
	case after != "":
		return Unclear, fmt.Sprintf("%s is not answered after the patch: %s", c.Name, after)
	case c.Before.Trials == 0:
		return Unseen, c.Name + " was not asked for"
	case c.Before.Failures == 0:
		return Unseen, fmt.Sprintf("%s does not show before the patch: %s", c.Name, c.reach(c.Before))
	case c.After.Trials < c.Needed || c.P >= risk:
		return Short, fmt.Sprintf("%s: %s before the patch, %s after: %s more are needed there to tell",
			c.Name, c.reach(c.Before), c.reach(c.After), report.Thousands(c.missing()))
	}
	return Gone, fmt.Sprintf("%s is gone: %s before the patch, %s after", c.Name, ratio(c.Before), ratio(c.After))
}

// missing is how many more trials are needed after the patch; at least one.
func (c Case) missing() int { return max(1, c.Needed-c.After.Trials) }

// More is how many rounds of its specs the case should have next on each
// kernel, 0 if they would not change the answer. It grows by doubling, as the
// rate before is known the better the more of them there are.
func (c Case) More() int {
	switch {
	case c.Unit == Runs && (c.State == Unseen || c.State == Short):
		return 1
	case c.State == Unseen:
		return max(1, c.Rounds)
	case c.State == Short:
		each := float64(c.After.Trials) / float64(max(1, c.Rounds))
		return int(max(1, min(math.Ceil(float64(c.missing())/max(1, each)), float64(c.Rounds))))
	case c.State == Unclear && c.Rounds < sure:
		return 1 // once more tells a fault of the kernel from an accident
	}
	return 0
}

// reach is a rate with its unit and exact 95 % bounds.
func (c Case) reach(r verdict.Rate) string { return inUnit(report.Reach(r), c.Unit) }
