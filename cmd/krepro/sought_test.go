package main

import (
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/verdict"
)

func TestExpectedByCase(t *testing.T) {
	mended := cases.Case{Fixed: cases.Change{Commit: "d8616ee2affc", Mainline: "6.0-rc1"}}
	unmended := cases.Case{}
	invariant := cases.Case{Invariant: true}
	untestable := cases.Case{Seen: map[string]cases.Seen{"6.1.192-2": cases.Untestable}}
	debian := event.Kernel{Source: "debian", Package: "6.1.192-2", Version: "6.1.192"}
	file := event.Kernel{Source: "file", Version: "6.1.192"}
	for _, c := range []struct {
		name string
		kase cases.Case
		k    event.Kernel
		want verdict.Verdict
	}{
		{"fixed before", mended, debian, verdict.Unaffected},
		{"never fixed", unmended, debian, verdict.Affected},
		{"invariant", invariant, debian, verdict.Unaffected},
		{"untestable", untestable, debian, verdict.Untestable},
		{"a file must be free of what can be mended", mended, file, verdict.Unaffected},
		{"of what cannot, nothing is expected", unmended, file, ""},
		{"an invariant holds for a file, too", invariant, file, verdict.Unaffected},
	} {
		if got := expected(c.kase, c.k); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
