package netlab

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// Nobody is a hardware address that no device of the lab has: what is sent to a
// neighbour with it gets lost on the link, without an error.
var Nobody = net.HardwareAddr{0x02, 0, 0x5e, 0, 0x53, 0xff}

// Neighbour fixes the hardware address of an address on a device's link, for good.
func (n *Netns) Neighbour(device string, ip netip.Addr, mac net.HardwareAddr) error {
	entry, err := n.neighbour(device, ip)
	if err == nil {
		entry.State, entry.HardwareAddr = netlink.NUD_PERMANENT, mac
		err = n.nl.NeighSet(entry)
	}
	if err != nil {
		return fmt.Errorf("set neighbour %s on %s in netns %s: %w", ip, device, n.Name, err)
	}
	return nil
}

// ForgetNeighbour has the kernel ask for the hardware address when it next needs it.
func (n *Netns) ForgetNeighbour(device string, ip netip.Addr) error {
	entry, err := n.neighbour(device, ip)
	if err == nil {
		err = n.nl.NeighDel(entry)
	}
	if err != nil {
		return fmt.Errorf("delete neighbour %s on %s in netns %s: %w", ip, device, n.Name, err)
	}
	return nil
}

func (n *Netns) neighbour(device string, ip netip.Addr) (*netlink.Neigh, error) {
	link, err := n.nl.LinkByName(device)
	if err != nil {
		return nil, err
	}
	return &netlink.Neigh{LinkIndex: link.Attrs().Index, IP: ip.AsSlice()}, nil
}
