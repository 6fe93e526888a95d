package netlab

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Veth joins two namespaces by a veth pair, both ends up.
func Veth(a *Netns, aName string, b *Netns, bName string) error {
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: aName},
		PeerName:      bName,
		PeerNamespace: netlink.NsFd(b.fd),
	}
	if err := a.nl.LinkAdd(veth); err != nil {
		return fmt.Errorf("add veth %s in netns %s (is the veth module loaded?): %w", aName, a.Name, err)
	}
	if err := a.Up(aName); err != nil {
		return err
	}
	return b.Up(bName)
}

// Address gives a device an address, usable at once: no duplicate address detection.
func (n *Netns) Address(device string, ip netip.Addr, bits int) error {
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

// Route is where a prefix goes.
type Route struct {
	To     netip.Prefix
	Device string
	Via    netip.Addr // gateway, taken to be on the link; zero: directly
	MTU    int        // of the route; 0: the device's
}

// Route adds a route, or replaces the one to the same prefix.
func (n *Netns) Route(r Route) error {
	dev, err := n.nl.LinkByName(r.Device)
	if err != nil {
		return fmt.Errorf("find %s in netns %s: %w", r.Device, n.Name, err)
	}
	route := &netlink.Route{LinkIndex: dev.Attrs().Index, Dst: ipNet(r.To), MTU: r.MTU}
	if r.Via.IsValid() {
		route.Gw = r.Via.AsSlice()
	} else {
		route.Scope = netlink.SCOPE_LINK
	}
	if err := n.nl.RouteReplace(route); err != nil {
		return fmt.Errorf("set route to %s by %s in netns %s: %w", r.To, r.Device, n.Name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
