package conntrace

import (
	"io/fs"
	"strings"
)

// kprobePMU is there if the kernel has kprobes as perf events (perf_event_open(2)).
const kprobePMU = "sys/bus/event_source/devices/kprobe/type"

// Lacks says in a few words why this machine cannot trace; "" if nothing is
// known against it. root is the machine's root folder.
func Lacks(root fs.FS, uid int) string {
	if uid != 0 {
		return "root"
	}
	if lockdown, err := fs.ReadFile(root, "sys/kernel/security/lockdown"); err == nil && strings.Contains(string(lockdown), "[confidentiality]") {
		return "leave to trace: the kernel is locked down (confidentiality, kernel_lockdown(7))"
	}
	if _, err := fs.Stat(root, kprobePMU); err != nil {
		return "kprobes in the kernel (CONFIG_KPROBE_EVENTS)"
	}
	return ""
}
