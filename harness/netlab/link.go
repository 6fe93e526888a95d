package netlab

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// link is a veth pair across two namespaces.
type link struct {
	a, b         *Netns
	aName, bName string
}

func (l link) add() error {
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: l.aName},
		PeerName:      l.bName,
		PeerNamespace: netlink.NsFd(l.b.fd),
	}
	if err := l.a.nl.LinkAdd(veth); err != nil {
		return fmt.Errorf("add veth %s in netns %s (is the veth module loaded?): %w", l.aName, l.a.Name, err)
	}
	if err := l.a.up(l.aName); err != nil {
		return err
	}
	return l.b.up(l.bName)
}

// address gives a device an address, usable at once: no duplicate address detection.
func (n *Netns) address(device string, ip netip.Addr, bits int) error {
	dev, err := n.nl.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s in netns %s: %w", device, n.Name, err)
	}
	addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(ip, bits))}
	if ip.Is6() {
		addr.Flags = unix.IFA_F_NODAD
	}
	if err := n.nl.AddrAdd(dev, addr); err != nil {
		return fmt.Errorf("add address %s to %s in netns %s: %w", ip, device, n.Name, err)
	}
	return nil
}

// route sends a prefix out of a device: through a gateway that is taken to be
// on the link, or directly if via is the zero Addr.
func (n *Netns) route(device string, to netip.Prefix, via netip.Addr) error {
	dev, err := n.nl.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find %s in netns %s: %w", device, n.Name, err)
	}
	r := &netlink.Route{LinkIndex: dev.Attrs().Index, Dst: ipNet(to)}
	if via.IsValid() {
		r.Gw = via.AsSlice()
	} else {
		r.Scope = netlink.SCOPE_LINK
	}
	if err := n.nl.RouteAdd(r); err != nil {
		return fmt.Errorf("add route to %s by %s in netns %s: %w", to, device, n.Name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
