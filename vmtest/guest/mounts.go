package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mount is one line of the mount table.
type mount struct {
	fstype, target, options string
	flags                   uintptr
	required                bool // without it PID 1 gives up; else the kernel log says so and the suite finds out
}

const secure = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

var mounts = []mount{
	{"devtmpfs", "/dev", "mode=0755", unix.MS_NOSUID, true}, // first: the kernel log is reached through it
	{"proc", "/proc", "", secure, true},
	{"sysfs", "/sys", "", secure, true},
	{"devpts", "/dev/pts", "mode=0620,ptmxmode=0666", unix.MS_NOSUID | unix.MS_NOEXEC, false},
	{"tmpfs", "/tmp", "mode=1777", unix.MS_NOSUID | unix.MS_NODEV, false},
	{"tmpfs", "/run", "mode=0755", unix.MS_NOSUID | unix.MS_NODEV, false},
	{"cgroup2", "/sys/fs/cgroup", "", secure, false},
	{"bpf", "/sys/fs/bpf", "mode=0700", secure, false},
	{"debugfs", "/sys/kernel/debug", "", secure, false},
	{"tracefs", "/sys/kernel/tracing", "", secure, false},
}

func mountAll(table []mount) error {
	for _, m := range table {
		err := m.do()
		if err != nil && m.required {
			return err
		}
		if err != nil {
			kmsg(err.Error())
		}
	}
	return nil
}

// do mounts it. The directory is missing where the kernel lacks the file system
// under it (/sys/fs/bpf without CONFIG_BPF_SYSCALL), or where the image has none.
func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return fmt.Errorf("create mount point: %w", err)
	}
	if err := unix.Mount(m.fstype, m.target, m.fstype, m.flags, m.options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.fstype, m.target, err)
	}
	return nil
}
