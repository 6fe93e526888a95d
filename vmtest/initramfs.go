package vmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// memoryFile makes a file that exists in memory only: an initramfs of tens of
// megabytes is nothing to leave on a disk when this process is killed.
func memoryFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create memory file: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// load is what the VM carries, besides PID 1.
type load struct {
	suites  []Suite
	modules []module
	plan    event.Plan
}

// pack decides what goes into the VM. Suites of which the kernel misses
// something are left out; a module it does not have is added to what it misses.
func (m *Machine) pack() (load, error) {
	var l load
	found, err := openModules(m.Kernel.Modules)
	if err != nil {
		return l, err
	}
	missing := map[string][]string{}
	for name, what := range m.Kernel.Info.Missing {
		missing[name] = slices.Clone(what)
	}
	for _, s := range m.Suites {
		for _, name := range s.Modules {
			err := found.want(name)
			var none missingModule
			if errors.As(err, &none) {
				missing[s.Name] = append(missing[s.Name], "module "+none.name)
			} else if err != nil {
				return l, err
			}
		}
		if len(missing[s.Name]) == 0 {
			l.suites = append(l.suites, s)
		}
	}
	if len(missing) > 0 {
		m.Kernel.Info.Missing = missing
	}
	if found != nil {
		l.modules = found.list
	}
	l.plan = m.planFor(l)
	return l, nil
}

func (m *Machine) planFor(l load) event.Plan {
	plan := event.Plan{Shell: m.Shell != nil, Modules: []string{}, Suites: []event.SuitePlan{}}
	plan.Env = append(plan.Env, event.EnvSlow+"="+paces[m.Accel].slow)
	if m.Kernel.BTF != "" {
		plan.Env = append(plan.Env, event.EnvBTF+"="+event.GuestBTF)
	}
	plan.Env = append(plan.Env, m.Env...)
	for _, mod := range l.modules {
		plan.Modules = append(plan.Modules, modulePath(mod))
	}
	for _, s := range l.suites {
		plan.Suites = append(plan.Suites, event.SuitePlan{Name: s.Name, Args: s.Args, Env: s.Env, Seconds: s.Limit.Seconds(),
			Rounds: s.Rounds, UntilFailure: s.UntilFailure})
	}
	return plan
}

func modulePath(m module) string { return event.GuestDir + "/modules/" + m.name + ".ko" }

// container is what the guest's files are put into: an archive, or a folder. The
// first error is returned by close.
type container interface {
	dir(name string)
	file(name string, mode int, data []byte)
	close() error
}

// initramfs writes the archive. It is not compressed: QEMU hands it over by a
// memory copy, and the guest would have to decompress it (docs/vm.md has figures).
func (m *Machine) initramfs(l load, w io.Writer) error { return m.fill(l, newArchive(w)) }

// fill puts in all that the guest finds in its root.
func (m *Machine) fill(l load, a container) error {
	for _, d := range []string{"dev", "proc", "sys", "tmp", "run", "bin", event.GuestDir + "/modules", event.GuestSuites} {
		a.dir(entry(d))
	}
	files := []struct{ name, from string }{
		{"init", m.Guest},
		{event.GuestBTF, m.Kernel.BTF},
		{event.GuestBusybox, m.Busybox},
	}
	for _, s := range l.suites {
		files = append(files, struct{ name, from string }{event.GuestSuites + "/" + s.Name + ".test", s.Binary})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		files = append(files, struct{ name, from string }{name, m.Files[name]})
	}
	for _, f := range files {
		if f.from == "" {
			continue
		}
		data, err := os.ReadFile(f.from)
		if err != nil {
			return fmt.Errorf("read file for initramfs: %w", err)
		}
		a.file(entry(f.name), modeExec, data)
	}
	for _, mod := range l.modules {
		a.file(entry(modulePath(mod)), modeFile, mod.data)
	}
	plan, err := json.Marshal(l.plan)
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	a.file(entry(event.GuestPlan), modeFile, plan)
	return a.close()
}

// entry is a guest path as the archive has it, without the leading slash.
func entry(path string) string { return strings.TrimPrefix(path, "/") }
