package verdict

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/krepro/krepro/harness/event"
)

// Specs of the folders in testdata.
const (
	specListener = "sockmap closing a listener with unaccepted connections leaves no entry"
	specReuse    = "sockmap reusing the 4-tuples of unaccepted connections reaches every server"
	specKill     = "sockmap killing the server in the midst of churn leaves no entry"
)

func stale() Sought {
	return Sought{Case: "sockhash-stale-entry", Specs: []SoughtSpec{
		{Suite: "sockmap", Spec: specListener, Symptoms: []event.Symptom{event.StaleEntry}, Must: true},
		{Suite: "sockmap", Spec: specReuse, Symptoms: []event.Symptom{event.Exists, event.Stuck, event.WrongHandler}, Must: true},
		{Suite: "sockmap", Spec: specKill, Symptoms: []event.Symptom{event.StaleEntry}},
	}}
}

func TestOf(t *testing.T) {
	hang := stale()
	hang.Hang = true
	splat := stale()
	splat.Splats = []string{"NULL pointer dereference in sock_map_destroy"}
	tests := []struct {
		folder string
		sought Sought
		expect Verdict
		kase   Verdict
		reason string // part of the case's reason
		suite  Verdict
		specs  string // verdict of each spec that began, in order; * = explained by the case
		code   int
	}{
		{"affected", stale(), Affected, Affected, "50 of 50 trials, stale-entry: 10.0.0.1:40001 -> 10.0.1.2:8080 at rest", Pass, "fail* fail* pass", 0},
		{"affected", stale(), Unaffected, Affected, "stale-entry", Pass, "fail* fail* pass", 1},
		{"affected", stale(), "", Affected, "stale-entry", Pass, "fail* fail* pass", 0},
		{"unaffected", stale(), Unaffected, Unaffected, "0 of 100 trials", Pass, "pass pass pass", 0},
		{"unaffected", stale(), Affected, Unaffected, "0 of 100 trials", Pass, "pass pass pass", 1},
		{"wrong-symptom", stale(), Unaffected, OtherFail, "connect-error: 10.0.0.1:40007: connection refused", Pass, "fail pass pass", 1},
		{"wrong-symptom", stale(), Affected, OtherFail, "not as the case describes", Pass, "fail pass pass", 1},
		{"no-symptom", stale(), Affected, OtherFail, "other: Unexpected error: bpf iterator: EPERM", Pass, "fail pass pass", 1},
		{"skipped-spec", stale(), Unaffected, Empty, "skipped: no iterator over sockmaps", Pass, "pass empty pass", 125},
		{"no-trials", stale(), Unaffected, Unsure, "0 trials, 1 are needed", Pass, "pass pass pass", 125},
		{"passed-with-finding", stale(), Unaffected, Unaffected, "", Pass, "pass pass fail", 1},
		{"panic-in-spec", stale(), Unaffected, OtherCrash, "NULL pointer dereference", OtherCrash, "pass pass crash", 1},
		{"panic-in-spec", splat, Affected, Crash, "NULL pointer dereference", OtherCrash, "pass pass crash*", 0},
		{"silent-hang", stale(), Unaffected, OtherHang, "no end: no sign of life", OtherHang, "pass other-hang", 125},
		{"silent-hang", hang, Affected, Hang, "Run /init as init process", OtherHang, "pass other-hang*", 0},
		{"silent-hang", hang, Unaffected, Hang, "Run /init as init process", OtherHang, "pass other-hang*", 1},
		{"deadline-hang-after-must", stale(), Unaffected, OtherHang, "time used up", OtherHang, "pass pass other-hang", 125},
		{"torn-record", stale(), Unaffected, OtherCrash, "the VM died", OtherCrash, "pass other-crash", 125},
		{"no-console", stale(), Unaffected, Infra, "console.log", Infra, "infra infra infra", 128},
		{"empty-console", stale(), Unaffected, Infra, "empty", Infra, "infra infra infra", 128},
		{"no-exit", stale(), Unaffected, Infra, "exit.json", Infra, "infra", 128},
		{"host-fault", stale(), Unaffected, Infra, "no space left", Infra, "infra", 128},
		{"build-fail", stale(), Unaffected, BuildFail, "net/core/sock_map.c:1513:2: error: implicit declaration", BuildFail, "", 125},
		{"guest-error", stale(), Unaffected, Infra, "mount /sys/fs/bpf", Infra, "", 128},
		{"cancelled", stale(), Affected, Affected, "stale-entry", Cancelled, "fail* cancelled", 130},
		{"boot-fail", stale(), Unaffected, BootFail, "Unable to mount root fs", BootFail, "", 125},
		{"not-a-kernel", stale(), Unaffected, BootFail, "is not a bzImage", BootFail, "", 125},
		{"boot-silent", stale(), Unaffected, BootFail, "boot deadline", BootFail, "", 125},
		{"untestable-config", stale(), Unaffected, Untestable, "CONFIG_BPF_STREAM_PARSER", Untestable, "", 125},
		{"untestable-suite", stale(), Unaffected, Untestable, "CONFIG_KPROBES", Untestable, "", 125},
		{"untestable-specs", stale(), Unaffected, Untestable, "helper 120", Pass, "untestable untestable pass", 125},
		{"untestable-specs", stale(), Untestable, Untestable, "helper 120", Pass, "untestable* untestable* pass", 0},
		{"unaffected", stale(), Untestable, Unaffected, "0 of 100 trials", Pass, "pass pass pass", 1},
		{"suite-died", stale(), Unaffected, Broken, "exit code 2); it printed: \"panic: send on closed channel\"", Broken, "pass broken", 125},
		{"suite-never-began", stale(), Unaffected, Broken, "exit code 2", Broken, "", 125},
		{"suite-oom", stale(), Unaffected, Broken, "ran out of memory and killed sockmap.test", Broken, "pass broken", 125},
		{"suite-time-up", stale(), Unaffected, OtherHang, "signal: killed", OtherHang, "pass other-hang", 125},
		{"suite-not-started", stale(), Unaffected, Infra, "no such file or directory", Infra, "", 128},
		{"setup-failed", stale(), Unaffected, Broken, "load sockops", Broken, "", 125},
		{"warning", stale(), Unaffected, OtherCrash, "sk_stream_kill_queues", Pass, "pass pass crash", 1},
		{"recorded", stale(), Affected, Affected, "stale-entry", Pass, "fail* fail* pass", 0},
		{"contradicted", stale(), Affected, Broken, "findings stale-entry: 2; entries at rest: 0", Pass, "broken broken pass", 125},
		{"contradicted-pass", stale(), Unaffected, Broken, "findings stuck: 0; connections that ended read-timeout: 1", Pass, "pass broken pass", 125},
		{"repeat-after-failure", stale(), Affected, Affected, "stale-entry", Pass, "fail* pass pass pass", 0},
		{"rounds", stale(), Unaffected, Unaffected, "0 of 300 trials", Pass, "pass pass pass", 0},
		{"rounds-died", stale(), Unaffected, OtherCrash, "the VM died", OtherCrash, "pass pass pass other-crash", 125},
	}
	for _, test := range tests {
		t.Run(test.folder+"/"+string(test.expect), func(t *testing.T) {
			test.sought.Expect = test.expect
			r := Of(os.DirFS("testdata/"+test.folder), Asked{Suites: []string{"sockmap"}, Sought: []Sought{test.sought}})
			c := r.Cases[0]
			if c.Verdict != test.kase || !strings.Contains(c.Reason, test.reason) {
				t.Errorf("case: %s (%s), want %s (…%s…)", c.Verdict, c.Reason, test.kase, test.reason)
			}
			if c.Met != (r.Code == 0) && test.specs == "" {
				t.Errorf("met = %v with code %d", c.Met, r.Code)
			}
			su := r.Suites[0]
			if su.Verdict != test.suite {
				t.Errorf("suite: %s (%s), want %s", su.Verdict, su.Reason, test.suite)
			}
			if got := specVerdicts(su); got != test.specs {
				t.Errorf("specs: %s, want %s", got, test.specs)
			}
			if r.Code != test.code {
				t.Errorf("code = %d, want %d", r.Code, test.code)
			}
		})
	}
}

