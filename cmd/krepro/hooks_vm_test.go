package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest"
	"github.com/krepro/krepro/vmtest/manifest"
)

// Every observer loads on every line of kernels, by kprobes as by fentry, and
// says which it took: what cannot be observed is named, not left out in silence.
func TestObserversLoad(t *testing.T) {
	vmTest(t)
	for _, ref := range []string{"debian:5.10.218-1", "debian:6.1", "debian:6.12", "debian:7.2"} {
		for _, kind := range []string{"kprobe", "fentry"} {
			t.Run(ref+" "+kind, func(t *testing.T) {
				m := suiteMachine(t, ref, "smoke")
				if kind == "fentry" {
					m.Env = append(m.Env, event.EnvFentry+"=1")
				}
				exit, err := m.Run(context.Background())
				if err != nil || exit.Reason != event.ExitDone {
					t.Fatalf("vm: %+v, %v", exit, err)
				}
				records := recordsOf(t, m.Dir)
				for _, r := range records {
					if r.Kind == event.SpecEnd && r.State != event.Passed {
						t.Errorf("%s: %s: %s", r.Spec, r.State, r.Text)
					}
				}
				hooks := hooksOf(t, records)
				for _, name := range []string{"recvmsg", "psock-drop", "delivered"} {
					if !strings.HasPrefix(hooks[name], kind+" ") {
						t.Errorf("observer %s took %q, want %s", name, hooks[name], kind)
					}
				}
				for _, name := range []string{"state", "proto", "symbols", "entries", "packets"} {
					if hooks[name] == "" {
						t.Errorf("observer %s is not available", name)
					}
				}
			})
		}
	}
}

// suiteMachine is a VM that runs one suite of the build.
func suiteMachine(t testing.TB, ref, suite string) vmtest.Machine {
	t.Helper()
	home, err := filepath.Abs("../../build")
	if err != nil {
		t.Fatal(err)
	}
	suites, err := manifest.Find(filepath.Join(home, "suites"))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(suites, func(s manifest.Suite) bool { return s.Name == suite })
	if i < 0 {
		t.Fatalf("no suite %s in %s", suite, home)
	}
	store, err := (&env{getenv: os.Getenv, stderr: os.Stderr}).store()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	parsed, err := kernels.ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := store.Get(context.Background(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	return vmtest.Machine{
		Kernel: vmKernel(img), Dir: filepath.Join(t.TempDir(), "vm"), Guest: filepath.Join(home, "guest"),
		Suites: []vmtest.Suite{{Name: suite, Binary: suites[i].Binary, Modules: suites[i].Modules}},
	}
}

func recordsOf(t *testing.T, dir string) []event.Record {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, bad, err := event.Read(f)
	if err != nil || len(bad) > 0 {
		t.Fatalf("read events: %d bad lines, %v", len(bad), err)
	}
	return records
}

// hooksOf are the hooks that the observers took, by observer.
func hooksOf(t *testing.T, records []event.Record) map[string]string {
	t.Helper()
	hooks := map[string]string{}
	for _, r := range records {
		if r.Kind != event.ObserverRecord {
			continue
		}
		var o event.Observer
		if err := json.Unmarshal(r.Data, &o); err != nil {
			t.Fatal(err)
		}
		if o.Lack != "" {
			t.Logf("observer %s: %s", o.Name, o.Lack)
		}
		hooks[o.Name] = o.Hook
	}
	return hooks
}
