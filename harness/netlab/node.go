package netlab

import (
	"errors"
	"fmt"
	"net/netip"
)

// Addresses of the lab, all from documentation and benchmark ranges.
var (
	nodeV4   = netip.MustParseAddr("198.18.0.1")
	remoteV4 = netip.MustParseAddr("198.18.0.2")
	nodeV6   = netip.MustParseAddr("2001:db8:0:1::1")
	remoteV6 = netip.MustParseAddr("2001:db8:0:1::2")

	nodeLinkLocal = netip.MustParseAddr("fe80::1") // on each of the node's devices
	hostLinkLocal = netip.MustParseAddr("fe80::2") // on the device of a pod, and of the remote node
)

// Host is a namespace with the addresses it answers to.
type Host struct {
	*Netns
	V4, V6 netip.Addr
	Device string // the device that traffic for V4 and V6 comes in on
}

// Addr is the host's address of a family.
func (h *Host) Addr(v6 bool) netip.Addr {
	if v6 {
		return h.V6
	}
	return h.V4
}

// Cluster is a Kubernetes node as Cilium lays it out on a cloud network: each
// pod has an eth0 whose other end is a device lxcN on the node, and the node
// has a /32 (and /128) route to each pod. A remote node sits behind a second
// link.
//
//	remote ── eth0 ── node ── lxc1 ── eth0 ── pod1
//	                       └─ lxc2 ── eth0 ── pod2
type Cluster struct {
	Node, Remote *Host
	Pods         []*Host
}

// NewCluster builds a node with so many pods, and a remote node.
func NewCluster(pods int) (c *Cluster, err error) {
	c = &Cluster{}
	defer func() {
		if err != nil {
			c.Close()
			c = nil
		}
	}()
	if c.Node, err = newHost("node", nodeV4, nodeV6); err != nil {
		return c, err
	}
	if err = c.Node.forward(); err != nil {
		return c, err
	}
	if c.Remote, err = newHost("remote", remoteV4, remoteV6); err != nil {
		return c, err
	}
	if err = c.linkRemote(); err != nil {
		return c, err
	}
	for i := 1; i <= pods; i++ {
		if err = c.addPod(i); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Close lets go of every namespace; devices and routes go with them.
func (c *Cluster) Close() error {
	var errs []error
	for _, h := range append([]*Host{c.Node, c.Remote}, c.Pods...) {
		if h != nil {
			errs = append(errs, h.Close())
		}
	}
	return errors.Join(errs...)
}

func newHost(name string, v4, v6 netip.Addr) (*Host, error) {
	n, err := NewNetns(name)
	if err != nil {
		return nil, err
	}
	// A link-local address that the kernel makes itself would go through
	// duplicate address detection for a second; the lab gives its own. A device
	// without one could not ask for a neighbour on behalf of a packet that it
	// forwards, nor whether a known one is still there: eight seconds after its
	// first packet the neighbour would be lost.
	if err := n.Sysctl("ipv6/conf/default/addr_gen_mode", "1"); err != nil {
		n.Close()
		return nil, err
	}
	return &Host{Netns: n, V4: v4, V6: v6, Device: "eth0"}, nil
}

func (h *Host) forward() error {
	return errors.Join(
		h.Sysctl("ipv4/ip_forward", "1"),
		h.Sysctl("ipv6/conf/all/forwarding", "1"),
	)
}

func (c *Cluster) linkRemote() error {
	if err := Veth(c.Node.Netns, "eth0", c.Remote.Netns, "eth0"); err != nil {
		return err
	}
	return errors.Join(
		c.Node.Address("eth0", c.Node.V4, 24), c.Node.Address("eth0", c.Node.V6, 64),
		c.Remote.Address("eth0", c.Remote.V4, 24), c.Remote.Address("eth0", c.Remote.V6, 64),
		c.Node.Address("eth0", nodeLinkLocal, 64), c.Remote.Address("eth0", hostLinkLocal, 64),
		c.Remote.Route(Route{To: netip.MustParsePrefix("0.0.0.0/0"), Device: "eth0", Via: c.Node.V4}),
		c.Remote.Route(Route{To: netip.MustParsePrefix("::/0"), Device: "eth0", Via: c.Node.V6}),
	)
}

func (c *Cluster) addPod(i int) error {
	v4 := netip.AddrFrom4([4]byte{198, 19, 0, byte(i)})
	v6 := netip.MustParseAddr(fmt.Sprintf("2001:db8:0:2::%d", i))
	pod, err := newHost(fmt.Sprintf("pod%d", i), v4, v6)
	if err != nil {
		return err
	}
	c.Pods = append(c.Pods, pod)
	lxc := fmt.Sprintf("lxc%d", i)
	if err := Veth(c.Node.Netns, lxc, pod.Netns, "eth0"); err != nil {
		return err
	}
	return errors.Join(
		c.Node.Address(lxc, nodeLinkLocal, 64),
		c.Node.Route(Route{To: netip.PrefixFrom(v4, 32), Device: lxc}),
		c.Node.Route(Route{To: netip.PrefixFrom(v6, 128), Device: lxc}),
		pod.Address("eth0", v4, 32), pod.Address("eth0", v6, 128), pod.Address("eth0", hostLinkLocal, 64),
		pod.Route(Route{To: netip.PrefixFrom(c.Node.V4, 32), Device: "eth0"}),
		pod.Route(Route{To: netip.MustParsePrefix("0.0.0.0/0"), Device: "eth0", Via: c.Node.V4}),
		pod.Route(Route{To: netip.MustParsePrefix("::/0"), Device: "eth0", Via: nodeLinkLocal}),
	)
}
