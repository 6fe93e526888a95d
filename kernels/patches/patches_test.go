package patches

import (
	"bytes"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/cases"
)

// Every patch is of a case, undoes what fixed that, and is a small change.
func TestPatches(t *testing.T) {
	all, err := Load()
	if err != nil || len(all) == 0 {
		t.Fatalf("%d patches, %v", len(all), err)
	}
	corpus, err := cases.Load()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]cases.Case{}
	for _, c := range corpus {
		known[c.Name] = c
	}
	for _, p := range all {
		for _, name := range p.Cases {
			if _, ok := known[name]; !ok {
				t.Errorf("%s: there is no case %q", p.File, name)
			}
		}
		c := known[p.Cases[0]]
		if !strings.HasPrefix(p.File, c.Name) {
			t.Errorf("%s is not named after its case %s", p.File, c.Name)
		}
		if !strings.HasPrefix(p.Undoes, c.Fixed.Commit) {
			t.Errorf("%s: undoes %q, the case was fixed by %s", p.File, p.Undoes, c.Fixed.Commit)
		}
		if n := changed(t, p); n == 0 || n > 10 {
			t.Errorf("%s: changes %d lines", p.File, n)
		}
	}
}

// changed counts the lines that a patch adds and removes; git says whether it is one.
func changed(t *testing.T, p Patch) int {
	t.Helper()
	git := exec.Command("git", "apply", "--numstat", "-")
	git.Stdin = bytes.NewReader(p.Text)
	if out, err := git.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", p.File, err, out)
	}
	n := 0
	for line := range bytes.Lines(p.Text) {
		if (line[0] == '-' || line[0] == '+') && !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("+++")) {
			n++
		}
	}
	return n
}

// Of every case somebody has seen its specs fail: on a prebuilt kernel, on one
// built with a patch, or the case says why nobody has.
func TestEveryCaseIsControlled(t *testing.T) {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	corpus, err := cases.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range corpus {
		seen := slices.Contains(slices.Collect(maps.Values(c.Seen)), cases.Affected)
		patched := slices.ContainsFunc(all, func(p Patch) bool { return slices.Contains(p.Cases, c.Name) })
		if (seen || patched) == (c.Uncontrolled != "") {
			t.Errorf("%s: seen affected: %t, by a patch: %t, uncontrolled: %q", c.Name, seen, patched, c.Uncontrolled)
		}
	}
}

// A line has one patch a case, so that a kernel can be asked with all of them.
func TestOnePatchForACaseAndLine(t *testing.T) {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"5.10", "6.1", "6.12", "7.2"} {
		seen := map[string]bool{}
		for _, p := range Of(all, line) {
			for _, name := range p.Cases {
				if seen[name] {
					t.Errorf("%s: two patches of %s", line, name)
				}
				seen[name] = true
			}
		}
		if !seen["sockhash-stale-entry"] {
			t.Errorf("%s: none brings the stale entries back", line)
		}
	}
}

func TestParseSaysWhatIsMissing(t *testing.T) {
	for text, want := range map[string]string{
		"Cases: a\nLines: 6.1\n\nabout\n":                "no patch",
		"Cases: a\n\nabout\n---\ndiff":                   "must be there",
		"Cases: a\nLines: 6.1\n---\ndiff":                "must be there",
		"Cases: a\nLines: 6.1\nFixes: x\n\na\n---\ndiff": "Fixes",
	} {
		if _, err := parse("x.patch", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}
