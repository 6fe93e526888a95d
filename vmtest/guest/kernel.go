package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// load inserts one module file and says how that went. A module that is there
// already is no error: a dependency of two is asked for twice.
func load(path string) event.Record {
	name := strings.TrimSuffix(filepath.Base(path), ".ko")
	rec := event.Record{Kind: event.Module, Name: name}
	f, err := os.Open(path)
	if err != nil {
		rec.Error = fmt.Sprintf("open module: %v", err)
		return rec
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		rec.Error = fmt.Sprintf("load module %s: %v", name, err)
	}
	return rec
}

// linkUp brings lo up: without it even a node's own address does not answer.
func linkUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open socket for lo: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("name lo: %w", err)
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}

// raiseLimits lets the suites lock BPF memory (accounted against
// RLIMIT_MEMLOCK before 5.11) and open many sockets.
func raiseLimits() error {
	inf := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &inf); err != nil {
		return fmt.Errorf("raise memlock limit: %w", err)
	}
	files := unix.Rlimit{Cur: 1 << 18, Max: 1 << 18}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("raise open files limit: %w", err)
	}
	return nil
}

// knobs are set before the modules load. A kernel built without one has no file
// for it and goes without.
var knobs = []struct{ path, value string }{
	// A task that hangs shall be named on the console before the host's silence
	// deadline stops the VM; the default of 120 s would come too late.
	{"/proc/sys/kernel/hung_task_timeout_secs", "40"},
	// Allows the dump of blocked tasks when a suite overstays its time.
	{"/proc/sys/kernel/sysrq", "1"},
}

// tuneKernel sets the knobs. A suite can do without any of them, so that what
// fails is a line in the kernel log.
func tuneKernel() error {
	for _, k := range knobs {
		err := os.WriteFile(k.path, []byte(k.value), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			kmsg(err.Error())
		}
	}
	if err := unix.Sethostname([]byte("krepro")); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	return nil
}
