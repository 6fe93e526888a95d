package matrix

import (
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

const today = "2026-11-20"

// named takes the name of a kernel for a set.
func named(set string, k event.Kernel) bool { return set == "all" || set == k.Ref }

func entry(kernels, of, is, until string) Expectation {
	x := Expectation{Line: 7, Kernels: kernels, Is: is, Reason: "reported", Link: "https://x.example/1", Until: until}
	if suite, spec, ok := strings.Cut(of, "/"); ok {
		x.Suite, x.Spec = suite, spec
	} else {
		x.Case = of
	}
	return x
}

func TestExpect(t *testing.T) {
	all := []Expectation{
		entry("all", "stale", "affected", "2027-01-01"),
		entry("a", "stale", "unaffected", today), // its last day
		entry("a", "hang", "affected", "2026-11-19"),
		entry("b", "hang", "affected", "2027-01-01"),
		entry("a", "sockmap/one", "fail", "2027-01-01"),
		entry("b", "sockmap/two", "untestable", "2027-01-01"),
	}
	cases, specs := Expect(all, today, event.Kernel{Ref: "a"}, named)
	if len(cases) != 1 || cases["stale"].Is != "unaffected" {
		t.Errorf("cases %+v, want the last that matches and is in force", cases)
	}
	want := verdict.Known{Suite: "sockmap", Spec: "one", Expect: verdict.Fail, Why: "reported (https://x.example/1, until 2027-01-01)"}
	if len(specs) != 1 || specs[0] != want {
		t.Errorf("specs %+v, want %+v", specs, want)
	}
	s := verdict.Sought{Case: "stale", Expect: verdict.Affected}
	if cases["stale"].Override(&s); s.Expect != verdict.Unaffected || s.Why == "" {
		t.Errorf("sought %+v", s)
	}
}

// Each kind of entry that must not stay, and those that may.
func TestEntries(t *testing.T) {
	suite := func(name string, v verdict.Verdict, specs ...string) verdict.Suite {
		s := verdict.Suite{Name: name, Judgement: verdict.Judge(v, "")}
		for _, p := range specs {
			s.Specs = append(s.Specs, verdict.Spec{Name: p})
		}
		return s
	}
	results := []verdict.Result{
		{Kernel: event.Kernel{Source: "debian", Ref: "a"}, Cases: []verdict.Case{{Name: "stale"}}, Suites: []verdict.Suite{suite("sockmap", verdict.Pass, "one", "two")}},
		{Kernel: event.Kernel{Source: "debian", Ref: "a", Alone: "probes"}, Suites: []verdict.Suite{suite("probes", verdict.Pass, "costs")}},
		{Kernel: event.Kernel{Source: "debian", Ref: "b"}, Suites: []verdict.Suite{suite("sockmap", verdict.OtherCrash, "one")}},
	}
	for _, test := range []struct {
		x    Expectation
		want verdict.Verdict
		says string
		code int
	}{
		{entry("all", "stale", "affected", today), verdict.Pass, "in force", verdict.CodeGood},
		{entry("a", "sockmap/two", "fail", today), verdict.Pass, "in force", verdict.CodeGood},
		{entry("a", "probes/costs", "fail", today), verdict.Pass, "in force", verdict.CodeGood},
		{entry("a", "sockmap/two", "fail", "2026-11-19"), verdict.Expired, "it was to be until 2026-11-19: renew the day or remove the entry: reported (https://x.example/1)", verdict.CodeBad},
		{entry("c", "stale", "affected", today), verdict.Unmatched, `no kernel of the run is in "c"`, verdict.CodeBad},
		{entry("a", "sockmap/gone", "fail", today), verdict.Unmatched, "suite sockmap has run and has no such spec", verdict.CodeBad},
		{entry("all", "hang", "affected", today), verdict.Unmatched, "the run lacks the suites for it", verdict.CodeBad},
		{entry("all", "audit/one", "fail", today), verdict.Unmatched, "the run lacks the suites for it", verdict.CodeBad},
		{entry("b", "sockmap/two", "fail", today), verdict.Unsure, "did not come to its end", verdict.CodeSkip},
	} {
		r := Entries("krepro.yaml", []Expectation{test.x}, today, results, named)
		p := r.Suites[0].Specs[0]
		if p.Verdict != test.want || !strings.Contains(p.Reason, test.says) || r.Code != test.code {
			t.Errorf("%s until %s: %s (%s), code %d; want %s (…%s…), %d", test.x, test.x.Until, p.Verdict, p.Reason, r.Code, test.want, test.says, test.code)
		}
		if test.code == verdict.CodeBad && p.Blame != verdict.OnFile {
			t.Errorf("%s: blame %q", test.x, p.Blame)
		}
	}
	r := Entries("krepro.yaml", []Expectation{entry("a", "stale", "affected", today), entry("c", "stale", "affected", today)}, today, results, named)
	if r.Kernel.Ref != "krepro.yaml" || len(r.Suites[0].Specs) != 2 || r.Code != verdict.CodeBad {
		t.Errorf("two entries: %+v", r)
	}
	results = append(results, verdict.Result{Kernel: event.Kernel{Ref: "tree:/src"}}) // could not be built
	r = Entries("krepro.yaml", []Expectation{entry("c", "stale", "affected", today)}, today, results, named)
	if p := r.Suites[0].Specs[0]; p.Verdict != verdict.Unsure || r.Code != verdict.CodeSkip {
		t.Errorf("a kernel that nobody knows: %+v", p)
	}
}
