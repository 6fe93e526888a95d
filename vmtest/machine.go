package vmtest

import (
	"cmp"
	"io"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// Accelerators, as in event.Exit.Accel.
const (
	TCG = "tcg" // QEMU translates the guest's code: slow, and works everywhere
	KVM = "kvm"
)

// Machine is one VM run. A zero field has the default that is said at it.
type Machine struct {
	Kernel Kernel
	// Dir is the VM's folder; created if absent. It holds no other run.
	Dir string
	// Guest is the path of the static binary of package guest.
	Guest string
	// Suites run in this order. Those that Kernel.Info.Missing names do not run.
	Suites []Suite
	// Files go into the guest besides: its path to the host's.
	Files map[string]string
	// Env is given to every suite, as KEY=VALUE. EnvEvents, EnvBTF and EnvSlow are set by the VM.
	Env []string

	// Runner is what boots the VM, one of Runners. Default RunnerQEMU.
	Runner string
	// Accel is TCG or KVM. Default TCG: see Prober for one that is proven.
	Accel string
	// CPUs is the number of virtual CPUs. Default 1: see docs/vm.md.
	CPUs int
	// Memory of the guest in MiB. Default 512, or what its initramfs needs if that is more.
	Memory int
	// Boot bounds the time until PID 1 reports, Silence that without a byte on
	// any channel, Whole that from QEMU's start to its end. Default by Accel.
	Boot, Silence, Whole time.Duration
	// Append is added to the kernel's command line.
	Append string
	// QEMU is the program. Default qemu-system-x86_64 from the PATH.
	QEMU string
	// Keep leaves the initramfs in artefacts/.
	Keep bool

	// Progress is called whenever there is news, never from two goroutines at once.
	Progress func(Progress)
	// Shell, when set, is the terminal of a shell that runs in place of the suites.
	Shell io.ReadWriter
	// Busybox is the path of a static busybox to be that shell. Default: a small
	// one built into the guest.
	Busybox string
}

// Kernel is a bootable kernel.
type Kernel struct {
	Info    event.Kernel
	Vmlinuz string // bzImage
	Vmlinux string // the uncompressed ELF file, booted in place of Vmlinuz where it can be; "" if there is none
	Modules string // its folder lib/modules/RELEASE; "" means that whatever it needs is built in
	BTF     string // BTF of event.KernelTypes; "" leaves the suites to the kernel's own
}

// Suite is a compiled suite.
type Suite struct {
	Name    string
	Binary  string        // path, statically linked
	Args    []string      // e.g. -ginkgo.v
	Env     []string      // KEY=VALUE besides Machine.Env, and no key of it
	Modules []string      // kernel modules that it needs; what they depend on is found
	Limit   time.Duration // killed after so long; 0 leaves it to the VM's deadlines
	Rounds  int           // runs one after another; 0 is one
	// UntilFailure ends the rounds after the first in which a spec failed.
	UntilFailure bool
}

// Progress is what a VM in flight last told.
type Progress struct {
	Phase   string // boot, modules, a suite's name, or done
	Spec    string // the spec in flight
	Planned int    // specs of the suite
	Ended   int    // specs of the suite that ended
	Failed  int    // of those, the ones that failed
	Elapsed time.Duration
}

// Phases besides the suites' names.
const (
	phaseBoot    = "boot"
	phaseModules = "modules"
	phaseDone    = "done"
)

// pace is what an accelerator means for time.
type pace struct {
	boot, silence, whole time.Duration
	slow                 string // event.EnvSlow
}

// Silence is longer than the kernel's own detectors need (soft lockup and RCU
// stall 21 s or more, hung task as PID 1 sets it 40 s, up to twice that): the
// console shall name the culprit before the VM is stopped.
var paces = map[string]pace{
	TCG: {boot: 60 * time.Second, silence: 100 * time.Second, whole: 15 * time.Minute, slow: "3"},
	KVM: {boot: 15 * time.Second, silence: 100 * time.Second, whole: 10 * time.Minute, slow: "1"},
}

// leastMemory is the memory of a guest that needs no more, in MiB.
const leastMemory = 512

// memoryFor is what a guest with an initramfs of so many bytes gets, in MiB. It
// is unpacked into a tmpfs that takes half of the memory at most, while the
// archive is still there.
func memoryFor(initramfs int64) int {
	const work, step = 256, 64
	need := int(2*initramfs>>20) + work
	return max(leastMemory, (need+step-1)/step*step)
}

// filled returns the machine with its defaults in place.
func (m Machine) filled() Machine {
	m.Runner = cmp.Or(m.Runner, RunnerQEMU)
	m.Accel = cmp.Or(m.Accel, TCG)
	m.CPUs = cmp.Or(m.CPUs, 1)
	m.QEMU = cmp.Or(m.QEMU, "qemu-system-x86_64")
	p := paces[m.Accel]
	if m.Runner != RunnerQEMU {
		p.boot *= foreignBoot
	}
	m.Boot = cmp.Or(m.Boot, p.boot)
	m.Silence = cmp.Or(m.Silence, p.silence)
	m.Whole = cmp.Or(m.Whole, p.whole)
	return m
}
