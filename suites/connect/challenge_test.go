package connect

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
)

// First source ports of these connects.
const (
	challengePort = 21000
	lostPort      = 21100
	trackedPort   = 21200
	refusedPort   = 21300
)

var _ = Describe("a connect from a source port whose old connection the server still has", Label("challenge", "quick"), func() {
	It("is answered by a challenge ACK, resets the old connection and gets through, long before a lost SYN would be sent again", func() {
		tally := evidence.NewTally().Watch()
		lost := watchUnanswered(pair.Client)
		c := newChallenge(challengePort)
		var took []time.Duration
		for i := range trials() {
			tally.Trials(1)
			took = append(took, c.try(tally, i, longEnough()))
		}
		c.count(tally, trials())
		lost.await(2)
		// A loaded host may hold up one of them, but not half.
		slices.Sort(took)
		median, retry := took[len(took)/2], gaps(lost.syns())[0]
		if median.Seconds() > retry/2 {
			tally.Found(0, event.Delayed, "half of the connects took longer than %s; a lost SYN is sent again after %.3f s", median, retry)
		}
		AddReportEntry(fmt.Sprintf("connects took %s to %s; a lost SYN is sent again after %.3f s", took[0], took[len(took)-1], retry))
		tally.Submit()
	})
})

var _ = Describe("negative control", Label("control", "quick"), func() {
	It("a challenge whose reset gets lost is found out: the connect hangs", func() {
		defer dropResets(pair.Server)()
		newChallenge(lostPort).hangs()
	})
})

// challenge is a server with old connections whose clients have vanished.
type challenge struct {
	port     uint16 // the first source port
	listener net.Listener
	capture  *netlab.Capture
	before   netlab.Counters // the server's
	vanish   func(*attempt)  // has the client of an old connection go, which the server does not learn
	// Options of the old connection's socket, and of the one that comes after it.
	first, again func(fd int) error
}

func newChallenge(port uint16) *challenge {
	GinkgoHelper()
	c := &challenge{port: port, listener: listen(pair.Server, serverAddr()), vanish: silently, first: abortOnClose, again: abortOnClose}
	var err error
	c.capture, err = pair.Client.Capture()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(c.capture.Close)
	c.before, err = pair.Server.Counters()
	Expect(err).NotTo(HaveOccurred())
	return c
}

// exchange is what has to pass: the SYN, the challenge, the reset of the old
// connection, and the handshake.
const exchange = "S < . > R > S < S. > ."

// try makes an old connection, has its client vanish, and connects again from
// the same port, for as long as limit. It returns how long that took.
func (c *challenge) try(tally *evidence.Tally, i int, limit time.Duration) time.Duration {
	GinkgoHelper()
	own := netip.AddrPortFrom(pair.Client.V4, c.port+uint16(i))
	old := c.abandon(own)
	defer abort(old)
	since := event.Uptime()
	again := start(pair.Client, own, serverAddr(), abortOnClose, c.again).wait(limit)
	defer again.close()
	took := time.Duration((again.ended - again.began) * float64(time.Second))
	if !again.connected() {
		tally.Found(i, event.NotAccepted, "%s after %s; on the wire: %s", again, took, c.wire(own, since))
		return took
	}
	next, err := c.listener.Accept()
	Expect(err).NotTo(HaveOccurred())
	defer next.Close()
	if wire := c.wire(own, since); wire != exchange {
		tally.Found(i, event.Changed, "on the wire: %s; want %s", wire, exchange)
	}
	if state := stateOf(old); state != "CLOSE" {
		tally.Found(i, event.Changed, "the server's old connection is %s, want CLOSE", state)
	}
	return took
}

// hangs makes one try that must not get through. It would take milliseconds.
func (c *challenge) hangs() {
	GinkgoHelper()
	found := evidence.NewTally()
	c.try(found, 0, 600*time.Millisecond)
	Expect(found.Count(event.NotAccepted)).To(Equal(1), "the connect got through")
	evidenceOf(1)
}

// abort leaves nothing of a connection behind that the next spec could meet.
func abort(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// abandon makes a connection that the server has closed for writing (FIN_WAIT2)
// and the client knows nothing of any more. It returns the server's end.
func (c *challenge) abandon(own netip.AddrPort) *net.TCPConn {
	GinkgoHelper()
	client := start(pair.Client, own, serverAddr(), c.first).wait(longEnough())
	Expect(client.connected()).To(BeTrue(), "%s", client)
	defer client.close() // again, if it has vanished
	accepted, err := c.listener.Accept()
	Expect(err).NotTo(HaveOccurred())
	server := accepted.(*net.TCPConn)
	Expect(server.CloseWrite()).To(Succeed())
	Eventually(func() string { return stateOf(server) }).WithTimeout(longEnough()).
		Should(Equal("FIN_WAIT2"))
	c.vanish(client)
	return server
}

// silently closes without a FIN: TCP_REPAIR (tcp(7)).
func silently(client *attempt) {
	GinkgoHelper()
	Expect(unix.SetsockoptInt(client.fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1)).To(Succeed())
	client.close()
}

// wire is what passed between a client's address and the server, up to the end
// of the handshake.
func (c *challenge) wire(own netip.AddrPort, since time.Duration) string {
	GinkgoHelper()
	packets, err := c.capture.Of(own, serverAddr(), since, event.Uptime())
	Expect(err).NotTo(HaveOccurred())
	var b strings.Builder
	for i, p := range packets {
		switch {
		case i == 0:
		case p.FromClient:
			b.WriteString(" > ")
		default:
			b.WriteString(" < ")
		}
		b.WriteString(p.Flags)
	}
	return b.String()
}

// count holds the server's counters against the number of connects.
func (c *challenge) count(tally *evidence.Tally, n int) {
	GinkgoHelper()
	for _, name := range []string{"TcpExtTCPChallengeACK", "TcpExtTCPSYNChallenge"} {
		if grown := counter(pair.Server, name) - c.before[name]; grown != uint64(n) {
			tally.Found(0, event.Miscounted, "the server's %s grew by %d in %d connects", name, grown, n)
		}
	}
}
