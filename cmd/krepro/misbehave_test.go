package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Suites that panic the kernel, die, hang, eat all memory or say nothing: each
// in a real VM, each with the verdict and the exit code that its evidence asks for.
func TestMisbehaviour(t *testing.T) {
	tests := []struct {
		suite  string
		spec   verdict.Verdict // on the spec in flight
		reason string
		code   int
	}{
		{"panic", verdict.Crash, "sysrq triggered crash", verdict.CodeBad},
		{"die", verdict.Broken, `"panic: the suite's own fault"`, verdict.CodeSkip},
		{"hang", verdict.OtherHang, "time used up", verdict.CodeSkip},
		{"gorge", verdict.Broken, "the guest ran out of memory and killed gorge.test", verdict.CodeSkip},
		{"mute", "", "", verdict.CodeSkip},
	}
	e := vmTest(t)
	suites := t.TempDir()
	for _, test := range tests {
		build := exec.Command("go", "build", "-o", filepath.Join(suites, test.suite+".test"), "./testdata/misbehave")
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build suite: %v\n%s", err, out)
		}
		put(t, filepath.Join(suites, test.suite+".yaml"), "about: misbehaves\n")
	}
	e.getenv = func(key string) string { return map[string]string{"KREPRO_SUITES": suites}[key] }
	for _, test := range tests {
		t.Run(test.suite, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			code, _ := e.call(t, "run", "--kernel", "debian:5.10.223-1", "--suite", test.suite, "--out", dir, "--timeout", "15s")
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
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
