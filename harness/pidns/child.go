package pidns

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// envDepth marks a process as a child: how many namespaces deeper the one is that answers.
const envDepth = "KREPRO_PIDNS_DEPTH"

// Child is a process in a pid namespace of its own, which does as it is told.
type Child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	tell *json.Encoder
	hear *json.Decoder
}

// order is what a child is to do; it answers by a Caller.
type order struct {
	Thread  bool   // on a thread of its own, which is not the process's first
	Connect string // connect(2) to this address; empty: getpgid(2)
}

// Caller is who made a system call, by its own account.
type Caller struct {
	Process, Thread int // numbers in its own namespace
	Namespace       Namespace
	Error           string
}

// Spawn starts this program anew in a pid namespace so many levels below this
// process's own. The program must call ChildMain first thing if IsChild.
func Spawn(depth int) (*Child, error) {
	cmd := inNamespace(depth - 1)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe to child: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe from child: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start child in a pid namespace: %w", err)
	}
	return &Child{cmd: cmd, in: in, tell: json.NewEncoder(in), hear: json.NewDecoder(out)}, nil
}

// inNamespace is this program in a new pid namespace, with so many to come.
func inNamespace(deeper int) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), envDepth+"="+strconv.Itoa(deeper))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	return cmd
}

// Host is the host's number of the process that Spawn started: of the outermost
// of its namespaces, which is the child itself at a depth of one.
func (c *Child) Host() int { return c.cmd.Process.Pid }

// Getpgid has the child call getpgid(2), from its first thread or from another one.
func (c *Child) Getpgid(otherThread bool) (Caller, error) { return c.do(order{Thread: otherThread}) }

// Connect has the child connect to a TCP address, and close the connection.
func (c *Child) Connect(address string) (Caller, error) { return c.do(order{Connect: address}) }

func (c *Child) do(o order) (Caller, error) {
	var answer Caller
	if err := c.tell.Encode(o); err != nil {
		return answer, fmt.Errorf("tell child: %w", err)
	}
	if err := c.hear.Decode(&answer); err != nil {
		return answer, fmt.Errorf("hear child: %w", err)
	}
	if answer.Error != "" {
		return answer, fmt.Errorf("child: %s", answer.Error)
	}
	return answer, nil
}

// Close ends the child, which ends with its standard input, and waits for it.
func (c *Child) Close() error {
	if err := errors.Join(c.in.Close(), c.cmd.Wait()); err != nil {
		return fmt.Errorf("end child: %w", err)
	}
	return nil
}

// IsChild tells whether this process was started by Spawn.
func IsChild() bool { return os.Getenv(envDepth) != "" }

// A child's first goroutine stays on its first thread, whose number is the process's.
func init() {
	if IsChild() {
		runtime.LockOSThread()
	}
}

// ChildMain does as it is told until the parent's end, and returns the exit
// status. It is to be called from the program's first goroutine.
func ChildMain() int {
	deeper, err := strconv.Atoi(os.Getenv(envDepth))
	if err == nil && deeper > 0 {
		cmd := inNamespace(deeper - 1)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		err = cmd.Run()
	} else if err == nil {
		err = obey(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "pidns child: %v\n", err)
		return 1
	}
	return 0
}

func obey(hear *json.Decoder, tell *json.Encoder) error {
	for {
		var o order
		if err := hear.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		answer := make(chan Caller, 1)
		if o.Thread {
			go func() { answer <- onThread(o) }()
		} else {
			answer <- onThread(o)
		}
		if err := tell.Encode(<-answer); err != nil {
			return err
		}
	}
}

// Self calls getpgid(2) from this process.
func Self() (Caller, error) {
	c := onThread(order{})
	if c.Error != "" {
		return c, errors.New(c.Error)
	}
	return c, nil
}

// onThread makes the system call and says which thread made it.
func onThread(o order) Caller {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := Caller{Process: os.Getpid(), Thread: unix.Gettid()}
	var err error
	if c.Namespace, err = Own(); err == nil {
		err = call(o)
	}
	if err != nil {
		c.Error = err.Error()
	}
	return c
}

func call(o order) error {
	if o.Connect == "" {
		_, err := unix.Getpgid(0)
		return err
	}
	c, err := net.Dial("tcp", o.Connect)
	if err != nil {
		return err
	}
	return c.Close()
}
