package vmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// vmKernel is the kernel of the VM tests. They run when KREPRO_VM_TESTS is set,
// with KREPRO_TEST_KERNEL = paths of a kernel's files: vmlinuz, then, separated
// by colons, vmlinux and the modules folder, either of which may be absent.
func vmKernel(t *testing.T) Kernel {
	t.Helper()
	if os.Getenv("KREPRO_VM_TESTS") == "" {
		t.Skip("boots VMs; set KREPRO_VM_TESTS=1 and KREPRO_TEST_KERNEL=VMLINUZ[:VMLINUX[:MODULES]]")
	}
	paths := append(strings.Split(os.Getenv("KREPRO_TEST_KERNEL"), ":"), "", "")
	if _, err := os.Stat(paths[0]); err != nil {
		t.Fatalf("KREPRO_TEST_KERNEL: %v", err)
	}
	return Kernel{Vmlinuz: paths[0], Vmlinux: paths[1], Modules: paths[2], Info: event.Kernel{ID: "test"}}
}

// compile builds a static binary for the guest.
func compile(t *testing.T, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "binary")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
	return out
}

// machine is a VM that runs suites with these behaviours (testdata/suite).
func machine(t *testing.T, behaviours ...string) Machine {
	t.Helper()
	m := Machine{
		Kernel: vmKernel(t), Dir: filepath.Join(t.TempDir(), "vm"), Guest: compile(t, "./guest"),
		CPUs: 1, Env: []string{"KREPRO_SIZE=quick"},
	}
	if len(behaviours) == 0 {
		return m
	}
	suite := compile(t, "./testdata/suite")
	for _, b := range behaviours {
		m.Suites = append(m.Suites, Suite{Name: b, Binary: suite, Args: []string{b}})
	}
	return m
}

