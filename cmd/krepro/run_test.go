package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/kernels/cases"
	"github.com/krepro/krepro/vmtest/manifest"
	"github.com/krepro/krepro/vmtest/verdict"
)

// A kernel that cannot be had is the host's fault, and leaves evidence of it.
func TestRunWithoutKernel(t *testing.T) {
	w := newWorld(t)
	garbage := filepath.Join(w.dir, "bzImage")
	put(t, garbage, "this is no kernel")
	out := filepath.Join(w.dir, "run")
	code, stdout, stderr := w.do(t.Context(), "run", "--kernel", garbage, "--out", out, "--jobs", "1")
	if code != verdict.CodeInfra || !strings.Contains(stdout, "infra") {
		t.Fatalf("code %d, want 128\n%s%s", code, stdout, stderr)
	}
	exits, _ := filepath.Glob(filepath.Join(out, "*", verdict.ExitFile))
	if len(exits) != 1 {
		t.Fatalf("exit records: %v, want one", exits)
	}
	var inv invocation
	data, err := os.ReadFile(filepath.Join(out, runFile))
	if err != nil || json.Unmarshal(data, &inv) != nil || inv.Kernels[0] != garbage || len(inv.Suites) != 2 || inv.Size != "default" {
		t.Errorf("run.json: %s (%v)", data, err)
	}
	if xml, _ := filepath.Glob(filepath.Join(out, junitDir, "*.xml")); len(xml) != 3 {
		t.Errorf("junit files: %v, want one for each of two suites and one for the kernel", xml)
	}
	rejudged(t, w, out, verdict.CodeInfra)
	reported(t, out, verdict.OnHost)
}

// Ctrl-C still gives verdicts of what is known, and 130.
func TestRunCancelled(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := filepath.Join(w.dir, "run")
	code, stdout, stderr := w.do(ctx, "run", "--kernel", "debian:5.10.218-1", "--kernel", "debian:6.1", "--out", out)
	if code != verdict.CodeCancelled || strings.Count(stdout, "cancelled") < 2 {
		t.Fatalf("code %d, want 130 and both kernels cancelled\n%s%s", code, stdout, stderr)
	}
	rejudged(t, w, out, verdict.CodeCancelled)
	reported(t, out, verdict.OnHost)
}

// rejudged checks that judge says the same as the run, byte for byte.
func rejudged(t *testing.T, w *world, run string, code int) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(run, verdictsFile))
	if err != nil {
		t.Fatal(err)
	}
	again, out, stderr := w.do(context.Background(), "judge", run, "--json")
	if again != code || out != string(want) {
		t.Errorf("judge: code %d, want %d; %s\nprinted:\n%s\nthe run wrote:\n%s", again, code, stderr, out, want)
	}
}

func TestNewFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	now := time.Date(2026, 3, 14, 16, 9, 26, 0, time.FixedZone("", 3600))
	for _, want := range []string{"runs/20260314-150926", "runs/20260314-150926-2", "runs/20260314-150926-3"} {
		if dir, err := newFolder("", now); err != nil || dir != want {
			t.Errorf("folder %s, %v; want %s", dir, err, want)
		}
	}
	if dir, err := newFolder("mine/deep", now); err != nil || dir != "mine/deep" {
		t.Errorf("folder %s, %v; want mine/deep", dir, err)
	}
}

// A kernel that is asked for twice has two folders.
func TestVMFolder(t *testing.T) {
	run := t.TempDir()
	for _, want := range []string{"debian-5.10.218-1-cloud-amd64", "debian-5.10.218-1-cloud-amd64-2"} {
		k := event.Kernel{Ref: "debian:5.10.218-1", Name: "debian-5.10.218-1-cloud-amd64"}
		dir, err := vmFolder(run, &k)
		if err != nil || filepath.Base(dir) != want || k.Name != want || readKernel(dir).Name != want {
			t.Errorf("folder %s of %s, %v; want %s", dir, k.Name, err, want)
		}
	}
}

func TestSlug(t *testing.T) {
	for ref, want := range map[string]string{
		"debian:6.1/rt-amd64":     "debian-6.1-rt-amd64",
		"./arch/x86/boot/bzImage": "arch-x86-boot-bzImage",
		"../..":                   "kernel",
		"a b\n":                   "a-b",
		strings.Repeat("x", 300):  strings.Repeat("x", 100),
	} {
		if got := slug(ref); got != want {
			t.Errorf("slug(%q) = %q, want %q", ref, got, want)
		}
	}
}

func TestExpected(t *testing.T) {
	corpus, err := cases.Load()
	if err != nil {
		t.Fatal(err)
	}
	inv := invocation{Suites: []string{"smoke", "sockmap"}}
	for _, test := range []struct {
		kernel event.Kernel
		want   verdict.Verdict
	}{
		{event.Kernel{Source: "debian", Version: "5.10.218"}, verdict.Affected},
		{event.Kernel{Source: "debian", Version: "5.10.223"}, verdict.Unaffected},
		{event.Kernel{Source: "debian", Version: "5.18.16"}, ""},
		{event.Kernel{Source: "file", Version: "5.10.218"}, verdict.Unaffected},
		{event.Kernel{}, verdict.Unaffected},
	} {
		for _, s := range asked(inv, test.kernel, corpus).Sought {
			if s.Case == "sockhash-stale-entry" && s.Expect != test.want {
				t.Errorf("%s %s: expected %q, want %q", test.kernel.Source, test.kernel.Version, s.Expect, test.want)
			}
		}
	}
	if got := asked(invocation{Suites: []string{"smoke"}}, event.Kernel{}, corpus).Sought; len(got) > 0 {
		t.Errorf("without the suite sockmap %d cases are sought", len(got))
	}
}

func TestLacking(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	put(t, config, "CONFIG_VETH=m\n# CONFIG_KPROBES is not set\n")
	img := &kernels.Image{Config: config}
	suites := []manifest.Suite{{Name: "a", Config: []string{"CONFIG_VETH"}}, {Name: "b", Config: []string{"CONFIG_KPROBES", "CONFIG_NONE"}}}
	if err := lacking(img, suites, ""); err != nil {
		t.Fatal(err)
	}
	if len(img.Missing) != 1 || strings.Join(img.Missing["b"], " ") != "CONFIG_KPROBES CONFIG_NONE" {
		t.Errorf("missing %v, want two options of b", img.Missing)
	}
	unknown := &kernels.Image{}
	if err := lacking(unknown, suites, ""); err != nil || unknown.Missing != nil {
		t.Errorf("without a configuration: %v, %v", unknown.Missing, err)
	}
}

func TestMebibytes(t *testing.T) {
	for text, want := range map[string]int{"512M": 512, "2G": 2048, "384MiB": 384, "1GB": 1024} {
		if got, err := mebibytes(text); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
}
