package features

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/harness/event"
)

// What the hooks are tried on: a function that krepro observes, and a tracepoint
// that every kernel with tracepoints has.
const (
	anyFunction   = "inet_recvmsg"
	anySubsystem  = "sched"
	anyTracepoint = "sched_process_exit"
)

// hooks are ways to run a BPF program when the kernel comes somewhere.
var hooks = []struct {
	name string
	try  func() error
}{
	{"kprobe", func() error {
		return attach(ebpf.ProgramSpec{Type: ebpf.Kprobe}, func(p *ebpf.Program) (link.Link, error) {
			return link.Kprobe(anyFunction, p, nil)
		})
	}},
	{"kretprobe", func() error {
		return attach(ebpf.ProgramSpec{Type: ebpf.Kprobe}, func(p *ebpf.Program) (link.Link, error) {
			return link.Kretprobe(anyFunction, p, nil)
		})
	}},
	{"kprobe.multi", features.HaveBPFLinkKprobeMulti},
	{"kprobe.session", features.HaveBPFLinkKprobeSession},
	{"uprobe.multi", features.HaveBPFLinkUprobeMulti},
	{"fentry", func() error { return trace(ebpf.AttachTraceFEntry, anyFunction) }},
	{"fexit", func() error { return trace(ebpf.AttachTraceFExit, anyFunction) }},
	{"tp_btf", func() error { return trace(ebpf.AttachTraceRawTp, anyTracepoint) }},
	{"raw_tracepoint", func() error {
		return attach(ebpf.ProgramSpec{Type: ebpf.RawTracepoint}, func(p *ebpf.Program) (link.Link, error) {
			return link.AttachRawTracepoint(link.RawTracepointOptions{Name: anyTracepoint, Program: p})
		})
	}},
	{"tracepoint", func() error {
		return attach(ebpf.ProgramSpec{Type: ebpf.TracePoint}, func(p *ebpf.Program) (link.Link, error) {
			return link.Tracepoint(anySubsystem, anyTracepoint, p, nil)
		})
	}},
}

// Hooks tries each hook.
func Hooks() event.Features {
	f := event.Features{Section: event.Hooks}
	for _, h := range hooks {
		enter(&f, h.name, h.try())
	}
	return f
}

// trace attaches a tracing program to a function or tracepoint of the kernel's BTF.
func trace(how ebpf.AttachType, to string) error {
	return attach(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: how, AttachTo: to}, func(p *ebpf.Program) (link.Link, error) {
		return link.AttachTracing(link.TracingOptions{Program: p})
	})
}

// attach loads a program, attaches it and takes it away again.
func attach(spec ebpf.ProgramSpec, to func(*ebpf.Program) (link.Link, error)) error {
	prog, err := ebpf.NewProgram(nothing(spec))
	if err != nil {
		return err
	}
	defer prog.Close()
	l, err := to(prog)
	if err != nil {
		return err
	}
	return l.Close()
}

// nothing is a program of a kind that does nothing.
func nothing(kind ebpf.ProgramSpec) *ebpf.ProgramSpec {
	kind.License = "GPL"
	kind.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	return &kind
}
