package vmtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Runners: what boots the VM.
const (
	RunnerQEMU     = "qemu"      // this package
	RunnerVirtmeNG = "virtme-ng" // github.com/arighi/virtme-ng
	RunnerVmtest   = "vmtest"    // github.com/danobi/vmtest
)

// Runners are all of them, the default first.
var Runners = []string{RunnerQEMU, RunnerVirtmeNG, RunnerVmtest}

// foreign is a program that boots the VM in place of this package: over the
// host's root file system, where its init runs the guest (docs/runners.md).
type foreign struct {
	program string
	get     string   // what to type to have it
	options []string // of the kernel's configuration, without which its VM does not come up
	builtIn bool     // as a module they are of no use to it
	modules []string // that it loads before it runs the guest, if they are modules
	init    string   // what the console has of its init
	// command writes what else it reads into the stage, and returns what to type.
	command func(m *Machine, s stage) ([]string, error)
}

// foreignBoot is how many times as long as a VM of this package's theirs boot:
// the host's programs start in them, over 9p.
const foreignBoot = 3

var foreigns = map[string]foreign{
	RunnerVirtmeNG: {
		program: "vng",
		get:     "apt install virtme-ng busybox-static udev (Debian 13 and later; its package runs on 12 as well)",
		options: []string{"CONFIG_NET_9P_VIRTIO", "CONFIG_9P_FS", "CONFIG_VIRTIO_PCI", "CONFIG_VIRTIO_CONSOLE", "CONFIG_BLK_DEV_INITRD"},
		modules: []string{"9p", "9pnet_virtio", "virtio_pci", "virtio_console", "overlay"},
		init:    "virtme-init: ",
		command: virtmeCommand,
	},
	RunnerVmtest: {
		program: "vmtest",
		get:     "cargo install vmtest; apt install qemu-guest-agent",
		options: []string{"CONFIG_NET_9P_VIRTIO", "CONFIG_9P_FS", "CONFIG_VIRTIO_PCI", "CONFIG_VIRTIO_CONSOLE"},
		builtIn: true,
		init:    "vmtest: ",
		command: vmtestCommand,
	},
}

// FindRunner says what is missing of a runner, and how to get it.
func FindRunner(runner string) error {
	program, get := Machine{}.filled().QEMU, "apt install qemu-system-x86 (krepro doctor tells what else is missing)"
	if f, ok := foreigns[runner]; ok {
		program, get = f.program, f.get
	}
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("find runner %s: no %s on the PATH: %s", runner, program, get)
	}
	return nil
}

// RunnerNeeds are the options of a kernel's configuration that a runner's VM
// needs; builtIn if a module will not do.
func RunnerNeeds(runner string) (options []string, builtIn bool) {
	f := foreigns[runner]
	return f.options, f.builtIn
}

// RunnerAccel is the accelerator that a runner other than QEMU gives its VM if
// asked for auto, TCG or KVM. virtme-ng is told to emulate. vmtest asks nobody.
func RunnerAccel(runner, want string) (string, error) {
	accel := TCG
	if runner == RunnerVmtest {
		if _, err := os.Stat("/dev/kvm"); err == nil {
			accel = KVM
		}
	}
	if want != Auto && want != accel {
		return "", fmt.Errorf("accel: %s runs under %s here, and not under %s", runner, accel, want)
	}
	return accel, nil
}

// version is what the program calls itself, "virtme-ng 1.35".
func (f foreign) version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, f.program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w", f.program, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line), nil
}
