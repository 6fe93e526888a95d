// Package stats has the exact statistics that verdicts, bisections and
// comparisons rest on: intervals of a rate, trials that a claim needs, and
// Fisher's test of two rates. Trials are taken as independent. It is pure.
package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Interval is the exact two-sided interval (Clopper–Pearson 1934) for the
// chance of a failure per trial after k failures in n trials. With no trial
// nothing is known: 0 to 1.
func Interval(k, n int, confidence float64) (low, high float64) {
	alpha := 1 - confidence
	return Least(k, n, 1-alpha/2), Most(k, n, 1-alpha/2)
}

// Least is the exact one-sided lower bound: below it, k failures or more in n
// trials would have had a chance of less than 1-confidence.
func Least(k, n int, confidence float64) float64 {
	switch {
	case k <= 0 || n <= 0:
		return 0
	case k >= n:
		return math.Pow(1-confidence, 1/float64(n))
	}
	return distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(1 - confidence)
}

// Most is the exact one-sided upper bound.
func Most(k, n int, confidence float64) float64 {
	switch {
	case n <= 0 || k >= n:
		return 1
	case k <= 0:
		return -math.Expm1(math.Log(1-confidence) / float64(n))
	}
	return distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(confidence)
}

// Trials is the least n for which a fault that strikes each trial with chance p
// is missed in all of them with a chance of at most risk: (1-p)^n <= risk.
func Trials(p, risk float64) int {
	switch {
	case p >= 1 || risk >= 1:
		return 1
	case p <= 0 || risk <= 0:
		return math.MaxInt32
	}
	return int(max(1, math.Ceil(math.Log(risk)/math.Log1p(-p)-1e-9)))
}

// Missed is the chance that a fault that strikes each trial with chance p shows
// in none of n: (1-p)^n.
func Missed(p float64, n int) float64 { return math.Pow(1-p, float64(n)) }
