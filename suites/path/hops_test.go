package path

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/traceroute"
)

var _ = DescribeTable("traceroute finds three hops by TIME_EXCEEDED, then the target:",
	func(protocol traceroute.Protocol, port uint16) {
		t := evidence.NewTally().Watch()
		for trial := range trials() {
			p := traceroute.Probe{Protocol: protocol, To: to(port)}
			answers, err := p.Trace(lab.Source, hops, evidence.Stretch(timeout))
			Expect(err).NotTo(HaveOccurred())
			judgeHops(t, trial, answers, lab.First, lab.Upper, lab.Third)
			t.Trials(1)
		}
		t.Submit()
	}, protocols)

// judgeHops finds answers that are not TIME_EXCEEDED of these routers, one after
// the other, and then the target's.
func judgeHops(t *evidence.Tally, trial int, answers []traceroute.Answer, routers ...*netlab.Host) {
	if want := len(routers) + 1; len(answers) != want {
		t.Found(trial, event.Changed, "%d hops, want %d: %v", len(answers), want, answers)
		return
	}
	for i, router := range routers {
		a := answers[i]
		if a.From != router.V4 || a.Type != traceroute.TypeTimeExceeded || a.Code != 0 || a.Errno != unix.EHOSTUNREACH {
			t.Found(trial, event.Changed, "TTL %d: %s; want %s: ICMP type 11 code 0, EHOSTUNREACH", i+1, a, router.V4)
		}
	}
	if last := answers[len(routers)]; !last.Arrived || last.From != lab.Target.V4 {
		t.Found(trial, event.Unseen, "TTL %d: %s; want the target, %s", len(answers), last, lab.Target.V4)
	}
}

var _ = Describe("negative control", Label("control"), func() {
	It("a hop that does not answer is silent, and is found", func() {
		Expect(lab.Upper.LimitICMP(1 << traceroute.TypeTimeExceeded)).To(Succeed())
		DeferCleanup(lab.Upper.LimitICMP, uint32(0))
		t, found := evidence.NewTally().Watch(), evidence.NewTally()
		p := traceroute.Probe{Protocol: traceroute.UDP, To: to(refused)}
		answers, err := p.Trace(lab.Source, hops, evidence.Stretch(silence))
		Expect(err).NotTo(HaveOccurred())
		judgeHops(found, 0, answers, lab.First, lab.Upper, lab.Third)
		Expect(found.Count(event.Changed)).To(Equal(1), "TTL 2: %s", found.Summary())
		Expect(answers[1].Silent()).To(BeTrue(), "TTL 2: %s", answers[1])
		t.Trials(1)
		t.Submit()
	})
})
