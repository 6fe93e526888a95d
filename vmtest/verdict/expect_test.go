package verdict

import (
	"os"
	"testing"
)

// Each kind of expectation, met and not met, by the evidence of a kernel that
// has the bug and of one that has not.
func TestKnown(t *testing.T) {
	tests := []struct {
		folder string
		expect Verdict // of the spec about the listener, "" for none
		want   Surprise
		code   int
	}{
		{"wrong-symptom", "", UnexpectedFailure, CodeBad},
		{"wrong-symptom", Fail, None, CodeGood},
		{"wrong-symptom", Untestable, UnexpectedFailure, CodeBad},
		{"unaffected", "", None, CodeGood},
		{"unaffected", Fail, UnexpectedPass, CodeBad},
		{"unaffected", Untestable, UnexpectedPass, CodeBad},
		{"untestable-specs", "", NoAnswer, CodeSkip},
		{"untestable-specs", Fail, NoAnswer, CodeSkip},
		{"untestable-specs", Untestable, None, CodeSkip}, // by another spec that nobody expects
	}
	for _, test := range tests {
		t.Run(test.folder+"/"+string(test.expect), func(t *testing.T) {
			asked := Asked{Suites: []string{"sockmap"}}
			if test.expect != "" {
				asked.Known = []Known{{Suite: "sockmap", Spec: specListener, Expect: test.expect, Why: "reported"}}
			}
			r := Of(os.DirFS("testdata/"+test.folder), asked)
			p := r.Suites[0].Specs[0]
			if p.Surprise() != test.want || r.Code != test.code {
				t.Errorf("%s, expected %q: surprise %q with code %d, want %q with %d", p.Verdict, p.Expect, p.Surprise(), r.Code, test.want, test.code)
			}
			if test.expect != "" && p.Why != "reported" {
				t.Errorf("why: %q", p.Why)
			}
		})
	}
}

// What an entry says of a spec counts, also where a case explains the failure.
func TestKnownOfACase(t *testing.T) {
	for expect, want := range map[Verdict]struct {
		surprise Surprise
		code     int
	}{
		"": {None, CodeGood}, Fail: {None, CodeGood}, Untestable: {UnexpectedFailure, CodeBad},
	} {
		asked := Asked{Suites: []string{"sockmap"}, Sought: []Sought{stale()}}
		asked.Sought[0].Expect = Affected
		if expect != "" {
			asked.Known = []Known{{Suite: "sockmap", Spec: specListener, Expect: expect}}
		}
		r := Of(os.DirFS("testdata/affected"), asked)
		if p := r.Suites[0].Specs[0]; p.Case == "" || p.Surprise() != want.surprise || r.Code != want.code {
			t.Errorf("expected %q: %s by case %q: surprise %q, code %d; want %q, %d", expect, p.Verdict, p.Case, p.Surprise(), r.Code, want.surprise, want.code)
		}
	}
}

// A spec that was skipped did not fail as expected.
func TestKnownSkipped(t *testing.T) {
	known := []Known{{Suite: "sockmap", Spec: specReuse, Expect: Fail}}
	r := Of(os.DirFS("testdata/skipped-spec"), Asked{Suites: []string{"sockmap"}, Known: known})
	if p := r.Suites[0].Specs[1]; p.Surprise() != NoAnswer || r.Code != CodeSkip {
		t.Errorf("%s: surprise %q, code %d; want no answer and 125", p.Verdict, p.Surprise(), r.Code)
	}
}

func TestSurpriseOfCase(t *testing.T) {
	for _, test := range []struct {
		got, expect Verdict
		want        Surprise
	}{
		{Affected, Affected, None}, {Unaffected, Unaffected, None}, {Untestable, Untestable, None}, {Affected, "", None},
		{Affected, Unaffected, UnexpectedFailure}, {Crash, Unaffected, UnexpectedFailure}, {Affected, Untestable, UnexpectedFailure},
		{Unaffected, Affected, UnexpectedPass}, {Unaffected, Untestable, UnexpectedPass},
		{Unsure, Unaffected, NoAnswer}, {Infra, Affected, NoAnswer}, {Untestable, Unaffected, NoAnswer}, {Empty, "", NoAnswer},
	} {
		c := Case{Judgement: Judge(test.got, ""), Expect: test.expect, Met: met(test.got, test.expect)}
		if c.Surprise() != test.want {
			t.Errorf("%s, expected %q: %q, want %q", test.got, test.expect, c.Surprise(), test.want)
		}
	}
}
