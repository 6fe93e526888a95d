package report

import (
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

// A run that ends with 0 has nothing red in CI, one that ends with anything but
// "cannot tell" has something, and what cannot be told is at least no pass.
func TestChecksAgreeWithTheCode(t *testing.T) {
	for _, folder := range every(t) {
		r := judged(t, folder)
		c := CountsOf(r)
		red := c.Failed + c.Errors
		switch {
		case r[0].Code == verdict.CodeGood && red > 0,
			r[0].Code == verdict.CodeSkip && red+c.Skipped == 0,
			r[0].Code != verdict.CodeGood && r[0].Code != verdict.CodeSkip && red == 0:
			t.Errorf("%s leaves by %d with %v", folder, r[0].Code, c)
		}
	}
}

func judgement(v verdict.Verdict) verdict.Judgement { return verdict.Judge(v, "so it is") }

// What a case comes to, seen from what is expected of it.
func TestCheckCase(t *testing.T) {
	for _, test := range []struct {
		c    verdict.Case
		want status
	}{
		{verdict.Case{Judgement: judgement(verdict.Unaffected), Met: true}, passed},
		{verdict.Case{Judgement: judgement(verdict.Affected), Met: true}, known},
		{verdict.Case{Judgement: judgement(verdict.Untestable), Met: true}, skipped},
		{verdict.Case{Judgement: judgement(verdict.Affected), Expect: verdict.Unaffected}, failed},
		{verdict.Case{Judgement: judgement(verdict.Unaffected), Expect: verdict.Affected}, failed},
		{verdict.Case{Judgement: judgement(verdict.Untestable), Expect: verdict.Unaffected}, skipped},
		{verdict.Case{Judgement: judgement(verdict.Unsure)}, errored},
		{verdict.Case{Judgement: judgement(verdict.OtherHang)}, errored},
	} {
		if got := checkCase(test.c).status; got != test.want {
			t.Errorf("%s, expected %q: status %d, want %d", test.c.Verdict, test.c.Expect, got, test.want)
		}
	}
}

// A spec whose failure is known fails as expected; its pass is the surprise.
func TestCheckSpec(t *testing.T) {
	r := verdict.Result{Cases: []verdict.Case{
		{Name: "met", Judgement: judgement(verdict.Affected), Met: true},
		{Name: "unmet", Judgement: judgement(verdict.Affected), Expect: verdict.Unaffected},
	}}
	for _, test := range []struct {
		p    verdict.Spec
		want status
	}{
		{verdict.Spec{Judgement: judgement(verdict.Pass)}, passed},
		{verdict.Spec{Judgement: judgement(verdict.Fail)}, failed},
		{verdict.Spec{Judgement: judgement(verdict.Fail), Case: "met"}, known},
		{verdict.Spec{Judgement: judgement(verdict.Fail), Case: "unmet"}, failed},
		{verdict.Spec{Judgement: judgement(verdict.Crash), Case: "met"}, known},
		{verdict.Spec{Judgement: judgement(verdict.Fail), Expect: verdict.Fail}, known},
		{verdict.Spec{Judgement: judgement(verdict.Pass), Expect: verdict.Fail}, failed},
		{verdict.Spec{Judgement: judgement(verdict.Untestable), Expect: verdict.Untestable}, skipped},
		{verdict.Spec{Judgement: judgement(verdict.Empty)}, skipped},
		{verdict.Spec{Judgement: judgement(verdict.OtherHang)}, errored},
		{verdict.Spec{Judgement: judgement(verdict.Expired)}, failed},
		{verdict.Spec{Judgement: judgement(verdict.Unmatched)}, failed},
	} {
		if got := checkSpec(r, test.p).status; got != test.want {
			t.Errorf("%s, case %q, expected %q: status %d, want %d", test.p.Verdict, test.p.Case, test.p.Expect, got, test.want)
		}
	}
}

// A suite without an end is no failure of a spec: it lacks an answer, unless
// what stopped it is expected.
func TestCheckEnd(t *testing.T) {
	r := verdict.Result{Cases: []verdict.Case{{Name: "met", Met: true}}}
	for _, test := range []struct {
		s    verdict.Suite
		want status
	}{
		{verdict.Suite{Judgement: judgement(verdict.OtherCrash)}, errored},
		{verdict.Suite{Judgement: judgement(verdict.OtherCrash), Case: "met"}, known},
		{verdict.Suite{Judgement: judgement(verdict.Untestable), Case: "met"}, skipped},
		{verdict.Suite{Judgement: judgement(verdict.Untestable)}, skipped},
		{verdict.Suite{Judgement: judgement(verdict.Empty)}, errored},
	} {
		if got := checkEnd(r, test.s).status; got != test.want {
			t.Errorf("%s, case %q: status %d, want %d", test.s.Verdict, test.s.Case, got, test.want)
		}
	}
}