// run runs it, checks the reason of its end and that nothing is left, and
// returns the control records.
func run(t *testing.T, m Machine, reason string) (event.Exit, []event.Record) {
	t.Helper()
	start := time.Now()
	exit, err := m.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f s: %s, phase %s, spec %q", time.Since(start).Seconds(), exit.Reason, exit.Phase, exit.Spec)
	if exit.Reason != reason {
		t.Errorf("exit is %+v, want %s", exit, reason)
	}
	var stored event.Exit
	text, err := os.ReadFile(filepath.Join(m.Dir, "exit.json"))
	if err != nil || json.Unmarshal(text, &stored) != nil || stored.Reason != exit.Reason || stored.Phase != exit.Phase {
		t.Errorf("exit.json is %s, %v", text, err)
	}
	noChild(t)
	control, err := os.ReadFile(filepath.Join(m.Dir, "control.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	records, bad, err := event.Read(bytes.NewReader(control))
	if len(bad) > 0 || err != nil {
		t.Errorf("control channel has bad lines %q, %v", bad, err)
	}
	return exit, records
}

// noChild fails if this process has a child left.
func noChild(t *testing.T) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(tasks) == 0 {
		t.Fatalf("list children: %v", err)
	}
	for _, task := range tasks {
		if text, err := os.ReadFile(task); err == nil && len(bytes.TrimSpace(text)) > 0 {
			t.Errorf("child left behind: %s", text)
		}
	}
}

func find(records []event.Record, kind event.Kind, suite string) event.Record {
	for _, r := range records {
		if r.Kind == kind && r.Suite == suite {
			return r
		}
	}
	return event.Record{}
}

func TestVMEmptyPlan(t *testing.T) {
	m := machine(t)
	exit, records := run(t, m, event.ExitDone)
	if exit.Phase != "done" || len(exit.Tail) > 0 || len(records) != 2 || records[0].Release == "" {
		t.Errorf("exit is %+v, records %+v", exit, records)
	}
	if !strings.Contains(records[0].Text, "Linux version") {
		t.Errorf("banner is %q", records[0].Text)
	}
	console, err := os.ReadFile(filepath.Join(m.Dir, "console.log"))
	if err != nil || !bytes.Contains(console, []byte("Run /init as init process")) {
		t.Errorf("console has %d bytes, %v", len(console), err)
	}
}

func TestVMSuites(t *testing.T) {
	m := machine(t, "pass", "fail", "abort", "orphan", "loud")
	m.Suites[0].Env = []string{"KREPRO_TRIGGER=0.5"}
	if m.Kernel.Modules != "" {
		m.Suites[0].Modules = []string{"veth"}
		m.Suites[1].Modules = []string{"veth", "no-such"}
	}
	_, records := run(t, m, event.ExitDone)
	for suite, want := range map[string]event.Record{"pass": {}, "fail": {Code: 3}, "abort": {Signal: "killed"}, "orphan": {}, "loud": {}} {
		got := find(records, event.SuiteExit, suite)
		if suite == "fail" && m.Kernel.Modules != "" {
			continue // left out, as no kernel has its module
		}
		if got.Kind == "" || got.Code != want.Code || got.Signal != want.Signal || got.Seconds <= 0 {
			t.Errorf("%s ended as %+v", suite, got)
		}
	}
	log, err := os.ReadFile(filepath.Join(m.Dir, "artefacts/pass.log"))
	for _, want := range []string{"KREPRO_SIZE=quick", "KREPRO_SLOW=3", "KREPRO_TRIGGER=0.5", "KREPRO_EVENTS=/dev/ttyS2"} {
		if !bytes.Contains(log, []byte(want)) {
			t.Errorf("%s is not in the suite's output %q, %v", want, log, err)
		}
	}
	loud, err := os.ReadFile(filepath.Join(m.Dir, "artefacts/loud.log"))
	if !bytes.HasSuffix(loud, []byte("line 39999 of very many\n")) || !bytes.Contains(loud, []byte("bytes left out")) {
		t.Errorf("loud.log has %d bytes, %v", len(loud), err)
	}
	events, err := os.ReadFile(filepath.Join(m.Dir, "events.jsonl"))
	if err != nil || bytes.Contains(events, []byte("\r")) {
		t.Errorf("the event port is not raw: %q, %v", events, err)
	}
	if m.Kernel.Modules == "" {
		return
	}
	if mod := find(records, event.Module, ""); mod.Name != "veth" || mod.Error != "" {
		t.Errorf("veth: %+v", mod)
	}
	if find(records, event.SuiteStart, "fail").Kind != "" {
		t.Error("a suite ran without its module")
	}
}

func TestVMSuiteOutOfTime(t *testing.T) {
	m := machine(t, "hang", "stubborn", "pass")
	m.Suites[0].Limit, m.Suites[1].Limit = 2*time.Second, 2*time.Second
	_, records := run(t, m, event.ExitDone)
	for _, s := range []string{"hang", "stubborn"} {
		if rec := find(records, event.SuiteExit, s); rec.Signal != "killed" || !strings.Contains(rec.Error, "out of time") {
			t.Errorf("%s ended as %+v", s, rec)
		}
	}
	if find(records, event.SuiteExit, "pass").Kind == "" {
		t.Error("the next suite did not run")
	}
	log, err := os.ReadFile(filepath.Join(m.Dir, "artefacts/hang.log"))
	if !bytes.Contains(log, []byte("goroutine 1")) {
		t.Errorf("no goroutines in %q, %v", log, err)
	}
	console, err := os.ReadFile(filepath.Join(m.Dir, "console.log"))
	if !bytes.Contains(console, []byte("sysrq: Show Blocked State")) {
		t.Errorf("no blocked tasks on the console, %v", err)
	}
}

func TestVMSilentSuite(t *testing.T) {
	m := machine(t, "hang", "pass")
	m.Silence = 5 * time.Second
	_, records := run(t, m, event.ExitDone)
	if rec := find(records, event.SuiteExit, "hang"); rec.Signal != "killed" || !strings.Contains(rec.Error, "silent") {
		t.Errorf("hang ended as %+v", rec)
	}
	if find(records, event.SuiteExit, "pass").Kind == "" {
		t.Error("the next suite did not run")
	}
}

func TestVMSilentKernel(t *testing.T) {
	m := machine(t, "halt")
	m.Silence = 5 * time.Second
	exit, _ := run(t, m, event.ExitSilence)
	if exit.Phase != "halt" || exit.Spec != "second" || len(exit.Tail) != tailLines {
		t.Errorf("exit is %+v", exit)
	}
}

func TestVMDeadline(t *testing.T) {
	m := machine(t, "hang")
	m.Whole = 8 * time.Second
	run(t, m, event.ExitDeadline)
}

func TestVMPanic(t *testing.T) {
	m := machine(t, "panic", "pass")
	exit, _ := run(t, m, event.ExitDied) // and neither silence nor a deadline
	if exit.Phase != "panic" || exit.Spec != "second" || len(exit.Tail) != tailLines {
		t.Errorf("exit is %+v", exit)
	}
	console, err := os.ReadFile(filepath.Join(m.Dir, "console.log"))
	if err != nil || !bytes.Contains(console, []byte("Kernel panic")) {
		t.Errorf("no panic on the console of %d bytes, %v", len(console), err)
	}
}

func TestVMGarbageKernel(t *testing.T) {
	m := machine(t)
	m.Kernel = Kernel{Vmlinuz: m.Guest}
	exit, _ := run(t, m, event.ExitDied)
	if exit.Phase != "boot" || !strings.Contains(exit.Error, "not a bzImage") {
		t.Errorf("exit is %+v", exit)
	}
}

// A file that looks like a kernel and jumps nowhere: an endless loop where the
// protected-mode code begins.
func TestVMKernelThatNeverBoots(t *testing.T) {
	m := machine(t)
	whole, err := os.ReadFile(m.Kernel.Vmlinuz)
	if err != nil {
		t.Fatal(err)
	}
	code := 512 * (1 + int(whole[0x1f1])) // behind the real-mode sectors (boot.rst, setup_sects)
	for i := code; i < code+4096; i += 2 {
		whole[i], whole[i+1] = 0xeb, 0xfe
	}
	m.Kernel = Kernel{Vmlinuz: filepath.Join(t.TempDir(), "vmlinuz")}
	if err := os.WriteFile(m.Kernel.Vmlinuz, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	m.Boot = 3 * time.Second
	run(t, m, event.ExitBootDeadline)
}

func TestVMCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := machine(t, "hang")
	m.Progress = func(p Progress) {
		if p.Spec == "second" {
			cancel()
		}
	}
	exit, err := m.Run(ctx)
	if err != nil || exit.Reason != event.ExitCancelled || exit.Spec != "second" {
		t.Errorf("exit is %+v, %v", exit, err)
	}
	noChild(t)
	events, err := os.ReadFile(filepath.Join(m.Dir, "events.jsonl"))
	if !bytes.Contains(events, []byte(`"spec":"second"`)) {
		t.Errorf("what was known is not written: %q, %v", events, err)
	}
}

func TestVMFullDisk(t *testing.T) {
	m := machine(t, "pass")
	if err := os.MkdirAll(m.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(m.Dir, "events.jsonl")); err != nil {
		t.Fatal(err)
	}
	exit, _ := run(t, m, event.ExitHost)
	if !strings.Contains(exit.Error, "no space left") || exit.Phase != "pass" {
		t.Errorf("exit is %+v", exit)
	}
}

func TestVMShell(t *testing.T) {
	m := machine(t, "pass")
	in, typed := io.Pipe()
	shown := &screen{typed: typed, answers: []string{"run pass pass\n", "cat /proc/version\n", "exit\n"}}
	m.Shell = struct {
		io.Reader
		io.Writer
	}{in, shown}
	run(t, m, event.ExitDone)
	for _, want := range []string{"environment:", "Linux version"} {
		if !strings.Contains(shown.text, want) {
			t.Errorf("%q is not in the session:\n%s", want, shown.text)
		}
	}
}

// screen is a person who types the next line when the prompt shows.
type screen struct {
	typed   io.Writer
	answers []string
	text    string
}

func (s *screen) Write(p []byte) (int, error) {
	s.text += string(p)
	if strings.HasSuffix(s.text, "krepro# ") && len(s.answers) > 0 {
		line := s.answers[0]
		s.answers = s.answers[1:]
		go fmt.Fprint(s.typed, line)
	}
	return len(p), nil
}

func TestVMProbe(t *testing.T) {
	k := vmKernel(t)
	p := Prober{Cache: t.TempDir(), Guest: compile(t, "./guest")}
	start := time.Now()
	accel, why, err := p.Choose(t.Context(), Auto, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s after %s: %s", accel, time.Since(start), why)
	noChild(t)
	start = time.Now()
	again, _, err := p.Choose(t.Context(), Auto, k)
	if err != nil || again != accel || time.Since(start) > time.Second {
		t.Errorf("the second answer is %s after %s, %v", again, time.Since(start), err)
	}
}
