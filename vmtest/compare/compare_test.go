package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

const bug = "some-bug"

// answer is a step's result: the case with k of n, and the specs with a verdict
// each, of a suite that came to its end.
func answer(v verdict.Verdict, k, n int, specs ...verdict.Spec) verdict.Result {
	return verdict.Result{
		Boot: 1, Exit: &event.Exit{Reason: event.ExitDone, Seconds: 10, Accel: "tcg"},
		Cases:  []verdict.Case{{Name: bug, Judgement: verdict.Judgement{Verdict: v, Reason: "reason"}, Rate: verdict.RateOf(k, n)}},
		Suites: []verdict.Suite{{Name: "net", Judgement: verdict.Judgement{Verdict: verdict.Pass}, Specs: specs}},
	}
}

func spec(name string, v verdict.Verdict) verdict.Spec {
	p := verdict.Spec{Name: name, Judgement: verdict.Judgement{Verdict: v, Reason: "reason of " + name}}
	if v == verdict.Fail {
		p.Symptoms = []event.Symptom{event.Stuck}
	}
	return p
}

func (b bed) with(specs ...verdict.Spec) bed {
	b.specs = append(slices.Clone(b.specs), specs...)
	return b
}

// bed is one kernel of a test.
type bed struct {
	verdict verdict.Verdict
	k, n    int // of the case, in each step
	specs   []verdict.Spec
	splats  []verdict.Splat
	boots   bool
	change  func(*verdict.Result)
}

var (
	affected   = bed{verdict: verdict.Affected, k: 200, n: 200, boots: true}
	unaffected = bed{verdict: verdict.Unaffected, n: 200, boots: true}
)

func (b bed) result() verdict.Result {
	r := answer(b.verdict, b.k, b.n, b.specs...)
	r.Splats = b.splats
	if !b.boots {
		r.Boot, r.Suites[0] = 0, verdict.Suite{Name: "net", Judgement: verdict.Judgement{Verdict: verdict.BootFail, Reason: "PID 1 never reported"}}
	}
	if b.change != nil {
		b.change(&r)
	}
	return r
}

// pairs are so many interleaved runs of all.
func pairs(n int, before, after bed) []Step {
	var steps []Step
	for i := 1; i <= n; i++ {
		steps = append(steps, Step{Kind: OfAll, Pair: i, Rounds: 1, Results: []verdict.Result{before.result()}},
			Step{Kind: OfAll, Pair: i, After: true, Rounds: 1, Results: []verdict.Result{after.result()}})
	}
	return steps
}

func churned(seconds float64) verdict.Spec {
	p := spec("churn", verdict.Pass)
	p.Labels, p.Seconds, p.Rate = []string{churn}, seconds, verdict.RateOf(0, 100)
	return p
}

func tried(name string, v verdict.Verdict, k, n int) verdict.Spec {
	p := spec(name, v)
	p.Rate = verdict.RateOf(k, n)
	return p
}

func down(v verdict.Verdict) func(*verdict.Result) {
	return func(r *verdict.Result) {
		r.Suites[0].Judgement = verdict.Judgement{Verdict: v, Reason: "it went down"}
		r.Suites[0].Specs = r.Suites[0].Specs[:1]
	}
}

var (
	warning = []verdict.Splat{{Title: "WARNING in f", Kind: "warn", Count: 1}}
	stall   = []verdict.Splat{{Title: "RCU stall", Kind: "stall", Count: 1}}
)

