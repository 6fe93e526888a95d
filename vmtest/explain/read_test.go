package explain

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/krepro/krepro/harness/event"
)

// folder is a VM's folder with these lines in events.jsonl.
func folder(lines ...string) fstest.MapFS {
	return fstest.MapFS{
		kernelFile: {Data: []byte(`{"ref": "debian:6.1"}`)},
		eventsFile: {Data: []byte(strings.Join(lines, "\n"))},
	}
}

func TestRead(t *testing.T) {
	const begin = `{"kind":"suite-begin","t":1,"suite":"a"}`
	spec := func(kind, rest string) string { return `{"kind":"` + kind + `","t":2,"spec":"s"` + rest + `}` }
	conn := spec("connection", `,"data":{"trial":1}`)
	tests := []struct {
		name  string
		vm    fstest.MapFS
		want  string // suite/spec: connections, in order
		torn  int
		fault string
	}{
		{"one spec", folder(begin, spec("spec-begin", ""), conn, conn, spec("spec-end", `,"state":"passed"`)), "a/s: 2", 0, ""},
		{"the same spec twice", folder(begin, spec("spec-begin", ""), conn, spec("spec-end", ""), spec("spec-begin", ""), spec("spec-end", "")), "a/s: 1, a/s: 0", 0, ""},
		{"a spec's beginning is lost", folder(begin, conn), "a/s: 1", 0, ""},
		{"two suites", folder(begin, conn, `{"kind":"suite-begin","t":1,"suite":"b"}`, conn), "a/s: 1, b/s: 1", 0, ""},
		{"a suite's beginning is lost", folder(conn), "", 1, ""},
		{"torn", folder(begin, conn[:20], spec("connection", `,"data":7`), `{"kind":"stack","t":1,"data":[]}`), "a/s: 0", 3, ""},
		{"not booted", fstest.MapFS{kernelFile: folder()[kernelFile]}, "", 0, ""},
		{"no kernel.json", fstest.MapFS{}, "", 0, "file does not exist"},
		{"damaged kernel.json", fstest.MapFS{kernelFile: {Data: []byte("{")}}, "", 0, "decode kernel.json"},
	}
	for _, test := range tests {
		e, err := Read(test.vm)
		if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.fault)
		}
		var got []string
		e.each(func(su *Suite, p *Spec) {
			got = append(got, su.Name+"/"+p.Name+": "+string(rune('0'+len(p.Connections))))
		})
		if s := strings.Join(got, ", "); s != test.want || e.Torn != test.torn {
			t.Errorf("%s: %s, %d torn; want %s, %d", test.name, s, e.Torn, test.want, test.torn)
		}
	}
}

// FuzzRead feeds torn and foreign events to everything that is made of them. It
// must come to the same story twice, and print it.
func FuzzRead(f *testing.F) {
	data, err := os.ReadFile("testdata/stuck/" + eventsFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for line := range bytes.Lines(data) {
		f.Add(append([]byte(`{"kind":"suite-begin","t":1,"suite":"sockmap"}`+"\n"), line...))
	}
	f.Fuzz(func(t *testing.T, events []byte) {
		vm := folder()
		vm[eventsFile] = &fstest.MapFile{Data: events}
		e, err := Read(vm)
		if err != nil {
			return // a line longer than any record
		}
		known := []Case{staleCase("affected")}
		first, err := json.Marshal(Report{e, Tell(e, known, Filter{})})
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(Report{e, Tell(e, known, Filter{})})
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("two stories differ (%v):\n%s\n%s", err, first, again)
		}
		var text, page bytes.Buffer
		if err := Text(&text, Tell(e, known, Filter{}), 100); err != nil {
			t.Error(err)
		}
		if err := HTML(&page, []Report{{e, Tell(e, known, Filter{})}}); err != nil {
			t.Error(err)
		}
	})
}

// staleCase is the case that the test data shows.
func staleCase(expected string) Case {
	_, specs := PathSpecs()
	return Case{
		Name: "sockhash-stale-entry", Title: "a socket stays", Expected: expected,
		Introduced: Change{Commit: "b8b8315e39ffaca8", Subject: "remove unhash", Mainline: "5.16-rc1", Stable: map[string]string{"5.10": "5.10.80"}},
		Fixed:      Change{Commit: "d8616ee2affcff37", Subject: "fix", Mainline: "6.0-rc1", Stable: map[string]string{"5.15": "5.15.79", "5.10": "5.10.222"}},
		Specs:      map[string][]string{pathSuite: specs[len(specs)-1:]},
		Symptoms:   []event.Symptom{event.StaleEntry, event.Exists, event.WrongHandler, event.Stuck},
	}
}
