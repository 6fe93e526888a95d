package vmtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/krepro/krepro/harness/event"
)

// documentedTarget has the fields that vmtest's docs/config.md lists for a
// target, and no other.
type documentedTarget struct {
	Name       string  `toml:"name"`
	Image      *string `toml:"image"`
	UEFI       bool    `toml:"uefi"`
	Kernel     *string `toml:"kernel"`
	KernelArgs string  `toml:"kernel_args"`
	Rootfs     string  `toml:"rootfs"`
	Arch       string  `toml:"arch"`
	Command    string  `toml:"command"`
	VM         struct {
		CPUs   uint8  `toml:"num_cpus"`
		Memory string `toml:"memory"`
		Mounts map[string]struct {
			HostPath string `toml:"host_path"`
			Writable bool   `toml:"writable"`
		} `toml:"mounts"`
		BIOS      *string  `toml:"bios"`
		ExtraArgs []string `toml:"extra_args"`
	} `toml:"vm"`
}

// checkToml reads the configuration as vmtest does, but more strictly, and tells
// QEMU's extra arguments.
func checkToml(args []string) (extra string, err error) {
	if len(args) != 2 || args[0] != "--config" {
		return "", fmt.Errorf("arguments %q", args)
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return "", err
	}
	var config struct {
		Target []documentedTarget `toml:"target"`
	}
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		return "", fmt.Errorf("%w in\n%s", err, text)
	}
	if len(config.Target) != 1 {
		return "", fmt.Errorf("%d targets", len(config.Target))
	}
	t := config.Target[0]
	switch command := strings.Fields(t.Command); {
	case t.Name == "" || t.Kernel == nil || t.Image != nil:
		return "", fmt.Errorf("name, and a kernel in place of an image, are required: %s", text)
	case len(command) != 3 || command[1] != "hosted":
		return "", fmt.Errorf("command %q", t.Command)
	case !strings.HasPrefix(t.KernelArgs, "ro ") || !strings.HasSuffix(t.KernelArgs, " "+event.HostedVM):
		return "", fmt.Errorf("kernel_args %q", t.KernelArgs)
	default:
		return strings.Join(t.VM.ExtraArgs, "\n"), found(*t.Kernel, command[0], command[2]+event.GuestPlan, command[2]+event.GuestSuites+"/s.test")
	}
}

func found(paths ...string) error {
	var errs []error
	for _, p := range paths {
		_, err := os.Stat(p)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func TestVmtest(t *testing.T) {
	for fake, reason := range map[string]string{"all is well": event.ExitDone, "exit 255": event.ExitHost, "kernel panics in a spec": event.ExitDied} {
		t.Run(fake, func(t *testing.T) {
			m, pidFile := foreignMachine(t, RunnerVmtest, fake)
			exit, err := m.Run(t.Context())
			if err != nil || exit.Reason != reason {
				t.Errorf("exit is %+v, %v; want %s", exit, err, reason)
			}
			nothingLeft(t, pidFile)
		})
	}
}

// The check must see a field that vmtest does not document, and a missing name.
func TestCheckToml(t *testing.T) {
	for text, want := range map[string]string{
		"[[target]]\nname = 'x'\nkernel = 'k'\ncommand = 'c'\nqemu = 'q'\n": "strict mode",
		"[[target]]\nkernel = 'k'\ncommand = 'c'\n":                         "required",
		"": "0 targets",
	} {
		path := filepath.Join(t.TempDir(), vmtestFile)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := checkToml([]string{"--config", path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
