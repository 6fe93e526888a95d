package compare

import (
	"math/rand/v2"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// asked are steps of the case alone, one for each count of failures.
func asked(rounds int, n int, before, after []int) []Step {
	var steps []Step
	add := func(pair int, after bool, k int) {
		v := verdict.Unaffected
		if k > 0 {
			v = verdict.Affected
		}
		steps = append(steps, Step{Kind: OfCase, Pair: pair, After: after, Rounds: rounds, Results: []verdict.Result{answer(v, k, n)}})
	}
	for i := range before {
		add(i+1, false, before[i])
		add(i+1, true, after[i])
	}
	return steps
}

// The trials needed are by exact sums of binomials, not by this code.
func TestCaseStates(t *testing.T) {
	for _, test := range []struct {
		name   string
		steps  []Step
		state  State
		needed int
		more   int
	}{
		{"always, never", asked(1, 200, []int{200}, []int{0}), Gone, 2, 0},
		{"in 5 %, never", asked(1, 200, []int{10}, []int{0}), Short, 279, 1},
		{"in 2 %, never", asked(1, 200, []int{4}, []int{0}), Short, 1565, 1}, // doubled
		{"in 2 %, four rounds", asked(4, 200, []int{4}, []int{0}), Short, 1565, 4},
		{"in 5 %, twice", asked(1, 200, []int{10, 10}, []int{0, 0}), Gone, 200, 0},
		{"in 2 %, six times", asked(1, 200, []int{4, 4, 4, 4, 4, 4}, []int{0, 0, 0, 0, 0, 0}), Gone, 476, 0},
		{"never", asked(8, 200, []int{0}, []int{0}), Unseen, 0, 8},
		{"always, once", asked(1, 200, []int{200}, []int{1}), Kept, 2, 0},
		{"one of one", asked(1, 1, []int{1}, []int{0}), Short, 1058, 1},
	} {
		c := caseOf(bug, test.steps)
		if c.State != test.state || c.Needed != test.needed || c.More() != test.more {
			t.Errorf("%s: %s, %d needed, %d more (%s); want %s, %d, %d", test.name, c.State, c.Needed, c.More(), c.Reason, test.state, test.needed, test.more)
		}
	}
}

// A case that shows as a crash has runs for trials: those of its specs went
// down with the VM.
func TestCaseByRuns(t *testing.T) {
	crash := func(n int) []Step {
		var steps []Step
		for i := range n {
			steps = append(steps, Step{Kind: OfCase, Pair: i, Rounds: 1, Results: []verdict.Result{answer(verdict.Crash, 0, 3)}},
				Step{Kind: OfCase, Pair: i, Rounds: 1, After: true, Results: []verdict.Result{answer(verdict.Unaffected, 0, 200)}})
		}
		return steps
	}
	if c := caseOf(bug, crash(2)); c.State != Short || c.Unit != Runs || c.Before.Failures != 2 || c.More() != 1 {
		t.Errorf("after 2 runs: %+v", c)
	}
	if c := caseOf(bug, crash(8)); c.State != Gone { // 0.005^(1/8) = 0.516, ln 0.005 / ln 0.484 = 7.3
		t.Errorf("after 8 runs: %+v", c)
	}
}

// Where a run did not answer more follow, but not without end.
func TestCaseUnclear(t *testing.T) {
	steps := asked(1, 200, []int{200}, []int{0})
	steps[1].Results[0].Cases[0].Verdict = verdict.Broken
	if c := caseOf(bug, steps); c.State != Unclear || c.More() != 1 {
		t.Errorf("%+v", c)
	}
	steps = append(steps, asked(2, 200, []int{200}, []int{0})...)
	if c := caseOf(bug, steps); c.State != Unclear || c.More() != 0 {
		t.Errorf("%+v", c)
	}
}

// Before the patch a run without an answer among others that show the case does
// not matter, and its trials do not count.
func TestCaseUnclearBefore(t *testing.T) {
	steps := asked(1, 200, []int{200, 200}, []int{0, 0})
	steps[0].Results[0].Cases[0].Verdict = verdict.OtherFail
	if c := caseOf(bug, steps); c.State != Gone || c.Before.Trials != 200 {
		t.Errorf("%+v", c)
	}
	steps[2].Results[0].Cases[0].Verdict = verdict.OtherFail
	if c := caseOf(bug, steps); c.State != Unclear {
		t.Errorf("%+v", c)
	}
}

// A patch that does nothing is taken for a fix in less than 1 % of simulated
// comparisons, whatever the rate, as are spent the rounds that More asks for.
func TestRisk(t *testing.T) {
	const comparisons, each = 2000, 50
	dice := rand.New(rand.NewPCG(1, 2))
	failures := func(p float64, n int) (k int) {
		for range n {
			if dice.Float64() < p {
				k++
			}
		}
		return k
	}
	for _, p := range []float64{0.5, 0.1, 0.02} {
		wrong, answered := 0, 0
		for range comparisons {
			var steps []Step
			c := caseOf(bug, nil)
			for rounds := 1; rounds > 0 && c.Rounds < 200; rounds = c.More() {
				n := rounds * each
				steps = append(steps, asked(rounds, n, []int{failures(p, n)}, []int{failures(p, n)})...)
				c = caseOf(bug, steps)
			}
			if c.State == Gone {
				wrong++
			}
			if c.State == Gone || c.State == Kept {
				answered++
			}
		}
		t.Logf("p = %v: %d of %d wrong, %d answered", p, wrong, comparisons, answered)
		if float64(wrong) > risk*comparisons || answered < comparisons*9/10 {
			t.Errorf("p = %v: %d of %d wrong, %d answered", p, wrong, comparisons, answered)
		}
	}
}
