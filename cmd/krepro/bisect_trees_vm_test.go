package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/verdict"
)

// The short form: a few kernels that are built once and stay in the cache. One
// of them differs from the one before by a comment alone.
func TestTreeBisectionShort(t *testing.T) {
	e := vmTest(t)
	h := history510(t)
	r := e.bisected(t, 0, h.between(7, 10)...)
	checkFound(t, r, h.at(t, breaks))
	before, comment, broken := image(t, h.ref(8)).Build.Code, image(t, h.ref(9)).Build.Code, image(t, h.ref(10)).Build.Code
	equal(t, "code of a commit that changes a comment", comment, before)
	if broken == comment {
		t.Errorf("%q has the code of its parent, %s", breaks, comment)
	}
}

// Both ways over the whole history, with the trigger pulled each time and in a
// twentieth of the trials.
func TestTreeBisections(t *testing.T) {
	e := buildTest(t)
	h := history510(t)
	middle, end := slices.Index(h.commits, h.at(t, midway)), len(h.commits)-1
	for _, c := range []struct {
		name          string
		good, bad     int
		flags         []string
		answer, meets string
		meant         verdict.Verdict
	}{
		{"what broke", 0, middle, nil, breaks, unbuilt, verdict.BuildFail},
		{"what fixed", end, middle, []string{"--find", "fix"}, fixes, unbooted, verdict.BootFail},
		{"what broke, rare", 0, middle, []string{"--trigger", "0.05"}, breaks, unbuilt, verdict.BuildFail},
		{"what fixed, rare", end, middle, []string{"--find", "fix", "--trigger", "0.05"}, fixes, unbooted, verdict.BootFail},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := e.bisected(t, 0, append(h.between(c.good, c.bad), c.flags...)...)
			checkFound(t, r, h.at(t, c.answer))
			if s := stepOf(t, r, h.at(t, c.meets)); s.Answer != bisect.Skip || s.Verdict != c.meant {
				t.Errorf("%q: %s, %s; want it skipped as %s", c.meets, s.Answer, s.Verdict, c.meant)
			}
			if c.answer == breaks {
				equal(t, "the commit that answers for "+commented, stepOf(t, r, h.at(t, commented)).Same, h.commits[7])
			}
			for _, s := range r.Steps {
				if slices.Contains(c.flags, "--trigger") && s.Answer == bisect.Bad && s.Failures*4 > s.Trials {
					t.Errorf("%.12s: %d of %d trials failed, the trigger is not thin", s.Kernel.ID, s.Failures, s.Trials)
				}
			}
		})
	}
}

// Between two releases of Debian's.
func TestTreeBisectionOfDebianKernels(t *testing.T) {
	e := buildTest(t)
	r := e.bisected(t, 0, "--kernels", "debian:5.10", "--case", staleEntry, "--find", "fix")
	if len(r.First) != 1 || len(r.Before) != 1 || r.Before[0].ID != "debian:5.10.218-1" || r.First[0].ID != "debian:5.10.223-1" {
		t.Errorf("between %v and %v, want debian:5.10.218-1 and debian:5.10.223-1", r.Before, r.First)
	}
}

// buildTest is a test that may build as many kernels as it likes.
func buildTest(t *testing.T) *env {
	t.Helper()
	e := vmTest(t)
	if os.Getenv("KREPRO_BUILD_TESTS") == "" {
		t.Skip("builds kernels for many minutes: set KREPRO_BUILD_TESTS=1 (make test-bisect does)")
	}
	return e
}

// between are the flags for a bisection by the case of stale entries.
func (h *history) between(good, bad int) []string {
	return []string{"--tree", h.dir, "--good", h.commits[good], "--bad", h.commits[bad], "--case", staleEntry}
}

// bisected runs krepro bisect, in a folder of its own, and reads its report.
func (e *env) bisected(t *testing.T, code int, flags ...string) bisect.Result {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bisect")
	if got, _ := e.call(t, append([]string{"bisect", "--out", dir}, flags...)...); got != code {
		t.Fatalf("exit code %d, want %d", got, code)
	}
	return bisectionIn(t, dir)
}

func bisectionIn(t *testing.T, dir string) (r bisect.Result) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, reportJSON))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// checkFound: the commit alone was found, and with the confidence that is asked for.
func checkFound(t *testing.T, r bisect.Result, commit string) {
	t.Helper()
	if r.Outcome != bisect.Found || len(r.First) != 1 || r.First[0].ID != commit {
		t.Fatalf("%s: %v, want %s: %s", r.Outcome, r.First, commit, r.Text)
	}
	if r.Confidence < 0.99 {
		t.Errorf("confidence %v, want 0.99 at least", r.Confidence)
	}
}

// stepOf is the first step of a commit.
func stepOf(t *testing.T, r bisect.Result, commit string) bisect.Step {
	t.Helper()
	for _, s := range r.Steps {
		if s.Kernel.ID == commit {
			return s
		}
	}
	t.Fatalf("%.12s was not asked", commit)
	return bisect.Step{}
}
