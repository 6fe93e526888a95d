package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// difference is what is not as expected of a kernel, for one reason.
type difference struct {
	of []string // cases, specs ("suite: spec"), suites, "console"
	verdict.Judgement
	how string // in which way it is not; "" where nothing but a pass can be expected
}

// differences are what keeps a kernel's exit code from being 0; what has the
// same reason is one difference. What a case explains counts through the case.
func differences(r verdict.Result) []difference {
	var out []difference
	add := func(of string, j verdict.Judgement, how string) {
		same := func(d difference) bool { return d.Judgement == j && d.how == how }
		if i := slices.IndexFunc(out, same); i >= 0 {
			out[i].of = append(out[i].of, of)
			return
		}
		out = append(out, difference{[]string{of}, j, how})
	}
	for _, c := range r.Cases {
		if !c.Met {
			add(c.Name, c.Judgement, expecting(c.Surprise(), cmp.Or(string(c.Expect), "a clear answer"), c.Why))
		}
	}
	for _, s := range r.Suites {
		if s.Case == "" && s.Bisect != verdict.CodeGood {
			add(s.Name, s.Judgement, "")
		}
		for _, p := range s.Specs {
			if p.Surprise() != verdict.None && p.Judgement != s.Judgement { // what stopped the suite is said once
				j := p.Judgement
				j.Reason = reason(p)
				add(s.Name+": "+p.Name, j, surprised(p))
			}
		}
	}
	if c := r.Console; c.Bisect != verdict.CodeGood && (c.Verdict != verdict.Crash || strays(r)) {
		add("console", c, "")
	}
	return out
}

// surprised says how a spec is not as expected.
func surprised(p verdict.Spec) string {
	if p.Expect == "" {
		return string(p.Surprise())
	}
	return expecting(p.Surprise(), string(p.Expect), p.Why)
}

func expecting(s verdict.Surprise, what, why string) string {
	if why != "" {
		why = ": " + why
	}
	return fmt.Sprintf("%s (%s is expected%s)", s, what, why)
}

// reason is why a spec has its verdict, without its name.
func reason(p verdict.Spec) string { return strings.TrimPrefix(p.Reason, p.Name+": ") }

// strays tells whether the console has a splat that no case explains.
func strays(r verdict.Result) bool {
	return slices.ContainsFunc(r.Splats, func(s verdict.Splat) bool { return s.Case == "" })
}

// maxOf bounds how many names stand before one reason.
const maxOf = 3

func (d difference) String() string {
	names := d.of
	if more := len(names) - maxOf; more > 0 {
		names = append(names[:maxOf:maxOf], fmt.Sprintf("and %d more", more))
	}
	text := strings.Join(names, ", ") + ": " + string(d.Verdict)
	if d.how != "" {
		text += ", " + d.how
	}
	if d.Blame != verdict.OnNobody {
		text += ", blame " + string(d.Blame)
	}
	return text + ": " + d.Reason
}
