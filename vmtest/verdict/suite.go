package verdict

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/chain"
)

// suite is what one suite's events say, of all rounds that it ran.
type suite struct {
	name       string
	size       string
	seed       int64
	planned    int // specs of a round
	due        int // of all rounds that began
	ended      bool
	fault      string // what failed outside of its specs
	seconds    float64
	untestable string // what the kernel lacks for all of it
	specs      []*spec
	phases     []Phase
}

// Phase is a span that a suite found worth a figure.
type Phase struct {
	Name    string  `json:"name"`
	Spec    string  `json:"spec,omitempty"` // "" outside of specs
	Seconds float64 `json:"seconds"`
}

// Figures are what a spec measured and no verdict hangs on.
type Figures struct {
	Name string `json:"name"`
	Text string `json:"text"` // a table or a drawing, in lines
}

// spec is one run of one spec. A spec that runs twice stands twice: a second
// try does not undo the first.
type spec struct {
	name       string
	labels     []string
	begin, end float64 // uptime, seconds
	ended      bool
	rec        event.Record // its end
	findings   []event.Record
	records    chain.Spec // of its connections
	disagree   []string   // where findings and records contradict each other
	untestable string
	splats     []Splat
	figures    []Figures
}

// readEvents sorts the event channel by suite and spec. Suites run one after
// another on one channel, so a record belongs to the latest suite that began
// unless it names its own.
func (e *evidence) readEvents(recs []event.Record) {
	current := ""
	for _, r := range recs {
		if r.Suite != "" {
			current = r.Suite
		}
		if current == "" {
			e.torn++ // its suite's beginning was lost
			continue
		}
		s := e.suites[current]
		if s == nil {
			s = &suite{name: current}
			e.suites[current] = s
		}
		if s.take(r) != nil {
			e.torn++
		}
	}
	for _, s := range e.suites {
		for _, p := range s.specs {
			p.disagree = p.records.Contradictions()
		}
	}
}

// take adds one record to the suite; an error means that its data cannot be read.
func (s *suite) take(r event.Record) error {
	switch r.Kind {
	case event.SuiteBegin:
		s.size, s.seed, s.ended = r.Size, r.Seed, false
		s.planned = max(s.planned, r.Specs)
		s.due += r.Specs
	case event.SuiteEnd:
		s.ended, s.seconds, s.fault = true, s.seconds+r.Seconds, cmp.Or(s.fault, r.Text)
	case event.SpecBegin:
		p := &spec{name: r.Spec, labels: r.Labels, begin: r.Time}
		s.specs = append(s.specs, p)
		return p.records.Take(r)
	case event.SpecEnd:
		p := s.open(r.Spec)
		p.ended, p.end, p.rec = true, r.Time, r
		if len(p.labels) == 0 {
			p.labels = r.Labels
		}
		return p.records.Take(r)
	case event.Finding:
		p := s.latest(r.Spec)
		p.findings = append(p.findings, r)
		return p.records.Take(r)
	case event.ConnectionRecord, event.EntryRecord, event.CoverageRecord:
		return s.latest(r.Spec).records.Take(r)
	case event.Untestable:
		if r.Spec == "" {
			s.untestable = r.Text
		} else {
			s.latest(r.Spec).untestable = r.Text
		}
	case event.FiguresRecord:
		p := s.latest(r.Spec)
		p.figures = append(p.figures, Figures{Name: r.Name, Text: r.Text})
	case event.Phase:
		s.phases = append(s.phases, Phase{Name: r.Name, Spec: r.Spec, Seconds: r.Seconds})
	}
	return nil
}

// open is the spec of this name that has no end yet. If its beginning was lost,
// it begins here.
func (s *suite) open(name string) *spec {
	for _, p := range slices.Backward(s.specs) {
		if p.name == name && !p.ended {
			return p
		}
	}
	p := &spec{name: name}
	s.specs = append(s.specs, p)
	return p
}

// latest is the newest run of the spec, ended or not: a finding may come in
// the same breath as the end. A record that names no spec means the one in flight.
func (s *suite) latest(name string) *spec {
	if p := s.inFlight(); name == "" && p != nil {
		return p
	}
	for _, p := range slices.Backward(s.specs) {
		if p.name == name {
			return p
		}
	}
	return s.open(name)
}

// inFlight is the spec that began and has no end, nil if there is none.
func (s *suite) inFlight() *spec {
	for _, p := range slices.Backward(s.specs) {
		if !p.ended {
			return p
		}
	}
	return nil
}

// find are all runs of the spec of this name.
func (s *suite) find(name string) []*spec {
	var out []*spec
	for _, p := range s.specs {
		if p.name == name {
			out = append(out, p)
		}
	}
	return out
}

// skipped tells whether the spec did not get to ask anything.
func (p *spec) skipped() bool {
	return p.ended && (p.rec.State == event.Skipped || p.rec.State == "pending")
}

// unchosen tells whether the caller's filter left the spec out: a spec that
// skips itself says why.
func (p *spec) unchosen() bool { return p.skipped() && p.rec.Text == "" && len(p.findings) == 0 }

// failed tells whether the spec found fault with the kernel. A pass that
// recorded a violation is none: one violation is a failure. Findings that the
// records contradict are the suite's fault.
func (p *spec) failed() bool {
	switch {
	case !p.ended || len(p.disagree) > 0:
		return false
	case p.rec.State == event.Failed || p.rec.State == event.TimedOut:
		return true
	}
	return p.rec.State == event.Passed && (len(p.findings) > 0 || p.rec.Failures > 0)
}

// broken says by what fault of the suite the spec ended: its findings and its
// records disagree, a panic of the test's own code, an interrupt, a state
// nobody knows; "" if by none.
func (p *spec) broken() string {
	switch {
	case !p.ended || p.skipped():
		return ""
	case len(p.disagree) > 0:
		return fmt.Sprintf("findings and records disagree, %s: %s", count(len(p.disagree), "time"), p.disagree[0])
	case !p.failed() && p.rec.State != event.Passed:
		return fmt.Sprintf("ended %s: %s", cmp.Or(p.rec.State, "without a state"), firstLine(p.rec.Text))
	}
	return ""
}

// symptoms are the kinds of the spec's findings, sorted. One that failed
// without a finding has the symptom other.
func (p *spec) symptoms() []event.Symptom {
	var out []event.Symptom
	for _, f := range p.findings {
		out = append(out, f.Symptom)
	}
	if len(out) == 0 && p.failed() {
		out = append(out, event.Other)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// showsAs tells whether the spec failed, and by the given symptoms only.
func (p *spec) showsAs(known []event.Symptom) bool {
	if !p.failed() {
		return false
	}
	for _, s := range p.symptoms() {
		if !slices.Contains(known, s) {
			return false
		}
	}
	return true
}
