// Command guest is PID 1 of a krepro VM. It mounts, brings lo up, loads the
// modules and runs the suites of the plan in order, reports each step on the
// control port, and stops the VM.
//
//	/init              as PID 1: carry out event.GuestPlan
//	/init shell        as its child: the built-in shell, for images without busybox
//	/init hosted TREE  in a VM that is another's: carry out the plan in a copy of TREE
//
// One writer a port: the kernel owns the console, PID 1 the control port, the
// running suite the event port. What a suite prints goes through a pipe to PID 1
// and from there as Output records to the control port, live, so that a panic of
// the guest loses at most a few lines of it.
//
// PID 1 never ends by itself: that would be a kernel panic. Whatever it cannot
// do becomes a GuestError record, and the VM is stopped all the same.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

func main() {
	if os.Getpid() != 1 {
		os.Exit(child(os.Args[1:]))
	}
	carryOut()
	stop()
}

// carryOut does all of the plan, and says when it has.
func carryOut() {
	control := &event.Writer{}
	if err := protect(func() error { return boot(control) }); err != nil {
		complain(control, err)
	}
	if err := control.Write(event.Record{Kind: event.Done}); err != nil {
		kmsg(err.Error())
	}
}

// child is what the binary does when it is not PID 1.
func child(args []string) int {
	switch {
	case len(args) == 1 && args[0] == "shell":
		return repl(os.Stdin, os.Stdout)
	case len(args) == 2 && args[0] == "hosted":
		return hosted(args[1])
	}
	fmt.Fprintln(os.Stderr, "guest: runs as PID 1 of a krepro VM")
	return 2
}

// boot does all of PID 1's work but the power-off. Records go to control, which
// starts to write as soon as there is a port.
func boot(control *event.Writer) error {
	if err := mountAll(mounts); err != nil {
		return err
	}
	port, err := openPort(event.PortControl)
	if err != nil {
		return err
	}
	control.W = port
	// Held open so that it stays raw: the last close resets a tty's settings.
	events, err := openPort(event.PortEvents)
	if err != nil {
		return err
	}
	defer events.Close()
	if err := control.Write(bootRecord()); err != nil {
		return err
	}
	plan, err := readPlan()
	if err != nil {
		return err
	}
	for _, step := range []func() error{linkUp, raiseLimits, tuneKernel} {
		if err := step(); err != nil {
			complain(control, err)
		}
	}
	for _, path := range plan.Modules {
		if err := control.Write(load(path)); err != nil {
			return err
		}
	}
	return work(control, plan, requests(port))
}

func work(control *event.Writer, plan event.Plan, asked <-chan struct{}) error {
	if plan.Shell {
		return shell(plan)
	}
	for _, s := range plan.Suites {
		if err := rounds(control, s, plan.Env, asked); err != nil {
			complain(control, err)
		}
	}
	return nil
}

// rounds runs a suite as often as the plan wants it.
func rounds(control *event.Writer, s event.SuitePlan, env []string, asked <-chan struct{}) error {
	for range max(1, s.Rounds) {
		passed, err := runSuite(control, s, env, asked)
		if err != nil || !passed && s.UntilFailure {
			return err
		}
	}
	return nil
}

func readPlan() (event.Plan, error) {
	var plan event.Plan
	text, err := os.ReadFile(event.GuestPlan)
	if err != nil {
		return plan, fmt.Errorf("read plan: %w", err)
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return plan, fmt.Errorf("decode plan: %w", err)
	}
	return plan, nil
}

func bootRecord() event.Record {
	rec := event.Record{Kind: event.Boot}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		rec.Release = unix.ByteSliceToString(u.Release[:])
	}
	if banner, err := os.ReadFile("/proc/version"); err == nil {
		rec.Text = strings.TrimSpace(string(banner))
	}
	return rec
}

// protect turns a panic of Go code into an error: PID 1 must not end.
func protect(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in pid 1: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// complain reports what PID 1 could not do, on the console too: the control
// port may be the very thing that is missing.
func complain(control *event.Writer, err error) {
	kmsg(err.Error())
	if err := control.Write(event.Record{Kind: event.GuestError, Error: err.Error()}); err != nil {
		kmsg(err.Error())
	}
}

// kmsg puts a line into the kernel log, at level error: PID 1 never writes the
// console port itself. Without a /dev there is nobody left to tell.
func kmsg(text string) {
	f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "<3>krepro: %s\n", strings.ReplaceAll(text, "\n", " | "))
}
