package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	githistory "github.com/krepro/krepro/kernels/history"
	"github.com/krepro/krepro/vmtest/bisect"
)

// bisectOptions are the flags of krepro bisect.
type bisectOptions struct {
	tree, good, bad string
	kernels         []string
	find            string
	ask             questionFlags
	fragments       []string
	debug           bool
	confidence      float64
	jobs            int
	out, resume     string
	json            bool
	vm              vmOptions
}

func (e *env) bisectCommand() *cobra.Command {
	var o bisectOptions
	c := &cobra.Command{
		Use:   "bisect --tree DIR --good REV --bad REV --case NAME",
		Short: "Find the commit that brought or fixed a bug",
		Long: `Bisect finds the commit of a kernel tree that brought a bug, or the one that
fixed it: it builds and boots kernels between a good and a bad one, asks each
whether it has the bug, and asks the answer again at the end. Or, with --kernels,
between which two kernels that are there already the bug came or went.

git bisect chooses the commits, in a repository of its own; the tree is left
alone. The bug may be rare: from how often it strikes at the bad end follows how
many connections a kernel must pass to count as good. A fault of the host stops
it with nothing lost: --resume goes on.`,
		Example: `  krepro bisect --tree linux --good v5.10.222 --bad v5.10.218 --case sockhash-stale-entry
  krepro bisect --kernels debian:5.10 --case sockhash-stale-entry
  krepro bisect --resume runs/bisect-20260314-150926`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return does(func(ctx context.Context, _ []string) error {
				if err := o.resumable(c.Flags()); err != nil {
					return err
				}
				return e.bisectReal(ctx, o)
			})(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&o.tree, "tree", "", "folder of a kernel tree under git")
	f.StringVar(&o.good, "good", "", "revision without the bug")
	f.StringVar(&o.bad, "bad", "", "revision with the bug")
	f.StringSliceVar(&o.kernels, "kernels", nil, "in place of a tree: `REF`s, or a line of Debian's (debian:5.10)")
	f.StringVar(&o.find, "find", "", "break or fix: hold the ends against it (default: which end has the bug tells)")
	o.ask.flags(f)
	f.StringArrayVar(&o.fragments, "config", nil, "`FILE` with further options for each build, again for each")
	f.BoolVar(&o.debug, "debug", false, "build with KASAN and lockdep")
	f.Float64Var(&o.confidence, "confidence", 0.99, "of the whole answer, above 0.5 and below 1")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "commands of a build at a time (default: one for each core)")
	f.StringVarP(&o.out, "out", "o", "", "folder, new or empty (default runs/bisect-<UTC time>)")
	f.StringVar(&o.resume, "resume", "", "go on with a bisection that was stopped, in its `FOLDER`")
	f.BoolVar(&o.json, "json", false, "print JSON instead of text")
	o.vm.flags(f)
	must(c.RegisterFlagCompletionFunc("case", completeCases))
	must(c.RegisterFlagCompletionFunc("suite", e.completeSuites))
	return c
}

// resumable holds that whoever resumes changes nothing of what is asked.
func (o bisectOptions) resumable(f *pflag.FlagSet) (err error) {
	if o.resume == "" {
		return nil
	}
	f.Visit(func(flag *pflag.Flag) {
		if !slices.Contains([]string{"resume", "json", "jobs"}, flag.Name) {
			err = usage("%s: a bisection is resumed as it was begun; only --json and --jobs go with --resume", flag.Name)
		}
	})
	return err
}

// bisectReal is krepro bisect with real kernels.
func (e *env) bisectReal(ctx context.Context, o bisectOptions) (err error) {
	store, err := e.store()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	store.Jobs = o.jobs
	return e.bisect(ctx, o, store, e.newProber(store))
}

// bisect does a bisection whole, or goes on with one.
func (e *env) bisect(ctx context.Context, o bisectOptions, store *kernels.Store, p *prober) (err error) {
	var b *bisection
	if o.resume != "" {
		b, err = resumeBisection(o.resume)
	} else {
		b, err = e.newBisection(ctx, o, store)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	fmt.Fprintf(e.stderr, "%s\n", b.title())
	if n := len(b.Steps); n > 0 {
		fmt.Fprintf(e.stderr, "going on after %d kernels asked\n", n)
	}
	walk := b.walk(ctx)
	result, err := b.hunt(ctx, e, p, walk).Run()
	return e.endBisection(ctx, b, walk, store, result, err, o.json)
}

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
	if !(o.confidence > 0.5 && o.confidence < 1) {
		return nil, usage("confidence: %v is not above 0.5 and below 1", o.confidence)
	}
	if !slices.Contains([]bisect.Find{"", bisect.Break, bisect.Fix}, b.Find) {
		return nil, usage("find: %q is neither break nor fix", o.find)
	}
	for _, file := range o.fragments {
		if file, err = filepath.Abs(file); err != nil {
			return nil, fmt.Errorf("find fragment: %w", err)
		}
		b.Fragments = append(b.Fragments, file)
	}
	ends := func() error { return b.chooseCommits(ctx, o) }
	if len(o.kernels) > 0 {
		ends = func() error { return b.chooseKernels(ctx, o, store) }
	}
	if err := ends(); err != nil {
		return nil, err
	}
	// What a run would refuse is refused now.
	check := b.Question.options("debian:6.1", 1, false, "")
	check.vm = o.vm
	if _, err := e.plan(check); err != nil {
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
	switch {
	case b.Find == bisect.Break && order > 0:
		return usage("find: the bad commit %.12s comes before the good one: that is a fix, leave out --find break or swap the ends", bad.Hash)
	case b.Find == bisect.Fix && order < 0:
		return usage("find: the good commit %.12s comes before the bad one: that is no fix, leave out --find fix or swap the ends", good.Hash)
	case b.Find == "" && order > 0:
		b.Find = bisect.Fix
	case b.Find == "":
		b.Find = bisect.Break
	}
	b.Old, b.New = kernelOf(good), kernelOf(bad)
	if b.Find == bisect.Fix {
		b.Old, b.New = b.New, b.Old
	}
	return nil
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
	sel.N = 0
	return store.Select(ctx, sel)
}

func completeCases(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	corpus, err := cases.Load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return namesOf(corpus), cobra.ShellCompDirectiveNoFileComp
}
