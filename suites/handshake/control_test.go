package handshake

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// A check that cannot fail proves nothing: here health checks are made without
// the one or the other option, and each of the other specs' checks must find them.
var _ = Describe("negative control", Label("control"), func() {
	const n = 3

	DescribeTable("a health check with SO_LINGER 0 alone is accepted, and is seen on the wire", func(v6 bool) {
		b, t := newBench(v6), evidence.NewTally().Watch()
		checks := b.checks(n, resets)
		found := evidence.NewTally()
		judgeAccepted(found, checks, b.accepted())
		Expect(found.Count(event.Changed)).To(Equal(n), "accepted: %s", found.Summary())
		b.judgeWire(found, checks)
		Expect(found.Count(event.Changed)).To(Equal(2*n), "accepted, and seen: %s", found.Summary())
		t.Trials(n)
		t.Submit()
	}, families)

	DescribeTable("an ordinary health check leaves TIME_WAIT, and its port cannot be bound", func(v6 bool) {
		b, t := newBench(v6), evidence.NewTally().Watch()
		checks := b.checks(n, ordinary)
		b.accepted() // and closed, so that the clients' ends come to TIME_WAIT
		found := evidence.NewTally()
		b.judgeLeft(found, lab.Client, checks)
		Expect(found.Count(event.Changed)).To(Equal(n), "TIME_WAIT: %s", found.Summary())
		b.judgePort(found, checks)
		Expect(found.Count(event.NotAccepted)).To(Equal(n), "ports in use: %s", found.Summary())
		t.Trials(n)
		t.Submit()
	}, families)
})
