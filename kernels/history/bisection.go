package history

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/krepro/krepro/kernels/source"
)

// Bisection is a git bisect in a repository of its own.
type Bisection struct {
	Tree     Tree
	Repo     string // its folder; Start makes it, anew if it is there
	Old, New Commit // with a way between them: Tree.Order
	// OldTerm and NewTerm are what git calls commits on either side: good and bad,
	// or broken and fixed.
	OldTerm, NewTerm string
}

// Place is where a bisection has come to.
type Place struct {
	Next *Commit // to ask; nil: it is over
	Left int     // commits that may be the first on the new side
	// First is, at the end, the first commit on the new side. Of several it is one,
	// and the others were skipped.
	First []Commit
}

// BaseError says that two commits on branches of their own are both on the new
// side of where the branches part: the change is not between them.
type BaseError struct{ Base string }

func (e *BaseError) Error() string {
	return fmt.Sprintf("where the two branches part, at %.12s, it is as at the new end already: what is sought came before it, and was undone on the old end's branch", e.Base)
}

// Start begins, from nothing.
func (b *Bisection) Start(ctx context.Context) (Place, error) {
	if err := b.Tree.borrow(ctx, b.Repo); err != nil {
		return Place{}, err
	}
	// git bisect wants to know where to return to.
	if _, err := source.Git(ctx, "-C", b.Repo, "update-ref", "--no-deref", "HEAD", b.New.Hash); err != nil {
		return Place{}, fmt.Errorf("begin to bisect: %w", err)
	}
	return b.move(ctx, "start", "--no-checkout", "--term-new="+b.NewTerm, "--term-old="+b.OldTerm, b.New.Hash, b.Old.Hash)
}

// Mark says of a commit that it is on the old or the new side, or with skip that
// nobody can tell. *BaseError.
func (b *Bisection) Mark(ctx context.Context, hash, term string) (Place, error) {
	return b.move(ctx, term, hash)
}

// Log is what git bisect replay reads.
func (b *Bisection) Log(ctx context.Context) ([]byte, error) {
	text, err := source.Git(ctx, "-C", b.Repo, "bisect", "log")
	if err != nil {
		return nil, fmt.Errorf("read log of bisection: %w", err)
	}
	return []byte(text + "\n"), nil
}

// Exit statuses of git bisect that are answers.
const (
	onlySkipped = 2
	baseIsNew   = 3
)

// move runs git bisect and sees where it has come to.
func (b *Bisection) move(ctx context.Context, args ...string) (Place, error) {
	_, err := source.Git(ctx, append([]string{"-C", b.Repo, "bisect"}, args...)...)
	status := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ExitCode()
	}
	switch {
	case status == baseIsNew:
		return Place{}, &BaseError{args[len(args)-1]}
	case err != nil && status != onlySkipped:
		return Place{}, fmt.Errorf("bisect: %w", err)
	}
	return b.place(ctx)
}

// ending is how the log of a bisection ends.
var ending = regexp.MustCompile(`(?m)^# (?:possible )?first \S+ commit: \[([0-9a-f]+)\]`)

func (b *Bisection) place(ctx context.Context) (p Place, err error) {
	log, err := b.Log(ctx)
	if err != nil {
		return p, err
	}
	for _, m := range ending.FindAllSubmatch(log, -1) {
		c, err := describe(ctx, b.Repo, string(m[1]))
		if err != nil {
			return p, err
		}
		p.First = append(p.First, c)
	}
	if p.Left, err = b.left(ctx); err != nil || len(p.First) > 0 {
		return p, err
	}
	next, err := source.Git(ctx, "-C", b.Repo, "rev-parse", "--verify", "BISECT_HEAD")
	if err != nil {
		return p, fmt.Errorf("find the next commit: %w", err)
	}
	c, err := describe(ctx, b.Repo, next)
	p.Next = &c
	return p, err
}

// left counts the candidates.
func (b *Bisection) left(ctx context.Context) (int, error) {
	text, err := source.Git(ctx, "-C", b.Repo, "rev-list", "--count", "refs/bisect/"+b.NewTerm, "--not", "--glob=refs/bisect/"+b.OldTerm+"-*")
	if err != nil {
		return 0, fmt.Errorf("count commits: %w", err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("count commits: git printed %q", text)
	}
	return n, nil
}

// Describe reads a commit by its hash, a parent say.
func (b *Bisection) Describe(ctx context.Context, hash string) (Commit, error) {
	return describe(ctx, b.Repo, hash)
}
