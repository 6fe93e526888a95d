package stats

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-4*math.Max(want, 1e-3) {
		t.Errorf("%s: %.8f, want %.8f", what, got, want)
	}
}

// Against R's binom.test(k, n)$conf.int.
func TestInterval(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{5, 100, 0.01643188, 0.11283491},
		{50, 100, 0.3983211, 0.6016789},
		{1, 10, 0.002528579, 0.4450161},
		{10, 10, 0.6915029, 1},
		{0, 10, 0, 0.3084971},
		{0, 0, 0, 1},
	} {
		low, high := Interval(c.k, c.n, 0.95)
		near(t, "low", low, c.low)
		near(t, "high", high, c.high)
	}
}

// One-sided: 0 of n is the rule of three; 3 of 3 is 0.05^(1/3).
func TestBounds(t *testing.T) {
	near(t, "0 of 2,000", Most(0, 2000, 0.95), 0.001496746)
	near(t, "3 of 3", Least(3, 3, 0.95), 0.3684031)
	near(t, "nothing failed", Least(0, 50, 0.95), 0)
	near(t, "everything failed", Most(50, 50, 0.95), 1)
}

// The figures that stand in every table of trials for a miss of at most 5 %.
func TestTrials(t *testing.T) {
	for p, want := range map[float64]int{0.1: 29, 0.05: 59, 0.01: 299, 1: 1} {
		if got := Trials(p, 0.05); got != want {
			t.Errorf("p = %v: %d trials, want %d", p, got, want)
		}
		if Missed(p, want) > 0.05 || want > 1 && Missed(p, want-1) <= 0.05 {
			t.Errorf("p = %v: %d is not the least", p, want)
		}
	}
	if got := Trials(0, 0.05); got != math.MaxInt32 {
		t.Errorf("a fault that never strikes: %d trials", got)
	}
}

// Fisher's own: a lady tells 3 of 4 cups right. The rest by fractions.
func TestFisher(t *testing.T) {
	less, greater, both := Fisher(Counts{1, 4}, Counts{3, 4})
	near(t, "tea, greater", greater, 0.2428571)
	near(t, "tea, less", less, 0.9857143)
	near(t, "tea, both", both, 0.4857143)

	less, greater, both = Fisher(Counts{50, 50}, Counts{0, 50})
	near(t, "fixed, greater", greater, 1)
	if less > 1e-28 || both > 1e-28 {
		t.Errorf("fixed: less %v, both %v", less, both)
	}
	_, _, both = Fisher(Counts{5, 100}, Counts{1, 100})
	near(t, "5 % against 1 %", both, 0.21164785) // by fractions
	less, greater, both = Fisher(Counts{0, 50}, Counts{0, 50})
	for _, p := range []float64{less, greater, both} {
		near(t, "alike", p, 1)
	}
}
