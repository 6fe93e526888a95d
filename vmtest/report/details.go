package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// details says of one kernel what its line in the table rests on: each case
// with its reach, and whatever did not pass with the evidence for it. Of a
// kernel that has neither there is nothing to say.
func details(to *bytes.Buffer, r verdict.Result) {
	b := &bytes.Buffer{}
	defer func() {
		if b.Len() > 0 {
			fmt.Fprintf(to, "\n%s\n%s", kernel(r), b)
		}
	}()
	for _, c := range r.Cases {
		fmt.Fprintf(b, "  %s: %s%s: %s\n", c.Name, c.Verdict, expectation(c), Reach(c.Rate))
		if c.Verdict != verdict.Unaffected && c.Verdict != verdict.Affected {
			fmt.Fprintf(b, "    %s\n", c.Reason)
		}
	}
	for _, s := range r.Suites {
		if s.Verdict != verdict.Pass {
			fmt.Fprintf(b, "  %s %s: %s\n", s.Name, s.Verdict, s.Reason)
		}
		for _, p := range s.Specs {
			if p.Verdict != verdict.Pass && p.Verdict != verdict.Infra {
				spec(b, p, s.Reason)
			}
			lost(b, p)
			figures(b, p)
		}
	}
	for _, s := range r.Splats {
		fmt.Fprintf(b, "  console line %d: %s%s\n", s.Line, s.Title, times(s.Count))
	}
	if r.Torn > 0 {
		fmt.Fprintf(b, "  lines that are no record: %d\n", r.Torn)
	}
}

// spec shows a spec that did not pass; said is the reason that stands above it.
func spec(b *bytes.Buffer, p verdict.Spec, said string) {
	fmt.Fprintf(b, "  %s: %s", p.Verdict, p.Name)
	if p.Rate.Trials > 0 {
		fmt.Fprintf(b, ": %s", Reach(p.Rate))
	}
	if p.Case != "" {
		fmt.Fprintf(b, " [%s]", p.Case)
	}
	fmt.Fprintln(b)
	if p.Verdict != verdict.Fail {
		if p.Reason != said {
			fmt.Fprintf(b, "    %s\n", p.Reason)
		}
		return
	}
	if p.Case != "" && len(p.Findings) > 0 {
		fmt.Fprintf(b, "    %s\n", clip(p.Findings[0])) // the case says the rest
		return
	}
	for _, f := range each(p.Findings) {
		fmt.Fprintf(b, "    %s\n", f)
	}
	if len(p.Findings) == 0 {
		fmt.Fprintf(b, "    %s\n", p.Reason)
	}
	if p.Where != "" {
		fmt.Fprintf(b, "    at %s\n", p.Where)
	}
}

// lost says what observers could not keep of a spec, whatever its verdict.
func lost(b *bytes.Buffer, p verdict.Spec) {
	var of []string
	for _, observer := range slices.Sorted(maps.Keys(p.Lost)) {
		if n := p.Lost[observer]; n > 0 {
			of = append(of, observer+" "+Thousands(n))
		}
	}
	if len(of) > 0 {
		fmt.Fprintf(b, "  lost by observers: %s: %s\n", strings.Join(of, ", "), p.Name)
	}
}

// figures shows what a spec measured, whatever its verdict.
func figures(b *bytes.Buffer, p verdict.Spec) {
	for _, f := range p.Figures {
		fmt.Fprintf(b, "  %s\n", f.Name)
		for line := range strings.Lines(f.Text) {
			fmt.Fprintf(b, "    %s\n", strings.TrimRight(line, "\n"))
		}
	}
}

// clip cuts what is known anyway.
func clip(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// each keeps the first finding of each symptom.
func each(findings []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, f := range findings {
		symptom, _, _ := strings.Cut(f, ":")
		if !seen[symptom] {
			seen[symptom] = true
			out = append(out, f)
		}
	}
	return out
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d times)", n)
}
