package report

import (
	"bytes"
	"fmt"
	"slices"
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
	for _, r := range results {
		cells := row(r, suites, cases)
		if last := rows[len(rows)-1]; r.Kernel.Alone != "" && belongs(cells[0], last[0]) {
			join(last, cells)
			continue
		}
		rows = append(rows, cells)
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

// belongs tells whether a line is of a suite that had a VM to itself, and the
// line above it of the same kernel's other suites.
func belongs(line, above string) bool {
	name, _, _ := strings.Cut(line, " ~")
	return name == above
}

// join fills a line's empty cells with those of another VM of the same kernel.
// Their seconds, the last cell, are added up in words.
func join(line, more []string) {
	last := len(line) - 1
	for i := 1; i < last; i++ {
		if line[i] == none {
			line[i] = more[i]
		}
	}
	line[last] += "+" + more[last]
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

func row(r verdict.Result, suites, cases []string) []string {
	cells := []string{kernel(r)}
	for _, s := range suites {
		cells = append(cells, suiteCell(r, s))
	}
	for _, c := range cases {
		cells = append(cells, caseCell(r, c))
	}
	return append(cells, seconds(r))
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

// columns are the suites and cases of all results, in the order they come.
func columns(results []verdict.Result) (suites, cases []string) {
	add := func(to []string, name string) []string {
		if slices.Contains(to, name) {
			return to
		}
		return append(to, name)
	}
	for _, r := range results {
		for _, s := range r.Suites {
			suites = add(suites, s.Name)
		}
		for _, c := range r.Cases {
			cases = add(cases, c.Name)
		}
	}
	return suites, cases
}

func suiteCell(r verdict.Result, name string) string {
	i := slices.IndexFunc(r.Suites, func(s verdict.Suite) bool { return s.Name == name })
	if i < 0 {
		return none
	}
	s := r.Suites[i]
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

func caseCell(r verdict.Result, name string) string {
	i := slices.IndexFunc(r.Cases, func(c verdict.Case) bool { return c.Name == name })
	if i < 0 {
		return none
	}
	return string(r.Cases[i].Verdict) + expectation(r.Cases[i])
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

func seconds(r verdict.Result) string {
	if r.Exit == nil {
		return none
	}
	return fmt.Sprintf("%.1f", r.Exit.Seconds)
}
