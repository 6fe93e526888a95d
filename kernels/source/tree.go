package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Tree is source that can be checked out.
type Tree struct {
	Repo    string // the repository's folder
	ID      string // git's hash of the files
	Commit  string // full hash; "" of files that are no commit
	Subject string // of the commit, or what the files are
}

// Error says what is wrong with a tree, and what to do.
type Error struct{ Reason, Hint string }

func (e *Error) Error() string { return e.Reason + "; " + e.Hint }

// IsGit tells whether a folder is a git tree or a bare repository.
func IsGit(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		return true
	}
	_, headErr := os.Stat(filepath.Join(dir, "HEAD"))
	_, objectsErr := os.Stat(filepath.Join(dir, "objects"))
	return headErr == nil && objectsErr == nil
}

// OfGit takes a revision of a git tree, or without one the files of its work
// tree as they lie: tracked, modified and new ones that are not ignored. *Error
// if there is no such revision.
func OfGit(ctx context.Context, repo, dir, rev string) (Tree, error) {
	objects, err := pathOf(ctx, dir, "objects")
	if err != nil {
		return Tree{}, err
	}
	if err := open(ctx, repo, objects); err != nil {
		return Tree{}, err
	}
	if rev == "" {
		return asItLies(ctx, repo, dir, objects)
	}
	commit, err := CommitOf(ctx, dir, rev)
	if err != nil {
		if ctx.Err() != nil {
			return Tree{}, err
		}
		return Tree{}, &Error{fmt.Sprintf("%s has no revision %q", dir, rev), "name a commit, tag or branch that git log knows"}
	}
	t := Tree{Repo: repo, Commit: commit}
	if t.ID, err = git(ctx, nil, "-C", dir, "rev-parse", commit+"^{tree}"); err != nil {
		return Tree{}, err
	}
	if t.Subject, err = git(ctx, nil, "-C", dir, "log", "-1", "--no-show-signature", "--format=%s", commit); err != nil {
		return Tree{}, err
	}
	return t, t.isKernel(ctx)
}

// CommitOf is the full hash of the commit that a revision names. It is asked in
// two steps, as :/TEXT takes all behind it for text.
func CommitOf(ctx context.Context, dir, rev string) (string, error) {
	object, err := git(ctx, nil, "-C", dir, "rev-parse", "--verify", "--quiet", "--end-of-options", rev)
	if err != nil {
		return "", err
	}
	return git(ctx, nil, "-C", dir, "rev-parse", "--verify", "--quiet", object+"^{commit}")
}

// pathOf is where a git tree has something of its own, absolute.
func pathOf(ctx context.Context, dir, name string) (string, error) {
	return git(ctx, nil, "-C", dir, "rev-parse", "--path-format=absolute", "--git-path", name)
}

