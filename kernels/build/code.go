package build

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf/btf"
)

// linked are the files that a build leaves of its first link, before BTF and the
// table of symbols (which has line numbers in names) are linked in: 5.10 and 6.1
// the one, newer kernels the other, and neither removes the other's.
var linked = []string{".tmp_vmlinux.btf", ".tmp_vmlinux1"}

// notCode are sections that hold none: the hash of the debugging information
// among others, and numbers of types in BTF, which pahole deals out anew each time.
var notCode = map[string]bool{".notes": true, ".BTF": true, ".BTF_ids": true}

// Code is the hash of the code and data that a build in obj made: all sections
// that the kernel loads, with the line numbers of WARN and BUG left out.
func Code(obj string) (string, error) {
	layout, err := bugLayout(filepath.Join(obj, "vmlinux"))
	if err != nil {
		return "", err
	}
	name, err := firstLink(obj)
	if err != nil {
		return "", fmt.Errorf("hash code: %w", err)
	}
	f, err := elf.Open(name)
	if err != nil {
		return "", fmt.Errorf("hash code: %w", err)
	}
	sum, err := hashCode(f, layout)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("hash code: %w", err)
	}
	return sum, nil
}

// firstLink is the file of the latest first link in obj, where kernels of several
// lines may have been built one after another; vmlinux itself, should none be there.
func firstLink(obj string) (name string, err error) {
	name = filepath.Join(obj, "vmlinux")
	var latest time.Time
	for _, l := range linked {
		info, err := os.Stat(filepath.Join(obj, l))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", err
		case info.ModTime().After(latest):
			name, latest = filepath.Join(obj, l), info.ModTime()
		}
	}
	return name, nil
}

func hashCode(f *elf.File, bugs layout) (string, error) {
	h := sha256.New()
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 || notCode[s.Name] {
			continue
		}
		fmt.Fprintf(h, "%s %x %x\n", s.Name, s.Addr, s.Size)
		if s.Type == elf.SHT_NOBITS {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return "", fmt.Errorf("read %s: %w", s.Name, err)
		}
		if s.Name == "__bug_table" {
			bugs.maskLines(data)
		}
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// layout is where struct bug_entry has its line number, in bytes.
type layout struct{ entry, line, size int }

// maskLines sets the line numbers of a table to 0.
func (l layout) maskLines(table []byte) {
	for at := l.line; l.entry > 0 && at+l.size <= len(table); at += l.entry {
		clear(table[at : at+l.size])
	}
}

// bugLayout reads the layout from the kernel's BTF; zero if its entries have no
// line (DEBUG_BUGVERBOSE is off) or it has no BTF.
func bugLayout(vmlinux string) (layout, error) {
	f, err := elf.Open(vmlinux)
	if err != nil {
		return layout{}, fmt.Errorf("hash code: %w", err)
	}
	defer f.Close()
	section := f.Section(".BTF")
	if section == nil {
		return layout{}, nil
	}
	spec, err := btf.LoadSpecFromReader(section)
	if err != nil {
		return layout{}, fmt.Errorf("read btf of %s: %w", vmlinux, err)
	}
	var entry *btf.Struct
	if err := spec.TypeByName("bug_entry", &entry); errors.Is(err, btf.ErrNotFound) {
		return layout{}, nil
	} else if err != nil {
		return layout{}, fmt.Errorf("read btf of %s: %w", vmlinux, err)
	}
	for _, m := range entry.Members {
		if m.Name != "line" {
			continue
		}
		size, err := btf.Sizeof(m.Type)
		return layout{int(entry.Size), int(m.Offset.Bytes()), size}, err
	}
	return layout{}, nil
}
