package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	githistory "github.com/krepro/krepro/kernels/history"
	"github.com/krepro/krepro/vmtest/bisect"
)

// newBisection checks what is asked and makes the folder.
func (e *env) newBisection(ctx context.Context, o bisectOptions, store *kernels.Store) (*bisection, error) {
	b := &bisection{Version: version(), Args: e.args, Confidence: o.confidence, Find: bisect.Find(o.find),
		Debug: o.debug, Accel: o.vm.accel, CPUs: o.vm.cpus, Memory: o.vm.memory}
	corpus, err := cases.Load()
	if err != nil {
		return nil, err
	}
	if b.Question, err = o.ask.question(corpus); err != nil {
		return nil, err
	}
	if err := e.checkQuestion(b.Question, o.vm); err != nil {
		return nil, err
	}
	if !(o.confidence > 0.5 && o.confidence < 1) {
		return nil, usage("confidence: %v is not above 0.5 and below 1", o.confidence)
	}
	if !slices.Contains([]bisect.Find{"", bisect.Break, bisect.Fix}, b.Find) {
		return nil, usage("find: %q is neither break nor fix", o.find)
	}
	if err := checkFragments(o.fragments); err != nil {
		return nil, err
	}
	for _, file := range o.fragments {
		if file, err = filepath.Abs(file); err != nil {
			return nil, fmt.Errorf("find fragment: %w", err)
		}
		b.Fragments = append(b.Fragments, file)
	}
	if len(o.kernels) > 0 {
		err = b.chooseKernels(ctx, o, store)
	} else {
		err = b.chooseCommits(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	return b, b.create(o.out)
}

// chooseCommits finds the ends of a tree's history. Which of them is the older
// one tells what is sought.
func (b *bisection) chooseCommits(ctx context.Context, o bisectOptions) (err error) {
	if o.tree == "" || o.good == "" || o.bad == "" {
		return usage("say where to search: --tree DIR --good REV --bad REV, or --kernels")
	}
	if b.Tree, err = filepath.Abs(o.tree); err != nil {
		return fmt.Errorf("find tree: %w", err)
	}
	tree := githistory.Tree{Dir: b.Tree}
	good, err := tree.Resolve(ctx, o.good)
	if err != nil {
		return refused(err)
	}
	bad, err := tree.Resolve(ctx, o.bad)
	if err != nil {
		return refused(err)
	}
	order, err := tree.Order(ctx, good, bad)
	if err != nil {
		return refused(err)
	}
	if b.Find, err = findBetween(b.Find, order); err != nil {
		return err
	}
	b.Old, b.New = kernelOf(good), kernelOf(bad)
	if b.Find == bisect.Fix {
		b.Old, b.New = b.New, b.Old
	}
	return nil
}

// findBetween holds what is sought against the order of the good commit and the
// bad one: -1 if the good one is the older.
func findBetween(find bisect.Find, order int) (bisect.Find, error) {
	switch {
	case find == bisect.Break && order > 0:
		return find, usage("find: the bad commit comes before the good one: that is a fix, leave out --find break or swap the ends")
	case find == bisect.Fix && order < 0:
		return find, usage("find: the good commit comes before the bad one: that is no fix, leave out --find fix or swap the ends")
	case find == "" && order > 0:
		return bisect.Fix, nil
	case find == "":
		return bisect.Break, nil
	}
	return find, nil
}

// refused makes an error about the command line of one about revisions.
func refused(err error) error {
	var wrong *githistory.RevError
	if errors.As(err, &wrong) {
		return usage("%s", wrong.Text)
	}
	return err
}

// chooseKernels lists the kernels that are there. A list of Debian's is put into
// the order of their versions.
func (b *bisection) chooseKernels(ctx context.Context, o bisectOptions, store *kernels.Store) (err error) {
	if o.tree != "" || o.good != "" || o.bad != "" || len(o.fragments) > 0 || o.debug {
		return usage("kernels: they are there already; --tree, --good, --bad, --config and --debug do not go with them")
	}
	refs := o.kernels
	if len(refs) == 1 {
		if refs, err = lineOf(ctx, store, refs[0]); err != nil {
			return err
		}
	} else if refs, err = kernels.Sorted(refs); err != nil {
		return err
	}
	if len(refs) < 2 {
		return usage("kernels: %s is one kernel, two are needed at least", strings.Join(refs, ""))
	}
	for i, ref := range refs {
		if slices.Contains(refs[:i], ref) {
			return usage("kernels: %s is named twice", ref)
		}
		b.Kernels = append(b.Kernels, bisect.Kernel{ID: ref})
	}
	b.Old, b.New = b.Kernels[0], b.Kernels[len(b.Kernels)-1]
	return nil
}

// lineOf lists all that can be had of a line of Debian's, oldest first.
func lineOf(ctx context.Context, store *kernels.Store, text string) ([]string, error) {
	sel, ok, err := kernels.ParseSelection(text)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, usage("kernels: %s names one kernel; name two or more, or a line (debian:5.10)", text)
	}
	if !strings.Contains(text, " of ") { // a line by itself is all of it
		sel.N = 0
	}
	return store.Select(ctx, sel)
}
