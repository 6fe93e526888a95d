package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/verdict"
)

// runOptions are the flags of krepro run.
type runOptions struct {
	kernels, suites []string
	labels, focus   string
	size            string
	jobs            int
	out             string
	timeout         time.Duration
	keep, json      bool
	callGraph       bool
	repeat          int
	untilFailure    bool
	trigger         float64
	files           kernelFiles
	vm              vmOptions
	runner          string
	sizes           map[string]string  // of suites that have another; of krepro matrix
	matrix          *matrixRun         // what krepro matrix adds
	had             map[string]outcome // kernels that krepro bisect has fetched before, by reference
}

func (e *env) runCommand() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run --kernel REF...",
		Short: "Boot kernels, run suites in them, print the verdicts",
		Long: `Run boots each kernel in a VM of its own, runs the suites in it, and prints what
the evidence says. All evidence stays in the run's folder; krepro judge reads it
again. krepro help kernels lists what a reference may be, krepro help exit-codes
what the exit code says.`,
		Example: `  krepro run --kernel debian:5.10.218-1 --kernel debian:6.1 --suite smoke --suite sockmap
  krepro run --kernel debian:6.12 --suite sockmap --focus 'leaves no entry' --size quick
  krepro run --kernel arch/x86/boot/bzImage --suite sockmap --label-filter trigger`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("%q is no flag; name kernels by --kernel", args[0])
			}
			return nil
		},
		RunE: does(func(ctx context.Context, _ []string) error {
			if o.repeat == 0 { // which within krepro stands for the default
				return usage("repeat: 0 is not from 1 to %d", maxRepeat)
			}
			return e.run(ctx, o)
		}),
	}
	f := c.Flags()
	f.StringSliceVarP(&o.kernels, "kernel", "k", nil, "kernel `REF`, again for each")
	f.StringSliceVarP(&o.suites, "suite", "s", nil, "suite `NAME`, again for each (default all but those on request)")
	f.StringVar(&o.labels, "label-filter", "", "run only specs with labels that match (Ginkgo's syntax)")
	f.StringVar(&o.focus, "focus", "", "run only specs whose text matches this regular expression")
	f.StringVar(&o.size, "size", "default", "trials: quick, default (finds a fault that strikes 1 connection in 500) or soak (1 in 20,000)")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "VMs at a time (default: what cores and memory allow)")
	f.StringVarP(&o.out, "out", "o", "", "folder of the run, new or empty (default runs/<UTC time>)")
	f.BoolVar(&o.keep, "keep", false, "keep each VM's initramfs in artefacts/, to start qemu.args again by hand")
	f.BoolVar(&o.callGraph, "call-graph", false, "record what the kernel calls below recvmsg, for a good and a stuck request (takes seconds more)")
	f.IntVar(&o.repeat, "repeat", 1, "rounds of each suite within its VM; a later pass never cancels a failure")
	f.BoolVar(&o.untilFailure, "until-failure", false, "end the rounds after the first in which a spec failed")
	f.Float64Var(&o.trigger, "trigger", 0, "`SHARE` of trials in which specs with the label thin pull their trigger, to make a bug rare (default all)")
	f.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	o.files.flags(f)
	o.vm.flags(f)
	f.StringVar(&o.runner, "runner", vmtest.RunnerQEMU, "what boots the VMs: qemu (krepro itself), virtme-ng or vmtest")
	f.DurationVar(&o.timeout, "timeout", 0, "time for each VM (default 15m under TCG, 10m under KVM, 4h with --size soak)")
	complete := map[string]cobra.CompletionFunc{
		"kernel": completeKernels, "suite": e.completeSuites,
		"size":   cobra.FixedCompletions([]string{"quick", "default", "soak"}, cobra.ShellCompDirectiveNoFileComp),
		"runner": cobra.FixedCompletions(vmtest.Runners, cobra.ShellCompDirectiveNoFileComp),
		"accel":  cobra.FixedCompletions([]string{"auto", "tcg", "kvm"}, cobra.ShellCompDirectiveNoFileComp),
	}
	for flag, f := range complete {
		must(c.RegisterFlagCompletionFunc(flag, f))
	}
	must(c.MarkFlagRequired("kernel"))
	return c
}

// must is for what fails by a mistake in this file alone.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// run is krepro run.
func (e *env) run(ctx context.Context, o runOptions) (err error) {
	store, err := e.store()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	results, dir, err := e.execute(ctx, store, o)
	if results == nil {
		return err
	}
	verdict := e.show(results, o.json)
	fmt.Fprintf(e.stderr, "\nevidence: %s\n", dir)
	return errors.Join(err, e.announce(dir, results), verdict)
}

// execute does a run whole: boots what the options name, judges what is left
// and writes it down. dir is the run's folder, "" if it never began.
func (e *env) execute(ctx context.Context, store *kernels.Store, o runOptions) (results []verdict.Result, dir string, err error) {
	p, err := e.plan(o)
	if err != nil {
		return nil, "", err
	}
	if err := vmtest.FindRunner(o.runner); err != nil {
		return nil, "", err
	}
	corpus, err := cases.Load()
	if err != nil {
		return nil, "", err
	}
	inv := e.invocation(o, p)
	if dir, err = newFolder(o.out, inv.Started); err != nil {
		return nil, "", err
	}
	if err := writeJSON(filepath.Join(dir, runFile), inv); err != nil {
		return nil, "", err
	}
	lock, err := lockRun(dir)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	progress := newProgress(e.stderr, e.width)
	progress.follow(store)
	l := &launcher{dir: dir, store: store, plan: p, vms: inv.starting(), progress: progress, images: o.had}
	failed := l.all(ctx)
	progress.close()
	results, err = judgeAll(dir, inv, corpus)
	if err == nil {
		err = record(dir, results)
	}
	return results, dir, errors.Join(failed, err)
}

func (e *env) invocation(o runOptions, p plan) invocation {
	return invocation{Version: version(), Started: time.Now().UTC().Truncate(time.Second), Args: e.args,
		Kernels: o.kernels, Suites: p.names(), Alone: p.alone(), Size: o.size, Sizes: o.sizes, Labels: o.labels, Focus: o.focus,
		Rounds: p.rounds, UntilFailure: p.untilFailure, Trigger: o.trigger, Runner: p.machine.Runner, Matrix: o.matrix}
}
