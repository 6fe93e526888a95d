package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
)

// buildOptions are the flags of krepro kernels build.
type buildOptions struct {
	tree, commit       string
	patches, fragments []string
	debug              bool
	jobs               int
	json               bool
}

func (e *env) buildCommand() *cobra.Command {
	var o buildOptions
	c := &cobra.Command{
		Use: "build [REF | --tree DIR]", Short: "Build a kernel from source into the cache", Args: cobra.MaximumNArgs(1),
		Long: `Build makes a kernel of a source tree with the options that the suites need, and
keeps it in the cache. The tree stays as it is: patches are applied to a copy.
Without --commit the files are taken as they lie, new ones that git does not
ignore included. All of it can be said in a reference too, for krepro run and
all other commands that take one:

  tree:DIR                             the files as they lie
  tree:DIR@REV                         a commit, tag or branch
  tree:DIR@REV+fix.patch+more.patch    with patches
  tree:DIR+my.config+debug             with more options; with KASAN and lockdep
  debian-source:5.10                   Debian's linux-source, newest of a line
  debian-source:5.10.223-1+fix.patch   of a version`,
		Example: "  krepro kernels build --tree linux --commit v6.12 --patch fix.patch\n  krepro kernels build debian-source:5.10.223-1\n  krepro run --kernel tree:linux@HEAD~3 --suite sockmap",
		RunE: e.stored(func(ctx context.Context, args []string, s *kernels.Store) error {
			return e.build(ctx, o, args, s)
		}),
	}
	f := c.Flags()
	f.StringVar(&o.tree, "tree", "", "folder of a kernel tree, under git or not")
	f.StringVar(&o.commit, "commit", "", "revision of the tree (default: the files as they lie)")
	f.StringArrayVar(&o.patches, "patch", nil, "patch `FILE`, again for each, applied in this order")
	f.StringArrayVar(&o.fragments, "config", nil, "`FILE` with further options, again for each")
	f.BoolVar(&o.debug, "debug", false, "with KASAN and lockdep")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "commands at a time (default: one for each core)")
	f.BoolVar(&o.json, "json", false, "print JSON instead of text")
	return c
}

// ref is what to build: a reference, or a tree by flags; the other flags add to both.
func (o buildOptions) ref(args []string) (ref kernels.Ref, err error) {
	switch {
	case o.jobs < 0:
		return ref, usage("jobs: %d is negative", o.jobs)
	case len(args) == 1 && (o.tree != "" || o.commit != ""):
		return ref, usage("%s: either a reference or --tree and --commit", args[0])
	case len(args) == 1:
		ref, err = kernels.ParseRef(args[0])
	case o.tree == "":
		return ref, usage("name what to build: a reference, or --tree DIR")
	default:
		ref = kernels.Ref{Text: "tree:" + o.tree, Tree: o.tree, Commit: o.commit}
		if o.commit != "" {
			ref.Text += "@" + o.commit
		}
	}
	if err == nil && !ref.Built() {
		err = usage("%s: not to be built from source; write tree:DIR or debian-source:VERSION", ref.Text)
	}
	return ref.With(o.patches, o.fragments, o.debug), err
}

// build is krepro kernels build.
func (e *env) build(ctx context.Context, o buildOptions, args []string, s *kernels.Store) error {
	ref, err := o.ref(args)
	if err != nil {
		return err
	}
	start := time.Now()
	s.Jobs = o.jobs
	img, err := s.Get(ctx, ref)
	if err != nil {
		return err
	}
	took := time.Since(start)
	if o.json {
		return e.printJSON(img)
	}
	bytes, err := s.BuildBytes()
	if err != nil {
		return err
	}
	rows := [][2]string{{"name", img.Name}, {"release", img.Release}}
	rows = append(append(rows, builtRows(img)...), [][2]string{{"boot image", img.Vmlinuz},
		{"took", fmt.Sprintf("%.1f s", took.Seconds())},
		{"disk", fmt.Sprintf("%.0f MB, and %.1f GB for sources and build folders", float64(img.Size)/1e6, float64(bytes)/1e9)}}...)
	for _, r := range rows {
		if _, err := fmt.Fprintf(e.stdout, "%-11s %s\n", r[0], r[1]); err != nil {
			return fmt.Errorf("print kernel: %w", err)
		}
	}
	return nil
}

// builtRows is how a kernel was built, if it was, as name and value.
func builtRows(img *kernels.Image) [][2]string {
	b := img.Build
	if b == nil {
		return nil
	}
	rows := [][2]string{{"commit", b.Commit}, {"subject", b.Subject}, {"files", b.Tree}}
	if b.Commit == "" {
		rows = rows[1:]
	}
	for _, p := range b.Patches {
		rows = append(rows, [2]string{"patch", p.Name + " " + p.ID})
	}
	return append(rows, [][2]string{{"config", b.Config}, {"compiler", b.Compiler}, {"code", b.Code}}...)
}
