package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/matrix"
	"github.com/krepro/krepro/vmtest/verdict"
)

// What is merged of shards is, byte for byte, what the whole run says.
func TestMergeIsWhole(t *testing.T) {
	w := newWorld(t)
	rec := recording{kernels: []string{bad, good, "debian:6.1.192-2"},
		expect: []matrix.Expectation{entryOf(bad, plain, "fail", "2027-01-01")}}
	whole := rec.run(t, filepath.Join(w.dir, "whole"), 0, 0)
	code, want, stderr := w.do(t.Context(), "judge", "--json", whole)
	if code != verdict.CodeBad || !strings.Contains(want, "krepro.yaml") { // plain passes, unexpectedly
		t.Fatalf("judge: code %d\n%s%s", code, want, stderr)
	}
	for n := 1; n <= 3; n++ {
		out := filepath.Join(w.dir, "merged")
		dirs := []string{"merge", "--json", "-o", out}
		for i := n; i >= 1; i-- {
			dirs = append(dirs, rec.run(t, filepath.Join(t.TempDir(), "shard"), i, n))
		}
		again, got, stderr := w.do(t.Context(), dirs...)
		if again != code || got != want {
			t.Errorf("%d shards: code %d, want %d: %s\n%s", n, again, code, stderr, got)
		}
		rejudged(t, w, out, code)
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
	}
}

func entryOf(kernels, spec, is, until string) matrix.Expectation {
	return matrix.Expectation{Line: 9, Kernels: kernels, Suite: "sockmap", Spec: spec, Is: is, Reason: "reported", Link: "https://x.example/1", Until: until}
}

func ofCase(kernels, is, until string) matrix.Expectation {
	return matrix.Expectation{Line: 9, Kernels: kernels, Case: staleEntry, Is: is, Reason: "reported", Link: "https://x.example/1", Until: until}
}

// Each kind of expectation, flipped: the run fails, and says which way.
func TestMatrixExpectations(t *testing.T) {
	fails := func(ref, spec string) bool { return ref == good && spec == plain }
	tests := []struct {
		name   string
		expect []matrix.Expectation
		fails  func(ref, spec string) bool
		code   int
		says   []string
	}{
		{"nothing said, nothing strange", nil, nil, 0, []string{"all as expected"}},
		{"a spec fails", nil, fails, 1, []string{"unexpected failure", plain}},
		{"a known failure", []matrix.Expectation{entryOf("5.10 >5.10.218", plain, "fail", "2026-11-20")}, fails, 0, []string{"all as expected"}},
		{"known of another kernel", []matrix.Expectation{entryOf("<5.10.223", plain, "fail", "2027-01-01")}, fails, 1, []string{"unexpected failure", "unexpected pass"}},
		{"a known failure passes", []matrix.Expectation{entryOf(good, plain, "fail", "2027-01-01")}, nil, 1, []string{"unexpected pass", "reported (https://x.example/1, until 2027-01-01)"}},
		{"its time is over", []matrix.Expectation{entryOf(good, plain, "fail", "2026-11-19")}, fails, 1, []string{"expired", "until 2026-11-19: renew the day or remove the entry", "unexpected failure"}},
		{"its time is over, and all is well", []matrix.Expectation{entryOf(good, plain, "fail", "2026-11-19")}, nil, 1, []string{"expired"}},
		{"no such kernel", []matrix.Expectation{entryOf("6.12", plain, "fail", "2027-01-01")}, nil, 1, []string{"never matched", `no kernel of the run is in "6.12"`}},
		{"no such spec", []matrix.Expectation{entryOf(good, "sockmap is magic", "fail", "2027-01-01")}, nil, 1, []string{"never matched", "no such spec"}},
		{"a case that is there and should not be", []matrix.Expectation{ofCase(bad, "unaffected", "2027-01-01")}, nil, 1, []string{"unexpected failure", staleEntry}},
		{"a case that should be there and is not", []matrix.Expectation{ofCase(good, "affected", "2027-01-01")}, nil, 1, []string{"unexpected pass", staleEntry}},
		{"a case as the corpus says anyway", []matrix.Expectation{ofCase(bad, "affected", "2027-01-01")}, nil, 0, []string{"all as expected"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			rec := recording{kernels: []string{bad, good}, expect: test.expect, fails: test.fails}
			args := []string{"merge", "-o", filepath.Join(w.dir, "merged")}
			for i := 1; i <= 2; i++ {
				args = append(args, rec.run(t, filepath.Join(w.dir, "shard", string(rune('0'+i))), i, 2))
			}
			code, out, stderr := w.do(t.Context(), args...)
			for _, s := range test.says {
				if !strings.Contains(out, s) {
					t.Errorf("%q is not said", s)
				}
			}
			if code != test.code || t.Failed() {
				t.Errorf("code %d, want %d\n%s%s", code, test.code, out, stderr)
			}
			if specs := strings.Count(readFile(t, filepath.Join(w.dir, "merged", slug(good), verdict.EventsFile)), plain); specs < 2 {
				t.Errorf("the spec has not run: an expected failure is never skipped")
			}
		})
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What does not fit together is not joined, and leaves nothing.
func TestMergeRefuses(t *testing.T) {
	w := newWorld(t)
	rec := recording{kernels: []string{bad, good}}
	one, two := rec.run(t, filepath.Join(w.dir, "1"), 1, 2), rec.run(t, filepath.Join(w.dir, "2"), 2, 2)
	whole := rec.run(t, filepath.Join(w.dir, "whole"), 0, 0)
	other := recording{kernels: []string{bad, "debian:5.10.262-1"}}.run(t, filepath.Join(w.dir, "other"), 2, 2)
	changed := rec.run(t, filepath.Join(w.dir, "changed"), 2, 2)
	k := readKernel(filepath.Join(changed, slug(good)))
	k.Ref, k.ID = bad, strings.Repeat("0", 64)
	putJSON(t, filepath.Join(changed, slug(good), verdict.KernelFile), k)
	for want, dirs := range map[string][]string{
		"shard 2/2 is missing":               {one},
		"shard 1/2 is missing":               {two},
		"shard 1/2 stands twice":             {one, two, one},
		"whole is no shard":                  {one, two, whole},
		"differ in the plan: " + good:        {one, other},
		"kernel " + bad + " is not the same": {one, changed},
	} {
		out := filepath.Join(w.dir, "merged")
		code, stdout, stderr := w.do(t.Context(), append([]string{"merge", "-o", out}, dirs...)...)
		if code != verdict.CodeInfra || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%v: code %d, %s%s; want 128 and %q", dirs, code, stdout, stderr, want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: left %s", dirs, out)
		}
	}
}

