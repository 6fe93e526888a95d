package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest/manifest"
	"github.com/krepro/krepro/vmtest/verdict"
)

func TestShares(t *testing.T) {
	a, b := manifest.Suite{Name: "a"}, manifest.Suite{Name: "b"}
	x, y := manifest.Suite{Name: "x", Alone: true}, manifest.Suite{Name: "y", Alone: true}
	for _, test := range []struct {
		suites []manifest.Suite
		want   string // VMs by |, their suites by spaces
		vms    []vmAsked
	}{
		{[]manifest.Suite{a, b}, "a b", []vmAsked{{"k", ""}}},
		{[]manifest.Suite{x}, "x", []vmAsked{{"k", "x"}}},
		{[]manifest.Suite{a, x, b, y}, "a b|x|y", []vmAsked{{"k", ""}, {"k", "x"}, {"k", "y"}}},
	} {
		p := plan{suites: test.suites}
		inv := invocation{Kernels: []string{"k"}, Suites: p.names(), Alone: p.alone()}
		if got := inv.vms(); !slices.Equal(got, test.vms) {
			t.Errorf("%v: VMs %v, want %v", p.names(), got, test.vms)
		}
		var planned, judged []string
		for _, vm := range inv.vms() {
			planned = append(planned, strings.Join(plan{suites: p.share(vm.alone)}.names(), " "))
			judged = append(judged, strings.Join(inv.sharing(vm.alone).Suites, " "))
		}
		if got := strings.Join(planned, "|"); got != test.want {
			t.Errorf("%v: boots %q, want %q", p.names(), got, test.want)
		}
		if got := strings.Join(judged, "|"); got != test.want {
			t.Errorf("%v: judges %q, want %q", p.names(), got, test.want)
		}
	}
}

// A suite that wants a VM to itself has a folder of its own, whether the kernel
// can be had or not, and is judged again from there.
func TestRunAlone(t *testing.T) {
	w := newWorld(t)
	put(t, filepath.Join(w.home, "suites", "probes.test"), "")
	put(t, filepath.Join(w.home, "suites", "probes.yaml"), "about: what probes cost\nalone: true\n")
	garbage, out := filepath.Join(w.dir, "bzImage"), filepath.Join(w.dir, "run")
	put(t, garbage, "this is no kernel")
	code, table, stderr := w.do(context.Background(), "run", "--kernel", garbage, "--kernel", garbage, "--out", out)
	if code != verdict.CodeInfra || strings.Count(table, "\n"+garbage+" ~probes\n") != 2 {
		t.Errorf("code %d\n%s%s", code, table, stderr)
	}
	for of, dirs := range folders(t, out) {
		for _, dir := range dirs {
			if strings.Contains(filepath.Base(dir), "~probes") != (of.alone == "probes") {
				t.Errorf("%+v is in %s", of, dir)
			}
		}
		if len(dirs) != 2 {
			t.Errorf("%+v has %d folders, want 2", of, len(dirs))
		}
	}
	rejudged(t, w, out, verdict.CodeInfra)
}

func folders(t *testing.T, run string) map[vmAsked][]string {
	t.Helper()
	found, err := vmFolders(run)
	if err != nil || len(found) != 2 {
		t.Fatalf("folders %v, %v; want two kinds", found, err)
	}
	return found
}

func TestVMFolderAlone(t *testing.T) {
	run := t.TempDir()
	for _, want := range []string{"debian-6.1~probes", "debian-6.1~probes-2"} {
		k := event.Kernel{Name: "debian-6.1", Alone: "probes"}
		dir, err := vmFolder(run, &k)
		if err != nil || filepath.Base(dir) != want || k.Name != want {
			t.Errorf("folder %s of %s, %v; want %s", dir, k.Name, err, want)
		}
	}
}
