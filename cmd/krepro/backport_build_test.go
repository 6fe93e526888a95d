package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/compare"
	"github.com/krepro/krepro/vmtest/verdict"
)

// What takes no run: of no kernel one is booted.
func TestBackportWithoutRuns(t *testing.T) {
	unbuildable := func(stage string) *kernels.BuildError {
		return &kernels.BuildError{Stage: stage, Text: "fix.patch: does not apply: hunk 2 of 3 of net/core/sock_map.c, for line 1503"}
	}
	tests := map[string]struct {
		broken map[string]*kernels.BuildError
		same   bool
		want   compare.Verdict
		code   int
		reason string
		built  int
	}{
		"does not apply": {map[string]*kernels.BuildError{"+fix.patch": unbuildable(kernels.StagePatch)}, false, compare.NotValidated, 1, "hunk 2 of 3 of net/core/sock_map.c", 1},
		"the base's own patch does not": {map[string]*kernels.BuildError{"+fix.patch": unbuildable(kernels.StagePatch), "": unbuildable(kernels.StagePatch)}, false,
			compare.Unsure, 125, "the base cannot be built: patch", 1},
		"does not compile": {map[string]*kernels.BuildError{"+fix.patch": unbuildable(kernels.StageCompile)}, false, compare.NotValidated, 1, "with the patch the kernel cannot be built: compile", 2},
		"nor does the base": {map[string]*kernels.BuildError{"+fix.patch": unbuildable(kernels.StageCompile), "": unbuildable(kernels.StageCompile)}, false,
			compare.Unsure, 125, "the base cannot be built: compile", 2},
		"the base alone": {map[string]*kernels.BuildError{"": unbuildable(kernels.StageConfig)}, false, compare.Unsure, 125, "the base cannot be built: config", 2},
		"a comment":      {nil, true, compare.NotValidated, 1, "the code is the same", 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newBench(t)
			w.broken = test.broken
			if test.same {
				w.code = func(string) string { return "same" }
			}
			w.ends(t, test.want, test.code, test.reason)
			if len(w.ran) > 0 || len(w.built) != test.built {
				t.Errorf("built %q, ran %v", w.built, w.steps())
			}
		})
	}
}

// A kernel that cannot be had is no answer about the patch.
func TestBackportWithoutKernel(t *testing.T) {
	w := newBench(t)
	w.b.get = func(context.Context, kernels.Ref) (*kernels.Image, error) {
		return nil, &kernels.UnavailableError{Ref: "tree", Err: errors.New("disk full")}
	}
	w.ends(t, compare.Unsure, verdict.CodeInfra, "disk full")
}

func TestBackportUsage(t *testing.T) {
	w := newBench(t)
	tree, patch := w.b.o.base, w.b.o.patches[0]
	strange := filepath.Join(w.dir, "strange.config")
	put(t, strange, "")
	good := "backport --base " + tree + " --case " + staleEntry
	for line, message := range map[string]string{
		"backport": `required flag(s) "base", "case", "patch" not set`,
		good + " --patch " + patch + " --pairs 0":                "pairs: 0",
		good + " --patch " + patch + " --rounds -1":              "rounds: -1",
		good + " --patch " + patch + " --size big":               "none of quick, default, soak",
		good + " --patch " + patch + " --suite x":                `no "x" in`,
		good + " --patch " + patch + " --config " + patch:        "a fragment's name has to end with .config",
		good + " --patch " + strange:                             "and no patch's may",
		good + " --patch " + w.dir + "/absent":                   "there is no file",
		"backport --base debian:6.1 --case x --patch " + patch:   "debian:6.1 is not built from source",
		"backport --base " + tree + " --case x --patch " + patch: `case: no "x"; krepro cases are `,
		"backport --base tree:/absent --case x --patch " + patch: "there is no such folder",
	} {
		code, out, stderr := w.do(t.Context(), strings.Fields(line)...)
		if code != codeUsage || !strings.Contains(stderr, message) || out != "" {
			t.Errorf("krepro %s: code %d, stdout %q, stderr %q; want 129 and %q", line, code, out, stderr, message)
		}
	}
	if left, _ := filepath.Glob("runs"); len(left) > 0 {
		t.Errorf("a command line that makes no sense left %v", left)
	}
}
