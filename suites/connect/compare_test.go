package connect

import (
	"fmt"
	"net/netip"
	"os"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/conntrace"
	"github.com/krepro/krepro/harness/event"
)

// disagreement is where tracer and client say different things of a connect.
type disagreement struct {
	trial   int
	symptom event.Symptom
	text    string
}

// compare holds the failures that were traced against the connects that failed,
// each to a remote port of its own. The function has to be on every stack.
func compare(failed []*attempt, seen []event.Connect, function string) []disagreement {
	var out []disagreement
	say := func(trial int, s event.Symptom, format string, args ...any) {
		out = append(out, disagreement{trial, s, fmt.Sprintf(format, args...)})
	}
	for i, a := range failed {
		of := slices.DeleteFunc(slices.Clone(seen), func(e event.Connect) bool { return e.Remote != a.remote })
		if len(of) != 1 {
			say(i, event.Unseen, "%s: traced %d times", a, len(of))
			continue
		}
		if e := of[0]; !a.agrees(e) {
			say(i, event.Miscounted, "%s, from %.6f to %.6f; the tracer says: %s, from %.6f", a, a.began, a.ended, conntrace.Line(e), e.Began)
		}
		if !slices.ContainsFunc(of[0].Stack, func(f event.Frame) bool { return f.Symbol == function }) {
			say(i, event.Unseen, "%s: no %s on its stack:\n%s", a, function, conntrace.Trace(of[0].Stack))
		}
	}
	for _, e := range seen {
		if !slices.ContainsFunc(failed, func(a *attempt) bool { return a.remote == e.Remote }) {
			say(0, event.Miscounted, "no client knows of: %s", conntrace.Line(e))
		}
	}
	return out
}

// agrees holds one against the other: own address if it had one, errno, who it
// was, and the order of times.
func (a *attempt) agrees(e event.Connect) bool {
	return (a.local.Port() == 0 || a.local == e.Local) && e.Errno == unix.ErrnoName(a.errno()) &&
		int(e.Process) == os.Getpid() && a.began <= e.Began && e.Began <= min(a.ended, e.T)
}

var _ = Describe("negative control", Label("control", "quick"), func() {
	attempts := func() []*attempt {
		var out []*attempt
		for i := range 3 {
			remote := netip.AddrPortFrom(deadV4, closedPort+uint16(i))
			out = append(out, &attempt{local: netip.MustParseAddrPort("198.18.1.1:40000"), remote: remote, began: 1, ended: 3, err: unix.ETIMEDOUT})
		}
		return out
	}
	traced := func() []event.Connect {
		var out []event.Connect
		for _, a := range attempts() {
			out = append(out, event.Connect{Local: a.local, Remote: a.remote, Began: 1, T: 3, Errno: "ETIMEDOUT",
				Process: uint32(os.Getpid()), Stack: []event.Frame{{Symbol: "tcp_write_timer"}}})
		}
		return out
	}
	found := func(change func([]event.Connect) []event.Connect) int {
		return len(compare(attempts(), change(traced()), "tcp_write_timer"))
	}

	It("a tracer that misses a connect, sees one too many, or gets one wrong is found out", func() {
		Expect(found(func(e []event.Connect) []event.Connect { return e })).To(BeZero())
		Expect(found(func(e []event.Connect) []event.Connect { return e[1:] })).To(Equal(1), "missed")
		Expect(found(func(e []event.Connect) []event.Connect { return append(e, e[0]) })).To(Equal(1), "twice")
		for what, spoil := range map[string]func(*event.Connect){
			"errno":  func(e *event.Connect) { e.Errno = "" },
			"port":   func(e *event.Connect) { e.Local = netip.MustParseAddrPort("198.18.1.1:40001") },
			"time":   func(e *event.Connect) { e.Began = 0.5 },
			"stack":  func(e *event.Connect) { e.Stack = nil },
			"caller": func(e *event.Connect) { e.Process++ },
		} {
			Expect(found(func(e []event.Connect) []event.Connect { spoil(&e[0]); return e })).To(Equal(1), what)
		}
		Expect(found(func(e []event.Connect) []event.Connect {
			e[2].Remote = netip.AddrPortFrom(unrouted, closedPort)
			return e
		})).To(Equal(2), "another's")
		evidenceOf(8)
	})

	It("a SYN schedule that departs from the sysctl is found out", func() {
		for _, c := range []struct {
			gaps   []float64
			linear int
			right  bool
		}{
			{[]float64{1.02, 2.05}, 0, true},
			{[]float64{1.02, 1.01}, 0, false},
			{[]float64{1.02, 1.01}, 4, true},
			{[]float64{1.02, 2.05}, 4, false},
			{[]float64{1, 1, 1, 1, 1.03, 2.1}, 4, true},
			{[]float64{1, 1, 1, 1, 2, 4}, 4, false},
			{[]float64{1.03, 2.05, 4.3}, 0, true},
		} {
			Expect(doubling(c.gaps) == expectDoubling(c.linear, len(c.gaps))).To(Equal(c.right), "%v", c)
		}
		evidenceOf(7)
	})
})
