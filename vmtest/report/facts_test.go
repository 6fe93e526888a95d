package report

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/verdict"
)

// some are results of each kind: all of package verdict's evidence, a suite that
// had a VM to itself, a kernel nobody came to, entries of a matrix file.
func some(t *testing.T) []verdict.Result {
	out := judged(t, every(t)...)
	alone := judged(t, "affected")[0]
	alone.Kernel.Alone = "sockmap"
	absent := verdict.Of(os.DirFS(t.TempDir()), verdict.Asked{Suites: []string{"sockmap"}})
	absent.Kernel.Ref = "debian:9.9"
	entries := verdict.Result{Kernel: event.Kernel{Ref: "krepro.yaml", Name: "expectations", Source: "matrix"}, Console: verdict.Judge(verdict.Pass, "no VM"),
		Splats: []verdict.Splat{}, Cases: []verdict.Case{},
		Suites: []verdict.Suite{{Name: "expectations", Judgement: verdict.Judge(verdict.Pass, ""), Phases: []verdict.Phase{}, Specs: []verdict.Spec{
			{Name: "line 3", Judgement: verdict.Judge(verdict.Expired, "renew it")}, {Name: "line 9", Judgement: verdict.Judge(verdict.Unmatched, "remove it")},
			{Name: "line 12", Judgement: verdict.Judge(verdict.Pass, ""), Expect: verdict.Fail, Why: "known"},
		}}}, Code: verdict.CodeBad}
	return append(out, alone, absent, entries)
}

// One set of results, read back from each report by another's parser: the same
// counts everywhere.
func TestSameFacts(t *testing.T) {
	results := some(t)
	want := CountsOf(results)
	if want.Passed == 0 || want.Known == 0 || want.Skipped == 0 || want.Failed == 0 || want.Errors == 0 {
		t.Fatalf("the sample does not have everything: %v", want)
	}
	t.Run("JSON", func(t *testing.T) {
		if got := decoded(t, results); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
	t.Run("JUnit", func(t *testing.T) {
		if got := ingested(t, results); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
	t.Run("KTAP", func(t *testing.T) {
		ktap := KTAP(results)
		ok, notOK, skips := proven(t, ktap)
		if ok != want.Passed+want.Known+want.Skipped || notOK != want.Failed+want.Errors || skips != want.Skipped {
			t.Errorf("%d ok, %d not ok, %d skipped, want %v", ok, notOK, skips, want)
		}
		if n := bytes.Count(ktap, []byte(" # XFAIL ")); n != want.Known {
			t.Errorf("%d with XFAIL, want %d", n, want.Known)
		}
	})
	t.Run("HTML", func(t *testing.T) {
		if got := shown(t, results); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	})
	t.Run("Markdown", func(t *testing.T) {
		if page := string(Markdown(results, "runs/x", 1<<20)); !strings.Contains(page, "\n"+want.String()+"\n") {
			t.Errorf("want %q in\n%s", want, page)
		}
	})
}

// decoded is what a program that reads verdicts.json counts, and what stands in
// it.
func decoded(t *testing.T, results []verdict.Result) Counts {
	text, err := JSON(results)
	if err != nil {
		t.Fatal(err)
	}
	var whole struct {
		Schema  int
		Counts  Counts
		Kernels []verdict.Result
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	if whole.Schema != Schema || whole.Counts != CountsOf(whole.Kernels) {
		t.Errorf("schema %d, counts %v; want %d, %v", whole.Schema, whole.Counts, Schema, CountsOf(whole.Kernels))
	}
	return whole.Counts
}

// shown are the checks that the page's tables list.
func shown(t *testing.T, results []verdict.Result) Counts {
	page, err := HTML(results, nil)
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out Counts
	for n := range root.Descendants() {
		if n.Data == "details" && attribute(n, "class") == "group" {
			for cell := range n.Descendants() {
				if class := attribute(cell, "class"); cell.Data == "td" && class != "" {
					out.add(statusNamed(t, class))
				}
			}
		}
	}
	return out
}

func statusNamed(t *testing.T, class string) status {
	for s, name := range classes {
		if name == class {
			return s
		}
	}
	t.Fatalf("a cell of class %q", class)
	return 0
}

func attribute(n *html.Node, name string) string {
	i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
	if i < 0 {
		return ""
	}
	return n.Attr[i].Val
}
