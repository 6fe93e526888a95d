package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/vmtest/matrix"
)

// Of old runs those go that neither field keeps; whatever else lies there stays.
func TestRetain(t *testing.T) {
	for name, test := range map[string]struct {
		keep matrix.Keep
		want string // what is left of the runs
	}{
		"nothing said":     {matrix.Keep{}, "a b c d e"},
		"the newest three": {matrix.Keep{Runs: 3}, "c d e"},
		"ten days":         {matrix.Keep{Days: 10}, "b c d e"},
		"either":           {matrix.Keep{Runs: 3, Days: 10}, "b c d e"},
		"this one alone":   {matrix.Keep{Runs: 1}, "d e"}, // d has no verdicts and may be going on
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			t.Chdir(w.dir)
			for run, days := range map[string]float64{"a": 40, "b": 9.5, "c": 2, "d": 0.5, "e": 0} {
				dir := filepath.Join("runs", run)
				putJSON(t, filepath.Join(dir, runFile), invocation{Started: started.Add(-time.Duration(days * 24 * float64(time.Hour)))})
				if run != "d" {
					put(t, filepath.Join(dir, verdictsFile), "{}")
				}
			}
			put(t, "runs/notes/run.json", "mine")
			put(t, "runs/other/file", "mine")
			put(t, "elsewhere/run.json", "{}")
			if err := os.Symlink("../elsewhere", "runs/link"); err != nil {
				t.Fatal(err)
			}
			if err := w.retain(test.keep, filepath.Join("runs", "e"), matrixOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := left(t, "runs"); got != test.want+" link notes other" {
				t.Errorf("left %s, want %s", got, test.want)
			}
			if _, err := os.Stat("elsewhere/run.json"); err != nil {
				t.Error("what a link leads to is gone")
			}
		})
	}
}

// What is going on stays, however long that takes, and what the run was compared
// with. Age is by this run, not by a folder whose clock was wrong.
func TestRetainSpares(t *testing.T) {
	w := newWorld(t)
	t.Chdir(w.dir)
	for run, days := range map[string]float64{"base": 40, "future": -4000, "going": 3, "new": 0, "old": 30, "young": 2} {
		dir := filepath.Join("runs", run)
		putJSON(t, filepath.Join(dir, runFile), invocation{Started: started.Add(-time.Duration(days * 24 * float64(time.Hour)))})
		if run != "going" {
			put(t, filepath.Join(dir, verdictsFile), "{}")
		}
	}
	lock, err := lockRun("runs/going")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.retain(matrix.Keep{Days: 3}, "runs/new", matrixOptions{compare: "./runs/base/"}); err != nil || left(t, "runs") != "base future going new young" {
		t.Errorf("%v; left %s", err, left(t, "runs"))
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := w.retain(matrix.Keep{Days: 3}, "runs/new", matrixOptions{}); err != nil || left(t, "runs") != "future new young" {
		t.Errorf("nobody is at it any more: %v; left %s", err, left(t, "runs"))
	}
}

func left(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// Where the user has chosen the folder, nothing beside it is touched.
func TestRetainElsewhere(t *testing.T) {
	w := newWorld(t)
	t.Chdir(w.dir)
	for _, run := range []string{"old", "new"} {
		putJSON(t, filepath.Join("mine", run, runFile), invocation{Started: started})
		put(t, filepath.Join("mine", run, verdictsFile), "{}")
	}
	if err := w.retain(matrix.Keep{Runs: 1}, "mine/new", matrixOptions{out: "mine/new"}); err != nil || left(t, "mine") != "new old" {
		t.Errorf("%v; left %s", err, left(t, "mine"))
	}
}
