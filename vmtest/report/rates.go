package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/krepro/krepro/vmtest/stats"
	"github.com/krepro/krepro/vmtest/verdict"
)

// significant is the chance of being wrong at all, over every spec that is
// compared, above which two rates are not called different.
const significant = 0.05

// Comparison is one spec on two kernels.
type Comparison struct {
	Suite, Spec string
	A, B        verdict.Rate
	P           float64 // two-sided, by Fisher's exact test
	Holm        float64 // the same, corrected for the number of specs (Holm 1979)
}

// Differs tells whether the rates are not one.
func (c Comparison) Differs() bool { return c.Holm < significant }

// Compare compares the rates of two kernels, spec by spec: those that both
// answered, with at least one trial each. The least likely comes first.
func Compare(a, b []verdict.Result) []Comparison {
	var out []Comparison
	theirs := ratesOf(b)
	for _, of := range ratesOf(a) {
		i := slices.IndexFunc(theirs, func(o Comparison) bool { return o.Suite == of.Suite && o.Spec == of.Spec })
		if i < 0 {
			continue
		}
		of.B = theirs[i].A
		_, _, of.P = stats.Fisher(stats.Counts{K: of.A.Failures, N: of.A.Trials}, stats.Counts{K: of.B.Failures, N: of.B.Trials})
		out = append(out, of)
	}
	slices.SortStableFunc(out, func(x, y Comparison) int { return cmp.Compare(x.P, y.P) })
	least := 0.0
	for i := range out {
		least = max(least, out[i].P*float64(len(out)-i))
		out[i].Holm = min(1, least)
	}
	return out
}

// ratesOf are the rates of all specs that were answered, over all their runs.
func ratesOf(results []verdict.Result) []Comparison {
	var out []Comparison
	for _, r := range results {
		for _, s := range r.Suites {
			for _, p := range s.Specs {
				if p.Rate.Trials == 0 || p.Verdict != verdict.Pass && p.Verdict != verdict.Fail {
					continue
				}
				same := func(o Comparison) bool { return o.Suite == s.Name && o.Spec == p.Name }
				if i := slices.IndexFunc(out, same); i >= 0 {
					out[i].A = verdict.RateOf(out[i].A.Failures+p.Rate.Failures, out[i].A.Trials+p.Rate.Trials)
				} else {
					out = append(out, Comparison{Suite: s.Name, Spec: p.Name, A: p.Rate})
				}
			}
		}
	}
	return out
}

// Rates shows in which specs two kernels differ.
func Rates(a, b []verdict.Result) string {
	var out bytes.Buffer
	all := Compare(a, b)
	differ := slices.DeleteFunc(slices.Clone(all), func(c Comparison) bool { return !c.Differs() })
	fmt.Fprintf(&out, "A  %s\nB  %s\n\n", rowsOf(a)[0].name, rowsOf(b)[0].name)
	fmt.Fprintf(&out, "rates differ in %d of %s that both answered (p below %g by Fisher's exact test,\ntwo-sided, corrected for %d by Holm)\n",
		len(differ), counted(len(all), "spec"), significant, len(all))
	if len(differ) == 0 {
		return out.String()
	}
	out.WriteByte('\n')
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "A\tB\tP\tSPEC")
	for _, c := range differ {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s: %s\n", share(c.A), share(c.B), chance(c.Holm), c.Suite, c.Spec)
	}
	w.Flush() // into memory
	return out.String()
}

// AllRates lists each case and spec with trials of each VM: how often it failed,
// and the interval that its rate is in.
func AllRates(results []verdict.Result) string {
	var out bytes.Buffer
	for i, r := range results {
		if i > 0 {
			out.WriteByte('\n')
		}
		fmt.Fprintln(&out, kernel(r))
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		lines := rateLines(r)
		if len(lines) == 0 {
			lines = []string{"  no trials"}
		}
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
		w.Flush() // into memory
	}
	return out.String()
}

func rateLines(r verdict.Result) []string {
	var out []string
	for _, of := range checksOf(r) {
		for _, c := range of.all {
			if c.rate.Trials > 0 {
				out = append(out, fmt.Sprintf("  %s/%s\t%s\t%s\t%s: %s", Thousands(c.rate.Failures), Thousands(c.rate.Trials), bounds(c.rate), c.Verdict, of.name, c.name))
			}
		}
	}
	if len(out) > 0 {
		out = slices.Insert(out, 0, "  FAILURES\tRATE, 95 %\tVERDICT\tCASE OR SPEC")
	}
	return out
}

// chance writes a p-value.
func chance(p float64) string { return fmt.Sprintf("%.2g", p) }

// share is "3/50 (1.3 % to 17 %)".
func share(r verdict.Rate) string {
	return fmt.Sprintf("%s/%s (%s)", Thousands(r.Failures), Thousands(r.Trials), bounds(r))
}
