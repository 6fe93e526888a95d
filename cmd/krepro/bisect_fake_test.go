package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
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
