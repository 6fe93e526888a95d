package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/diff"
)

// What krepro says of two real kernels is what is known of them; asked again, it
// boots nothing; and a kernel does not differ from itself.
func TestDiffOfDebianKernels(t *testing.T) {
	e := vmTest(t)
	a, b := image(t, "debian:5.10.218-1"), image(t, "debian:6.1.192-2")
	t.Setenv("KREPRO_CACHE", t.TempDir()) // nothing is known in it
	d := e.diffs(t, a.Vmlinuz, b.Vmlinuz, true)
	for _, s := range d.Sections {
		if s.Both == 0 {
			t.Errorf("%s: nothing in both", s.Name)
		}
	}
	if of := d.Sections[2].Of; len(of) < 20 || !slices.Contains(of, "sock_ops") || slices.Contains(of, "syscall") {
		t.Errorf("helpers of %v were compared", of)
	}
	for _, want := range []struct{ section, of, name, a, b string }{
		{"program types", "", "syscall", diff.No, diff.Yes},
		{"map types", "", "bloom_filter", diff.No, diff.Yes},
		{"helpers", "kprobe", "bpf_get_func_ip", diff.No, diff.Yes},
		{"functions", "", "tcp_bpf_get_proto", diff.Yes, diff.No},
		{"functions", "", "tcp_bpf_update_proto", diff.No, diff.Yes},
		{"functions", "", "sock_map_destroy", diff.No, diff.Yes},
		{"iterators", "", "unix", diff.No, diff.Yes},
		{"tracepoints", "tcp", "tcp_bad_csum", diff.No, diff.Yes},
		{"config", "", "CONFIG_AF_UNIX_OOB", "n", "y"},
	} {
		if !slices.ContainsFunc(d.Sections, func(s diff.Section) bool {
			return s.Name == want.section && slices.ContainsFunc(s.Changes, func(c diff.Change) bool {
				return c.Name == want.name && c.Of == want.of && c.A == want.a && c.B == want.b
			})
		}) {
			t.Errorf("%s: %s %s is not said to go from %s to %s", want.section, want.name, want.of, want.a, want.b)
		}
	}
	e.diffs(t, b.Vmlinuz, a.Vmlinuz, false)
	for _, s := range e.diffs(t, a.Vmlinuz, a.Vmlinuz, false).Sections {
		if len(s.Changes) > 0 {
			t.Errorf("a kernel differs from itself in %s: %v", s.Name, s.Changes)
		}
	}
}

// diffs runs krepro kernels diff, and checks whether it boots.
func (e *env) diffs(t *testing.T, a, b string, boots bool) diff.Diff {
	t.Helper()
	code, out := e.call(t, "kernels", "diff", "--json", a, b)
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if said := e.stderr.(*bytes.Buffer).String(); strings.Contains(said, ": boot") != boots {
		t.Errorf("boots: %v, want %v: %s", !boots, boots, said)
	}
	var d diff.Diff
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	return d
}
