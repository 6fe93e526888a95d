package vmtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

func TestChooseWhatWasAskedFor(t *testing.T) {
	for _, want := range []string{TCG, KVM} {
		if got, _, err := (Prober{}).Choose(t.Context(), want, Kernel{}); got != want || err != nil {
			t.Errorf("asked for %s, got %q, %v", want, got, err)
		}
	}
	if _, _, err := (Prober{}).Choose(t.Context(), "xen", Kernel{}); err == nil {
		t.Error("xen was accepted")
	}
}

func TestRememberedAnswers(t *testing.T) {
	known := Kernel{Info: event.Kernel{ID: "abc"}}
	tests := map[string]struct{ file, text, accel, why string }{
		"no, for all kernels":  {"no", "KVM internal error", TCG, "internal error"},
		"yes, for this kernel": {"abc", "", KVM, "before"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := remember(filepath.Join(dir, test.file), test.text); err != nil {
				t.Fatal(err)
			}
			// A probe would need a guest and fail without one.
			accel, why, err := (Prober{Guest: "/nonexistent"}).remembered(t.Context(), dir, known)
			if err != nil || accel != test.accel || !strings.Contains(why, test.why) {
				t.Errorf("remembered %q because %q, %v", accel, why, err)
			}
		})
	}
}

func TestForgetAnswersOfEarlierBoots(t *testing.T) {
	p := Prober{Cache: t.TempDir()}
	now, old := filepath.Join(p.Cache, "b-qemu-7.2"), filepath.Join(p.Cache, "a-qemu-7.2")
	for _, dir := range []string{now, old} {
		if err := remember(filepath.Join(dir, "no"), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.forget(now); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(p.Cache)
	if err != nil || len(left) != 1 || left[0].Name() != filepath.Base(now) {
		t.Errorf("left %v, %v", left, err)
	}
}
