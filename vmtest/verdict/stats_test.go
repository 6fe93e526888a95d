package verdict

import (
	"math"
	"testing"
)

// Expected values are from the closed forms where there are any, otherwise from
// the published Clopper–Pearson tables.
func TestRateOf(t *testing.T) {
	tests := []struct {
		k, n      int
		low, high float64
	}{
		{0, 0, 0, 1},
		{0, 1, 0, 0.95},
		{0, 59, 0, 0.049508},   // ln .05 / ln .95 = 58.4: 59 trials tell a rate of 5 %
		{0, 299, 0, 0.009969},  // and 299 one of 1 %
		{0, 2310, 0, 0.001296}, // below 0.13 %
		{50, 50, 0.928878, 1},
		{1, 10, 0.002529, 0.445016},
		{5, 10, 0.187086, 0.812914},
		{2, 1000, 0.000242, 0.007206},
	}
	for _, test := range tests {
		got := RateOf(test.k, test.n)
		if math.Abs(got.Low-test.low) > 6e-6 || math.Abs(got.High-test.high) > 6e-6 {
			t.Errorf("RateOf(%d, %d) = %.6f to %.6f, want %.6f to %.6f", test.k, test.n, got.Low, got.High, test.low, test.high)
		}
	}
}

// The bounds hold the observed rate between them, and more trials never widen them.
func TestRateOfNarrows(t *testing.T) {
	last := 2.0
	for _, n := range []int{4, 40, 400, 4000} {
		r := RateOf(n/4, n)
		if r.Low >= 0.25 || r.High <= 0.25 {
			t.Errorf("%d of %d: %.4f to %.4f does not hold the rate 0.25", n/4, n, r.Low, r.High)
		}
		if width := r.High - r.Low; width >= last {
			t.Errorf("%d trials: width %.4f, not below %.4f", n, width, last)
		} else {
			last = width
		}
	}
}

// The bounds are those of the binomial distribution itself, summed term by term:
// at the low bound k or more is as rare as 2.5 %, at the high bound k or fewer is.
func TestRateOfAgainstBinomial(t *testing.T) {
	for _, test := range [][2]int{{1, 10}, {3, 7}, {17, 50}, {499, 500}, {1, 60000}, {250, 60000}} {
		k, n := test[0], test[1]
		r := RateOf(k, n)
		if p := 1 - atMost(k-1, n, r.Low); math.Abs(p-0.025) > 2e-4 {
			t.Errorf("%d of %d: %d or more at the low bound %g has chance %.5f, want 0.025", k, n, k, r.Low, p)
		}
		if p := atMost(k, n, r.High); math.Abs(p-0.025) > 2e-4 {
			t.Errorf("%d of %d: %d or fewer at the high bound %g has chance %.5f, want 0.025", k, n, k, r.High, p)
		}
	}
}

// atMost is the chance of at most k failures in n trials of chance p each.
func atMost(k, n int, p float64) float64 {
	sum := 0.0
	for i := range k + 1 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

// Counts that no run can have still end, within bounds.
func TestRateOfAbsurd(t *testing.T) {
	for _, test := range [][2]int{{-1, 5}, {5, -1}, {9, 3}, {1 << 61, 1 << 62}, {3, math.MaxInt}} {
		r := RateOf(test[0], test[1])
		if !(r.Low >= 0 && r.High <= 1 && r.Low <= r.High) {
			t.Errorf("RateOf(%d, %d) = %v to %v", test[0], test[1], r.Low, r.High)
		}
	}
}
