package pmtu

import (
	"errors"
	"net"
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
)

// narrow is the MTU beyond the client's link, whose own is 1500.
const narrow = 1480

// path is the way from a client to a server by a router. Something on it takes
// narrow packets, and answers longer ones with FRAG_NEEDED.
type path struct {
	*netlab.Star
	client, server *netlab.Host
	narrower       *netlab.Host // who answers so
	to             netip.AddrPort
	listener       *net.TCPListener
}

var _ = Describe("a router whose next link is narrower", Label("router"), func() { ask(routed) })

// A request through a load balancer that tunnels takes 200 ms longer now and
// then, although no link's MTU is below 1500.
var _ = Describe("an IPVS director that forwards by IPIP", Label("ipvs"), func() { ask(balanced) })

// ask declares the specs on a path.
func ask(open func() path) {
	each := func(sends func(path) sending) {
		p := open()
		b := newBench(p.fitting)
		for i := range trials() {
			b.inTime(i, func() sending { return sends(p) })
		}
		b.Submit()
	}
	It("does not delay the connection that finds the MTU out (control)", Label("control"), func() { each(path.finder) })
	It("holds back no write of a connection made before", func() { each(path.before) })
	It("holds back no write of one made before if the MTU had been known once (control)", Label("control"), func() { each(path.renewed) })
	It("holds back no write of a connection made afterwards (control)", Label("control"), func() { each(path.after) })

	It("refuses nothing if the client's route has the MTU from the start (way around)", Label("way-around"), func() {
		p := open()
		Expect(p.MTU(p.client, narrow)).To(Succeed())
		p.refusesNothing()
	})
	It("refuses nothing if the server's route has it, which makes its MSS less (way around)", Label("way-around"), func() {
		p := open()
		Expect(p.MTU(p.server, narrow)).To(Succeed())
		p.refusesNothing()
	})
}

// routed is a client and a server behind a router with a route of a lesser MTU.
func routed() path {
	GinkgoHelper()
	s := must(netlab.NewStar("client", "server"))
	DeferCleanup(s.Close)
	server := s.Spokes[1]
	Expect(s.Router.Route(netlab.Route{To: netip.PrefixFrom(server.V4, 32), Device: server.Name, MTU: narrow})).To(Succeed())
	return listening(path{Star: s, client: s.Spokes[0], server: server, narrower: s.Router}, server.V4)
}

// balanced is a client and a real server behind an IPVS director.
func balanced() path {
	GinkgoHelper()
	b, err := netlab.NewBalanced(port)
	for lack, option := range map[error]string{netlab.ErrNoIPVS: "CONFIG_IP_VS", netlab.ErrNoIPIP: "CONFIG_NET_IPIP"} {
		if errors.Is(err, lack) {
			evidence.Untestable(option)
		}
	}
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(b.Close)
	return listening(path{Star: b.Star, client: b.Client, server: b.Real, narrower: b.Director}, b.Service.Addr())
}

func listening(p path, to netip.Addr) path {
	GinkgoHelper()
	p.to = netip.AddrPortFrom(to, port)
	p.listener = must(probe.Listen(&netlab.Host{Netns: p.server.Netns, V4: to}, false, port))
	DeferCleanup(p.listener.Close)
	return p
}

func (p path) connect() *flow {
	GinkgoHelper()
	return connect(p.client, p.listener, p.to, func(int) error { return nil })
}

// fitting is the control: a write that fits the path.
func (p path) fitting() sending {
	GinkgoHelper()
	f := p.connect()
	defer f.close()
	return f.send(narrow / 2)
}

// finder has a full segment written by which the client finds the path's MTU out.
func (p path) finder() sending {
	GinkgoHelper()
	p.fresh()
	return p.findOut()
}

// before has one written over a connection that idled meanwhile.
func (p path) before() sending {
	GinkgoHelper()
	p.fresh()
	return p.idle()
}

// renewed is before, but the client had known the MTU once: the route of that
// time is still there, and is changed in place under whoever uses it.
func (p path) renewed() sending {
	GinkgoHelper()
	p.fresh()
	p.findOut()
	Expect(p.client.FlushRoutes()).To(Succeed())
	return p.idle()
}

// after has one written over a connection made since.
func (p path) after() sending {
	GinkgoHelper()
	p.fresh()
	p.findOut()
	f := p.connect()
	defer f.close()
	return f.send(f.mss)
}

// fresh gives the client a route of which it knows nothing yet.
func (p path) fresh() {
	GinkgoHelper()
	Expect(p.MTU(p.client, 1500)).To(Succeed())
	Expect(p.MTU(p.client, 0)).To(Succeed())
}

func (p path) idle() sending {
	GinkgoHelper()
	f := p.connect()
	defer f.close()
	p.findOut()
	return f.send(f.mss)
}

// findOut has a full segment written, after which the client must know the MTU,
// by one message of the host that is meant to send it.
func (p path) findOut() sending {
	GinkgoHelper()
	Expect(must(p.client.PathMTU(p.to.Addr()))).NotTo(Equal(narrow), "the client knows the path's MTU already")
	f := p.connect()
	defer f.close()
	before := must(p.narrower.Counters())
	s := f.send(f.mss)
	said := must(p.narrower.Counters()).Since(before)
	Expect(must(p.client.PathMTU(p.to.Addr()))).To(Equal(narrow), "the client has not learnt the path's MTU: %s", s)
	Expect(said).To(HaveKeyWithValue("IcmpOutDestUnreachs", BeEquivalentTo(1)), "messages of %s: %s", p.narrower.Name, s)
	return s
}

// refusesNothing asks for what a way around promises: a full segment passes
// over a connection that has to find nothing out.
func (p path) refusesNothing() {
	GinkgoHelper()
	b := newBench(p.fitting)
	for i := range trials() {
		s := b.inTime(i, func() sending {
			f := p.connect()
			defer f.close()
			return f.send(f.mss)
		})
		if n := s.grown["IcmpInDestUnreachs"]; n > 0 {
			b.Found(i, event.Changed, "%d times refused: %s", n, s)
		}
	}
	b.Submit()
}
