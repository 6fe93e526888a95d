// Package connect asks what becomes of connect(2): when SYNs are sent again, how
// a connect fails, what a tracer sees of that, and what happens to the old
// connection when a source port is used again.
package connect

import (
	"net/netip"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/conntrace"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

func TestConnect(t *testing.T) { evidence.Run(t, "connect") }

// Ports that servers listen on. Nothing listens on closedPort and above.
const (
	openPort   = 8000
	closedPort = 9000
)

// Addresses beside the hosts' own.
var (
	deadV4   = netip.MustParseAddr("198.18.1.99") // on the link, behind a hardware address that nobody has
	deadV6   = netip.MustParseAddr("2001:db8:0:3::99")
	absent   = netip.MustParseAddr("198.18.1.98") // on the link, and nobody has it
	unrouted = netip.MustParseAddr("192.0.2.1")   // no route to it
)

var (
	pair   *netlab.Pair
	tracer *conntrace.Tracer
)

var _ = BeforeSuite(func() {
	var err error
	pair, err = netlab.NewPair()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return pair.Close() })
	for _, h := range []*netlab.Host{pair.Client, pair.Server} {
		Expect(h.Neighbour(h.Device, deadV4, netlab.Nobody)).To(Succeed())
		Expect(h.Neighbour(h.Device, deadV6, netlab.Nobody)).To(Succeed())
	}
	// One question, and 100 ms for the answer: then the kernel tells itself by
	// ICMP that the host is unreachable.
	Expect(pair.Client.Sysctl("ipv4/neigh/eth0/mcast_solicit", "1")).To(Succeed())
	Expect(pair.Client.Sysctl("ipv4/neigh/eth0/retrans_time_ms", "100")).To(Succeed())
	Expect(evidence.Timed("tracer-load", func() error {
		tracer, err = conntrace.Open()
		return err
	})).To(Succeed())
	DeferCleanup(func() error { return tracer.Close() })
})

// trials is how many connects a spec makes.
func trials() int {
	if evidence.Size() == evidence.Quick {
		return 5
	}
	return 20
}
