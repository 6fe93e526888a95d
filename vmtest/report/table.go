package report

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/krepro/krepro/vmtest/verdict"
)

// wide is how many suites and cases stand side by side; more stand one below
// the other, with a column for each kernel.
const wide = 4

// Table is what people read: what became of each suite and case on each kernel,
// and below it what stands behind that.
//
//	KERNEL                  SMOKE  SOCKMAP          sockhash-stale-entry  SECONDS
//	5.10.218-1 cloud-amd64  7/7    10/12 (2,310)    affected, expected    14.2
//
// A suite's cell is passed/all specs and in brackets the trials, and its verdict
// if it did not come to its end.
func Table(results []verdict.Result) string {
	suites, cases := columns(results)
	rows := [][]string{head(suites, cases)}
	for _, k := range rowsOf(results) {
		rows = append(rows, cells(k, suites, cases))
	}
	if len(suites)+len(cases) > wide {
		rows = turn(rows)
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush() // into memory
	for _, r := range results {
		details(&b, r)
	}
	return b.String()
}

// none is a cell that says nothing.
const none = "-"

func head(suites, cases []string) []string {
	cells := []string{"KERNEL"}
	for _, s := range suites {
		cells = append(cells, strings.ToUpper(s))
	}
	return append(append(cells, cases...), "SECONDS")
}

func cells(k row, suites, cases []string) []string {
	out := []string{k.name}
	for _, s := range suites {
		out = append(out, suiteCell(k.suite(s)))
	}
	for _, c := range cases {
		out = append(out, caseCell(k.known(c)))
	}
	return append(out, seconds(k))
}

// turn makes columns of rows.
func turn(rows [][]string) [][]string {
	out := make([][]string, len(rows[0]))
	for i := range out {
		for _, row := range rows {
			out[i] = append(out[i], row[i])
		}
	}
	return out
}

func suiteCell(s *verdict.Suite) string {
	if s == nil {
		return none
	}
	passed, trials := 0, 0
	for _, p := range s.Specs {
		if p.Verdict == verdict.Pass {
			passed++
		}
		trials += p.Rate.Trials
	}
	all := max(s.Planned, len(s.Specs))
	if all == 0 {
		return string(s.Verdict)
	}
	cell := fmt.Sprintf("%d/%d", passed, all)
	if trials > 0 {
		cell += fmt.Sprintf(" (%s)", Thousands(trials))
	}
	if s.Verdict != verdict.Pass {
		cell += " " + string(s.Verdict)
	}
	return cell
}

func caseCell(c *verdict.Case) string {
	if c == nil {
		return none
	}
	return string(c.Verdict) + expectation(*c)
}

// expectation says whether a verdict was expected, where that is known.
func expectation(c verdict.Case) string {
	switch {
	case c.Expect == "":
		return ""
	case c.Met:
		return ", expected"
	case !c.Verdict.Clear():
		return fmt.Sprintf(" (%s expected)", c.Expect)
	}
	return fmt.Sprintf(", NOT EXPECTED (%s)", c.Expect)
}

// seconds is the wall time of each VM of a kernel: "14.2+3.1".
func seconds(k row) string {
	var each []string
	for _, r := range k.vms {
		if r.Exit == nil {
			each = append(each, none)
			continue
		}
		each = append(each, fmt.Sprintf("%.1f", r.Exit.Seconds))
	}
	return strings.Join(each, "+")
}
