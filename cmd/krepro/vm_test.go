package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/verdict"
)

// These tests boot real kernels. They run where KREPRO_VM_TESTS is set, after
// make build, and then fail, not skip, if QEMU or a kernel is missing.
func vmTest(t *testing.T) *env {
	t.Helper()
	if os.Getenv("KREPRO_VM_TESTS") == "" {
		t.Skip("boots VMs: set KREPRO_VM_TESTS=1 (make test does)")
	}
	home, err := filepath.Abs("../../build")
	if err != nil {
		t.Fatal(err)
	}
	return &env{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, width: func() int { return 0 }, getenv: os.Getenv, home: home}
}

// call runs a command line and returns its exit code and what it printed.
func (e *env) call(t *testing.T, args ...string) (code int, stdout string) {
	t.Helper()
	out, log := &bytes.Buffer{}, &bytes.Buffer{}
	e.stdout, e.stderr, e.args = out, log, args
	code = e.main(context.Background(), args)
	shown := out.String()
	t.Logf("krepro %v: exit %d\n%s%s", args, code, log, shown[:min(len(shown), 8000)])
	return code, out.String()
}

const staleEntry = "sockhash-stale-entry"

// The main job: what krepro says of real kernels is what is known of them.
func TestVerdictsOfDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "run")
	want := []struct {
		ref     string
		verdict verdict.Verdict
	}{
		{"debian:5.10.218-1", verdict.Affected},
		{"debian:5.10.223-1", verdict.Unaffected},
		{"debian:6.1", verdict.Unaffected},
		{"debian:6.12", verdict.Unaffected},
		{"debian:7.2", verdict.Unaffected},
	}
	args := []string{"run", "--suite", "smoke", "--suite", "sockmap", "--out", dir}
	for _, w := range want {
		args = append(args, "--kernel", w.ref)
	}
	if code, _ := e.call(t, args...); code != 0 {
		t.Errorf("exit code %d, want 0: every verdict as expected", code)
	}
	results := readVerdicts(t, dir)
	if len(results) != len(want) {
		t.Fatalf("verdicts on %d kernels, want %d", len(results), len(want))
	}
	for i, w := range want {
		t.Run(w.ref, func(t *testing.T) { checkKernel(t, results[i], w.verdict) })
	}
	t.Run("judge repeats it byte for byte", func(t *testing.T) {
		code, again := e.call(t, "judge", "--json", dir)
		wrote, err := os.ReadFile(filepath.Join(dir, verdictsFile))
		if err != nil || code != 0 || again != string(wrote) {
			t.Errorf("exit code %d, %v; %d bytes judged, %d written", code, err, len(again), len(wrote))
		}
	})
}

func readVerdicts(t *testing.T, dir string) []verdict.Result {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, verdictsFile))
	if err != nil {
		t.Fatal(err)
	}
	var whole struct{ Kernels []verdict.Result }
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	return whole.Kernels
}

// checkKernel has a subtest for each spec that ran: it must have passed, or
// failed by a case that the kernel is expected to have.
func checkKernel(t *testing.T, r verdict.Result, want verdict.Verdict) {
	affected := map[string]bool{}
	for _, c := range r.Cases {
		affected[c.Name] = c.Met && c.Verdict == verdict.Affected
		if !c.Met {
			t.Errorf("case %s: %s, expected %s: %s", c.Name, c.Verdict, c.Expect, c.Reason)
		}
		if c.Name == staleEntry && c.Verdict != want {
			t.Errorf("case %s: %s, want %s", c.Name, c.Verdict, want)
		}
	}
	if len(r.Cases) < 4 {
		t.Errorf("only %d cases are judged", len(r.Cases))
	}
	if len(r.Splats) > 0 {
		t.Errorf("splats: %+v", r.Splats)
	}
	for _, s := range r.Suites {
		for _, spec := range s.Specs {
			t.Run(s.Name+"/"+spec.Name, func(t *testing.T) {
				explained := spec.Verdict == verdict.Fail && affected[spec.Case]
				if spec.Verdict != verdict.Pass && !explained {
					t.Errorf("%s: %s %v", spec.Verdict, spec.Reason, spec.Findings)
				}
			})
		}
	}
}

// A kernel given as files has no expectation: everything has to pass. So the
// exit code is good or bad as git bisect run wants it.
func TestExitCodesOfBootImages(t *testing.T) {
	e := vmTest(t)
	for _, c := range []struct {
		ref  string
		want int
	}{
		{"debian:5.10.218-1", verdict.CodeBad},
		{"debian:5.10.223-1", verdict.CodeGood},
	} {
		t.Run(c.ref, func(t *testing.T) {
			img := image(t, c.ref)
			t.Setenv("KREPRO_CACHE", t.TempDir()) // nothing of a test stays in the real one
			code, _ := e.call(t, "run", "--accel", "tcg", "--out", filepath.Join(t.TempDir(), "run"), "--kernel", img.Vmlinuz,
				"--modules", img.Modules, "--config", img.Config, "--size", "quick",
				"--suite", "sockmap", "--label-filter", "trigger")
			if code != c.want {
				t.Errorf("exit code %d, want %d", code, c.want)
			}
		})
	}
}

func image(t *testing.T, text string) *kernels.Image {
	t.Helper()
	ref, err := kernels.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	store, err := kernels.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	img, err := store.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// A kernel that lacks an option is untestable, by the option's name, and is not booted.
func TestKernelWithoutWhatASuiteNeeds(t *testing.T) {
	e := vmTest(t)
	img := image(t, "debian:5.10.223-1")
	config, err := os.ReadFile(img.Config)
	if err != nil {
		t.Fatal(err)
	}
	lesser := filepath.Join(t.TempDir(), "config")
	config = bytes.ReplaceAll(config, []byte("CONFIG_BPF_STREAM_PARSER=y"), []byte("# CONFIG_BPF_STREAM_PARSER is not set"))
	if err := os.WriteFile(lesser, config, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KREPRO_CACHE", t.TempDir())
	code, out := e.call(t, "run", "--out", filepath.Join(t.TempDir(), "run"), "--suite", "smoke", "--suite", "sockmap",
		"--kernel", img.Vmlinuz, "--modules", img.Modules, "--config", lesser)
	if code != verdict.CodeSkip || !strings.Contains(out, "CONFIG_BPF_STREAM_PARSER") {
		t.Errorf("exit code %d, want %d and the option named", code, verdict.CodeSkip)
	}
}
