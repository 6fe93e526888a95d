package latency

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/latency"
)

var _ = Describe("latency from tcp_sendmsg to the read", Label("latency", "needs:kprobe"), func() {
	It("is measured once for each write", func() {
		pairs := dial(8)
		traced(func() { busy(pairs, exchanges()) })
		t := evidence.NewTally().Watch()
		var all latency.Histogram
		for _, p := range pairs {
			for _, d := range p.directions() {
				all = all.Add(measured(t, d).Took)
			}
		}
		Expect(draw("latency from tcp_sendmsg to the read, 8 connections at a time", all)).To(Succeed())
		t.Submit()
	})

	// Not by the number of reads: ten writes may be one read.
	It("is measured for writes that one read returned", func() {
		const writes = 10
		p := dial(1)[0]
		traced(func() {
			for range writes {
				Expect(p.ask()).To(Succeed())
			}
			Expect(read(p.server, writes)).To(Succeed())
		})
		t := evidence.NewTally().Watch()
		measured(t, p.directions()[0])
		t.Submit()
	})

	It("is no less than the reader took to come", func() {
		const late, rounds = 50 * time.Millisecond, 5
		pairs := dial(2)
		slow, prompt := pairs[0], pairs[1]
		traced(func() {
			for range rounds {
				Expect(slow.ask()).To(Succeed())
				time.Sleep(late)
				Expect(read(slow.server, 1)).To(Succeed())
				Expect(prompt.exchange(20)).To(Succeed())
			}
		})
		t := evidence.NewTally().Watch()
		waited := measured(t, slow.directions()[0]).Took
		if waited.Mean() < late {
			t.Found(0, event.Miscounted, "the reader came %s late, the mean latency is %s", late, waited.Mean())
		}
		if usual := measured(t, prompt.directions()[0]).Took; usual.Median() > waited.Least() {
			t.Found(0, event.Miscounted, "the prompt reader's median is below %s, the late reader's least above %s", usual.Median(), waited.Least())
		}
		t.Submit()
	})

	It("is not there before the read, and says of what it could not measure", func() {
		const writes, room = 20, 16
		p := dial(1)[0]
		way := p.directions()[0]
		traced(func() {
			for range writes {
				Expect(p.ask()).To(Succeed())
			}
			Expect(way.seen(ways())).To(And(HaveField("Sends", uint64(writes)), HaveField("Read", uint64(0)),
				HaveField("Unread", uint64(room)), HaveField("Overrun", uint64(writes-room))))
			Expect(read(p.server, writes)).To(Succeed())
		})
		Expect(way.seen(ways())).To(And(HaveField("Read", uint64(room)), HaveField("Unread", uint64(0))))
		evidence.NewTally().Watch().Trials(writes)
	})
})

// measured checks that every write of a direction was read and measured; a
// write is a trial.
func measured(t *evidence.Tally, d direction) latency.Way {
	GinkgoHelper()
	w := d.seen(ways())
	t.Trials(int(d.writes))
	if w.Read != d.writes || w.Unread != 0 || w.Overrun != 0 || w.Took.Count() != w.Read {
		t.Found(int(d.from.Port()), event.Miscounted, "%s: %d writes, all of them read; %d calls, of which %d read, %d unread, %d not measured, %d in the histogram",
			d, d.writes, w.Sends, w.Read, w.Unread, w.Overrun, w.Took.Count())
	}
	return w
}

// draw streams a histogram.
func draw(name string, h latency.Histogram) error {
	figures := []event.Figure{{Name: "count", Value: float64(h.Count()), Unit: "writes"}, {Name: "mean", Value: float64(h.Mean()), Unit: "ns"}}
	for i, n := range h.Slots {
		if n > 0 {
			figures = append(figures, event.Figure{Name: fmt.Sprintf("from %d ns", uint64(1)<<i), Value: float64(n), Unit: "writes"})
		}
	}
	return evidence.Figures(name, h.String(), figures)
}
