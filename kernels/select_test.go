package kernels

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/internal/fake"
)

func TestSelect(t *testing.T) {
	a := fake.NewArchive(t, single, newer, split, halved)
	s, said := newStore(t, a)
	s.pins = nil
	for text, want := range map[string]string{
		"debian:5.10":                 "debian:5.10.902-1",
		"newest of debian:5.10":       "debian:5.10.902-1",
		"oldest of debian:5.10":       "debian:5.10.901-1",
		"newest 3 of debian:5.10":     "debian:5.10.901-1 debian:5.10.902-1",
		"all of debian:5.10":          "debian:5.10.901-1 debian:5.10.902-1",
		"newest of debian:bookworm":   "debian:7.2.901-1",
		"oldest 2 of debian:bookworm": "debian:5.10.901-1 debian:5.10.902-1",
	} {
		if got := selected(t, s, text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"all of debian:6.19", "newest of debian:4.19", "all of debian:sid", "newest of debian:5.10/amd64"} {
		sel, _, err := ParseSelection(text)
		if err != nil {
			t.Fatal(err)
		}
		var gone *UnavailableError
		if refs, err := s.Select(t.Context(), sel); !errors.As(err, &gone) {
			t.Errorf("%s: %v, %v; want an UnavailableError", text, refs, err)
		}
	}

	// What a pin says of a suite was so once.
	pins, err := s.Lock(t.Context(), []string{"debian:5.10.901-1"})
	if err != nil {
		t.Fatal(err)
	}
	s.pins = pins[len(pins)-1:]
	s.pins[0].Packages[0].At[0].Suite = "trixie"
	var none *UnavailableError
	if refs, err := s.Select(t.Context(), Selection{Text: "all", Of: "trixie", Flavour: DefaultFlavour}); !errors.As(err, &none) {
		t.Errorf("of a suite that pins alone have: %v, %v", refs, err)
	}
	s.pins = nil

	// What stands in the index and is gone from the pool is passed over, unless it is cached.
	if err := os.Remove(a.Pool("linux-image-" + newer.Release + "_" + newer.Version + "_amd64.deb")); err != nil {
		t.Fatal(err)
	}
	if got := selected(t, s, "newest of debian:5.10"); got != "debian:5.10.901-1" || said.count("no longer have debian:5.10.902-1") == 0 {
		t.Errorf("with the newest gone: %s", got)
	}
	mustGet(t, s, "debian:5.10.901-1")
	if err := os.Remove(a.Pool("linux-image-" + single.Release + "_" + single.Version + "_amd64.deb")); err != nil {
		t.Fatal(err)
	}
	if got := selected(t, s, "all of debian:5.10"); got != "debian:5.10.901-1" {
		t.Errorf("with one in the cache alone: %s", got)
	}
	// Another machine has nothing in its cache, and must come to the same.
	var gone *UnavailableError
	if refs, err := s.Select(t.Context(), Selection{Text: "all", Of: "5.10", Flavour: DefaultFlavour, Shared: true}); !errors.As(err, &gone) {
		t.Errorf("for several machines: %v, %v; want an UnavailableError", refs, err)
	}
}

func selected(t *testing.T, s *Store, text string) string {
	t.Helper()
	sel, ok, err := ParseSelection(text)
	if err != nil || !ok {
		t.Fatalf("%s: %v, %v", text, ok, err)
	}
	refs, err := s.Select(t.Context(), sel)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(refs, " ")
}

func TestParseSelectionRefuses(t *testing.T) {
	for _, text := range []string{"newest of 6.1", "newest 0 of debian:6.1", "all 2 of debian:6.1", "some of debian:6.1", "newest of debian:6.1.192-2",
		"newest of debian:6.1/arm64", "newest of debian:Sid", "newest of  debian:6.1"} {
		var wrong *RefError
		if _, ok, err := ParseSelection(text); !ok || !errors.As(err, &wrong) {
			t.Errorf("%q: %v, %v; want a RefError", text, ok, err)
		}
	}
	for _, text := range []string{"debian:6.1.192-2", "debian:5.10.0-30-cloud-amd64", "./bzImage", ""} {
		if _, ok, err := ParseSelection(text); ok || err != nil {
			t.Errorf("%q is taken for a selection: %v", text, err)
		}
	}
}
