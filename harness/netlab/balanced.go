package netlab

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Balanced is a TCP service behind an IPVS director that forwards by IPIP
// tunnel. Requests go by the director, answers straight to the client: the
// real server has the service's address too.
//
//	client ─────┐
//	director ─ router
//	real ───────┘
//
// A tunnelled packet is 20 bytes longer, so that with an MTU of 1500 everywhere
// the director lets packets of 1480 bytes pass.
type Balanced struct {
	*Star
	Client, Director, Real *Host
	Service                netip.AddrPort
}

// NewBalanced builds it. ErrNoIPVS or ErrNoIPIP is what the kernel lacks for it.
func NewBalanced(port uint16) (b *Balanced, err error) {
	star, err := NewStar("client", "director", "real")
	if err != nil {
		return nil, err
	}
	b = &Balanced{
		Star: star, Client: star.Spokes[0], Director: star.Spokes[1], Real: star.Spokes[2],
		Service: netip.AddrPortFrom(netip.MustParseAddr("198.18.100.1"), port),
	}
	if err := b.balance(); err != nil {
		star.Close()
		return nil, err
	}
	return b, nil
}

func (b *Balanced) balance() error {
	vip := b.Service.Addr()
	if err := b.Real.endTunnel(); err != nil {
		return err
	}
	err := errors.Join(
		b.Director.Address("lo", vip, 32),
		b.Real.Address("lo", vip, 32),
		b.Router.Route(Route{To: netip.PrefixFrom(vip, 32), Device: b.Director.Name, Via: b.Director.V4}),
	)
	if err != nil {
		return err
	}
	return b.Director.forwardByTunnel(b.Service, b.Real.V4)
}

// ErrNoIPIP says that the kernel has no IPIP tunnels.
var ErrNoIPIP = errors.New("kernel has no IPIP tunnels")

// endTunnel makes the host unpack IPIP packets to its address, whoever sent them.
func (h *Host) endTunnel() error {
	tunnel := &netlink.Iptun{LinkAttrs: netlink.LinkAttrs{Name: "ipip0"}, Local: h.V4.AsSlice()}
	err := h.nl.LinkAdd(tunnel)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return ErrNoIPIP
	}
	if err != nil {
		return fmt.Errorf("add ipip0 in netns %s: %w", h.Name, err)
	}
	return h.Up("ipip0")
}
