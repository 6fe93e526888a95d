package kernels

import (
	"bytes"
	"debug/elf"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/internal/fake"
)

// borrowed is a program of this machine as a package, and a package for each
// library that it is linked with.
func borrowed(t *testing.T, program string) []fake.Source {
	t.Helper()
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Skipf("borrow %s: %v", program, err)
		}
		return data
	}
	data := read(program)
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	names, err := f.ImportedLibraries()
	if err != nil || !slices.Contains(names, "libc.so.6") {
		t.Skipf("%s is linked with %v, %v; want libc.so.6", program, names, err)
	}
	pack := func(name string, files map[string][]byte) fake.Package {
		return fake.Package{Name: name, Version: "1-1", Data: fake.Deb(t, name, "1-1", "", files)}
	}
	const dir = "lib/x86_64-linux-gnu/"
	return []fake.Source{
		pack("prog", map[string][]byte{"usr/bin/prog": data, "usr/share/doc/prog/copyright": nil}),
		pack("libc6", map[string][]byte{
			dir + "libc.so.6": read("/" + dir + "libc.so.6"), dir + "libunused.so.1": {1},
			dir + "ld-linux-x86-64.so.2": read("/" + dir + "ld-linux-x86-64.so.2"),
		}),
	}
}

func TestProgram(t *testing.T) {
	a := fake.NewArchive(t, borrowed(t, "/bin/true")...)
	s, _ := newStore(t, a)
	p := Program{Path: "/usr/bin/prog", Suite: "bookworm", Packages: []string{"prog", "libc6"}}
	files, err := s.Program(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6",
		"/lib64/ld-linux-x86-64.so.2", "/usr/bin/prog",
	}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("the guest gets %q, want %q", got, want)
	}
	got, err := os.ReadFile(files["/usr/bin/prog"])
	if truth, _ := os.ReadFile("/bin/true"); err != nil || !bytes.Equal(got, truth) {
		t.Errorf("the program is %d bytes, %v; want the %d of its package", len(got), err, len(truth))
	}

	if err := os.RemoveAll(a.Dir); err != nil {
		t.Fatal(err)
	}
	again, err := s.Program(t.Context(), p)
	if err != nil || !maps.Equal(again, files) {
		t.Errorf("cached, without an archive: %v, %v", again, err)
	}
	checkPruned(t, s, files)
}

// checkPruned: a program goes when nobody has it any more.
func checkPruned(t *testing.T, s *Store, files map[string]string) {
	t.Helper()
	other := &Store{Dir: s.Dir}
	for _, inUse := range []bool{true, false} {
		if !inUse {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		pruned, err := other.Prune(0, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(files["/usr/bin/prog"]); (err == nil) != inUse || (pruned.Bytes == 0) != inUse {
			t.Errorf("in use %t: freed %d bytes; the program: %v", inUse, pruned.Bytes, err)
		}
	}
}

func TestProgramThatCannotBeHad(t *testing.T) {
	sources := borrowed(t, "/bin/true")
	tests := map[string]struct {
		program Program
		message string
	}{
		"no such package":      {Program{"/usr/bin/prog", "bookworm", []string{"prog", "libc7"}}, "libc7"},
		"no such suite":        {Program{"/usr/bin/prog", "buzz", []string{"prog"}}, "buzz"},
		"no such program":      {Program{"/usr/bin/grog", "bookworm", []string{"prog", "libc6"}}, "grog"},
		"a library is missing": {Program{"/usr/bin/prog", "bookworm", []string{"prog"}}, "no package has library"},
	}
	s, _ := newStore(t, fake.NewArchive(t, sources...))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			files, err := s.Program(t.Context(), test.program)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, error %v; want one about %q", files, err, test.message)
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(s.Dir, programsDir, "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

// A package that does not come from the archive is not unpacked.
func TestProgramFromAForgedPackage(t *testing.T) {
	sources := borrowed(t, "/bin/true")
	a := fake.NewArchive(t, sources...)
	forged := sources[0].(fake.Package)
	fake.Write(t, a.Pool(forged.File()), fake.Deb(t, "prog", "1-1", "", map[string][]byte{"usr/bin/prog": []byte("forged")}))
	s, _ := newStore(t, a)
	files, err := s.Program(t.Context(), Program{"/usr/bin/prog", "bookworm", []string{"prog", "libc6"}})
	if err == nil {
		t.Errorf("a forged package gave %v", files)
	}
}
