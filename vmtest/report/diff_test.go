package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Every verdict against an unaffected kernel of the same name.
func TestDiff(t *testing.T) {
	var b strings.Builder
	for _, folder := range folders {
		old, new := judged(t, "unaffected"), judged(t, folder)
		old[0].Kernel, new[0].Kernel = event.Kernel{Release: folder}, event.Kernel{Release: folder}
		b.WriteString(Changes(Diff(old, new)))
	}
	golden(t, "diff.txt", []byte(b.String()))
}

func TestDiffOfTheSame(t *testing.T) {
	for _, folder := range every(t) {
		r := judged(t, folder)
		if got := Diff(r, r); len(got) > 0 {
			t.Errorf("%s against itself: %v", folder, got)
		}
	}
	if got, want := Changes(nil), "nothing has changed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// kernels are results that differ in their kernel alone.
func kernelsOf(versions ...string) []verdict.Result {
	var out []verdict.Result
	for _, v := range versions {
		ref, version, _ := strings.Cut(v, "=")
		out = append(out, verdict.Result{Kernel: event.Kernel{Ref: ref, Release: version}, Console: verdict.Judgement{Verdict: verdict.Pass}})
	}
	return out
}

// A kernel is found by its version before its reference: the newest of a line
// may be what another reference named before.
func TestDiffKernels(t *testing.T) {
	old := kernelsOf("debian:6.1=6.1.190", "debian:6.12=6.12.117", "debian:5.10=5.10.262")
	new := kernelsOf("debian:6.1=6.1.192", "debian:6.12.117-1=6.12.117", "debian:6.12=6.12.118")
	want := []Change{
		{Kernel: "6.1.192", Old: "6.1.190", New: "6.1.192"},
		{Kernel: "6.12.118", Old: unasked, New: "asked"},
		{Kernel: "5.10.262", Old: "asked", New: unasked},
	}
	if got := Diff(old, new); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// rated is a kernel with a spec for each pair of failures and trials.
func rated(release string, counts ...[2]int) []verdict.Result {
	s := verdict.Suite{Name: "s", Judgement: verdict.Judgement{Verdict: verdict.Pass}}
	for i, c := range counts {
		s.Specs = append(s.Specs, verdict.Spec{Name: string(rune('a' + i)), Judgement: verdict.Judgement{Verdict: verdict.Fail}, Rate: verdict.RateOf(c[0], c[1])})
	}
	return []verdict.Result{{Kernel: event.Kernel{Release: release}, Suites: []verdict.Suite{s}, Console: verdict.Judgement{Verdict: verdict.Pass}}}
}

// A rate that grew is a change, one that might be chance is none.
func TestDiffRates(t *testing.T) {
	old, new := rated("k", [2]int{5, 1000}, [2]int{5, 1000}), rated("k", [2]int{300, 1000}, [2]int{6, 1000})
	got := Diff(old, new)
	if len(got) != 1 || got[0].Of != "s: a" || got[0].Old != "5/1,000 (0.16 % to 1.2 %)" || !strings.HasPrefix(got[0].New, "300/1,000") {
		t.Errorf("got %+v, want a change of spec a alone", got)
	}
}
