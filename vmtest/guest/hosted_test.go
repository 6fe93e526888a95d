package main

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	for text, want := range map[string]process{
		"1 (init) S 0 1 1 0":                    {1, 0, "init"},
		"812 (a) (name) with) S 77 812 0":       {812, 77, "a) (name) with"},
		"3 (kworker/0:0H-events_highpri) I 2 0": {3, 2, "kworker/0:0H-events_highpri"},
	} {
		if got, err := parseStat([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1 init S 0", "1 (init)", "x (init) S 0", "1 (init) S x"} {
		if got, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q is %+v, want an error", text, got)
		}
	}
}

func TestProcesses(t *testing.T) {
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.pid == os.Getpid() && p.parent == os.Getppid() {
			return
		}
	}
	t.Errorf("this process is not among %d", len(all))
}
