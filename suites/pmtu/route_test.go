package pmtu

import (
	"net"
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
)

// The least that it takes: two hosts, one link, and a route that is replaced
// while the connection is idle.
var _ = DescribeTable("a route whose MTU shrinks under an idle connection", Label("route"),
	func(c change) {
		p := newPair(c.v6)
		b := newBench(func() sending { return p.across(change{v6: c.v6, mtu: 1500, segments: c.segments}) })
		for i := range trials() {
			b.inTime(i, func() sending { return p.across(c) })
		}
		b.Submit()
	},
	Entry("holds back no write of one segment, IPv4", change{mtu: 1400, segments: 1}),
	Entry("holds back no write of one segment, IPv6", change{mtu: 1400, segments: 1, v6: true}),
	Entry("holds back no write of three segments", change{mtu: 1400, segments: 3}),
	Entry("holds back no write that still fits (control)", change{mtu: 1500, segments: 1}, Label("control")),
	Entry("holds back no write behind a small one (way around)", change{mtu: 1400, segments: 1, small: true}, Label("way-around")),
	Entry("holds back no write that may be fragmented: IP_PMTUDISC_DONT (way around)", change{mtu: 1400, segments: 1, fragment: true}, Label("way-around")),
)

// change is what happens to an idle connection, and what is then written.
type change struct {
	v6       bool
	mtu      int  // of the route, 1500 before
	segments int  // of the MSS before, that are written at once
	small    bool // one byte is written first, and arrives
	fragment bool // the socket has DF not set
}

type pair struct {
	*netlab.Pair
	listener *net.TCPListener
}

func newPair(v6 bool) pair {
	GinkgoHelper()
	p := must(netlab.NewPair())
	DeferCleanup(p.Close)
	l := must(probe.Listen(p.Server, v6, port))
	DeferCleanup(l.Close)
	return pair{p, l}
}

// across connects, changes the route and writes.
func (p pair) across(c change) sending {
	GinkgoHelper()
	to := p.Server.Addr(c.v6)
	route := netlab.Route{To: netip.PrefixFrom(to, to.BitLen()), Device: p.Client.Device, MTU: 1500}
	Expect(p.Client.Route(route)).To(Succeed())
	f := connect(p.Client, p.listener, netip.AddrPortFrom(to, port), c.options)
	defer f.close()
	route.MTU = c.mtu
	Expect(p.Client.Route(route)).To(Succeed())
	if c.small {
		f.send(1)
	}
	return f.send(c.segments * f.mss)
}

// options are the socket's.
func (c change) options(fd int) error {
	if !c.fragment {
		return nil
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
}
