package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/compare"
	"github.com/krepro/krepro/vmtest/verdict"
)

// How often what came out worse by luck perhaps is run again: so many pairs of
// VMs, so many rounds in each if it is specs.
const (
	againPairs  = 2
	againRounds = 5
)

// What a VM gets for a debugging build, unless the user says: KASAN keeps a
// shadow of all memory, and what was freed for a while, and checks each access.
const (
	debugMemory = "1G"
	debugTime   = time.Hour
)

// backport runs two kernels in turns.
type backport struct {
	o     backportOptions
	base  kernels.Ref
	known cases.Case
	dir   string
	say   func(format string, args ...any)
	// get has a kernel in the cache, apply its source alone, patched; run does a
	// whole run into a folder.
	get   func(context.Context, kernels.Ref) (*kernels.Image, error)
	apply func(context.Context, kernels.Ref) error
	run   func(context.Context, runOptions) ([]verdict.Result, error)

	images map[string]*kernels.Image // by reference: what is tested stays the same if a tree changes meanwhile
	steps  []compare.Step
}

// ref is the reference of one of the kernels.
func (b *backport) ref(after, debug bool) kernels.Ref {
	var patches []string
	if after {
		patches = b.o.patches
	}
	return b.base.With(patches, b.o.fragments, debug)
}

// judge has the kernels built and run, and says what came of it. The error is
// why there are fewer steps than there were to be.
func (b *backport) judge(ctx context.Context) (compare.Report, error) {
	report, err := b.build(ctx)
	if report != nil || err != nil {
		return b.told(report, err), err
	}
	err = b.all(ctx)
	return b.told(nil, err), err
}

// told is the report so far, or the one that needs no runs.
func (b *backport) told(report *compare.Report, stopped error) compare.Report {
	switch {
	case report != nil:
		return *report
	case stopped != nil:
		return compare.Of(b.o.name, b.steps, stopped.Error())
	}
	return compare.Of(b.o.name, b.steps, "")
}

// all runs the steps: the case; if it is gone, the suites; then what is in doubt.
func (b *backport) all(ctx context.Context) error {
	if err := b.ofCase(ctx); err != nil || b.told(nil, nil).Case.State != compare.Gone {
		return err
	}
	for i := range b.o.pairs {
		if err := b.pair(ctx, compare.Step{Kind: compare.OfAll, Pair: i + 1, Rounds: 1}, b.o.suites, nil); err != nil {
			return err
		}
	}
	if suites, specs, ok := b.told(nil, nil).Again(); ok {
		step := compare.Step{Kind: compare.OfDoubt, Rounds: 1}
		if specs != nil {
			step.Rounds = againRounds
		}
		for step.Pair = 1; step.Pair <= againPairs; step.Pair++ {
			if err := b.pair(ctx, step, suites, specs); err != nil {
				return err
			}
		}
	}
	if !b.o.debug {
		return nil
	}
	return b.pair(ctx, compare.Step{Kind: compare.OfDebug, Pair: 1, Rounds: 1}, b.o.suites, nil)
}

// ofCase runs the case's specs until its question is answered, or the rounds are
// used up.
func (b *backport) ofCase(ctx context.Context) error {
	step := compare.Step{Kind: compare.OfCase, Pair: 1, Rounds: 1}
	for left := b.o.rounds; left > 0; step.Pair++ {
		if err := b.pair(ctx, step, b.known.Suites(), caseSpecs(b.known, " ")); err != nil {
			return err
		}
		left -= step.Rounds
		more := b.told(nil, nil).Case.More()
		if more == 0 {
			return nil
		}
		step.Rounds = min(more, left)
	}
	return nil
}

// pair runs a step on each kernel; who is first takes turns, so that a machine
// that changes its pace is the same to both.
func (b *backport) pair(ctx context.Context, s compare.Step, suites, specs []string) error {
	for _, after := range []bool{s.Pair%2 == 0, s.Pair%2 != 0} {
		s.After = after
		if err := b.step(ctx, s, suites, specs); err != nil {
			return err
		}
	}
	return nil
}

// step runs one step. A fault of the host ends the comparison.
func (b *backport) step(ctx context.Context, s compare.Step, suites, specs []string) error {
	debug := s.Kind == compare.OfDebug
	img, err := b.image(ctx, s.After, debug)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name(), err)
	}
	b.say("%s", s.Name())
	results, err := b.run(ctx, b.options(s, b.ref(s.After, debug), suites, specs))
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name(), err)
	}
	s.Results = results
	if code, why := faultOf(results, img); code != 0 {
		return &failure{code, fmt.Errorf("%s: %s", s.Name(), why)}
	}
	b.steps = append(b.steps, s)
	return nil
}

// options are those of a step's run.
func (b *backport) options(s compare.Step, ref kernels.Ref, suites, specs []string) runOptions {
	o := runOptions{kernels: []string{ref.Text}, suites: suites, focus: focusOn(specs), size: b.o.size, repeat: s.Rounds,
		trigger: b.o.trigger, timeout: b.o.timeout, runner: vmtest.RunnerQEMU, vm: b.o.vm, out: filepath.Join(b.dir, s.Name())}
	if s.Kind == compare.OfDebug {
		o.vm.memory = cmp.Or(o.vm.memory, debugMemory)
		o.timeout = cmp.Or(o.timeout, debugTime)
	}
	return o
}

// faultOf is the fault of the host, or what the user did, by which a run has no
// answer.
func faultOf(results []verdict.Result, img *kernels.Image) (code int, why string) {
	for _, r := range results {
		switch {
		case r.Code == verdict.CodeCancelled:
			return r.Code, "interrupted"
		case r.Code == verdict.CodeInfra:
			return r.Code, "a fault of the host: " + r.Console.Reason
		case r.Kernel.ID != img.ID:
			return verdict.CodeInfra, "another kernel ran than was built: the files of " + img.Ref + " have changed meanwhile"
		}
	}
	return 0, ""
}

// caseSpecs are the specs that show a case for certain, with their suites.
func caseSpecs(c cases.Case, between string) []string {
	var out []string
	for _, g := range c.Shows {
		for _, spec := range g.Specs {
			out = append(out, g.Suite+between+spec)
		}
	}
	return out
}

// focusOn is a regular expression for these specs, SUITE SPEC each, and no
// others: Ginkgo matches a spec's text behind its suite's name.
func focusOn(specs []string) string {
	if len(specs) == 0 {
		return ""
	}
	var quoted []string
	for _, s := range specs {
		quoted = append(quoted, regexp.QuoteMeta(s))
	}
	return "^(" + strings.Join(quoted, "|") + ")$"
}