// specVerdicts is "fail* pass": * marks what a case explains.
func specVerdicts(su Suite) string {
	var out []string
	for _, p := range su.Specs {
		v := string(p.Verdict)
		if p.Case != "" {
			v += "*"
		}
		out = append(out, v)
	}
	return strings.Join(out, " ")
}

// What observers lost goes into the result of the spec.
func TestOfLost(t *testing.T) {
	r := Of(os.DirFS("testdata/recorded"), Asked{Suites: []string{"sockmap"}})
	if got := r.Suites[0].Specs[0].Lost["recvmsg"]; got != 2 {
		t.Errorf("recvmsg calls lost: %d, want 2", got)
	}
}

// Every verdict of the table has its blame and code, and no fault of the host
// leaves by a code that git bisect takes for an answer.
func TestMeaning(t *testing.T) {
	for v, m := range meaning {
		if m.blame == OnHost && m.code < 128 {
			t.Errorf("%s blames the host and leaves by %d", v, m.code)
		}
		if m.blame == OnSuite && m.code != CodeSkip {
			t.Errorf("%s blames the suite and leaves by %d, want skip", v, m.code)
		}
	}
	if len(meaning) != 19 {
		t.Errorf("%d verdicts have a meaning, want 19", len(meaning))
	}
}

// A filter makes what it left out unasked, and only that.
func TestOfFiltered(t *testing.T) {
	asked := Asked{Suites: []string{"sockmap"}, Filtered: true, Sought: []Sought{stale()}}
	r := Of(os.DirFS("testdata/filtered"), asked)
	if len(r.Cases) != 0 || specVerdicts(r.Suites[0]) != "pass" || r.Code != 0 {
		t.Errorf("filtered: %d cases, specs %s, code %d; want none, pass, 0", len(r.Cases), specVerdicts(r.Suites[0]), r.Code)
	}
	asked.Filtered = false
	r = Of(os.DirFS("testdata/filtered"), asked)
	if r.Cases[0].Verdict != Empty || r.Code != CodeSkip {
		t.Errorf("not filtered: %s, code %d; want empty, 125", r.Cases[0].Verdict, r.Code)
	}
}

