package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/verdict"
)

// hunting is a git tree of small commits of which no kernel is built and no VM
// boots: both are functions here.
type hunting struct {
	*world
	tree    string
	commits []string // oldest first
	verdict func(i int) verdict.Verdict
	code    func(i int) string
	// before is called before each boot; an error of it is the host's.
	before func(boot int) error
	booted []int // commits, in order
}

// newHunting has n commits; the bug is in those from first up to before fixed.
func newHunting(t *testing.T, n, first, fixed int) *hunting {
	t.Helper()
	h := &hunting{world: newWorld(t), code: func(i int) string { return fmt.Sprintf("%012d", i) }}
	h.tree = filepath.Join(h.dir, "linux")
	h.git(t, "init", "--quiet", h.tree)
	for i := range n {
		h.git(t, "-C", h.tree, "commit", "--quiet", "--allow-empty", "-m", fmt.Sprint("change ", i))
		h.commits = append(h.commits, h.git(t, "-C", h.tree, "rev-parse", "HEAD"))
	}
	h.verdict = func(i int) verdict.Verdict {
		if i >= first && i < fixed {
			return verdict.Affected
		}
		return verdict.Unaffected
	}
	return h
}

func (h *hunting) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=n", "-c", "user.email=n@example.org"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// at is the commit that a reference is of.
func (h *hunting) at(ref string) int {
	_, hash, _ := strings.Cut(ref, "@")
	return slices.Index(h.commits, hash)
}

func (h *hunting) get(_ context.Context, ref kernels.Ref) (*kernels.Image, error) {
	i := h.at(ref.Text)
	if h.verdict(i) == verdict.BuildFail {
		return nil, &kernels.BuildError{Ref: ref.Text, Stage: kernels.StageCompile, Text: "a.c:1: error"}
	}
	return &kernels.Image{Kernel: event.Kernel{Ref: ref.Text, Build: &event.Build{Code: h.code(i)}}}, nil
}

func (h *hunting) run(_ context.Context, o runOptions, had map[string]outcome) ([]verdict.Result, error) {
	i := h.at(o.kernels[0])
	if had[o.kernels[0]].img == nil && h.verdict(i) != verdict.BuildFail {
		return nil, fmt.Errorf("commit %d was not built", i)
	}
	if err := os.WriteFile(filepath.Join(o.out, runFile), []byte("{}"), 0o644); err != nil {
		return nil, err
	}
	if h.before != nil {
		if err := h.before(len(h.booted)); err != nil {
			return nil, err
		}
	}
	h.booted = append(h.booted, i)
	v := h.verdict(i)
	codes := map[verdict.Verdict]int{verdict.Affected: 1, verdict.BuildFail: 125, verdict.BootFail: 125, verdict.Infra: 128}
	n, k := 200*max(1, o.repeat), 0
	if v == verdict.Affected {
		n, k = 200, 200
	} else if v != verdict.Unaffected {
		n = 0
	}
	c := verdict.Case{Name: staleEntry, Judgement: verdict.Judgement{Verdict: v, Bisect: codes[v], Reason: "so it is"}, Rate: verdict.RateOf(k, n)}
	return []verdict.Result{{Cases: []verdict.Case{c}}}, nil
}

// options are those of a search between two commits.
func (h *hunting) options(good, bad int) bisectOptions {
	return bisectOptions{tree: h.tree, good: h.commits[good], bad: h.commits[bad], confidence: 0.99,
		ask: questionFlags{name: staleEntry, size: "quick"}, out: filepath.Join(h.dir, "out"), vm: vmOptions{accel: "tcg"}}
}

// ask does a bisection as the command does, and returns its exit code.
func (h *hunting) ask(t *testing.T, ctx context.Context, o bisectOptions) int {
	t.Helper()
	h.out.Reset()
	h.err.Reset()
	store, err := h.store()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	return codeOf(ctx, func(ctx context.Context) error {
		return h.bisect(ctx, o, store, &prober{get: h.get, run: h.run})
	})
}

// codeOf is the exit code of a command's function.
func codeOf(ctx context.Context, f func(context.Context) error) int {
	c := &cobra.Command{SilenceErrors: true, SilenceUsage: true, RunE: does(func(ctx context.Context, _ []string) error { return f(ctx) })}
	c.SetArgs(nil)
	var coded *failure
	if errors.As(c.ExecuteContext(ctx), &coded) {
		return coded.code
	}
	return 0
}

