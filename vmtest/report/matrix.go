package report

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/krepro/krepro/vmtest/verdict"
)

// page is how wide a matrix may be, in columns of text; what is wider goes on
// below.
const page = 120

// unmet marks a cell that is not as expected.
const unmet = "!"

// Matrix is the compact result of many kernels: a row for each, a column for
// each case with the verdict in one word, the specs that passed of those that
// ran; below it what the words mean and whatever is not as expected.
func Matrix(results []verdict.Result) string {
	_, cases := columns(results)
	rows := rowsOf(results)
	cols := []column{{"KERNEL", nil}}
	for _, k := range rows {
		cols[0].cells = append(cols[0].cells, k.name)
	}
	for _, name := range cases {
		c := column{name: name}
		for _, k := range rows {
			c.cells = append(c.cells, word(k.known(name)))
		}
		cols = append(cols, c)
	}
	specs, times := column{name: "SPECS"}, column{name: "SECONDS"}
	for _, k := range rows {
		specs.cells = append(specs.cells, specsCell(k))
		times.cells = append(times.cells, seconds(k))
	}
	var b bytes.Buffer
	blocks(&b, append(cols, specs, times))
	legend(&b, results)
	differing(&b, results)
	return b.String()
}

// column is one column of a matrix; its name may be broken at hyphens.
type column struct {
	name  string
	cells []string
}

func (c column) head() []string { return strings.Split(c.name, "-") }

func (c column) width() int {
	most := 0
	for _, s := range append(c.head(), c.cells...) {
		most = max(most, len([]rune(s)))
	}
	return most + 2
}

// blocks prints the columns, as many side by side as the page has room for. The
// first one stands at the left of each block.
func blocks(b *bytes.Buffer, cols []column) {
	first, rest := cols[0], cols[1:]
	for len(rest) > 0 {
		width, n := first.width(), 0
		for n < len(rest) && (n == 0 || width+rest[n].width() <= page) {
			width += rest[n].width()
			n++
		}
		block(b, append([]column{first}, rest[:n]...))
		if rest = rest[n:]; len(rest) > 0 {
			b.WriteByte('\n')
		}
	}
}

// block prints columns side by side; heads stand on the lowest line.
func block(b *bytes.Buffer, cols []column) {
	high := 0
	for _, c := range cols {
		high = max(high, len(c.head()))
	}
	for i := range high {
		line(b, cols, func(c column) string {
			if at := i - high + len(c.head()); at >= 0 {
				return c.head()[at]
			}
			return ""
		})
	}
	for i := range cols[0].cells {
		line(b, cols, func(c column) string { return c.cells[i] })
	}
}

// line prints one line of a block, without blanks at its end.
func line(b *bytes.Buffer, cols []column, cell func(column) string) {
	text := ""
	for _, c := range cols {
		text += fmt.Sprintf("%-*s", c.width(), cell(c))
	}
	fmt.Fprintln(b, strings.TrimRight(text, " "))
}

func word(c *verdict.Case) string {
	switch {
	case c == nil:
		return none
	case !c.Met:
		return string(c.Verdict) + unmet
	}
	return string(c.Verdict)
}

// specsCell is "140/144": specs that passed of those that were to run.
func specsCell(k row) string {
	passed, all := 0, 0
	for _, r := range k.vms {
		for _, s := range r.Suites {
			for _, p := range s.Specs {
				if p.Verdict == verdict.Pass {
					passed++
				}
			}
			all += max(s.Planned, len(s.Specs))
		}
	}
	return fmt.Sprintf("%d/%d", passed, all)
}

// legend says what the words mean that the cells have.
func legend(b *bytes.Buffer, results []verdict.Result) {
	have := map[verdict.Verdict]bool{}
	marked := false
	for _, r := range results {
		for _, c := range r.Cases {
			have[c.Verdict] = true
			marked = marked || !c.Met
		}
	}
	b.WriteByte('\n')
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, l := range words {
		if have[l.verdict] {
			fmt.Fprintf(w, "%s\t%s\n", l.verdict, l.means)
		}
	}
	if marked {
		fmt.Fprintf(w, "%s\tnot as expected\n", unmet)
	}
	w.Flush() // into memory
}

// differing lists what is not as expected, kernel by kernel.
func differing(b *bytes.Buffer, results []verdict.Result) {
	b.WriteByte('\n')
	fine := len(results) > 0
	for _, r := range results {
		found := differences(r)
		if len(found) == 0 {
			continue
		}
		if fine {
			fine = false
			fmt.Fprintln(b, "not as expected:")
		}
		fmt.Fprintf(b, "  %s\n", kernel(r))
		for _, d := range found {
			fmt.Fprintf(b, "    %s\n", d)
		}
	}
	if fine {
		fmt.Fprintln(b, "all as expected")
	}
	if len(results) == 0 {
		fmt.Fprintln(b, "nothing was asked")
	}
}
