package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/patches"
	"github.com/krepro/krepro/vmtest/compare"
)

// Of patches for a tree with the bug the fix is validated, what does nothing is
// not, and a fix that breaks another spec is harmful.
func TestTreeBackports(t *testing.T) {
	e := buildTest(t)
	h := history510(t)
	middle := slices.Index(h.commits, h.at(t, midway))
	fix := h.patch(t, fixes)
	for _, c := range []struct {
		name    string
		patches []string
		want    compare.Verdict
		code    int
		reason  string
	}{
		{"the fix", []string{fix}, compare.Validated, 0, ""},
		{"no code", []string{h.patch(t, commented, "-R")}, compare.NotValidated, 1, "code"},
		{"other code", []string{h.patch(t, "pipe: three buffers will do")}, compare.NotValidated, 1, ""},
		{"the fix, and harm", []string{fix, patchFile(t, "pid.patch", patchOf(t, "6.12", "pidns-own-numbers"))}, compare.Harmful, 1, "pid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "backport")
			args := []string{"backport", "--base", h.ref(middle), "--case", staleEntry, "--out", dir,
				"--size", "quick", "--pairs", "1", "--suite", "sockmap,pidns"}
			for _, p := range c.patches {
				args = append(args, "--patch", p)
			}
			code, _ := e.call(t, args...)
			var r compare.Report
			text, err := os.ReadFile(filepath.Join(dir, backportFile))
			if err != nil || json.Unmarshal(text, &r) != nil {
				t.Fatalf("no report: %v", err)
			}
			reasons := strings.Join(r.Reasons, "\n")
			if code != c.code || r.Verdict != c.want || !strings.Contains(reasons, c.reason) {
				t.Errorf("exit code %d, %s, want %d, %s, for %q:\n%s", code, r.Verdict, c.code, c.want, c.reason, reasons)
			}
		})
	}
}

// patch writes a commit as a patch; options are those of git show.
func (h *history) patch(t *testing.T, subject string, options ...string) string {
	t.Helper()
	show := append([]string{"show", "--format=%s%n", h.at(t, subject)}, options...)
	return patchFile(t, "change.patch", patches.Patch{Text: []byte(h.git(t, nil, show...) + "\n")})
}

// patchOf is the patch of a case for a line.
func patchOf(t *testing.T, line, name string) patches.Patch {
	t.Helper()
	all, err := patches.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patches.Of(all, line) {
		if slices.Contains(p.Cases, name) {
			return p
		}
	}
	t.Fatalf("no patch for %s brings %s back", line, name)
	return patches.Patch{}
}
