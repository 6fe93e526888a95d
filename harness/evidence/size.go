package evidence

import (
	"math"
	"os"
	"strconv"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// Sizes of a run.
const (
	Quick   = "quick"   // finds a fault that strikes one connection in 50
	Default = "default" // one in 500
	Soak    = "soak"    // one in 20,000
)

// Size is the size asked for by event.EnvSize.
func Size() string {
	switch s := os.Getenv(event.EnvSize); s {
	case Quick, Soak:
		return s
	}
	return Default
}

// Churn is how many connections a churning spec of this size makes: enough to
// see a fault of the size's rate with 99 % probability.
func Churn() int {
	rate := map[string]float64{Quick: 1.0 / 50, Default: 1.0 / 500, Soak: 1.0 / 20000}[Size()]
	return TrialsFor(rate, 0.99)
}

// TrialsFor is the least n for which a fault that strikes each trial with
// probability p shows at least once with probability confidence: 1-(1-p)^n >= confidence.
func TrialsFor(p, confidence float64) int {
	return int(math.Ceil(math.Log(1-confidence) / math.Log(1-p)))
}

// Stretch lengthens a deadline by the guest's slowness (event.EnvSlow): what
// takes a millisecond on hardware takes tens under emulation. Only deadlines
// are stretched, never a measured limit.
func Stretch(d time.Duration) time.Duration {
	f, err := strconv.ParseFloat(os.Getenv(event.EnvSlow), 64)
	if err != nil || f < 1 {
		f = 1
	}
	return time.Duration(float64(d) * f)
}