// A shard that was cut short is joined, and is no pass.
func TestMergeOfTheUnfinished(t *testing.T) {
	w := newWorld(t)
	rec := recording{kernels: []string{bad, good}}
	one, two := rec.run(t, filepath.Join(w.dir, "1"), 1, 2), rec.run(t, filepath.Join(w.dir, "2"), 2, 2)
	if err := os.RemoveAll(filepath.Join(two, slug(good))); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := w.do(t.Context(), "merge", "-o", filepath.Join(w.dir, "merged"), one, two)
	if code != verdict.CodeInfra || !strings.Contains(out, "infra") {
		t.Errorf("a VM without a folder: code %d\n%s%s", code, out, stderr)
	}
}

// Two kernels that could not be had and are called alike have a folder each.
func TestMergeOfNamesakes(t *testing.T) {
	w := newWorld(t)
	rec := recording{kernels: []string{"./a/bzImage", "./b/bzImage"}}
	args := []string{"merge", "-o", filepath.Join(w.dir, "merged")}
	for i, dir := range []string{"1", "2"} {
		run := rec.run(t, filepath.Join(w.dir, dir), i+1, 2)
		vm := filepath.Join(run, slug(rec.kernels[i]))
		putJSON(t, filepath.Join(vm, verdict.KernelFile), event.Kernel{Ref: rec.kernels[i], Name: "bzImage"})
		putJSON(t, filepath.Join(vm, verdict.ExitFile), event.Exit{Reason: event.ExitHost, Error: "it is gone from " + rec.kernels[i]})
		if err := os.Rename(vm, filepath.Join(run, "bzImage")); err != nil {
			t.Fatal(err)
		}
		args = append(args, run)
	}
	code, out, _ := w.do(t.Context(), args...)
	for _, ref := range rec.kernels {
		if !strings.Contains(out, "it is gone from "+ref) {
			t.Errorf("code %d, nothing of %s:\n%s", code, ref, out)
		}
	}
	if k := readKernel(filepath.Join(w.dir, "merged", "bzImage-2")); k.Name != "bzImage-2" || k.Ref != rec.kernels[1] {
		t.Errorf("the second is %+v", k)
	}
	if k := readKernel(filepath.Join(w.dir, "2", "bzImage")); k.Name != "bzImage" {
		t.Errorf("the shard's own record has changed: %+v", k)
	}
}

func TestMergeCompare(t *testing.T) {
	w := newWorld(t)
	before := recording{kernels: []string{bad, good}}.run(t, filepath.Join(w.dir, "before"), 0, 0)
	now := recording{kernels: []string{bad, good}, fails: func(ref, spec string) bool { return ref == good && spec == plain }}
	for _, test := range []struct {
		rec  recording
		says string
	}{
		{recording{kernels: []string{bad, good}}, "nothing has changed"},
		{now, plain + ": pass → fail"},
	} {
		shard := test.rec.run(t, filepath.Join(t.TempDir(), "1"), 1, 1)
		_, out, stderr := w.do(t.Context(), "merge", "-o", filepath.Join(t.TempDir(), "merged"), "--compare", before, shard)
		if !strings.Contains(out, "since "+before+":\n") || !strings.Contains(out, test.says) {
			t.Errorf("%s%s: want %q", out, stderr, test.says)
		}
	}
}
