package sockmap

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

// connect(AF_UNSPEC) neither closes a socket nor destroys it: it keeps its entry
// under the 4-tuple that it has left, and does not get another.
var _ = Describe("socket that was connected to AF_UNSPEC, and then to another server", Label("disconnect", "unfixed"), func() {
	It("reads nothing of the connection that has its first 4-tuple now", func() {
		b := newBench(cilium)
		b.disconnect()
		b.finish()
	})
})

// disconnect connects sockets to one server, dissolves that, connects them to
// another, and makes new connections over the first 4-tuples. What is sent to
// those must be read there.
func (b *bench) disconnect() {
	GinkgoHelper()
	began := event.Now()
	first := b.listen()
	second, err := probe.Listen(pod1(), false, port+1)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { second.Close() })

	moved := b.dial(few)
	left := accept(first, few)
	for _, c := range moved {
		Expect(probe.Disconnect(c)).To(Succeed())
	}
	awaitDead(left)
	closeAll(left)
	reconnect(moved, second)
	theirs := accept(second, few)

	heirs := b.dial(few)
	servers := accept(first, few)
	for i, s := range servers {
		b.Trials(1)
		text := fmt.Sprintf("for the heir of 4-tuple %d", i)
		Expect(s.Write([]byte(text))).To(Equal(len(text)))
		b.judgeReader(i, began, text, heirs[i], moved[i])
	}
	closeAll(heirs)
	closeAll(moved)
	closeAll(servers)
	closeAll(theirs)
	Expect(first.Close()).To(Succeed())
	Expect(second.Close()).To(Succeed())
}

// reconnect connects sockets to another listener, from the ports they are bound to.
func reconnect(conns []*probe.Conn, to *net.TCPListener) {
	GinkgoHelper()
	before, err := l.Updates()
	Expect(err).NotTo(HaveOccurred())
	at := addrOf(to)
	for _, c := range conns {
		err := onSocket(c, func(fd int) error {
			return unix.Connect(fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())})
		})
		Expect(errors.Is(err, unix.EINPROGRESS)).To(BeTrue(), "connect: %v", err)
	}
	Expect(l.AwaitUpdates(before + 2*uint64(len(conns)))).To(Succeed())
}

// judgeReader tells which of two sockets reads a text: the one it was sent to,
// or the one that has moved away.
func (b *bench) judgeReader(trial int, began float64, text string, heir, moved *probe.Conn) {
	GinkgoHelper()
	local, was := moved.Addrs()
	before := infoOf(moved)
	got := firstToRead(heir, moved)
	Expect(string(got.data)).To(Equal(text), "read by %s: %v", got.by.LocalAddr(), got.err)
	if got.by == net.Conn(heir) {
		return
	}
	now := netip.AddrPortFrom(was.Addr(), was.Port()+1)
	Expect(l.Judge(b.Tally, probe.Outcome{
		Trial: trial, From: node().Name, Local: local, Remote: now, Class: probe.Crossed,
		Err:   fmt.Errorf("%q was sent over the connection %s > %s", text, local, was),
		Began: began, Ended: event.Now(), Client: moved.Cookie, Before: before, After: infoOf(moved),
	}, observe.BPF)).To(Succeed())
}

func infoOf(c *probe.Conn) *event.TCPInfo {
	GinkgoHelper()
	info, err := probe.TCPInfo(c)
	Expect(err).NotTo(HaveOccurred())
	return &info
}

// arrival is what a connection has read.
type arrival struct {
	by   net.Conn
	data []byte
	err  error
}

// firstToRead waits until one of the connections reads something, and has the
// others give up.
func firstToRead(conns ...net.Conn) arrival {
	GinkgoHelper()
	arrivals := make(chan arrival, len(conns))
	for _, c := range conns {
		Expect(c.SetReadDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
		go func() {
			buf := make([]byte, 1024)
			n, err := c.Read(buf)
			arrivals <- arrival{c, buf[:n], err}
		}()
	}
	first := <-arrivals
	for _, c := range conns {
		Expect(c.SetReadDeadline(time.Now())).To(Succeed())
	}
	for range len(conns) - 1 {
		<-arrivals
	}
	return first
}
