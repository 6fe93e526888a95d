package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Change is a spec, a suite as a whole, or the boot, that came out otherwise
// after the patch.
type Change struct {
	Suite  string       `json:"suite,omitempty"` // "": the boot
	Spec   string       `json:"spec,omitempty"`  // "": the suite as a whole
	Debug  bool         `json:"debug,omitempty"` // on the debugging build
	Before verdict.Rate `json:"before"`          // in trials of the spec
	After  verdict.Rate `json:"after"`
	Was    string       `json:"was"` // good, bad and unclear rounds, in words
	Is     string       `json:"is"`
	Why    string       `json:"why"` // what the first bad run after the patch says
}

// question is what kernels are compared by.
type question struct {
	suite, spec string
	debug       bool
}

// tally is what one kernel answered to one question, in rounds.
type tally struct {
	good, bad, broken, empty int
	cut                      int // of the bad: the kernel went down or hung, and was asked no more
	trials, failures         int
	symptoms                 map[event.Symptom]bool
	why                      string // of the first that was not good
}

func (t tally) answered() int { return t.good + t.bad }

// take adds a judgement that stands for so many rounds.
func (t *tally) take(j verdict.Judgement, rounds int) {
	switch j.Verdict {
	case verdict.Pass:
		t.good += rounds
		return
	case verdict.Empty:
		t.empty += rounds
	case verdict.Broken, verdict.Unsure, verdict.Infra, verdict.Cancelled:
		t.broken += rounds
	case verdict.BootFail, verdict.OtherCrash, verdict.OtherHang:
		t.cut += rounds
		t.bad += rounds
	default:
		t.bad += rounds
	}
	t.why = cmp.Or(t.why, string(j.Verdict)+": "+j.Reason)
}

// answers collects what the steps of one kernel say.
func answers(steps []Step, after bool) map[question]*tally {
	all := map[question]*tally{}
	for _, s := range steps {
		of := func(suite, spec string) *tally {
			q := question{suite, spec, s.Kind == OfDebug}
			if all[q] == nil {
				all[q] = &tally{symptoms: map[event.Symptom]bool{}}
			}
			return all[q]
		}
		for _, r := range s.Results {
			if s.After == after && !takeBoot(r, of("", "")) {
				takeSuites(r, s.Kind != OfDebug, of)
			}
		}
	}
	return all
}

// takeBoot takes the answer to the question whether the kernel comes up, and
// tells whether there are no others. One that was not booted has answered
// nothing yet.
func takeBoot(r verdict.Result, t *tally) (down bool) {
	if i := slices.IndexFunc(r.Suites, func(s verdict.Suite) bool { return s.Verdict == verdict.BootFail }); i >= 0 {
		t.take(r.Suites[i].Judgement, 1)
		return true
	}
	if r.Boot > 0 {
		t.good++
	}
	return false
}

// takeSuites takes the answers of suites, and of their specs if wanted: those of
// a debugging build are its splats, and that it comes to an end.
func takeSuites(r verdict.Result, specs bool, of func(suite, spec string) *tally) {
	for _, su := range r.Suites {
		of(su.Name, "").take(su.Judgement, 1)
		for _, p := range su.Specs {
			if !specs {
				break
			}
			t := of(su.Name, p.Name)
			t.take(p.Judgement, max(1, p.Rounds))
			t.trials += p.Rate.Trials
			t.failures += p.Rate.Failures
			for _, s := range p.Symptoms {
				t.symptoms[s] = true
			}
		}
	}
}

// compare fills in what came out otherwise.
func (r *Report) compare(steps []Step) {
	before, after := answers(steps, false), answers(steps, true)
	asked := questions(before, after)
	r.Asked, r.Worse, r.Doubts, r.Better = len(asked), []Change{}, []Change{}, []Change{}
	for _, q := range asked {
		if implied(q, after) {
			continue
		}
		b, a := tallyOf(before, q), tallyOf(after, q)
		c := changeOf(q, b, a)
		switch how := changed(b, a, risk/float64(len(asked))); {
		case how == worse:
			r.Worse = append(r.Worse, c)
		case how == doubtful, q.debug && a.cut > 0: // its splats are not known, then
			r.Doubts = append(r.Doubts, c)
		case how == better:
			r.Better = append(r.Better, c)
		}
	}
}

// implied tells whether a question has no answer after the patch because its
// suite, or the kernel, went down: of that the same is said.
func implied(q question, after map[question]*tally) bool {
	if after[q] != nil || q.suite == "" {
		return false
	}
	suite, boot := tallyOf(after, question{q.suite, "", q.debug}), tallyOf(after, question{"", "", q.debug})
	return boot.good == 0 || q.spec != "" && suite.good == 0
}

func tallyOf(all map[question]*tally, q question) tally {
	if t := all[q]; t != nil {
		return *t
	}
	return tally{}
}

// questions are all that either kernel was asked, sorted.
func questions(before, after map[question]*tally) []question {
	all := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.SortFunc(all, func(a, b question) int {
		return cmp.Or(strings.Compare(a.suite, b.suite), strings.Compare(a.spec, b.spec), strings.Compare(fmt.Sprint(a.debug), fmt.Sprint(b.debug)))
	})
	return slices.Compact(all)
}

func changeOf(q question, b, a tally) Change {
	return Change{Suite: q.suite, Spec: q.spec, Debug: q.debug, Was: b.String(), Is: a.String(), Why: strings.Replace(cmp.Or(a.why, b.why), q.spec+": ", "", 1),
		Before: verdict.RateOf(b.failures, b.trials), After: verdict.RateOf(a.failures, a.trials)}
}

// String counts the rounds.
func (t tally) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{t.good, "good"}, {t.bad, "bad"}, {t.broken, "without an answer"}, {t.empty, "empty"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "never asked")
}

// Again says whether more runs may settle a doubt, and of what: of these suites
// (none: of all), and of these specs in them, SUITE SPEC each (none: of all).
func (r Report) Again() (suites, specs []string, ok bool) {
	for _, c := range r.Doubts {
		if c.Debug {
			continue
		}
		ok = true
		suites = append(suites, c.Suite)
		specs = append(specs, c.Suite+" "+c.Spec)
	}
	slices.Sort(suites)
	suites = slices.Compact(suites)
	if slices.ContainsFunc(r.Doubts, func(c Change) bool { return !c.Debug && c.Spec == "" }) {
		specs = nil
	}
	if slices.Contains(suites, "") {
		suites = nil
	}
	return suites, specs, ok
}
