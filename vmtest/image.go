package vmtest

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// bootable picks the file to boot. The ELF file saves the guest the
// decompression, if it has the note by which QEMU can start it.
func (k Kernel) bootable() (string, error) {
	if k.Vmlinux != "" && hasPVH(k.Vmlinux) {
		return k.Vmlinux, nil
	}
	if err := checkImage(k.Vmlinuz); err != nil {
		return "", err
	}
	return k.Vmlinuz, nil
}

// noteEntry is XEN_ELFNOTE_PHYS32_ENTRY, the PVH entry point of a kernel
// (CONFIG_PVH; xen/include/public/elfnote.h).
const noteEntry = 18

// hasPVH looks for the note in an ELF kernel. An ELF file that cannot be read
// has none: there is the boot image yet.
func hasPVH(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		notes, err := io.ReadAll(p.Open())
		if err == nil && hasNote(notes, "Xen", noteEntry) {
			return true
		}
	}
	return false
}

// hasNote walks ELF notes: sizes of name and description, type, then both, each
// padded to four bytes.
func hasNote(notes []byte, owner string, kind uint32) bool {
	for len(notes) >= 12 {
		name := int(binary.LittleEndian.Uint32(notes))
		desc := int(binary.LittleEndian.Uint32(notes[4:]))
		at := binary.LittleEndian.Uint32(notes[8:])
		size := 12 + (name+3)&^3 + (desc+3)&^3
		if name <= 0 || desc < 0 || size > len(notes) {
			return false
		}
		if at == kind && string(notes[12:12+name-1]) == owner {
			return true
		}
		notes = notes[size:]
	}
	return false
}

// checkImage makes sure that a file is a bzImage that can load an initramfs:
// QEMU starts whatever it is given, and its complaint would look like a fault of
// the host (Documentation/arch/x86/boot.rst: "HdrS" at 0x202, protocol 2.03).
func checkImage(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open kernel: %w", err)
	}
	defer f.Close()
	header := make([]byte, 0x208)
	if _, err := io.ReadFull(f, header); err != nil {
		return notKernel{path}
	}
	if string(header[0x202:0x206]) != "HdrS" || binary.LittleEndian.Uint16(header[0x206:]) < 0x203 {
		return notKernel{path}
	}
	return nil
}

// notKernel says that a file is no kernel: the kernel is to blame, not the host.
type notKernel struct{ path string }

func (n notKernel) Error() string { return n.path + " is not a bzImage" }
