package bisect

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The reports of how a bisection can end.
func TestText(t *testing.T) {
	found := newWorld(26, 19, Fix, 0.04)
	found.trials = 200
	for i := range found.kernels {
		found.code[i] = short(found.kernels[25-i].ID)
		found.kernels[i].Author, found.kernels[i].Date = "A U Thor <author@example.org>", "2026-03-14"
	}
	found.code[18] = found.code[12]
	found.skips[21] = true
	ranged := newWorld(16, 9, Break, 1)
	ranged.skips = map[int]bool{7: true, 8: true}
	line := newWorld(4, 1, Fix, 1)
	for i, version := range []string{"5.10.218-1", "5.10.223-1", "5.10.251-5", "5.10.262-1"} {
		line.kernels[i] = Kernel{ID: "debian:" + version}
	}
	for name, h := range map[string]Hunt{
		"found": found.hunt(Fix), "range": ranged.hunt(Break), "line": line.hunt(""), "ends": newWorld(9, 4, Fix, 1).hunt(Break),
	} {
		t.Run(name, func(t *testing.T) {
			try := h.Try
			h.Try = func(k Kernel, rounds int, until bool) (Step, error) {
				s, err := try(k, rounds, until)
				s.Seconds = 6.5 + float64(s.Rounds)
				if s.Answer == Skip {
					s.Verdict = verdict.BootFail
				}
				return s, err
			}
			golden(t, name+".txt", Text(run1(t, h)))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes it anew. Got:\n%s", name, got)
	}
}
