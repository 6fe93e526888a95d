package main

import (
	"path/filepath"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// A process is told its own numbers on every kernel; by sockops programs where
// they have the helper.
func TestPidnsOnDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	code, _ := e.call(t, "run", "--out", dir, "--suite", "pidns", "--size", "quick",
		"--kernel", "debian:5.10.218-1", "--kernel", "debian:6.12", "--kernel", "debian:7.2")
	if code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	sockops := []verdict.Verdict{verdict.Untestable, verdict.Unaffected, verdict.Unaffected}
	for i, r := range readVerdicts(t, dir) {
		got := map[string]verdict.Verdict{}
		for _, c := range r.Cases {
			got[c.Name] = c.Verdict
		}
		if len(got) != 2 || got["pidns-own-numbers"] != verdict.Unaffected || got["pidns-sockops"] != sockops[i] {
			t.Errorf("%s: cases %v, want pidns-own-numbers unaffected, pidns-sockops %s", r.Kernel.Ref, got, sockops[i])
		}
	}
}
