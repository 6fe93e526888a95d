package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Deadlines: a kernel takes 5 minutes on two cores, one with everything on a
// slow machine an hour or two; configuring it takes seconds.
const (
	compileTimeout = 3 * time.Hour
	configTimeout  = 10 * time.Minute
	// stopTime is what make gets to remove half-written files once it is told to stop.
	stopTime = 20 * time.Second
)

// Job is one build in a folder of its own: src has the source, obj gets what is
// made of it, build.log all that make says.
type Job struct {
	Dir  string
	Jobs int // commands at a time; 0: one for each core
	// Progress is told how many files have been made so far. May be nil.
	Progress func(made int)
}

// Error says that the source cannot be built as it is.
type Error struct{ Text string }

func (e *Error) Error() string { return e.Text }

func (j Job) src() string { return filepath.Join(j.Dir, "src") }

// Obj is where the build's results lie.
func (j Job) Obj() string { return filepath.Join(j.Dir, "obj") }

// Log is the build's log.
func (j Job) Log() string { return filepath.Join(j.Dir, "build.log") }

// half marks objects that may be half written: make runs, or was not left the
// time to tidy up.
func (j Job) half() string { return filepath.Join(j.Dir, "unfinished") }

// Begin makes the folder ready: what an earlier build left behind is used if
// make ended it, and thrown away if nothing is known of its end. fresh tells
// whether all has to be made.
func (j Job) Begin() (fresh bool, err error) {
	if _, err := os.Stat(j.half()); err == nil {
		if err := os.RemoveAll(j.Obj()); err != nil {
			return false, fmt.Errorf("begin build: %w", err)
		}
	}
	_, statErr := os.Stat(filepath.Join(j.Obj(), "vmlinux"))
	err = os.MkdirAll(j.Obj(), 0o755)
	if rmErr := os.Remove(j.Log()); !errors.Is(rmErr, os.ErrNotExist) {
		err = errors.Join(err, rmErr)
	}
	if err != nil {
		return false, fmt.Errorf("begin build: %w", err)
	}
	return statErr != nil, nil
}

// Compile makes arch/x86/boot/bzImage. *Error with the first error of the log.
func (j Job) Compile(ctx context.Context) error {
	return j.make(ctx, compileTimeout, "bzImage")
}

// make runs make for a target. Its output is added to the log.
func (j Job) make(ctx context.Context, timeout time.Duration, target string) (err error) {
	log, err := os.OpenFile(j.Log(), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("write build log: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	at, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("write build log: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("make %s took longer than %s", target, timeout))
	defer cancel()
	jobs := j.Jobs
	if jobs == 0 {
		jobs = runtime.NumCPU()
	}
	out := &counter{to: log, tell: j.Progress}
	if err := os.WriteFile(j.half(), nil, 0o644); err != nil {
		return fmt.Errorf("begin make: %w", err)
	}
	clean, runErr := run(ctx, out, environment(filepath.Dir(j.Dir)), "make", "--no-print-directory", "-C", j.src(), "O="+j.Obj(), "-j"+strconv.Itoa(jobs),
		"ARCH=x86_64", "CC="+compiler(), "LOCALVERSION=", target)
	if clean {
		if err := os.Remove(j.half()); err != nil {
			return fmt.Errorf("end make: %w", err)
		}
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("make %s: %w", target, context.Cause(ctx))
	case out.err != nil: // what make ended by is not known then
		return fmt.Errorf("write build log: %w", out.err)
	case !errors.As(runErr, &exit):
		return runErr
	}
	said, err := os.ReadFile(j.Log())
	if err != nil {
		return fmt.Errorf("read build log: %w", err)
	}
	said = said[min(int(at), len(said)):]
	if fault := hostFault(said); fault != "" {
		return fmt.Errorf("make %s: %s", target, fault)
	}
	return &Error{firstError(said, j.src())}
}

// run runs a program in a process group of its own, so that it can be stopped
// with all its children, and a Ctrl-C on the terminal is for us to handle. clean
// tells whether it ended by itself, if only because it was asked to.
func run(ctx context.Context, out io.Writer, env []string, args ...string) (clean bool, err error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	// The death signal is sent when the thread ends that forked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return true, fmt.Errorf("run %s: %w", args[0], err)
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // none is left, as a rule
		}
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		return ok && status.Signal() != syscall.SIGKILL, fmt.Errorf("run %s: %w", args[0], err)
	}
	return true, nil
}

// counter counts the files that make says it made, one a line: two spaces, what
// is done, and the file.
type counter struct {
	to   io.Writer
	tell func(int)
	made int
	rest []byte // of a line
	err  error  // the first of the file; make must not die of it
}

// tellsMade tells whether a line is make's about a file.
func tellsMade(line []byte) bool {
	return len(line) > 3 && string(line[:2]) == "  " && line[2] >= 'A' && line[2] <= 'Z'
}

func (c *counter) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	before := c.made
	for {
		line, rest, ok := bytes.Cut(c.rest, []byte("\n"))
		if !ok {
			break
		}
		if tellsMade(line) {
			c.made++
		}
		c.rest = rest
	}
	if c.made != before && c.tell != nil {
		c.tell(c.made)
	}
	if c.err == nil {
		_, c.err = c.to.Write(p)
	}
	return len(p), nil
}
