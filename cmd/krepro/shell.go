package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
)

// shellOptions are the flags of krepro shell.
type shellOptions struct {
	kernel string
	files  kernelFiles
	vm     vmOptions
}

func (e *env) shellCommand() *cobra.Command {
	var o shellOptions
	c := &cobra.Command{
		Use:   "shell --kernel REF",
		Short: "Open a shell in a guest, the suites on board",
		Long: `Shell boots a kernel and opens a shell in it: the host's busybox if it is linked
statically (package busybox-static), otherwise a small one of krepro's own. The
suites lie in ` + event.GuestSuites + `, their modules are loaded, and krepro itself is
there for krepro trace and krepro sweep. Exit, or Ctrl-], ends it.`,
		Example: "  krepro shell --kernel debian:5.10.218-1\n  krepro# ./sockmap.test -ginkgo.focus 'leaves no entry'",
		Args:    cobra.NoArgs,
		RunE:    does(func(ctx context.Context, _ []string) error { return e.shell(ctx, o) }),
	}
	f := c.Flags()
	f.StringVarP(&o.kernel, "kernel", "k", "", "kernel `REF`")
	o.files.flags(f)
	o.vm.flags(f)
	must(c.RegisterFlagCompletionFunc("kernel", completeKernels))
	must(c.MarkFlagRequired("kernel"))
	return c
}

func (e *env) shell(ctx context.Context, o shellOptions) (err error) {
	ref, err := o.files.parse(o.kernel)
	if err != nil {
		return err
	}
	m, err := o.vm.machine(e)
	if err != nil {
		return err
	}
	suites, err := manifest.Find(e.suitesDir())
	if err != nil {
		return err
	}
	store, err := e.store()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	img, err := store.Get(ctx, ref)
	if err != nil {
		return err
	}
	m.Kernel = vmKernel(img)
	for _, s := range suites {
		m.Suites = append(m.Suites, vmtest.Suite{Name: s.Name, Binary: s.Binary, Modules: s.Modules})
	}
	fetchPrograms(ctx, store, suites, func(format string, args ...any) { fmt.Fprintf(e.stderr, format+"\n", args...) }).load(&m, suites)
	if m.Accel, err = choose(ctx, store, m, o.vm.accel); err != nil {
		return err
	}
	if m.Dir, err = os.MkdirTemp("", "krepro-shell-"); err != nil {
		return fmt.Errorf("make folder for shell: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(m.Dir)) }()
	return e.converse(ctx, m, img)
}

// converse runs the machine with the terminal in raw mode.
func (e *env) converse(ctx context.Context, m vmtest.Machine, img *kernels.Image) (err error) {
	m.Busybox = vmtest.FindBusybox()
	m.Files = map[string]string{"/bin/krepro": filepath.Join(e.home, "krepro")}
	m.Shell = struct {
		io.Reader
		io.Writer
	}{e.stdin, e.stdout}
	fmt.Fprintf(e.stderr, "booting %s; exit or Ctrl-] ends it\n", img.Release)
	if fd := int(e.stdin.Fd()); term.IsTerminal(fd) {
		old, err := term.MakeRaw(fd)
		if err != nil {
			return fmt.Errorf("set terminal to raw mode: %w", err)
		}
		defer func() { err = errors.Join(err, term.Restore(fd, old)) }()
	}
	exit, err := m.Run(ctx)
	if err != nil || exit.Reason == event.ExitDone || exit.Reason == event.ExitCancelled {
		return err
	}
	return errors.New(describe(exit))
}
