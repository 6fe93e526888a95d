package sockmap

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

const tries = 20

// The quick narrow-down: which paths work, and which handler serves each.
var _ = Describe("narrow-down", Label("narrow-down"), func() {
	It("ping from node to pod: the network works", func() {
		b := newBench(cilium)
		for range tries {
			b.Trials(1)
			Expect(node().Ping(pod1().V4, evidence.Stretch(timeout))).To(Succeed())
		}
		b.finish()
	})

	It("connect from node to pod: the handshake works", func() {
		b := newBench(cilium)
		listener := b.listen()
		conns := b.dial(tries)
		b.Trials(tries)
		for _, c := range conns {
			info, err := probe.TCPInfo(c)
			Expect(err).NotTo(HaveOccurred())
			Expect(info.State).To(Equal("ESTABLISHED"))
			server, err := listener.AcceptTCP()
			Expect(err).NotTo(HaveOccurred())
			Expect(server.Close()).To(Succeed())
		}
		closeAll(conns)
		Expect(listener.Close()).To(Succeed())
		b.finish()
	})

	DescribeTable("HTTP",
		func(from func() *netlab.Host, handler string) {
			b := newBench(cilium)
			server := b.serve()
			Expect(b.prober(from()).Churn(tries, portOf, func(o probe.Outcome) {
				b.Trials(1)
				Expect(l.Judge(b.Tally, o, handler)).To(Succeed())
			})).To(Succeed())
			Expect(server.Close()).To(Succeed())
			b.finish()
		},
		Entry("from a remote node to the pod: the ordinary path works", remote, observe.TCP),
		Entry("from pod to pod: the accelerated path works", pod2, observe.BPF),
		Entry("from node to pod: the accelerated path works", node, observe.BPF),
	)
})
