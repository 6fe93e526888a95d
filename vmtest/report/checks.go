package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// status is what a check came to, in the words that CI systems have for it.
type status int

// The statuses. Failed is the kernel's answer, errored the lack of one.
const (
	passed  status = iota
	known          // failed, as was expected
	skipped        // nothing was asked
	failed
	errored
)

// check is one line of a report that CI reads: a case, a spec, a suite that did
// not come to its end, the console.
type check struct {
	name string
	verdict.Judgement
	status  status
	seconds float64
	rate    verdict.Rate
	text    string // details, in lines
}

// checks are what belongs together: of a VM, its cases and console; of a suite,
// its specs.
type checks struct {
	name string // the suite's; onKernel for the VM's
	all  []check
}

// onKernel names the checks that belong to no suite.
const onKernel = "kernel"

// checksOf are the checks of one VM.
func checksOf(r verdict.Result) []checks {
	whole := checks{name: onKernel}
	for _, c := range r.Cases {
		whole.all = append(whole.all, checkCase(c))
	}
	out := []checks{{}}
	for _, s := range r.Suites {
		of := checks{name: s.Name}
		for _, p := range s.Specs {
			of.all = append(of.all, checkSpec(r, p))
		}
		if s.Verdict != verdict.Pass {
			of.all = append(of.all, checkEnd(r, s))
		}
		out = append(out, of)
	}
	whole.all = append(whole.all, checkConsole(r))
	out[0] = whole
	return out
}

func checkCase(c verdict.Case) check {
	out := check{name: c.Name, Judgement: c.Judgement, rate: c.Rate, status: statusOf(c.Verdict), text: c.Why}
	switch {
	case c.Met && c.Verdict.Shows():
		out.status = known
	case c.Surprise() == verdict.UnexpectedFailure:
		out.status = failed
	case c.Surprise() == verdict.UnexpectedPass:
		out.status = failed
		out.Reason = fmt.Sprintf("%s: %s is expected: %s", verdict.UnexpectedPass, c.Expect, c.Reason)
	}
	return out
}

func checkSpec(r verdict.Result, p verdict.Spec) check {
	out := check{name: p.Name, Judgement: p.Judgement, rate: p.Rate, seconds: p.Seconds, status: statusOf(p.Verdict)}
	lines := append(slices.Clone(p.Findings), p.Text)
	if p.Where != "" {
		lines = append(lines, "at "+p.Where)
	}
	out.text = strings.Join(lines, "\n")
	out.Reason = reason(p)
	switch {
	case p.Surprise() == verdict.UnexpectedPass:
		out.status = failed
		out.Reason = fmt.Sprintf("%s: %s: %s", verdict.UnexpectedPass, p.Why, p.Reason)
	case out.status == passed || out.status == skipped:
	case expectedBy(r, p.Case):
		out.status = known
		out.Reason = p.Case + ": " + out.Reason
	case p.Case == "" && p.Surprise() == verdict.None:
		out.status = known
		out.Reason = p.Why + ": " + out.Reason
	}
	return out
}

// expectedBy tells whether a case of this name explains what is no surprise.
func expectedBy(r verdict.Result, name string) bool {
	return slices.ContainsFunc(r.Cases, func(c verdict.Case) bool { return c.Name == name && c.Met })
}

// checkEnd stands for the specs that never began, whose names nobody knows. A
// suite that asked nothing has not passed.
func checkEnd(r verdict.Result, s verdict.Suite) check {
	out := check{name: "the suite runs to its end", Judgement: s.Judgement, status: statusOf(s.Verdict)}
	if never := s.Planned - len(s.Specs); never > 0 {
		out.text = fmt.Sprintf("specs that never began: %d of %d", never, s.Planned)
	}
	switch {
	case s.Verdict == verdict.Empty:
		out.status = errored
	case out.status == errored && expectedBy(r, s.Case):
		out.status = known
	}
	return out
}

// checkConsole is the scan of the console. A splat that a spec or a case is
// charged with counts there.
func checkConsole(r verdict.Result) check {
	out := check{name: "the console is clean", Judgement: r.Console, status: statusOf(r.Console.Verdict)}
	var stray []string
	for _, s := range r.Splats {
		if s.Spec == "" && s.Case == "" {
			stray = append(stray, fmt.Sprintf("line %d: %s", s.Line, s.Text))
		}
	}
	out.text = strings.Join(stray, "\n")
	if r.Console.Verdict == verdict.Crash && len(stray) == 0 {
		out.status = passed
	}
	return out
}

// statusOf files a verdict by itself, whatever is expected.
func statusOf(v verdict.Verdict) status {
	switch v {
	case verdict.Pass, verdict.Unaffected:
		return passed
	case verdict.Fail, verdict.Affected, verdict.Expired, verdict.Unmatched:
		return failed
	case verdict.Empty, verdict.Untestable:
		return skipped
	}
	return errored
}

// Counts are how many checks came to what.
type Counts struct {
	Passed  int `json:"passed"`
	Known   int `json:"known"` // failed as expected
	Skipped int `json:"skipped"`
	Failed  int `json:"failed"`
	Errors  int `json:"errors"`
}

// add counts a check in.
func (c *Counts) add(s status) {
	*map[status]*int{passed: &c.Passed, known: &c.Known, skipped: &c.Skipped, failed: &c.Failed, errored: &c.Errors}[s]++
}

// CountsOf counts the checks of all results.
func CountsOf(results []verdict.Result) Counts {
	var out Counts
	for _, r := range results {
		for _, of := range checksOf(r) {
			for _, c := range of.all {
				out.add(c.status)
			}
		}
	}
	return out
}

// String is "12 passed, 1 failed": what there is.
func (c Counts) String() string {
	var out []string
	for _, part := range c.parts() {
		out = append(out, part.text)
	}
	if len(out) == 0 {
		return "nothing was asked"
	}
	return strings.Join(out, ", ")
}

// part is a count that is not 0.
type part struct {
	status status
	text   string
}

func (c Counts) parts() []part {
	var out []part
	for _, of := range []struct {
		status status
		n      int
		what   string
	}{{passed, c.Passed, "passed"}, {failed, c.Failed, "failed"}, {errored, c.Errors, "without an answer"}, {skipped, c.Skipped, "skipped"}, {known, c.Known, "failed as expected"}} {
		if of.n > 0 {
			out = append(out, part{of.status, Thousands(of.n) + " " + of.what})
		}
	}
	return out
}
