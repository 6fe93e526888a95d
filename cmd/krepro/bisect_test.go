package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/verdict"
)

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
