package main

import (
	"path/filepath"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The stall is on the oldest and on the newest kernel, in each of five ways;
// what gets around it does, and the counters tell of it. An affected kernel is
// what is expected, so the run is a success.
func TestPathMTUStallOnDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	code, _ := e.call(t, "run", "--out", dir, "--suite", "pmtu", "--size", "quick",
		"--kernel", "debian:5.10.218-1", "--kernel", "debian:7.2")
	if code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	for _, r := range readVerdicts(t, dir) {
		t.Run(r.Kernel.Ref, func(t *testing.T) { checkPathMTU(t, r) })
	}
}

func checkPathMTU(t *testing.T, r verdict.Result) {
	got := map[string]verdict.Verdict{}
	for _, c := range r.Cases {
		got[c.Name] = c.Verdict
	}
	if len(got) != 2 || got["pmtu-stall"] != verdict.Affected || got["pmtu-counters"] != verdict.Unaffected {
		t.Errorf("cases %v, want pmtu-stall affected, pmtu-counters unaffected", got)
	}
	stalled := 0
	for _, s := range r.Suites {
		for _, spec := range s.Specs {
			switch {
			case spec.Verdict == verdict.Fail && spec.Case == "pmtu-stall" && spec.Rate.Trials > 0 && spec.Rate.Failures == spec.Rate.Trials:
				stalled++
			case spec.Verdict != verdict.Pass:
				t.Errorf("%s: %s %s %v", spec.Name, spec.Verdict, spec.Reason, spec.Findings)
			}
		}
	}
	if stalled != 5 {
		t.Errorf("%d specs found the stall in each of their trials, want 5", stalled)
	}
}
