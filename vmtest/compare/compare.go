// Package compare says from runs of a kernel before and after a patch whether
// the patch does its job: whether the case it is for is gone, and whether
// anything else became worse. It is pure: results in, a [Report] out.
//
// What it asks, and when it is sure:
//
//	the case         gone if it showed before, and the trials after, none of which
//	                 failed, exclude the rate before (see Case)
//	specs, suites    worse if an answer that was good in all rounds before is bad in
//	                 all rounds after, or by Fisher's test (see change)
//	splats           a title on the console that no run before had
//	cost             churn that takes twice as long or more, in three pairs or more
//
// The verdict is that of the first line that matches:
//
//	harmful          something is worse for sure
//	not validated    the case shows after the patch
//	unsure           the case is not answered, or something may be worse
//	validated        otherwise
package compare

import (
	"fmt"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Verdict is the answer about a patch.
type Verdict string

// The verdicts.
const (
	Validated    Verdict = "validated"
	NotValidated Verdict = "not validated"
	Harmful      Verdict = "harmful"
	Unsure       Verdict = "unsure"
)

// Code is the verdict as an exit code, as git bisect run reads them.
func (v Verdict) Code() int {
	switch v {
	case Validated:
		return verdict.CodeGood
	case Unsure:
		return verdict.CodeSkip
	}
	return verdict.CodeBad
}

// Kind is what a step was run for.
type Kind string

// The kinds of steps.
const (
	OfCase  Kind = "case"  // the case's specs alone
	OfAll   Kind = "pair"  // the suites
	OfDoubt Kind = "again" // what came out worse, but not for sure
	OfDebug Kind = "debug" // the suites on builds with KASAN and lockdep
)

// Step is one run of one of the two kernels.
type Step struct {
	Kind    Kind
	Pair    int // 1, 2, …: within a kind, the two steps that ran one after the other
	After   bool
	Rounds  int              // of each suite
	Results []verdict.Result // one for each VM
}

// Name is that of the step's folder.
func (s Step) Name() string { return fmt.Sprintf("%s-%d-%s", s.Kind, s.Pair, side(s.After)) }

func side(after bool) string {
	if after {
		return "after"
	}
	return "before"
}

// Report is what was found out about a patch.
type Report struct {
	Verdict Verdict   `json:"verdict"`
	Reasons []string  `json:"reasons"`
	Case    Case      `json:"case"`
	Pairs   int       `json:"pairs"`  // of runs of all suites
	Asked   int       `json:"asked"`  // questions that were compared: the boot, suites, specs
	Worse   []Change  `json:"worse"`  // for sure
	Doubts  []Change  `json:"doubts"` // worse perhaps, or without an answer
	Better  []Change  `json:"better"`
	Splats  []Splat   `json:"splats"` // new ones
	Cost    *Cost     `json:"cost"`   // null: nothing to compare
	Steps   []Summary `json:"steps"`
}

// Of judges the steps that were run for a case. stopped says why there are no
// more of them, if they were to be; "" if they are all.
func Of(name string, steps []Step, stopped string) Report {
	r := Report{Case: caseOf(name, steps), Splats: newSplats(steps), Cost: costOf(steps), Steps: []Summary{}}
	r.compare(steps)
	for _, s := range steps {
		r.Steps = append(r.Steps, summary(name, s))
		if s.Kind == OfAll && s.After {
			r.Pairs++
		}
	}
	r.conclude(stopped)
	return r
}

// conclude finds verdict and reasons.
func (r *Report) conclude(stopped string) {
	harms, doubts := r.harms()
	switch {
	case len(harms) > 0:
		r.Verdict = Harmful
	case r.Case.State == Kept:
		r.Verdict = NotValidated
	case r.Case.State != Gone, len(doubts) > 0, stopped != "":
		r.Verdict = Unsure
	default:
		r.Verdict = Validated
	}
	if stopped != "" {
		r.Reasons = append(r.Reasons, "stopped: "+stopped)
	}
	r.Reasons = append(r.Reasons, r.Case.Reason)
	r.Reasons = append(append(r.Reasons, harms...), doubts...)
	if r.Verdict == Validated {
		r.Reasons = append(r.Reasons, fmt.Sprintf("nothing else is worse: %d answers compared, no new splat", r.Asked))
	}
}

// harms are reasons for harmful, doubts those against validated.
func (r *Report) harms() (harms, doubts []string) {
	for _, c := range r.Worse {
		harms = append(harms, "worse: "+c.String())
	}
	for _, s := range r.Splats {
		if s.Sure {
			harms = append(harms, "new splat: "+s.String())
		} else {
			doubts = append(doubts, "new splat, which a starved host alone can bring about: "+s.String())
		}
	}
	if r.Cost != nil && r.Cost.dear() {
		harms = append(harms, "cost: "+r.Cost.String())
	}
	for _, c := range r.Doubts {
		doubts = append(doubts, "not sure: "+c.String())
	}
	if r.Case.State == Gone && r.Pairs == 0 {
		doubts = append(doubts, "the suites were not compared")
	}
	return harms, doubts
}

// Without is a report on a patch that takes no run to judge.
func Without(name string, v Verdict, reason string) Report {
	r := Of(name, nil, "")
	r.Verdict, r.Reasons = v, []string{reason}
	return r
}
