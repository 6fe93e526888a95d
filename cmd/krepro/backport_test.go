package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/compare"
	"github.com/krepro/krepro/vmtest/verdict"
)

// bench is a backport of which no kernel is built and no VM boots: both are
// functions here, that note what they are asked for.
type bench struct {
	*world
	b       *backport
	built   []string     // additions to the base, in order
	ran     []runOptions // the same of runs
	broken  map[string]*kernels.BuildError
	code    func(addition string) string
	results func(step string, o runOptions) verdict.Result
}

func newBench(t *testing.T, args ...string) *bench {
	t.Helper()
	w := &bench{world: newWorld(t), broken: map[string]*kernels.BuildError{}, code: func(addition string) string { return addition }}
	tree := filepath.Join(w.dir, "linux")
	put(t, filepath.Join(tree, "Makefile"), "")
	patch := filepath.Join(w.dir, "fix.patch")
	put(t, patch, "--- a\n+++ b\n")
	o := backportOptions{base: "tree:" + tree, patches: []string{patch}, name: staleEntry, pairs: 2, rounds: 20, size: "quick", vm: vmOptions{accel: "tcg"}}
	o.debug = slices.Contains(args, "debug")
	var err error
	if w.b, err = w.newBackport(o); err != nil {
		t.Fatal(err)
	}
	w.b.dir = t.TempDir()
	w.b.get = func(_ context.Context, ref kernels.Ref) (*kernels.Image, error) {
		addition := w.addition(ref.Text)
		w.built = append(w.built, addition)
		if broken := w.broken[addition]; broken != nil {
			return nil, broken
		}
		return &kernels.Image{Kernel: event.Kernel{Ref: ref.Text, ID: addition, Release: "5.10.218", Build: &event.Build{Code: w.code(addition)}}}, nil
	}
	w.b.apply = func(_ context.Context, ref kernels.Ref) error {
		if broken := w.broken[w.addition(ref.Text)]; broken != nil {
			return broken
		}
		return nil
	}
	w.b.run = func(_ context.Context, o runOptions) ([]verdict.Result, error) {
		w.ran = append(w.ran, o)
		r := w.results(filepath.Base(o.out), o)
		r.Kernel.ID += w.addition(o.kernels[0])
		return []verdict.Result{r}, nil
	}
	w.results = fixing
	return w
}

// addition is what a reference has besides the base.
func (w *bench) addition(ref string) string {
	return strings.ReplaceAll(strings.TrimPrefix(ref, w.b.o.base), w.dir+"/", "")
}

func (w *bench) steps() (names []string) {
	for _, o := range w.ran {
		names = append(names, filepath.Base(o.out))
	}
	return names
}

// ends runs the backport and checks how it ends.
func (w *bench) ends(t *testing.T, v compare.Verdict, code int, reason string) {
	t.Helper()
	c := &cobra.Command{SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE: does(func(ctx context.Context, _ []string) error { return w.conclude(ctx, w.b) })}
	c.SetArgs([]string{})
	got := 0
	var f *failure
	if errors.As(c.ExecuteContext(t.Context()), &f) {
		got = f.code
	}
	text, readErr := os.ReadFile(filepath.Join(w.b.dir, backportFile))
	var report compare.Report
	if readErr != nil || json.Unmarshal(text, &report) != nil {
		t.Fatalf("no report: %v\n%s", readErr, text)
	}
	if got != code || report.Verdict != v || !strings.Contains(strings.Join(report.Reasons, "\n"), reason) {
		t.Errorf("code %d, %s, %q; want %d, %s, %q", got, report.Verdict, report.Reasons, code, v, reason)
	}
	mail, readErr := os.ReadFile(filepath.Join(w.b.dir, mailFile))
	if readErr != nil || !strings.HasSuffix(w.out.String(), string(mail)) || !strings.HasPrefix(string(mail), "Backport check: "+string(v)) {
		t.Errorf("%v; printed:\n%s\nmail:\n%s", readErr, w.out.String(), mail)
	}
}

// answers is a run that came to its end.
func answers(v verdict.Verdict, k, n int, specs ...verdict.Spec) verdict.Result {
	specs = append(specs, verdict.Spec{Name: "first", Judgement: verdict.Judgement{Verdict: verdict.Pass}})
	return verdict.Result{Boot: 1, Exit: &event.Exit{Reason: event.ExitDone, Seconds: 5, Accel: "tcg"},
		Cases:  []verdict.Case{{Name: staleEntry, Judgement: verdict.Judgement{Verdict: v}, Rate: verdict.RateOf(k, n)}},
		Suites: []verdict.Suite{{Name: "sockmap", Judgement: verdict.Judgement{Verdict: verdict.Pass}, Specs: specs}},
	}
}

func fixing(step string, o runOptions) verdict.Result {
	if strings.HasSuffix(step, "before") {
		return answers(verdict.Affected, 200, 200)
	}
	return answers(verdict.Unaffected, 0, 200)
}

func keeping(string, runOptions) verdict.Result { return answers(verdict.Affected, 200, 200) }

