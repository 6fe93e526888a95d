package handshake

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// That the last ACK is delayed, and not left out, shows as an order: a
// connection that began later is accepted earlier.
var _ = DescribeTable("connection with TCP_QUICKACK off that stays open is accepted, but after an ordinary one that began later",
	func(v6 bool) {
		b, t := newBench(v6), evidence.NewTally().Watch()
		for trial := range 3 {
			delayed, first, second := b.race()
			t.Trials(1)
			if first == delayed {
				t.Found(trial, event.Changed, "port %d, with TCP_QUICKACK off, is accepted before port %d", first, second)
			}
		}
		t.Submit()
	}, families)

// race begins a connection with TCP_QUICKACK off and then an ordinary one, and
// returns the port of the former, and in which order the server accepts both. A
// race that the guest was held up in does not count.
func (b *bench) race() (delayed, first, second uint16) {
	GinkgoHelper()
	for range 20 {
		delayed = fresh()
		began := event.Uptime()
		one, err := b.dial(delayed, kind{delayed: true})
		Expect(err).NotTo(HaveOccurred())
		other, err := b.dial(fresh(), ordinary)
		Expect(err).NotTo(HaveOccurred())
		isPrompt := event.Uptime()-began < prompt
		first, second = b.accept(), b.accept()
		Expect(one.Close()).To(Succeed())
		Expect(other.Close()).To(Succeed())
		if isPrompt {
			return delayed, first, second
		}
	}
	Fail("the guest is held up too often for two connections within " + prompt.String())
	return 0, 0, 0
}
