package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The tracer's counts are the workload's own, on one CPU and on two, where sends
// and reads happen at the same time; and what it measured is shown.
func TestLatencyOfDebianKernels(t *testing.T) {
	e := vmTest(t)
	for _, cpus := range []string{"1", "2"} {
		t.Run(cpus+" CPUs", func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			code, out := e.call(t, "run", "--out", dir, "--suite", "latency", "--size", "quick", "--cpus", cpus,
				"--kernel", "debian:5.10.218-1", "--kernel", "debian:7.2.13-1")
			if code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			for _, want := range []string{"latency from tcp_sendmsg to the read, 8 connections at a time", "without the tracer"} {
				if strings.Count(out, want) != 2 {
					t.Errorf("%q is not shown for both kernels", want)
				}
			}
			for _, r := range readVerdicts(t, dir) {
				if len(r.Cases) != 1 || r.Cases[0].Verdict != verdict.Unaffected || r.Cases[0].Rate.Trials < 3200 {
					t.Errorf("%s: cases %+v, want one, unaffected, of 3,200 writes at least", r.Kernel.Name, r.Cases)
				}
			}
		})
	}
}
