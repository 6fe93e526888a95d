package path

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/traceroute"
)

// silence is how long a hop is waited for that is known to give no answer.
const silence = 300 * time.Millisecond

// A router may answer a packet whose TTL runs out by FRAG_NEEDED. The kernel
// takes that for news of the path's MTU: a socket in SYN_SENT learns it and goes
// on waiting. Tracers that print "no route to host" or stop there do so by
// themselves.
var _ = Describe("hop that answers by FRAG_NEEDED in place of TIME_EXCEEDED", func() {
	DescribeTable("is silent to a TCP socket, which stays in SYN_SENT and learns the MTU; tracing goes on past it:",
		func(mtu uint16) {
			t, watch := evidence.NewTally().Watch(), newWatch()
			respond(mtu)
			for trial := range trials() {
				Expect(lab.Source.FlushRoutes()).To(Succeed())
				p := traceroute.Probe{Protocol: traceroute.TCP, To: to(listening), TTL: 1, Source: firstPort + uint16(trial)}
				first, err := p.Send(lab.Source)
				Expect(err).NotTo(HaveOccurred())
				from, got, err := watch.FragNeeded(p.Source, evidence.Stretch(timeout))
				Expect(err).NotTo(HaveOccurred(), "on the wire")
				Expect(from).To(Equal(lab.First.V4))
				Expect(got).To(Equal(int(mtu)))

				rest := []traceroute.Answer{{}}
				for ttl := 2; ttl <= 4; ttl++ {
					rest = append(rest, do(traceroute.Probe{Protocol: traceroute.TCP, To: to(listening), TTL: ttl}))
				}
				judgeRest(t, trial, rest)
				judgeWaiting(t, trial, first, min(deviceMTU, int(mtu)))
				Expect(first.Close()).To(Succeed())
				t.Trials(1)
			}
			t.Submit()
		},
		Entry("MTU 1400", uint16(1400)),
		Entry("MTU 9000, as in the article, longer than the link's", uint16(9000)),
	)

	It("is seen by a UDP socket, as EMSGSIZE: control", Label("control"), func() {
		t := evidence.NewTally().Watch()
		respond(1400)
		for trial := range trials() {
			Expect(lab.Source.FlushRoutes()).To(Succeed())
			a := do(traceroute.Probe{Protocol: traceroute.UDP, To: to(refused), TTL: 1})
			if a.From != lab.First.V4 || a.Type != traceroute.TypeUnreachable || a.Code != traceroute.CodeFragNeeded ||
				a.Errno != unix.EMSGSIZE || a.MTU != 1400 {
				t.Found(trial, event.Changed, "TTL 1: %s, MTU %d; want %s: ICMP type 3 code 4, EMSGSIZE, MTU 1400", a, a.MTU, lab.First.V4)
			}
			t.Trials(1)
		}
		t.Submit()
	})

	It("ends a TCP socket if it answers by TIME_EXCEEDED: control", Label("control"), func() {
		t := evidence.NewTally().Watch()
		s, err := traceroute.Probe{Protocol: traceroute.TCP, To: to(listening), TTL: 1}.Send(lab.Source)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		found := evidence.NewTally()
		waitForError(s)
		judgeWaiting(found, 0, s, deviceMTU)
		Expect(found.Count(event.Changed)).To(Equal(1), "no longer in SYN_SENT: %s", found.Summary())
		t.Trials(1)
		t.Submit()
	})
})

// judgeRest finds a trace that did not go on past its first hop.
func judgeRest(t *evidence.Tally, trial int, answers []traceroute.Answer) {
	for i, router := range []*netlab.Host{lab.Upper, lab.Third} {
		if a := answers[i+1]; a.From != router.V4 || a.Type != traceroute.TypeTimeExceeded {
			t.Found(trial, event.Changed, "TTL %d: %s; want TIME_EXCEEDED of %s", i+2, a, router.V4)
		}
	}
	if last := answers[3]; !last.Arrived {
		t.Found(trial, event.Unseen, "TTL 4: %s; want the target", last)
	}
}

// judgeWaiting finds a socket that does not wait in SYN_SENT, without an error
// and with this MTU.
func judgeWaiting(t *evidence.Tally, trial int, s *traceroute.Socket, mtu int) {
	GinkgoHelper()
	state, err := s.State()
	Expect(err).NotTo(HaveOccurred())
	if state != "SYN_SENT" {
		t.Found(trial, event.Changed, "the socket is in %s, want SYN_SENT", state)
		return
	}
	a, err := s.Await(0)
	Expect(err).NotTo(HaveOccurred())
	if !a.Silent() {
		t.Found(trial, event.Changed, "the socket has %s, want nothing", a)
	}
	pending, err := s.Pending()
	Expect(err).NotTo(HaveOccurred())
	if pending != 0 {
		t.Found(trial, event.Changed, "SO_ERROR is %s, want none", unix.ErrnoName(pending))
	}
	got, err := s.MTU()
	Expect(err).NotTo(HaveOccurred())
	if got != mtu {
		t.Found(trial, event.Changed, "IP_MTU is %d, want %d", got, mtu)
	}
}

// waitForError waits until a socket has left SYN_SENT.
func waitForError(s *traceroute.Socket) {
	GinkgoHelper()
	a, err := s.Await(evidence.Stretch(timeout))
	Expect(err).NotTo(HaveOccurred())
	Expect(a.Silent()).To(BeFalse())
}

// respond has the first hop answer by FRAG_NEEDED until the spec ends.
func respond(mtu uint16) {
	GinkgoHelper()
	r, err := traceroute.FragNeeded(lab.First, mtu)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(r.Close)
}

func newWatch() *traceroute.Watch {
	GinkgoHelper()
	w, err := traceroute.NewWatch(lab.Source)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Close)
	return w
}
