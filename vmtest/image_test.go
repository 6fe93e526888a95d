package vmtest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// note encodes one ELF note.
func note(owner string, kind byte, desc string) string {
	pad := func(s string) string { return s + "\x00\x00\x00"[:(4-len(s)%4)%4] }
	name := owner + "\x00"
	return string([]byte{byte(len(name)), 0, 0, 0, byte(len(desc)), 0, 0, 0, kind, 0, 0, 0}) + pad(name) + pad(desc)
}

func TestHasNote(t *testing.T) {
	entry := note("Xen", noteEntry, "12345678")
	tests := map[string]struct {
		notes string
		want  bool
	}{
		"alone":       {entry, true},
		"behind":      {note("Linux", 0, "x") + note("Xen", 6, "linux\x00") + entry, true},
		"other owner": {note("GNU", noteEntry, "12345678"), false},
		"other kind":  {note("Xen", 6, "linux\x00"), false},
		"torn":        {entry[:len(entry)-5], false},
		"nonsense":    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", false},
		"empty":       {"", false},
	}
	for name, test := range tests {
		if got := hasNote([]byte(test.notes), "Xen", noteEntry); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestBootable(t *testing.T) {
	header := make([]byte, 0x400)
	copy(header[0x202:], "HdrS\x0f\x02")
	old := append([]byte(nil), header...)
	copy(old[0x206:], "\x02\x02")
	plain := makeModule(t, "") // an ELF file without the note
	tests := map[string]struct {
		image []byte
		bad   bool
	}{
		"image":   {header, false},
		"old":     {old, true},
		"garbage": {make([]byte, 4096), true},
		"short":   {[]byte("MZ"), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			k := Kernel{Vmlinuz: filepath.Join(dir, "vmlinuz"), Vmlinux: filepath.Join(dir, "vmlinux")}
			os.WriteFile(k.Vmlinuz, test.image, 0o644)
			os.WriteFile(k.Vmlinux, plain, 0o644)
			path, err := k.bootable()
			if bad := errors.As(err, new(notKernel)); bad != test.bad {
				t.Fatalf("bootable: %v", err)
			}
			if !test.bad && path != k.Vmlinuz {
				t.Errorf("boots %s", path)
			}
		})
	}
}
