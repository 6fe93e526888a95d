package sockmap

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/probe"
)

// A stale entry holds its socket, and the socket its namespace: a pod that has
// been deleted stays, with its device on the node. The kernel takes namespaces
// down in the order in which they were let go, so a second pod tells when the
// first one's turn is over: it is let go later, and has nothing in the map.
var _ = Describe("deleted pod", Label("netns"), func() {
	It("takes its netns and the node's end of its veth along, a connection never accepted notwithstanding", func() {
		b := newBench(cilium)
		deleted, control := newShortPod(8), newShortPod(9)
		for i, p := range []*shortPod{deleted, control} {
			listener, client := b.visit(p, portOf(i))
			if p == control {
				closeAll(accept(listener, 1))
			}
			Expect(listener.Close()).To(Succeed())
			Expect(client.Close()).To(Succeed())
		}
		Expect(l.JudgeAtRest(b.Tally)).To(Succeed())

		b.Trials(1)
		began := time.Now()
		Expect(deleted.Close()).To(Succeed())
		Expect(control.Close()).To(Succeed())
		Eventually(control.onNode).WithTimeout(evidence.Stretch(30*time.Second)).WithPolling(look).
			Should(BeFalse(), "%s of the pod without a stale entry", control.device)
		if took := time.Since(began); deleted.outlives(took) {
			b.Found(0, event.NeverFreed, "%s, the node's end of a deleted pod's veth, is still there; %s of another pod, deleted after it, was gone after %s",
				deleted.device, control.device, took.Round(time.Millisecond))
		}
		b.tell()

		Expect(l.Accel.Reset()).To(Succeed())
		Eventually(deleted.onNode).WithTimeout(evidence.Stretch(30*time.Second)).WithPolling(look).
			Should(BeFalse(), "%s, with no entry left in the map", deleted.device)
		b.Submit()
	})
})

const look = 5 * time.Millisecond

// shortPod is a pod that does not outlive its spec.
type shortPod struct {
	*netlab.Host
	device string // its veth's end on the node
	closed bool
}

// newShortPod adds pod i to the node and to what is accelerated.
func newShortPod(i int) *shortPod {
	GinkgoHelper()
	netns, err := netlab.NewNetns(fmt.Sprintf("pod%d", i))
	Expect(err).NotTo(HaveOccurred())
	p := &shortPod{
		Host:   &netlab.Host{Netns: netns, V4: netip.AddrFrom4([4]byte{198, 19, 0, byte(i)}), Device: "eth0"},
		device: fmt.Sprintf("lxc%d", i),
	}
	DeferCleanup(p.Close)
	Expect(netlab.Veth(node().Netns, p.device, netns, p.Device)).To(Succeed())
	Expect(node().Route(netlab.Route{To: netip.PrefixFrom(p.V4, 32), Device: p.device})).To(Succeed())
	Expect(netns.Address(p.Device, p.V4, 32)).To(Succeed())
	Expect(netns.Route(netlab.Route{To: netip.PrefixFrom(node().V4, 32), Device: p.Device})).To(Succeed())
	Expect(l.Accel.AddEndpoint(p.V4)).To(Succeed())
	return p
}

// visit connects from a port of the node to a listener in a pod.
func (b *bench) visit(p *shortPod, from uint16) (listener *net.TCPListener, client *probe.Conn) {
	GinkgoHelper()
	before, err := l.Updates()
	Expect(err).NotTo(HaveOccurred())
	listener, err = probe.Listen(p.Host, false, port)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { listener.Close() })
	prober := b.plainProber(node())
	prober.To = netip.AddrPortFrom(p.V4, port)
	Expect(node().Do(func() (err error) {
		client, err = prober.Dial(from)
		return err
	})).To(Succeed())
	DeferCleanup(func() { client.Close() })
	Expect(l.AwaitUpdates(before + 2)).To(Succeed())
	return listener, client
}

// Close lets go of the pod's namespace, once.
func (p *shortPod) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	return p.Netns.Close()
}

// onNode tells whether the pod's device on the node is still there.
func (p *shortPod) onNode() (there bool, err error) {
	err = node().Do(func() error {
		devices, err := net.Interfaces()
		for _, d := range devices {
			there = there || d.Name == p.device
		}
		return err
	})
	return there, err
}

// outlives tells whether the device is still there after many times the time
// that the control took, and many looks.
func (p *shortPod) outlives(control time.Duration) bool {
	GinkgoHelper()
	const looks, times = 40, 4
	end := time.Now().Add(max(evidence.Stretch(500*time.Millisecond), times*control))
	for seen := 1; ; seen++ {
		there, err := p.onNode()
		Expect(err).NotTo(HaveOccurred())
		if !there || seen >= looks && time.Now().After(end) {
			return there
		}
		time.Sleep(look)
	}
}