// asItLies writes the work tree's files as a git tree: by a copy of the index,
// and with new objects in the private repository.
func asItLies(ctx context.Context, repo, dir, objects string) (Tree, error) {
	inside, err := git(ctx, nil, "-C", dir, "rev-parse", "--is-inside-work-tree")
	if err != nil {
		return Tree{}, err
	}
	if inside != "true" {
		return Tree{}, &Error{dir + " is a bare repository, no files lie there", "name a revision: tree:" + dir + "@REVISION"}
	}
	theirs, err := pathOf(ctx, dir, "index")
	if err != nil {
		return Tree{}, err
	}
	index := filepath.Join(repo, "index")
	if err := copyIndex(theirs, index); err != nil {
		return Tree{}, err
	}
	env := []string{"GIT_INDEX_FILE=" + index, "GIT_OBJECT_DIRECTORY=" + filepath.Join(repo, "objects"), "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + objects}
	if _, err := git(ctx, env, "-C", dir, "add", "--all"); err != nil {
		return Tree{}, err
	}
	t := Tree{Repo: repo}
	if t.ID, err = git(ctx, env, "-C", dir, "write-tree"); err != nil {
		return Tree{}, err
	}
	if err := t.compare(ctx, dir); err != nil {
		return Tree{}, err
	}
	return t, t.isKernel(ctx)
}

// compare names the commit that files are, or that they differ from.
func (t *Tree) compare(ctx context.Context, dir string) error {
	head, err := git(ctx, nil, "-C", dir, "log", "-1", "--no-show-signature", "--format=%H %T %s")
	if ctx.Err() != nil {
		return err
	}
	if err != nil { // nothing is committed yet
		t.Subject = "files of " + filepath.Base(dir)
		return nil
	}
	commit, rest, _ := strings.Cut(head, " ")
	id, subject, _ := strings.Cut(rest, " ") // a commit may have no message
	if id == t.ID {
		t.Commit, t.Subject = commit, subject
		return nil
	}
	t.Subject = fmt.Sprintf("changes on %.12s (%s)", commit, subject)
	return nil
}

// copyIndex copies an index with its time: git takes files that changed in the
// same instant as the index for changed.
func copyIndex(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.Remove(to)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("copy index: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("copy index: %w", err)
	}
	out, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("copy index: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close(), os.Chtimes(to, info.ModTime(), info.ModTime())); err != nil {
		return fmt.Errorf("copy index: %w", err)
	}
	return nil
}

// OfFolder takes the files of a folder that is under no git. The first time all
// are read and kept, later only those that changed.
func OfFolder(ctx context.Context, repo, dir string) (Tree, error) {
	for _, left := range []string{".config", "include/config"} {
		if _, err := os.Stat(filepath.Join(dir, left)); err == nil {
			return Tree{}, &Error{fmt.Sprintf("a kernel was configured or built in %s: there is %s", dir, left), "run make mrproper there, or put the source under git"}
		}
	}
	if err := open(ctx, repo, ""); err != nil {
		return Tree{}, err
	}
	at, work := "--git-dir="+repo, "--work-tree="+dir
	// Debian's source has a .gitignore that ignores everything, hence --force.
	if _, err := git(ctx, nil, "-C", dir, at, work, "add", "--all", "--force", "."); err != nil {
		return Tree{}, err
	}
	t := Tree{Repo: repo, Subject: "files of " + filepath.Base(dir)}
	var err error
	if t.ID, err = git(ctx, nil, at, "write-tree"); err != nil {
		return Tree{}, err
	}
	return t, t.isKernel(ctx)
}

// top is what the top folder of every kernel source has.
var top = []string{"Kconfig", "Makefile", "scripts/kconfig"}

var errNoKernel = &Error{"this is no kernel tree: " + strings.Join(top, ", ") + " are not all there", "name the top folder of a kernel's source"}

// CheckFolder refuses a folder that is no kernel source before all of it is
// read: it may be somebody's home. *Error.
func CheckFolder(dir string) *Error {
	for _, name := range top {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return errNoKernel
		}
	}
	return nil
}

// isKernel refuses what is no kernel source.
func (t Tree) isKernel(ctx context.Context) error {
	files, err := git(ctx, nil, append([]string{"--git-dir=" + t.Repo, "ls-tree", "--name-only", t.ID}, top...)...)
	if err != nil {
		return err
	}
	if strings.Count(files, "\n") != len(top)-1 {
		return errNoKernel
	}
	return nil
}

// Checkout makes the folder's src the tree's files. Only files that differ are
// written, so that make builds again what depends on them and no more; whatever
// else lies in src goes. The index is beside it.
func (t Tree) Checkout(ctx context.Context, folder string) error {
	src, index := filepath.Join(folder, "src"), filepath.Join(folder, "index")
	if err := os.MkdirAll(src, 0o755); err != nil {
		return fmt.Errorf("check out source: %w", err)
	}
	if err := os.Remove(index + ".lock"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("check out source: %w", err)
	}
	env := []string{"GIT_INDEX_FILE=" + index}
	at, work := "--git-dir="+t.Repo, "--work-tree="+src
	if _, err := git(ctx, env, "-C", src, at, work, "read-tree", "--reset", "-u", t.ID); err != nil {
		return err
	}
	_, err := git(ctx, env, "-C", src, at, work, "clean", "-ffdxq")
	return err
}
