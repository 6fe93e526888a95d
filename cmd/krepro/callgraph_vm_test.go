package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/explain"
)

// What the kernel called below recvmsg, for a good and a stuck request: the
// first difference is the handler.
func TestCallGraph(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	e.call(t, "run", "--out", dir, "--size", "quick", "--suite", "sockmap", "--call-graph", "--label-filter", "call-graph", "--kernel", "debian:5.10.218-1")
	s := suiteOf(t, filepath.Join(dir, "debian-5.10.218-1-cloud-amd64"))
	lines := map[string][]string{}
	for _, spec := range s.Specs {
		for _, g := range spec.CallGraphs {
			lines[g.Request] = g.Lines
		}
	}
	rows := explain.Compare(lines["good"], lines["stuck"])
	i := slices.IndexFunc(rows, func(r explain.Row) bool { return r.First })
	if i < 0 {
		t.Fatalf("no difference between %q and %q", lines["good"], lines["stuck"])
	}
	equal(t, "good", strings.TrimSpace(rows[i].Left), "tcp_bpf_recvmsg")
	equal(t, "stuck", strings.TrimSpace(rows[i].Right), "tcp_recvmsg")
	code, text := e.call(t, "explain", dir)
	if code != 0 || !strings.Contains(text, "first difference") {
		t.Errorf("explain: code %d, and no call graphs side by side", code)
	}
}
