package vmtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// envFake makes the test binary play a runner that behaves in this way, and
// envPid names the file for the pid of a QEMU of its.
const (
	envFake = "VMTEST_FAKE"
	envPid  = "VMTEST_FAKE_PID"
)

const (
	banner     = "[    0.000000] Linux version 5.10.0\n"
	initLine   = "[    7.853825] virtme-init: waiting for udev to settle\n"
	panicLines = "[    9.000000] Kernel panic - not syncing: sysrq triggered crash\n[    9.1] Rebooting in 1 seconds..\n"
	initPanic  = "[    9.000000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\n"
	powerOff   = "[    9.000000] reboot: Power down\n"
	bootRecord = `{"kind":"boot","t":1}` + "\n"
	suiteStart = `{"kind":"suite-start","suite":"s"}` + "\n"
	suiteExit  = `{"kind":"suite-exit","suite":"s"}` + "\n"
	specBegin  = `{"kind":"suite-begin","suite":"s","specs":1}` + "\n" + `{"kind":"spec-begin","suite":"s","spec":"first"}` + "\n"
	done       = `{"kind":"done"}` + "\n"
)

// fakes are what a runner does once it is started, and how that is to be told.
var fakes = map[string]struct {
	play   func(ports map[string]net.Conn) (exit int)
	reason string // of exit.json
	error  string // part of it; "": nobody but the kernel or the suite is to blame
	spec   string // in flight
}{
	"exit 255": {func(map[string]net.Conn) int { return 255 }, event.ExitHost, "exit status 255: the kernel's console stayed empty", ""},
	"empty":    {func(map[string]net.Conn) int { return 0 }, event.ExitHost, "without an error: the kernel's console stayed empty", ""},
	"silent":   {func(map[string]net.Conn) int { return sleep() }, event.ExitHost, "had to be stopped: the kernel's console stayed empty", ""},
	"kernel panics at boot": {func(p map[string]net.Conn) int {
		return say(p, 255, "console", banner+panicLines)
	}, event.ExitDied, "", ""},
	"kernel hangs at boot": {func(p map[string]net.Conn) int {
		say(p, 0, "console", banner)
		fmt.Fprintln(os.Stderr, "qemu-system-x86_64: terminating on signal 15") // as it says when we stop it
		return sleep()
	}, event.ExitBootDeadline, "", ""},
	"init powers off": {func(p map[string]net.Conn) int {
		return say(p, 255, "console", banner+initLine+powerOff)
	}, event.ExitHost, `did not come to run the guest; its last words: "virtme-init: waiting for udev to settle"`, ""},
	"init dies": {func(p map[string]net.Conn) int {
		return say(p, 255, "console", banner+initLine+initPanic)
	}, event.ExitHost, "did not come to run the guest", ""},
	"init hangs": {func(p map[string]net.Conn) int {
		say(p, 0, "console", banner+initLine)
		return sleep()
	}, event.ExitHost, "had to be stopped: the kernel came up, and its init", ""},
	"qemu is killed": {func(p map[string]net.Conn) int {
		return say(p, 255, "console", banner+initLine, "control", bootRecord+suiteStart, "events", specBegin)
	}, event.ExitHost, "the VM vanished", "first"},
	"qemu is told to stop": {func(p map[string]net.Conn) int {
		fmt.Fprintln(os.Stderr, "qemu-system-x86_64: terminating on signal 15 from pid 1 (init)")
		return say(p, 255, "console", banner+initLine, "control", bootRecord+suiteStart)
	}, event.ExitHost, "stopped from outside", ""},
	"guest is killed": {func(p map[string]net.Conn) int {
		return say(p, 255, "console", banner+initLine+powerOff, "control", bootRecord+suiteStart, "events", specBegin)
	}, event.ExitHost, "powered off before the guest had ended", "first"},
	"kernel panics in a spec": {func(p map[string]net.Conn) int {
		return say(p, 255, "console", banner+initLine+panicLines, "control", bootRecord+suiteStart, "events", specBegin)
	}, event.ExitDied, "", "first"},
	"kernel hangs in a spec": {func(p map[string]net.Conn) int {
		say(p, 0, "console", banner+initLine, "control", bootRecord+suiteStart, "events", specBegin)
		return sleep()
	}, event.ExitDeadline, "", "first"},
	"suite hangs": {func(p map[string]net.Conn) int {
		say(p, 0, "console", banner+initLine, "control", bootRecord+suiteStart, "events", specBegin)
		asked := make([]byte, 1)
		io.ReadFull(p["control"], asked)
		if string(asked) != event.EndSuite {
			return 1
		}
		return say(p, 0, "control", suiteExit+done, "console", powerOff)
	}, event.ExitDone, "", ""},
	"all is well": {func(p map[string]net.Conn) int {
		return say(p, 0, "console", banner+initLine, "control", bootRecord+suiteStart+suiteExit+done, "console", powerOff)
	}, event.ExitDone, "", ""},
}

