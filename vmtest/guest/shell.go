package main

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// shell runs an interactive shell on the shell port until it ends: the packed
// busybox, or the built-in one.
func shell(plan event.Plan) error {
	tty, err := os.OpenFile(event.PortShell, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("open shell port: %w", err)
	}
	defer tty.Close()
	argv := shellCommand()
	env := append(suiteEnv(plan.Env), "TERM=linux", "PS1=krepro# ")
	proc, err := os.StartProcess(argv[0], argv[1:], &os.ProcAttr{
		Dir:   event.GuestSuites,
		Env:   env,
		Files: []*os.File{tty, tty, tty},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true},
	})
	if err != nil {
		return fmt.Errorf("start shell: %w", err)
	}
	if _, err := wait(proc.Pid); err != nil {
		return fmt.Errorf("wait for shell: %w", err)
	}
	return drain(event.PortShell)
}

// shellCommand is the program's path followed by its argv.
func shellCommand() []string {
	if _, err := os.Stat(event.GuestBusybox); err != nil {
		return []string{"/init", "/init", "shell"}
	}
	// One symlink an applet, so that ls, ip and the rest are found by name.
	install, err := os.StartProcess(event.GuestBusybox, []string{"busybox", "--install", "-s", "/bin"}, &os.ProcAttr{})
	if err == nil {
		_, err = wait(install.Pid)
	}
	if err != nil {
		kmsg(err.Error())
	}
	return []string{event.GuestBusybox, "sh"}
}
