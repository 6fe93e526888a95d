package netlab

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// Diamond is a route of three hops, the second of which is one of two. IPv4
// alone. A router's device has the name of the host at its other end.
//
//	source ── first ─┬─ upper ─┬─ third ── target
//	                 └─ lower ─┘
//
// Packets to the target take the upper way, until EqualCost; answers do always.
// V4 of a router is the address that its ICMP errors come from. They are not
// limited in rate, so that every probe has an answer.
type Diamond struct {
	Source, First, Upper, Lower, Third, Target *Host
}

var (
	sourceNet = netip.MustParsePrefix("198.18.1.0/24")
	targetNet = netip.MustParsePrefix("198.18.6.0/24")
)

// NewDiamond builds the hosts and the links between them.
func NewDiamond() (d *Diamond, err error) {
	d = &Diamond{}
	defer func() {
		if err != nil {
			d.Close()
			d = nil
		}
	}()
	for _, h := range []struct {
		host   **Host
		name   string
		v4     string
		device string
	}{
		{&d.Source, "source", "198.18.1.1", "first"},
		{&d.First, "first", "198.18.1.2", "source"},
		{&d.Upper, "upper", "198.18.2.2", "first"},
		{&d.Lower, "lower", "198.18.3.2", "first"},
		{&d.Third, "third", "198.18.4.2", "upper"},
		{&d.Target, "target", "198.18.6.2", "third"},
	} {
		if *h.host, err = newHost(h.name, netip.MustParseAddr(h.v4), netip.Addr{}); err != nil {
			return d, err
		}
		(*h.host).Device = h.device
		if err = errors.Join((*h.host).Sysctl("ipv4/ip_forward", "1"), (*h.host).acceptAnyWay(), (*h.host).LimitICMP(0)); err != nil {
			return d, err
		}
	}
	return d, errors.Join(d.link(), d.route())
}

// link joins the hosts, each link a network of its own: .1 on the source's side.
func (d *Diamond) link() error {
	for i, ends := range [][2]*Host{
		{d.Source, d.First}, {d.First, d.Upper}, {d.First, d.Lower},
		{d.Upper, d.Third}, {d.Lower, d.Third}, {d.Third, d.Target},
	} {
		near, far := ends[0], ends[1]
		if err := Veth(near.Netns, far.Name, far.Netns, near.Name); err != nil {
			return err
		}
		err := errors.Join(
			near.Address(far.Name, netip.AddrFrom4([4]byte{198, 18, byte(i + 1), 1}), 24),
			far.Address(near.Name, netip.AddrFrom4([4]byte{198, 18, byte(i + 1), 2}), 24),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Diamond) route() error {
	everywhere := netip.MustParsePrefix("0.0.0.0/0")
	return errors.Join(
		d.Source.Route(Route{To: everywhere, Device: "first", Via: d.First.V4}),
		d.OneWay(),
		d.Upper.Route(Route{To: targetNet, Device: "third", Via: netip.MustParseAddr("198.18.4.2")}),
		d.Upper.Route(Route{To: sourceNet, Device: "first", Via: netip.MustParseAddr("198.18.2.1")}),
		d.Lower.Route(Route{To: targetNet, Device: "third", Via: netip.MustParseAddr("198.18.5.2")}),
		d.Lower.Route(Route{To: sourceNet, Device: "first", Via: netip.MustParseAddr("198.18.3.1")}),
		d.Third.Route(Route{To: sourceNet, Device: "upper", Via: netip.MustParseAddr("198.18.4.1")}),
		d.Target.Route(Route{To: everywhere, Device: "third", Via: netip.MustParseAddr("198.18.6.1")}),
	)
}

// OneWay has every packet to the target take the upper way.
func (d *Diamond) OneWay() error {
	return d.First.Route(Route{To: targetNet, Device: "upper", Via: d.Upper.V4})
}

// EqualCost has the first hop spread packets to the target over the upper and the
// lower way, by its fib_multipath_hash_policy.
func (d *Diamond) EqualCost() error {
	route := &netlink.Route{Dst: ipNet(targetNet)}
	for _, next := range []*Host{d.Upper, d.Lower} {
		link, err := d.First.nl.LinkByName(next.Name)
		if err != nil {
			return fmt.Errorf("find %s in netns first: %w", next.Name, err)
		}
		route.MultiPath = append(route.MultiPath, &netlink.NexthopInfo{LinkIndex: link.Attrs().Index, Gw: next.V4.AsSlice()})
	}
	if err := d.First.nl.RouteReplace(route); err != nil {
		return fmt.Errorf("set route of two ways in netns first: %w", err)
	}
	return nil
}

// LimitICMP has the host send next to nothing of the ICMP types in the mask, bit
// n for type n (icmp_ratemask), and all of the others.
func (h *Host) LimitICMP(mask uint32) error {
	return errors.Join(
		h.Sysctl("ipv4/icmp_ratelimit", "1000000000"), // milliseconds between two of them to one host
		h.Sysctl("ipv4/icmp_ratemask", fmt.Sprint(mask)),
	)
}

// Close lets go of every host.
func (d *Diamond) Close() error {
	return closeHosts(d.Source, d.First, d.Upper, d.Lower, d.Third, d.Target)
}
