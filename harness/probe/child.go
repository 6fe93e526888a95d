package probe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// envChild marks a process as a server child.
const envChild = "KREPRO_SERVER_CHILD"

// Descriptors of a child, in the order of exec.Cmd.ExtraFiles.
const (
	childListener = 3 // its listening socket
	childLife     = 4 // a pipe that ends when the parent does
)

// Child is a server in a process of its own, which can be killed.
type Child struct {
	cmd  *exec.Cmd
	life *os.File // the parent's end of the pipe
}

// Spawn starts this program anew as a server on a listener and hands the
// listener over: with the child, the listening socket is gone. The program
// must call ChildMain first thing if IsChild.
func Spawn(l *net.TCPListener) (*Child, error) {
	defer l.Close()
	f, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("duplicate listener: %w", err)
	}
	defer f.Close()
	// A pipe rather than PR_SET_PDEATHSIG: that would strike when the thread
	// which started the child ends, and threads come and go here (netlab).
	end, life, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe for server child: %w", err)
	}
	defer end.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envChild+"=1")
	cmd.ExtraFiles = []*os.File{f, end}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		life.Close()
		return nil, fmt.Errorf("start server child: %w", err)
	}
	return &Child{cmd, life}, nil
}

// Pause stops the child (SIGSTOP): from now on connections wait to be accepted.
func (c *Child) Pause() error { return c.signal(syscall.SIGSTOP) }

// Kill ends the child at once (SIGKILL), and waits for it.
func (c *Child) Kill() error {
	return errors.Join(c.signal(syscall.SIGKILL), c.wait())
}

// Terminate has the child close its listener and its connections and end
// (SIGTERM), and waits for it. A paused child is resumed.
func (c *Child) Terminate() error {
	return errors.Join(c.signal(syscall.SIGTERM), c.signal(syscall.SIGCONT), c.wait())
}

func (c *Child) signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("send %s to server child: %w", s, err)
	}
	return nil
}

// wait reaps the child. That it ended by a signal is no error.
func (c *Child) wait() error {
	defer c.life.Close()
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wait for server child: %w", err)
	}
	return nil
}

// IsChild tells whether this process was started by Spawn.
func IsChild() bool { return os.Getenv(envChild) != "" }

// ChildMain serves until SIGTERM or the parent's end, and returns the exit status.
func ChildMain() int {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		io.Copy(io.Discard, os.NewFile(childLife, "life"))
		term <- syscall.SIGTERM
	}()
	l, err := net.FileListener(os.NewFile(childListener, "listener"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "server child: take over listener: %v\n", err)
		return 1
	}
	s := Serve(l)
	<-term
	if err := s.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "server child: %v\n", err)
		return 1
	}
	return 0
}
