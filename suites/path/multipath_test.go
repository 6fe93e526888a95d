package path

import (
	"fmt"
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/traceroute"
)

// flows is how many flows are traced to find two paths: that all go one way by
// chance happens once in eight million times.
const flows = 24

// Which of two equal-cost paths a router takes is a hash of what its policy
// looks at: 0 the addresses, 1 the ports too. An echo request has none.
var _ = DescribeTable("of two equal-cost paths traceroute finds",
	func(protocol traceroute.Protocol, policy, want int) {
		Expect(lab.EqualCost()).To(Succeed())
		Expect(lab.First.Sysctl("ipv4/fib_multipath_hash_policy", fmt.Sprint(policy))).To(Succeed())
		t := evidence.NewTally().Watch()
		found := map[netip.Addr]int{}
		for flow := range flows {
			a := do(probeOf(protocol, uint16(flow)))
			if a.Type != traceroute.TypeTimeExceeded || a.From != lab.Upper.V4 && a.From != lab.Lower.V4 {
				t.Found(flow, event.Unseen, "flow %d, TTL 2: %s; want TIME_EXCEEDED of %s or %s", flow, a, lab.Upper.V4, lab.Lower.V4)
			}
			found[a.From]++
			t.Trials(1)
		}
		if len(found) != want {
			t.Found(0, event.Changed, "%d second hops, want %d: %v", len(found), want, found)
		}
		t.Submit()
	},
	Entry("one by TCP if the router hashes addresses", traceroute.TCP, 0, 1),
	Entry("one by UDP if the router hashes addresses", traceroute.UDP, 0, 1),
	Entry("one by ICMP if the router hashes addresses", traceroute.ICMP, 0, 1),
	Entry("both by TCP if the router hashes ports", traceroute.TCP, 1, 2),
	Entry("both by UDP if the router hashes ports", traceroute.UDP, 1, 2),
	Entry("one by ICMP if the router hashes ports: an echo request has none", traceroute.ICMP, 1, 1),
)

// probeOf is a probe of the second hop whose flow differs from others by what
// tracers vary: the source port, the destination port, the identifier.
func probeOf(protocol traceroute.Protocol, flow uint16) traceroute.Probe {
	p := traceroute.Probe{Protocol: protocol, To: to(listening), TTL: 2}
	switch protocol {
	case traceroute.UDP:
		p.To = to(refused + flow)
	default:
		p.Source = firstPort + flow
	}
	return p
}