func (h *hunting) report(t *testing.T) bisectReport {
	t.Helper()
	var r bisectReport
	text, err := os.ReadFile(filepath.Join(h.dir, "out", reportJSON))
	if err != nil || json.Unmarshal(text, &r) != nil {
		t.Fatalf("report: %v\n%s", err, text)
	}
	return r
}

// The commit that brought the bug and the one that fixed it, past commits that
// do not build or boot; what is left on disk; and the tree as it was.
func TestBisect(t *testing.T) {
	for _, test := range []struct {
		good, bad, answer int
		find              bisect.Find
		change            string
	}{
		{0, 14, 7, bisect.Break, "the first with the bug"},
		{25, 14, 19, bisect.Fix, "the first without the bug"},
	} {
		t.Run(string(test.find), func(t *testing.T) {
			h := newHunting(t, 26, 7, 19)
			is := h.verdict
			h.verdict = func(i int) verdict.Verdict {
				switch i {
				case 9, 21:
					return verdict.BuildFail
				case 5, 17:
					return verdict.BootFail
				}
				return is(i)
			}
			refs := h.git(t, "-C", h.tree, "for-each-ref")
			if code := h.ask(t, t.Context(), h.options(test.good, test.bad)); code != 0 {
				t.Fatalf("code %d\n%s%s", code, h.out.String(), h.err.String())
			}
			r := h.report(t)
			if r.Outcome != bisect.Found || r.First[0].ID != h.commits[test.answer] || r.Before[0].ID != h.commits[test.answer-1] || r.Find != test.find || r.Confidence < 0.99 {
				t.Errorf("%+v", r.Result)
			}
			for _, want := range []string{test.change + ": " + h.commits[test.answer][:12] + " change " + fmt.Sprint(test.answer), "confidence of the answer: 99.", "bisect replay " + filepath.Join(h.dir, "out", bisectLog)} {
				if !strings.Contains(h.out.String(), want) {
					t.Errorf("no %q in\n%s", want, h.out.String())
				}
			}
			for _, s := range r.Steps {
				if _, err := os.Stat(filepath.Join(h.dir, "out", s.Dir, runFile)); err != nil || s.Dir == "" {
					t.Errorf("evidence of %s: %v", s.Kernel.Short(), err)
				}
			}
			h.git(t, "-C", h.tree, "bisect", "replay", r.Log)
			h.git(t, "-C", h.tree, "bisect", "reset")
			if after := h.git(t, "-C", h.tree, "for-each-ref"); after != refs {
				t.Errorf("refs of the tree: %s, before %s", after, refs)
			}
		})
	}
}

// A fault of the host stops it with its code, an interrupt with 130; whichever
// step that is in, going on comes to the same end, and no kernel that has
// answered is asked again.
func TestBisectResumed(t *testing.T) {
	whole := newHunting(t, 12, 7, 12)
	if code := whole.ask(t, t.Context(), whole.options(0, 11)); code != 0 {
		t.Fatalf("code %d", code)
	}
	want := whole.report(t)
	faults := []struct {
		name  string
		fault func(cancel func()) error
		code  int
	}{
		{"disk full", func(func()) error { return errors.New("no space left on device") }, verdict.CodeInfra},
		{"interrupted", func(cancel func()) error { cancel(); return context.Canceled }, verdict.CodeCancelled},
		{"killed", func(func()) error { panic("killed") }, -1},
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			h := newHunting(t, 12, 7, 12)
			o, tried := h.options(0, 11), 0
			for {
				ctx, cancel := context.WithCancel(t.Context())
				h.before = func(boot int) error {
					if tried++; tried%2 == 0 {
						return nil
					}
					return fault.fault(cancel)
				}
				code := func() (code int) {
					defer func() {
						if recover() != nil {
							code = -1
						}
					}()
					return h.ask(t, ctx, o)
				}()
				cancel()
				if code == 0 {
					break
				}
				if code != fault.code || tried > 2*len(want.Steps) {
					t.Fatalf("attempt %d: code %d, want %d\n%s", tried, code, fault.code, h.err.String())
				}
				if code > 0 && !strings.Contains(h.err.String(), "krepro bisect --resume "+filepath.Join(h.dir, "out")) {
					t.Errorf("no word of how to go on: %s", h.err.String())
				}
				o = bisectOptions{resume: filepath.Join(h.dir, "out")}
			}
			got := h.report(t)
			if !slices.Equal(h.booted, whole.booted) || got.First[0].Subject != want.First[0].Subject || len(got.Steps) != len(want.Steps) {
				t.Errorf("asked %v, in one go %v", h.booted, whole.booted)
			}
		})
	}
}

