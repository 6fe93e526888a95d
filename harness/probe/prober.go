package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/netlab"
)

// Prober asks one server, from one host.
type Prober struct {
	From    *netlab.Host
	To      netip.AddrPort
	Connect time.Duration // deadline of the handshake
	Answer  time.Duration // after so long an answer is overdue
	// Control, if set, is called when an answer is overdue, and asks the same
	// server in a way that must work. Only a request that is still without an
	// answer after that is given up as stuck: if the control fails too, it is
	// the server or the whole guest that is slow, and the outcome says so.
	Control func() error
	// Server, if it is of this process, tells of its end of each connection.
	Server *Server
}

// Conn is a connection that has not been used yet.
type Conn struct {
	*net.TCPConn
	Cookie uint64

	from             string // name of the host
	began, connected float64
	answer           time.Duration
	control          func() error
	server           *Server
}

// Dial connects from a source port; 0 leaves the choice to the kernel. It must
// run inside From.Do. The socket is watched from its first recvmsg.
//
// A port that an earlier connection has just left may be held for the moment
// that the ACK of its FIN takes (LAST_ACK; seen on SMP guests): that is waited for.
func (p *Prober) Dial(port uint16) (*Conn, error) {
	deadline := time.Now().Add(p.Connect)
	for {
		c, err := p.dial(port, deadline)
		if !errors.Is(err, syscall.EADDRNOTAVAIL) || port == 0 {
			return c, err
		}
		closing, held := leaving(p.local(port))
		if !closing || time.Now().After(deadline) {
			return nil, fmt.Errorf("%w; %s", err, held)
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *Prober) dial(port uint16, deadline time.Time) (*Conn, error) {
	conn := &Conn{from: p.From.Name, answer: p.Answer, control: p.Control, server: p.Server, began: event.Now()}
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(p.local(port)),
		Control:   conn.prepare,
		KeepAlive: -1,
		Deadline:  deadline,
	}
	c, err := d.Dial("tcp", p.To.String())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	conn.TCPConn, conn.connected = c.(*net.TCPConn), event.Now()
	return conn, nil
}

func (p *Prober) local(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(p.From.Addr(p.To.Addr().Is6()), port)
}

// prepare runs before connect(2): from here on the socket has a cookie and is
// watched, and a source port can be bound while an earlier connection from it
// is in TIME_WAIT.
func (c *Conn) prepare(_, _ string, raw syscall.RawConn) error {
	var inner error
	err := raw.Control(func(fd uintptr) {
		if inner = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); inner == nil {
			c.Cookie, inner = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_COOKIE)
		}
	})
	return errors.Join(err, inner)
}

// Get connects from a port and asks once. It must run inside From.Do.
func (p *Prober) Get(trial int, port uint16) Outcome {
	began := event.Now()
	c, err := p.Dial(port)
	if err != nil {
		return Outcome{
			Trial: trial, From: p.From.Name, Local: p.local(port), Remote: p.To,
			Began: began, Ended: event.Now(), Class: classify(err, false), Err: err,
		}
	}
	return c.Get(trial)
}

// Churn makes n probes one after another, the i-th as trial i from port(i), and
// hands each outcome to f.
func (p *Prober) Churn(n int, port func(i int) uint16, f func(Outcome)) error {
	return p.From.Do(func() error {
		for i := range n {
			f(p.Get(i, port(i)))
		}
		return nil
	})
}

// Addrs are the connection's own and its peer's address.
func (c *Conn) Addrs() (local, remote netip.AddrPort) {
	return c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
}
