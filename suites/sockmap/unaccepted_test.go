package sockmap

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/evidence"
)

// The deterministic trigger: a listener is closed while connections wait in its
// accept queue. The kernel destroys their sockets without close(); before
// d8616ee2affc ("bpf, sockmap: Fix sk->sk_forward_alloc warn_on in
// sk_stream_kill_queues") nothing takes them out of the map.
var _ = Describe("listener closed with unaccepted connections", Label("trigger"), func() {
	for _, v := range variants() {
		Context(v.String(), v.labels(), Label("thin"), func() {
			It("leaves no entry", func() {
				b := newBench(v)
				b.abandon(batch)
				b.Trials(batch)
				b.finish()
			})

			It("leaves the 4-tuples usable: dispatch stays on tcp_bpf_recvmsg, no request is stuck", func() {
				b := newBench(v)
				b.abandon(batch)
				server := b.serve()
				b.exchange(b.dial(batch))
				Expect(server.Close()).To(Succeed())
				b.finish()
			})
		})
	}
})

// abandon connects n times to a listener that accepts nothing, then closes the
// listener and the clients. Where the trigger is thinned, those that are not to
// strike are accepted and closed before.
func (b *bench) abandon(n int) {
	GinkgoHelper()
	listener := b.listen()
	conns := b.dial(n)
	for range n - evidence.Strikes(n) {
		served, err := listener.Accept()
		Expect(err).NotTo(HaveOccurred())
		Expect(served.Close()).To(Succeed())
	}
	Expect(listener.Close()).To(Succeed())
	closeAll(conns)
}
