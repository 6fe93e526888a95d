package verdict

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// row is one row of the table: the verdict and its reason, or "" if the row
// does not match.
type row func() (Verdict, string)

// first is the judgement of the first row that matches.
func first(rows ...row) Judgement {
	for _, r := range rows {
		if v, reason := r(); v != "" {
			return Judge(v, reason)
		}
	}
	return Judge(Empty, "no row of the table matches")
}

// asking is one case put to the evidence: for each spec that shows the bug for
// certain, the runs of it (none if it never began).
type asking struct {
	*evidence
	c    Sought
	must []SoughtSpec
	runs [][]*spec
}

// judgeCase answers whether the kernel has the bug.
func (e *evidence) judgeCase(c Sought) Case {
	a := asking{evidence: e, c: c, must: c.must()}
	out := Case{Name: c.Case, Expect: c.Expect, Why: c.Why}
	trials, failures := 0, 0
	for _, want := range a.must {
		var runs []*spec
		if su := e.suites[want.Suite]; su != nil {
			runs = su.find(want.Spec)
		}
		for _, p := range runs {
			trials, failures = trials+p.rec.Trials, failures+p.rec.Failures
		}
		a.runs = append(a.runs, runs)
	}
	out.Judgement = first(a.lacking, a.unbuilt, a.host, a.untestable, a.soughtSplat, a.neverUp, a.symptoms, a.hang,
		a.otherSplat, a.unfinished, a.broken, a.empty, a.unsure, a.clean)
	out.Met = met(out.Verdict, c.Expect)
	out.Rate = RateOf(failures, trials)
	return out
}

// met tells whether a case's verdict is as expected; "" expects any clear answer.
func met(got, expect Verdict) bool {
	switch expect {
	case Untestable:
		return got == Untestable
	case "":
		return got.Clear()
	}
	return got.Clear() && got.Shows() == (expect == Affected)
}

func (a asking) lacking() (Verdict, string) {
	for _, want := range a.must {
		if v, reason := a.evidence.lacking(want.Suite); v != "" {
			return v, reason
		}
	}
	return "", ""
}

// untestable matches when the suites found that no spec of the case can be asked.
func (a asking) untestable() (Verdict, string) {
	reason := ""
	for i, want := range a.must {
		why := ""
		if su := a.suites[want.Suite]; su != nil {
			why = su.untestable
		}
		for _, p := range a.runs[i] {
			why = max(why, p.untestable)
		}
		if why == "" {
			return "", ""
		}
		reason = fmt.Sprintf("%s: %s", want.Spec, why)
	}
	if reason == "" {
		return "", ""
	}
	return Untestable, reason
}

func (a asking) soughtSplat() (Verdict, string) {
	for _, s := range a.splats {
		if slices.Contains(a.c.Splats, s.Title) {
			return Crash, fmt.Sprintf("console line %d: %s", s.Line, s.Text)
		}
	}
	return "", ""
}

// symptoms matches when a spec failed: affected if all that failed did so as
// the case describes, and otherwise something else is wrong.
func (a asking) symptoms() (Verdict, string) {
	var shows, strays []string
	for i, want := range a.must {
		for _, p := range a.runs[i] {
			switch {
			case p.showsAs(want.Symptoms):
				shows = append(shows, p.describe())
			case p.failed():
				strays = append(strays, p.describe())
			}
		}
	}
	switch {
	case len(strays) > 0:
		return OtherFail, "not as the case describes: " + reasonOf(strays)
	case len(shows) > 0:
		return Affected, reasonOf(shows)
	}
	return "", ""
}

func (a asking) hang() (Verdict, string) {
	if !a.c.Hang {
		return "", ""
	}
	for i, want := range a.must {
		for _, p := range a.runs[i] {
			if !p.ended && a.hung(want.Suite) {
				return Hang, fmt.Sprintf("%s: no end: %s", p.name, a.ending(want.Suite))
			}
		}
	}
	return "", ""
}

func (a asking) otherSplat() (Verdict, string) {
	for _, s := range a.splats {
		return OtherCrash, fmt.Sprintf("console line %d: %s%s", s.Line, s.Text, starved(s))
	}
	return "", ""
}

// unfinished matches when a spec began and has no end, never began, or the VM
// did not come to its end after them.
func (a asking) unfinished() (Verdict, string) {
	for i, want := range a.must {
		if len(a.runs[i]) == 0 {
			if v, reason := a.evidence.unfinished(want.Suite); v != "" {
				return v, want.Spec + ": never began: " + reason
			}
		}
		for _, p := range a.runs[i] {
			if v, reason := a.evidence.unfinished(want.Suite); !p.ended && v != "" {
				return v, p.name + ": no end: " + reason
			}
		}
	}
	switch {
	case a.ended(event.ExitDied):
		return OtherCrash, "all specs of the case passed, then " + a.died()
	case a.ended(event.ExitSilence, event.ExitDeadline):
		return OtherHang, "all specs of the case passed, then " + a.ending("")
	}
	return "", ""
}

func (a asking) broken() (Verdict, string) {
	for _, p := range slices.Concat(a.runs...) {
		if why := p.broken(); why != "" {
			return Broken, p.name + ": " + why
		}
	}
	return "", ""
}

func (a asking) empty() (Verdict, string) {
	for i, want := range a.must {
		if len(a.runs[i]) == 0 {
			return Empty, want.Spec + ": never began"
		}
		for _, p := range a.runs[i] {
			if p.skipped() {
				return Empty, p.name + ": skipped: " + cmp.Or(firstLine(p.rec.Text), "no reason given")
			}
		}
	}
	if len(a.must) == 0 {
		return Empty, "the case names no spec that shows it for certain"
	}
	return "", ""
}

func (a asking) unsure() (Verdict, string) {
	for i, want := range a.must {
		for _, p := range a.runs[i] {
			if p.rec.Trials < max(1, want.Trials) {
				return Unsure, fmt.Sprintf("%s: passed %s, %d are needed to tell", p.name, count(p.rec.Trials, "trial"), max(1, want.Trials))
			}
		}
	}
	return "", ""
}

func (a asking) clean() (Verdict, string) {
	trials := 0
	for _, p := range slices.Concat(a.runs...) {
		trials += p.rec.Trials
	}
	return Unaffected, fmt.Sprintf("%s passed, 0 of %s", count(len(a.must), "spec"), count(trials, "trial"))
}
