package verdict

import (
	"encoding/json"
	"os"
	"testing"
	"testing/fstest"
)

// FuzzOf feeds torn and foreign files to the whole judgement. It must come to a
// verdict that the table knows, the same twice, and never take damage for a
// pass: an unaffected kernel has an exit record and a console.
func FuzzOf(f *testing.F) {
	for _, folder := range []string{"affected", "unaffected", "panic-in-spec", "torn-record", "silent-hang", "untestable-suite"} {
		var files [5][]byte
		for i, name := range []string{KernelFile, ExitFile, ControlFile, EventsFile, ConsoleFile} {
			data, err := os.ReadFile("testdata/" + folder + "/" + name)
			if err != nil {
				f.Fatal(err)
			}
			files[i] = data
		}
		f.Add(files[0], files[1], files[2], files[3], files[4])
	}
	f.Fuzz(func(t *testing.T, kernel, exit, control, events, console []byte) {
		fsys := fstest.MapFS{
			KernelFile: {Data: kernel}, ExitFile: {Data: exit}, ControlFile: {Data: control},
			EventsFile: {Data: events}, ConsoleFile: {Data: console},
		}
		asked := Asked{Suites: []string{"sockmap"}, Sought: []Sought{stale()}}
		r := Of(fsys, asked)
		first, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("encode result: %v", err)
		}
		if second, _ := json.Marshal(Of(fsys, asked)); string(first) != string(second) {
			t.Errorf("two results differ:\n%s\n%s", first, second)
		}
		v := r.Cases[0].Verdict
		if _, known := meaning[v]; !known {
			t.Errorf("unknown verdict %q", v)
		}
		if v == Unaffected && (r.Exit == nil || len(console) == 0 || r.Boot == 0 || len(r.Splats) > 0) {
			t.Errorf("unaffected without the evidence for it: %s", first)
		}
	})
}
