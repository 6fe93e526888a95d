package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// socketDevice is a port that QEMU joins to a socket that is listened at here.
const socketDevice = "socket,id=%s,path=%s"

// runForeign boots the VM by another program, and reads the same from it. The
// stage is gone when it returns.
func (m *Machine) runForeign(ctx context.Context, f foreign, follow *follower, exit *event.Exit, clock stamp) (err error) {
	dir, err := os.MkdirTemp("", "krepro-vm-")
	if err != nil {
		return fmt.Errorf("stage vm: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	chans, l, err := m.open(follow, func(name string) (socketPair, error) {
		return listen(filepath.Join(dir, channelFiles[slices.Index(channels, name)]))
	})
	if err != nil {
		return err
	}
	defer closeAll(chans)
	if exit.Runner, err = f.version(ctx); err != nil {
		return err
	}
	if exit.QEMU, err = Version(ctx, m.QEMU); err != nil {
		return err
	}
	khz, err := clock.kilohertz()
	if err != nil {
		return err
	}
	args, err := m.stage(f, l, dir, socketDevice, khz)
	if err != nil {
		return err
	}
	if err := m.writeArgs("runner.args", args); err != nil {
		return err
	}
	return m.boot(ctx, follow, exit, chans, func() (*process, error) {
		// What the program leaves behind when it is killed goes with the stage.
		p, err := startHeld(append([]string{"env", "TMPDIR=" + dir}, args...), follow.onComplaint)
		if err == nil {
			go unanswered(chans, p.ended)
		}
		return p, err
	})
}

// unanswered stops to listen once nobody is left who could connect.
func unanswered(chans []*channel, ended <-chan struct{}) {
	<-ended
	for _, c := range chans {
		if a, ok := c.host.(*answered); ok {
			a.UnixListener.Close()
		}
	}
}

// answered is an end to which QEMU connects, as soon as the program that starts
// it gets to that.
type answered struct {
	*net.UnixListener
	conn atomic.Pointer[net.UnixConn]
}

func listen(path string) (socketPair, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		return socketPair{}, fmt.Errorf("make socket for %s: %w", filepath.Base(path), err)
	}
	return socketPair{host: &answered{UnixListener: l}}, nil
}

// Read is for one goroutine. A listener that was closed has had nobody connect.
func (a *answered) Read(p []byte) (int, error) {
	conn := a.conn.Load()
	if conn == nil {
		var err error
		if conn, err = a.AcceptUnix(); errors.Is(err, net.ErrClosed) {
			return 0, io.EOF
		} else if err != nil {
			return 0, err
		}
		a.conn.Store(conn)
	}
	return conn.Read(p)
}

var errUnanswered = errors.New("qemu has not connected")

func (a *answered) Write(p []byte) (int, error) {
	conn := a.conn.Load()
	if conn == nil {
		return 0, errUnanswered
	}
	return conn.Write(p)
}

func (a *answered) SetWriteDeadline(t time.Time) error {
	conn := a.conn.Load()
	if conn == nil {
		return errUnanswered
	}
	return conn.SetWriteDeadline(t)
}

func (a *answered) Close() error {
	err := a.UnixListener.Close()
	if conn := a.conn.Load(); conn != nil {
		err = errors.Join(err, conn.Close())
	}
	return err
}

// foreignFault is fault on what this machine has of its end.
func (m *Machine) foreignFault(f foreign, s state, reason string, p *process) error {
	console, err := os.ReadFile(m.path("console.log"))
	if err != nil {
		return fmt.Errorf("read console: %w", err)
	}
	status := p.err
	if errors.Is(status, exec.ErrWaitDelay) {
		status = nil // it ended well, and left somebody who holds its output open
	}
	return f.fault(ending{console: string(console), booted: s.booted, stopped: reason != "", status: status, said: string(p.said.text())})
}

// ending is how a foreign runner's VM ended without the guest's last word.
type ending struct {
	console string // all of it
	booted  bool   // the guest has reported
	stopped bool   // by us: a deadline
	status  error  // of the program's end
	said    string // what it printed
}

// fault says that this is the host's fault or the VM's, if it is. The program's
// exit status is the same for a kernel that panicked, a QEMU that did not start
// or was killed, and an init that gave up (virtme-ng: 255): what the console has
// tells them apart.
func (f foreign) fault(e ending) error {
	how := "ended without an error"
	switch {
	case e.stopped:
		how = "had to be stopped"
	case e.status != nil:
		how = "ended with " + e.status.Error()
	}
	own := lastWith(e.console, f.init)
	initKilled := strings.Contains(e.console, "Attempted to kill init")
	panicked := strings.Contains(e.console, "Kernel panic") && !initKilled
	var what string
	switch {
	case !e.stopped && strings.Contains(e.said, "terminating on signal"):
		what = "QEMU was stopped from outside"
	case e.console == "":
		what = "the kernel's console stayed empty"
	case panicked:
		return nil
	case !e.booted && own != "":
		what = fmt.Sprintf("the kernel came up, and its init did not come to run the guest; its last words: %q", own)
	case e.stopped:
		return nil
	case e.booted && strings.Contains(e.console, "reboot: Power down"):
		what = "the VM was powered off before the guest had ended"
	case !strings.Contains(e.console, "reboot: "):
		what = "the VM vanished: its console has neither a panic nor a restart"
	default:
		return nil
	}
	return fmt.Errorf("%s %s: %s: %s", f.program, how, what, strings.TrimSpace(e.said))
}

// lastWith is the last line that has the mark, "" if none has.
func lastWith(text, mark string) string {
	at := strings.LastIndex(text, mark)
	if at < 0 {
		return ""
	}
	line, _, _ := strings.Cut(text[at:], "\n")
	return strings.TrimSpace(line)
}
