package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/cases"
)

// Every spec that a case names is one that its suite has: a case with a spec
// that nobody runs would never get a verdict.
func TestCasesNameSpecs(t *testing.T) {
	corpus, err := cases.Load()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string][]string{}
	for _, c := range corpus {
		for _, group := range slices.Concat(c.Shows, c.May) {
			if have[group.Suite] == nil {
				have[group.Suite] = specsOf(t, group.Suite)
			}
			for _, spec := range group.Specs {
				if !slices.Contains(have[group.Suite], spec) {
					t.Errorf("case %s: suite %s has no spec %q; it has\n  %s", c.Name, group.Suite, spec, strings.Join(have[group.Suite], "\n  "))
				}
			}
		}
	}
	if len(have) == 0 {
		t.Errorf("no case names a spec: %v", slices.Sorted(maps.Keys(have)))
	}
}

// specsOf lists the full texts of a suite's specs, by a dry run on the host.
func specsOf(t *testing.T, suite string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.Command("go", "test", "./suites/"+suite, "-count=1", "-args", "-ginkgo.dry-run", "-ginkgo.json-report="+file)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "KREPRO_") })
	cmd.Env = append(cmd.Env, event.EnvCallGraph+"=1") // those on request, too
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("list specs of suite %s: %v\n%s", suite, err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := parseSpecs(data)
	if err != nil || len(listed) == 0 {
		t.Fatalf("list specs of suite %s: %d specs, %v", suite, len(listed), err)
	}
	var specs []string
	for _, l := range listed {
		specs = append(specs, l.text)
	}
	return specs
}
