package kernels

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/internal/fake"
)

func TestLockAndRows(t *testing.T) {
	a := fake.NewArchive(t, single, newer, split, halved)
	s, _ := newStore(t, a)
	mustGet(t, s, "debian:7.2")
	pins, err := s.Lock(context.Background(), []string{"debian:5.10", "debian:7.2"})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := WritePins(&text, append(pins, pins...)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(text.String(), `"5.10.902-1",`+"\n    \"release\""); n != 1 {
		t.Errorf("5.10.902-1 is pinned %d times, want once:\n%s", n, text.String())
	}
	c, err := s.Catalogue(context.Background(), anyAge)
	if err != nil {
		t.Fatal(err)
	}
	images, err := s.Images()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range Rows(c, pins[len(pins)-2:], images) {
		got[r.Ref] = fmt.Sprint(r.Cached, r.Pinned, len(r.Lacks))
	}
	want := map[string]string{
		"debian:7.2.901-1": "true true 0", "debian:6.19.901-1": "false false 1",
		"debian:5.10.902-1": "false true 0", "debian:5.10.901-1": "false false 0",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rows are %v, want %v", got, want)
	}
}

// What the lock file pins needs no index, and is accepted with the pinned content alone.
func TestGetPinned(t *testing.T) {
	a := fake.NewArchive(t, single, split)
	s, _ := newStore(t, a)
	pins, err := s.Lock(context.Background(), []string{"debian:5.10", "debian:7.2"})
	if err != nil {
		t.Fatal(err)
	}
	said := &lines{}
	s = openStore(t, t.TempDir(), a, said)
	s.pins = pins[len(pins)-2:]
	checkImage(t, mustGet(t, s, "debian:7.2.901-1"))
	if said.count("updating the catalogue") != 0 {
		t.Error("a pinned kernel needed the catalogue")
	}

	s.pins[0].Packages[0].SHA256 = strings.Repeat("0", 64)
	wantUnavailable(t, s, "debian:5.10.901-1", "Hash Sum mismatch")
	if err := os.Remove(a.Pool("linux-image-" + single.Release + "_" + single.Version + "_amd64.deb")); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, s, "debian:5.10.901-1", "the pool does not have what kernels.lock pins", "nearest that can be had is debian:7.2.901-1")
	checkTidy(t, s)
}

// A pinned package that moved to another place of the archive is found by the index.
func TestGetPinnedMoved(t *testing.T) {
	a := fake.NewArchive(t, single)
	s, said := newStore(t, a)
	pins, err := s.Lock(context.Background(), []string{"debian:5.10"})
	if err != nil {
		t.Fatal(err)
	}
	s = openStore(t, t.TempDir(), a, said)
	s.pins = pins[len(pins)-1:]
	s.pins[0].Packages[0].At[0].Path = "pool/elsewhere.deb"
	checkImage(t, mustGet(t, s, "debian:5.10.901-1"))
}
