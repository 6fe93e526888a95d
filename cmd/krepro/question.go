package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/verdict"
)

// question is what is asked of each kernel: a case, or specs of a suite.
type question struct {
	Case    string   `json:"case,omitempty"`
	Suites  []string `json:"suites"`
	Focus   string   `json:"focus"` // regular expression of the specs
	Size    string   `json:"size"`
	Trigger float64  `json:"trigger,omitempty"`
}

// questionFlags are the flags that make a question.
type questionFlags struct {
	name, suite, spec, size string
	trigger                 float64
}

func (q *questionFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&q.name, "case", "", "known bug to ask for, by its `NAME`")
	f.StringVar(&q.suite, "suite", "", "or: the suite `NAME`")
	f.StringVar(&q.spec, "spec", "", "and of it the specs whose text matches this regular expression")
	f.StringVar(&q.size, "size", "quick", "trials of a round: quick, default or soak")
	f.Float64Var(&q.trigger, "trigger", 0, "`SHARE` of trials in which specs with the label thin pull their trigger (default all)")
}

// question checks the flags.
func (q questionFlags) question(corpus []cases.Case) (question, error) {
	out := question{Size: q.size, Trigger: q.trigger}
	switch {
	case (q.name == "") == (q.suite == ""):
		return out, usage("say what to ask: --case NAME, or --suite NAME with --spec TEXT")
	case q.name != "" && q.spec != "":
		return out, usage("spec: goes with --suite; a case has specs of its own")
	case q.name == "":
		if _, err := regexp.Compile(q.spec); err != nil {
			return out, usage("spec: %v", err)
		}
		out.Suites, out.Focus = []string{q.suite}, q.spec
		return out, nil
	}
	i := slices.IndexFunc(corpus, func(c cases.Case) bool { return c.Name == q.name })
	if i < 0 {
		return out, usage("case: there is none named %q; there are %s", q.name, strings.Join(namesOf(corpus), ", "))
	}
	out.Case, out.Suites, out.Focus = q.name, corpus[i].Suites(), focusOn(caseSpecs(corpus[i], " "))
	return out, nil
}

// String names what is asked.
func (q question) String() string {
	if q.Case != "" {
		return q.Case
	}
	return strings.TrimSpace(q.Suites[0] + " " + q.Focus)
}

// options are those of a run that asks it of one kernel.
func (q question) options(ref string, rounds int, untilFailure bool, out string) runOptions {
	return runOptions{kernels: []string{ref}, suites: q.Suites, focus: q.Focus, size: q.Size, trigger: q.Trigger,
		jobs: 1, out: out, repeat: rounds, untilFailure: untilFailure && rounds > 1}
}

// checkQuestion refuses what a run would refuse, before a kernel is built for it.
func (e *env) checkQuestion(q question, vm vmOptions) error {
	o := q.options("debian:6.1", 1, false, "")
	o.vm = vm
	_, err := e.plan(o)
	return err
}

// read takes the answer out of a run's results. A fault of the host is an error
// with its code, and no answer.
func (q question) read(results []verdict.Result) (bisect.Step, error) {
	s := bisect.Step{Rounds: runsOf(results, "")}
	judged := judgedSpecs(results)
	if q.Case != "" {
		judged = judgedCase(results, q.Case)
	}
	worst := worstOf(judged)
	if worst.Bisect >= verdict.CodeInfra {
		return s, &failure{worst.Bisect, fmt.Errorf("%s: %s", worst.Verdict, worst.Reason)}
	}
	for _, j := range judged {
		s.Trials, s.Failures = s.Trials+j.rate.Trials, s.Failures+j.rate.Failures
	}
	s.Answer, s.Verdict, s.Reason = bisect.AnswerOf(worst.Bisect), worst.Verdict, worst.Reason
	if s.Answer == bisect.Skip {
		return s, nil
	}
	// Of specs that count no trials each run is one; a crash, or a hang, is one too.
	s.Rounds = max(1, s.Rounds)
	if s.Answer == bisect.Bad && s.Failures == 0 {
		s.Failures = max(1, runsOf(results, verdict.Fail))
	}
	s.Trials = max(s.Rounds, s.Trials, s.Failures)
	return s, nil
}

// judgement is one with the trials that it rests on.
type judgement struct {
	verdict.Judgement
	rate verdict.Rate
}

func judgedCase(results []verdict.Result, name string) []judgement {
	for _, r := range results {
		for _, c := range r.Cases {
			if c.Name == name {
				return []judgement{{c.Judgement, c.Rate}}
			}
		}
	}
	return nil
}

// judgedSpecs are the specs, and what else can go wrong: a suite without its
// end, a splat in no spec's time.
func judgedSpecs(results []verdict.Result) []judgement {
	var all []judgement
	for _, r := range results {
		for _, su := range r.Suites {
			for _, p := range su.Specs {
				all = append(all, judgement{p.Judgement, p.Rate})
			}
			all = append(all, judgement{Judgement: su.Judgement})
		}
		all = append(all, judgement{Judgement: r.Console})
	}
	return all
}

// worstOf is the judgement that the exit code would be of; without any nothing
// was asked.
func worstOf(judged []judgement) verdict.Judgement {
	var codes []int
	for _, j := range judged {
		codes = append(codes, j.Bisect)
	}
	worst := verdict.Worst(codes...)
	i := slices.IndexFunc(judged, func(j judgement) bool { return j.Bisect == worst })
	if i < 0 {
		return verdict.Judgement{Verdict: verdict.Empty, Blame: verdict.OnSuite, Bisect: verdict.CodeSkip, Reason: "no spec was asked"}
	}
	return judged[i].Judgement
}

// runsOf is how often the spec that came out so most often did; "" is anyhow.
// Runs that came out alike are one entry, those that did not stand side by side.
func runsOf(results []verdict.Result, v verdict.Verdict) (most int) {
	for _, r := range results {
		for _, su := range r.Suites {
			runs := map[string]int{}
			for _, p := range su.Specs {
				if v == "" || v == p.Verdict {
					runs[p.Name] += max(1, p.Rounds)
				}
				most = max(most, runs[p.Name])
			}
		}
	}
	return most
}

// checkFragments refuses what a reference that names it would take for a patch.
func checkFragments(files []string) error {
	for _, f := range files {
		if filepath.Ext(f) != ".config" {
			return usage("config: %s: a fragment's name has to end with .config", f)
		}
	}
	return nil
}
