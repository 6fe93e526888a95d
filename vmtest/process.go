package vmtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a running QEMU, or a program that runs one.
type process struct {
	cmd   *exec.Cmd
	said  *complaints
	ended chan struct{} // closed when it is gone
	err   error         // of Wait; to be read once ended is closed
	asked bool          // we stopped it
}

// start runs a program that dies with this process, however this one ends.
func start(args []string, files []*os.File, onComplaint func(string)) (*process, error) {
	return startUntil(syscall.SIGKILL, args, files, onComplaint)
}

// hold runs a command, and kills it with all that it has started when it is
// told to end: QEMU is a grandchild there, which the death of its parent leaves
// alone.
const hold = `trap 'kill -KILL 0' TERM; "$@" & wait $!`

// startHeld is start for a program that starts others.
func startHeld(args []string, onComplaint func(string)) (*process, error) {
	return startUntil(syscall.SIGTERM, append([]string{"/bin/sh", "-c", hold, "sh"}, args...), nil, onComplaint)
}

// startUntil runs a program that gets a signal when this process dies. The
// kernel sends it when the thread ends that forked, hence the thread of its own,
// which lives as long as the child.
func startUntil(death syscall.Signal, args []string, files []*os.File, onComplaint func(string)) (*process, error) {
	p := &process{ended: make(chan struct{}), said: &complaints{on: onComplaint}}
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.ExtraFiles = files
	p.cmd.Stderr, p.cmd.Stdout = p.said, p.said
	p.cmd.WaitDelay = time.Second
	// Its own process group: a Ctrl-C on the terminal is for us to handle.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(args[0]), err)
	}
	return p, nil
}

// stop ends it and all that it has started, gently first, and returns when it is gone.
func (p *process) stop() {
	// Of a group without a process left, Kill reports ESRCH.
	defer func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-p.ended:
			return
		default:
		}
		p.asked = true
		_ = syscall.Kill(-p.cmd.Process.Pid, signal) // it may end in this very moment
		select {
		case <-p.ended:
			return
		case <-time.After(2 * time.Second):
		}
	}
	<-p.ended
}

// fault says how QEMU itself failed, if it did. A guest that dies makes it end
// with status 0, and so does somebody's SIGTERM; any other end is the host's doing.
func (p *process) fault() error {
	said := bytes.TrimSpace(p.said.text())
	switch {
	case p.asked:
		return nil
	case p.err != nil:
		return fmt.Errorf("qemu: %w: %s", p.err, said)
	case bytes.Contains(said, []byte("terminating on signal")):
		return fmt.Errorf("qemu: stopped from outside: %s", said)
	}
	return nil
}

// complaints keeps the first of what QEMU prints.
type complaints struct {
	mu  sync.Mutex
	buf []byte
	on  func(string)
}

const complaintsLimit = 64 << 10

func (c *complaints) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.buf = append(c.buf, p[:min(len(p), complaintsLimit-len(c.buf))]...)
	c.mu.Unlock()
	c.on(string(p))
	return len(p), nil
}

func (c *complaints) text() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf)
}
