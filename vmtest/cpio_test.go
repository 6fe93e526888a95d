package vmtest

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unpacked is one entry as a reader of the format sees it.
type unpacked struct {
	name string
	mode int64
	data string
}

// unpack reads a newc archive by its specification, independently of the writer.
func unpack(t *testing.T, text []byte) []unpacked {
	t.Helper()
	var out []unpacked
	for pos := 0; ; {
		field := func(i int) int64 {
			at := pos + 6 + 8*i
			v, err := strconv.ParseInt(string(text[at:at+8]), 16, 64)
			if err != nil {
				t.Fatalf("field %d of entry at %d: %v", i, pos, err)
			}
			return v
		}
		if pos%4 != 0 || string(text[pos:pos+6]) != "070701" {
			t.Fatalf("no aligned header at %d", pos)
		}
		names, size := int(field(11)), int(field(6))
		name := string(text[pos+110 : pos+110+names])
		if !strings.HasSuffix(name, "\x00") {
			t.Fatalf("name %q is not terminated", name)
		}
		start := (pos + 110 + names + 3) &^ 3
		if name == "TRAILER!!!\x00" {
			if start != len(text) {
				t.Fatalf("archive has %d bytes behind its trailer", len(text)-start)
			}
			return out
		}
		out = append(out, unpacked{strings.TrimSuffix(name, "\x00"), field(1), string(text[start : start+size])})
		pos = (start + size + 3) &^ 3
	}
}

func TestArchive(t *testing.T) {
	want := []unpacked{
		{"krepro", modeDir, ""},
		{"init", modeExec, "\x7fELF"},
		{"krepro/plan.json", modeFile, "{}"},
		{"a", modeFile, "12345"},
		{"empty", modeFile, ""},
	}
	var buf bytes.Buffer
	a := newArchive(&buf)
	for _, e := range want {
		a.add(e.name, int(e.mode), []byte(e.data))
	}
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	got := unpack(t, buf.Bytes())
	if len(got) != len(want) {
		t.Fatalf("%d entries, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("entry %d is %v, want %v", i, got[i], want[i])
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestArchiveKeepsTheFirstError(t *testing.T) {
	a := newArchive(fullDisk{})
	a.add("big", modeFile, make([]byte, 2<<20))
	if err := a.close(); err == nil || !strings.Contains(err.Error(), "no space") {
		t.Fatalf("close reported %v", err)
	}
}

// The kernel makes no directories: those that a file is in come before it, once.
func TestArchiveMakesDirectories(t *testing.T) {
	var buf bytes.Buffer
	a := newArchive(&buf)
	a.file("usr/bin/a", modeExec, []byte("1"))
	a.file("usr/lib/b", modeFile, []byte("2"))
	a.file("c", modeFile, nil)
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := []unpacked{
		{"usr", modeDir, ""}, {"usr/bin", modeDir, ""}, {"usr/bin/a", modeExec, "1"},
		{"usr/lib", modeDir, ""}, {"usr/lib/b", modeFile, "2"}, {"c", modeFile, ""},
	}
	if got := unpack(t, buf.Bytes()); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}