// The steps, who is first in turns, and what each is asked for.
func TestBackportSteps(t *testing.T) {
	w := newBench(t, "debug")
	w.ends(t, compare.Validated, 0, "is gone: 600 of 600 before")
	if got := strings.Join(w.steps(), " "); got != "case-1-before case-1-after pair-1-before pair-1-after pair-2-after pair-2-before debug-1-before debug-1-after" {
		t.Errorf("steps: %s", got)
	}
	if got := strings.Join(w.built, " "); got != "+fix.patch  +debug +fix.patch+debug" {
		t.Errorf("built: %q", got)
	}
	first, whole, debug := w.ran[1], w.ran[3], w.ran[7]
	if w.addition(first.kernels[0]) != "+fix.patch" || strings.Join(first.suites, " ") != "sockmap" || first.repeat != 1 ||
		!strings.HasPrefix(first.focus, `^(sockmap listener closed with unaccepted connections SOCKHASH, BPF_NOEXIST, IPv4 leaves no entry|`) {
		t.Errorf("case: %+v", first)
	}
	if whole.suites != nil || whole.focus != "" || whole.size != "quick" {
		t.Errorf("pair: %+v", whole)
	}
	if w.addition(debug.kernels[0]) != "+fix.patch+debug" || debug.vm.memory != debugMemory || whole.vm.memory != "" {
		t.Errorf("debug: %+v", debug)
	}
}

// A case that is not gone needs no run of all suites.
func TestBackportThatFixesNothing(t *testing.T) {
	w := newBench(t)
	w.results = keeping
	w.ends(t, compare.NotValidated, verdict.CodeBad, "shows after the patch")
	if len(w.ran) != 2 {
		t.Errorf("steps: %v", w.steps())
	}
}

// Of a rare bug so many trials are made as it takes, but not without end.
func TestBackportOfRareBug(t *testing.T) {
	w := newBench(t)
	w.results = func(step string, o runOptions) verdict.Result {
		if strings.HasSuffix(step, "before") {
			return answers(verdict.Affected, 4*o.repeat, 200*o.repeat)
		}
		return answers(verdict.Unaffected, 0, 200*o.repeat)
	}
	w.ends(t, compare.Validated, 0, "is gone")
	rounds := []int{}
	for _, o := range w.ran {
		if o.focus != "" {
			rounds = append(rounds, o.repeat)
		}
	}
	if !slices.Equal(rounds, []int{1, 1, 1, 1, 2, 2}) { // 4 of 200, 8 of 400, 16 of 800: 563 needed
		t.Errorf("rounds of the case: %v (%v)", rounds, w.steps())
	}

	w = newBench(t)
	w.results = func(step string, o runOptions) verdict.Result { return answers(verdict.Unaffected, 0, 200*o.repeat) }
	w.ends(t, compare.Unsure, verdict.CodeSkip, "does not show before the patch: 0 of 4,000 trials")
}

// What is worse once is run again, by itself.
func TestBackportInDoubt(t *testing.T) {
	flaky := func(v verdict.Verdict, rounds int) verdict.Spec {
		return verdict.Spec{Name: "flaky", Judgement: verdict.Judgement{Verdict: v}, Rounds: rounds}
	}
	for name, test := range map[string]struct {
		again verdict.Verdict
		want  compare.Verdict
		code  int
	}{
		"fails for good": {verdict.Fail, compare.Harmful, 1},
		"passes":         {verdict.Pass, compare.Unsure, 125},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBench(t)
			w.b.o.pairs = 1
			w.results = func(step string, o runOptions) verdict.Result {
				r, v := fixing(step, o), verdict.Pass
				switch {
				case strings.HasPrefix(step, "case"):
					return r
				case step == "pair-1-after":
					v = verdict.Fail
				case strings.HasPrefix(step, "again") && strings.HasSuffix(step, "after"):
					v = test.again
				}
				r.Suites[0].Specs = append(r.Suites[0].Specs, flaky(v, o.repeat))
				return r
			}
			w.ends(t, test.want, test.code, "flaky: rounds before: 11 good; after: ")
			last := w.ran[len(w.ran)-1]
			if len(w.ran) != 8 || last.focus != "^(sockmap flaky)$" || last.repeat != againRounds {
				t.Errorf("steps %v, last %+v", w.steps(), last)
			}
		})
	}
}

// A fault of the host and Ctrl-C end the comparison by their own codes; what is
// known is written down.
func TestBackportStopped(t *testing.T) {
	for _, test := range []struct {
		code   int
		reason string
	}{
		{verdict.CodeInfra, "stopped: pair-2-after: a fault of the host: no QEMU"},
		{verdict.CodeCancelled, "stopped: pair-2-after: interrupted"},
	} {
		w := newBench(t)
		w.results = func(step string, o runOptions) verdict.Result {
			r := fixing(step, o)
			if step == "pair-2-after" {
				r.Code, r.Console.Reason = test.code, "no QEMU"
			}
			return r
		}
		w.ends(t, compare.Unsure, test.code, test.reason)
		if len(w.ran) != 5 {
			t.Errorf("steps: %v", w.steps())
		}
	}
}

// A tree that is changed while it is tested gives no answer.
func TestBackportOfMovingTree(t *testing.T) {
	w := newBench(t)
	w.results = func(step string, o runOptions) verdict.Result {
		r := fixing(step, o)
		if step == "case-1-after" {
			r.Kernel.ID = "another: "
		}
		return r
	}
	w.ends(t, compare.Unsure, verdict.CodeInfra, "have changed meanwhile")
}

// The line that has it all again goes into a new folder.
func TestReproduceLine(t *testing.T) {
	for line, want := range map[string]string{
		"backport --out x --case c": "backport --case c", "backport -o x": "backport", "backport --out=x --case c": "backport --case c", "backport --case c": "backport --case c",
	} {
		if got := commandLine(withoutOut(strings.Fields(line))); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
}
