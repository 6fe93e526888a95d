package sockmap

import (
	"net"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// listen opens the server's port. A spec closes its listener itself; one that
// fails before that must not leave the port to the next.
func (b *bench) listen() *net.TCPListener {
	GinkgoHelper()
	listener, err := probe.Listen(pod1(), b.v6, port)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { listener.Close() })
	return listener
}

// serve answers in pod1 until the returned server is closed.
func (b *bench) serve() *probe.Server {
	GinkgoHelper()
	b.server = probe.Serve(b.listen())
	return b.server
}

// dial connects trials 0 to n-1.
func (b *bench) dial(n int) []*probe.Conn {
	GinkgoHelper()
	return b.dialFrom(0, n)
}

// dialFrom connects n trials from the node, the first of them this one, and
// waits until the sockops program has been called for both ends of each.
func (b *bench) dialFrom(first, n int) []*probe.Conn {
	GinkgoHelper()
	before, err := l.Updates()
	Expect(err).NotTo(HaveOccurred())
	var conns []*probe.Conn
	DeferCleanup(func() { drop(conns) })
	p := b.prober(node())
	Expect(node().Do(func() error {
		for i := range n {
			c, err := p.Dial(portOf(first + i))
			if err != nil {
				return err
			}
			conns = append(conns, c)
		}
		return nil
	})).To(Succeed())
	Expect(l.AwaitUpdates(before + 2*uint64(n))).To(Succeed())
	return conns
}

// drop closes what a failed spec left open; what is closed already, stays so.
func drop[C interface{ Close() error }](conns []C) {
	for _, c := range conns {
		c.Close()
	}
}

func closeAll[C interface{ Close() error }](conns []C) {
	GinkgoHelper()
	for _, c := range conns {
		Expect(c.Close()).To(Succeed())
	}
}

// exchange asks over all connections at once and judges the outcomes.
func (b *bench) exchange(conns []*probe.Conn) {
	GinkgoHelper()
	outcomes := make([]probe.Outcome, len(conns))
	var asked sync.WaitGroup
	for i, c := range conns {
		asked.Go(func() { outcomes[i] = c.Get(i) })
	}
	asked.Wait()
	for _, o := range outcomes {
		b.Trials(1)
		Expect(l.Judge(b.Tally, o, observe.BPF)).To(Succeed())
	}
}
