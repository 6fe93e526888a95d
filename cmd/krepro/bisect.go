package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
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
	}
	c.RunE = does(func(ctx context.Context, _ []string) error {
		if err := o.resumable(c.Flags()); err != nil {
			return err
		}
		return e.bisectReal(ctx, o)
	})
	f := c.Flags()
	o.flags(f)
	must(c.RegisterFlagCompletionFunc("case", completeCases))
	must(c.RegisterFlagCompletionFunc("suite", e.completeSuites))
	return c
}

func (o *bisectOptions) flags(f *pflag.FlagSet) {
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
		fmt.Fprintf(e.stderr, "going on; boots so far: %d\n", n)
	}
	walk := b.walk(ctx)
	result, err := b.hunt(ctx, e, p, walk).Run()
	return e.endBisection(ctx, b, walk, store, result, err, o.json)
}

func completeCases(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	corpus, err := cases.Load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return namesOf(corpus), cobra.ShellCompDirectiveNoFileComp
}
