package main

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/krepro/krepro/harness/sweep"
)

// What a person reads of a sweep, in the order of a morning: a look, the
// deletion, a look again, and a map that could not be swept whole.
func TestPrintSweep(t *testing.T) {
	entry := func(v sweep.Verdict, why string, o sweep.Outcome) sweep.Entry {
		return sweep.Entry{
			Key:   "c6120001000000000000000000000000c613000100000000000000000000000001000000a00000001f900000",
			Local: netip.MustParseAddrPort("198.19.0.1:8080"), Remote: netip.MustParseAddrPort("198.18.0.1:40960"),
			Cookie: 4711, State: "CLOSE", Verdict: v, Why: why, Outcome: o,
		}
	}
	const destroyed = "destroyed: no port, no peer, no descriptor"
	strange := entry(sweep.Stale, destroyed, "")
	strange.Local, strange.Remote = netip.AddrPort{}, netip.AddrPort{}
	held := entry(sweep.Closed, "dead, and a descriptor is still open", "")
	base := sweep.Report{ID: 17, Name: "cilium_sock_ops", KeySize: 44}
	var out bytes.Buffer
	for _, c := range []struct {
		title   string
		deleted bool
		entries int
		change  func(*sweep.Report)
	}{
		{"dry run", false, 42, func(r *sweep.Report) {
			r.Live, r.Stale, r.Closed, r.Remaining = 40, 1, 1, 1
			r.Listed = []sweep.Entry{entry(sweep.Stale, destroyed, ""), held}
		}},
		{"deleted", true, 42, func(r *sweep.Report) {
			r.Live, r.Stale, r.Closed, r.Deleted, r.Again = 40, 1, 1, 1, 1
			r.Listed = []sweep.Entry{entry(sweep.Stale, destroyed, sweep.Deleted), held}
		}},
		{"clean", false, 41, func(r *sweep.Report) { r.Live = 41 }},
		{"not all", true, 43, func(r *sweep.Report) {
			r.Live, r.Stale, r.Remaining = 40, 3, 2
			r.Listed = []sweep.Entry{
				entry(sweep.Stale, destroyed, sweep.Replaced), entry(sweep.Stale, destroyed, sweep.Failed), strange,
			}
		}},
	} {
		r := base
		r.Entries = c.entries
		c.change(&r)
		out.WriteString("# " + c.title + "\n")
		if err := printSweep(&out, r, c.deleted); err != nil {
			t.Fatal(err)
		}
		out.WriteString("\n")
	}
	golden(t, "sweep.txt", out.String())
}
