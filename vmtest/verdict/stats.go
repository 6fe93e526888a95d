package verdict

import "math"

// confidence of every interval in a result.
const confidence = 0.95

// Rate is what k failures in n trials say of the chance of a failure per trial.
type Rate struct {
	Trials   int     `json:"trials"`
	Failures int     `json:"failures"`
	Low      float64 `json:"low"`  // exact 95 % bounds (Clopper–Pearson):
	High     float64 `json:"high"` // two-sided, but one-sided from above where nothing failed
}

// RateOf gives the exact bounds for k failures in n independent trials. With no
// trial at all nothing is known: 0 to 1.
func RateOf(k, n int) Rate {
	r := Rate{Trials: n, Failures: k, High: 1}
	alpha := (1 - confidence) / 2
	a, b := float64(k), float64(n-k)
	switch {
	case n <= 0 || k < 0:
	case k == 0:
		r.High = -math.Expm1(math.Log(1-confidence) / float64(n))
	case k >= n:
		r.Low = math.Pow(alpha, 1/float64(n))
	default:
		r.Low = quantile(alpha, a, b+1)
		r.High = quantile(1-alpha, a+1, b)
	}
	r.Low, r.High = round(r.Low), round(r.High)
	return r
}

// round keeps nine decimals: the same figure on every machine, whatever its
// library's last bits.
func round(p float64) float64 { return math.Round(p*1e9) / 1e9 }

// quantile is the x at which the beta distribution of a and b reaches p, by bisection.
func quantile(p, a, b float64) float64 {
	low, high := 0.0, 1.0
	for range 60 { // 2^-60 is finer than what round keeps
		if mid := (low + high) / 2; beta(mid, a, b) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// beta is the regularised incomplete beta function for 0 < x < 1, by its
// continued fraction (DLMF 8.17.22), which converges fast below the mean;
// above it the symmetric one does.
func beta(x, a, b float64) float64 {
	if x > (a+1)/(a+b+2) {
		return 1 - beta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	return front / fraction(x, a, b)
}

// fraction evaluates 1 + d1/(1 + d2/(1 + …)) from the front (modified Lentz).
func fraction(x, a, b float64) float64 {
	const tiny, enough, most = 1e-300, 1e-15, 10_000
	f, c, d := 1.0, 1.0, 0.0
	for i := 1; i <= most; i++ {
		m := float64(i / 2)
		term := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		if i%2 == 1 {
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		d = 1 / nonzero(1+term*d, tiny)
		c = nonzero(1+term/c, tiny)
		f *= c * d
		if math.Abs(c*d-1) < enough {
			break
		}
	}
	return f
}

func nonzero(x, tiny float64) float64 {
	if x == 0 {
		return tiny
	}
	return x
}
