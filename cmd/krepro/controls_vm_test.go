package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/kernels/patches"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Every patch of a line brings its bug back: the case is unaffected on the
// kernel built of the source as it is, and affected with the patches.
func TestTreesWithTheirBugsBack(t *testing.T) {
	for _, c := range []struct{ line, source string }{
		{"6.1", "debian-source:6.1.192-2"},
		{"6.12", "debian-source:6.12.117-1"},
		{"7.2", "debian-source:7.2.13-1"},
	} {
		t.Run(c.line, func(t *testing.T) { buildTest(t).checkControls(t, c.line, c.source) })
	}
	t.Run("5.10", func(t *testing.T) { vmTest(t).checkControls(t, "5.10", history510(t).ref(0)) })
}

// checkControls runs the suites of a line's patches on its source without and with them.
func (e *env) checkControls(t *testing.T, line, source string) {
	all, err := patches.Load()
	if err != nil {
		t.Fatal(err)
	}
	ours := patches.Of(all, line)
	patched := source + "+" + patchFile(t, "controls.patch", ours...)
	dir := filepath.Join(t.TempDir(), "run")
	args := []string{"run", "--out", dir, "--size", "quick", "--kernel", source, "--kernel", patched}
	for _, s := range suitesOf(t, ours) {
		args = append(args, "--suite", s)
	}
	e.call(t, args...) // the exit code is of both kernels together
	before, after := casesOf(t, dir, source), casesOf(t, dir, patched)
	for _, p := range ours {
		for _, name := range p.Cases {
			equal(t, name+" as it is", before[name], verdict.Unaffected)
			equal(t, name+" with "+p.File, after[name], verdict.Affected)
		}
	}
}

// patchFile writes patches as one file, so that a kernel's name is not made of
// all of theirs.
func patchFile(t *testing.T, name string, all ...patches.Patch) string {
	t.Helper()
	var text bytes.Buffer
	for _, p := range all {
		text.Write(p.Text)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// suitesOf are the suites that the patches' cases are asked by.
func suitesOf(t *testing.T, all []patches.Patch) []string {
	t.Helper()
	corpus, err := cases.Load()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range corpus {
		if slices.ContainsFunc(all, func(p patches.Patch) bool { return slices.Contains(p.Cases, c.Name) }) {
			names = append(names, c.Suites()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// casesOf are the verdicts on the cases of one kernel of a run, all its VMs taken together.
func casesOf(t *testing.T, dir, ref string) map[string]verdict.Verdict {
	t.Helper()
	got := map[string]verdict.Verdict{}
	for _, r := range readVerdicts(t, dir) {
		if r.Kernel.Ref != ref {
			continue
		}
		for _, c := range r.Cases {
			got[c.Name] = c.Verdict
		}
	}
	return got
}
