package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// folders are the evidence that the golden files are made of.
var folders = []string{"affected", "unaffected", "wrong-symptom", "panic-in-spec", "silent-hang", "untestable-config", "no-console", "warning", "setup-failed", "recorded", "contradicted"}

// judged judges folders of package verdict's test data.
func judged(t *testing.T, folders ...string) []verdict.Result {
	t.Helper()
	asked := verdict.Asked{Suites: []string{"sockmap"}, Sought: []verdict.Sought{{
		Case: "sockhash-stale-entry",
		Specs: []verdict.SoughtSpec{
			{Suite: "sockmap", Spec: "sockmap closing a listener with unaccepted connections leaves no entry", Symptoms: []event.Symptom{event.StaleEntry}, Must: true},
			{Suite: "sockmap", Spec: "sockmap reusing the 4-tuples of unaccepted connections reaches every server", Symptoms: []event.Symptom{event.Exists, event.Stuck}, Must: true},
		},
	}}}
	var out []verdict.Result
	for _, f := range folders {
		dir := filepath.Join("..", "verdict", "testdata", f)
		if _, err := os.Stat(dir); err != nil {
			t.Fatal(err)
		}
		asked.Sought[0].Expect = verdict.Unaffected
		if f == "affected" {
			asked.Sought[0].Expect = verdict.Affected
		}
		out = append(out, verdict.Of(os.DirFS(dir), asked))
	}
	return out
}

func TestTable(t *testing.T) { golden(t, "table.txt", []byte(Table(judged(t, folders...)))) }

// Many suites and cases stand one below the other.
func TestTableTurned(t *testing.T) {
	r := verdict.Result{Kernel: event.Kernel{Release: "6.1.0"}}
	for _, name := range []string{"a", "b", "c"} {
		r.Suites = append(r.Suites, verdict.Suite{Name: name, Judgement: verdict.Judgement{Verdict: verdict.Pass}})
		r.Cases = append(r.Cases, verdict.Case{Name: name + "-case", Judgement: verdict.Judgement{Verdict: verdict.Affected}, Expect: verdict.Affected, Met: true})
	}
	alone := verdict.Result{Kernel: event.Kernel{Release: "6.1.0", Alone: "d"}, Exit: &event.Exit{Seconds: 2}}
	alone.Suites = []verdict.Suite{{Name: "d", Judgement: verdict.Judgement{Verdict: verdict.Pass}}}
	r.Exit = &event.Exit{Seconds: 1}
	other := verdict.Result{Kernel: event.Kernel{Release: "7.2.13"}}
	got, _, _ := strings.Cut(Table([]verdict.Result{r, alone, other}), "\n\n")
	want := `KERNEL   6.1.0               7.2.13
A        pass                -
B        pass                -
C        pass                -
D        pass                -
a-case   affected, expected  -
b-case   affected, expected  -
c-case   affected, expected  -
SECONDS  1.0+2.0             -`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSON(t *testing.T) {
	text, err := JSON(judged(t, "affected", "panic-in-spec"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "verdicts.json", text)
}

func TestCode(t *testing.T) {
	tests := []struct {
		folders []string
		want    int
	}{
		{nil, 125},
		{[]string{"affected", "unaffected"}, 0},
		{[]string{"unaffected", "untestable-config"}, 125},
		{[]string{"untestable-config", "wrong-symptom"}, 1},
		{[]string{"wrong-symptom", "no-console"}, 128},
		{[]string{"no-console", "cancelled"}, 130},
	}
	for _, test := range tests {
		if got := Code(judged(t, test.folders...)); got != test.want {
			t.Errorf("%v: %d, want %d", test.folders, got, test.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := Thousands(n); got != want {
			t.Errorf("Thousands(%d) = %s, want %s", n, got, want)
		}
	}
	for p, want := range map[float64]string{0.0012957: "0.13 %", 1: "100 %", 0.5: "50 %", 0.00000123: "0.00012 %", 0: "0 %", 0.995: "100 %"} {
		if got := percent(p); got != want {
			t.Errorf("percent(%g) = %s, want %s", p, got, want)
		}
	}
	if got, want := Reach(verdict.RateOf(0, 2310)), "0 of 2,310 trials; rate below 0.13 % (95 %)"; got != want {
		t.Errorf("Reach = %q, want %q", got, want)
	}
	if got, want := Reach(verdict.RateOf(50, 50)), "50 of 50 trials; rate 93 % to 100 % (95 %)"; got != want {
		t.Errorf("Reach = %q, want %q", got, want)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; go test -update writes it anew. Got:\n%s", name, got)
	}
}

// Of builds of one release each is told from the other, in every file.
func TestBuildsOfOneRelease(t *testing.T) {
	built := func(name, alone string) verdict.Result {
		k := event.Kernel{Source: "tree", Release: "6.12.0", Name: name, Ref: "tree:/src@v6.12", Alone: alone}
		return verdict.Result{Kernel: k, Suites: []verdict.Suite{{Name: "smoke", Specs: []verdict.Spec{{Name: "it"}}}}}
	}
	results := []verdict.Result{built("tree-6.12.0-1", ""), built("tree-6.12.0-1~probes", "probes"), built("tree-6.12.0-2+fix", "")}
	seen := map[string]bool{}
	for _, r := range results {
		if name := kernel(r); seen[name] {
			t.Errorf("%s stands twice", name)
		} else {
			seen[name] = true
		}
	}
	text := Matrix(results)
	for _, want := range []string{"\ntree-6.12.0-1 ", "\ntree-6.12.0-2+fix "} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q stands %d times in\n%s", want, strings.Count(text, want), text)
		}
	}
}
