package chain

import (
	"fmt"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// control is the label of specs that bring about by hand what the others look
// for: what their records show is no finding.
const control = "control"

// Contradictions are where the spec's findings and its records disagree, one
// line each; none if they agree, or if there are no records.
func (s *Spec) Contradictions() []string {
	var out []string
	for _, e := range s.Entries {
		if err := CheckEntry(e); err != nil {
			out = append(out, err.Error())
		}
	}
	if slices.Contains(s.Labels, control) {
		return out
	}
	for _, c := range s.Connections {
		out = append(out, ofConnection(c)...)
	}
	if s.Coverage != nil {
		out = append(out, s.ofCounts()...)
	}
	return append(out, s.ofEntries()...)
}

// reported tells whether the suite came to report its findings: a spec that
// fails before, by an assertion, reports none.
func (s *Spec) reported() bool { return s.State == event.Passed || len(s.Findings) > 0 }

// ofConnection holds what a connection is charged with against its record. Of
// one that was found bad the record may know more than the suite did.
func ofConnection(c event.Connection) []string {
	var out []string
	shows, rulesOut := Symptoms(c)
	for _, sym := range c.Symptoms {
		if slices.Contains(rulesOut, sym) {
			out = append(out, fmt.Sprintf("trial %d is found %s, and its record rules that out: %s", c.Trial, sym, Summary(c)))
		}
	}
	for _, sym := range shows {
		if len(c.Symptoms) == 0 {
			out = append(out, fmt.Sprintf("trial %d is found good, and its record shows %s: %s", c.Trial, sym, Summary(c)))
		}
	}
	return out
}

// ofCounts holds the findings against what was counted over all connections.
func (s *Spec) ofCounts() []string {
	var out []string
	c := s.Coverage
	for _, n := range []struct {
		symptom event.Symptom
		counted int
		what    string
	}{
		{event.Stuck, c.Classes[classReadTimeout], "connections that ended " + classReadTimeout},
		{event.Exists, c.Updates["EEXIST"], "map updates refused with EEXIST"},
		{event.StaleEntry, c.Entries, "entries at rest"},
	} {
		found := s.found(n.symptom)
		if found > 0 && n.counted == 0 || found == 0 && n.counted > 0 && s.reported() {
			out = append(out, fmt.Sprintf("findings %s: %d; %s: %d", n.symptom, found, n.what, n.counted))
		}
	}
	return out
}

// ofEntries are entries that are recorded as stale while their socket lives.
func (s *Spec) ofEntries() []string {
	var out []string
	for _, e := range s.Entries {
		if e.Held || e.Listed {
			out = append(out, fmt.Sprintf("entry %s is called stale, and its socket %d is alive", Owner(e), e.Cookie))
		}
	}
	return out
}

// Summary is a connection on one line: who, and how it ended.
func Summary(c event.Connection) string {
	s := fmt.Sprintf("%s > %s: %s", c.Client.Addr, c.Server.Addr, c.Class)
	for _, e := range ends(c) {
		if e.socket == nil {
			continue
		}
		if u := e.socket.Update; u != nil {
			s += fmt.Sprintf(", %s's update %s", e.name, Outcome(*u))
		}
		for _, h := range e.socket.Handlers {
			s += fmt.Sprintf(", %s on %s", e.name, h.Symbol)
		}
	}
	return s
}

// Outcome is ok, or the errno of a map update.
func Outcome(u event.Update) string {
	switch {
	case u.Return == 0:
		return "ok"
	case u.Errno != "":
		return u.Errno
	}
	return fmt.Sprintf("error %d", -u.Return)
}
