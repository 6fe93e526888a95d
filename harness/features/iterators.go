package features

import (
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/krepro/krepro/harness/event"
)

// Iterators finds the targets of bpf_iter in the kernel's BTF, and loads a
// program for each: if the kernel takes them, they are what they look like.
func (p *Prober) Iterators() event.Features {
	f := event.Features{Section: event.Iterators, Lack: p.noBTF}
	if p.btf == nil {
		return f
	}
	targets, err := p.targets()
	if err == nil {
		err = loadAll(targets)
	}
	if err != nil {
		f.Lack = reason(err)
		return f
	}
	f.Yes = targets
	return f
}

// targets lists the iterators: each has a function bpf_iter_TARGET that takes a
// struct bpf_iter_meta * first (DEFINE_BPF_ITER_FUNC in linux/bpf.h), and a
// context struct bpf_iter__TARGET.
func (p *Prober) targets() ([]string, error) {
	var found []string
	for t, err := range p.btf.All() {
		if err != nil {
			return nil, err
		}
		name, ok := iterator(t)
		if !ok {
			continue
		}
		if _, err := p.btf.AnyTypesByName("bpf_iter__" + name); err == nil {
			found = append(found, name)
		}
	}
	return found, nil
}

// iterator is the target whose function a type looks like.
func iterator(t btf.Type) (string, bool) {
	fn, ok := t.(*btf.Func)
	if !ok {
		return "", false
	}
	name, ok := strings.CutPrefix(fn.Name, "bpf_iter_")
	proto, isProto := fn.Type.(*btf.FuncProto)
	if !ok || !isProto || len(proto.Params) == 0 {
		return "", false
	}
	pointer, ok := proto.Params[0].Type.(*btf.Pointer)
	if !ok {
		return "", false
	}
	meta, ok := pointer.Target.(*btf.Struct)
	return name, ok && meta.Name == "bpf_iter_meta"
}

// loadAll loads a program for each target. They go as one collection because the
// library reads the kernel's BTF once for each: 0.2 s in an emulated guest.
func loadAll(targets []string) error {
	all := ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{}}
	for _, target := range targets {
		all.Programs[target] = nothing(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: target})
	}
	loaded, err := ebpf.NewCollection(&all)
	if err != nil {
		return err
	}
	loaded.Close()
	return nil
}
