package sockmap

import (
	"net"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/probe"
)

const few = 3 // connections of a spec whose answer is the same for each

// A socket that is dead stays in the map as long as somebody holds its
// descriptor, or has not accepted it yet. No kernel takes it out before.
var _ = Describe("new connection over the 4-tuple of a dead socket that is still held", Label("held", "unfixed"), func() {
	for _, d := range deaths() {
		It("is served by its own socket: "+d.name, func() {
			b := newBench(cilium)
			b.succeed(d)
			b.finish()
		})
	}
})

// death is a way for connections to end whose server does not close them.
type death struct {
	name       string
	end        func(conns []*probe.Conn, servers []*net.TCPConn)
	unaccepted bool // the server accepts them later: it has no sockets yet
}

// resetByPeer is what a prober does that gives up.
var resetByPeer = death{name: "reset by its peer", end: func(conns []*probe.Conn, _ []*net.TCPConn) { resetAll(conns) }}

// deaths are those of the run's size.
func deaths() []death {
	if evidence.Size() == evidence.Quick {
		return []death{resetByPeer}
	}
	return []death{
		resetByPeer,
		{name: "reset by its peer before it was accepted", unaccepted: true, end: resetByPeer.end},
		{name: "shut down from both ends", end: func(conns []*probe.Conn, servers []*net.TCPConn) {
			for i, s := range servers {
				Expect(s.CloseWrite()).To(Succeed())
				Expect(readAll(conns[i])).To(BeEmpty())
			}
			closeAll(conns)
		}},
		{name: "ended by SOCK_DESTROY (ss -K)", end: func(conns []*probe.Conn, _ []*net.TCPConn) {
			for _, c := range conns {
				client, server := c.Addrs()
				Expect(destroy(server, client)).To(Succeed())
			}
			closeAll(conns)
		}},
	}
}

// succeed has connections end while the server holds on to its sockets, and
// exchanges requests over the same 4-tuples; nothing of that may be read on
// the old sockets.
func (b *bench) succeed(d death) {
	GinkgoHelper()
	listener := b.listen()
	held, fresh := b.outlive(d, listener)
	b.exchange(fresh)
	for i, s := range held {
		// The old client sent nothing, so there is nothing to read but an error.
		if got, _ := readSome(s); len(got) > 0 {
			b.Found(i, event.Crossed, "%d bytes sent over the new connection %s > %s were read on the dead socket that had its 4-tuple before: %.40q",
				len(got), s.RemoteAddr(), s.LocalAddr(), got)
		}
	}
	closeAll(held)
	Expect(b.server.Close()).To(Succeed())
}

// outlive makes connections that die in this way, held by the server, and then
// new ones over their 4-tuples.
func (b *bench) outlive(d death, listener *net.TCPListener) (held []*net.TCPConn, fresh []*probe.Conn) {
	GinkgoHelper()
	conns := b.dial(few)
	if d.unaccepted {
		d.end(conns, nil)
		for _, c := range conns {
			client, _ := c.Addrs()
			awaitUnlisted(client)
		}
		fresh, held = b.dial(few), accept(listener, few)
		b.server = probe.Serve(listener)
		return held, fresh
	}
	held = accept(listener, few)
	d.end(conns, held)
	awaitDead(held)
	b.server = probe.Serve(listener)
	return held, b.dial(few)
}

// awaitDead waits until every socket is in the state CLOSE.
func awaitDead(conns []*net.TCPConn) {
	GinkgoHelper()
	for _, c := range conns {
		Eventually(func() (string, error) {
			info, err := probe.TCPInfo(c)
			return info.State, err
		}).WithTimeout(evidence.Stretch(timeout)).WithPolling(time.Millisecond).Should(Equal("CLOSE"))
	}
}

// readSome reads what one call of read(2) gives.
func readSome(c net.Conn) ([]byte, error) {
	GinkgoHelper()
	Expect(c.SetReadDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	buf := make([]byte, 1024)
	n, err := c.Read(buf)
	return buf[:n], err
}
