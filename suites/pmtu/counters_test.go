package pmtu

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// What a person finds out by what happened, on a host that no longer shows it.
var _ = DescribeTable("counters grow with each segment that was held back, and with none that fits:", Label("counters"),
	func(c change, names ...string) {
		p := newPair(c.v6)
		t := evidence.NewTally().Watch()
		for i := range trials() {
			for _, c.mtu = range []int{1400, 1500} {
				t.Trials(1)
				s := p.across(c)
				held := 0
				if s.stalled() {
					held = c.segments
				}
				for _, name := range names {
					wantGrown(t, i, s, name, held)
				}
			}
		}
		t.Submit()
	},
	Entry("one, IPv4", change{segments: 1}, "IpFragFails", "IcmpOutDestUnreachs", "IcmpInDestUnreachs"),
	Entry("one, IPv6", change{segments: 1, v6: true}, "Ip6FragFails"),
	Entry("three, IPv4", change{segments: 3}, "IpFragFails", "IcmpOutDestUnreachs", "IcmpInDestUnreachs"),
)

// The ICMP message of a stall comes from the host itself, that of a path's MTU
// from a router: only the former is counted as sent, too.
var _ = It("counters tell the connection that finds a path's MTU out from one that is held back", Label("counters"), func() {
	p := routed()
	t := evidence.NewTally().Watch()
	for i := range trials() {
		t.Trials(1)
		s := p.finder()
		wantGrown(t, i, s, "IcmpInDestUnreachs", 1)
		wantGrown(t, i, s, "IcmpOutDestUnreachs", 0)
		wantGrown(t, i, s, "IpFragFails", 0)
	}
	t.Submit()
})

// wantGrown wants a counter to have grown by so much, no more and no less.
func wantGrown(t *evidence.Tally, trial int, s sending, name string, want int) {
	switch got := int(s.grown[name]); {
	case got == want:
	case got == 0:
		t.Found(trial, event.Unseen, "%s did not grow: %s", name, s)
	default:
		t.Found(trial, event.Miscounted, "%s grew by %d, want %d: %s", name, got, want, s)
	}
}
