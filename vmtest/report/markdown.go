package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Markdown is a page for a CI system's summary: what is not as expected, the
// matrix, how often each case showed, and how to see the evidence, which is in
// dir. It is at most limit bytes long; what does not fit is left out, and said
// to be.
func Markdown(results []verdict.Result, dir string, limit int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## krepro: %s\n\n%s\n", outcomes[Code(results)], CountsOf(results))
	for _, part := range [][]string{mdDifferences(results), mdMatrix(results), mdRates(results)} {
		mdFill(&b, part, limit-mdReserve)
	}
	fmt.Fprintf(&b, "\nEvidence: `krepro explain %s`, `krepro judge %s`, `report.html`\n", dir, dir)
	return b.Bytes()
}

// outcomes says in words how a run ended, by its exit code.
var outcomes = map[int]string{
	verdict.CodeGood:      "all as expected",
	verdict.CodeBad:       "not as expected",
	verdict.CodeSkip:      "cannot tell",
	verdict.CodeInfra:     "a fault of the host",
	verdict.CodeCancelled: "interrupted",
}

// mdReserve is room for the last lines, in bytes.
const mdReserve = 1 << 10

// mdFill adds a part of the page, as many of its lines as there is room for.
func mdFill(b *bytes.Buffer, lines []string, limit int) {
	for i, line := range lines {
		if b.Len()+len(line)+1 > limit {
			fmt.Fprintf(b, "\n%s left out: the page is full\n", counted(len(lines)-i, "line"))
			return
		}
		b.WriteString(line + "\n")
	}
}

func mdDifferences(results []verdict.Result) []string {
	var out []string
	for _, r := range results {
		found := differences(r)
		if len(found) == 0 {
			continue
		}
		out = append(out, "", "**"+mdText(kernel(r))+"**", "")
		for _, d := range found {
			out = append(out, "- "+mdText(d.String()))
		}
	}
	return out
}

// mdMatrix has kernels down and cases across.
func mdMatrix(results []verdict.Result) []string {
	_, cases := columns(results)
	head, rule := "| kernel |", "| --- |"
	for _, c := range append(cases, "specs", "seconds") {
		head, rule = head+" "+mdText(c)+" |", rule+" --- |"
	}
	out := []string{"", head, rule}
	for _, k := range rowsOf(results) {
		line := "| " + mdText(k.name) + " |"
		for _, c := range cases {
			line += mdCell(k.known(c))
		}
		out = append(out, line+fmt.Sprintf(" %s | %s |", specsCell(k), seconds(k)))
	}
	return out
}

func mdCell(c *verdict.Case) string {
	if c != nil && !c.Met {
		return " **" + word(c) + "** |"
	}
	return " " + word(c) + " |"
}

// mdRates has a line for each case and each spec with trials, folded away.
func mdRates(results []verdict.Result) []string {
	out := []string{"", "<details><summary>failures of trials, with 95 % intervals</summary>", "", "| kernel | case or spec | verdict | |", "| --- | --- | --- | --- |"}
	for _, r := range results {
		for _, of := range checksOf(r) {
			for _, c := range of.all {
				if c.rate.Trials > 0 {
					out = append(out, fmt.Sprintf("| %s | %s: %s | %s | %s |", mdText(kernel(r)), of.name, mdText(c.name), c.Verdict, Reach(c.rate)))
				}
			}
		}
	}
	return append(out, "", "</details>")
}

// mdText is text that Markdown and HTML take as it stands, also in a table.
func mdText(s string) string {
	return mdEscapes.Replace(strings.Join(strings.Fields(s), " "))
}

var mdEscapes = strings.NewReplacer("\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "]", "\\]", "~", "\\~",
	"<", "&lt;", ">", "&gt;", "&", "&amp;")
