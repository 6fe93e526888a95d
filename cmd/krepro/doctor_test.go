package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDoctor(t *testing.T) {
	w := newWorld(t)
	code, out, stderr := w.do(t.Context(), "doctor", "--json")
	var found []finding
	if err := json.Unmarshal([]byte(out), &found); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	ill := 0
	for _, f := range found {
		if f.What == "" || f.Is == "" {
			t.Errorf("says nothing: %+v", f)
		}
		if f.Need && !f.OK {
			ill = 1
		}
		if f.Need && f.Type == "" {
			t.Errorf("does not say what to type: %+v", f)
		}
	}
	if code != ill {
		t.Errorf("code %d, want %d", code, ill)
	}
}

// On a machine with nothing the doctor says what to type for each thing.
func TestDoctorNothing(t *testing.T) {
	w := newWorld(t)
	t.Setenv("PATH", t.TempDir())
	w.home = t.TempDir()
	code, out, _ := w.do(t.Context(), "doctor")
	if code != 1 {
		t.Errorf("code %d, want 1", code)
	}
	for _, want := range []string{"MISSING  qemu", "type: sudo apt install qemu-system-x86", "MISSING  guest", "MISSING  suites", "type: make build",
		"note     building", "type: sudo apt install make gcc binutils flex bison bc perl pahole git"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
