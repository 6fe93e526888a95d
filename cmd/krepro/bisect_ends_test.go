package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/verdict"
)

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
		in + "--good HEAD~2 --bad HEAD --config my.cfg":                             "config: my.cfg: a fragment's name has to end with .config",
		"verdict --case " + staleEntry + " --config my.cfg":                         "has to end with .config",
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

// The changelog's line of the case's commit, or the word that there is none.
func TestChangelogLines(t *testing.T) {
	change := cases.Change{Subject: "bpf, sockmap: Fix it"}
	items := []debian.Item{{Text: "net: other", Upstream: "5.10.222"}, {Text: "[x86] bpf, sockmap: Fix it (CVE-2026-1)", Upstream: "5.10.222"}}
	for want, given := range map[string][]debian.Item{
		"Debian's changelog of 5.10.223-1: [x86] bpf, sockmap: Fix it (CVE-2026-1) (upstream 5.10.222)":            items,
		`Debian's changelog names 1 changes between 5.10.218-1 and 5.10.223-1, and none is "bpf, sockmap: Fix it"`: items[:1],
	} {
		if got := changelogLines(given, change, "5.10.218-1", "5.10.223-1"); len(got) != 1 || got[0] != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
