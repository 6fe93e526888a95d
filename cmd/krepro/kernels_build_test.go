package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/build"
	"github.com/krepro/krepro/vmtest/verdict"
)

// unbuildable is a folder that looks like a kernel tree, and whose make fails.
func unbuildable(t *testing.T, dir string) string {
	t.Helper()
	if missing := build.Missing(t.Context()); len(missing) > 0 {
		t.Skipf("building needs %s", strings.Join(missing, " "))
	}
	tree := filepath.Join(dir, "linux")
	put(t, filepath.Join(tree, "Kconfig"), "")
	put(t, filepath.Join(tree, "scripts/kconfig/x"), "")
	put(t, filepath.Join(tree, "Makefile"), "tinyconfig:\n\t@echo 'init/Kconfig:7: syntax error'; exit 1\n")
	return tree
}

// A tree that cannot be built is the tree's fault: git bisect skips it, and the
// log is among the evidence.
func TestRunOfTreeThatCannotBeBuilt(t *testing.T) {
	w := newWorld(t)
	tree, out := unbuildable(t, w.dir), filepath.Join(w.dir, "run")
	code, stdout, stderr := w.do(t.Context(), "run", "--kernel", "tree:"+tree, "--out", out)
	if code != verdict.CodeSkip || !strings.Contains(stdout, "build-fail") || !strings.Contains(stdout, "init/Kconfig:7: syntax error") {
		t.Errorf("code %d, want 125 and build-fail with the error\n%s%s", code, stdout, stderr)
	}
	logs, err := filepath.Glob(filepath.Join(out, "*", "build.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("build logs: %v, %v", logs, err)
	}
	if text, err := os.ReadFile(logs[0]); err != nil || !strings.Contains(string(text), "syntax error") {
		t.Errorf("the log is %q, %v", text, err)
	}
	rejudged(t, w, out, verdict.CodeSkip)
	code, _, stderr = w.do(t.Context(), "kernels", "build", "--tree", tree)
	if code != verdict.CodeSkip || !strings.Contains(stderr, "config: init/Kconfig:7: syntax error") || !strings.Contains(stderr, "\nlog: ") {
		t.Errorf("kernels build: code %d\n%s", code, stderr)
	}
}

func TestKernelsBuildUsage(t *testing.T) {
	w := newWorld(t)
	for line, says := range map[string]string{
		"":                               "name what to build",
		"debian:6.1":                     "not to be built from source",
		"tree:" + w.dir + " --tree x":    "either a reference or --tree",
		"--tree " + w.dir + "/nowhere":   "the folder cannot be read",
		"--tree " + w.dir + " --jobs -1": "jobs: -1 is negative",
		"--tree " + w.dir + " --config " + w.dir + "/nowhere": "nowhere cannot be read",
		"--tree " + w.dir + " --patch " + w.dir + "/nowhere":  "nowhere cannot be read",
	} {
		code, _, stderr := w.do(t.Context(), append([]string{"kernels", "build"}, strings.Fields(line)...)...)
		if code != codeUsage || !strings.Contains(stderr, says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("kernels build %s: code %d, want 129 and a line with %q\n%s", line, code, says, stderr)
		}
	}
}

// A build tells how far it is, in a line of its own.
func TestProgressOfBuild(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b, func() int { return 80 })
	var s kernels.Store
	p.follow(&s)
	s.Building(kernels.Building{Name: "fix tcp", Made: 5, Expected: 90})
	p.print("")
	if !strings.Contains(b.String(), "fix tcp    0 s  5 of about 90 files made\n") {
		t.Errorf("drawn: %q", b.String())
	}
	s.Building(kernels.Building{Name: "fix tcp", Made: 91, Ended: true})
	p.close()
	if len(p.lines) != 0 || !strings.Contains(b.String(), "fix tcp    0 s  91 files made\n") {
		t.Errorf("%d lines left; drawn: %q", len(p.lines), b.String())
	}

	b.Reset()
	p = newProgress(&b, func() int { return 0 })
	l := &buildLine{start: time.Now(), said: time.Now().Add(-2 * buildEvery)}
	p.update(l, kernels.Building{Name: "fix tcp", Made: 7})
	p.update(l, kernels.Building{Name: "fix tcp", Made: 8})
	if b.String() != "fix tcp    0 s  7 files made\n" {
		t.Errorf("off a terminal: %q, want one line in %s", b.String(), buildEvery)
	}
	p.close()
}
