package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The wait for a full daemon is bounded on every kernel that can be had; that it
// did wait, and that the control was seen to be stuck, the suite checks itself.
func TestAuditOfDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	code, out := e.call(t, "run", "--out", dir, "--suite", "audit", "--size", "quick",
		"--kernel", "debian:5.10.218-1", "--kernel", "debian:7.2.13-1")
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if strings.Count(out, "AUDIT_SET with a daemon whose socket is full") != 2 {
		t.Error("how long AUDIT_SET took is not shown for both kernels")
	}
	for _, r := range readVerdicts(t, dir) {
		if len(r.Cases) != 1 || r.Cases[0].Verdict != verdict.Unaffected || r.Cases[0].Rate.Trials != 6 {
			t.Errorf("%s: cases %+v, want one, unaffected, of 6 trials", r.Kernel.Name, r.Cases)
		}
		for _, spec := range r.Suites[0].Specs {
			if spec.Verdict != verdict.Pass {
				t.Errorf("%s: %s: %s (%s)", r.Kernel.Name, spec.Name, spec.Verdict, spec.Reason)
			}
		}
	}
}
