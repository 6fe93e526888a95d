package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/debian"
)

func (e *env) kernelsCommand() *cobra.Command {
	c := &cobra.Command{Use: "kernels", Short: "List, fetch, build, show, compare and prune kernels", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		Long: `A kernel is named by a reference:

  debian:5.10.218-1              a package version, exactly
  debian:6.1                     the newest of a line
  debian:5.10.0-30-cloud-amd64   a release, as uname -r prints it
  debian:6.1/amd64               another flavour than cloud-amd64 (amd64, rt-amd64)
  ./linux-image-….deb            a package file
  arch/x86/boot/bzImage          a boot image, modules, config and System.map beside it
  tree:DIR@REV+fix.patch         a kernel tree, built; krepro help kernels build
  debian-source:5.10             Debian's linux-source, built`}
	c.AddCommand(e.listCommand(), e.fetchCommand(), e.buildCommand(), e.showCommand(), e.diffCommand(), e.pruneCommand(), e.lockCommand())
	return c
}

// store opens the cache of kernels; what takes time is told on stderr.
func (e *env) store() (*kernels.Store, error) {
	s, err := kernels.Open("")
	if err != nil {
		return nil, err
	}
	s.Progress = func(line string) { fmt.Fprintln(e.stderr, line) }
	return s, nil
}

// stored adapts a command's function that works on the cache of kernels.
func (e *env) stored(f func(context.Context, []string, *kernels.Store) error) func(*cobra.Command, []string) error {
	return does(func(ctx context.Context, args []string) (err error) {
		s, err := e.store()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		p := newProgress(e.stderr, e.width)
		defer p.close()
		p.follow(s)
		return f(ctx, args, s)
	})
}

func (e *env) listCommand() *cobra.Command {
	asJSON, all := false, false
	c := &cobra.Command{
		Use: "list", Short: "List kernels: cached and pinned ones, or all that can be had", Args: cobra.NoArgs,
		Example: "  krepro kernels list\n  krepro kernels list --all",
		RunE: e.stored(func(ctx context.Context, _ []string, s *kernels.Store) error {
			rows, err := list(ctx, s, all)
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(rows)
			}
			w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KERNEL\tRELEASE\tSTATE\tMB")
			for _, r := range rows {
				fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\n", r.Ref, r.Release, state(r), float64(r.Bytes)/1e6)
			}
			return w.Flush()
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "also what Debian's archives have (asks them if the catalogue is older than a day)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	return c
}

// state says where a kernel is: on disk, in the lock file, or nowhere any more.
func state(r kernels.Row) string {
	var states []string
	if r.Cached {
		states = append(states, "cached")
	}
	if r.Pinned {
		states = append(states, "pinned")
	}
	if len(r.Lacks) > 0 && !r.Cached {
		states = append(states, "gone")
	}
	return strings.Join(states, ", ")
}

// list is what is cached or pinned and, if all is wanted, what the archives have.
func list(ctx context.Context, s *kernels.Store, all bool) ([]kernels.Row, error) {
	images, err := s.Images()
	if err != nil {
		return nil, err
	}
	pins, err := kernels.Pins()
	if err != nil {
		return nil, err
	}
	var c *debian.Catalogue
	if all {
		if c, err = s.Catalogue(ctx, 24*time.Hour); err != nil {
			return nil, err
		}
	}
	return kernels.Rows(c, pins, images), nil
}

func (e *env) fetchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "fetch REF...", Short: "Fetch kernels into the cache", Args: cobra.MinimumNArgs(1),
		Example:           "  krepro kernels fetch debian:5.10.218-1 debian:6.1",
		ValidArgsFunction: completeKernels,
		RunE: e.stored(func(ctx context.Context, args []string, s *kernels.Store) error {
			for _, text := range args {
				img, err := get(ctx, s, text)
				if err != nil {
					return err
				}
				fmt.Fprintf(e.stdout, "%s: %s, %.0f MB, %s\n", text, img.Release, float64(img.Size)/1e6, img.ID[:12])
			}
			return nil
		}),
	}
}

func get(ctx context.Context, s *kernels.Store, text string) (*kernels.Image, error) {
	ref, err := kernels.ParseRef(text)
	if err != nil {
		return nil, err
	}
	return s.Get(ctx, ref)
}

func (e *env) pruneCommand() *cobra.Command {
	unused, dry, asJSON := time.Duration(0), false, false
	c := &cobra.Command{
		Use: "prune", Short: "Remove kernels from the cache", Args: cobra.NoArgs,
		Example: "  krepro kernels prune --unused 720h --dry-run",
		RunE: e.stored(func(_ context.Context, _ []string, s *kernels.Store) error {
			if unused < 0 {
				return usage("unused: %s is negative", unused)
			}
			p, err := s.Prune(unused, dry)
			if err != nil {
				return err
			}
			if asJSON {
				return e.printJSON(p)
			}
			for _, img := range p.Removed {
				fmt.Fprintf(e.stdout, "%s  %.0f MB, last used %s\n", img.Name, float64(img.Size)/1e6, img.Used.Format(time.DateOnly))
			}
			for _, img := range p.InUse {
				fmt.Fprintf(e.stdout, "%s  in use, kept\n", img.Name)
			}
			verb := "freed"
			if dry {
				verb = "would free"
			}
			_, err = fmt.Fprintf(e.stdout, "%s %.0f MB, kept %d kernels\n", verb, float64(p.Bytes)/1e6, p.Kept+len(p.InUse))
			return err
		}),
	}
	c.Flags().DurationVar(&unused, "unused", 0, "only what was not used for so long (default: all of the cache, build folders too)")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would go, remove nothing")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of text")
	return c
}

func (e *env) lockCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lock REF...", Short: "Print the lock file with these Debian kernels added", Args: cobra.MinimumNArgs(1),
		Example: "  krepro kernels lock debian:6.12 > lock.new && mv lock.new kernels/kernels.lock",
		RunE: e.stored(func(ctx context.Context, args []string, s *kernels.Store) error {
			pins, err := s.Lock(ctx, args)
			if err != nil {
				return err
			}
			return kernels.WritePins(e.stdout, pins)
		}),
	}
}

func (e *env) printJSON(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "\t")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print json: %w", err)
	}
	return nil
}

// completeKernels offers the pinned kernels, and files.
func completeKernels(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	pins, err := kernels.Pins()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var refs []string
	for _, r := range kernels.Rows(nil, pins, nil) {
		refs = append(refs, r.Ref)
	}
	return refs, cobra.ShellCompDirectiveDefault
}
