package probe

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// Socket is a TCP socket as sock_diag(7) lists it: every socket that the
// kernel can still find by its 4-tuple, TIME_WAIT included.
type Socket struct {
	Local, Remote netip.AddrPort
	State         uint8 // TCP_ESTABLISHED is 1 … TCP_LISTEN 10 (net/tcp_states.h)
	Cookie        uint64
}

func (s Socket) String() string {
	return fmt.Sprintf("%s > %s %s", s.Local, s.Remote, event.TCPState(s.State))
}

// Sockets lists the TCP sockets of the namespace that the calling thread is
// in: to be called inside Netns.Do. It needs the tcp_diag module.
func Sockets(v6 bool) ([]Socket, error) {
	family := uint8(unix.AF_INET)
	if v6 {
		family = unix.AF_INET6
	}
	raw, err := netlink.SocketDiagTCP(family)
	if err != nil {
		return nil, fmt.Errorf("list TCP sockets (is tcp_diag loaded?): %w", err)
	}
	var out []Socket
	for _, s := range raw {
		out = append(out, Socket{
			Local:  addrPort(s.ID.Source, s.ID.SourcePort),
			Remote: addrPort(s.ID.Destination, s.ID.DestinationPort),
			State:  s.State,
			Cookie: uint64(s.ID.Cookie[1])<<32 | uint64(s.ID.Cookie[0]),
		})
	}
	return out, nil
}

func addrPort(ip []byte, port uint16) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), port)
}

const lastAck = 9 // TCP_LAST_ACK

// leaving says which sockets sit on a local address, and whether they all are
// about to go by themselves.
func leaving(local netip.AddrPort) (closing bool, held string) {
	all, err := Sockets(local.Addr().Is6())
	if err != nil {
		return false, err.Error()
	}
	closing, held = true, "held by"
	for _, s := range all {
		if s.Local == local {
			closing = closing && s.State == lastAck
			held += " " + s.String()
		}
	}
	return closing, held
}
