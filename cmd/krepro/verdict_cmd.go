package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/bisect"
	"github.com/krepro/krepro/vmtest/report"
	"github.com/krepro/krepro/vmtest/verdict"
)

// verdictOptions are the flags of krepro verdict.
type verdictOptions struct {
	tree, find string
	ask        questionFlags
	trials     int
	fragments  []string
	debug      bool
	jobs       int
	out        string
	vm         vmOptions
}

func (e *env) verdictCommand() *cobra.Command {
	var o verdictOptions
	c := &cobra.Command{
		Use:   "verdict --case NAME",
		Short: "Build a tree as it lies and answer one question, for git bisect run",
		Long: `Verdict builds the tree that it is called in, boots it, asks it whether it has a
bug, and prints one line. Its exit code is for git bisect run: 0 without the bug,
1 with it, 125 if that cannot be told, 128 and above for a fault of the host,
which ends git bisect run. With --find fix 0 and 1 change places: there old is
with the bug, and new without.`,
		Example: `  krepro verdict --tree linux --case sockhash-stale-entry
  git bisect run krepro verdict --case sockhash-stale-entry
  git bisect start --term-old broken --term-new fixed
  git bisect run krepro verdict --case sockhash-stale-entry --find fix --trials 250`,
		Args: cobra.NoArgs,
		RunE: does(func(ctx context.Context, _ []string) (err error) {
			store, err := e.store()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, store.Close()) }()
			store.Jobs = o.jobs
			return e.verdict(ctx, o, e.newProber(store))
		}),
	}
	f := c.Flags()
	f.StringVar(&o.tree, "tree", ".", "folder of a kernel tree, taken as its files lie")
	o.ask.flags(f)
	f.StringVar(&o.find, "find", "break", "what git bisect looks for: break, or fix")
	f.IntVar(&o.trials, "trials", 1, "trials that a kernel must pass to be without the bug (krepro bisect says how many)")
	f.StringArrayVar(&o.fragments, "config", nil, "`FILE` with further options for the build, again for each")
	f.BoolVar(&o.debug, "debug", false, "build with KASAN and lockdep")
	f.IntVarP(&o.jobs, "jobs", "j", 0, "commands of a build at a time (default: one for each core)")
	f.StringVarP(&o.out, "out", "o", "", "folder of the evidence, new or empty (default a new one in the folder for temporary files)")
	o.vm.flags(f)
	must(c.RegisterFlagCompletionFunc("case", completeCases))
	must(c.RegisterFlagCompletionFunc("suite", e.completeSuites))
	return c
}

// verdict is krepro verdict.
func (e *env) verdict(ctx context.Context, o verdictOptions, p *prober) error {
	corpus, err := cases.Load()
	if err != nil {
		return err
	}
	if p.question, err = o.ask.question(corpus); err != nil {
		return err
	}
	find := bisect.Find(o.find)
	if find != bisect.Break && find != bisect.Fix {
		return usage("find: %q is neither break nor fix", o.find)
	}
	if o.trials < 1 {
		return usage("trials: %d is not at least 1", o.trials)
	}
	if err := checkFragments(o.fragments); err != nil {
		return err
	}
	tree, err := filepath.Abs(o.tree)
	if err != nil {
		return fmt.Errorf("find tree: %w", err)
	}
	ref := kernels.Ref{Text: "tree:" + tree, Tree: tree}.With(nil, o.fragments, o.debug)
	p.ref = func(string) (kernels.Ref, error) { return ref, nil }
	p.vm = o.vm
	if err := e.checkQuestion(p.question, p.vm); err != nil {
		return err
	}
	if p.dir, err = verdictFolder(o.out); err != nil {
		return err
	}
	s, err := p.until(ctx, bisect.Kernel{ID: filepath.Base(tree)}, o.trials)
	if err != nil {
		if os.Remove(p.dir) != nil { // there is something in it
			fmt.Fprintf(e.stderr, "evidence: %s\n", p.dir)
		}
		return err
	}
	if _, err := fmt.Fprintf(e.stdout, "%s: %s; evidence: %s\n", p.question, told(s), p.dir); err != nil {
		return fmt.Errorf("print verdict: %w", err)
	}
	if code := codeFor(find, s.Answer); code != 0 {
		return &failure{code: code}
	}
	return nil
}

// told is an answer with what it rests on.
func told(s bisect.Step) string {
	reach := report.Reach(verdict.RateOf(s.Failures, s.Trials))
	switch s.Answer {
	case bisect.Good:
		return fmt.Sprintf("%s: %s", s.Verdict, reach)
	case bisect.Bad:
		return fmt.Sprintf("%s: %s: %s", s.Verdict, s.Reason, reach)
	}
	return fmt.Sprintf("%s: %s", s.Verdict, s.Reason)
}

// verdictFolder is outside of the tree: its files are what is built.
func verdictFolder(out string) (string, error) {
	if out != "" {
		return newFolder(out, time.Time{})
	}
	dir, err := os.MkdirTemp("", "krepro-verdict-")
	if err != nil {
		return "", fmt.Errorf("make folder of evidence: %w", err)
	}
	return dir, nil
}

// until asks a kernel until it fails or has passed so many trials.
func (p *prober) until(ctx context.Context, k bisect.Kernel, trials int) (all bisect.Step, err error) {
	rounds := 1
	for {
		if _, err := p.build(ctx, k); err != nil {
			return all, err
		}
		s, err := p.try(ctx, k, rounds, true)
		if err != nil {
			return all, err
		}
		s.Rounds, s.Trials, s.Failures = all.Rounds+s.Rounds, all.Trials+s.Trials, all.Failures+s.Failures
		if all = s; all.Answer != bisect.Good || all.Trials >= trials {
			return all, nil
		}
		perRound := max(1, all.Trials/all.Rounds)
		rounds = min((trials-all.Trials+perRound-1)/perRound, bisect.MostRounds)
	}
}

// codeFor is the exit code that tells git bisect run the side of an answer.
func codeFor(find bisect.Find, a bisect.Answer) int {
	switch find.Side(a) {
	case bisect.Old:
		return verdict.CodeGood
	case bisect.New:
		return verdict.CodeBad
	}
	return verdict.CodeSkip
}
