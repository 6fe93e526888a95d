package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/compare"
)

// build has both kernels built, first the one with the patch: whether that
// applies is seen before anything is built. The report is for what takes no run.
func (b *backport) build(ctx context.Context) (*compare.Report, error) {
	var unbuildable, baseToo *kernels.BuildError
	after, err := b.image(ctx, true, false)
	if err != nil && !errors.As(err, &unbuildable) {
		return nil, err
	}
	if unbuildable != nil && unbuildable.Stage == kernels.StagePatch {
		return b.misfit(ctx, unbuildable)
	}
	if unbuildable != nil && unbuildable.Log != "" { // the base is built in the same folder
		if err := keepLog(unbuildable.Log, filepath.Join(b.dir, "build.log")); err != nil {
			return nil, err
		}
	}
	before, err := b.image(ctx, false, false)
	switch {
	case errors.As(err, &baseToo):
		return b.baseless(baseToo), nil
	case err != nil:
		return nil, err
	case unbuildable != nil:
		return b.without(compare.NotValidated, fmt.Sprintf("with the patch the kernel cannot be built: %s: %s", unbuildable.Stage, unbuildable.Text)), nil
	case before.Build != nil && after.Build != nil && before.Build.Code == after.Build.Code:
		return b.without(compare.NotValidated, "the patch changes nothing of what is built with this configuration: the code is the same"), nil
	}
	return nil, nil
}

// misfit says whether the patch does not fit, or one that the base has already.
func (b *backport) misfit(ctx context.Context, unbuildable *kernels.BuildError) (*compare.Report, error) {
	var baseToo *kernels.BuildError
	switch err := b.apply(ctx, b.ref(false, false)); {
	case errors.As(err, &baseToo):
		return b.baseless(baseToo), nil
	case err != nil:
		return nil, err
	}
	return b.without(compare.NotValidated, "the patch does not fit: "+unbuildable.Text), nil
}

func (b *backport) baseless(unbuildable *kernels.BuildError) *compare.Report {
	return b.without(compare.Unsure, fmt.Sprintf("the base cannot be built: %s: %s", unbuildable.Stage, unbuildable.Text))
}

func (b *backport) without(v compare.Verdict, reason string) *compare.Report {
	r := compare.Without(b.o.name, v, reason)
	return &r
}

// image has a kernel in the cache, built if it is not there; once.
func (b *backport) image(ctx context.Context, after, debug bool) (*kernels.Image, error) {
	ref := b.ref(after, debug)
	if img := b.images[ref.Text]; img != nil {
		return img, nil
	}
	b.say("kernel %s", ref.Text)
	img, err := b.get(ctx, ref)
	if err == nil {
		b.images[ref.Text] = img
	}
	return img, err
}

// kernel is one of the kernels, nil if it was not built.
func (b *backport) kernel(after bool) *event.Kernel {
	if img := b.images[b.ref(after, false).Text]; img != nil {
		return &img.Kernel
	}
	return nil
}