// What ends without an answer leaves by 125, and says what is known.
func TestBisectWithoutAnswer(t *testing.T) {
	tests := []struct {
		name    string
		spoil   func(h *hunting)
		outcome bisect.Outcome
		text    string
	}{
		{"only commits that do not build are left", func(h *hunting) {
			is := h.verdict
			h.verdict = func(i int) verdict.Verdict {
				if i == 11 || i == 12 {
					return verdict.BuildFail
				}
				return is(i)
			}
		}, bisect.Range, "is one of 3: the others could not be asked"},
		{"both ends good", func(h *hunting) { h.verdict = func(int) verdict.Verdict { return verdict.Unaffected } }, bisect.Unsure, "does not show"},
		{"both ends bad", func(h *hunting) { h.verdict = func(int) verdict.Verdict { return verdict.Affected } }, bisect.NoChange, "both ends have the bug"},
		{"good and bad are swapped", func(h *hunting) {
			is := h.verdict
			h.verdict = func(i int) verdict.Verdict {
				return map[verdict.Verdict]verdict.Verdict{verdict.Affected: verdict.Unaffected, verdict.Unaffected: verdict.Affected}[is(i)]
			}
		}, bisect.NoChange, "the wrong way round: the old end, "},
		{"an end that does not boot", func(h *hunting) {
			is := h.verdict
			h.verdict = func(i int) verdict.Verdict {
				if i == 0 {
					return verdict.BootFail
				}
				return is(i)
			}
		}, bisect.NoChange, "the old end cannot be asked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHunting(t, 20, 12, 20)
			test.spoil(h)
			code := h.ask(t, t.Context(), h.options(0, 19))
			if r := h.report(t); code != verdict.CodeSkip || r.Outcome != test.outcome || !strings.Contains(r.Text, test.text) {
				t.Errorf("code %d, %s: %s\n%s", code, r.Outcome, r.Text, h.err.String())
			}
		})
	}
}

// A kernel that cannot be had stops it; its folder tells of the fault.
func TestBisectWithoutKernel(t *testing.T) {
	h := newHunting(t, 9, 4, 9)
	store, err := h.store()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	p := &prober{run: h.run, get: func(_ context.Context, ref kernels.Ref) (*kernels.Image, error) {
		return nil, &kernels.UnavailableError{Ref: ref.Text, Err: errors.New("no compiler")}
	}}
	if code := codeOf(t.Context(), func(ctx context.Context) error { return h.bisect(ctx, h.options(0, 8), store, p) }); code != verdict.CodeInfra {
		t.Errorf("code %d", code)
	}
	h.verdict = func(int) verdict.Verdict { return verdict.Infra }
	if code := h.ask(t, t.Context(), bisectOptions{resume: filepath.Join(h.dir, "out")}); code != verdict.CodeInfra {
		t.Errorf("a VM that the host failed: code %d", code)
	}
}

// Ready kernels: by version, in whichever direction, past those that are gone.
func TestBisectKernels(t *testing.T) {
	h := newHunting(t, 1, 0, 0)
	store, err := h.store()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	p := &prober{
		get: func(_ context.Context, ref kernels.Ref) (*kernels.Image, error) {
			if ref.Version == "6.1.5-1" {
				return nil, &kernels.UnavailableError{Ref: ref.Text, Err: errors.New("6.1.5-1 stands in the index, but it cannot be had"), Gone: true}
			}
			return &kernels.Image{Kernel: event.Kernel{ID: ref.Version}}, nil
		},
		run: func(_ context.Context, o runOptions, _ map[string]outcome) ([]verdict.Result, error) {
			p := verdict.Spec{Name: "one", Judgement: verdict.Judgement{Verdict: verdict.Pass}, Rounds: o.repeat}
			if o.kernels[0] < "debian:6.1.4" {
				p.Verdict, p.Bisect = verdict.Fail, verdict.CodeBad
			}
			return []verdict.Result{{Suites: []verdict.Suite{{Name: "sockmap", Specs: []verdict.Spec{p}}}}}, nil
		},
	}
	o := bisectOptions{kernels: strings.Split("debian:6.1.8-1,debian:6.1.1-1,debian:6.1.6-1,debian:6.1.4-1,debian:6.1.5-1", ","), confidence: 0.9,
		ask: questionFlags{suite: "sockmap", spec: "one", size: "quick"}, out: filepath.Join(h.dir, "out"), vm: vmOptions{accel: "tcg"}}
	if code := codeOf(t.Context(), func(ctx context.Context) error { return h.bisect(ctx, o, store, p) }); code != 0 {
		t.Fatalf("code %d\n%s", code, h.err.String())
	}
	r := h.report(t)
	if r.Find != bisect.Fix || r.First[0].ID != "debian:6.1.4-1" || r.Before[0].ID != "debian:6.1.1-1" {
		t.Errorf("%+v", r.Result)
	}
	i := slices.IndexFunc(r.Steps, func(s bisect.Step) bool { return s.Kernel.ID == "debian:6.1.5-1" })
	if i < 0 || r.Steps[i].Verdict != gone || r.Steps[i].Answer != bisect.Skip {
		t.Errorf("the one that is gone: %+v", r.Steps)
	}
}

