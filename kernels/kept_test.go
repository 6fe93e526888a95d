package kernels

import (
	"os"
	"path/filepath"
	"testing"
)

// What is kept of a kernel replaces what was there, leaves nothing else behind,
// and goes with the kernel.
func TestKeep(t *testing.T) {
	s := emptyStore(t)
	img := fillStub(t, s, "a")
	for _, text := range []string{"first", "second"} {
		if err := img.Keep("found.json", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(img.Kept("found.json")); err != nil || string(got) != text {
			t.Errorf("kept %q, %v; want %q", got, err, text)
		}
	}
	if files, _ := filepath.Glob(img.Kept(".new-*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(0, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(img.Kept("found.json")); err == nil {
		t.Error("it outlived its kernel")
	}
}

func TestKeepWithoutEntry(t *testing.T) {
	img := &Image{Vmlinuz: filepath.Join(t.TempDir(), "absent", "vmlinuz")}
	if err := img.Keep("found.json", nil); err == nil {
		t.Error("a file was kept where no entry is")
	}
}
