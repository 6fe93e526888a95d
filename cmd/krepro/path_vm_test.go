package main

import (
	"path/filepath"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Traceroute is told the same on the oldest and on the newest kernel.
func TestPathOnDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	code, _ := e.call(t, "run", "--out", dir, "--suite", "path", "--size", "quick",
		"--kernel", "debian:5.10.218-1", "--kernel", "debian:7.2")
	if code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	for _, r := range readVerdicts(t, dir) {
		if len(r.Cases) != 3 {
			t.Errorf("%s: %d cases, want 3", r.Kernel.Ref, len(r.Cases))
		}
		for _, c := range r.Cases {
			if c.Verdict != verdict.Unaffected {
				t.Errorf("%s: case %s %s, want unaffected", r.Kernel.Ref, c.Name, c.Verdict)
			}
		}
	}
}
