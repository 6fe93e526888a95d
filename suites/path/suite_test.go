// Package path asks what a tracer of routes is told: by TIME_EXCEEDED on three
// hops, by a router that answers FRAG_NEEDED in its place, and where two paths
// cost the same.
package path

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
	"github.com/krepro/krepro/harness/traceroute"
)

func TestPath(t *testing.T) { evidence.Run(t, "path") }

const (
	listening = 8080   // on the target
	refused   = 33434  // nobody listens: traceroute's first
	firstPort = 20_000 // of sources; below those that the kernel chooses
	deviceMTU = 1500
	hops      = 8               // at most
	timeout   = 2 * time.Second // for an answer
)

var lab *netlab.Diamond

var _ = BeforeSuite(func() {
	var err error
	lab, err = netlab.NewDiamond()
	if errors.Is(err, unix.EOPNOTSUPP) {
		evidence.Untestable("veth (CONFIG_VETH; is the module loaded?)")
	}
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(lab.Close)
	Expect(lab.Source.Sysctl("ipv4/ping_group_range", "0 0")).To(Succeed())
	listener, err := probe.Listen(lab.Target, false, listening)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(probe.Serve(listener).Close)
})

// Every spec begins with one path, and with what the kernel has learned of it forgotten.
var _ = BeforeEach(func() {
	Expect(lab.OneWay()).To(Succeed())
	Expect(lab.Source.FlushRoutes()).To(Succeed())
})

// trials is how often a spec of this size repeats itself.
func trials() int {
	switch evidence.Size() {
	case evidence.Quick:
		return 2
	case evidence.Soak:
		return 500
	}
	return 20
}

// to is the target, at a port.
func to(port uint16) netip.AddrPort { return netip.AddrPortFrom(lab.Target.V4, port) }

// do sends a probe and waits for its answer.
func do(p traceroute.Probe) traceroute.Answer {
	GinkgoHelper()
	a, err := p.Do(lab.Source, evidence.Stretch(timeout))
	Expect(err).NotTo(HaveOccurred())
	return a
}

var protocols = []TableEntry{
	Entry("TCP, to a port with a listener", traceroute.TCP, uint16(listening)),
	Entry("TCP, to a port without", traceroute.TCP, uint16(refused)),
	Entry("UDP", traceroute.UDP, uint16(refused)),
	Entry("ICMP", traceroute.ICMP, uint16(0)),
}
