package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/krepro/krepro/kernels"
	githistory "github.com/krepro/krepro/kernels/history"
	"github.com/krepro/krepro/vmtest/bisect"
)

// commits is the history of a tree as package bisect walks it.
type commits struct {
	ctx context.Context
	git githistory.Bisection
}

// Terms of git bisect. Those of a fix are git's own example.
var terms = map[bisect.Find]map[bisect.Side]string{
	bisect.Break: {bisect.Old: "good", bisect.New: "bad", bisect.Neither: "skip"},
	bisect.Fix:   {bisect.Old: "broken", bisect.New: "fixed", bisect.Neither: "skip"},
}

// walk is the way from the old end to the new one.
func (b *bisection) walk(ctx context.Context) bisect.Walk {
	if b.Tree == "" {
		return &bisect.Line{Kernels: b.Kernels}
	}
	return &commits{ctx, githistory.Bisection{Tree: githistory.Tree{Dir: b.Tree}, Repo: filepath.Join(b.dir, historyDir),
		Old: commit(b.Old), New: commit(b.New), OldTerm: terms[b.Find][bisect.Old], NewTerm: terms[b.Find][bisect.New]}}
}

// Start begins, whatever was there.
func (c *commits) Start() (bisect.Place, error) {
	p, err := c.git.Start(c.ctx)
	return c.place(p, err)
}

// Tell marks a commit.
func (c *commits) Tell(k bisect.Kernel, side bisect.Side) (bisect.Place, error) {
	term := map[bisect.Side]string{bisect.Old: c.git.OldTerm, bisect.New: c.git.NewTerm, bisect.Neither: "skip"}[side]
	p, err := c.git.Mark(c.ctx, k.ID, term)
	return c.place(p, err)
}

func (c *commits) place(p githistory.Place, err error) (bisect.Place, error) {
	var base *githistory.BaseError
	if errors.As(err, &base) {
		return bisect.Place{}, bisect.Ended(bisect.NoChange, "%s", base)
	}
	out := bisect.Place{Left: p.Left}
	if err != nil {
		return out, err
	}
	if p.Next != nil {
		out.Next = kernelOf(*p.Next)
	}
	for _, first := range p.First {
		out.First = append(out.First, kernelOf(first))
	}
	if len(p.First) != 1 {
		return out, nil
	}
	for _, parent := range p.First[0].Parents {
		before, err := c.git.Describe(c.ctx, parent)
		if err != nil {
			return out, err
		}
		out.Before = append(out.Before, kernelOf(before))
	}
	return out, nil
}

// kernelOf is a commit in the words of package bisect.
func kernelOf(c githistory.Commit) bisect.Kernel {
	return bisect.Kernel{ID: c.Hash, Subject: c.Subject, Author: c.Author, Date: c.Date}
}

func commit(k bisect.Kernel) githistory.Commit {
	return githistory.Commit{Hash: k.ID, Subject: k.Subject, Author: k.Author, Date: k.Date}
}

// ref is the reference of one of the kernels.
func (b *bisection) ref(id string) (kernels.Ref, error) {
	if b.Tree == "" {
		return kernels.ParseRef(id)
	}
	ref := kernels.Ref{Text: "tree:" + b.Tree + "@" + id, Tree: b.Tree, Commit: id}
	return ref.With(nil, b.Fragments, b.Debug), nil
}

// hunt is the bisection itself, with what was done of it.
func (b *bisection) hunt(ctx context.Context, e *env, p *prober, walk bisect.Walk) bisect.Hunt {
	p.question, p.vm, p.dir, p.ref = b.Question, b.vm(), filepath.Join(b.dir, stepsDir), b.ref
	return bisect.Hunt{Find: b.Find, Old: b.Old, New: b.New, Confidence: b.Confidence, Walk: walk,
		Build: func(k bisect.Kernel) (string, error) { return p.build(ctx, k) },
		Try: func(k bisect.Kernel, rounds int, untilFailure bool) (bisect.Step, error) {
			return p.try(ctx, k, rounds, untilFailure)
		},
		Keep: b.keep,
		Done: b.Steps,
		Say:  e.saying(),
	}
}
