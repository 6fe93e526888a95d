package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
	"github.com/krepro/krepro/vmtest/verdict"
)

// launcher takes the kernels of a run from references to folders of evidence.
type launcher struct {
	dir      string // of the run
	store    *kernels.Store
	plan     plan
	vms      []vmAsked // in the order in which they start
	progress *progress

	programs programs           // of the suites; all fills it in
	images   map[string]outcome // by reference: a kernel is fetched once, whatever it boots
}

// outcome is what came of a reference.
type outcome struct {
	img *kernels.Image
	err error
}

// had is a kernel that is ready to boot.
type had struct {
	img    *kernels.Image
	dir    string // its folder
	suites []manifest.Suite
}

// all fetches the VMs' kernels one after another and boots them as they come,
// so many at a time. A kernel that cannot be had leaves a folder that says so; the
// error is for folders that cannot be written.
func (l *launcher) all(ctx context.Context) error {
	l.programs = fetchPrograms(ctx, l.store, l.plan.suites, l.progress.say)
	ready := make(chan had)
	var failed []error
	var mu sync.Mutex
	note := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, err)
	}
	var workers sync.WaitGroup
	for range min(l.plan.jobs, len(l.vms)) {
		workers.Go(func() {
			for h := range ready {
				note(l.boot(ctx, h))
			}
		})
	}
	for _, vm := range l.vms {
		h, err := l.get(ctx, vm)
		note(err)
		if h != nil {
			ready <- *h
		}
	}
	close(ready)
	workers.Wait()
	return errors.Join(failed...)
}

// get makes a VM's folder. What is not to be booted is nil, and has a folder
// that says why.
func (l *launcher) get(ctx context.Context, vm vmAsked) (*had, error) {
	img, err := l.image(ctx, vm.ref)
	if err != nil {
		return nil, l.unfetched(ctx, vm, err)
	}
	suites := l.plan.share(vm.alone)
	img.Kernel.Alone = vm.alone
	if err := lacking(&img, suites, l.plan.machine.Runner); err != nil {
		return nil, err
	}
	dir, err := vmFolder(l.dir, &img.Kernel)
	if err != nil {
		return nil, err
	}
	if len(img.Missing) == len(suites) {
		l.progress.say("%s: not booted: it lacks what the suites need", img.Name)
		return nil, nil
	}
	return &had{&img, dir, suites}, nil
}

// image is a copy of a reference's kernel, to be changed at will.
func (l *launcher) image(ctx context.Context, ref string) (kernels.Image, error) {
	f, ok := l.images[ref]
	if !ok {
		f.img, f.err = l.store.Get(ctx, l.plan.ref(ref))
		if f.err != nil {
			l.progress.say("%s: %v", ref, f.err)
		}
		if l.images == nil {
			l.images = map[string]outcome{}
		}
		l.images[ref] = f
	}
	if f.err != nil {
		return kernels.Image{}, f.err
	}
	return *f.img, nil
}

// unfetched makes the folder of a VM whose kernel could not be had. What make
// said of a tree that cannot be built goes with it.
func (l *launcher) unfetched(ctx context.Context, vm vmAsked, reason error) error {
	exit := event.Exit{Reason: event.ExitHost, Error: reason.Error(), Phase: "fetch"}
	log := ""
	var unbuildable *kernels.BuildError
	switch {
	case ctx.Err() != nil:
		exit = event.Exit{Reason: event.ExitCancelled, Phase: "fetch"}
	case errors.As(reason, &unbuildable):
		exit = event.Exit{Reason: event.ExitBuild, Error: unbuildable.Stage + ": " + unbuildable.Text, Phase: "build"}
		log = unbuildable.Log
	}
	k := event.Kernel{Ref: vm.ref, Name: slug(vm.ref), Alone: vm.alone}
	dir, err := vmFolder(l.dir, &k)
	if err != nil {
		return err
	}
	if log != "" {
		err = keepLog(log, filepath.Join(dir, "build.log"))
	}
	return errors.Join(err, writeJSON(filepath.Join(dir, verdict.ExitFile), exit))
}

// keepLog copies what make said to where the evidence is.
func keepLog(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("keep build log: %w", err)
	}
	return writeFile(to, data)
}

// lacking notes what a kernel's configuration lacks of what each suite and the
// runner need. Without a configuration nobody knows, and the suites will see.
func lacking(img *kernels.Image, suites []manifest.Suite, runner string) error {
	if img.Config == "" {
		return nil
	}
	config, err := img.ReadConfig()
	if err != nil {
		return err
	}
	for _, s := range suites {
		if missing := append(config.Missing(s.Config), runnerLacks(config, runner)...); len(missing) > 0 {
			if img.Missing == nil {
				img.Missing = map[string][]string{}
			}
			img.Missing[s.Name] = missing
		}
	}
	return nil
}

// machine is the VM of a kernel.
func (l *launcher) machine(h had) vmtest.Machine {
	m := l.plan.machine
	m.Kernel = vmKernel(h.img)
	m.Dir = h.dir
	for _, s := range h.suites {
		m.Suites = append(m.Suites, vmtest.Suite{Name: s.Name, Binary: s.Binary, Args: l.plan.args,
			Env: []string{event.EnvSize + "=" + l.plan.sizeOf(s.Name)}, Modules: s.Modules,
			Limit: s.Limit, Rounds: l.plan.rounds, UntilFailure: l.plan.untilFailure})
	}
	l.programs.load(&m, h.suites)
	return m
}

// boot runs one VM. How it ended is on disk.
func (l *launcher) boot(ctx context.Context, h had) error {
	m := l.machine(h)
	exit := event.Exit{Reason: event.ExitCancelled, Phase: "boot"}
	err := ctx.Err()
	if err == nil {
		m.Accel, err = choose(ctx, l.store, m, l.plan.accel)
	}
	if err != nil {
		if ctx.Err() == nil {
			exit.Reason, exit.Error = event.ExitHost, err.Error()
		}
		return writeJSON(filepath.Join(h.dir, verdict.ExitFile), exit)
	}
	line := l.progress.begin(h.img.Name)
	m.Progress = line.update
	exit, err = m.Run(ctx)
	line.end(exit)
	return err
}

// vmKernel is an image in the words of package vmtest.
func vmKernel(img *kernels.Image) vmtest.Kernel {
	return vmtest.Kernel{Info: img.Kernel, Vmlinuz: img.Vmlinuz, Vmlinux: img.Vmlinux, Modules: img.Modules, BTF: img.BTF}
}

var unsafe = regexp.MustCompile(`[^A-Za-z0-9.+~_-]+`)

// slug makes a file name of a reference.
func slug(ref string) string {
	s := strings.Trim(unsafe.ReplaceAllString(ref, "-"), "-.")
	if len(s) > 100 {
		s = s[len(s)-100:]
	}
	if s == "" {
		return "kernel"
	}
	return s
}

// describe is how a VM ended, for people.
func describe(exit event.Exit) string {
	text := exit.Reason
	if exit.Reason == event.ExitDone {
		return fmt.Sprintf("ran %.1f s", exit.Seconds)
	}
	if exit.Error != "" {
		text += ": " + exit.Error
	}
	text = fmt.Sprintf("%s after %.1f s in %s", text, exit.Seconds, exit.Phase)
	if exit.Spec != "" {
		text += ", spec " + exit.Spec
	}
	if exit.Reason == event.ExitCancelled {
		return text
	}
	for _, line := range exit.Tail {
		text += "\n    | " + line
	}
	return text
}