// Each verdict, and beside it what makes it another.
func TestVerdicts(t *testing.T) {
	good, bad := spec("other", verdict.Pass), spec("other", verdict.Fail)
	a, u := affected.with(good), unaffected.with(good)
	kept := bed{verdict: verdict.Affected, k: 3, n: 200, boots: true}.with(good)
	quiet := bed{verdict: verdict.Unaffected, n: 200, boots: true}.with(good)
	odd := bed{verdict: verdict.OtherFail, n: 200, boots: true}
	warned, stalled := u, u
	warned.splats, stalled.splats = warning, stall
	warnedBefore := a
	warnedBefore.splats = warning
	dead := bed{verdict: verdict.BootFail}
	crashed := u.with(spec("last", verdict.Pass))
	crashed.change = down(verdict.OtherCrash)
	broke := u.with(spec("last", verdict.Pass))
	broke.change = down(verdict.Broken)
	before := a.with(spec("last", verdict.Pass))
	tests := []struct {
		name   string
		steps  []Step
		want   Verdict
		reason string // part of one
	}{
		{"the case is gone", pairs(2, a, u), Validated, "is gone: 400 of 400 before the patch, 0 of 400 after"},
		{"it is not", pairs(2, a, a), NotValidated, "shows after the patch"},
		{"it is rarer", pairs(2, a, kept), NotValidated, "6 of 400"},
		{"it was never there", pairs(2, quiet, u), Unsure, "does not show before"},
		{"it fails otherwise after", pairs(2, a, odd.with(good)), Unsure, "not answered after the patch: pair-1-after: other-fail"},
		{"nothing was run", nil, Unsure, "was not asked for"},

		{"another spec fails in all pairs", pairs(3, a, unaffected.with(bad)), Harmful, "worse: net: other"},
		{"it does in too few", pairs(2, a, unaffected.with(bad)), Unsure, "not sure: net: other"},
		{"it failed before", pairs(2, affected.with(bad), unaffected.with(bad)), Validated, "is gone"},
		{"it fails in the one pair", pairs(1, a, unaffected.with(bad)), Unsure, "not sure: net: other"},
		{"it fails in one of two", mixed(a, u, unaffected.with(bad)), Unsure, "1 good, 1 bad"},
		{"it is untestable now", pairs(3, a, unaffected.with(spec("other", verdict.Untestable))), Harmful, "untestable"},
		{"it was untestable", pairs(2, affected.with(spec("other", verdict.Untestable)), unaffected.with(spec("other", verdict.Untestable))), Validated, "is gone"},
		{"it has no answer now", pairs(2, a, unaffected.with(spec("other", verdict.Broken))), Unsure, "not sure: net: other"},
		{"it is skipped now", pairs(2, a, unaffected.with(spec("other", verdict.Empty))), Unsure, "not sure: net: other"},
		{"it was skipped, too", pairs(2, affected.with(spec("other", verdict.Empty)), unaffected.with(spec("other", verdict.Empty))), Validated, "is gone"},
		{"it does not run any more", pairs(2, a, unaffected), Unsure, "never asked"},
		{"it is better", pairs(2, affected.with(bad), u), Validated, "is gone"},
		{"fixes nothing and breaks", pairs(3, a, affected.with(bad)), Harmful, "worse: net: other"},

		{"a splat", pairs(1, a, warned), Harmful, "new splat: WARNING in f"},
		{"the splat was there", pairs(2, warnedBefore, warned), Validated, "is gone"},
		{"one stall", append(pairs(1, a, stalled), pairs(1, a, u)...), Unsure, "starved host"},
		{"a stall in each pair", pairs(2, a, stalled), Harmful, "new splat: RCU stall"},

		{"it does not boot", pairs(3, a, dead), Harmful, "worse: the boot"},
		{"it does not boot once", mixed(a, u, dead), Unsure, "the boot"},
		{"the suite goes down", pairs(3, before, crashed), Harmful, "worse: suite net"},
		{"the suite breaks", pairs(2, before, broke), Unsure, "not sure: suite net"},

		{"slow", pairs(3, a.with(churned(1)), u.with(churned(2.5))), Harmful, "churn takes 2.50 times as long"},
		{"slow in two pairs", pairs(2, a.with(churned(1)), u.with(churned(2.5))), Validated, "is gone"},
		{"slow, as it was once before", append(pairs(3, a.with(churned(1)), u.with(churned(2.5))), pairs(1, a.with(churned(2)), u.with(churned(5)))...), Validated, "is gone"},
		{"not so slow", pairs(3, a.with(churned(1)), u.with(churned(1.9))), Validated, "is gone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := Of(bug, test.steps, "")
			if r.Verdict != test.want || !strings.Contains(strings.Join(r.Reasons, "\n"), test.reason) {
				t.Errorf("%s: %q, want %s and %q", r.Verdict, r.Reasons, test.want, test.reason)
			}
		})
	}
}

// mixed are two pairs, of which after differs.
func mixed(before, first, second bed) []Step {
	steps := pairs(2, before, first)
	steps[3].Results[0] = second.result()
	return steps
}

// What was stopped is not validated, but what is known is said.
func TestStopped(t *testing.T) {
	r := Of(bug, pairs(2, affected, unaffected), "pair-3-after: infra")
	if r.Verdict != Unsure || r.Reasons[0] != "stopped: pair-3-after: infra" {
		t.Errorf("%s %q", r.Verdict, r.Reasons)
	}
	if r := Of(bug, pairs(2, affected, affected), "by hand"); r.Verdict != NotValidated {
		t.Errorf("%s %q", r.Verdict, r.Reasons)
	}
}

