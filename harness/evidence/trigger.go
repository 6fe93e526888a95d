package evidence

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"

	"github.com/onsi/ginkgo/v2"

	"github.com/krepro/krepro/harness/event"
)

// dice fall as Ginkgo's seed has it, which the suite's first record tells.
var dice = sync.OnceValue(func() *rand.Rand {
	return rand.New(rand.NewPCG(uint64(ginkgo.GinkgoRandomSeed()), 0))
})

// Strikes says in how many of n trials a spec pulls its trigger: in all, or,
// where event.EnvTrigger gives a share, in each with that chance.
func Strikes(n int) int {
	share, err := strconv.ParseFloat(os.Getenv(event.EnvTrigger), 64)
	if err != nil || share >= 1 {
		return n
	}
	strikes := 0
	for range n {
		if dice().Float64() < share {
			strikes++
		}
	}
	return strikes
}
