package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.New("report.html").ParseFS(pageFiles, "page/*"))

// Links are files beside the page about one VM, relative to the page.
type Links struct {
	Explain string   // the page that tells why a request hung; "": there is nothing to tell
	Files   []string // the VM's evidence
}

// HTML is the matrix as one page that needs no script, no network and no other
// file: a cell opens to say what stands behind it, and below are all checks of
// each VM with their rates. links are by the name of the VM's kernel.
func HTML(results []verdict.Result, links map[string]Links) ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, viewOf(results, links)); err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	return b.Bytes(), nil
}

// pageView is what the page shows.
type pageView struct {
	Outcome       string
	Code          int
	Counts        []countView
	Cases, Suites []string
	Rows          []rowView
	VMs           []vmView
	Words         []wordView
}

type countView struct{ Class, Text string }

type wordView struct{ Word, Means string }

// rowView is one kernel in the matrix.
type rowView struct {
	Name, Anchor string
	Cells        []cellView
	Seconds      string
}

// cellView is one cell: a word, and what stands behind it. Without a word
// nothing was asked.
type cellView struct {
	Class, Word string
	Lines       []string
	Anchor      string
}

// vmView is all that one VM came to.
type vmView struct {
	Anchor, Name string
	Differences  []string
	Facts        [][2]string
	Links        Links
	Groups       []groupView
}

type groupView struct {
	Anchor, Name, Class, Count string
	Open                       bool
	Checks                     []checkView
}

type checkView struct {
	Name, Class, Word, Rate, Seconds, Reason, Text string
}

func viewOf(results []verdict.Result, links map[string]Links) pageView {
	v := pageView{Outcome: outcomes[Code(results)], Code: Code(results)}
	for _, p := range CountsOf(results).parts() {
		v.Counts = append(v.Counts, countView{classes[p.status], p.text})
	}
	v.Suites, v.Cases = columns(results)
	at := 0
	for _, k := range rowsOf(results) {
		row := rowView{Name: k.name, Anchor: anchor(at), Seconds: seconds(k)}
		for _, c := range v.Cases {
			row.Cells = append(row.Cells, caseView(k.known(c)))
		}
		for _, s := range v.Suites {
			row.Cells = append(row.Cells, suiteView(k, s, at))
		}
		for i, r := range k.vms {
			v.VMs = append(v.VMs, vmOf(r, anchor(at+i), links[r.Kernel.Name]))
		}
		at += len(k.vms)
		v.Rows = append(v.Rows, row)
	}
	for _, w := range words {
		v.Words = append(v.Words, wordView{string(w.verdict), w.means})
	}
	return v
}

// anchor names the part of the page about the n-th VM.
func anchor(n int) string { return fmt.Sprintf("vm%d", n+1) }

// classes are the statuses as the page's style names them.
var classes = map[status]string{passed: "passed", known: "known", skipped: "skipped", failed: "failed", errored: "errored"}

func caseView(c *verdict.Case) cellView {
	if c == nil {
		return cellView{}
	}
	lines := []string{strings.TrimPrefix(expectation(*c), ", "), Reach(c.Rate), c.Reason}
	if c.Why != "" {
		lines = append(lines, "expected: "+c.Why)
	}
	return cellView{Class: classes[checkCase(*c).status], Word: word(c), Lines: lines}
}

// suiteView is a suite's cell on a kernel whose first VM is the n-th.
func suiteView(k row, name string, n int) cellView {
	for i, r := range k.vms {
		for _, of := range checksOf(r) {
			if of.name == name {
				return cellView{Class: classes[of.worst()], Word: suiteCell(k.suite(name)), Anchor: anchor(n+i) + "-" + name}
			}
		}
	}
	return cellView{}
}

// worst is the status that must not be hidden.
func (c checks) worst() status {
	worst := passed
	for _, check := range c.all {
		worst = max(worst, check.status)
	}
	return worst
}

func vmOf(r verdict.Result, anchor string, links Links) vmView {
	v := vmView{Anchor: anchor, Name: kernel(r), Facts: factsOf(r), Links: links}
	for _, d := range differences(r) {
		v.Differences = append(v.Differences, d.String())
	}
	for _, of := range checksOf(r) {
		var n Counts
		g := groupView{Anchor: anchor + "-" + of.name, Name: of.name, Class: classes[of.worst()], Open: of.worst() >= failed}
		for _, c := range of.all {
			n.add(c.status)
			g.Checks = append(g.Checks, checkView{c.name, classes[c.status], string(c.Verdict), rate(c), fmt.Sprintf("%.1f", c.seconds), blamed(c), c.text})
		}
		g.Count = n.String()
		v.Groups = append(v.Groups, g)
	}
	return v
}

// rate is a check's failures of trials, "" if it has none.
func rate(c check) string {
	if c.rate.Trials == 0 {
		return ""
	}
	return share(c.rate)
}

// factsOf say which kernel it is and how its VM ended.
func factsOf(r verdict.Result) [][2]string {
	facts := [][2]string{{"reference", r.Kernel.Ref}, {"release", r.Kernel.Release}, {"sha256", r.Kernel.ID}}
	if e := r.Exit; e != nil {
		facts = append(facts, [2]string{"VM", fmt.Sprintf("%s after %.1f s in %s", e.Reason, e.Seconds, e.Phase)},
			[2]string{"accelerator", e.Accel}, [2]string{"error", e.Error})
	}
	var out [][2]string
	for _, f := range facts {
		if f[1] != "" {
			out = append(out, f)
		}
	}
	return out
}
