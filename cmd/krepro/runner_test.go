package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/verdict"
)

// A runner that is not there is the host's fault: it is said before anything is
// fetched or written, with what to type.
func TestRunnerThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	t.Setenv("PATH", t.TempDir())
	for runner, want := range map[string]string{"virtme-ng": "no vng on the PATH: apt install virtme-ng", "vmtest": "no vmtest on the PATH: cargo install vmtest"} {
		out := filepath.Join(w.dir, "run")
		code, _, stderr := w.do(t.Context(), "run", "--kernel", "debian:6.1/amd64", "--runner", runner, "--out", out)
		if code != verdict.CodeInfra || !strings.Contains(stderr, want) {
			t.Errorf("%s: code %d, %q; want %d, %q", runner, code, stderr, verdict.CodeInfra, want)
		}
		if found, _ := filepath.Glob(out); found != nil {
			t.Errorf("%s: a run folder was made", runner)
		}
	}
}

func TestRunnerLacks(t *testing.T) {
	virtme, _ := vmtest.RunnerNeeds(vmtest.RunnerVirtmeNG)
	generic, cloud := kernels.Config{}, kernels.Config{}
	for _, option := range virtme {
		generic[option] = "m"
		cloud[option] = "y"
	}
	cloud["CONFIG_9P_FS"] = "n"
	tests := []struct {
		runner string
		config kernels.Config
		want   []string
	}{
		{vmtest.RunnerQEMU, cloud, nil},
		{vmtest.RunnerVirtmeNG, generic, nil},
		{vmtest.RunnerVirtmeNG, cloud, []string{"CONFIG_9P_FS for virtme-ng"}},
		{vmtest.RunnerVmtest, cloud, []string{"CONFIG_9P_FS=y for vmtest"}},
		{vmtest.RunnerVmtest, kernels.Config{"CONFIG_NET_9P_VIRTIO": "y", "CONFIG_9P_FS": "m", "CONFIG_VIRTIO_PCI": "y", "CONFIG_VIRTIO_CONSOLE": "y"},
			[]string{"CONFIG_9P_FS=y for vmtest"}},
	}
	for _, test := range tests {
		if got := runnerLacks(test.config, test.runner); !slices.Equal(got, test.want) {
			t.Errorf("%s of %v: %q, want %q", test.runner, test.config, got, test.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{"--run": "--run", "/a/b,c=d": "/a/b,c=d", "a b": "'a b'", "it's": `'it'\''s'`, "": "''"} {
		if got := quoted(word); got != want {
			t.Errorf("%q is %s, want %s", word, got, want)
		}
	}
}
