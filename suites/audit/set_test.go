package audit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

var _ = Describe("an audit daemon whose socket is full", func() {
	It("does not hold up AUDIT_SET", func() {
		tally := evidence.NewTally().Watch()
		var took []time.Duration
		trialsOf(tally, func(i int, t trial) {
			took = append(took, t.set.took)
			if t.setStuck {
				tally.Found(i, event.Stuck, "AUDIT_SET did not return in %s; it did after the daemon's socket was read", limit())
				return
			}
			Expect(t.set.err).NotTo(HaveOccurred())
		})
		show("AUDIT_SET with a daemon whose socket is full", took)
		tally.Submit()
	})

	It("does not hold up another user's AUDIT_GET", func() {
		tally := evidence.NewTally().Watch()
		var took []time.Duration
		trialsOf(tally, func(i int, t trial) {
			took = append(took, t.get.took)
			if t.getStuck {
				tally.Found(i, event.Stuck, "while AUDIT_SET waits, AUDIT_GET was not answered in %s; it was after the daemon's socket was read", limit())
				return
			}
			Expect(t.get.err).NotTo(HaveOccurred())
		})
		show("AUDIT_GET beside it", took)
		tally.Submit()
	})

	It("is the daemon no longer when AUDIT_SET has returned", func() {
		tally := evidence.NewTally().Watch()
		trialsOf(tally, func(i int, _ trial) {
			c := open()
			defer c.Close()
			if s, err := c.Get(); err != nil || s.Pid != 0 {
				tally.Found(i, event.Changed, "after AUDIT_SET of pid 0 the daemon is %d, %v", s.Pid, err)
			}
		})
		tally.Submit()
	})
})

var _ = Describe("an audit daemon whose socket has room", func() {
	It("resigns by the same requests", func() {
		t := evidence.NewTally().Watch()
		var took []time.Duration
		for i := range trials() {
			d, admin := open(), open()
			daemon(d)
			set := resign(admin)
			t.Trials(1)
			if !set.within(limit()) {
				t.Found(i, event.Stuck, "AUDIT_SET did not return in %s", limit())
			}
			_, err := d.Drain()
			Expect(err).NotTo(HaveOccurred())
			Eventually(set.ended, limit()).Should(BeClosed())
			Expect(set.err).NotTo(HaveOccurred())
			Expect(errors.Join(d.Close(), admin.Close())).To(Succeed())
			took = append(took, set.took)
		}
		show("AUDIT_SET with a daemon whose socket has room", took)
		t.Submit()
	})
})

// show streams the median of how long requests took.
func show(name string, took []time.Duration) {
	GinkgoHelper()
	if len(took) == 0 {
		return
	}
	median := slices.Sorted(slices.Values(took))[len(took)/2]
	Expect(evidence.Figures(name, fmt.Sprintf("%s, median of %d\n", median.Round(10*time.Microsecond), len(took)),
		[]event.Figure{{Name: "median", Value: float64(median), Unit: "ns"}})).To(Succeed())
}
