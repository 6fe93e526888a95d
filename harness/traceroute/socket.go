package traceroute

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/netlab"
)

// Socket has sent a probe.
type Socket struct {
	fd    int
	probe Probe
}

// Send sends the probe.
func (p Probe) Send(from *netlab.Host) (*Socket, error) {
	s := &Socket{fd: -1, probe: p}
	err := from.Do(func() (err error) {
		if s.fd, err = p.socket(); err != nil {
			return err
		}
		return s.send()
	})
	if err != nil {
		err = fmt.Errorf("probe %s by %s with TTL %d: %w", p.To.Addr(), p.Protocol, p.TTL, err)
		if s.fd >= 0 {
			unix.Close(s.fd)
		}
		return nil, err
	}
	return s, nil
}

func (p Probe) socket() (int, error) {
	kind := map[Protocol]struct{ typ, proto int }{
		TCP: {unix.SOCK_STREAM, unix.IPPROTO_TCP}, UDP: {unix.SOCK_DGRAM, unix.IPPROTO_UDP}, ICMP: {unix.SOCK_DGRAM, unix.IPPROTO_ICMP},
	}[p.Protocol]
	return unix.Socket(unix.AF_INET, kind.typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, kind.proto)
}

// send does not connect sockets of UDP: the kernel would give their packets a
// hash of its own making, and routers that it is could not tell them by port.
func (s *Socket) send() error {
	if err := errors.Join(
		unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1),
		unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_TTL, s.probe.TTL),
		unix.Bind(s.fd, &unix.SockaddrInet4{Port: int(s.probe.Source)}),
	); err != nil {
		return err
	}
	to := &unix.SockaddrInet4{Port: int(s.probe.To.Port()), Addr: s.probe.To.Addr().As4()}
	switch s.probe.Protocol {
	case TCP:
		if err := unix.Connect(s.fd, to); err != unix.EINPROGRESS {
			return err
		}
		return nil
	case ICMP:
		echo, err := (&icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{Seq: 1}}).Marshal(nil)
		if err != nil {
			return fmt.Errorf("encode echo request: %w", err)
		}
		return unix.Sendto(s.fd, echo, 0, to)
	}
	return unix.Sendto(s.fd, nil, 0, to)
}

// Close closes the socket.
func (s *Socket) Close() error { return unix.Close(s.fd) }

// Await waits for what the socket sees of its probe: an answer, or none in that time.
func (s *Socket) Await(wait time.Duration) (Answer, error) {
	events := int16(unix.POLLIN)
	if s.probe.Protocol == TCP {
		events = unix.POLLOUT
	}
	deadline := time.Now().Add(wait)
	for {
		left := max(0, time.Until(deadline))
		fds := []unix.PollFd{{Fd: int32(s.fd), Events: events}}
		n, err := unix.Poll(fds, int(left.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return Answer{}, fmt.Errorf("wait for an answer: %w", err)
		}
		if n == 0 {
			return Answer{}, nil
		}
		return s.answer()
	}
}

// answer is what the socket has: an ICMP error, or the target's own answer.
func (s *Socket) answer() (Answer, error) {
	buf, oob := make([]byte, 512), make([]byte, 512)
	_, n, _, _, err := unix.Recvmsg(s.fd, buf, oob, unix.MSG_ERRQUEUE)
	if err == nil {
		return parseError(oob[:n], s.probe.To.Addr())
	}
	if err != unix.EAGAIN {
		return Answer{}, fmt.Errorf("read error queue: %w", err)
	}
	pending, err := s.Pending()
	if err != nil {
		return Answer{}, err
	}
	// A refused SYN has come to the target as well.
	return Answer{From: s.probe.To.Addr(), Arrived: true, Errno: pending}, nil
}

// Pending is the socket's error (SO_ERROR), which is thereby cleared.
func (s *Socket) Pending() (syscall.Errno, error) {
	n, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return 0, fmt.Errorf("read SO_ERROR: %w", err)
	}
	return syscall.Errno(n), nil
}

// State is a TCP socket's: SYN_SENT, CLOSE, …
func (s *Socket) State() (string, error) {
	info, err := unix.GetsockoptTCPInfo(s.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return "", fmt.Errorf("read TCP_INFO: %w", err)
	}
	return event.TCPState(info.State), nil
}

// MTU is what a TCP socket takes the path's to be (IP_MTU).
func (s *Socket) MTU() (int, error) {
	mtu, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_MTU)
	if err != nil {
		return 0, fmt.Errorf("read IP_MTU: %w", err)
	}
	return mtu, nil
}

var errNoError = errors.New("parse error queue: no ICMP error")

// parseError reads the control message IP_RECVERR: struct sock_extended_err and
// the address of who sent the error.
func parseError(oob []byte, target netip.Addr) (Answer, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return Answer{}, fmt.Errorf("parse error queue: %w", err)
	}
	for _, m := range messages {
		if m.Header.Level != unix.IPPROTO_IP || m.Header.Type != unix.IP_RECVERR || len(m.Data) < 24 {
			continue
		}
		d := m.Data
		if d[4] != unix.SO_EE_ORIGIN_ICMP {
			continue
		}
		a := Answer{
			Errno: syscall.Errno(native.Uint32(d)), Type: d[5], Code: d[6],
			From: netip.AddrFrom4([4]byte(d[20:24])), // struct sockaddr_in, 4 bytes in
		}
		if a.Type == TypeUnreachable && a.Code == CodeFragNeeded {
			a.MTU = int(native.Uint32(d[8:]))
		}
		a.Arrived = a.From == target && a.Type == TypeUnreachable && a.Code == CodePort
		return a, nil
	}
	return Answer{}, errNoError
}