// Command lines that make no sense leave by 129, and nothing behind.
func TestBisectUsage(t *testing.T) {
	h := newHunting(t, 3, 1, 3)
	in := "bisect --tree " + h.tree + " --case " + staleEntry + " "
	for line, message := range map[string]string{
		"bisect":                      "say what to ask",
		"bisect --case " + staleEntry: "say where to search",
		"bisect --case nope --tree x --good a --bad b":                              `there is none named "nope"`,
		"bisect --suite nope --spec x --kernels debian:6.1.1-1,debian:6.1.2-1":      `no "nope" in`,
		"bisect --suite sockmap --spec ( --kernels debian:6.1.1-1,debian:6.1.2-1":   "spec: error parsing regexp",
		"bisect --case " + staleEntry + " --spec x --kernels debian:6.1":            "a case has specs of its own",
		"bisect --case " + staleEntry + " --kernels debian:6.1.1-1":                 "names one kernel",
		"bisect --case " + staleEntry + " --kernels debian:6.1.1-1,debian:6.1.1-1":  "named twice",
		"bisect --case " + staleEntry + " --kernels debian:6.1 --tree x":            "are there already",
		in + "--good HEAD --bad HEAD":                                               "both ends are the commit",
		in + "--good HEAD --bad v6.66":                                              `there is no commit "v6.66"`,
		in + "--good HEAD --bad HEAD~2 --find break":                                "that is a fix",
		in + "--good HEAD~2 --bad HEAD --find fix":                                  "that is no fix",
		in + "--good HEAD~2 --bad HEAD --find it":                                   "neither break nor fix",
		in + "--good HEAD~2 --bad HEAD --confidence 1":                              "confidence: 1 is not",
		in + "--good HEAD~2 --bad HEAD --size huge":                                 "none of quick, default, soak",
		in + "--good HEAD~2 --bad HEAD --trigger 2":                                 "no share above 0",
		"bisect --tree " + h.dir + " --case " + staleEntry + " --good HEAD --bad b": "is no git repository",
		"bisect --resume " + h.tree:                                                 "is no folder of a bisection",
		"bisect --resume " + h.tree + " --case " + staleEntry:                       "is resumed as it was begun",
		"verdict": "say what to ask",
		"verdict --case " + staleEntry + " --find it":  "neither break nor fix",
		"verdict --case " + staleEntry + " --trials 0": "not at least 1",
	} {
		t.Chdir(h.dir)
		if code, out, stderr := h.do(t.Context(), strings.Fields(line)...); code != codeUsage || !strings.Contains(stderr, message) || strings.Count(stderr, "\n") != 1 || out != "" {
			t.Errorf("krepro %s: code %d\n%s%s; want %q", line, code, out, stderr, message)
		}
		if _, err := os.Stat("runs"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("krepro %s left a folder", line)
		}
	}
}

// Two at the same bisection would ask everything twice.
func TestBisectLocked(t *testing.T) {
	h := newHunting(t, 9, 4, 9)
	h.before = func(int) error { return errors.New("stop") }
	h.ask(t, t.Context(), h.options(0, 8))
	b, err := resumeBisection(filepath.Join(h.dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	if code := h.ask(t, t.Context(), bisectOptions{resume: b.dir}); code != codeUsage {
		t.Errorf("code %d while another is at it", code)
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
}
