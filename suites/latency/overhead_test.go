package latency

import (
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// What the tracer costs an exchange, two writes and two reads. Rounds with it
// and without it take turns, so that a machine that changes its pace is the same
// to both. No verdict hangs on the figures; that the traced rounds were traced
// does.
var _ = Describe("the tracer's overhead", Label("cost", "needs:kprobe"), func() {
	It("is shown", func() {
		const rounds = 9
		p := dial(1)[0]
		Expect(p.exchange(20)).To(Succeed()) // caches, and TCP's slow start
		p.clientWrites, p.serverWrites = 0, 0
		each := exchanges()
		var off, on []time.Duration
		for range rounds {
			off = append(off, perExchange(p, each))
			p.clientWrites, p.serverWrites = p.clientWrites-uint64(each), p.serverWrites-uint64(each)
			traced(func() { on = append(on, perExchange(p, each)) })
		}
		bare, with := median(off), median(on)
		text := fmt.Sprintf("without the tracer  %6d ns\nwith it             %6d ns, %+d ns\n", bare, with, with-bare)
		Expect(evidence.Figures("an exchange of two messages, median of 9 rounds", text, []event.Figure{
			{Name: "without the tracer", Value: float64(bare), Unit: "ns"}, {Name: "with it", Value: float64(with), Unit: "ns"},
		})).To(Succeed())
		t := evidence.NewTally().Watch()
		count(t, []*pair{p})
		t.Submit()
	})
})

func perExchange(p *pair, n int) time.Duration {
	GinkgoHelper()
	began := time.Now()
	Expect(p.exchange(n)).To(Succeed())
	return time.Since(began) / time.Duration(n)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
