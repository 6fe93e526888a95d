package vmtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// commandLine is the kernel's. What each option gains is measured in docs/vm.md.
var commandLine = []string{
	"loglevel=7",          // the whole log: it costs some 20 ms and is the evidence when nothing else came
	"panic=-1",            // restart at once; QEMU ends there (-no-reboot)
	"oops=panic",          // what runs after an oops is no evidence of anything
	"8250.nr_uarts=4",     // do not probe for 28 more
	"random.trust_cpu=on", // RDRAND seeds the pool: no getrandom(2) waits for entropy
	"nokaslr",             // addresses repeat from run to run
	"cryptomgr.notests",   // self-tests of ciphers that nothing here uses
}

// commandLineTCG suits QEMU's emulation only.
var commandLineTCG = []string{
	"no_timer_check", // on a loaded host the check fails, and the kernel panics
	"tsc=reliable",   // the guest's TSC is the host's; the watchdog would take host load for skew
	"noreplace-smp",  // each patched lock prefix throws away translated code
}

// ownConsole is the console's port of a VM that is started here.
var ownConsole = []string{
	"console=ttyS0,115200",
	"earlyprintk=ttyS0,115200", // a kernel that dies before it has a console says why
}

// QEMU's arguments for emulation.
const (
	// With a host thread a CPU, QEMU 7.2 lets a CPU run into the int3 of code
	// that another is patching: "Oops: int3" in about one boot of 7.2 in ten.
	accelTCG = TCG + ",thread=single"
	// The plainest CPU with RDRAND: each further feature costs the kernel patching at boot.
	cpuTCG = "qemu64,+rdrand"
)

// channels of the VM in the order of the guest's ports (event.PortConsole, …),
// and their files.
var (
	channels     = []string{"console", "control", "events"}
	channelFiles = []string{"console.log", "control.jsonl", "events.jsonl"}
)

// Places in the lists of channels.
const (
	console = iota // the kernel's
	control        // PID 1's
	events         // the suite's
)

// arguments are QEMU's, the program first.
//
// khz is the frequency of the host's time stamp counter.
func (m *Machine) arguments(kernel string, khz int) []string {
	accel, cpu := m.Accel, "host"
	if m.Accel == TCG {
		accel, cpu = accelTCG, cpuTCG
	}
	args := []string{m.QEMU,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc", "-accel", accel, "-cpu", cpu,
		"-smp", strconv.Itoa(m.CPUs), "-m", strconv.Itoa(m.Memory),
		"-kernel", kernel,
		"-initrd", fmt.Sprintf("/dev/fd/%d", fdInitramfs),
		"-append", strings.Join(m.kernelLine(khz, ownConsole), " "),
	}
	for i, name := range channels {
		args = append(args, port(name, fdChannels+i)...)
	}
	if m.Shell != nil {
		args = append(args, port("shell", fdShell)...)
	}
	return args
}

// kernelLine is the kernel's command line, with these options for its console.
func (m *Machine) kernelLine(khz int, console []string) []string {
	line := slices.Concat(console, commandLine)
	if m.Accel == TCG {
		line = append(line, commandLineTCG...)
		line = append(line, fmt.Sprintf("tsc_early_khz=%d", khz))
	}
	if m.Append != "" {
		line = append(line, m.Append)
	}
	return line
}

// port is a 16550 whose bytes go through a socket that QEMU inherits.
func port(name string, fd int) []string {
	return []string{"-chardev", fmt.Sprintf("socket,id=%s,fd=%d", name, fd), "-serial", "chardev:" + name}
}

// File descriptors that QEMU inherits.
const (
	fdInitramfs = 3
	fdChannels  = 4
	fdShell     = 7
)
