// Package smoke asks whether the harness itself works on this kernel: what the
// other suites rest on, with nothing that a kernel bug could spoil.
package smoke

import (
	"net/netip"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/lab"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/observe"
	"github.com/krepro/krepro/harness/probe"
)

func TestSmoke(t *testing.T) { evidence.Run(t, "smoke") }

const (
	port    = 8000
	timeout = 3 * time.Second
)

var l *lab.Lab

var _ = BeforeSuite(func() {
	var err error
	l, err = lab.Open(2)
	if lacks := lab.Lacks(err); lacks != "" {
		evidence.Untestable(lacks)
	}
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
})

var _ = DescribeTable("ping crosses the topology",
	func(from, to func() *netlab.Host) {
		for _, v6 := range []bool{false, true} {
			Expect(from().Ping(to().Addr(v6), evidence.Stretch(timeout))).To(Succeed())
		}
		evidence.NewTally().Watch().Trials(2)
	},
	Entry("node to pod", node, pod1),
	Entry("pod to pod", pod1, pod2),
	Entry("remote node to pod", remote, pod1),
)

var _ = Describe("plain HTTP", func() {
	It("is served by tcp_recvmsg at both ends", func() {
		Expect(l.Begin(accel.Config{})).To(Succeed())
		outcome := dial(remote()).Get(0)
		Expect(outcome.Class).To(Equal(probe.OK), "%s", outcome)
		Expect(handlers(outcome.Client)).To(Equal([]string{observe.TCP}))
		Expect(handlers(outcome.Server)).To(Equal([]string{observe.TCP}))
		Expect(outcome.After.BytesReceived).To(BeNumerically(">", 50), "the answer went through the stack")
		Expect(l.Accel.Counters()).To(Equal(accel.Counters{}))
		evidence.NewTally().Watch().Trials(1)
	})
})

var _ = Describe("accelerated HTTP", func() {
	It("enters the map, is redirected, and is served by tcp_bpf_recvmsg at both ends", func() {
		Expect(l.Begin(accel.Config{Flags: accel.NoExist, Redirect: true})).To(Succeed())
		c := dial(node())
		Expect(l.AwaitUpdates(2)).To(Succeed())
		outcome := c.Get(0)
		Expect(outcome.Class).To(Equal(probe.OK), "%s", outcome)
		Expect(handlers(outcome.Client)).To(Equal([]string{observe.BPF}))
		Expect(handlers(outcome.Server)).To(Equal([]string{observe.BPF}))
		Expect(l.Accel.Counters()).To(Equal(accel.Counters{Inserted: 2, Redirected: 2}), "two sockets, a request and an answer")
		evidence.NewTally().Watch().Trials(1)
	})

	It("shows its two entries, decoded, while the connection is open", func() {
		Expect(l.Begin(accel.Config{Flags: accel.NoExist, Redirect: true})).To(Succeed())
		c := dial(node())
		defer c.Close()
		Expect(l.AwaitUpdates(2)).To(Succeed())
		client, server := c.Addrs()
		entries, err := l.Accel.Entries()
		Expect(err).NotTo(HaveOccurred())
		Expect(entries).To(ConsistOf(
			accel.Entry{Key: accel.KeyOf(client, server), Cookie: c.Cookie},
			HaveField("Key", accel.KeyOf(server, client)),
		))
		evidence.NewTally().Watch().Trials(1)
	})
})

var _ = Describe("the observer", func() {
	It("loses nothing of a request", func() {
		outcome := dial(remote()).Get(0)
		Expect(outcome.Class).To(Equal(probe.OK), "%s", outcome)
		Expect(handlers(outcome.Client)).NotTo(BeEmpty())
		Expect(handlers(outcome.Server)).NotTo(BeEmpty())
		Expect(l.Observer.Lost()).To(BeZero())
		evidence.NewTally().Watch().Trials(1)
	})
})

// dial connects to a server that answers in pod1 until the spec ends.
func dial(from *netlab.Host) *probe.Conn {
	GinkgoHelper()
	listener, err := probe.Listen(pod1(), false, port)
	Expect(err).NotTo(HaveOccurred())
	server := probe.Serve(listener)
	DeferCleanup(server.Close)
	limit := evidence.Stretch(timeout)
	p := probe.Prober{From: from, To: netip.AddrPortFrom(pod1().V4, port), Connect: limit, Answer: limit, Server: server}
	var c *probe.Conn
	Expect(from.Do(func() (err error) { c, err = p.Dial(lab.FirstPort); return err })).To(Succeed())
	return c
}

func handlers(cookie uint64) []string {
	GinkgoHelper()
	hs, err := l.Observer.Of(cookie)
	Expect(err).NotTo(HaveOccurred())
	var symbols []string
	for _, h := range hs {
		symbols = append(symbols, h.Symbol)
	}
	return symbols
}

func node() *netlab.Host   { return l.Node }
func remote() *netlab.Host { return l.Remote }
func pod1() *netlab.Host   { return l.Pods[0] }
func pod2() *netlab.Host   { return l.Pods[1] }
