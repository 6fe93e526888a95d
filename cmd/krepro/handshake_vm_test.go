package main

import (
	"path/filepath"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Half-open health checks work on the oldest and on the newest kernel.
func TestHandshakeOnDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	code, _ := e.call(t, "run", "--out", dir, "--suite", "handshake", "--size", "quick",
		"--kernel", "debian:5.10.218-1", "--kernel", "debian:7.2")
	if code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	for _, r := range readVerdicts(t, dir) {
		if len(r.Cases) != 1 || r.Cases[0].Name != "handshake-half-open" || r.Cases[0].Verdict != verdict.Unaffected {
			t.Errorf("%s: cases %+v, want handshake-half-open unaffected", r.Kernel.Ref, r.Cases)
		}
	}
}
