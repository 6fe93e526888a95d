package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/event"
)

// grace is how long a suite has, once told to quit, to print its goroutines,
// and how long killed processes have to go.
const grace = 5 * time.Second

// runSuite runs one suite to its end, reports start, output and exit, and tells
// whether it passed. Every other process is gone when it returns: suites must
// not meet what the one before them left behind.
func runSuite(control *event.Writer, s event.SuitePlan, env []string, asked <-chan struct{}) (passed bool, err error) {
	if err := control.Write(event.Record{Kind: event.SuiteStart, Suite: s.Name}); err != nil {
		return false, err
	}
	start := time.Now()
	proc, out, err := startSuite(s, env)
	if err != nil {
		rec := event.Record{Kind: event.SuiteExit, Suite: s.Name, Code: 127, Error: err.Error()}
		return false, control.Write(rec)
	}
	ended := make(chan struct{})
	copied := forward(control, s.Name, out, ended)
	cut := limit(s, proc.Pid, ended, asked)
	status, err := wait(proc.Pid)
	close(ended)
	killRest()
	select {
	case <-copied: // the pipe has no writer left
	case <-time.After(grace):
	}
	if err != nil {
		return false, fmt.Errorf("wait for suite %s: %w", s.Name, err)
	}
	rec := exitRecord(s.Name, status, time.Since(start))
	if why := <-cut; why != "" {
		// A Go program turns the SIGQUIT into an exit; what counts is who ended it.
		rec.Code, rec.Signal, rec.Error = 0, unix.SIGKILL.String(), why
	}
	return rec.Code == 0 && rec.Signal == "", control.Write(rec)
}

// startSuite starts the suite's binary in a session of its own and returns it
// and the read end of what it prints.
func startSuite(s event.SuitePlan, env []string) (*os.Process, *os.File, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, fmt.Errorf("open stdin of suite: %w", err)
	}
	defer null.Close()
	out, in, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make output pipe: %w", err)
	}
	defer in.Close()
	path := suitePath(s.Name)
	proc, err := os.StartProcess(path, append([]string{path}, s.Args...), &os.ProcAttr{
		Dir:   "/",
		Env:   append(suiteEnv(env), s.Env...),
		Files: []*os.File{null, in, in},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		out.Close()
		return nil, nil, fmt.Errorf("start suite %s: %w", s.Name, err)
	}
	return proc, out, nil
}

func suitePath(name string) string { return event.GuestSuites + "/" + name + ".test" }

func suiteEnv(env []string) []string {
	base := []string{"PATH=/bin:" + event.GuestDir, "HOME=/tmp", "TMPDIR=/tmp", event.EnvEvents + "=" + event.PortEvents}
	return slices.Concat(base, env)
}

// wait reaps until pid has ended. As PID 1 it also inherits, and must reap,
// every orphan of the suite.
func wait(pid int) (unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		if got == pid {
			return status, nil
		}
	}
}

// limit ends a suite that takes longer than it may, or that the host has heard
// nothing of for too long. Once ended is closed the channel yields why, "" if the
// suite was left alone.
func limit(s event.SuitePlan, pid int, ended, asked <-chan struct{}) <-chan string {
	cut := make(chan string, 1)
	var late <-chan time.Time
	if s.Seconds > 0 {
		late = time.After(time.Duration(s.Seconds * float64(time.Second)))
	}
	select {
	case <-asked: // came too late for the suite before this one
	default:
	}
	go func() {
		select {
		case <-ended:
			cut <- ""
			return
		case <-late:
			cut <- fmt.Sprintf("out of time after %v s", s.Seconds)
		case <-asked:
			cut <- "out of time: silent for too long"
		}
		endSuite(pid, ended)
	}()
	return cut
}

// endSuite ends a suite whose time is up, and leaves evidence of what it hung
// on: the blocked tasks in the kernel log, its goroutines in its output.
func endSuite(pid int, ended <-chan struct{}) {
	kmsg("suite is out of time, blocked tasks follow")
	if err := os.WriteFile("/proc/sysrq-trigger", []byte("w"), 0); err != nil {
		kmsg(err.Error())
	}
	unix.Kill(pid, unix.SIGQUIT)
	select {
	case <-ended:
	case <-time.After(grace):
		unix.Kill(pid, unix.SIGKILL) // PID 1 alone reaps, and it has not: the pid is still the suite's
	}
}

// killRest kills and reaps everything but PID 1, or in a VM that is another's all
// that the suite has left. A process that does not die
// sits in the kernel: that is for the log, not a reason to wait for ever.
func killRest() {
	for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if os.Getpid() == 1 {
			unix.Kill(-1, unix.SIGKILL) // ESRCH when nobody is left, and Wait4 says so too
		} else {
			killChildren()
		}
		_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.ECHILD {
			return
		}
	}
	kmsg("processes survived SIGKILL")
}

func exitRecord(suite string, status unix.WaitStatus, took time.Duration) event.Record {
	rec := event.Record{Kind: event.SuiteExit, Suite: suite, Seconds: event.Round(took)}
	if status.Signaled() {
		rec.Signal = status.Signal().String()
		return rec
	}
	rec.Code = status.ExitStatus()
	return rec
}
