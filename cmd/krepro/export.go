package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
)

func (e *env) exportCommand() *cobra.Command {
	o := runOptions{vm: vmOptions{accel: vmtest.Auto}}
	kernel := ""
	c := &cobra.Command{
		Use:   "export virtme-ng|vmtest --kernel REF --suite NAME...",
		Short: "Print what one would type to run suites by virtme-ng or vmtest",
		Long: `Export writes all that the VM reads into a folder (the kernel, the modules, the
suites) and prints the command, and for vmtest its configuration: what krepro run
--runner uses, but for the serial ports, whose bytes go to console.log,
control.jsonl and events.jsonl in the folder. The clock's frequency in it is
this machine's. For verdicts use krepro run --runner.`,
		Example:   "  krepro export virtme-ng --kernel debian:5.10.223-1/amd64 --suite sockmap --size quick",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: vmtest.Runners[1:],
		RunE: does(func(ctx context.Context, args []string) error {
			o.runner, o.kernels = args[0], []string{kernel}
			return e.export(ctx, o)
		}),
	}
	f := c.Flags()
	f.StringVarP(&kernel, "kernel", "k", "", "kernel `REF`")
	f.StringSliceVarP(&o.suites, "suite", "s", nil, "suite `NAME`, again for each")
	f.StringVar(&o.labels, "label-filter", "", "run only specs with labels that match (Ginkgo's syntax)")
	f.StringVar(&o.focus, "focus", "", "run only specs whose text matches this regular expression")
	f.StringVar(&o.size, "size", "default", "trials: quick, default or soak")
	f.StringVarP(&o.out, "out", "o", "", "folder, new or empty (default exports/<UTC time>)")
	f.IntVar(&o.vm.cpus, "cpus", 0, "CPUs of the VM (default 1)")
	f.StringVar(&o.vm.memory, "memory", "", "memory of the VM, as 1G (default 1G, or more if the suites need it)")
	o.files.flags(f)
	must(c.MarkFlagRequired("kernel"))
	must(c.MarkFlagRequired("suite"))
	must(c.RegisterFlagCompletionFunc("kernel", completeKernels))
	must(c.RegisterFlagCompletionFunc("suite", e.completeSuites))
	return c
}

// export is krepro export.
func (e *env) export(ctx context.Context, o runOptions) (err error) {
	p, err := e.plan(o)
	if err != nil {
		return err
	}
	if len(p.suites) > 1 && len(p.alone()) > 0 {
		return usage("suite: %s has a VM to itself: export it alone", strings.Join(p.alone(), ", "))
	}
	store, err := e.store()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	m, err := e.exported(ctx, store, p)
	if err != nil {
		return err
	}
	if m.Dir, err = exportFolder(o.out); err != nil {
		return err
	}
	args, err := m.Export()
	if err != nil {
		return err
	}
	return e.showExport(args)
}

// exported is the VM that a plan asks for.
func (e *env) exported(ctx context.Context, store *kernels.Store, p plan) (vmtest.Machine, error) {
	img, err := store.Get(ctx, p.refs[0])
	if err != nil {
		return vmtest.Machine{}, err
	}
	if err := lacking(img, p.suites, p.machine.Runner); err != nil {
		return vmtest.Machine{}, err
	}
	for suite, lacks := range img.Missing {
		return vmtest.Machine{}, fmt.Errorf("export %s: %s lacks %s", suite, img.Name, strings.Join(lacks, ", "))
	}
	say := func(format string, args ...any) { fmt.Fprintf(e.stderr, format+"\n", args...) }
	l := &launcher{store: store, plan: p, programs: fetchPrograms(ctx, store, p.suites, say)}
	m := l.machine(had{img: img, suites: p.suites})
	m.Accel = p.accel
	return m, nil
}

// exportFolder makes the folder, and returns its path from the root: the VM's
// root is the host's.
func exportFolder(out string) (dir string, err error) {
	if out == "" {
		dir, err = timedFolder("exports", time.Now())
	} else {
		dir, err = newFolder(out, time.Now())
	}
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// showExport prints the configuration, if a file of the command's is one, and
// the command with an option a line.
func (e *env) showExport(args []string) error {
	if at := slices.Index(args, "--config"); at >= 0 {
		text, err := os.ReadFile(args[at+1])
		if err != nil {
			return fmt.Errorf("read export: %w", err)
		}
		fmt.Fprintf(e.stdout, "# %s\n%s\n", args[at+1], text)
	}
	for i, arg := range args {
		switch {
		case i == 0:
		case strings.HasPrefix(arg, "--"):
			fmt.Fprint(e.stdout, " \\\n  ")
		default:
			fmt.Fprint(e.stdout, " ")
		}
		fmt.Fprint(e.stdout, quoted(arg))
	}
	fmt.Fprintln(e.stdout)
	return nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_+./:=,%@-]+$`)

// quoted is a word as a shell wants it.
func quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
