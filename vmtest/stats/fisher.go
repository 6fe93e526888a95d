package stats

import "math"

// Counts are k failures in n trials.
type Counts struct{ K, N int }

// Fisher is the exact test (Fisher 1935) of whether two kernels have the same
// rate: less is the chance of b's failures being as few as they are or fewer,
// given all failures and both numbers of trials, if the rates are one; greater
// that of as many or more; both of any table as unlikely or more so.
func Fisher(a, b Counts) (less, greater, both float64) {
	fails, all := a.K+b.K, a.N+b.N
	lowest, highest := max(0, fails-a.N), min(fails, b.N)
	seen := hypergeometric(b.K, b.N, fails, all)
	for k := lowest; k <= highest; k++ {
		p := hypergeometric(k, b.N, fails, all)
		if k <= b.K {
			less += p
		}
		if k >= b.K {
			greater += p
		}
		if p <= seen*(1+1e-7) { // tables alike differ by what Lgamma is off, up to 3e-9 at a million trials
			both += p
		}
	}
	return min(1, less), min(1, greater), min(1, both)
}

// hypergeometric is the chance that of fails failures among all trials exactly
// k fall to a part of n trials.
func hypergeometric(k, n, fails, all int) float64 {
	return math.Exp(logChoose(n, k) + logChoose(all-n, fails-k) - logChoose(all, fails))
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
