package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// The table of costs is shown by kernel, the order in it holds, and each kernel
// is told to have the kretprobes that it has.
func TestProbesOfDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	want := []struct{ ref, makes, multi string }{
		{"debian:5.10.218-1", "hash table with locks", "no kprobe.multi"},
		{"debian:6.1.192-2", "one lock-free list", "no kprobe.multi"},
		{"debian:7.2.13-1", "objpool", "ns  kprobe.multi"},
	}
	args := []string{"run", "--out", dir, "--suite", "probes", "--size", "quick"}
	for _, w := range want {
		args = append(args, "--kernel", w.ref)
	}
	code, out := e.call(t, args...)
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if strings.Count(out, "bare call") != len(want) {
		t.Error("not every kernel has a table of costs")
	}
	for i, r := range readVerdicts(t, dir) {
		if len(r.Cases) != 1 || r.Cases[0].Verdict != verdict.Unaffected {
			t.Errorf("%s: cases %+v, want one, unaffected", r.Kernel.Name, r.Cases)
		}
		if r.Kernel.Alone != "probes" || !strings.HasSuffix(r.Kernel.Name, "~probes") {
			t.Errorf("%s was not alone in its VM", r.Kernel.Name)
		}
		if text := figures(r); !strings.Contains(text, want[i].makes) || !strings.Contains(text, want[i].multi) {
			t.Errorf("%s: figures without %q and %q:\n%s", r.Kernel.Name, want[i].makes, want[i].multi, text)
		}
	}
}

func figures(r verdict.Result) string {
	var b strings.Builder
	for _, s := range r.Suites {
		for _, p := range s.Specs {
			for _, f := range p.Figures {
				b.WriteString(f.Text)
			}
		}
	}
	return b.String()
}

// A suite that hangs in a VM of its own is ended at its limit, and takes no
// other suite with it.
func TestLimitOfSuiteAlone(t *testing.T) {
	e := vmTest(t)
	suites := t.TempDir()
	for name, manifest := range map[string]string{"hang": "about: hangs\nalone: true\nlimit: 3s\n", "mute": "about: says nothing\n"} {
		build := exec.Command("go", "build", "-o", filepath.Join(suites, name+".test"), "./testdata/misbehave")
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build suite: %v\n%s", err, out)
		}
		put(t, filepath.Join(suites, name+".yaml"), manifest)
	}
	e.getenv = func(key string) string { return map[string]string{"KREPRO_SUITES": suites}[key] }
	dir := filepath.Join(t.TempDir(), "run")
	if code, _ := e.call(t, "run", "--kernel", "debian:5.10.223-1", "--out", dir); code != verdict.CodeSkip {
		t.Errorf("exit code %d, want %d", code, verdict.CodeSkip)
	}
	results := readVerdicts(t, dir)
	if len(results) != 2 || results[0].Suites[0].Name != "mute" || results[1].Suites[0].Name != "hang" {
		t.Fatalf("results %+v, want mute and hang, each in its VM", results)
	}
	if su := results[1].Suites[0]; su.Verdict != verdict.OtherHang || !strings.Contains(su.Reason, "out of time after 3 s") {
		t.Errorf("hang: %s (%s), want other-hang by its limit", su.Verdict, su.Reason)
	}
	if results[1].Exit.Reason != "done" {
		t.Errorf("the VM of hang ended by %q, want done", results[1].Exit.Reason)
	}
}
