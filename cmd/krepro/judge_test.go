package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// judgedRun makes a run's folder out of package verdict's evidence.
func judgedRun(t *testing.T, suites string, folders ...string) string {
	t.Helper()
	run := t.TempDir()
	var refs []string
	for _, f := range folders {
		from := filepath.Join("..", "..", "vmtest", "verdict", "testdata", f)
		if err := os.CopyFS(filepath.Join(run, f), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		refs = append(refs, `"`+readKernel(from).Ref+`"`)
	}
	put(t, filepath.Join(run, runFile), `{"kernels": [`+strings.Join(refs, ", ")+`], "suites": [`+suites+`], "size": "quick"}`)
	return run
}

func TestJudge(t *testing.T) {
	w := newWorld(t)
	run := judgedRun(t, `"sockmap"`, "wrong-symptom", "affected")
	code, out, stderr := w.do(t.Context(), "judge", run)
	if code != verdict.CodeBad {
		t.Errorf("code %d, want 1: %s", code, stderr)
	}
	golden(t, "judge.txt", out)

	if code, out, _ := w.do(t.Context(), "judge", run, "--rates"); code != verdict.CodeBad || !strings.Contains(out, "  1/50      0.051 % to 11 %  fail     sockmap: ") {
		t.Errorf("rates, code %d:\n%s", code, out)
	}

	before := listing(t, run)
	if _, again, _ := w.do(t.Context(), "judge", run); again != out {
		t.Errorf("judged twice, it says something else:\n%s", again)
	}
	if after := listing(t, run); after != before {
		t.Errorf("judge changed the folder: %s, was %s", after, before)
	}
}

// One VM's folder is judged by what its run asked for.
func TestJudgeOneKernel(t *testing.T) {
	w := newWorld(t)
	run := judgedRun(t, `"sockmap"`, "wrong-symptom", "panic-in-spec")
	for _, dir := range []string{filepath.Join(run, "panic-in-spec"), filepath.Join(run, "panic-in-spec") + "/"} {
		_, out, stderr := w.do(t.Context(), "judge", dir)
		if !strings.Contains(out, "NULL pointer dereference in sock_map_destroy") || strings.Contains(out, "connection refused") {
			t.Errorf("judge %s: %s%s", dir, out, stderr)
		}
	}
	t.Chdir(filepath.Join(run, "panic-in-spec"))
	if _, out, stderr := w.do(t.Context(), "judge", "."); !strings.Contains(out, "sock_map_destroy") {
		t.Errorf("judge in the folder itself: %s%s", out, stderr)
	}
}

// A kernel that was asked for and left no folder is not passed over.
func TestJudgeAbsentKernel(t *testing.T) {
	w := newWorld(t)
	run := judgedRun(t, `"sockmap"`, "unaffected")
	put(t, filepath.Join(run, runFile), `{"kernels": ["debian:5.10.223-1", "debian:6.1"], "suites": ["sockmap"]}`)
	code, out, _ := w.do(t.Context(), "judge", run)
	if code != verdict.CodeInfra || !strings.Contains(out, "\ndebian:6.1\n") {
		t.Errorf("code %d, want 128 for debian:6.1\n%s", code, out)
	}
}

func TestJudgeDamagedRun(t *testing.T) {
	w := newWorld(t)
	run := t.TempDir()
	put(t, filepath.Join(run, runFile), `{"kernels": [`)
	if code, _, stderr := w.do(t.Context(), "judge", run); code != verdict.CodeInfra || !strings.Contains(stderr, "run.json") {
		t.Errorf("code %d, %s; want 128 and run.json", code, stderr)
	}
}

// listing is the names and contents of all files below dir.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		b.WriteString(path + "\n" + string(data) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