// The case's specs alone are no comparison of the suites.
func TestCaseAlone(t *testing.T) {
	steps := pairs(1, affected, unaffected)
	for i := range steps {
		steps[i].Kind = OfCase
	}
	r := Of(bug, steps, "")
	if r.Verdict != Unsure || r.Case.State != Gone || !strings.Contains(strings.Join(r.Reasons, "\n"), "the suites were not compared") {
		t.Errorf("%s %q", r.Verdict, r.Reasons)
	}
}

// More trials make a small difference a sure one.
func TestFlakySpec(t *testing.T) {
	steps := func(k, n int) []Step {
		return mixed(affected.with(tried("rare", verdict.Pass, 0, n)), unaffected.with(tried("rare", verdict.Pass, 0, n)),
			unaffected.with(tried("rare", verdict.Fail, k, n)))
	}
	if r := Of(bug, steps(1, 100), ""); r.Verdict != Unsure {
		t.Errorf("1 of 200 after, 0 of 200 before: %s %q", r.Verdict, r.Reasons)
	}
	if r := Of(bug, steps(30, 100), ""); r.Verdict != Harmful {
		t.Errorf("30 of 200 after, 0 of 200 before: %s %q", r.Verdict, r.Reasons)
	}
	r := Of(bug, steps(1, 100), "")
	suites, specs, ok := r.Again()
	if fmt.Sprint(suites, specs, ok) != "[net] [net rare] true" {
		t.Errorf("again: %v %v %v", suites, specs, ok)
	}
}

// A spec that fails before and after, but by another symptom, is not the same.
func TestOtherSymptom(t *testing.T) {
	crossed := spec("other", verdict.Fail)
	crossed.Symptoms = []event.Symptom{event.Crossed}
	r := Of(bug, pairs(2, affected.with(spec("other", verdict.Fail)), unaffected.with(crossed)), "")
	if r.Verdict != Unsure || len(r.Doubts) != 1 {
		t.Errorf("%s %q", r.Verdict, r.Reasons)
	}
}

// Debugging builds count by their splats, and by whether they come to an end.
func TestDebug(t *testing.T) {
	debug := func(before, after bed) []Step {
		steps := append(pairs(2, affected, unaffected), pairs(1, before, after)...)
		steps[4].Kind, steps[5].Kind = OfDebug, OfDebug
		return steps
	}
	warned, crashed := unaffected, unaffected.with(spec("first", verdict.Pass))
	warned.splats, crashed.change = warning, down(verdict.OtherHang)
	for _, test := range []struct {
		name          string
		before, after bed
		want          Verdict
	}{
		{"alike", affected, unaffected, Validated},
		{"affected, by other timing", affected, affected, Validated},
		{"a splat", affected, warned, Harmful},
		{"a splat as before", warned, warned, Validated},
		{"no end", affected, crashed, Unsure},
		{"no boot", affected, bed{verdict: verdict.BootFail}, Unsure},
		{"no boot, as before", bed{verdict: verdict.BootFail}, bed{verdict: verdict.BootFail}, Unsure},
	} {
		r := Of(bug, debug(test.before, test.after), "")
		if _, _, again := r.Again(); r.Verdict != test.want || again {
			t.Errorf("%s: %s %q, want %s", test.name, r.Verdict, r.Reasons, test.want)
		}
	}
}

func TestCode(t *testing.T) {
	for v, want := range map[Verdict]int{Validated: 0, NotValidated: 1, Harmful: 1, Unsure: 125} {
		if v.Code() != want {
			t.Errorf("%s: code %d, want %d", v, v.Code(), want)
		}
	}
}

// A spec that failed now and then, and fails always after the patch, is worse,
// though it is bad in every round before and after.
func TestMoreTrialsFail(t *testing.T) {
	rare, always := affected.with(tried("rare", verdict.Fail, 1, 200)), unaffected.with(tried("rare", verdict.Fail, 200, 200))
	if r := Of(bug, pairs(2, rare, always), ""); r.Verdict != Harmful || len(r.Worse) != 1 {
		t.Errorf("1 of 200 before, 200 of 200 after: %s: %q", r.Verdict, r.Reasons)
	}
	as := unaffected.with(tried("rare", verdict.Fail, 2, 200))
	if r := Of(bug, pairs(2, rare, as), ""); r.Verdict != Validated {
		t.Errorf("1 of 200 before, 2 of 200 after: %s: %q", r.Verdict, r.Reasons)
	}
}
