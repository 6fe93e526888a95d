package sockmap

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
)

// What a program can do about entries of dead sockets, whatever the kernel: each
// way must keep them out of the way of later connections, on every kernel.
var _ = Describe("way around entries of dead sockets", Label("remedy"), func() {
	for _, r := range remedies {
		Context(r.name, func() {
			It("a connection over the 4-tuple of a dead socket that is still held is served by its own socket", func() {
				b := newBench(r.variant)
				b.succeed(resetByPeer)
				b.finish()
			})

			It("the 4-tuples of connections that were never accepted are usable", func() {
				b := newBench(r.variant)
				b.abandon(few)
				if r.deletes {
					Expect(l.JudgeAtRest(b.Tally)).To(Succeed())
				}
				server := b.serve()
				b.exchange(b.dial(few))
				Expect(server.Close()).To(Succeed())
				Expect(l.JudgeUpdates(b.Tally)).To(Succeed())
				b.tell()
				b.Submit()
			})

			It("a socket that was connected to AF_UNSPEC, and then to another server, reads nothing of the connection that has its first 4-tuple now", func() {
				b := newBench(r.variant)
				b.disconnect()
				Expect(l.JudgeAtRest(b.Tally)).To(Succeed())
				b.tell()
				b.Submit()
			})
		})
	}
})

// remedy is a way to accelerate that lives with entries of dead sockets.
type remedy struct {
	variant
	deletes bool // and leaves none
}

var remedies = []remedy{
	// The new socket replaces the old one's entry.
	{variant: variant{name: "BPF_ANY", config: accel.Config{Flags: accel.Any, Redirect: true}}},
	// The old socket's entry goes before its 4-tuple can be used again.
	{deletes: true, variant: variant{name: "delete in BPF_SOCK_OPS_STATE_CB", config: accel.Config{Flags: accel.NoExist, Redirect: true, DeleteClosed: true}}},
	// The new socket has another key than the old one.
	{variant: variant{name: "the socket's cookie as the key", config: accel.Config{Flags: accel.NoExist, Redirect: true, ByCookie: true}}},
}
