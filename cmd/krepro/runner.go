package main

import (
	"slices"
	"strings"

	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
)

// checkRunner checks what is asked of the program that boots the VMs, and returns the
// accelerator to ask for. Without one it is QEMU.
func (o runOptions) checkRunner() (accel string, err error) {
	if o.runner == "" || o.runner == vmtest.RunnerQEMU {
		return o.vm.accel, nil
	}
	if !slices.Contains(vmtest.Runners, o.runner) {
		return "", usage("runner: %q is none of %s", o.runner, strings.Join(vmtest.Runners, ", "))
	}
	if o.keep {
		return "", usage("keep: there is no initramfs with --runner %s; krepro export %s writes what the VM reads", o.runner, o.runner)
	}
	if accel, err = vmtest.RunnerAccel(o.runner, o.vm.accel); err != nil {
		return "", usage("%v", err)
	}
	return accel, nil
}

// runnerLacks are options that the runner needs and the configuration lacks.
func runnerLacks(config kernels.Config, runner string) []string {
	options, builtIn := vmtest.RunnerNeeds(runner)
	var lacks []string
	for _, o := range options {
		switch v := config.Get(o); {
		case v == "y", v == "m" && !builtIn:
		case builtIn:
			lacks = append(lacks, o+"=y for "+runner)
		default:
			lacks = append(lacks, o+" for "+runner)
		}
	}
	return lacks
}