// A case is judged by those of its specs that the filter chose, once the suite
// has come to its end; before, nobody knows which those are.
func TestOfFilteredPartly(t *testing.T) {
	asked := Asked{Suites: []string{"sockmap"}, Filtered: true, Sought: []Sought{stale()}}
	r := Of(os.DirFS("testdata/filtered-partly"), asked)
	if len(r.Cases) != 1 || r.Cases[0].Verdict != Unaffected || r.Cases[0].Rate.Trials != 50 || r.Code != 0 {
		t.Errorf("%+v, code %d; want unaffected by 50 trials, 0", r.Cases, r.Code)
	}
	r = Of(os.DirFS("testdata/filtered-died"), asked)
	if len(r.Cases) != 1 || r.Cases[0].Verdict != Broken || r.Code != CodeSkip {
		t.Errorf("%+v, code %d; want broken, 125", r.Cases, r.Code)
	}
	asked.Filtered = false
	if r = Of(os.DirFS("testdata/filtered-partly"), asked); r.Cases[0].Verdict != Empty {
		t.Errorf("not filtered: %s, want empty", r.Cases[0].Verdict)
	}
}

// A suite of which the filter chose nothing was not asked for, unless that is all of them.
func TestOfFilteredSuites(t *testing.T) {
	folder := os.DirFS("testdata/filtered-suites")
	r := Of(folder, Asked{Suites: []string{"smoke", "sockmap"}, Filtered: true})
	if len(r.Suites) != 1 || r.Suites[0].Name != "sockmap" || r.Code != 0 {
		t.Errorf("%d suites, code %d; want sockmap alone, 0", len(r.Suites), r.Code)
	}
	if r = Of(folder, Asked{Suites: []string{"smoke"}, Filtered: true}); r.Code != CodeSkip {
		t.Errorf("nothing chosen at all: code %d, want 125", r.Code)
	}
	if r = Of(folder, Asked{Suites: []string{"smoke", "sockmap"}}); r.Code != CodeSkip {
		t.Errorf("not filtered: code %d, want 125", r.Code)
	}
}

