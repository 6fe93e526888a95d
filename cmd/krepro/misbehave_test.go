package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Suites that panic the kernel, die, hang, eat all memory or say nothing: each
// in a real VM, each with the verdict and the exit code that its evidence asks for.
func TestMisbehaviour(t *testing.T) {
	tests := []struct {
		suite  string
		spec   verdict.Verdict // on the spec in flight
		reason string
		blame  verdict.Blame
		code   int
	}{
		{"panic", verdict.Crash, "sysrq triggered crash", verdict.OnKernel, verdict.CodeBad},
		{"die", verdict.Broken, `"panic: the suite's own fault"`, verdict.OnSuite, verdict.CodeSkip},
		{"hang", verdict.OtherHang, "time used up", verdict.OnKernel, verdict.CodeSkip},
		{"gorge", verdict.Broken, "the guest ran out of memory and killed gorge.test", verdict.OnSuite, verdict.CodeSkip},
		{"mute", "", "", verdict.OnSuite, verdict.CodeSkip},
	}
	e := vmTest(t)
	var names []string
	for _, test := range tests {
		names = append(names, test.suite)
	}
	e.misbehaving(t, names...)
	for _, test := range tests {
		t.Run(test.suite, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			timeout := "90s" // more than the others need on a busy machine
			if test.suite == "hang" {
				timeout = "15s"
			}
			code, _ := e.call(t, "run", "--kernel", "debian:5.10.223-1", "--suite", test.suite, "--out", dir, "--timeout", timeout)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			reported(t, dir, test.blame)
			r := readVerdicts(t, dir)[0]
			su := r.Suites[0]
			if test.spec == "" {
				if len(su.Specs) != 0 || su.Verdict != verdict.Broken {
					t.Errorf("suite %s with %d specs, want broken with none", su.Verdict, len(su.Specs))
				}
				return
			}
			if len(su.Specs) != 2 || su.Specs[0].Verdict != verdict.Pass {
				t.Fatalf("specs %+v, want one that passed and one in flight", su.Specs)
			}
			if p := su.Specs[1]; p.Verdict != test.spec || !strings.Contains(p.Reason, test.reason) {
				t.Errorf("spec in flight: %s (%s), want %s (…%s…)", p.Verdict, p.Reason, test.spec, test.reason)
			}
		})
	}
}

// misbehaving makes the suites of testdata/misbehave those that e has.
func (e *env) misbehaving(t *testing.T, names ...string) {
	t.Helper()
	suites := t.TempDir()
	for _, name := range names {
		build := exec.Command("go", "build", "-o", filepath.Join(suites, name+".test"), "./testdata/misbehave")
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build suite: %v\n%s", err, out)
		}
		put(t, filepath.Join(suites, name+".yaml"), "about: misbehaves\n")
	}
	e.getenv = func(key string) string { return map[string]string{"KREPRO_SUITES": suites}[key] }
}

// Ctrl-C in the midst of a spec leaves every report, and none of them has a pass
// for what was not answered.
func TestInterruptedInTheMidst(t *testing.T) {
	e := vmTest(t)
	e.misbehaving(t, "hang")
	dir := filepath.Join(t.TempDir(), "run")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		for ctx.Err() == nil {
			events, _ := filepath.Glob(filepath.Join(dir, "*", verdict.EventsFile))
			if len(events) > 0 && bytes.Contains(mustRead(t, events[0]), []byte("in mid-spec")) {
				interrupt()
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
	var log bytes.Buffer
	e.stderr = &log
	code := e.main(ctx, []string{"run", "--kernel", "debian:5.10.223-1", "--suite", "hang", "--out", dir, "--timeout", "60s"})
	if code != verdict.CodeCancelled {
		t.Fatalf("exit code %d, want 130\n%s", code, &log)
	}
	reported(t, dir, verdict.OnHost)
	specs := readVerdicts(t, dir)[0].Suites[0].Specs
	if len(specs) != 2 || specs[0].Verdict != verdict.Pass || specs[1].Verdict != verdict.Cancelled {
		t.Errorf("specs %+v, want one that passed and one cancelled", specs)
	}
}
