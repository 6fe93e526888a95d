package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/matrix"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Kernels of recorded runs: one with the bug of sockhash-stale-entry, one without.
const (
	bad  = "debian:5.10.218-1"
	good = "debian:5.10.223-1"
)

// plain is a spec of recorded runs that no case knows.
const plain = "sockmap delivers what was sent"

// recording is evidence of the suite sockmap, made up so that every case turns
// out as the corpus expects of the kernel.
type recording struct {
	kernels []string
	expect  []matrix.Expectation
	fails   func(ref, spec string) bool // specs that fail besides; may be nil
}

// started is when recorded runs began.
var started = time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)

// run writes the folder of a run, whole if of is 0, else its shard i of so many.
func (rec recording) run(t *testing.T, dir string, i, of int) string {
	t.Helper()
	m := &matrixRun{File: "krepro.yaml", SHA256: "5f1e", Expect: rec.expect, Cells: matrix.Cells(rec.kernels, true, nil)}
	if of > 0 {
		var err error
		if m.Cells, err = matrix.Split(m.Cells, make([]float64, len(m.Cells)), of); err != nil {
			t.Fatal(err)
		}
		m.Shard = &matrix.Shard{I: i, N: of}
	}
	inv := invocation{Version: "test", Started: started, Kernels: rec.kernels, Suites: []string{"sockmap"}, Size: "quick", Matrix: m}
	putJSON(t, filepath.Join(dir, runFile), inv)
	for _, c := range m.own() {
		rec.vm(t, dir, c.Kernel)
	}
	return dir
}

// vm writes the folder of one VM.
func (rec recording) vm(t *testing.T, run, ref string) {
	t.Helper()
	k := kernels.Planned(ref)
	k.Name = slug(ref)
	sum := sha256.Sum256([]byte(ref))
	k.ID = hex.EncodeToString(sum[:])
	dir := filepath.Join(run, k.Name)
	putJSON(t, filepath.Join(dir, verdict.KernelFile), k)
	putJSON(t, filepath.Join(dir, verdict.ExitFile), event.Exit{Reason: event.ExitDone, Phase: "done", Seconds: 9.8, Accel: "tcg"})
	put(t, filepath.Join(dir, verdict.ConsoleFile), "[    0.000000] Linux version 5.10 #1 SMP\n[    9.204411] reboot: Power down\n")
	putRecords(t, filepath.Join(dir, verdict.ControlFile), []event.Record{
		{Kind: event.Boot, Time: 2}, {Kind: event.SuiteStart, Time: 2.1, Suite: "sockmap"},
		{Kind: event.SuiteExit, Time: 9, Suite: "sockmap"}, {Kind: event.Done, Time: 9.1}})
	putRecords(t, filepath.Join(dir, verdict.EventsFile), rec.events(t, k))
}

// events are what the suite would have said.
func (rec recording) events(t *testing.T, k event.Kernel) []event.Record {
	t.Helper()
	specs := sockmapSpecs(t, k)
	specs = append(specs, specOutcome{plain, 1, ""})
	out := []event.Record{{Kind: event.SuiteBegin, Time: 3, Suite: "sockmap", Specs: len(specs), Size: "quick", Seed: 1}}
	for _, s := range specs {
		end := event.Record{Kind: event.SpecEnd, Time: 4, Spec: s.name, State: event.Passed, Trials: s.trials}
		out = append(out, event.Record{Kind: event.SpecBegin, Time: 4, Spec: s.name})
		if rec.fails != nil && rec.fails(k.Ref, s.name) {
			s.symptom = event.Other
		}
		if s.symptom != "" {
			out = append(out, event.Record{Kind: event.Finding, Time: 4, Spec: s.name, Symptom: s.symptom, Text: "it does"})
			end.State, end.Failures = event.Failed, 1
		}
		out = append(out, end)
	}
	return append(out, event.Record{Kind: event.SuiteEnd, Time: 8, Suite: "sockmap", State: event.Passed, Seconds: 5})
}

// specOutcome is a spec as it turns out: by which symptom it fails, if it does.
type specOutcome struct {
	name    string
	trials  int
	symptom event.Symptom
}

// sockmapSpecs are those of the cases that the suite sockmap alone can answer.
func sockmapSpecs(t *testing.T, k event.Kernel) (all []specOutcome) {
	t.Helper()
	corpus, err := cases.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range corpus {
		if !slices.Equal(c.Suites(), []string{"sockmap"}) {
			continue
		}
		has := c.ExpectedOf(k.Package, k.Version) == cases.Affected
		for _, g := range c.Shows {
			for _, name := range g.Specs {
				at := slices.IndexFunc(all, func(s specOutcome) bool { return s.name == name })
				if at < 0 {
					at = len(all)
					all = append(all, specOutcome{name: name})
				}
				all[at].trials = max(all[at].trials, g.Trials, 1)
				if has {
					all[at].symptom = g.Symptoms[0]
				}
			}
		}
	}
	return all
}

func putJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, string(data))
}

func putRecords(t *testing.T, path string, recs []event.Record) {
	t.Helper()
	var b bytes.Buffer
	w := event.Writer{W: &b}
	for _, r := range recs {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	put(t, path, b.String())
}
