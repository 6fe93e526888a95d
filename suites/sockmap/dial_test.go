package sockmap

import (
	"net"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/dispatch"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/probe"
)

func (b *bench) listen() *net.TCPListener {
	GinkgoHelper()
	listener, err := probe.Listen(pod1(), b.v6, port)
	Expect(err).NotTo(HaveOccurred())
	return listener
}

// serve answers in pod1 until the returned server is closed.
func (b *bench) serve() *probe.Server {
	GinkgoHelper()
	return probe.Serve(b.listen())
}

// dial connects n trials from the node and waits until the sockops program has
// been called for both ends of each.
func (b *bench) dial(n int) []*probe.Conn {
	GinkgoHelper()
	before := updates()
	var conns []*probe.Conn
	p := b.prober(node())
	Expect(node().Do(func() error {
		for i := range n {
			c, err := p.Dial(portOf(i))
			if err != nil {
				return err
			}
			conns = append(conns, c)
		}
		return nil
	})).To(Succeed())
	Eventually(updates).WithTimeout(evidence.Stretch(2*time.Second)).Should(BeEquivalentTo(before+2*uint64(n)),
		"calls of the sockops program for %d connections", n)
	return conns
}

// updates is how many map updates have been tried.
func updates() uint64 {
	c, err := l.Accel.Counters()
	Expect(err).NotTo(HaveOccurred())
	return c.Inserted + c.Exists + c.Failed
}

func closeAll[C interface{ Close() error }](conns []C) {
	GinkgoHelper()
	for _, c := range conns {
		Expect(c.Close()).To(Succeed())
	}
}

// exchange asks over all connections at once and judges the outcomes.
//
// How long is never? A request without an answer is given up when it has waited
// a while and then the same server has answered others, asked later over the
// ordinary path: so it is not the guest that is slow.
func (b *bench) exchange(conns []*probe.Conn, server *probe.Server) {
	GinkgoHelper()
	outcomes := make([]probe.Outcome, len(conns))
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() { outcomes[i] = c.Get(i) })
	}
	answered := make(chan struct{})
	go func() { all.Wait(); close(answered) }()
	select {
	case <-answered:
	case <-time.After(evidence.Stretch(patience)):
		b.control()
		for _, c := range conns {
			c.GiveUp()
		}
		<-answered
	}
	for _, o := range outcomes {
		b.Trials(1)
		Expect(l.Judge(b.Tally, o, server.Cookie(o.Local), dispatch.BPF)).To(Succeed())
	}
}

const patience = 300 * time.Millisecond

// control makes three requests over the ordinary path, which must be answered.
func (b *bench) control() {
	GinkgoHelper()
	Expect(b.prober(remote()).Churn(3, func(int) uint16 { return 0 }, func(o probe.Outcome) {
		Expect(o.Class).To(Equal(probe.OK), "control over the ordinary path: %s", o)
	})).To(Succeed())
}
