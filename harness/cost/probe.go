// Package cost puts one probe after another on a function, each with a BPF
// program that only counts (bpf/cost.c), to see what a probe costs and how many
// calls it sees.
//
//	p, err := cost.Load(cost.Kretprobe, cost.Call)
//	err = p.Attach()
//	…
//	err = p.Detach()
//	n, err := p.Hits()
package cost

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/krepro/krepro/bpf"
)

// Kind is a kind of probe.
type Kind string

// All kinds.
const (
	Kprobe         Kind = "kprobe"
	Kretprobe      Kind = "kretprobe"
	Fentry         Kind = "fentry"
	Fexit          Kind = "fexit"
	RawTracepoint  Kind = "raw tracepoint"
	Tracepoint     Kind = "tracepoint"
	KprobeMulti    Kind = "kprobe.multi"
	KretprobeMulti Kind = "kretprobe.multi"
)

// Kinds are all kinds, in the order in which people read them.
var Kinds = []Kind{Kprobe, Kretprobe, Fentry, Fexit, RawTracepoint, Tracepoint, KprobeMulti, KretprobeMulti}

// Call is the kernel's getpgid(2), a system call that does next to nothing. The
// tracepoints are on this call whatever function a probe is for.
const Call = "__x64_sys_getpgid"

// programs are those of bpf/cost.c.
var programs = map[Kind]string{
	Kprobe: bpf.CostProgAtKprobe, Kretprobe: bpf.CostProgAtKprobe,
	Fentry: bpf.CostProgAtFentry, Fexit: bpf.CostProgAtFexit,
	RawTracepoint: bpf.CostProgAtRawTracepoint, Tracepoint: bpf.CostProgAtTracepoint,
	KprobeMulti: bpf.CostProgAtKprobeMulti, KretprobeMulti: bpf.CostProgAtKprobeMulti,
}

// Probe is a loaded program with a count of its own. Whoever loads it closes it.
type Probe struct {
	Kind     Kind
	Function string
	// Room is how many tasks a kretprobe can follow at a time (maxactive), 0 what
	// the kernel thinks fit. A kretprobe that says stands in tracefs (Missed).
	Room int

	spec *ebpf.CollectionSpec
	coll *ebpf.Collection
	link link.Link
}

// Load loads a probe for a kernel function. An error that wraps
// ebpf.ErrNotSupported means that the kernel has no such probes.
func Load(kind Kind, function string) (*Probe, error) {
	spec, err := bpf.LoadCost()
	if err != nil {
		return nil, err
	}
	for name, p := range spec.Programs {
		if name != programs[kind] {
			delete(spec.Programs, name)
		}
		if kind == Fentry || kind == Fexit {
			p.AttachTo = function
		}
	}
	p := &Probe{Kind: kind, Function: function, spec: spec}
	if p.coll, err = ebpf.NewCollection(spec); err != nil {
		return nil, fmt.Errorf("load program for %s: %w", kind, err)
	}
	return p, nil
}

// again loads the program once more, with the count it has. Before 5.13 fentry
// and fexit programs can be attached only once.
func (p *Probe) again() error {
	next, err := ebpf.NewCollectionWithOptions(p.spec, ebpf.CollectionOptions{MapReplacements: p.coll.Maps})
	if err != nil {
		return fmt.Errorf("load program for %s again: %w", p.Kind, err)
	}
	p.coll.Close()
	p.coll = next
	return nil
}

// Attach begins to count.
func (p *Probe) Attach() (err error) {
	prog := p.coll.Programs[programs[p.Kind]]
	multi := link.KprobeMultiOptions{Symbols: []string{p.Function}}
	switch p.Kind {
	case Kprobe:
		p.link, err = link.Kprobe(p.Function, prog, nil)
	case Kretprobe:
		p.link, err = link.Kretprobe(p.Function, prog, &link.KprobeOptions{RetprobeMaxActive: p.Room})
	case Fentry, Fexit:
		p.link, err = link.AttachTracing(link.TracingOptions{Program: prog})
	case RawTracepoint:
		p.link, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: prog})
	case Tracepoint:
		p.link, err = link.Tracepoint("syscalls", "sys_enter_getpgid", prog, nil)
	case KprobeMulti:
		p.link, err = link.KprobeMulti(prog, multi)
	case KretprobeMulti:
		p.link, err = link.KretprobeMulti(prog, multi)
	}
	if err != nil {
		return fmt.Errorf("attach %s to %s: %w", p.Kind, p.Function, err)
	}
	return nil
}

// Detach ends it; the count stays.
func (p *Probe) Detach() error {
	if p.link == nil {
		return nil
	}
	err := p.link.Close()
	p.link = nil
	if p.Kind == Fentry || p.Kind == Fexit {
		err = errors.Join(err, p.again())
	}
	return err
}

// Close detaches and unloads.
func (p *Probe) Close() error {
	err := p.Detach()
	p.coll.Close()
	return err
}

// Hits is how often the program ran.
func (p *Probe) Hits() (n uint64, err error) {
	if err := p.coll.Variables[bpf.CostVarHits].Get(&n); err != nil {
		return 0, fmt.Errorf("read hits of %s: %w", p.Kind, err)
	}
	return n, nil
}
