package handshake

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

// leavesWindow is after how long the sequence number of the client's next SYN,
// which grows by one every 64 ns (secure_tcp_seq), is beyond the window of the
// server's old handshake: 4 ms at 64 KiB. A SYN within the window would be
// reset at once: connection refused.
const leavesWindow = 20 * time.Millisecond

// The reset may get lost: the server then still waits in SYN_RECV when the next
// check comes from the same port. It answers that SYN by an ACK of the old
// handshake, the client resets it, and sends its SYN anew.
var _ = DescribeTable("health check from the same port after its reset was lost is answered by an ACK of the old handshake, resets it, and connects",
	func(v6 bool) {
		b, t := newBench(v6), evidence.NewTally().Watch()
		for trial := range 3 {
			lost := b.lose()
			from := lost.port
			time.Sleep(leavesWindow) // the lost reset passes the server's device within it, at the latest
			since := event.Uptime()
			again, err := b.dial(from, ordinary)
			t.Trials(1)
			if err != nil {
				t.Found(trial, event.NotAccepted, "port %d: segments %s on the wire: %v", from, b.flags(from, since, event.Uptime()), err)
				continue
			}
			if got := b.accept(); got != from {
				t.Found(trial, event.Changed, "port %d is accepted, want %d", got, from)
			}
			if flags := b.flags(from, since, event.Uptime()); !strings.HasPrefix(flags, "S . R S S. .") {
				t.Found(trial, event.Changed, "port %d: segments %s on the wire, want S . R S S. . first", from, flags)
			}
			Expect(again.Close()).To(Succeed())
		}
		t.Submit()
	}, families)

// lose makes a health check whose reset gets lost on the link.
func (b *bench) lose() check {
	GinkgoHelper()
	for range 20 {
		c := check{port: fresh(), began: event.Uptime()}
		conn, err := b.dial(c.port, halfOpen)
		Expect(err).NotTo(HaveOccurred())
		Expect(lab.Client.Neighbour(lab.Client.Device, b.server().Addr(), netlab.Nobody)).To(Succeed())
		Expect(conn.Close()).To(Succeed())
		Expect(lab.Client.ForgetNeighbour(lab.Client.Device, b.server().Addr())).To(Succeed())
		c.ended = event.Uptime()
		if c.ended-c.began < prompt {
			return c
		}
		b.accepted() // the ACK that it delayed may have gone out: it is none of the next check's
	}
	Fail("the guest is held up too often for a check within " + prompt.String())
	return check{}
}
