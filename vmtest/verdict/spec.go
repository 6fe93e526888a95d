package verdict

import (
	"cmp"
	"fmt"
	"strings"
)

// judgeSpec judges one run of a spec for itself.
func (e *evidence) judgeSpec(suite string, p *spec) Spec {
	out := Spec{Name: p.name, Labels: p.labels, State: p.rec.State, Seconds: p.rec.Seconds,
		Rate: RateOf(p.rec.Failures, p.rec.Trials), Symptoms: p.symptoms(), Where: p.rec.Where, Text: p.rec.Text, Figures: p.figures}
	for _, f := range p.findings[:min(len(p.findings), maxFindings)] {
		out.Findings = append(out.Findings, oneLine(fmt.Sprintf("%s: %s", f.Symptom, firstLine(f.Text))))
	}
	if c := p.records.Coverage; c != nil {
		out.Lost = c.Lost
	}
	out.Judgement = first(e.unbuilt, e.host, p.lacks, p.crashed, e.neverUp, p.atFault,
		func() (Verdict, string) {
			if p.ended {
				return "", ""
			}
			return e.unfinished(suite)
		},
		p.miscarried, p.unasked, p.fine)
	return out
}

func (p *spec) lacks() (Verdict, string) {
	if p.untestable == "" {
		return "", ""
	}
	return Untestable, p.untestable
}

func (p *spec) crashed() (Verdict, string) {
	if len(p.splats) == 0 {
		return "", ""
	}
	s := p.splats[0]
	return Crash, fmt.Sprintf("console line %d: %s%s", s.Line, s.Text, starved(s))
}

func (p *spec) atFault() (Verdict, string) {
	if !p.failed() {
		return "", ""
	}
	return Fail, p.describe()
}

// miscarried matches when the spec ended by the suite's own fault, or its
// evidence contradicts itself.
func (p *spec) miscarried() (Verdict, string) {
	if why := p.broken(); why != "" {
		return Broken, why
	}
	return "", ""
}

func (p *spec) unasked() (Verdict, string) {
	if !p.skipped() {
		return "", ""
	}
	return Empty, p.rec.State + ": " + cmp.Or(firstLine(p.rec.Text), "no reason given")
}

func (p *spec) fine() (Verdict, string) {
	return Pass, passed(p.rec.Trials)
}

// describe says how a spec failed: how often, by which symptoms, and the first
// finding.
func (p *spec) describe() string {
	var b strings.Builder
	b.WriteString(p.name + ": ")
	if p.rec.Trials > 0 {
		fmt.Fprintf(&b, "%d of %s, ", p.rec.Failures, count(p.rec.Trials, "trial"))
	}
	for i, s := range p.symptoms() {
		if i > 0 {
			b.WriteString(" + ")
		}
		b.WriteString(string(s))
	}
	text := p.rec.Text
	if len(p.findings) > 0 {
		text = p.findings[0].Text
	}
	if line := firstLine(text); line != "" {
		b.WriteString(": " + line)
	}
	return b.String()
}
