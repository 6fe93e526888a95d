package sockmap

import (
	"net/netip"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/probe"
)

// A check that cannot fail proves nothing. Here entries are planted by hand
// that an affected kernel would have left behind, and every check that the
// other specs rest on must find them, on every kernel.
var _ = Describe("negative control", Label("control"), func() {
	It("entries planted under the 4-tuples of connections to come are found by every check", func() {
		const n = 3
		b := newBench(cilium)
		server := b.serve()
		donors := b.plant(n)
		found := &bench{Tally: evidence.NewTally(), variant: cilium}
		found.exchange(b.dial(n))
		Expect(l.JudgeUpdates(found.Tally)).To(Succeed())
		Expect(l.JudgeAtRest(found.Tally)).To(Succeed())
		closeAll(donors)
		Expect(server.Close()).To(Succeed())

		Expect(found.Count(event.Stuck)).To(Equal(n), "requests stuck: %s", found.Summary())
		Expect(found.Count(event.WrongHandler)).To(Equal(n), "servers off tcp_bpf_recvmsg: %s", found.Summary())
		Expect(found.Count(event.Exists)).To(Equal(n), "updates refused: %s", found.Summary())
		Expect(found.Count(event.StaleEntry)).To(Equal(n), "entries at rest: %s", found.Summary())
		b.Trials(n)
		Expect(l.JudgeAtRest(b.Tally)).To(Succeed(), "the donors are closed")
		b.Submit()
	})
})

// plant enters sockets of n plain connections (from the remote node) under the
// keys that the server's sockets of trials 0 to n-1 will want.
func (b *bench) plant(n int) []*probe.Conn {
	GinkgoHelper()
	p := b.prober(remote())
	var donors []*probe.Conn
	DeferCleanup(func() { drop(donors) })
	Expect(remote().Do(func() error {
		for range n {
			c, err := p.Dial(0)
			if err != nil {
				return err
			}
			donors = append(donors, c)
		}
		return nil
	})).To(Succeed())
	for i, donor := range donors {
		client := netip.AddrPortFrom(node().Addr(b.v6), portOf(i))
		raw, err := donor.SyscallConn()
		Expect(err).NotTo(HaveOccurred())
		Expect(raw.Control(func(fd uintptr) {
			Expect(l.Accel.Plant(accel.KeyOf(p.To, client), fd)).To(Succeed())
		})).To(Succeed())
	}
	return donors
}
