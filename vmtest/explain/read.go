package explain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// The files of a VM's folder that are read here.
const (
	kernelFile = "kernel.json"
	eventsFile = "events.jsonl"
)

// Read reads the folder of one VM. A VM that never came to run a suite has no
// records; that is no error.
func Read(vm fs.FS) (Evidence, error) {
	var e Evidence
	data, err := fs.ReadFile(vm, kernelFile)
	if err != nil {
		return e, fmt.Errorf("read evidence: %w", err)
	}
	if err := json.Unmarshal(data, &e.Kernel); err != nil {
		return e, fmt.Errorf("read evidence: decode %s: %w", kernelFile, err)
	}
	data, err = fs.ReadFile(vm, eventsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return e, fmt.Errorf("read evidence: %w", err)
	}
	records, bad, err := event.Read(bytes.NewReader(data))
	if err != nil {
		return e, fmt.Errorf("read evidence: %s: %w", eventsFile, err)
	}
	e.Torn = len(bad)
	e.sort(records)
	return e, nil
}

// sort files the records by suite and spec. Suites run one after another, so a
// record belongs to the latest that began unless it names its own.
func (e *Evidence) sort(records []event.Record) {
	current := ""
	for _, r := range records {
		if r.Suite != "" {
			current = r.Suite
		}
		if current == "" {
			e.Torn++ // its suite's beginning was lost
			continue
		}
		if e.suite(current).take(r) != nil {
			e.Torn++
		}
	}
}

// suite is the suite of that name, made if it is new.
func (e *Evidence) suite(name string) *Suite {
	i := slices.IndexFunc(e.Suites, func(s Suite) bool { return s.Name == name })
	if i < 0 {
		i = len(e.Suites)
		e.Suites = append(e.Suites, Suite{Name: name, Stacks: map[int]event.Stack{}})
	}
	return &e.Suites[i]
}

func (s *Suite) take(r event.Record) error {
	switch {
	case r.Kind == event.ObserverRecord:
		var o event.Observer
		if err := json.Unmarshal(r.Data, &o); err != nil {
			return err
		}
		s.Observers = append(s.Observers, o)
		return nil
	case r.Kind == event.StackRecord:
		var stack event.Stack
		if err := json.Unmarshal(r.Data, &stack); err != nil {
			return err
		}
		s.Stacks[stack.ID] = stack
		return nil
	case r.Spec == "":
		return nil // of the suite as a whole
	case r.Kind == event.SpecBegin:
		s.Specs = append(s.Specs, Spec{})
	}
	return s.latest(r.Spec).Take(r)
}

// latest is the newest run of a spec; one whose beginning was lost begins here.
func (s *Suite) latest(name string) *Spec {
	if n := len(s.Specs); n > 0 && s.Specs[n-1].Name == "" {
		return &s.Specs[n-1] // about to begin
	}
	for i := len(s.Specs) - 1; i >= 0; i-- {
		if s.Specs[i].Name == name {
			return &s.Specs[i]
		}
	}
	s.Specs = append(s.Specs, Spec{Name: name})
	return &s.Specs[len(s.Specs)-1]
}

// of visits every spec with its suite.
func (e *Evidence) each(f func(*Suite, *Spec)) {
	for i := range e.Suites {
		for j := range e.Suites[i].Specs {
			f(&e.Suites[i], &e.Suites[i].Specs[j])
		}
	}
}
