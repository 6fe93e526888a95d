// Package cutbtf cuts a kernel's BTF down to a few structs, so that a guest can
// resolve CO-RE relocations without parsing four to five megabytes of types.
//
// What remains is shallow: the named structs with all their members at their
// offsets, integers, enums, arrays, bitfields. A pointer becomes a pointer to
// void, for a relocation follows members and never pointers. A member that is
// itself a struct or union is kept if it has no name (its members are the outer
// struct's), is one of the named, or is small (an address, a counter);
// otherwise it becomes an empty struct of its name and size. Qualifiers and
// typedefs go.
package cutbtf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cilium/ebpf/btf"
)

// Version changes when the same kernel would be cut differently.
const Version = "1"

// small is the size in bytes up to which a struct inside another stays whole:
// that of an IPv6 address.
const small = 16

// Cut reads a kernel's BTF (raw, or the .BTF section of an ELF file) and
// returns the raw BTF of the named structs. A name that the kernel does not
// have is left out; none at all is an error.
func Cut(full io.ReaderAt, names []string) ([]byte, error) {
	spec, err := btf.LoadSpecFromReader(full)
	if err != nil {
		return nil, fmt.Errorf("load kernel btf: %w", err)
	}
	return CutSpec(spec, names)
}

// CutSpec is Cut for BTF that is loaded already.
func CutSpec(spec *btf.Spec, names []string) ([]byte, error) {
	chosen, err := choose(spec, names)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return nil, errors.New("cut btf: the kernel has none of the structs")
	}
	c := cutter{named: map[btf.Type]bool{}, done: map[btf.Type]btf.Type{}, void: &btf.Pointer{Target: &btf.Void{}}}
	for _, s := range chosen {
		c.named[s] = true
	}
	builder, err := btf.NewBuilder(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("cut btf: %w", err)
	}
	for _, name := range names {
		if chosen[name] == nil {
			continue
		}
		if _, err := builder.Add(c.cut(chosen[name])); err != nil {
			return nil, fmt.Errorf("cut btf: add struct %s: %w", name, err)
		}
	}
	raw, err := builder.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		return nil, fmt.Errorf("cut btf: %w", err)
	}
	return raw, nil
}

// choose finds each named struct. Drivers define structs of the same names; the
// one meant is the one that the first name's struct leads to by its members and
// their pointers. What is not reached that way is the largest of its name.
func choose(spec *btf.Spec, names []string) (map[string]*btf.Struct, error) {
	candidates := map[string][]*btf.Struct{}
	for _, name := range names {
		types, err := spec.AnyTypesByName(name)
		if errors.Is(err, btf.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find struct %s: %w", name, err)
		}
		for _, t := range types {
			if s, ok := t.(*btf.Struct); ok {
				candidates[name] = append(candidates[name], s)
			}
		}
		slices.SortStableFunc(candidates[name], func(a, b *btf.Struct) int { return cmp.Compare(b.Size, a.Size) })
	}
	chosen := map[string]*btf.Struct{}
	for _, name := range names {
		if len(candidates[name]) > 0 && chosen[name] == nil {
			follow(candidates[name][0], candidates, chosen)
		}
	}
	return chosen, nil
}

// follow marks the candidates that root leads to through other candidates,
// nearest first, root itself included.
func follow(root *btf.Struct, candidates map[string][]*btf.Struct, chosen map[string]*btf.Struct) {
	queue := []*btf.Struct{root}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		if s.Name != "" {
			if chosen[s.Name] != nil || !slices.Contains(candidates[s.Name], s) {
				continue
			}
			chosen[s.Name] = s
		}
		queue = append(queue, leads(s.Members)...)
	}
}

// leads lists the structs that members hold or point to, those of unnamed
// unions included.
func leads(members []btf.Member) []*btf.Struct {
	var found []*btf.Struct
	for _, m := range members {
		t := btf.UnderlyingType(m.Type)
		if p, ok := t.(*btf.Pointer); ok {
			t = btf.UnderlyingType(p.Target)
		}
		switch t := t.(type) {
		case *btf.Struct:
			found = append(found, t)
		case *btf.Union:
			if t.Name == "" {
				found = append(found, leads(t.Members)...)
			}
		}
	}
	return found
}

// cutter makes the shallow copies. done maps a type to its copy, so that what is
// one type in the kernel is one in the copy.
type cutter struct {
	named map[btf.Type]bool
	done  map[btf.Type]btf.Type
	void  *btf.Pointer
}

func (c *cutter) cut(t btf.Type) btf.Type {
	t = btf.UnderlyingType(t)
	if copied := c.done[t]; copied != nil {
		return copied
	}
	switch t := t.(type) {
	case *btf.Pointer:
		return c.void
	case *btf.Array:
		return &btf.Array{Index: btf.UnderlyingType(t.Index), Type: c.cut(t.Type), Nelems: t.Nelems}
	case *btf.Struct:
		s := &btf.Struct{Name: t.Name, Size: t.Size}
		c.done[t] = s
		if c.keeps(t, t.Name, t.Size) {
			s.Members = c.members(t.Members)
		}
		return s
	case *btf.Union:
		u := &btf.Union{Name: t.Name, Size: t.Size}
		c.done[t] = u
		if c.keeps(t, t.Name, t.Size) {
			u.Members = c.members(t.Members)
		}
		return u
	default: // int, enum, float: no references
		return t
	}
}

// keeps tells whether a struct or union keeps its members.
func (c *cutter) keeps(t btf.Type, name string, size uint32) bool {
	return name == "" || size <= small || c.named[t]
}

func (c *cutter) members(full []btf.Member) []btf.Member {
	cut := make([]btf.Member, len(full))
	for i, m := range full {
		cut[i] = btf.Member{Name: m.Name, Type: c.cut(m.Type), Offset: m.Offset, BitfieldSize: m.BitfieldSize}
	}
	return cut
}
