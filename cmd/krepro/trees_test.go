package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/krepro/krepro/kernels"
)

// history is a git repository of single changes to a kernel tree, first the
// tree itself. It has no objects of that tree: it borrows them. Nothing is
// checked out, and its commits are the same each time it is made.
type history struct {
	dir     string
	changes []change
	commits []string // full hashes, oldest first; commits[0] is the tree, commits[i] has changes[i-1]
}

// change is one commit: old is replaced by new in a file, or a bug brought back.
type change struct {
	subject  string
	file     string
	old, new string
	bug      string // case whose patch for 5.10 is applied
	fixed    bool   // or taken out again
}

// newHistory commits changes one after another on a tree that a repository has.
// It lies in the same place each time: kernels are built again from where the
// last test left them. Tests wait for each other there.
func newHistory(t *testing.T, name, repo, base string, changes []change) *history {
	t.Helper()
	h := &history{dir: filepath.Join(os.TempDir(), "krepro-history-"+name), changes: changes}
	lock := flock.New(filepath.Join(repo, "HEAD"), flock.SetFlag(os.O_RDONLY))
	if _, err := lock.TryLockContext(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(os.RemoveAll(h.dir), lock.Unlock()); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(os.RemoveAll(h.dir), os.Mkdir(h.dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	h.git(t, nil, "init", "--quiet", "--initial-branch=main")
	alternates := filepath.Join(h.dir, ".git/objects/info/alternates")
	if err := os.WriteFile(alternates, []byte(filepath.Join(repo, "objects")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.commits = []string{h.git(t, nil, "commit-tree", "-m", "the tree as it was", base)}
	h.git(t, nil, "read-tree", base)
	for _, c := range changes {
		h.stage(t, c)
		tree := h.git(t, nil, "write-tree")
		parent := h.commits[len(h.commits)-1]
		h.commits = append(h.commits, h.git(t, nil, "commit-tree", "-p", parent, "-m", c.subject, tree))
	}
	h.git(t, nil, "update-ref", "refs/heads/main", h.commits[len(h.commits)-1])
	return h
}

// history510 is the history of Linux 5.10.223, from Debian's source.
func history510(t *testing.T) *history {
	t.Helper()
	store, err := kernels.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	ref, err := kernels.ParseRef("debian-source:5.10.223-1")
	if err != nil {
		t.Fatal(err)
	}
	repo, tree, err := store.Source(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return newHistory(t, "5.10.223", repo, tree, changes510)
}

// ref is the reference of commit i, with additions.
func (h *history) ref(i int, additions ...string) string {
	return "tree:" + h.dir + "@" + h.commits[i] + strings.Join(additions, "")
}

// stage puts a change into the index.
func (h *history) stage(t *testing.T, c change) {
	t.Helper()
	if c.bug != "" {
		args := []string{"apply", "--cached"}
		if c.fixed {
			args = append(args, "--reverse")
		}
		h.git(t, patchOf(t, "5.10", c.bug).Text, args...)
		return
	}
	text := h.git(t, nil, "cat-file", "blob", ":"+c.file) + "\n"
	if n := strings.Count(text, c.old); n != 1 {
		t.Fatalf("%s: %q stands %d times in %s, want once", c.subject, c.old, n, c.file)
	}
	blob := h.git(t, []byte(strings.Replace(text, c.old, c.new, 1)), "hash-object", "-w", "--stdin")
	h.git(t, nil, "update-index", "--cacheinfo", "100644,"+blob+","+c.file)
}

// at is the commit with a subject.
func (h *history) at(t *testing.T, subject string) string {
	t.Helper()
	i := slices.IndexFunc(h.changes, func(c change) bool { return c.subject == subject })
	if i < 0 {
		t.Fatalf("no commit is called %q", subject)
	}
	return h.commits[i+1]
}

// git runs git in the repository and returns its output without the last newline.
func (h *history) git(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Stdin = h.dir, bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A Developer", "GIT_AUTHOR_EMAIL=developer@example.org", "GIT_AUTHOR_DATE=2024-08-10T12:00:00Z",
		"GIT_COMMITTER_NAME=A Developer", "GIT_COMMITTER_EMAIL=developer@example.org", "GIT_COMMITTER_DATE=2024-08-10T12:00:00Z")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}
