package compare

import (
	"bytes"
	"fmt"
	"text/tabwriter"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Summary is a step in one line.
type Summary struct {
	Name     string          `json:"name"` // of its folder
	Rounds   int             `json:"rounds"`
	Case     verdict.Verdict `json:"case,omitempty"` // "": it was not asked
	Trials   int             `json:"trials"`         // of the case
	Failures int             `json:"failures"`
	Passed   int             `json:"passed"` // specs
	Specs    int             `json:"specs"`
	Splats   int             `json:"splats"`
	Seconds  float64         `json:"seconds"` // wall time of its VMs
}

func summary(name string, s Step) Summary {
	out := Summary{Name: s.Name(), Rounds: s.Rounds}
	if c := s.answer(name); c != nil {
		out.Case, out.Trials, out.Failures = c.Verdict, c.Rate.Trials, c.Rate.Failures
	}
	for _, r := range s.Results {
		if r.Exit != nil {
			out.Seconds += r.Exit.Seconds
		}
		out.Splats += len(r.Splats)
		for _, su := range r.Suites {
			for _, p := range su.Specs {
				out.Specs++
				if p.Verdict == verdict.Pass {
					out.Passed++
				}
			}
		}
	}
	return out
}

// Table is the steps, a line each.
func (r Report) Table() string {
	if len(r.Steps) == 0 {
		return ""
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STEP\tROUNDS\tCASE\tFAILED\tTRIALS\tSPECS PASSED\tSPLATS\tSECONDS")
	for _, s := range r.Steps {
		answer := string(s.Case)
		if answer == "" {
			answer = "-"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%d/%d\t%d\t%.1f\n", s.Name, s.Rounds, answer,
			report.Thousands(s.Failures), report.Thousands(s.Trials), s.Passed, s.Specs, s.Splats, s.Seconds)
	}
	w.Flush() // into memory
	return b.String()
}
