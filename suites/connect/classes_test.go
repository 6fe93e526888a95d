package connect

import (
	"cmp"
	"errors"
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

// trouble is a way in which a GET fails, by curl's classes.
type trouble struct {
	to    netip.AddrPort
	from  uint16        // source port; 0: the kernel's choice
	limit time.Duration // for the handshake; 0: enough
	set   func()        // what has to be so until the spec ends
	class probe.Class
	err   error // nil: whatever the class says
}

var _ = Describe("a prober", Label("classes", "quick"), func() {
	DescribeTable("names what curl calls",
		func(describe func() trouble) {
			tr := describe()
			tally := evidence.NewTally().Watch()
			serve()
			if tr.set != nil {
				tr.set()
			}
			for i := range trials() {
				tally.Trials(2)
				if o := get(serverAddr(), i, 0, 0); o.Class != probe.OK {
					tally.Found(i, event.NotAccepted, "nothing is in its way: %s", o)
				}
				if o := get(tr.to, i, tr.from, tr.limit); o.Class != tr.class || tr.err != nil && !errors.Is(o.Err, tr.err) {
					tally.Found(i, event.Changed, "%s, want %s (%v)", o, tr.class, tr.err)
				}
			}
			tally.Submit()
		},
		Entry("connection refused (7): refused", func() trouble {
			return trouble{to: netip.AddrPortFrom(pair.Server.V4, closedPort), class: probe.Refused, err: unix.ECONNREFUSED}
		}),
		Entry("connection reset by peer (56): reset", func() trouble {
			return trouble{to: netip.AddrPortFrom(pair.Server.V4, resetPort), class: probe.Reset, err: unix.ECONNRESET, set: resetAll}
		}),
		Entry("timeout (28): connect-timeout", func() trouble {
			return trouble{to: netip.AddrPortFrom(deadV4, openPort), limit: 100 * time.Millisecond, class: probe.ConnectTimeout}
		}),
		Entry("cannot assign requested address (7): addr-unavailable", func() trouble {
			return trouble{to: serverAddr(), from: onlyPort, set: connectFromOnlyPort,
				class: probe.AddrUnavailable, err: unix.EADDRNOTAVAIL}
		}),
	)
})

// get makes one connection and asks once, as a kubelet does.
func get(to netip.AddrPort, trial int, from uint16, limit time.Duration) probe.Outcome {
	GinkgoHelper()
	enough := longEnough()
	p := probe.Prober{From: pair.Client, To: to, Connect: cmp.Or(limit, enough), Answer: enough}
	var o probe.Outcome
	Expect(pair.Client.Do(func() error { o = p.Get(trial, from); return nil })).To(Succeed())
	return o
}

// serve answers at serverAddr until the spec ends.
func serve() {
	s := probe.Serve(listen(pair.Server, serverAddr()))
	DeferCleanup(s.Close)
}

const resetPort = 8200

// resetAll accepts connections at resetPort and resets them, until the spec ends.
func resetAll() {
	l := listen(pair.Server, netip.AddrPortFrom(pair.Server.V4, resetPort))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
}

// connectFromOnlyPort makes a connection from onlyPort that stands until the spec ends.
func connectFromOnlyPort() {
	GinkgoHelper()
	a := start(pair.Client, netip.AddrPortFrom(pair.Client.V4, onlyPort), serverAddr(), abortOnClose)
	DeferCleanup(a.close)
	Expect(a.wait(longEnough()).connected()).To(BeTrue(), "%s", a)
}
