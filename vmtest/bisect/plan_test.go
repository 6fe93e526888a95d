package bisect

import (
	"math"
	"testing"
)

// The plans of bugs that strike always, often and rarely.
func TestPlan(t *testing.T) {
	tests := []struct {
		k, n, candidates int
		rate             float64
		steps, need      int
	}{
		{200, 200, 26, 0.970486, 5, 2},
		{28, 600, 26, 0.025945, 5, 255},
		{3, 3, 26, 0.135721, 5, 46},
		{1, 1, 1, 0.0025, 0, 1955},
	}
	for _, test := range tests {
		p := newPlan(0.99, test.candidates, test.k, test.n)
		if math.Abs(p.Rate-test.rate) > 1e-5 || p.Steps != test.steps || p.Need != test.need {
			t.Errorf("%d of %d: rate %.6f, %d steps, need %d", test.k, test.n, p.Rate, p.Steps, p.Need)
		}
	}
}

// Good answers share what is left of the risk, however many there are.
func TestSpent(t *testing.T) {
	p := newPlan(0.99, 1000, 30, 600)
	var steps []Step
	for i := range 30 {
		need := p.need(p.spent(steps), 10)
		steps = append(steps, Step{Kernel: Kernel{ID: string(rune('a' + i))}, Trials: need, Answer: Good})
	}
	if got := p.sure(steps); got < 0.99 || got > 0.9925 {
		t.Errorf("confidence %v, want 0.99 and not much more", got)
	}
	bad := append(steps, Step{Kernel: Kernel{ID: "bad"}, Trials: 1, Failures: 1, Answer: Bad})
	if math.Abs(p.spent(bad)-p.spent(steps)) > 1e-12 {
		t.Error("a bad answer costs")
	}
	again := append(steps, Step{Kernel: Kernel{ID: "a"}, Trials: 500, Answer: Good})
	if p.spent(again) >= p.spent(steps) {
		t.Error("more trials of the same kernel make it no surer")
	}
}

func TestHalvings(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 26: 5, 1024: 10, 1025: 11} {
		if got := halvings(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}
