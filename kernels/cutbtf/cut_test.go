package cutbtf_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/cutbtf"
	"github.com/krepro/krepro/kernels/internal/fake"
)

// relocated are the accesses that BPF objects relocate, struct first.
var relocated = []string{
	"socket.sk", "sock.__sk_common", "sock_common.skc_prot", "sock_common.skc_daddr", "sock_common.skc_rcv_saddr",
	"sock_common.skc_family", "sock_common.skc_reuse", "sock_common.skc_reuseport", "sock_common.skc_cookie.counter", "sock_common.skc_net.net",
	"sock_common.skc_v6_daddr", "proto.recvmsg", "proto.close", "net.ns", "ns_common.inum",
}

func TestCutKeepsOffsets(t *testing.T) {
	full := load(t, fake.BTF(t))
	raw, err := cutbtf.Cut(bytes.NewReader(fake.BTF(t)), event.KernelTypes)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, full, load(t, raw))
}

// Of two structs of one name the kernel's is kept, not a driver's that is larger.
func TestCutTakesTheKernelsStruct(t *testing.T) {
	cut := cutFake(t, event.KernelTypes)
	types, err := cut.AnyTypesByName("proto")
	if err != nil || len(types) != 1 {
		t.Fatalf("proto is there %d times, %v; want once", len(types), err)
	}
	if got := types[0].(*btf.Struct).Size; got != 48 {
		t.Errorf("size of proto is %d, want 48", got)
	}
}

func TestCutIsShallow(t *testing.T) {
	cut := cutFake(t, event.KernelTypes)
	for name, members := range map[string]int{"netns_ipv4": 0, "in6_addr": 2, "ns_common": 2} {
		var s *btf.Struct
		if err := cut.TypeByName(name, &s); err != nil {
			t.Errorf("find %s: %v", name, err)
		} else if len(s.Members) != members {
			t.Errorf("%s has %d members, want %d", name, len(s.Members), members)
		}
	}
	for typ, err := range cut.All() {
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := typ.(*btf.Pointer); ok {
			if _, void := p.Target.(*btf.Void); !void {
				t.Errorf("a pointer leads to %v, want void", p.Target)
			}
		}
	}
}

func TestCutWithoutTheStructs(t *testing.T) {
	if got := cutFake(t, []string{"no_such", "sock"}); got == nil {
		t.Error("one struct that is there must be enough")
	}
	if _, err := cutbtf.Cut(bytes.NewReader(fake.BTF(t)), []string{"no_such"}); err == nil {
		t.Error("no error though the kernel has none of the structs")
	}
	if _, err := cutbtf.Cut(strings.NewReader("no BTF"), event.KernelTypes); err == nil {
		t.Error("no error though the data is no BTF")
	}
}

// KREPRO_CUT_VMLINUX names ELF files of real kernels, by a pattern.
func TestCutRealKernels(t *testing.T) {
	pattern := os.Getenv("KREPRO_CUT_VMLINUX")
	if pattern == "" {
		t.Skip("KREPRO_CUT_VMLINUX is not set")
	}
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	for _, file := range files {
		f, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		full, err := f.Section(".BTF").Data()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := cutbtf.Cut(bytes.NewReader(full), event.KernelTypes)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(raw) > 16<<10 {
			t.Errorf("%s: cut BTF has %d bytes, want a few kB", file, len(raw))
		}
		compare(t, load(t, full), load(t, raw))
	}
}

func cutFake(t *testing.T, names []string) *btf.Spec {
	t.Helper()
	raw, err := cutbtf.Cut(bytes.NewReader(fake.BTF(t)), names)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, raw)
}

func load(t *testing.T, raw []byte) *btf.Spec {
	t.Helper()
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// compare checks that every access finds the same place in both.
func compare(t *testing.T, full, cut *btf.Spec) {
	t.Helper()
	for _, access := range relocated {
		name, path, _ := strings.Cut(access, ".")
		want := "not found"
		for _, s := range structs(t, full, name) {
			// The kernel's own is the one of the cut's size.
			if s.Size == structs(t, cut, name)[0].Size {
				want = place(s, path)
			}
		}
		if got := place(structs(t, cut, name)[0], path); got != want || got == "" {
			t.Errorf("%s is at %q, want %q", access, got, want)
		}
	}
}

func structs(t *testing.T, spec *btf.Spec, name string) []*btf.Struct {
	t.Helper()
	types, err := spec.AnyTypesByName(name)
	if err != nil {
		t.Fatalf("find struct %s: %v", name, err)
	}
	var found []*btf.Struct
	for _, typ := range types {
		if s, ok := typ.(*btf.Struct); ok {
			found = append(found, s)
		}
	}
	return found
}

// place finds a member, through unnamed ones, and prints its offset in bits, its
// size in bytes and its width if it is a bitfield; "" if it is not there.
func place(typ btf.Type, path string) string {
	name, rest, _ := strings.Cut(path, ".")
	offset, m := find(typ, name)
	if m == nil {
		return ""
	}
	if rest != "" {
		return fmt.Sprintf("%d+%s", offset, place(btf.UnderlyingType(m.Type), rest))
	}
	size, err := btf.Sizeof(m.Type)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d:%d:%d", offset, size, m.BitfieldSize)
}

func find(typ btf.Type, name string) (btf.Bits, *btf.Member) {
	var members []btf.Member
	switch typ := btf.UnderlyingType(typ).(type) {
	case *btf.Struct:
		members = typ.Members
	case *btf.Union:
		members = typ.Members
	}
	for i, m := range members {
		if m.Name == name {
			return m.Offset, &members[i]
		}
		if m.Name == "" {
			if offset, found := find(m.Type, name); found != nil {
				return m.Offset + offset, found
			}
		}
	}
	return 0, nil
}
