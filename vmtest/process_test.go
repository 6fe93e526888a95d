package vmtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// envParent makes the test binary play a krepro that starts a long-lived child,
// or one that starts it (grandchild), tells its pid, and waits.
const envParent = "VMTEST_PARENT"

func TestMain(m *testing.M) {
	switch parent, fake := os.Getenv(envParent), os.Getenv(envFake); {
	case parent != "":
		os.Exit(playParent(parent))
	case fake != "":
		os.Exit(playRunner(fake, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func playParent(of string) int {
	told := make(chan string, 1)
	tell := func(text string) { told <- text }
	var p *process
	var err error
	if of == "grandchild" {
		p, err = startHeld([]string{"sh", "-c", "sleep 1000 & echo $!; wait"}, tell)
	} else {
		p, err = start([]string{"sh", "-c", "echo $$; exec sleep 1000"}, nil, tell)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Print(<-told)
	<-p.ended
	return 0
}

// gone waits for a process to end. One that nobody has reaped yet has ended.
func gone(pid int) bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
	}
	return false
}

func TestChildDiesWithItsParent(t *testing.T)      { diesWithParent(t, "child") }
func TestGrandchildDiesWithItsParent(t *testing.T) { diesWithParent(t, "grandchild") }

func diesWithParent(t *testing.T, of string) {
	t.Helper()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), envParent+"="+of)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	_, err = fmt.Fscan(bufio.NewReader(out), &child)
	parent.Process.Signal(syscall.SIGKILL)
	parent.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if !gone(child) {
		t.Errorf("process %d outlived its parent", child)
	}
}

func TestStop(t *testing.T) {
	tests := map[string]string{
		"gentle":   "exec sleep 1000",
		"stubborn": "trap '' TERM; echo ready >&2; while :; do sleep 0.1; done",
		"ended":    "exit 0",
	}
	for name, script := range tests {
		t.Run(name, func(t *testing.T) {
			ready := make(chan struct{}, 9)
			p, err := start([]string{"sh", "-c", script}, nil, func(string) { ready <- struct{}{} })
			if err != nil {
				t.Fatal(err)
			}
			switch name {
			case "stubborn":
				<-ready
			case "ended":
				<-p.ended
			}
			p.stop()
			if !gone(p.cmd.Process.Pid) {
				t.Error("still there")
			}
			if err := p.fault(); err != nil {
				t.Errorf("a process that we stopped is at fault: %v", err)
			}
		})
	}
}

func TestFault(t *testing.T) {
	tests := map[string]struct{ script, want string }{
		"guest died":   {"exit 0", ""},
		"refused":      {"echo no such machine >&2; exit 1", "no such machine"},
		"killed":       {"kill -KILL $$", "killed"},
		"told to stop": {"echo qemu: terminating on signal 15 from pid 1 >&2", "stopped from outside"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := start([]string{"sh", "-c", test.script}, nil, func(string) {})
			if err != nil {
				t.Fatal(err)
			}
			<-p.ended
			err = p.fault()
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("fault: %v, want %q", err, test.want)
			}
		})
	}
}

// image writes a file that passes for a kernel until it is booted.
func image(t *testing.T) Kernel {
	t.Helper()
	header := make([]byte, 4096)
	copy(header[0x202:], "HdrS\x0f\x02")
	k := Kernel{Vmlinuz: filepath.Join(t.TempDir(), "vmlinuz")}
	if err := os.WriteFile(k.Vmlinuz, header, 0o644); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRunBlamesTheHost(t *testing.T) {
	tests := map[string]struct {
		qemu  string // a script, with ports as file descriptors 4, 5, 6
		error string
	}{
		"no qemu":       {"", "no such file"},
		"not qemu":      {"echo hello", "unexpected answer"},
		"refuses":       {`case $1 in --version) echo QEMU emulator version 7.2.0;; *) echo bad machine >&2; exit 1;; esac`, "bad machine"},
		"kvm is broken": {`case $1 in --version) echo QEMU emulator version 7.2.0;; *) echo KVM internal error. Suberror: 1 >&2; exec sleep 1000;; esac`, "KVM internal error"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			guest := filepath.Join(dir, "init")
			os.WriteFile(guest, []byte("x"), 0o755)
			qemu := filepath.Join(dir, "qemu")
			if test.qemu != "" {
				os.WriteFile(qemu, []byte("#!/bin/sh\n"+test.qemu+"\n"), 0o755)
			}
			m := Machine{Kernel: image(t), Dir: filepath.Join(dir, "vm"), Guest: guest, QEMU: qemu}
			exit, err := m.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if exit.Reason != event.ExitHost || !strings.Contains(exit.Error, test.error) {
				t.Errorf("exit is %+v, want blame for %q", exit, test.error)
			}
			for _, file := range []string{"console.log", "control.jsonl", "events.jsonl", "exit.json"} {
				if _, err := os.Stat(filepath.Join(m.Dir, file)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestRunRefusesAnotherRunsFolder(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "exit.json"), []byte("{}"), 0o644)
	if _, err := (Machine{Dir: dir}).Run(t.Context()); err == nil {
		t.Error("ran over the evidence of another run")
	}
}

func TestRunCancelledBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("ctrl-c"))
	m := Machine{Kernel: image(t), Dir: filepath.Join(t.TempDir(), "vm"), Guest: os.Args[0]}
	exit, err := m.Run(ctx)
	if err != nil || exit.Reason != event.ExitCancelled {
		t.Errorf("exit is %+v, %v", exit, err)
	}
}
