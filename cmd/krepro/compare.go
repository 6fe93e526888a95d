package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

func (e *env) compareCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compare A B",
		Short: "Compare two kernels' rates by an exact test, or two runs",
		Long: `Compare takes two folders. If they are of VMs, of one run or of two, it prints the
specs whose failures of trials differ: by Fisher's exact test, two-sided, with
Holm's correction for as many specs as both VMs answered. If they are of whole
runs, it says what has changed from A to B: verdicts, kernels, and rates by the
same test.`,
		Example: "  krepro compare runs/20260314-150926/debian-5.10.218-1-cloud-amd64 runs/20260314-150926/debian-6.1.192-2-cloud-amd64\n" +
			"  krepro compare runs/20260314-150926 runs/20260321-150926",
		Args: cobra.ExactArgs(2),
		RunE: does(func(_ context.Context, args []string) error { return e.compare(args[0], args[1]) }),
	}
}

// compare is krepro compare.
func (e *env) compare(a, b string) error {
	old, ofVM, err := judgedFolder(a)
	if err != nil {
		return err
	}
	new, alike, err := judgedFolder(b)
	if err != nil {
		return err
	}
	if ofVM != alike {
		return &failure{codeUsage, fmt.Errorf("one of %s and %s is a run, the other a VM of one", a, b)}
	}
	text := ""
	if ofVM {
		text = report.Rates(old, new)
	} else {
		text = report.Changes(report.Diff(old, new))
	}
	if _, err := fmt.Fprint(e.stdout, text); err != nil {
		return fmt.Errorf("print comparison: %w", err)
	}
	return nil
}

// judgedFolder judges a folder, and tells whether it is that of a VM.
func judgedFolder(dir string) (results []verdict.Result, ofVM bool, err error) {
	abs, run, _, err := findRun(dir)
	if err != nil {
		return nil, false, err
	}
	results, err = judge(dir)
	return results, abs != run, err
}
