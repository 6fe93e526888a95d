package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/netlab"
)

// Prober asks one server, from one host.
type Prober struct {
	From    *netlab.Host
	To      netip.AddrPort
	Timeout time.Duration // for the handshake, and again for the exchange
}

// Conn is a connection that has not been used yet.
type Conn struct {
	*net.TCPConn
	Cookie  uint64
	timeout time.Duration
}

// Dial connects from a source port; 0 leaves the choice to the kernel. It must
// run inside From.Do. The socket is watched from its first recvmsg.
func (p *Prober) Dial(port uint16) (*Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), p.Timeout)
	defer cancel()
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.From.Addr(p.To.Addr().Is6()), port)),
		Control:   reuseAddr,
		KeepAlive: -1,
	}
	c, err := d.DialContext(ctx, "tcp", p.To.String())
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	conn := &Conn{TCPConn: c.(*net.TCPConn), timeout: p.Timeout}
	if conn.Cookie, err = Cookie(conn.TCPConn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// reuseAddr lets a source port be bound while an earlier connection from it is in TIME_WAIT.
func reuseAddr(_, _ string, raw syscall.RawConn) error {
	var inner error
	err := raw.Control(func(fd uintptr) {
		inner = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	})
	return errors.Join(err, inner)
}

// Get connects from a port and asks once. It must run inside From.Do.
func (p *Prober) Get(trial int, port uint16) Outcome {
	c, err := p.Dial(port)
	if err != nil {
		local := netip.AddrPortFrom(p.From.Addr(p.To.Addr().Is6()), port)
		return Outcome{Trial: trial, Local: local, Remote: p.To, Class: classify(err, false), Err: err}
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
