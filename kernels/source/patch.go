package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/krepro/krepro/harness/event"
)

// PatchError says which patch does not apply to a tree, and where.
type PatchError struct {
	Patch string // file
	Text  string // several lines
}

func (e *PatchError) Error() string { return e.Patch + ": " + e.Text }

// Patch is the tree with patches applied in order. *PatchError.
func (t Tree) Patch(ctx context.Context, files []string) (Tree, []event.Patch, error) {
	if len(files) == 0 {
		return t, nil, nil
	}
	index := filepath.Join(t.Repo, "patch.index")
	for _, left := range []string{index, index + ".lock"} {
		if err := os.Remove(left); err != nil && !errors.Is(err, os.ErrNotExist) {
			return t, nil, fmt.Errorf("apply patches: %w", err)
		}
	}
	defer os.Remove(index)
	at, env := "--git-dir="+t.Repo, []string{"GIT_INDEX_FILE=" + index}
	if _, err := git(ctx, env, at, "read-tree", t.ID); err != nil {
		return t, nil, err
	}
	var patches []event.Patch
	for _, file := range files {
		if err := t.apply(ctx, env, file); err != nil {
			return t, nil, err
		}
		before := t.ID
		var err error
		if t.ID, err = git(ctx, env, at, "write-tree"); err != nil {
			return t, nil, err
		}
		id, err := t.patchID(ctx, before)
		if err != nil {
			return t, nil, err
		}
		patches = append(patches, event.Patch{Name: filepath.Base(file), ID: id})
	}
	return t, patches, nil
}

// apply applies a patch to the index that env names.
func (t Tree) apply(ctx context.Context, env []string, file string) error {
	apply := []string{"--git-dir=" + t.Repo, "apply", "--cached", "--whitespace=nowarn"}
	_, err := git(ctx, env, append(apply, "--verbose", file)...)
	var failed *gitError
	if !errors.As(err, &failed) || ctx.Err() != nil || failed.host() {
		return err
	}
	if _, err := git(ctx, env, append(apply, "--reverse", "--check", file)...); err == nil {
		return &PatchError{file, "the tree has its changes already"}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read patch: %w", err)
	}
	return &PatchError{file, whyNot(failed.said, string(text))}
}

// hostSaid is in git's messages when the machine is at fault, and not the patch.
var hostSaid = regexp.MustCompile(`No space left|quota|Read-only file system|Input/output error|[Uu]nable to (write|create)|[Oo]ut of memory|Cannot allocate memory`)

// host tells whether the machine made git fail. Killed, git says nothing.
func (e *gitError) host() bool {
	return strings.TrimSpace(e.said) == "" || hostSaid.MatchString(e.said)
}

// patchID is what git takes for the identity of a change from an earlier tree to
// this one, whatever its line numbers and white space: git patch-id --stable of
// the commit that it was made from says the same.
func (t Tree) patchID(ctx context.Context, before string) (string, error) {
	diff, err := git(ctx, nil, "--git-dir="+t.Repo, "diff-tree", "-p", "-M", before, t.ID)
	if err != nil {
		return "", err
	}
	cmd := command(ctx, nil, "patch-id", "--stable")
	cmd.Stdin = strings.NewReader(diff + "\n")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("identify patch: %w", err)
	}
	id, _, _ := strings.Cut(string(out), " ")
	return id, nil
}

// maxContext bounds the lines of a hunk that are quoted.
const maxContext = 12

var (
	applyFailed = regexp.MustCompile(`(?m)^error: patch failed: (.*):(\d+)$`)
	applySought = regexp.MustCompile(`(?s)error: while searching for:\n(.*?)\nerror: patch failed: `)
	applyError  = regexp.MustCompile(`(?m)^(?:error|fatal): (.*)$`)
)

// whyNot tells from git's messages and the patch which hunk does not apply.
func whyNot(said, patch string) string {
	m := applyFailed.FindStringSubmatch(said)
	if m == nil {
		var all []string
		for _, m := range applyError.FindAllStringSubmatch(said, -1) {
			all = append(all, m[1])
		}
		return "does not apply: " + strings.Join(all, "; ")
	}
	hunk, hunks := hunkAt(patch, m[1], m[2])
	text := fmt.Sprintf("does not apply: hunk %d of %d of %s, for line %s", hunk, hunks, m[1], m[2])
	if sought := applySought.FindStringSubmatch(said); sought != nil {
		lines := strings.Split(strings.TrimRight(sought[1], "\n"), "\n")
		text += "; the tree does not have these lines there:"
		for _, line := range lines[:min(len(lines), maxContext)] {
			text += "\n    | " + line
		}
	}
	return text
}

var hunkHead = regexp.MustCompile(`^@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@`)

// hunkAt counts a file's hunks in a patch, and finds the one for a line.
func hunkAt(patch, file, line string) (hunk, hunks int) {
	ours := false
	for l := range strings.Lines(patch) {
		l = strings.TrimRight(l, "\r\n")
		if name, ok := strings.CutPrefix(l, "--- "); ok {
			ours = strings.HasSuffix(name, "/"+file) || name == file
		}
		if m := hunkHead.FindStringSubmatch(l); m != nil && ours {
			hunks++
			if sameNumber(m[1], line) {
				hunk = hunks
			}
		}
	}
	return hunk, hunks
}

// sameNumber compares line numbers; git counts from 1 where a patch says 0.
func sameNumber(a, b string) bool {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	return errX == nil && errY == nil && max(x, 1) == max(y, 1)
}
