package verdict

import (
	"math"

	"github.com/krepro/krepro/vmtest/stats"
)

// confidence of every interval in a result.
const confidence = 0.95

// Rate is what k failures in n trials say of the chance of a failure per trial.
type Rate struct {
	Trials   int     `json:"trials"`
	Failures int     `json:"failures"`
	Low      float64 `json:"low"`  // exact 95 % bounds (Clopper–Pearson):
	High     float64 `json:"high"` // two-sided, but one-sided from above where nothing failed
}

// possible is more trials than any run has: a record that says more is damaged.
const possible = 1e12

// RateOf gives the exact bounds for k failures in n independent trials. With no
// trial at all, or counts that cannot be, nothing is known: 0 to 1.
func RateOf(k, n int) Rate {
	r := Rate{Trials: n, Failures: k, High: 1}
	switch {
	case n <= 0 || k < 0 || n > possible:
	case k == 0:
		r.High = stats.Most(0, n, confidence)
	default:
		r.Low, r.High = stats.Interval(min(k, n), n, confidence)
	}
	r.Low, r.High = round(r.Low), round(r.High)
	return r
}

// round keeps nine decimals: the same figure on every machine, whatever its
// library's last bits.
func round(p float64) float64 { return math.Round(p*1e9) / 1e9 }
