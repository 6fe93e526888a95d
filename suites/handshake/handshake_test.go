package handshake

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

var _ = Describe("health check with TCP_QUICKACK off and SO_LINGER 0", func() {
	DescribeTable("is SYN, SYN-ACK, RST, and is never accepted", func(v6 bool) {
		b, t := newBench(v6), evidence.NewTally().Watch()
		before := b.counters()
		checks := b.checks(trials(), halfOpen)
		accepted := b.accepted()
		judgeAccepted(t, checks, accepted)
		b.judgeWire(t, checks)
		b.judgeLeft(t, lab.Server, checks)
		t.Trials(len(checks))

		// The kernel's own counts; one connection stayed open.
		grown := b.counters().Since(before)
		if n, want := grown["TcpPassiveOpens"], uint64(1+len(accepted)); n != want {
			t.Found(0, event.Changed, "the server counts %d connections (TcpPassiveOpens), accept had %d", n, want)
		}
		if n := grown["TcpExtEmbryonicRsts"]; n < uint64(len(checks)) {
			t.Found(0, event.Changed, "the server counts %d resets within a handshake (TcpExtEmbryonicRsts), want %d", n, len(checks))
		}
		t.Submit()
	}, families)

	DescribeTable("leaves no TIME_WAIT: its source port can be bound again at once", func(v6 bool) {
		b, t := newBench(v6), evidence.NewTally().Watch()
		from := fresh()
		for trial := range trials() {
			c, _, err := b.check(from, halfOpen)
			Expect(err).NotTo(HaveOccurred())
			c.trial = trial
			b.judgeLeft(t, lab.Client, []check{c})
			b.judgePort(t, []check{c})
			t.Trials(1)
		}
		t.Submit()
	}, families)
})
