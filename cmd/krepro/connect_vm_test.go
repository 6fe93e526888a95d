package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// A connect takes a port in FIN_WAIT2 up to 5.10.226; what must not change has not.
func TestConnectOnDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	want := []struct {
		ref   string
		reuse verdict.Verdict
	}{
		{"debian:5.10.223-1", verdict.Affected},
		{"debian:6.1", verdict.Unaffected},
		{"debian:7.2", verdict.Unaffected},
	}
	args := []string{"run", "--out", dir, "--suite", "connect", "--size", "quick"}
	for _, w := range want {
		args = append(args, "--kernel", w.ref)
	}
	if code, _ := e.call(t, args...); code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	for i, r := range readVerdicts(t, dir) {
		got := map[string]verdict.Verdict{}
		for _, c := range r.Cases {
			got[c.Name] = c.Verdict
		}
		for name, verdict := range map[string]verdict.Verdict{
			"connect-finwait2-reuse":          want[i].reuse,
			"connect-challenge-ack":           verdict.Unaffected,
			"connect-challenge-ack-conntrack": verdict.Unaffected,
			"connect-syn-schedule":            verdict.Unaffected,
		} {
			equal(t, r.Kernel.Ref+" "+name, got[name], verdict)
		}
	}
}

// krepro trace connect, the command itself in the guest.
func TestTraceConnectInTheGuest(t *testing.T) {
	e := vmTest(t)
	const command = "/bin/krepro"
	m := suiteMachine(t, "debian:5.10.223-1", "connect")
	m.Files = map[string]string{command: filepath.Join(e.home, "krepro")}
	m.Env = []string{event.EnvCommand + "=" + command}
	m.Suites[0].Args = []string{"-ginkgo.label-filter=command"}
	exit, err := m.Run(context.Background())
	if err != nil || exit.Reason != event.ExitDone {
		t.Fatalf("vm: %+v, %v", exit, err)
	}
	passed := 0
	for _, r := range recordsOf(t, m.Dir) {
		if r.Kind == event.SpecEnd && r.State != event.Skipped {
			passed++
			equal(t, r.Spec+": "+r.Text, r.State, event.Passed)
		}
	}
	equal(t, "specs", passed, 1)
}
