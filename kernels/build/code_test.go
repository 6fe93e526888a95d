package build

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/krepro/krepro/kernels/internal/fake"
)

// bugBTF has struct bug_entry as x86-64 kernels have it: 12 bytes, the line at 8.
func bugBTF(t *testing.T) []byte {
	t.Helper()
	i32, u16 := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, &btf.Int{Name: "short unsigned int", Size: 2}
	b, err := btf.NewBuilder([]btf.Type{&btf.Struct{Name: "bug_entry", Size: 12, Members: []btf.Member{
		{Name: "bug_addr_disp", Type: i32}, {Name: "file_disp", Type: i32, Offset: 32},
		{Name: "line", Type: u16, Offset: 64}, {Name: "flags", Type: u16, Offset: 80},
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// parts of a kernel, two entries in its table of bugs.
type parts struct {
	text         string
	lines, flags [2]uint16
	notes, debug string
	btf          []byte
	symbols      string // in vmlinux alone
}

// code is the hash of a build of them.
func (p parts) code(t *testing.T) string {
	t.Helper()
	obj := t.TempDir()
	var bugs []byte
	for i := range p.lines {
		bugs = binary.LittleEndian.AppendUint64(bugs, 0x0102030405060708)
		bugs = binary.LittleEndian.AppendUint16(bugs, p.lines[i])
		bugs = binary.LittleEndian.AppendUint16(bugs, p.flags[i])
	}
	sections := []fake.Section{
		{Name: ".text", Load: true, Data: []byte(p.text)}, {Name: "__bug_table", Load: true, Data: bugs},
		{Name: ".notes", Load: true, Data: []byte(p.notes)}, {Name: ".debug_line", Data: []byte(p.debug)},
	}
	fake.Write(t, filepath.Join(obj, ".tmp_vmlinux.btf"), fake.ELF(sections...))
	sections = append(sections, fake.Section{Name: ".rodata", Load: true, Data: []byte(p.symbols)})
	if p.btf != nil {
		sections = append(sections, fake.Section{Name: ".BTF", Load: true, Data: p.btf})
	}
	fake.Write(t, filepath.Join(obj, "vmlinux"), fake.ELF(sections...))
	sum, err := Code(obj)
	if err != nil || len(sum) != 64 {
		t.Fatalf("Code = %q, %v", sum, err)
	}
	return sum
}

func TestCode(t *testing.T) {
	first := parts{text: "code", lines: [2]uint16{10, 20}, flags: [2]uint16{1, 2}, notes: "build id 1", debug: "line 10", btf: bugBTF(t), symbols: "x_10"}
	same, flags, text := first, first, first
	same.lines, same.notes, same.debug, same.symbols = [2]uint16{11, 21}, "build id 2", "line 11", "x_11"
	if first.code(t) != same.code(t) {
		t.Error("line numbers, the build id, debugging information and names of symbols are told as code")
	}
	flags.flags = [2]uint16{1, 3}
	text.text = "c0de"
	for name, other := range map[string]parts{"flags of a bug": flags, "text": text} {
		if first.code(t) == other.code(t) {
			t.Errorf("another %s is not seen", name)
		}
	}
	// Without BTF nobody knows where the lines are: then they count.
	blind, shifted := first, same
	blind.btf, shifted.btf = nil, nil
	if blind.code(t) == shifted.code(t) {
		t.Error("lines are left out without knowing where they are")
	}
}

// A kernel that leaves no first link is taken as it is.
func TestCodeOfWhatThereIs(t *testing.T) {
	obj := t.TempDir()
	if _, err := Code(obj); !errors.Is(err, os.ErrNotExist) {
		t.Error("a hash of nothing")
	}
	fake.Write(t, filepath.Join(obj, "vmlinux"), fake.ELF(fake.Section{Name: ".text", Load: true, Data: []byte("a")}))
	a, err := Code(obj)
	if err != nil {
		t.Fatal(err)
	}
	fake.Write(t, filepath.Join(obj, ".tmp_vmlinux1"), fake.ELF(fake.Section{Name: ".text", Load: true, Data: []byte("b")}))
	if b, err := Code(obj); err != nil || a == b {
		t.Errorf("the first link counts: %s, %s, %v", a, b, err)
	}
}

// A folder in which kernels of several lines were built has a first link of each:
// the latest is this kernel's.
func TestCodeOfTheLatestLink(t *testing.T) {
	obj, now := t.TempDir(), time.Now()
	link := func(name, text string, age time.Duration) string {
		fake.Write(t, filepath.Join(obj, name), fake.ELF(fake.Section{Name: ".text", Load: true, Data: []byte(text)}))
		if err := os.Chtimes(filepath.Join(obj, name), now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		sum, err := Code(obj)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	link("vmlinux", "whole", 0)
	old := link(".tmp_vmlinux.btf", "of 6.1", time.Hour)
	newer := link(".tmp_vmlinux1", "of 6.12", time.Minute)
	if newer == old {
		t.Error("6.12 has the code of 6.1, whose first link is left")
	}
	if again := link(".tmp_vmlinux.btf", "of 6.1", 0); again != old {
		t.Error("6.1, built again, has not its own code")
	}
}
