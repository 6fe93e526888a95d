package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

func (e *env) judgeCommand() *cobra.Command {
	asJSON, rates := false, false
	c := &cobra.Command{
		Use:   "judge DIR",
		Short: "Judge a run again, from its files alone",
		Long: `Judge reads the evidence in a run's folder (or in that of one of its kernels)
and prints the verdicts again, without booting anything and without changing a
file. With --json it prints what the run wrote to verdicts.json, byte for byte.`,
		Example: "  krepro judge runs/20260314-150926\n  krepro judge runs/20260314-150926 --json | cmp - runs/20260314-150926/verdicts.json",
		Args:    cobra.ExactArgs(1),
		RunE: does(func(_ context.Context, args []string) error {
			results, err := judge(args[0])
			if err != nil {
				return err
			}
			if rates {
				if _, err := fmt.Fprint(e.stdout, report.AllRates(results)); err != nil {
					return fmt.Errorf("print rates: %w", err)
				}
				return ended(results)
			}
			return e.show(results, asJSON)
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON instead of a table")
	c.Flags().BoolVar(&rates, "rates", false, "print failures, trials and interval of each case and spec instead of a table")
	c.MarkFlagsMutuallyExclusive("json", "rates")
	return c
}

// judge judges the folder of a run, or of one VM of it.
func judge(dir string) ([]verdict.Result, error) {
	corpus, err := cases.Load()
	if err != nil {
		return nil, err
	}
	dir, run, inv, err := findRun(dir)
	if err != nil {
		return nil, err
	}
	if run != dir {
		return []verdict.Result{judgeVM(dir, inv, corpus)}, nil
	}
	return judgeAll(dir, inv, corpus)
}

// findRun finds the run that a folder is, or that it is a VM's folder of: its
// whole path, the run's, and what was asked for.
func findRun(dir string) (abs, run string, inv invocation, err error) {
	if abs, err = filepath.Abs(dir); err != nil {
		return "", "", inv, fmt.Errorf("find run: %w", err)
	}
	run = abs
	if _, err := os.Stat(filepath.Join(abs, runFile)); errors.Is(err, fs.ErrNotExist) {
		run = filepath.Dir(abs)
	}
	inv, err = readInvocation(run)
	if errors.Is(err, fs.ErrNotExist) {
		err = &failure{codeUsage, fmt.Errorf("%s is no run folder: no %s in it or above it", abs, runFile)}
	}
	if _, gone := os.Stat(filepath.Join(abs, verdict.KernelFile)); err == nil && run != abs && gone != nil {
		err = usage("%s is no VM's folder: no %s in it; its run is %s", abs, verdict.KernelFile, run)
	}
	return abs, run, inv, err
}

// judgeAll judges each VM that was asked for, also one of which there is no
// folder: krepro was killed before it came to that.
func judgeAll(dir string, inv invocation, corpus []cases.Case) ([]verdict.Result, error) {
	folders, err := vmFolders(dir)
	if err != nil {
		return nil, err
	}
	results := []verdict.Result{}
	for _, vm := range inv.vms() {
		var r verdict.Result
		if vms := folders[vm]; len(vms) > 0 {
			r, folders[vm] = judgeVM(vms[0], inv, corpus), vms[1:]
		} else {
			r = verdict.Of(os.DirFS(filepath.Join(dir, "absent")), asked(inv.sharing(vm.alone), event.Kernel{Ref: vm.ref}, corpus))
			r.Kernel.Ref, r.Kernel.Alone = vm.ref, vm.alone
		}
		results = append(results, r)
	}
	return inv.judgeEntries(results), nil
}

func judgeVM(dir string, inv invocation, corpus []cases.Case) verdict.Result {
	k := readKernel(dir)
	return verdict.Of(os.DirFS(dir), asked(inv.sharing(k.Alone), k, corpus))
}

// show prints results and ends with their code.
func (e *env) show(results []verdict.Result, asJSON bool) error {
	text := []byte(report.Table(results))
	if asJSON {
		var err error
		if text, err = report.JSON(results); err != nil {
			return err
		}
	}
	if _, err := e.stdout.Write(text); err != nil {
		return fmt.Errorf("print verdicts: %w", err)
	}
	return ended(results)
}

// ended is how the command ends by its results.
func ended(results []verdict.Result) error {
	if code := report.Code(results); code != 0 {
		return &failure{code: code}
	}
	return nil
}
