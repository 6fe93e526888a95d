package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/kernels/patches"
	"github.com/krepro/krepro/vmtest/verdict"
)

// controlled are the sources that kernels/patches are made for, by line.
var controlled = map[string]string{
	"5.10": "debian-source:5.10.223-1",
	"6.1":  "debian-source:6.1.192-2",
	"6.12": "debian-source:6.12.117-1",
	"7.2":  "debian-source:7.2.13-1",
}

// Every patch of a line brings its bug back: the case is unaffected on the
// kernel built of the source as it is, and affected with the patches.
func TestTreesWithTheirBugsBack(t *testing.T) {
	e := vmTest(t)
	all, err := patches.Load()
	if err != nil {
		t.Fatal(err)
	}
	for line, source := range controlled {
		t.Run(line, func(t *testing.T) {
			ours := patches.Of(all, line)
			plain, patched := source, source+"+"+patchFile(t, "controls.patch", ours...)
			buildable(t, plain, patched)
			dir := filepath.Join(t.TempDir(), "run")
			args := []string{"run", "--out", dir, "--size", "quick", "--kernel", plain, "--kernel", patched}
			for _, s := range suitesOf(t, ours) {
				args = append(args, "--suite", s)
			}
			e.call(t, args...) // what the exit code has to say of either kernel is not asked here
			before, after := casesOf(t, dir, plain), casesOf(t, dir, patched)
			for _, p := range ours {
				for _, name := range p.Cases {
					equal(t, line+" "+name+" as it is", before[name], verdict.Unaffected)
					equal(t, line+" "+name+" with "+p.File, after[name], verdict.Affected)
				}
			}
		})
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

// buildable skips a test whose kernels are not in the cache, unless kernels may
// be built (KREPRO_BUILD_TESTS, make test-bisect): that takes minutes for each line.
func buildable(t *testing.T, refs ...string) {
	t.Helper()
	if os.Getenv("KREPRO_BUILD_TESTS") != "" {
		return
	}
	store, err := kernels.Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, text := range refs {
		ref, err := kernels.ParseRef(text)
		if err != nil {
			t.Fatal(err)
		}
		// What is in the cache is there without a word.
		ctx, cancel := context.WithCancel(t.Context())
		store.Progress = func(string) { cancel() }
		_, err = store.Get(ctx, ref)
		if stopped := ctx.Err(); stopped != nil {
			t.Skipf("%s is not in the cache: make test-bisect builds it", text)
		}
		if cancel(); err != nil {
			t.Fatal(err)
		}
	}
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
