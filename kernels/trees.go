package kernels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/kernels/source"
)

// Folders of the cache for kernels that are built.
const (
	sourcesDir = "sources" // repositories
	treesDir   = "trees"   // build folders
)

// Source has the source that a reference names in the cache, patches applied,
// and builds nothing: a git repository, and the hash of the tree in it.
func (s *Store) Source(ctx context.Context, ref Ref) (repo, tree string, err error) {
	t, _, err := s.source(ctx, ref)
	return t.Repo, t.ID, err
}

// source has the source that a reference names in a repository of the cache,
// patches applied.
func (s *Store) source(ctx context.Context, ref Ref) (t source.Tree, patches []event.Patch, err error) {
	name, take, err := s.origin(ctx, ref)
	if err != nil {
		return t, nil, err
	}
	held, err := lock(ctx, s.temp(name)+".lock", func() { s.say("waiting for the source of %s, which another krepro is reading", ref.Text) })
	if err != nil {
		return t, nil, err
	}
	defer func() { err = errors.Join(err, unlock(held)) }()
	repo := filepath.Join(s.Dir, sourcesDir, name)
	if err := s.holdFolder(repo); err != nil {
		return t, nil, err
	}
	if t, err = take(repo); err == nil {
		t, patches, err = t.Patch(ctx, ref.Patches)
	}
	var gone *debian.GoneError
	if errors.As(err, &gone) && lineForm.MatchString(ref.DebianSource) {
		s.say("%s", err)
		return s.source(ctx, ref) // an older one of the line
	}
	var wrong *source.Error
	var patch *source.PatchError
	switch {
	case errors.As(err, &wrong):
		err = &RefError{ref.Text, wrong.Reason, wrong.Hint}
	case errors.As(err, &patch):
		err = &BuildError{Ref: ref.Text, Stage: StagePatch, Text: patch.Error()}
	}
	return t, patches, err
}

// origin names the repository for a reference's source, and says how the source
// gets there.
func (s *Store) origin(ctx context.Context, ref Ref) (name string, take func(repo string) (source.Tree, error), err error) {
	if ref.DebianSource != "" {
		return s.debianSource(ctx, ref)
	}
	dir, err := filepath.Abs(ref.Tree)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", nil, &RefError{ref.Text, "the folder cannot be read: " + errno(err), "check the path"}
	}
	short := notInName.ReplaceAllString(filepath.Base(dir), "-") + "-" + hashOf(dir)[:8]
	if source.IsGit(dir) {
		return "git-" + short, func(repo string) (source.Tree, error) { return source.OfGit(ctx, repo, dir, ref.Commit) }, nil
	}
	if ref.Commit != "" {
		return "", nil, &RefError{ref.Text, "the folder is under no git, it has no revisions", "leave out @" + ref.Commit}
	}
	if wrong := source.CheckFolder(dir); wrong != nil {
		return "", nil, &RefError{ref.Text, wrong.Reason, wrong.Hint}
	}
	return "folder-" + short, func(repo string) (source.Tree, error) {
		if _, err := os.Stat(filepath.Join(repo, "index")); err != nil {
			s.say("reading %s", dir)
		}
		return source.OfFolder(ctx, repo, dir)
	}, nil
}

// holdFolder makes a folder of the cache and keeps it from being pruned until Close.
func (s *Store) holdFolder(path string) error {
	for {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("make %s: %w", path, err)
		}
		if held, err := s.hold(path); held || err != nil {
			return err
		}
	}
}

// Building is how far a build is.
type Building struct {
	Name string // what is built
	Made int    // files made so far
	// Expected is how many there will be, as far as an earlier build tells; 0: unknown.
	Expected int
	Ended    bool
}

// count follows one build.
type count struct {
	s    *Store
	now  Building
	file string // has the number of files of the last build from nothing; "" if this is none
}

// watch begins to follow a build. How much a build from nothing makes is known
// from the one before; what changed files make nobody knows.
func (s *Store) watch(r recipe, fresh bool) *count {
	c := &count{s: s, now: Building{Name: r.tree.Subject}}
	if fresh {
		c.file = filepath.Join(s.Dir, treesDir, "made")
		if text, err := os.ReadFile(c.file); err == nil {
			c.now.Expected, _ = strconv.Atoi(strings.TrimSpace(string(text))) // 0 if it is damaged
		}
	}
	return c
}

func (c *count) made(n int) {
	if c.now.Made = n; n > c.now.Expected {
		c.now.Expected = 0
	}
	c.tell()
}

func (c *count) tell() {
	if c.s.Building != nil {
		c.s.Building(c.now)
	}
}

// end tells the end of a build, and remembers how much it made. That is for
// people's eyes alone: if it cannot be written, the next build shows less.
func (c *count) end(whole bool) {
	if whole && c.file != "" {
		_ = replace(c.file, []byte(strconv.Itoa(c.now.Made)+"\n"))
	}
	c.now.Ended = true
	c.tell()
}

// BuildBytes is the size on disk of all source repositories and build folders.
func (s *Store) BuildBytes() (bytes int64, err error) {
	for _, dir := range []string{sourcesDir, treesDir} {
		n, sizeErr := sizeOf(filepath.Join(s.Dir, dir))
		bytes, err = bytes+n, errors.Join(err, sizeErr)
	}
	return bytes, err
}
