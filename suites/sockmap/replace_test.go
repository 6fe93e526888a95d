package sockmap

import (
	"errors"

	"github.com/cilium/ebpf"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/probe"
)

// An element that is updated with the socket that it has already, in a map of
// its own without any program: the second update must not undo what makes the
// socket leave the map as it is closed. The update of a SOCKHASH makes a new
// element each time, and has never failed.
var _ = DescribeTable("element updated with the socket that it has already", Label("replace"),
	func(kind ebpf.MapType) {
		b := newBench(cilium)
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: few})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(m.Close)
		listener := b.listen()
		for i := range uint32(few) {
			c := b.dialPlain()
			b.Trials(1)
			Expect(onSocket(c, func(fd int) error {
				return errors.Join(m.Put(i, uint64(fd)), m.Put(i, uint64(fd)))
			})).To(Succeed())
			Expect(m.Lookup(i, new(uint64))).To(Succeed(), "the socket is in the map")
			Expect(c.Close()).To(Succeed())
			var cookie uint64
			if err := m.Lookup(i, &cookie); err == nil {
				b.Found(int(i), event.StaleEntry, "element %d of a %s, updated twice with one socket: still there after close(2), cookie %d", i, kind, cookie)
			} else {
				Expect(err).To(MatchError(ebpf.ErrKeyNotExist))
			}
		}
		Expect(listener.Close()).To(Succeed())
		b.Submit() // the lab's own maps have no part in it: nothing to record
	},
	Entry("goes from a SOCKMAP as the socket is closed", ebpf.SockMap),
	Entry("goes from a SOCKHASH as the socket is closed", ebpf.SockHash),
)

// dialPlain connects from the remote node: nobody accelerates that.
func (b *bench) dialPlain() (c *probe.Conn) {
	GinkgoHelper()
	p := b.plainProber(remote())
	Expect(remote().Do(func() (err error) {
		c, err = p.Dial(0)
		return err
	})).To(Succeed())
	DeferCleanup(func() { c.Close() })
	return c
}