// A spec that a filter chose but that skipped itself is no pass.
func TestOfFilteredSkip(t *testing.T) {
	r := Of(os.DirFS("testdata/skipped-spec"), Asked{Suites: []string{"sockmap"}, Filtered: true, Sought: []Sought{stale()}})
	if r.Cases[0].Verdict != Empty || specVerdicts(r.Suites[0]) != "pass empty pass" {
		t.Errorf("%s, specs %s; want empty, pass empty pass", r.Cases[0].Verdict, specVerdicts(r.Suites[0]))
	}
}

// A suite that was asked for and left no trace is not passed over.
func TestOfMissingSuite(t *testing.T) {
	r := Of(os.DirFS("testdata/unaffected"), Asked{Suites: []string{"sockmap", "smoke"}})
	if v := r.Suites[1].Verdict; v != Empty || r.Code != CodeSkip {
		t.Errorf("smoke: %s, code %d; want empty, 125", v, r.Code)
	}
}

// The splat is charged to the spec in whose time it fell, and cleared of it only by a case.
func TestOfSplats(t *testing.T) {
	r := Of(os.DirFS("testdata/panic-in-spec"), Asked{Suites: []string{"sockmap"}})
	want := Splat{Title: "NULL pointer dereference in sock_map_destroy", Kind: "oops", Line: 5, Time: 5.413371, Spec: specKill, Count: 1,
		Text: "BUG: kernel NULL pointer dereference, address: 0000000000000060"}
	if len(r.Splats) != 1 || r.Splats[0] != want {
		t.Errorf("splats = %+v, want %+v", r.Splats, want)
	}
}

// The same files give the same bytes.
func TestOfRepeats(t *testing.T) {
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		asked := Asked{Suites: []string{"sockmap", "smoke"}, Sought: []Sought{stale()}}
		a, errA := json.Marshal(Of(os.DirFS("testdata/"+entry.Name()), asked))
		b, errB := json.Marshal(Of(os.DirFS("testdata/"+entry.Name()), asked))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: two results differ (%v, %v)", entry.Name(), errA, errB)
		}
	}
}

// A VM that comes to a bad end when all suites are over is no pass, be no case
// asked that would say so.
func TestNoGoodbye(t *testing.T) {
	for reason, want := range map[string]Verdict{
		event.ExitDone: Pass, event.ExitDied: OtherCrash, event.ExitSilence: OtherHang, event.ExitDeadline: OtherHang,
	} {
		files := fstest.MapFS{}
		for _, name := range []string{KernelFile, ConsoleFile, ControlFile, EventsFile} {
			data, err := os.ReadFile("testdata/unaffected/" + name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: data}
		}
		files[ExitFile] = &fstest.MapFile{Data: []byte(`{"reason": "` + reason + `"}`)}
		r := Of(files, Asked{Suites: []string{"sockmap"}})
		if r.Suites[0].Verdict != Pass || r.Console.Verdict != want || r.Code != meaning[want].code {
			t.Errorf("%s: suite %s, console %s, code %d; want pass, %s", reason, r.Suites[0].Verdict, r.Console.Verdict, r.Code, want)
		}
	}
}
