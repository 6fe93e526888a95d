// Package history walks the commits of a git tree with git bisect.
//
// It does so in a bare repository of its own, which borrows the tree's objects:
// the tree, its refs and its own bisections stay as they are. There git bisect
// log, visualize and replay go on working, and the log can be replayed in the
// tree itself.
package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/krepro/krepro/kernels/source"
)

// Commit is one commit.
type Commit struct {
	Hash    string
	Parents []string
	Author  string // with address
	Date    string // of the author, 2026-03-14
	Subject string
}

// RevError says that commits are named wrongly: git does not know one, or no
// way leads from one to the other.
type RevError struct{ Text string }

func (e *RevError) Error() string { return e.Text }

// Tree is a git tree whose history is walked.
type Tree struct {
	Dir string
}

// Resolve finds a commit by any name that git knows it by. *RevError if there
// is none.
func (t Tree) Resolve(ctx context.Context, rev string) (Commit, error) {
	if _, err := source.Git(ctx, "-C", t.Dir, "rev-parse", "--git-dir"); err != nil {
		return Commit{}, wrong(ctx, err, "%s is no git repository that can be read: %v", t.Dir, err)
	}
	hash, err := source.CommitOf(ctx, t.Dir, rev)
	if err != nil {
		return Commit{}, wrong(ctx, err, "there is no commit %q in %s", rev, t.Dir)
	}
	return describe(ctx, t.Dir, hash)
}

// wrong is a RevError, unless git was interrupted.
func wrong(ctx context.Context, err error, format string, args ...any) error {
	if ctx.Err() != nil {
		return err
	}
	return &RevError{fmt.Sprintf(format, args...)}
}

// describe reads a commit.
func describe(ctx context.Context, repo, hash string) (Commit, error) {
	text, err := source.Git(ctx, "-C", repo, "log", "-1", "--no-show-signature", "--no-color", "--format=%H%x00%P%x00%an <%ae>%x00%as%x00%s", hash)
	if err != nil {
		return Commit{}, fmt.Errorf("read commit: %w", err)
	}
	fields := strings.SplitN(text, "\x00", 5)
	if len(fields) != 5 {
		return Commit{}, fmt.Errorf("read commit %s: git printed %q", hash, text)
	}
	return Commit{Hash: fields[0], Parents: strings.Fields(fields[1]), Author: fields[2], Date: fields[3], Subject: fields[4]}, nil
}

// Order tells which of two commits comes before the other: -1 for the first, 1
// for the second, 0 if they are on branches that part at a commit before both.
// *RevError if git bisect cannot go from one to the other: they are one, or have
// nothing in common.
func (t Tree) Order(ctx context.Context, a, b Commit) (int, error) {
	if a.Hash == b.Hash {
		return 0, &RevError{fmt.Sprintf("both ends are the commit %s", a.Hash)}
	}
	base, err := source.Git(ctx, "-C", t.Dir, "merge-base", a.Hash, b.Hash)
	switch {
	case err != nil:
		return 0, wrong(ctx, err, "%.12s and %.12s have no commit in common", a.Hash, b.Hash)
	case base == a.Hash:
		return -1, nil
	case base == b.Hash:
		return 1, nil
	}
	return 0, nil
}

// borrow makes a bare repository that has all that the tree has. One that is
// there is made anew: it holds nothing but a bisection, which is begun anew too.
func (t Tree) borrow(ctx context.Context, repo string) error {
	if err := os.RemoveAll(repo); err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	if _, err := source.Git(ctx, "init", "--quiet", "--bare", repo); err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	objects, err := source.Git(ctx, "-C", t.Dir, "rev-parse", "--path-format=absolute", "--git-path", "objects")
	if err != nil {
		return fmt.Errorf("find the tree's objects: %w", err)
	}
	if err := os.WriteFile(filepath.Join(repo, "objects/info/alternates"), []byte(objects+"\n"), 0o644); err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	// Of a shallow clone git has to know where history ends.
	shallow, err := source.Git(ctx, "-C", t.Dir, "rev-parse", "--path-format=absolute", "--git-path", "shallow")
	if err != nil {
		return fmt.Errorf("find the tree's history: %w", err)
	}
	ends, err := os.ReadFile(shallow)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(repo, "shallow"), ends, 0o644)
	}
	if err != nil {
		return fmt.Errorf("make repository: %w", err)
	}
	return nil
}
