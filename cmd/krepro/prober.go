package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/verdict"
)

// prober asks a question of one kernel after another, each in a run of its own.
type prober struct {
	question question
	vm       vmOptions
	dir      string // its runs are folders below
	// ref is the reference of a kernel, in which its ID says which one it is.
	ref func(id string) (kernels.Ref, error)
	// get has a kernel in the cache, run boots what it is given and judges it.
	get func(context.Context, kernels.Ref) (*kernels.Image, error)
	run func(context.Context, runOptions, map[string]outcome) ([]verdict.Result, error)

	had map[string]got // kernels that were built, by ID
}

// got is what came of a kernel, and how long that took.
type got struct {
	outcome
	took time.Duration
}

// newProber is a prober with real kernels and VMs.
func (e *env) newProber(store *kernels.Store) *prober {
	return &prober{
		get: func(ctx context.Context, ref kernels.Ref) (*kernels.Image, error) {
			p := newProgress(e.stderr, e.width)
			defer p.close()
			p.follow(store)
			return store.Get(ctx, ref)
		},
		run: func(ctx context.Context, o runOptions, had map[string]outcome) ([]verdict.Result, error) {
			o.had = had
			results, _, err := e.execute(ctx, store, o)
			return results, err
		},
	}
}

// build has a kernel in the cache and says what code it is. A tree that cannot
// be built, and a kernel that is gone from the archives, are answers about that
// kernel, which try gives; whatever else keeps it away is an error.
func (p *prober) build(ctx context.Context, k bisect.Kernel) (code string, err error) {
	ref, err := p.ref(k.ID)
	if err != nil {
		return "", err
	}
	start := time.Now()
	img, err := p.get(ctx, ref)
	if p.had == nil {
		p.had = map[string]got{}
	}
	p.had[k.ID] = got{outcome{img, err}, time.Since(start)}
	var unbuildable *kernels.BuildError
	var unavailable *kernels.UnavailableError
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.As(err, &unbuildable), errors.As(err, &unavailable) && unavailable.Gone:
		return "", nil
	case err != nil:
		return "", err
	case img.Build != nil:
		return img.Build.Code, nil
	}
	return img.ID, nil
}

// try asks a kernel that was built.
func (p *prober) try(ctx context.Context, k bisect.Kernel, rounds int, untilFailure bool) (bisect.Step, error) {
	had := p.had[k.ID]
	var unavailable *kernels.UnavailableError
	if errors.As(had.err, &unavailable) && unavailable.Gone {
		return bisect.Step{Answer: bisect.Skip, Verdict: gone, Reason: unavailable.Err.Error(), Seconds: event.Round(had.took)}, nil
	}
	ref, err := p.ref(k.ID)
	if err != nil {
		return bisect.Step{}, err
	}
	dir, err := stepFolder(p.dir, k.Short())
	if err != nil {
		return bisect.Step{}, err
	}
	o := p.question.options(ref.Text, rounds, untilFailure, dir)
	o.vm = p.vm
	start := time.Now()
	results, err := p.run(ctx, o, map[string]outcome{ref.Text: had.outcome})
	if err != nil {
		return bisect.Step{}, err
	}
	s, err := p.question.read(results)
	if err != nil {
		return s, err
	}
	s.Dir, err = filepath.Rel(filepath.Dir(p.dir), dir)
	s.Seconds = event.Round(had.took + time.Since(start))
	return s, err
}

// gone is the verdict on a kernel that the archives no longer have. It is none
// of package verdict's: there is no evidence.
const gone verdict.Verdict = "gone"

// stepFolder makes the folder of one kernel's run: parent/NN-name.
func stepFolder(parent, name string) (string, error) {
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", fmt.Errorf("make folder of step: %w", err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		return "", fmt.Errorf("make folder of step: %w", err)
	}
	dir := filepath.Join(parent, fmt.Sprintf("%02d-%s", len(entries)+1, slug(name)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make folder of step: %w", err)
	}
	return dir, nil
}
