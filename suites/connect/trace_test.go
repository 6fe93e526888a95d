package connect

import (
	"net/netip"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/conntrace"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
)

// failing is a way in which a connect fails.
type failing struct {
	to    netip.Addr
	errno unix.Errno              // 0: the client gives up
	where string                  // a function on the kernel's stack
	noSYN bool                    // it fails before a SYN is sent
	set   func() (restore func()) // what has to be so meanwhile
	with  []func(fd int) error    // socket options
	limit time.Duration           // after which the client gives up; 0: it does not
}

var _ = Describe("a tracer of failed connects", Label("trace", "quick"), func() {
	DescribeTable("sees each as the client does, and none that succeeded",
		func(describe func() failing) {
			f := describe()
			tally := evidence.NewTally().Watch()
			listen(pair.Server, serverAddr())
			if f.set != nil {
				defer f.set()()
			}
			before := synRetries(pair.Client)
			w := watchTracer()
			failed, succeeded := f.connect(trials())
			tally.Trials(len(failed) + len(succeeded))
			seen := w.failures(len(failed))
			for _, d := range compare(failed, seen, f.where) {
				tally.Found(d.trial, d.symptom, "%s", d.text)
			}
			if got, want := w.grown(), f.counted(len(failed), len(succeeded), synRetries(pair.Client)-before); got != want {
				tally.Found(0, event.Miscounted, "the tracer counts %+v, want %+v", got, want)
			}
			if len(seen) > 0 {
				Expect(evidence.Record(event.ConnectRecord, seen[0])).To(Succeed())
			}
			tally.Submit()
		},
		everyFailing(),
	)
})

// everyFailing are the ways, those of IPv6 that take long only if there is time.
func everyFailing() []TableEntry {
	all := []TableEntry{
		Entry("refused, IPv4", func() failing {
			return failing{to: pair.Server.V4, errno: unix.ECONNREFUSED, where: "tcp_rcv_state_process"}
		}),
		Entry("refused, IPv6", func() failing {
			return failing{to: pair.Server.V6, errno: unix.ECONNREFUSED, where: "tcp_rcv_state_process"}
		}),
		Entry("unreachable: nobody answers ARP", func() failing {
			return failing{to: absent, errno: unix.EHOSTUNREACH, where: "tcp_v4_err"}
		}),
		Entry("timed out, IPv4", func() failing {
			return failing{to: deadV4, errno: unix.ETIMEDOUT, where: "tcp_write_timer", with: []func(int) error{timeout}}
		}),
		Entry("given up by the client after a retry", func() failing {
			return failing{to: deadV4, where: "__tcp_close", limit: 1500 * time.Millisecond}
		}),
		Entry("without a route", func() failing {
			return failing{to: unrouted, errno: unix.ENETUNREACH, where: "__inet_stream_connect", noSYN: true}
		}),
		Entry("without a free port", func() failing {
			return failing{to: pair.Server.V4, errno: unix.EADDRNOTAVAIL, where: "__inet_stream_connect", noSYN: true, set: occupyPorts}
		}),
	}
	if evidence.Size() != evidence.Quick {
		all = append(all, Entry("timed out, IPv6", func() failing {
			return failing{to: deadV6, errno: unix.ETIMEDOUT, where: "tcp_write_timer", with: []func(int) error{timeout}}
		}))
	}
	return all
}

// connect makes n connects that fail, each to a port of its own, all at once, and
// as many in between that succeed.
func (f failing) connect(n int) (failed, succeeded []*attempt) {
	GinkgoHelper()
	limit := f.limit
	if limit == 0 {
		limit = longEnough()
	}
	for i := range n {
		failed = append(failed, start(pair.Client, netip.AddrPort{}, netip.AddrPortFrom(f.to, closedPort+uint16(i)), f.with...))
		own := netip.AddrPortFrom(pair.Client.V4, goodPort+uint16(i))
		succeeded = append(succeeded, start(pair.Client, own, serverAddr(), abortOnClose))
	}
	end := time.Now().Add(limit)
	for i := range n {
		defer failed[i].close()
		defer succeeded[i].close()
		Expect(succeeded[i].wait(longEnough()).connected()).To(BeTrue(), "%s", succeeded[i])
		failed[i].wait(time.Until(end))
		Expect(failed[i].connected()).To(BeFalse(), "%s", failed[i])
		Expect(failed[i].errno()).To(Equal(f.errno), "%s", failed[i])
	}
	return failed, succeeded
}

// counted is what the tracer has to count.
func (f failing) counted(failed, succeeded int, retries uint64) conntrace.Counters {
	c := conntrace.Counters{Begun: uint64(succeeded), Answered: uint64(succeeded), Failed: uint64(failed), Retried: retries}
	if !f.noSYN {
		c.Begun += uint64(failed)
	}
	return c
}

// goodPort is the first source port of connects that succeed: outside of the
// kernel's own choice.
const goodPort = 20000
