package sockmap

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// Between handshake and close an accelerated connection shows nothing to a
// capture: the payload goes from socket to socket.
var _ = Describe("payload bypass", Label("bypass"), func() {
	It("shows no data segment on the pod's device, and none in segs_out and segs_in", func() {
		b := newBench(cilium)
		server := b.serve()
		capture, err := pod1().Capture()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(capture.Close)
		conns := b.dial(tries)
		for i, c := range conns {
			o := c.Get(i)
			b.Trials(1)
			Expect(l.Judge(b.Tally, o, observe.BPF)).To(Succeed())
			b.judgeSegments(o)
		}
		segments, err := capture.Stop()
		Expect(err).NotTo(HaveOccurred())
		b.judgeCapture(segments)
		Expect(server.Close()).To(Succeed())
		b.finish()
	})

	It("shows the payload of the ordinary path: the capture works", func() {
		b := newBench(cilium)
		server := b.serve()
		capture, err := pod1().Capture()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(capture.Close)
		Expect(b.prober(remote()).Churn(tries, portOf, func(o probe.Outcome) {
			b.Trials(1)
			Expect(l.Judge(b.Tally, o, observe.TCP)).To(Succeed())
			Expect(o.After.BytesReceived).To(BeNumerically(">", 50), "%s", o)
		})).To(Succeed())
		segments, err := capture.Stop()
		Expect(err).NotTo(HaveOccurred())
		data := 0
		for _, s := range segments {
			if s.Payload > 0 {
				data++
			}
		}
		Expect(data).To(BeNumerically(">=", 2*tries), "data segments of %d requests and answers", tries)
		Expect(server.Close()).To(Succeed())
		b.finish()
	})
})

// judgeSegments checks the client's TCP_INFO: SYN and ACK out and SYN-ACK in
// after the handshake; FIN in and its ACK out at the end of the stream. One
// byte acknowledged and received are SYN and FIN.
func (b *bench) judgeSegments(o probe.Outcome) {
	if o.Before.SegsOut != 2 || o.Before.SegsIn != 1 {
		b.Found(o.Trial, event.Bypassed, "after the handshake: %s, not segs_out 2 segs_in 1", o.Before)
	}
	if o.After.BytesAcked > 1 || o.After.BytesReceived > 1 || o.After.SegsOut > 3 || o.After.SegsIn > 2 {
		b.Found(o.Trial, event.Bypassed, "payload went through the stack: before %s, after %s", o.Before, o.After)
	}
}

func (b *bench) judgeCapture(segments []netlab.Segment) {
	GinkgoHelper()
	handshakes := 0
	for _, s := range segments {
		if s.Flags&netlab.SYN != 0 {
			handshakes++
		}
		if s.Payload > 0 {
			b.Found(int(s.Src.Port()), event.Bypassed, "data segment of %d bytes on eth0 of pod1: %s > %s", s.Payload, s.Src, s.Dst)
		}
	}
	Expect(handshakes).To(BeNumerically(">=", 2*tries), "SYN and SYN-ACK segments captured")
}
