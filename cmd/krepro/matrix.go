package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/matrix"
	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// matrixOptions are the flags of krepro matrix.
type matrixOptions struct {
	file, shard, out string
	jobs             int
	plan, json       bool
	compare          string
}

func (e *env) matrixCommand() *cobra.Command {
	var o matrixOptions
	c := &cobra.Command{
		Use:   "matrix",
		Short: "Run what a matrix file asks for: kernels, suites, expectations",
		Long: `Matrix runs what a file says: which kernels, which suites, what is expected of
them. Without --file that is krepro.yaml in this folder or, if there is none, the
project's own matrix: the ends of Debian's lines, all suites.

It prints a row for each kernel and a column for each case, and what is not as
expected. It ends as krepro run does, and with 1 as well if an expectation is
over or matches nothing.

With --shard one machine does its share; krepro merge joins the shares. "auto"
takes I and N from the variables of GitLab, Kubernetes (N from KREPRO_SHARDS),
Slurm or Buildkite.`,
		Example: `  krepro matrix --plan
  krepro matrix -f krepro.yaml -j 4 -o nightly
  krepro matrix --shard 2/3 -o shard-2`,
		Args: cobra.NoArgs,
		RunE: does(func(ctx context.Context, _ []string) error { return e.matrix(ctx, o) }),
	}
	f := c.Flags()
	f.StringVarP(&o.file, "file", "f", "", "matrix `FILE` (default krepro.yaml, or else the project's own)")
	f.StringVar(&o.shard, "shard", "", "do the `I/N` share of the work alone, as 2/3; or auto")
	f.StringVarP(&o.out, "out", "o", "", "folder of the run, new or empty (default runs/<UTC time>)")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "VMs at a time (default: the file's, or what cores and memory allow)")
	f.BoolVar(&o.plan, "plan", false, "say what would run, in which order and how long by past runs; boot nothing")
	f.StringVar(&o.compare, "compare", "", "say what has changed since `RUN`, a folder")
	f.BoolVar(&o.json, "json", false, "print JSON instead of text")
	c.MarkFlagsMutuallyExclusive("json", "compare")
	must(c.MarkFlagFilename("file", "yaml", "yml"))
	return c
}

// matrix is krepro matrix.
func (e *env) matrix(ctx context.Context, o matrixOptions) (err error) {
	file, err := e.matrixFile(o.file)
	if err != nil {
		return err
	}
	before, err := judgedBefore(o.compare)
	if err != nil {
		return err
	}
	store, err := e.store()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	run, err := e.planMatrix(ctx, store, file, o)
	if err != nil {
		return err
	}
	if o.plan {
		return e.printPlan(run, o.json)
	}
	results, dir, err := e.execute(ctx, store, run.options)
	if results == nil {
		return err
	}
	err = errors.Join(err, keepDurations(store, dir, results), e.showMatrix(results, before, o), e.announce(dir, results))
	fmt.Fprintf(e.stderr, "\nevidence: %s\n", dir)
	if ctx.Err() == nil && run.options.matrix.Shard == nil { // a run that was cut short, or a part, outlives no whole one
		err = errors.Join(e.retain(file.Keep, dir, o), err)
	}
	return err
}

// judgedBefore are the results of an earlier run; none without a folder.
func judgedBefore(dir string) ([]verdict.Result, error) {
	if dir == "" {
		return nil, nil
	}
	return judge(dir)
}

// showMatrix prints the results, and what has changed if that was asked for.
func (e *env) showMatrix(results, before []verdict.Result, o matrixOptions) error {
	if o.json {
		return e.show(results, true)
	}
	text := report.Matrix(results)
	if o.compare != "" {
		text += "\nsince " + o.compare + ":\n" + report.Changes(report.Diff(before, results))
	}
	if _, err := fmt.Fprint(e.stdout, text); err != nil {
		return fmt.Errorf("print verdicts: %w", err)
	}
	return ended(results)
}

// matrixPlan is a matrix that is ready to run.
type matrixPlan struct {
	options   runOptions
	plan      plan
	estimates []estimate // of its own cells, in their order
}

// estimate is how long a cell may take.
type estimate struct {
	cell    matrix.Cell
	suites  []string
	seconds float64
	from    matrix.Source
}

// planMatrix resolves a file's kernels and says which VMs are to be booted. What
// each shard boots follows from the file alone, not from what this machine has
// measured: every machine has to come to the same.
func (e *env) planMatrix(ctx context.Context, store *kernels.Store, file matrix.File, o matrixOptions) (matrixPlan, error) {
	run := matrixPlan{options: fileOptions(file, o)}
	m := &matrixRun{File: file.Name, SHA256: file.SHA256, Expect: file.Expect}
	var err error
	if o.shard != "" {
		s, err := e.shard(o.shard)
		if err != nil {
			return run, err
		}
		m.Shard = &s
	}
	if run.options.kernels, err = resolve(ctx, store, file.Kernels, m.Shard != nil); err != nil {
		return run, err
	}
	if run.plan, err = e.plan(run.options); err != nil {
		return run, err
	}
	m.Cells = matrix.Cells(run.options.kernels, len(run.plan.share("")) > 0, run.plan.alone())
	if m.Shard != nil {
		if err := m.split(file, run.plan); err != nil {
			return run, err
		}
	}
	past, err := readDurations(durationsPath(store))
	if err != nil {
		return run, err
	}
	for _, c := range m.own() {
		x := estimateOf(c, run.plan, past)
		run.estimates = append(run.estimates, x)
		m.seconds = append(m.seconds, x.seconds)
	}
	run.options.matrix = m
	return run, nil
}

// split shares the cells out by the durations that the file names.
func (m *matrixRun) split(file matrix.File, p plan) error {
	shared, err := sharedDurations(file)
	if err != nil {
		return err
	}
	var seconds []float64
	for _, c := range m.Cells {
		seconds = append(seconds, estimateOf(c, p, shared).seconds)
	}
	if m.Cells, err = matrix.Split(m.Cells, seconds, m.Shard.N); err != nil {
		return usage("shard: %v", err)
	}
	return nil
}

func estimateOf(c matrix.Cell, p plan, d matrix.Durations) estimate {
	x := estimate{cell: c, suites: plan{suites: p.share(c.Alone)}.names()}
	x.seconds, x.from = d.Of(c.Kernel, x.suites, p.sizeOf)
	return x
}
