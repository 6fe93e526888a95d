package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/verdict"
)

// needVirtme skips where virtme-ng is not installed and nobody promised it.
func needVirtme(t testing.TB) {
	t.Helper()
	err := vmtest.FindRunner(vmtest.RunnerVirtmeNG)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%v; scripts/virtme-ng.sh installs it", err)
	}
	if err != nil {
		t.Skipf("%v; scripts/virtme-ng.sh installs it", err)
	}
}

// The dispatch case has the same verdicts, spec by spec, whether virtme-ng boots
// the VM or krepro does.
func TestSameVerdictsByVirtmeNG(t *testing.T) {
	e := vmTest(t)
	needVirtme(t)
	answers := map[string]map[string]string{}
	for _, runner := range []string{vmtest.RunnerQEMU, vmtest.RunnerVirtmeNG} {
		dir := filepath.Join(t.TempDir(), "run")
		code, _ := e.call(t, "run", "--runner", runner, "--out", dir, "--suite", "sockmap", "--size", "quick", "--label-filter", "trigger",
			"--kernel", "debian:5.10.218-1/amd64", "--kernel", "debian:5.10.223-1/amd64")
		if code != 0 {
			t.Errorf("%s: exit code %d, want 0: every verdict as expected", runner, code)
		}
		answers[runner] = map[string]string{}
		for i, want := range []verdict.Verdict{verdict.Affected, verdict.Unaffected} {
			specAnswers(t, readVerdicts(t, dir)[i], runner, want, answers[runner])
		}
		judgedAgain(t, e, dir)
		if code, story := e.call(t, "explain", dir, "--kernel", "debian:5.10.218-1/amd64"); code != 0 || !strings.Contains(story, "sk_psock_drop") {
			t.Errorf("%s: explain leaves by %d and does not tell the cause", runner, code)
		}
	}
	if len(answers[vmtest.RunnerQEMU]) < 8 || !maps.Equal(answers[vmtest.RunnerQEMU], answers[vmtest.RunnerVirtmeNG]) {
		t.Errorf("answers differ:\nqemu      %v\nvirtme-ng %v", answers[vmtest.RunnerQEMU], answers[vmtest.RunnerVirtmeNG])
	}
}

// specAnswers adds what each spec says on a kernel: verdict, failures, symptoms.
func specAnswers(t *testing.T, r verdict.Result, runner string, want verdict.Verdict, all map[string]string) {
	t.Helper()
	if !strings.HasPrefix(r.Exit.Runner, runner) {
		t.Errorf("exit.json has runner %q, want %s", r.Exit.Runner, runner)
	}
	met := false
	for _, c := range r.Cases {
		met = met || c.Name == staleEntry && c.Verdict == want
	}
	if !met {
		t.Errorf("%s on %s: no case %s that is %s", runner, r.Kernel.Name, staleEntry, want)
	}
	for _, s := range r.Suites[0].Specs {
		all[r.Kernel.Name+": "+s.Name] = fmt.Sprint(s.Verdict, s.Rate.Failures, s.Rate.Trials, s.Symptoms)
	}
}

func judgedAgain(t *testing.T, e *env, dir string) {
	t.Helper()
	code, again := e.call(t, "judge", "--json", dir)
	if wrote, err := os.ReadFile(filepath.Join(dir, verdictsFile)); err != nil || code != 0 || again != string(wrote) {
		t.Errorf("judge leaves by %d, %v; %d bytes judged, %d written", code, err, len(again), len(wrote))
	}
}

// A kernel that panics in mid-spec leaves the spec in flight and the splat, and
// virtme-ng's 255 is the kernel's doing.
func TestPanicUnderVirtmeNG(t *testing.T) {
	e := vmTest(t)
	needVirtme(t)
	suites := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(suites, "panic.test"), "./testdata/misbehave")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build suite: %v\n%s", err, out)
	}
	put(t, filepath.Join(suites, "panic.yaml"), "about: misbehaves\n")
	e.getenv = func(key string) string { return map[string]string{"KREPRO_SUITES": suites}[key] }
	dir := filepath.Join(t.TempDir(), "run")
	code, _ := e.call(t, "run", "--runner", "virtme-ng", "--kernel", "debian:5.10.223-1/amd64", "--suite", "panic", "--out", dir)
	specs := readVerdicts(t, dir)[0].Suites[0].Specs
	if code != verdict.CodeBad || len(specs) != 2 || specs[0].Verdict != verdict.Pass || specs[1].Verdict != verdict.Crash {
		t.Errorf("exit code %d, specs %+v; want %d, one that passed and a crash", code, specs, verdict.CodeBad)
	}
}
