package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/verdict"
)

// judged is a judgement with a verdict's code.
func judged(v verdict.Verdict, code int) verdict.Judgement {
	return verdict.Judgement{Verdict: v, Bisect: code, Reason: "why"}
}

func specRun(name string, j verdict.Judgement, rounds, k, n int) verdict.Spec {
	return verdict.Spec{Name: name, Judgement: j, Rounds: rounds, Rate: verdict.Rate{Trials: n, Failures: k}}
}

// What a run's results say, of a case and of specs.
func TestQuestionReads(t *testing.T) {
	pass, fail := judged(verdict.Pass, 0), judged(verdict.Fail, 1)
	aboutCase := func(j verdict.Judgement, k, n int, specs ...verdict.Spec) []verdict.Result {
		return []verdict.Result{{Suites: []verdict.Suite{{Name: "sockmap", Judgement: pass, Specs: specs}}, Console: pass,
			Cases: []verdict.Case{{Name: staleEntry, Judgement: j, Rate: verdict.Rate{Trials: n, Failures: k}}}}}
	}
	aboutSpecs := func(suite, console verdict.Judgement, specs ...verdict.Spec) []verdict.Result {
		return []verdict.Result{{Suites: []verdict.Suite{{Name: "sockmap", Judgement: suite, Specs: specs}}, Console: console}}
	}
	tests := []struct {
		name    string
		results []verdict.Result
		want    bisect.Step // Answer, Verdict and numbers
		code    int         // of a fault of the host
	}{
		{"affected", aboutCase(judged(verdict.Affected, 1), 11, 600, specRun("a", pass, 2, 0, 200), specRun("a", fail, 0, 11, 100), specRun("b", pass, 3, 0, 300)),
			bisect.Step{Answer: bisect.Bad, Verdict: verdict.Affected, Rounds: 3, Trials: 600, Failures: 11}, 0},
		{"unaffected", aboutCase(judged(verdict.Unaffected, 0), 0, 400, specRun("a", pass, 2, 0, 400)),
			bisect.Step{Answer: bisect.Good, Verdict: verdict.Unaffected, Rounds: 2, Trials: 400}, 0},
		{"crash in the second round", aboutCase(judged(verdict.Crash, 1), 0, 200, specRun("a", pass, 0, 0, 200), specRun("a", judged(verdict.Crash, 1), 0, 0, 0)),
			bisect.Step{Answer: bisect.Bad, Verdict: verdict.Crash, Rounds: 2, Trials: 200, Failures: 1}, 0},
		{"another failure", aboutCase(judged(verdict.OtherFail, 125), 3, 3), bisect.Step{Answer: bisect.Skip, Verdict: verdict.OtherFail, Trials: 3, Failures: 3}, 0},
		{"did not boot", aboutCase(judged(verdict.BootFail, 125), 0, 0), bisect.Step{Answer: bisect.Skip, Verdict: verdict.BootFail}, 0},
		{"host", aboutCase(judged(verdict.Infra, 128), 0, 0), bisect.Step{}, 128},
		{"interrupted", aboutCase(judged(verdict.Cancelled, 130), 0, 0), bisect.Step{}, 130},
		{"no answer", nil, bisect.Step{Answer: bisect.Skip, Verdict: verdict.Empty}, 0},

		{"a spec failed", aboutSpecs(pass, pass, specRun("a", pass, 0, 0, 50), specRun("b", fail, 0, 7, 50)),
			bisect.Step{Answer: bisect.Bad, Verdict: verdict.Fail, Rounds: 1, Trials: 100, Failures: 7}, 0},
		{"specs without trials", aboutSpecs(pass, pass, specRun("a", pass, 4, 0, 0)),
			bisect.Step{Answer: bisect.Good, Verdict: verdict.Pass, Rounds: 4, Trials: 4}, 0},
		{"of these some failed", aboutSpecs(pass, pass, specRun("a", pass, 4, 0, 0), specRun("a", fail, 3, 0, 0)),
			bisect.Step{Answer: bisect.Bad, Verdict: verdict.Fail, Rounds: 7, Trials: 7, Failures: 3}, 0},
		{"a suite that broke", aboutSpecs(judged(verdict.Broken, 125), pass, specRun("a", pass, 0, 0, 50)),
			bisect.Step{Answer: bisect.Skip, Verdict: verdict.Broken, Trials: 50, Rounds: 1}, 0},
		{"a splat in no spec's time", aboutSpecs(pass, judged(verdict.Crash, 1), specRun("a", pass, 0, 0, 50)),
			bisect.Step{Answer: bisect.Bad, Verdict: verdict.Crash, Rounds: 1, Trials: 50, Failures: 1}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := question{Case: staleEntry}
			if len(test.results) > 0 && test.results[0].Cases == nil {
				q = question{}
			}
			got, err := q.read(test.results)
			var f *failure
			if test.code > 0 {
				if !errors.As(err, &f) || f.code != test.code {
					t.Errorf("error %v, want code %d", err, test.code)
				}
				return
			}
			got.Reason = ""
			if err != nil || got.Answer != test.want.Answer || got.Verdict != test.want.Verdict ||
				[3]int{got.Rounds, got.Trials, got.Failures} != [3]int{test.want.Rounds, test.want.Trials, test.want.Failures} {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// A case's question chooses its specs, each of them and no others.
func TestQuestionFocus(t *testing.T) {
	corpus, err := cases.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range corpus {
		q, err := questionFlags{name: c.Name, size: "quick"}.question(corpus)
		if err != nil {
			t.Fatal(err)
		}
		focus := regexp.MustCompile(q.Focus)
		shown := map[string]bool{}
		for _, spec := range caseSpecs(c, " ") {
			shown[spec] = true
			if !focus.MatchString(spec) || focus.MatchString(spec+" too") {
				t.Errorf("%s: %q is not chosen, or more than it is", c.Name, spec)
			}
		}
		for _, g := range c.May {
			for _, spec := range g.Specs {
				if text := g.Suite + " " + spec; focus.MatchString(text) && !shown[text] {
					t.Errorf("%s: %q is chosen", c.Name, text)
				}
			}
		}
	}
}

// The exit codes of krepro verdict as git bisect run wants them, and what they
// rest on.
func TestVerdictCommand(t *testing.T) {
	w := newWorld(t)
	out := filepath.Join(w.dir, "evidence")
	var asked []runOptions
	tests := []struct {
		name    string
		find    string
		verdict verdict.Verdict
		trials  int
		code    int
		boots   int
	}{
		{"without the bug", "break", verdict.Unaffected, 1, 0, 1},
		{"with it", "break", verdict.Affected, 1, 1, 1},
		{"looking for the fix, without", "fix", verdict.Unaffected, 1, 1, 1},
		{"looking for the fix, with", "fix", verdict.Affected, 1, 0, 1},
		{"nobody can tell", "fix", verdict.BootFail, 1, 125, 1},
		{"does not build", "break", verdict.BuildFail, 1, 125, 1},
		{"a fault of the host", "break", verdict.Infra, 1, 128, 1},
		{"many trials", "break", verdict.Unaffected, 250, 0, 2},
		{"many trials, and it fails", "break", verdict.Affected, 250, 1, 1},
		{"more than a boot has", "break", verdict.Unaffected, 11_000, 0, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked = nil
			p := &prober{
				get: func(_ context.Context, ref kernels.Ref) (*kernels.Image, error) {
					if ref.Text != "tree:"+w.dir || ref.Commit != "" {
						t.Errorf("built %+v", ref)
					}
					if test.verdict == verdict.BuildFail {
						return nil, &kernels.BuildError{Ref: ref.Text}
					}
					return &kernels.Image{Kernel: event.Kernel{Build: &event.Build{Code: "c"}}}, nil
				},
				run: func(_ context.Context, o runOptions, _ map[string]outcome) ([]verdict.Result, error) {
					asked = append(asked, o)
					codes := map[verdict.Verdict]int{verdict.Affected: 1, verdict.BootFail: 125, verdict.BuildFail: 125, verdict.Infra: 128}
					j, n := judged(test.verdict, codes[test.verdict]), 100*max(1, o.repeat)
					p := specRun("a", judged(verdict.Pass, 0), o.repeat, 0, n)
					return []verdict.Result{{Cases: []verdict.Case{{Name: staleEntry, Judgement: j, Rate: p.Rate}}, Suites: []verdict.Suite{{Specs: []verdict.Spec{p}}}}}, nil
				},
			}
			o := verdictOptions{tree: w.dir, find: test.find, trials: test.trials, out: out, ask: questionFlags{name: staleEntry, size: "quick"}, vm: vmOptions{accel: "tcg"}}
			w.out.Reset()
			code := codeOf(t.Context(), func(ctx context.Context) error { return w.verdict(ctx, o, p) })
			if code != test.code || len(asked) != test.boots {
				t.Errorf("code %d after %d boots, want %d after %d", code, len(asked), test.code, test.boots)
			}
			line := w.out.String()
			if code < verdict.CodeInfra && (strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, staleEntry+": "+string(test.verdict)+": ") || strings.Contains(line, "why") == (test.verdict == verdict.Unaffected)) {
				t.Errorf("printed %q", line)
			}
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
		})
	}
}
