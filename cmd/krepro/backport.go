package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/compare"
	"github.com/krepro/krepro/vmtest/verdict"
)

// Files in a backport's folder, beside those of its steps.
const (
	backportFile = "backport.json"
	mailFile     = "mail.txt"
)

// backportOptions are the flags of krepro backport.
type backportOptions struct {
	base               string
	patches, fragments []string
	name               string // of the case
	suites             []string
	debug              bool
	pairs, rounds      int
	size, out          string
	trigger            float64
	buildJobs          int
	timeout            time.Duration
	json               bool
	vm                 vmOptions
}

func (e *env) backportCommand() *cobra.Command {
	var o backportOptions
	c := &cobra.Command{
		Use:   "backport --base REF --patch FILE... --case NAME",
		Short: "Say whether a patch fixes a case, and harms nothing else",
		Long: `Backport builds a kernel before and after a patch, runs both in turns, and says
whether the case is gone and nothing else became worse: first the case's specs,
as often as it takes to tell; then all suites; then again what came out worse but
may be luck. It ends with a text for a mail, also in mail.txt. The steps are run
folders, for krepro judge and explain.

validated      0    the case is gone, nothing else is worse, no new splat
not validated  1    the case still shows, or the patch does not apply or build, or
                    changes no code
harmful        1    a spec, a suite or the boot is worse, a new splat, or churn takes
                    twice as long or longer
unsure       125    anything else, also a base that cannot be built`,
		Example: "  krepro backport --base tree:linux@v5.10.218 --patch fix.patch --case sockhash-stale-entry\n" +
			"  krepro backport --base debian-source:6.1 --patch 1.patch --patch 2.patch --case sockmap-disconnect --debug",
		Args: cobra.NoArgs,
		RunE: does(func(ctx context.Context, _ []string) error { return e.backport(ctx, o) }),
	}
	f := c.Flags()
	f.StringVar(&o.base, "base", "", "kernel without the patch, `REF` of a tree: or debian-source:")
	f.StringArrayVar(&o.patches, "patch", nil, "patch `FILE`, again for each, applied in this order")
	f.StringArrayVar(&o.fragments, "config", nil, "`FILE` with further options of both kernels, again for each")
	f.StringVar(&o.name, "case", "", "case that the patch is to fix")
	f.StringSliceVarP(&o.suites, "suite", "s", nil, "suite `NAME` to compare, again for each (default all but those on request)")
	f.BoolVar(&o.debug, "debug", false, "look for new splats on builds with KASAN and lockdep, too")
	f.IntVar(&o.pairs, "pairs", 2, "runs of all suites, on each kernel")
	f.IntVar(&o.rounds, "rounds", 100, "rounds of the case's specs at most, on each kernel")
	f.StringVar(&o.size, "size", "default", "trials: quick, default or soak")
	f.Float64Var(&o.trigger, "trigger", 0, "`SHARE` of trials in which specs with the label thin pull their trigger (default all)")
	f.IntVarP(&o.buildJobs, "jobs", "j", 0, "commands of a build at a time (default: one for each core)")
	f.StringVarP(&o.out, "out", "o", "", "folder, new or empty (default runs/<UTC time>)")
	f.BoolVar(&o.json, "json", false, "print JSON instead of text")
	f.DurationVar(&o.timeout, "timeout", 0, "time for each VM (default as krepro run has)")
	o.vm.flags(f)
	must(c.RegisterFlagCompletionFunc("suite", e.completeSuites))
	for _, flag := range []string{"base", "patch", "case"} {
		must(c.MarkFlagRequired(flag))
	}
	return c
}

// backport is krepro backport.
func (e *env) backport(ctx context.Context, o backportOptions) (err error) {
	b, err := e.newBackport(o)
	if err != nil {
		return err
	}
	store, err := e.store()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	store.Jobs = o.buildJobs
	b.get = func(ctx context.Context, ref kernels.Ref) (*kernels.Image, error) {
		p := newProgress(e.stderr, e.width)
		defer p.close()
		p.follow(store)
		return store.Get(ctx, ref)
	}
	b.apply = func(ctx context.Context, ref kernels.Ref) error {
		_, _, err := store.Source(ctx, ref)
		return err
	}
	b.run = func(ctx context.Context, o runOptions) ([]verdict.Result, error) {
		results, _, err := e.execute(ctx, store, o)
		return results, err
	}
	if b.dir, err = newFolder(o.out, time.Now()); err != nil {
		return err
	}
	return e.conclude(ctx, b)
}

