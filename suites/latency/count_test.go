package latency

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

var _ = Describe("tcp_sendmsg", Label("count", "needs:kprobe"), func() {
	It("is counted once for each write, on every connection", func() {
		pairs := dial(8)
		traced(func() { busy(pairs, exchanges()) })
		t := evidence.NewTally().Watch()
		count(t, pairs)
		t.Submit()
	})

	// The count can tell: calls that nobody saw are missing from it, one by one.
	It("is not counted while nobody traces", func() {
		const unseen = 7
		pairs := dial(2)
		traced(func() { busy(pairs, 5) })
		busy(pairs, unseen)
		traced(func() { busy(pairs, 5) })
		t := evidence.NewTally()
		count(t, pairs)
		Expect(t.Count(event.Miscounted)).To(Equal(4), "each direction of two connections is told to be miscounted")
		for _, p := range pairs {
			for _, d := range p.directions() {
				Expect(d.seen(ways()).Sends).To(Equal(d.writes-unseen), d.String())
			}
		}
		evidence.NewTally().Watch().Trials(4 * unseen)
	})
})

// count holds the tracer's counts against the workload's own; a write is a trial.
func count(t *evidence.Tally, pairs []*pair) {
	GinkgoHelper()
	seen := ways()
	missed, err := tracer.Missed()
	Expect(err).NotTo(HaveOccurred())
	trial := 0
	for _, p := range pairs {
		for _, d := range p.directions() {
			t.Trials(int(d.writes))
			if got := d.seen(seen).Sends; got != d.writes {
				t.Found(trial, event.Miscounted, "%s: %d calls of tcp_sendmsg, %d writes; the tracer knows of %d that it missed",
					d, got, d.writes, missed)
			}
			trial += int(d.writes)
		}
	}
}
