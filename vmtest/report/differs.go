package report

import (
	"fmt"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// difference is what is not as expected of a kernel, for one reason.
type difference struct {
	of []string // cases, specs ("suite: spec"), suites, "console"
	verdict.Judgement
	expect verdict.Verdict // of a case, where it is known
}

// differences are what keeps a kernel's exit code from being 0; what has the
// same reason is one difference. What a case explains counts through the case.
func differences(r verdict.Result) []difference {
	var out []difference
	add := func(of string, j verdict.Judgement, expect verdict.Verdict) {
		for i, d := range out {
			if d.Judgement == j && d.expect == expect {
				out[i].of = append(d.of, of)
				return
			}
		}
		out = append(out, difference{[]string{of}, j, expect})
	}
	for _, c := range r.Cases {
		if !c.Met {
			add(c.Name, c.Judgement, c.Expect)
		}
	}
	for _, s := range r.Suites {
		if s.Case == "" && s.Bisect != verdict.CodeGood {
			add(s.Name, s.Judgement, "")
		}
		for _, p := range s.Specs {
			if news(p) && p.Judgement != s.Judgement { // what stopped the suite is said once
				j := p.Judgement
				j.Reason = reason(p)
				add(s.Name+": "+p.Name, j, "")
			}
		}
	}
	if c := r.Console; c.Bisect != verdict.CodeGood && (c.Verdict != verdict.Crash || strays(r)) {
		add("console", c, "")
	}
	return out
}

// news tells whether a spec did not pass and no case explains it.
func news(p verdict.Spec) bool { return p.Case == "" && p.Bisect != verdict.CodeGood }

// reason is why a spec has its verdict, without its name.
func reason(p verdict.Spec) string { return strings.TrimPrefix(p.Reason, p.Name+": ") }

// strays tells whether the console has a splat that no case explains.
func strays(r verdict.Result) bool {
	for _, s := range r.Splats {
		if s.Case == "" {
			return true
		}
	}
	return false
}

// maxOf bounds how many names stand before one reason.
const maxOf = 3

func (d difference) String() string {
	names := d.of
	if more := len(names) - maxOf; more > 0 {
		names = append(names[:maxOf:maxOf], fmt.Sprintf("and %d more", more))
	}
	text := strings.Join(names, ", ") + ": " + string(d.Verdict)
	switch {
	case d.expect == "":
	case d.Verdict.Clear():
		text += ", but " + string(d.expect) + " is expected"
	default:
		text += " (" + string(d.expect) + " is expected)"
	}
	if d.Blame != verdict.OnNobody {
		text += ", blame " + string(d.Blame)
	}
	return text + ": " + d.Reason
}