func sleep() int {
	time.Sleep(time.Hour)
	return 0
}

// say writes texts to ports, named before each: one after another, for who
// reads them has no order between ports.
func say(ports map[string]net.Conn, code int, texts ...string) int {
	for i := 0; i < len(texts); i += 2 {
		io.WriteString(ports[texts[i]], texts[i+1])
		time.Sleep(50 * time.Millisecond)
	}
	return code
}

var socket = regexp.MustCompile(`id=krepro-(\w+),path=([^\s,'"]+)`)

// playRunner is a runner with a QEMU: one process that connects to the ports,
// and another that stays.
func playRunner(name string, args []string) int {
	if len(args) == 1 && args[0] == "--version" {
		fmt.Println("virtme-ng 9.9")
		return 0
	}
	text := strings.Join(args, "\n")
	if filepath.Base(args[len(args)-1]) == vmtestFile {
		var err error
		if text, err = checkToml(args); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
	}
	var files []*os.File
	if name == "empty" {
		files = []*os.File{nil, os.Stdout, os.Stderr} // as a real one does; it takes a second to give up on them
	}
	qemu, err := os.StartProcess("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{Files: files})
	if err == nil {
		err = os.WriteFile(os.Getenv(envPid), []byte(strconv.Itoa(qemu.Pid)), 0o644)
	}
	ports := map[string]net.Conn{}
	for _, m := range socket.FindAllStringSubmatch(text, -1) {
		if err == nil {
			ports[m[1]], err = net.Dial("unix", m[2])
		}
	}
	if err != nil || len(ports) != 3 {
		fmt.Fprintln(os.Stderr, "fake runner:", len(ports), "ports,", err)
		return 4
	}
	return fakes[name].play(ports)
}

// foreignMachine is a VM of a fake runner's, and the file with its QEMU's pid.
func foreignMachine(t *testing.T, runner, fake string) (m Machine, pidFile string) {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\n%s='%s' exec '%s' \"$@\"\n", envFake, fake, os.Args[0])
	for name, text := range map[string]string{
		foreigns[runner].program: script,
		"qemu":                   "#!/bin/sh\necho QEMU emulator version 7.2.0\n",
		"guest":                  "", "suite": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pidFile = filepath.Join(dir, "pid")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv(envPid, pidFile)
	t.Setenv("TMPDIR", t.TempDir())
	kernel := image(t)
	kernel.Info.Name = "debian-5.10.223-1-amd64"
	return Machine{
		Runner: runner, Kernel: kernel, Dir: filepath.Join(dir, "vm"), Guest: filepath.Join(dir, "guest"), QEMU: filepath.Join(dir, "qemu"),
		Suites: []Suite{{Name: "s", Binary: filepath.Join(dir, "suite")}},
		Boot:   20 * time.Second, Silence: 20 * time.Second, Whole: 60 * time.Second,
	}, pidFile
}

// nothingLeft fails if a process or a file of the VM is left.
func nothingLeft(t *testing.T, pidFile string) {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	pid, _ := strconv.Atoi(string(text))
	if err != nil || !gone(pid) {
		t.Errorf("qemu, process %d, outlived its VM (%v)", pid, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestForeignRunner(t *testing.T) {
	for name, fake := range fakes {
		t.Run(name, func(t *testing.T) {
			m, pidFile := foreignMachine(t, RunnerVirtmeNG, name)
			switch {
			case name == "suite hangs":
				m.Silence = time.Second
			case fake.reason == event.ExitDeadline:
				m.Whole = 3 * time.Second
			case fake.reason != event.ExitDone:
				m.Boot = 3 * time.Second
			}
			exit, err := m.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if exit.Reason != fake.reason || exit.Spec != fake.spec || exit.Runner != "virtme-ng 9.9" {
				t.Errorf("exit is %+v, want %s in spec %q", exit, fake.reason, fake.spec)
			}
			if !strings.Contains(exit.Error, fake.error) || fake.error == "" && exit.Error != "" {
				t.Errorf("error is %q, want %q", exit.Error, fake.error)
			}
			nothingLeft(t, pidFile)
		})
	}
}

func TestForeignRunnerCancelled(t *testing.T) {
	m, pidFile := foreignMachine(t, RunnerVirtmeNG, "kernel hangs in a spec")
	ctx, cancel := context.WithCancel(t.Context())
	m.Progress = func(p Progress) {
		if p.Spec != "" {
			cancel()
		}
	}
	exit, err := m.Run(ctx)
	if err != nil || exit.Reason != event.ExitCancelled || exit.Spec != "first" {
		t.Errorf("exit is %+v, %v", exit, err)
	}
	nothingLeft(t, pidFile)
}

func TestFindRunner(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for runner, want := range map[string]string{RunnerQEMU: "apt install qemu-system-x86", RunnerVirtmeNG: "apt install virtme-ng", RunnerVmtest: "cargo install vmtest"} {
		if err := FindRunner(runner); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", runner, err, want)
		}
	}
}
