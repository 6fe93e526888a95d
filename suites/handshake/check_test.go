package handshake

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
)

// kind is how a client checks.
type kind struct {
	delayed bool // TCP_QUICKACK off: the last ACK of the handshake waits
	reset   bool // SO_LINGER 0: close sends RST
}

var (
	halfOpen = kind{delayed: true, reset: true} // what tcp-shaker does
	resets   = kind{reset: true}
	ordinary = kind{}
)

// bench is a backend that listens and accepts only when it is told to.
type bench struct {
	v6       bool
	listener *net.TCPListener
	capture  *netlab.Capture // on the backend's device
}

func newBench(v6 bool) *bench {
	GinkgoHelper()
	b := &bench{v6: v6}
	var err error
	b.listener, err = probe.Listen(lab.Server, v6, port)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(b.listener.Close)
	b.capture, err = lab.Server.Capture()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(b.capture.Close)
	return b
}

func (b *bench) server() netip.AddrPort { return netip.AddrPortFrom(lab.Server.Addr(b.v6), port) }

// client is the address of a client that has this port.
func (b *bench) client(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(lab.Client.Addr(b.v6), port)
}

// last is the source port given out last.
var last uint16 = firstPort

// fresh is a source port that nothing in this suite has used: some specs leave
// theirs in TIME_WAIT.
func fresh() uint16 {
	last++
	return last
}

// dial connects from a source port.
func (b *bench) dial(from uint16, k kind) (*net.TCPConn, error) {
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(b.client(from)),
		Timeout:   evidence.Stretch(timeout), KeepAlive: -1,
	}
	d.Control = func(_, _ string, raw syscall.RawConn) (err error) {
		if k.delayed {
			raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0) })
		}
		return err
	}
	var c net.Conn
	err := lab.Client.Do(func() (err error) {
		c, err = d.DialContext(context.Background(), "tcp", b.server().String())
		return err
	})
	if err != nil {
		return nil, err
	}
	tcp := c.(*net.TCPConn)
	if k.reset {
		err = tcp.SetLinger(0)
	}
	return tcp, err
}

// check is one health check that has ended.
type check struct {
	trial        int
	port         uint16
	began, ended time.Duration // CLOCK_BOOTTIME
}

// check connects and closes. It is not told of as prompt if it took so long
// that a delayed ACK may have gone out before the reset.
func (b *bench) check(from uint16, k kind) (c check, isPrompt bool, err error) {
	c = check{port: from, began: event.Uptime()}
	conn, err := b.dial(from, k)
	if err != nil {
		return c, true, err
	}
	if err := conn.Close(); err != nil {
		return c, true, fmt.Errorf("close health check: %w", err)
	}
	c.ended = event.Uptime()
	return c, c.ended-c.began < prompt, nil
}

// checks makes n prompt checks, each from a port of its own.
func (b *bench) checks(n int, k kind) []check {
	GinkgoHelper()
	var done []check
	for tries := 0; len(done) < n; tries++ {
		Expect(tries).To(BeNumerically("<", 4*n), "the guest is held up too often for a check within %s", prompt)
		c, isPrompt, err := b.check(fresh(), k)
		Expect(err).NotTo(HaveOccurred())
		if isPrompt {
			c.trial = len(done)
			done = append(done, c)
		}
	}
	return done
}

// accepted lists the client ports that the server accepts up to a connection
// which begins now and whose last ACK is delayed, without that one.
func (b *bench) accepted() []uint16 {
	GinkgoHelper()
	end := fresh()
	c, err := b.dial(end, kind{delayed: true})
	Expect(err).NotTo(HaveOccurred())
	defer c.Close()
	var ports []uint16
	for {
		from := b.accept()
		if from == end {
			return ports
		}
		ports = append(ports, from)
	}
}

// accept takes the next connection out of the server's queue, closes it and
// returns the client's port.
func (b *bench) accept() uint16 {
	GinkgoHelper()
	Expect(b.listener.SetDeadline(time.Now().Add(evidence.Stretch(timeout)))).To(Succeed())
	c, err := b.listener.AcceptTCP()
	Expect(err).NotTo(HaveOccurred(), "no connection to accept: not even one that stays open")
	defer c.Close()
	return c.RemoteAddr().(*net.TCPAddr).AddrPort().Port()
}
