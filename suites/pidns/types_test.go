package pidns

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/accel"
	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/harness/evidence"
	"github.com/krepro/krepro/harness/netlab"
	"github.com/krepro/krepro/harness/pidns"
)

// tracers have had the helper since 5.7, the others since 6.10, all at once.
var (
	tracers = []ebpf.ProgramSpec{
		{Type: ebpf.Kprobe}, {Type: ebpf.TracePoint}, {Type: ebpf.RawTracepoint}, {Type: ebpf.PerfEvent},
	}
	others = []ebpf.ProgramSpec{
		{Type: ebpf.SockOps, AttachType: ebpf.AttachCGroupSockOps},
		{Type: ebpf.SkMsg, AttachType: ebpf.AttachSkMsgVerdict},
		{Type: ebpf.SkSKB},
		{Type: ebpf.CGroupSockAddr, AttachType: ebpf.AttachCGroupInet4Connect},
		{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetIngress},
		{Type: ebpf.SchedCLS},
		{Type: ebpf.SocketFilter},
	}
)

var _ = Describe("program types", func() {
	It("have bpf_get_ns_current_pid_tgid: all that trace, and of the others all or none", func() {
		t := evidence.NewTally().Watch()
		for i, spec := range tracers {
			if !may(t, i, spec) {
				t.Found(i, event.Changed, "%s may not call the helper", spec.Type)
			}
		}
		allowed := may(t, len(tracers), others[0])
		for i, spec := range others[1:] {
			if trial := len(tracers) + 1 + i; may(t, trial, spec) != allowed {
				t.Found(trial, event.Changed, "%s may call the helper: %v; %s: %v", spec.Type, !allowed, others[0].Type, allowed)
			}
		}
		t.Submit()
	})

	It("sockops: gives the process that connects its own numbers", Label("sockops"), func() {
		if err := features.HaveProgramHelper(ebpf.SockOps, asm.FnGetNsCurrentPidTgid); errors.Is(err, ebpf.ErrNotSupported) {
			evidence.Untestable("bpf_get_ns_current_pid_tgid for sockops programs (6.10)")
		}
		t := evidence.NewTally().Watch()
		cgroup, err := accel.JoinCgroup()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(cgroup.Close)
		asker, err := pidns.OpenConnect(cgroup.Path)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(asker.Close)
		child, address := spawnBesideListener()
		ns := own(child).Namespace
		for trial := range trials() {
			answer, caller := ask(asker, child.Host(), ns, func() (pidns.Caller, error) { return child.Connect(address) })
			judge(t, trial, answer, caller)
			t.Trials(1)
		}
		t.Submit()
	})
})

// may tells whether programs of a type may call the helper, by loading one that
// does; probing by the library has to say the same.
func may(t *evidence.Tally, trial int, spec ebpf.ProgramSpec) bool {
	GinkgoHelper()
	t.Trials(1)
	probed := features.HaveProgramHelper(spec.Type, asm.FnGetNsCurrentPidTgid)
	spec.License = "GPL"
	spec.Instructions = calls
	program, err := ebpf.NewProgram(&spec)
	if err == nil {
		Expect(program.Close()).To(Succeed())
	}
	if (err == nil) != (probed == nil) {
		t.Found(trial, event.Changed, "%s: probing says %v, loading %v", spec.Type, probed, err)
	}
	return err == nil
}

// calls is a program that calls the helper and returns 1, which every type may.
var calls = asm.Instructions{
	asm.Mov.Imm(asm.R1, 0), // device
	asm.StoreMem(asm.R10, -8, asm.R1, asm.DWord),
	asm.Mov.Imm(asm.R2, 0), // inode
	asm.Mov.Reg(asm.R3, asm.R10),
	asm.Add.Imm(asm.R3, -8), // struct bpf_pidns_info
	asm.Mov.Imm(asm.R4, 8),  // its size
	asm.FnGetNsCurrentPidTgid.Call(),
	asm.Mov.Imm(asm.R0, 1),
	asm.Return(),
}

// spawnBesideListener starts a child in a netns with a listener that accepts
// whatever comes, and returns its address.
func spawnBesideListener() (*pidns.Child, string) {
	GinkgoHelper()
	ns, err := netlab.NewNetns("pod")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(ns.Close)
	var child *pidns.Child
	var listener net.Listener
	Expect(ns.Do(func() (err error) {
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		child, err = pidns.Spawn(1)
		return err
	})).To(Succeed())
	DeferCleanup(listener.Close)
	DeferCleanup(child.Close)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return child, listener.Addr().String()
}
