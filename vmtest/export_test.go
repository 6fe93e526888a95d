package vmtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What differs between two VMs of one runner: folder, port, measured frequency.
var differing = regexp.MustCompile(`/\S*/krepro-vm-\d+|(socket|file),id=|tsc_early_khz=\d+`)

// What is exported is what a run types, and the files are there.
func TestExportIsWhatARunUses(t *testing.T) {
	for _, runner := range []string{RunnerVirtmeNG, RunnerVmtest} {
		t.Run(runner, func(t *testing.T) {
			m, _ := foreignMachine(t, runner, "all is well")
			if _, err := m.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			ran, err := os.ReadFile(filepath.Join(m.Dir, "runner.args"))
			if err != nil {
				t.Fatal(err)
			}
			m.Dir = t.TempDir()
			args, err := m.Export()
			if err != nil {
				t.Fatal(err)
			}
			typed := strings.ReplaceAll(strings.Join(args, "\n")+"\n", m.Dir, "/tmp/krepro-vm-1")
			if got, want := differing.ReplaceAllString(typed, "…"), differing.ReplaceAllString(string(ran), "…"); got != want {
				t.Errorf("exported\n%s\nthe run used\n%s", got, want)
			}
			if runner == RunnerVmtest {
				if _, err := checkToml(args[1:]); err != nil {
					t.Error(err)
				}
			}
			if err := found(m.Dir+"/vmlinuz", m.Dir+"/tree/init", m.Dir+"/tree/krepro/plan.json", m.Dir+"/tree/krepro/suites/s.test"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestExportRefuses(t *testing.T) {
	m, _ := foreignMachine(t, RunnerVirtmeNG, "all is well")
	m.Dir = filepath.Join(t.TempDir(), "with space")
	if _, err := m.Export(); err == nil || !strings.Contains(err.Error(), "with space") {
		t.Errorf("a folder that virtme-ng splits: %v", err)
	}
	m.Runner = RunnerQEMU
	if _, err := m.Export(); err == nil {
		t.Error("qemu was exported")
	}
}
