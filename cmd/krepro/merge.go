package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/matrix"
	"github.com/krepro/krepro/vmtest/verdict"
)

func (e *env) mergeCommand() *cobra.Command {
	var o matrixOptions
	c := &cobra.Command{
		Use:   "merge DIR...",
		Short: "Join the shards of a matrix into one run",
		Long: `Merge joins the run folders that krepro matrix --shard left into one, and prints
and writes what one machine would have. It fails if a shard is missing or stands
twice, if two were planned differently, or had different files of one kernel. It
ends as the whole run would have.`,
		Example: "  krepro merge shard-1 shard-2 shard-3\n  krepro merge -o whole shard-*",
		Args:    cobra.MinimumNArgs(1),
		RunE:    does(func(_ context.Context, args []string) error { return e.merge(args, o) }),
	}
	f := c.Flags()
	f.StringVarP(&o.out, "out", "o", "", "folder of the joined run, new or empty (default runs/<UTC time>)")
	f.StringVar(&o.compare, "compare", "", "say what has changed since `RUN`, a folder")
	f.BoolVar(&o.json, "json", false, "print JSON instead of text")
	c.MarkFlagsMutuallyExclusive("json", "compare")
	return c
}

// merge is krepro merge.
func (e *env) merge(dirs []string, o matrixOptions) error {
	before, err := judgedBefore(o.compare)
	if err != nil {
		return err
	}
	shards, inv, err := readShards(dirs)
	if err != nil {
		return err
	}
	corpus, err := cases.Load()
	if err != nil {
		return err
	}
	inv.Args = e.args
	out, err := newFolder(o.out, inv.Started)
	if err != nil {
		return err
	}
	if err := joinFolders(out, shards); err != nil {
		return errors.Join(err, os.RemoveAll(out))
	}
	if err := writeJSON(filepath.Join(out, runFile), inv); err != nil {
		return err
	}
	results, err := judgeAll(out, inv, corpus)
	if err != nil {
		return err
	}
	own := matrix.Durations{}
	own.Add(results)
	err = errors.Join(record(out, results), writeJSON(filepath.Join(out, durationsFile), own), e.showMatrix(results, before, o), e.announce(out, results))
	fmt.Fprintf(e.stderr, "\nevidence: %s\n", out)
	return err
}

// readShards reads the runs in these folders and makes one invocation of them.
// They come back in the order of the shards. Any fault of theirs is the host's:
// what they say together cannot be trusted.
func readShards(dirs []string) ([]string, invocation, error) {
	var parts []matrix.Part
	var whole invocation
	for _, dir := range dirs {
		inv, err := readInvocation(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, inv, usage("%s is no run folder: no %s in it", dir, runFile)
		}
		if err != nil {
			return nil, inv, err
		}
		p, err := partOf(dir, inv)
		if err != nil {
			return nil, inv, err
		}
		parts = append(parts, p)
		if whole.Started.IsZero() || inv.Started.Before(whole.Started) {
			whole = inv
		}
	}
	joined, err := matrix.Join(parts)
	if err != nil {
		return nil, whole, fmt.Errorf("merge: %w", err)
	}
	sorted := make([]string, 0, len(joined))
	for _, p := range joined {
		sorted = append(sorted, p.Dir)
	}
	m := *whole.Matrix
	m.Shard = nil
	m.Cells = slices.Clone(m.Cells)
	for i := range m.Cells {
		m.Cells[i].Shard = 0
	}
	whole.Matrix = &m
	return sorted, whole, nil
}

// partOf is what a shard's folder says of itself.
func partOf(dir string, inv invocation) (matrix.Part, error) {
	p := matrix.Part{Dir: dir, Version: inv.Version, Size: inv.Size, Suites: inv.Suites}
	if m := inv.Matrix; m != nil && m.Shard != nil {
		p.SHA256, p.Shard, p.Cells = m.SHA256, *m.Shard, m.Cells
	}
	folders, err := filepath.Glob(filepath.Join(dir, "*", verdict.KernelFile))
	if err != nil {
		return p, fmt.Errorf("list VMs: %w", err)
	}
	for _, f := range folders {
		k := readKernel(filepath.Dir(f))
		p.Kernels = append(p.Kernels, matrix.Booted{Ref: k.Ref, Hash: k.ID})
	}
	return p, nil
}
