package connect

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/probe"
)

// loopback is where tcp_tw_reuse is on by default (2: on loopback alone).
var loopback = netip.MustParseAddr("127.0.0.1")

const (
	reusePort  = 8100 // the server's
	firstReuse = 42000
	halfOpen   = 20 // connections that the server has not closed
	closed     = 20 // connections that both have closed
)

var _ = Describe("a source port whose connection is in FIN_WAIT2", Label("reuse", "quick"), func() {
	It("is not chosen for a connect: the server has not closed yet; one in TIME_WAIT is, after a second", func() {
		tally := evidence.NewTally().Watch()
		last := firstReuse + halfOpen + closed - 1
		defer setSysctl(pair.Client, portRange, fmt.Sprintf("%d %d", firstReuse, last))()
		to := netip.AddrPortFrom(loopback, reusePort)
		old := closeByClient(to)
		resets := counter(pair.Client, "TcpEstabResets")
		time.Sleep(1500 * time.Millisecond) // a port in TIME_WAIT is left alone for a second

		reused := 0
		for range halfOpen + closed {
			tally.Trials(1)
			a := start(pair.Client, netip.AddrPort{}, to).wait(longEnough())
			defer a.close()
			server, stands := old[a.local]
			switch {
			case a.err == unix.EADDRNOTAVAIL:
			case !a.connected():
				tally.Found(int(a.local.Port()), event.NotAccepted, "%s", a)
			case stands:
				tally.Found(int(a.local.Port()), event.Broke, "port %d was chosen, and the server's old connection, which was in CLOSE_WAIT, is %s; write: %v",
					a.local.Port(), stateOf(server), write(server))
			default:
				reused++
			}
		}
		if reused != closed {
			tally.Found(0, event.Unseen, "of %d ports in TIME_WAIT %d were used again", closed, reused)
		}
		for local, server := range old {
			if state := stateOf(server); state != "CLOSE_WAIT" && tally.Count(event.Broke) == 0 {
				tally.Found(int(local.Port()), event.Broke, "no port was chosen again, and yet the server's connection from %s is %s", local, state)
			}
		}
		AddReportEntry(fmt.Sprintf("TcpEstabResets +%d", counter(pair.Client, "TcpEstabResets")-resets))
		tally.Submit()
	})
})

// closeByClient makes the connections, and has the client close them first. It
// returns the server's ends of those that the server does not close, by the
// client's address.
func closeByClient(to netip.AddrPort) map[netip.AddrPort]*net.TCPConn {
	GinkgoHelper()
	clients, servers := connectAll(to, halfOpen+closed)
	for _, c := range clients {
		c.close()
	}
	for _, c := range clients[halfOpen:] {
		Expect(servers[c.local].Close()).To(Succeed())
		delete(servers, c.local)
	}
	Eventually(func() map[string]int { return statesOf(to) }).WithTimeout(longEnough()).
		Should(Equal(map[string]int{"FIN_WAIT2": halfOpen, "TIME_WAIT": closed}), "clients' sockets")
	return servers
}

// connectAll makes n connections to a server that accepts them.
func connectAll(to netip.AddrPort, n int) ([]*attempt, map[netip.AddrPort]*net.TCPConn) {
	GinkgoHelper()
	l := listen(pair.Client, to)
	var clients []*attempt
	servers := map[netip.AddrPort]*net.TCPConn{}
	for range n {
		c := start(pair.Client, netip.AddrPort{}, to).wait(longEnough())
		DeferCleanup(c.close)
		Expect(c.connected()).To(BeTrue(), "%s", c)
		s, err := l.Accept()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { s.Close() })
		servers[s.RemoteAddr().(*net.TCPAddr).AddrPort()] = s.(*net.TCPConn)
		clients = append(clients, c)
	}
	return clients, servers
}

// statesOf counts the sockets that are connected to an address, by state.
func statesOf(to netip.AddrPort) map[string]int {
	GinkgoHelper()
	states := map[string]int{}
	Expect(pair.Client.Do(func() error {
		all, err := probe.Sockets(false)
		for _, s := range all {
			if s.Remote == to {
				states[event.TCPState(s.State)]++
			}
		}
		return err
	})).To(Succeed())
	return states
}

func stateOf(c *net.TCPConn) string {
	GinkgoHelper()
	info, err := probe.TCPInfo(c)
	Expect(err).NotTo(HaveOccurred())
	return info.State
}

func write(c *net.TCPConn) error {
	_, err := c.Write([]byte("late"))
	return err
}
