package kernels

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/internal/fake"
)

// The changelog is in one of the kernel's packages, which is fetched for it once.
func TestChangelog(t *testing.T) {
	a := fake.NewArchive(t, single, split)
	s, said := newStore(t, a)
	t.Setenv("TMPDIR", t.TempDir())
	for _, k := range []fake.Kernel{single, split} {
		img, err := get(s, "debian:"+k.Version)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			text, err := s.Changelog(t.Context(), img)
			if err != nil || !strings.HasPrefix(text, "linux ("+k.Version+")") {
				t.Errorf("%s: %q, %v", k.Version, text, err)
			}
		}
	}
	// Of the split kernel the second package has it.
	if n := said.count("for its changelog"); n != 3 {
		t.Errorf("%d packages were fetched for it, want 3:\n%s", n, said.text)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A kernel that the archives list and no longer have is gone; one that could not
// be fetched is not.
func TestGone(t *testing.T) {
	a := fake.NewArchive(t, single, halved)
	s, _ := newStore(t, a)
	gone := func(text string) bool {
		t.Helper()
		_, err := get(s, text)
		var u *UnavailableError
		if !errors.As(err, &u) {
			t.Fatalf("%s: %v", text, err)
		}
		return u.Gone
	}
	if !gone("debian:" + halved.Version) {
		t.Error("a kernel without its modules is not gone")
	}
	file := a.Pool(single.Packages(t)[0].File())
	if err := os.WriteFile(file, []byte("torn"), 0o644); err != nil {
		t.Fatal(err)
	}
	if gone("debian:" + single.Version) {
		t.Error("a package that is damaged is gone")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if !gone("debian:" + single.Version) {
		t.Error("a kernel whose package is not there is not gone")
	}
}

// Debian's versions have an order; other references stay as they are.
func TestSorted(t *testing.T) {
	for in, want := range map[string]string{
		"debian:6.1.10-1 debian:6.1.9-1 debian:5.10.218-1":          "debian:5.10.218-1 debian:6.1.9-1 debian:6.1.10-1",
		"debian:6.1.10-1 debian:6.1.10-1~bpo1 debian:6.1.9-1/amd64": "debian:6.1.9-1/amd64 debian:6.1.10-1~bpo1 debian:6.1.10-1",
		"debian:6.1.10-1 debian:6.1":                                "debian:6.1.10-1 debian:6.1",
	} {
		got, err := Sorted(strings.Fields(in))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", in, got, err, want)
		}
	}
	if _, err := Sorted([]string{"debian:none"}); err == nil {
		t.Error("a reference that makes no sense is sorted")
	}
}
