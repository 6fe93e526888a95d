package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// hostedRoot is where the tree is copied to. /run is a tmpfs of the VM's own
// under virtme-ng and vmtest, so that nothing of this reaches the host's disk.
const hostedRoot = "/run/krepro-root"

// hosted does PID 1's work in a VM that somebody else has booted over the host's
// root and runs this in: all but the restart, which is the VM's owner's. Within a
// copy of the tree, which has what an initramfs would have, the rest is none the
// wiser.
func hosted(tree string) int {
	if err := protect(func() error { return enter(tree) }); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		return 1
	}
	carryOut()
	flush()
	return 0
}

func enter(tree string) error {
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return fmt.Errorf("read kernel command line: %w", err)
	}
	if !slices.Contains(strings.Fields(string(line)), event.HostedVM) {
		return fmt.Errorf("this is no VM of krepro's: its kernel command line has no %s", event.HostedVM)
	}
	// The suites' orphans become this process's, not PID 1's (prctl(2)).
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become reaper of orphans: %w", err)
	}
	if err := stopUdev(); err != nil {
		return err
	}
	root := mount{"tmpfs", hostedRoot, "mode=0755", unix.MS_NODEV, true}
	if err := root.do(); err != nil {
		return err
	}
	if err := os.CopyFS(hostedRoot, os.DirFS(tree)); err != nil {
		return fmt.Errorf("copy %s: %w", tree, err)
	}
	if err := unix.Chroot(hostedRoot); err != nil {
		return fmt.Errorf("enter %s: %w", hostedRoot, err)
	}
	return os.Chdir("/")
}

// stopUdev ends the udev that virtme-ng leaves running: it gives names and
// addresses to network devices of its own choice while a suite sets them up.
func stopUdev() error {
	all, err := processes()
	for _, p := range all {
		if strings.Contains(p.name, "udev") {
			unix.Kill(p.pid, unix.SIGKILL)
		}
	}
	return err
}

// killChildren kills what this process has for children. Theirs are its own
// from then on.
func killChildren() {
	all, err := processes()
	if err != nil {
		kmsg(err.Error())
	}
	for _, p := range all {
		if p.parent == os.Getpid() {
			unix.Kill(p.pid, unix.SIGKILL)
		}
	}
}

type process struct {
	pid, parent int
	name        string
}

// processes lists all that run. One that ends meanwhile is left out.
func processes() ([]process, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("list processes: %d in /proc, %v", len(files), err)
	}
	var all []process
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		p, err := parseStat(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// parseStat reads /proc/PID/stat (proc(5)): the number, the name in
// parentheses, which may have any character in it, the state, the parent.
func parseStat(text []byte) (process, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 1 || end < open {
		return process{}, fmt.Errorf("no name in %.80q", text)
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 2 {
		return process{}, fmt.Errorf("no parent in %.80q", text)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:open])))
	if err != nil {
		return process{}, err
	}
	parent, err := strconv.Atoi(fields[1])
	return process{pid, parent, string(text[open+1 : end])}, err
}
