package chain

import (
	"encoding/json"
	"fmt"

	"github.com/krepro/krepro/harness/event"
)

// Spec is what one spec recorded.
type Spec struct {
	Name        string             `json:"name"`
	Labels      []string           `json:"labels,omitempty"`
	Begin       float64            `json:"begin"`           // seconds since the guest booted
	State       string             `json:"state,omitempty"` // as the suite reported it; empty: no end
	Trials      int                `json:"trials"`
	Failures    int                `json:"failures"`
	Text        string             `json:"text,omitempty"` // message of a failure
	Findings    []Finding          `json:"findings,omitempty"`
	Connections []event.Connection `json:"connections,omitempty"`
	Entries     []event.Entry      `json:"entries,omitempty"`  // of the map, when every descriptor was closed
	Coverage    *event.Coverage    `json:"coverage,omitempty"` // nil: the spec wrote no evidence beyond findings
	CallGraphs  []event.CallGraph  `json:"callgraphs,omitempty"`
}

// Finding is one violation that the suite found.
type Finding struct {
	Symptom event.Symptom `json:"symptom"`
	Text    string        `json:"text"`
	Trial   int           `json:"trial"`
	Of      int           `json:"of"` // findings of this symptom in the spec: a suite streams the first few
}

// Take files one of the spec's records. Kinds that say nothing of a spec's
// evidence are passed over; an error means that the record's data cannot be read.
func (s *Spec) Take(r event.Record) error {
	switch r.Kind {
	case event.SpecBegin:
		s.Name, s.Labels, s.Begin = r.Spec, r.Labels, r.Time
	case event.SpecEnd:
		s.State, s.Trials, s.Failures, s.Text = r.State, r.Trials, r.Failures, r.Text
	case event.Finding:
		f := Finding{Symptom: r.Symptom, Text: r.Text, Of: 1}
		s.Findings = append(s.Findings, f)
		if r.Data == nil {
			return nil // of a suite that keeps no trials
		}
		return into(r, &s.Findings[len(s.Findings)-1])
	case event.ConnectionRecord:
		return add(r, &s.Connections)
	case event.EntryRecord:
		return add(r, &s.Entries)
	case event.CallGraphRecord:
		return add(r, &s.CallGraphs)
	case event.CoverageRecord:
		s.Coverage = &event.Coverage{}
		return into(r, s.Coverage)
	}
	return nil
}

// add appends a record's data, unless it cannot be read.
func add[T any](r event.Record, to *[]T) error {
	var v T
	if err := into(r, &v); err != nil {
		return err
	}
	*to = append(*to, v)
	return nil
}

func into(r event.Record, v any) error {
	if err := json.Unmarshal(r.Data, v); err != nil {
		return fmt.Errorf("decode %s record: %w", r.Kind, err)
	}
	return nil
}

// found is how often the suite found a symptom.
func (s *Spec) found(want event.Symptom) int {
	streamed, all := 0, 0
	for _, f := range s.Findings {
		if f.Symptom == want {
			streamed++
			all = max(all, f.Of)
		}
	}
	return max(streamed, all)
}