// newBackport checks a command line.
func (e *env) newBackport(o backportOptions) (*backport, error) {
	base, err := kernels.ParseRef(o.base)
	if err != nil {
		return nil, err
	}
	if !base.Built() {
		return nil, usage("base: %s is not built from source; write tree:DIR@REV or debian-source:VERSION", o.base)
	}
	if o.pairs < 1 {
		return nil, usage("pairs: %d is not at least 1", o.pairs)
	}
	if o.rounds < 1 {
		return nil, usage("rounds: %d is not at least 1", o.rounds)
	}
	corpus, err := cases.Load()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(corpus, func(c cases.Case) bool { return c.Name == o.name })
	if i < 0 {
		return nil, usage("case: no %q; krepro cases are %s", o.name, strings.Join(namesOf(corpus), ", "))
	}
	b := &backport{o: o, base: base, known: corpus[i], images: map[string]*kernels.Image{},
		say: func(format string, args ...any) { fmt.Fprintf(e.stderr, format+"\n", args...) }}
	return b, e.checkBackport(b)
}

// checkBackport checks what the steps of a backport will be asked for.
func (e *env) checkBackport(b *backport) error {
	after := b.ref(true, false)
	p, err := e.plan(b.options(compare.Step{}, after, b.o.suites, nil))
	if err != nil {
		return err
	}
	if read := p.refs[0]; !slices.Equal(read.Patches, after.Patches) || !slices.Equal(read.Fragments, after.Fragments) {
		return usage("%s: a fragment's name has to end with .config, and no patch's may", after.Text)
	}
	_, err = e.chooseSuites(b.known.Suites())
	return err
}

func namesOf(corpus []cases.Case) []string {
	var names []string
	for _, c := range corpus {
		names = append(names, c.Name)
	}
	return names
}

// conclude runs the steps, writes down what they say, and ends with its code.
func (e *env) conclude(ctx context.Context, b *backport) error {
	report, failed := b.judge(ctx)
	about := compare.About{Version: version(), Command: "krepro " + commandLine(withoutOut(e.args)), Size: b.o.size, Debug: b.o.debug,
		Specs: caseSpecs(b.known, ": "), Base: b.kernel(false), After: b.kernel(true)}
	if err := e.showBackport(b, report, about); err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "\nevidence: %s\n", b.dir)
	if failed != nil {
		return failed
	}
	if code := report.Verdict.Code(); code != 0 {
		return &failure{code: code}
	}
	return nil
}

// showBackport writes a report into the folder, and prints it.
func (e *env) showBackport(b *backport, report compare.Report, about compare.About) error {
	whole := struct {
		compare.Report
		About compare.About `json:"about"`
	}{report, about}
	if err := writeJSON(filepath.Join(b.dir, backportFile), whole); err != nil {
		return err
	}
	mail := report.Mail(about)
	if err := writeFile(filepath.Join(b.dir, mailFile), []byte(mail)); err != nil {
		return err
	}
	if b.o.json {
		return e.printJSON(whole)
	}
	if table := report.Table(); table != "" {
		mail = table + "\n" + mail
	}
	if _, err := fmt.Fprint(e.stdout, mail); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

// withoutOut leaves out where the evidence went: there is no room for more.
func withoutOut(args []string) (out []string) {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--out" || a == "-o":
			i++
		case strings.HasPrefix(a, "--out="):
		default:
			out = append(out, a)
		}
	}
	return out
}

// commandLine is what a shell takes for these arguments.
func commandLine(args []string) string {
	var out []string
	for _, a := range args {
		out = append(out, quoted(a))
	}
	return strings.Join(out, " ")
}
