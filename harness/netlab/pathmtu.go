package netlab

import (
	"fmt"
	"net/netip"
)

// PathMTU is the MTU by which the namespace would send to an address now: that
// of the route, or the lesser one that an ICMP message has taught it. 0: the
// device's counts.
func (n *Netns) PathMTU(to netip.Addr) (int, error) {
	routes, err := n.nl.RouteGet(to.AsSlice())
	if err != nil {
		return 0, fmt.Errorf("find route to %s in netns %s: %w", to, n.Name, err)
	}
	if len(routes) == 0 {
		return 0, fmt.Errorf("find route to %s in netns %s: none", to, n.Name)
	}
	return routes[0].MTU, nil
}

// FlushRoutes makes the namespace forget what ICMP messages have taught it of
// IPv4 routes (ip route flush cache).
func (n *Netns) FlushRoutes() error { return n.Sysctl("ipv4/route/flush", "1") }
