package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/krepro/krepro/harness/event"
)

// krepro sweep, the command itself in the guest: where the kernel leaves stale
// entries it finds and deletes all of them, and where it does not, none.
func TestSweepInTheGuest(t *testing.T) {
	e := vmTest(t)
	const command = "/krepro/bin/krepro"
	for _, c := range []struct{ ref, stale string }{
		{"debian:5.10.218-1", "20"},
		{"debian:5.10.223-1", "0"},
		{"debian:7.2", "0"},
	} {
		t.Run(c.ref, func(t *testing.T) {
			m := suiteMachine(t, c.ref, "sockmap")
			m.Files = map[string]string{command: filepath.Join(e.home, "krepro")}
			m.Env = []string{event.EnvCommand + "=" + command, event.EnvSize + "=quick"}
			m.Suites[0].Args = []string{"-ginkgo.label-filter=sweep"}
			exit, err := m.Run(context.Background())
			if err != nil || exit.Reason != event.ExitDone {
				t.Fatalf("vm: %+v, %v", exit, err)
			}
			specs := 0
			for _, r := range recordsOf(t, m.Dir) {
				switch {
				case r.Kind != event.SpecEnd || r.State == event.Skipped:
				case r.State != event.Passed:
					t.Errorf("%s: %s: %s", r.Spec, r.State, r.Text)
				default:
					specs++
				}
			}
			if specs != 6 {
				t.Errorf("%d specs passed, want 6", specs)
			}
			log, err := os.ReadFile(filepath.Join(m.Dir, "artefacts", "sockmap.log"))
			if err != nil {
				t.Fatal(err)
			}
			found := regexp.MustCompile(`\d+ live, (\d+) stale, 2 closed, 1 foreign;.*`).FindSubmatch(log)
			if found == nil || string(found[1]) != c.stale {
				t.Fatalf("krepro sweep said %q, want %s stale\n%s", found, c.stale, log)
			}
			t.Logf("%s", log)
		})
	}
}
