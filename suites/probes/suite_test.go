// Package probes asks what each kind of probe costs a system call that does next
// to nothing, whether its program runs once for each call, and what a kretprobe
// does with more tasks than it has room for.
//
// It has a VM to itself: probes on busy functions have hung a loaded guest.
package probes

import (
	"errors"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/krepro/krepro/harness/cost"
	"github.com/krepro/krepro/harness/evidence"
)

func TestProbes(t *testing.T) { evidence.Run(t, "probes") }

// load loads a probe, which ends with the spec. It is nil where the kernel has
// no such links; only kprobe.multi is younger than the kernels that are asked.
func load(kind cost.Kind, function string) *cost.Probe {
	GinkgoHelper()
	p, err := cost.Load(kind, function)
	if err == nil {
		DeferCleanup(p.Close)
		err = errors.Join(p.Attach(), p.Detach()) // some kernels take the program and know no such link
	}
	young := kind == cost.KprobeMulti || kind == cost.KretprobeMulti
	if young && errors.Is(err, ebpf.ErrNotSupported) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return p
}

func hits(p *cost.Probe) int {
	GinkgoHelper()
	n, err := p.Hits()
	Expect(err).NotTo(HaveOccurred())
	return int(n)
}

// call calls getpgid(2) so many times, from one thread.
func call(n int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range n {
		unix.RawSyscall(unix.SYS_GETPGID, 0, 0, 0)
	}
}
