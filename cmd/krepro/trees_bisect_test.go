package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The history is made so that git bisect, which looks at the graph alone, meets
// the commits that cannot be told, among at least twelve each time.
func TestBisectionsMeetTheSkips(t *testing.T) {
	h := bareHistory(t, changes510)
	end := len(h.commits) - 1
	mid := slices.Index(h.commits, h.at(t, midway))
	for _, c := range []struct {
		good, bad     int
		terms         []string
		answer, meets string
	}{
		{0, mid, []string{"good", "bad"}, breaks, unbuilt},
		{mid, end, []string{"affected", "unaffected"}, fixes, unbooted},
	} {
		if n := c.bad - c.good; n < 12 {
			t.Errorf("%s: only %d commits to search", c.answer, n)
		}
		asked := h.bisect(t, c.good, c.bad, c.terms, c.answer)
		t.Logf("asked: %s", strings.Join(asked, " · "))
		if !slices.Contains(asked, c.meets) {
			t.Errorf("search of %q never asks %q, but %q", c.answer, c.meets, asked)
		}
	}
}

// bareHistory has the same commits without any change.
func bareHistory(t *testing.T, changes []change) *history {
	t.Helper()
	h := &history{dir: t.TempDir(), changes: changes}
	h.git(t, nil, "init", "--quiet", "--initial-branch=main")
	h.git(t, nil, "commit", "--quiet", "--allow-empty", "-m", "the tree as it was")
	for _, c := range changes {
		h.git(t, nil, "commit", "--quiet", "--allow-empty", "-m", c.subject)
	}
	h.commits = strings.Fields(h.git(t, nil, "rev-list", "--reverse", "main"))
	return h
}

// bisect has git bisect find the commit with a subject and returns the subjects
// of those it asks about.
func (h *history) bisect(t *testing.T, older, newer int, terms []string, answer string) []string {
	t.Helper()
	changed := slices.Index(h.commits, h.at(t, answer))
	var script strings.Builder
	script.WriteString("s=$(git log -1 --format=%H); git log -1 --format=%s >> ../asked-" + terms[0] + "\ncase $s in\n")
	for i, commit := range h.commits {
		code := "0"
		switch subject := h.subject(i); {
		case subject == unbuilt || subject == unbooted:
			code = "125"
		case i >= changed:
			code = "1"
		}
		script.WriteString(commit + ") exit " + code + ";;\n")
	}
	script.WriteString("esac\nexit 255\n")
	asked := filepath.Join(filepath.Dir(h.dir), "asked-"+terms[0])
	h.git(t, nil, "bisect", "start", "--term-old="+terms[0], "--term-new="+terms[1], h.commits[newer], h.commits[older])
	out := h.git(t, nil, "bisect", "run", "sh", "-c", script.String())
	if !strings.Contains(out, h.commits[changed]+" is the first "+terms[1]+" commit") {
		t.Errorf("git bisect run found something else:\n%s", out)
	}
	h.git(t, nil, "bisect", "reset")
	text, err := os.ReadFile(asked)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// subject is what commit i is called.
func (h *history) subject(i int) string {
	if i == 0 {
		return "the tree as it was"
	}
	return h.changes[i-1].subject
}
