package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/report"
)

// Text writes the story for a terminal of so many columns. Tables keep their
// width; everything else is broken to fit.
func Text(w io.Writer, s Story, width int) error {
	p := &printer{width: max(width, 60)}
	p.hang("", s.Kernel+": "+s.Headline)
	if n := len(s.Losses) + len(s.Contradictions); n > 0 {
		p.hang("", fmt.Sprintf("THIS REPORT IS NOT WHOLE: %s, said below", plural(n, "fault")))
	}
	p.paths(s.Paths)
	if s.Typical != nil {
		p.chain(*s.Typical)
	}
	if s.Calls != nil {
		p.calls(*s.Calls)
	}
	p.counts(s)
	p.list("LOST: what the records do not hold", s.Losses)
	p.list("CONTRADICTIONS: findings and records disagree", s.Contradictions)
	p.absent(s.Absent)
	p.causes(s.Causes)
	if _, err := io.WriteString(w, p.String()); err != nil {
		return fmt.Errorf("print story: %w", err)
	}
	return nil
}

// printer collects text.
type printer struct {
	strings.Builder
	width int
}

func (p *printer) heading(text string) { fmt.Fprintf(p, "\n%s\n", text) }

// table writes rows in columns, indented.
func (p *printer) table(rows [][]string) {
	t := tabwriter.NewWriter(p, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(t, "  %s\n", strings.Join(row, "\t"))
	}
	t.Flush() // into memory
}

func (p *printer) paths(paths []Path) {
	if !slices.ContainsFunc(paths, func(path Path) bool { return path.Spec != "" }) {
		return
	}
	p.heading("PATHS")
	rows := [][]string{{"path", "result", "trials", "stuck", "client's recvmsg", "server's recvmsg"}}
	for _, path := range paths {
		rows = append(rows, []string{path.Name, path.Result, report.Thousands(path.Trials), report.Thousands(path.Stuck),
			cell(path.Client), cell(path.Server)})
	}
	p.table(rows)
}

// cell joins what stands in one cell of a table.
func cell(items []string) string {
	if len(items) == 0 {
		return "-"
	}
	return strings.Join(items, ", ")
}

func (p *printer) chain(c Chain) {
	p.heading("ONE CONNECTION")
	p.hang("  ", c.Title)
	p.hang("  ", c.Suite+": "+c.Spec)
	if !c.Stuck {
		p.hang("  ", "no connection that was asked for is recorded as stuck: this is the chain of one that was not")
	}
	fmt.Fprintf(p, "  %12s  %-11s  %s\n", "seconds", "where", "what")
	for _, l := range c.Links {
		p.link(l)
	}
	for _, m := range c.Connection.Missing {
		p.hang("  ", fmt.Sprintf("not recorded: %s: %s", m.What, m.Why))
	}
}

// evidenceIndent is the column of a link's evidence, below where it took place.
const evidenceIndent = 2 + 12 + 2 + 2

// maxFrames bounds what is printed of a stack; JSON and HTML have all of it.
const maxFrames = 12

func (p *printer) link(l Link) {
	what := l.What
	if l.Inferred {
		what = "(inferred) " + what
	}
	p.hang(fmt.Sprintf("  %+12.6f  %-11s  ", l.T, l.Where), what)
	for _, line := range shorten(l.Evidence) {
		p.hang(strings.Repeat(" ", evidenceIndent), line)
	}
}

// shorten keeps the innermost frames of a stack.
func shorten(lines []string) []string {
	var out []string
	frames := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "  ") {
			if frames++; frames > maxFrames {
				continue
			}
		}
		out = append(out, line)
	}
	if frames > maxFrames {
		out = append(out, fmt.Sprintf("  … %d more", frames-maxFrames))
	}
	return out
}

func (p *printer) calls(c Calls) {
	p.heading("CALLS below one recvmsg of each of two requests")
	for _, g := range []event.CallGraph{c.Left, c.Right} {
		p.hang("  ", fmt.Sprintf("%s: trial %d, socket %d, thread %d; %s, %d left out", g.Request, g.Trial, g.Cookie, g.Thread, plural(len(g.Lines), "call"), g.Cut))
	}
	for line := range strings.Lines(SideBySide(Compare(c.Left.Lines, c.Right.Lines), p.width-2)) {
		p.WriteString("  " + line)
	}
}

func (p *printer) counts(s Story) {
	if len(s.Counts) == 0 {
		return
	}
	p.heading("COUNTS, over all connections")
	p.count("all specs", s.Total)
	for _, c := range s.Counts {
		p.count(fmt.Sprintf("%s: %s: %s", c.Suite, c.Spec, c.State), c.Coverage)
	}
}

func (p *printer) count(what string, c event.Coverage) {
	if c.Connections == 0 && c.Entries == 0 {
		return
	}
	p.hang("  ", what)
	for _, line := range countLines(c) {
		p.hang("    ", line)
	}
}

// countLines say what a spec's connections were, as far as there is anything to say.
func countLines(c event.Coverage) []string {
	var parts, lines []string
	if c.Connections > 0 {
		parts = append(parts, fmt.Sprintf("%s (%s recorded): %s", plural(c.Connections, "connection"), report.Thousands(c.Recorded), cell(ranked(c.Classes))))
	}
	if len(c.Updates) > 0 {
		parts = append(parts, "map updates: "+cell(ranked(c.Updates)))
	}
	if c.Entries > 0 {
		parts = append(parts, fmt.Sprintf("stale entries: %s (%s recorded)", report.Thousands(c.Entries), report.Thousands(c.EntriesRecorded)))
	}
	lines = append(lines, strings.Join(parts, "; "))
	if len(c.Clients)+len(c.Servers) > 0 {
		lines = append(lines, fmt.Sprintf("recvmsg: client %s; server %s", cell(ranked(c.Clients)), cell(ranked(c.Servers))))
	}
	return lines
}

func (p *printer) list(heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.heading(heading)
	for _, line := range lines {
		p.hang("  ", line)
	}
}

func (p *printer) absent(absent []Absent) {
	var lines []string
	for _, a := range absent {
		lines = append(lines, a.Observer+": "+a.Why)
	}
	p.list("NOT OBSERVED: this kernel does not offer it", lines)
}

func (p *printer) causes(causes []Cause) {
	var lines []string
	for _, c := range causes {
		line := c.Text
		if c.Inferred {
			line = "(inferred) " + line
		}
		lines = append(lines, line)
	}
	p.list("WHY", lines)
}

// hang writes a text after a prefix and breaks it at spaces, further lines two
// columns right of where it began. A word that does not fit is not broken.
func (p *printer) hang(prefix, text string) {
	if utf8.RuneCountInString(prefix+text) <= p.width {
		p.WriteString(prefix + text + "\n")
		return
	}
	indent := strings.Repeat(" ", utf8.RuneCountInString(prefix)+2)
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line := prefix + lead
	empty := true
	for _, word := range strings.Fields(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width {
			p.WriteString(line + "\n")
			line, empty = indent+lead, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	p.WriteString(line + "\n")
}
