package lab

import (
	"errors"
	"io/fs"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Lacks says what the kernel, or this host's policy, does not offer if that is
// why Open failed; "" if it failed for another reason, which is a failure of
// the suite. In a VM the host has asked the kernel's configuration before; this
// is for a suite that is run by hand.
func Lacks(err error) string {
	var what string
	switch {
	case errors.Is(err, errTopology) && errors.Is(err, unix.EOPNOTSUPP):
		what = "veth (CONFIG_VETH; is the module loaded?)"
	case errors.Is(err, errAccelerator) && errors.Is(err, ebpf.ErrNotSupported):
		what = "sockops on cgroups or SOCKHASH (CONFIG_CGROUP_BPF, CONFIG_BPF_STREAM_PARSER)"
	case errors.Is(err, errObserver) && errors.Is(err, unix.EPERM): // EACCES is the verifier's
		what = "leave to trace (kernel lockdown?)"
	case errors.Is(err, errObserver) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, ebpf.ErrNotSupported)):
		what = "kprobes for BPF, with debugfs (CONFIG_KPROBES, CONFIG_BPF_EVENTS, CONFIG_DEBUG_FS)"
	default:
		return ""
	}
	return what + ": " + err.Error()
}
