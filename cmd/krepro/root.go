package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/verdict"
)

// codeUsage is for a command line that makes no sense: above 127, so that git
// bisect run stops.
const codeUsage = 129

// failure ends the command with a code; without an error, silently.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// main runs a command line and returns its exit code. Errors that no command of
// ours made are cobra's own, about usage.
func (e *env) main(ctx context.Context, args []string) int {
	root := e.root()
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	var f *failure
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &f):
		fmt.Fprintf(e.stderr, "krepro: %v; see %s --help\n", err, c.CommandPath())
		return codeUsage
	case f.err != nil:
		fmt.Fprintf(e.stderr, "krepro: %v\n", f.err)
	}
	return f.code
}

// does adapts a command's function: whatever error comes out of it carries an
// exit code, of several that one which must not be hidden, and all are told.
func does(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		err := f(c.Context(), args)
		if err == nil {
			return nil
		}
		var codes []int
		var said []error
		for _, part := range parts(err) {
			one := coded(c.Context(), part)
			codes = append(codes, one.code)
			said = append(said, one.err)
		}
		whole := &failure{codes[0], errors.Join(said...)}
		switch {
		case len(codes) == 1:
		case slices.Contains(codes, codeUsage):
			whole.code = codeUsage
		default:
			whole.code = verdict.Worst(codes...)
		}
		return whole
	}
}

// parts are the errors that have been joined.
func parts(err error) (all []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}

// coded gives an error an exit code. Without one of its own it is a fault of the
// host, or of the reference, and never a verdict.
func coded(ctx context.Context, err error) *failure {
	var f *failure
	var ref *kernels.RefError
	var unbuildable *kernels.BuildError
	switch {
	case errors.As(err, &f):
		return f
	case ctx.Err() != nil:
		return &failure{verdict.CodeCancelled, errors.New("interrupted")}
	case errors.As(err, &ref):
		return &failure{codeUsage, err}
	case errors.As(err, &unbuildable):
		return &failure{verdict.CodeSkip, err}
	}
	return &failure{verdict.CodeInfra, err}
}

func (e *env) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "krepro",
		Short:         "Ask real kernels whether they have a bug",
		Long:          "krepro boots kernels in QEMU, runs test suites inside, and says which of them have a known bug.",
		Example:       "  krepro run --kernel debian:5.10.218-1 --kernel debian:6.1 --suite sockmap\n  git bisect run krepro verdict --case sockhash-stale-entry",
		SilenceErrors: true,
		SilenceUsage:  true,

		PersistentPreRunE: func(c *cobra.Command, args []string) error { return nothingEmpty(c.Flags(), args) },
		Args:              cobra.NoArgs,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	if e.stdin != nil {
		root.SetIn(e.stdin)
	}
	root.AddCommand(e.runCommand(), e.backportCommand(), e.bisectCommand(), e.verdictCommand(), e.matrixCommand(), e.mergeCommand(), e.suitesCommand(), e.kernelsCommand(), e.judgeCommand(), e.compareCommand(), e.explainCommand(), e.sweepCommand(), e.traceCommand(), e.shellCommand(), e.exportCommand(),
		e.doctorCommand(), e.versionCommand(), exitCodesTopic())
	return root
}

// nothingEmpty refuses what a shell's unset variable makes of a flag or an
// argument: it would stand for the default, and ask another question.
func nothingEmpty(flags *pflag.FlagSet, args []string) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		list, isList := f.Value.(pflag.SliceValue)
		if isList && strings.Join(list.GetSlice(), "") == "" || !isList && f.Value.String() == "" {
			err = usage("--%s is empty: give it a value, or leave it out", f.Name)
		}
	})
	if slices.Contains(args, "") {
		err = usage("an argument is empty; see the command's --help")
	}
	return err
}

// exitCodesTopic is krepro help exit-codes.
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes of krepro run, matrix, merge and judge, safe for git bisect run:

    0  every verdict is as expected
    1  a kernel's verdict is not: a spec failed, it crashed, it has a bug that
       was not expected, or does not have one that was
  125  cannot tell: its tree cannot be built, not testable, did not boot, a suite
       broke or asked nothing, it failed in another way than the bug does
  128  a fault of the host: QEMU, disk, network, a kernel that cannot be had
  129  the command line makes no sense
  130  interrupted

Of several the first of 130, 128, 1, 125 is taken. krepro backport ends with 0 if
the patch is validated, 1 if it is not or does harm, 125 if that cannot be told;
krepro bisect with 0 if it found the change, 125 if it did not; krepro verdict
with 0 or 1 as git bisect run wants them. The other commands end with 0, 128,
129 or 130; what needs a kernel from source with 125 if that cannot be built,
krepro doctor with 1 if something is missing, krepro sweep with 1 if stale
entries are left, krepro kernels diff with 125 if a kernel could not be probed.`,
	}
}
