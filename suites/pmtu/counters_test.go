package pmtu

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/krepro/krepro/harness/event"
)

// What a person finds out by what happened, on a host that no longer shows it.
var _ = DescribeTable("counters grow with each segment that was held back, and with none that fits:", Label("counters"),
	func(c change, names ...string) {
		p := newPair(c.v6)
		b := newBench(func() sending { return p.across(change{v6: c.v6, mtu: 1500, segments: c.segments}) })
		most := 0
		for i := range trials() {
			for _, c.mtu = range []int{1400, 1500} {
				b.Trials(1)
				s := b.measure(func() sending { return p.across(c) })
				held := refused(s, c.segments, names[0])
				for _, name := range names {
					b.wantGrown(i, s, name, held)
				}
				most = max(most, held)
			}
		}
		if most < c.segments {
			b.Found(0, event.Miscounted, "%s: no write of %d segments grew it by more than %d", names[0], c.segments, most)
		}
		b.Submit()
	},
	Entry("one, IPv4", change{segments: 1}, "IpFragFails", "IcmpOutDestUnreachs", "IcmpInDestUnreachs"),
	Entry("one, IPv6", change{segments: 1, v6: true}, "Ip6FragFails"),
	Entry("three, IPv4", change{segments: 3}, "IpFragFails", "IcmpOutDestUnreachs", "IcmpInDestUnreachs"),
)

// refused is how many of a write's segments the host refused to itself: by the
// counter, but none of a write that was not held back, and of one that was from
// one to all. Fewer than all are right where the message about the first came
// in before the last was made, which then fits: as a guest that gets no CPU for a
// while sees it.
func refused(s sending, segments int, counter string) int {
	if !s.stalled() {
		return 0
	}
	return min(max(1, int(s.grown[counter])), segments)
}

// The ICMP message of a stall comes from the host itself, that of a path's MTU
// from a router: only the former is counted as sent, too.
var _ = It("counters tell the connection that finds a path's MTU out from one that is held back", Label("counters"), func() {
	p := routed()
	b := newBench(p.fitting)
	for i := range trials() {
		b.Trials(1)
		s := b.measure(p.finder)
		b.wantGrown(i, s, "IcmpInDestUnreachs", 1)
		b.wantGrown(i, s, "IcmpOutDestUnreachs", 0)
		b.wantGrown(i, s, "IpFragFails", 0)
	}
	b.Submit()
})

// wantGrown wants a counter to have grown by so much, no more and no less.
func (b *bench) wantGrown(trial int, s sending, name string, want int) {
	switch got := int(s.grown[name]); {
	case got == want:
	case got == 0:
		b.Found(trial, event.Unseen, "%s did not grow: %s", name, s)
	default:
		b.Found(trial, event.Miscounted, "%s grew by %d, want %d: %s", name, got, want, s)
	}
}
