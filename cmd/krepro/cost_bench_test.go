package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/krepro/krepro/harness/event"
)

// What observing costs a churn of requests, as a share of the requests per
// second without it; and beside it bpftrace, if the host has it, printing the
// same. See suites/sockmap/cost_test.go.
//
//	KREPRO_VM_TESTS=1 go test ./cmd/krepro -run '^$' -bench Observing -benchtime 1x -timeout 30m
func BenchmarkObserving(b *testing.B) {
	if os.Getenv("KREPRO_VM_TESTS") == "" {
		b.Skip("boots VMs: set KREPRO_VM_TESTS=1")
	}
	for _, ref := range []string{"debian:5.10.223-1", "debian:6.1.192-2", "debian:7.2"} {
		b.Run(ref, func(b *testing.B) {
			for b.Loop() {
				m := suiteMachine(b, ref, "sockmap")
				m.Memory, m.Files = 3072, bpftraceFiles(b)
				m.Silence, m.Whole = 20*time.Minute, 20*time.Minute // bpftrace takes its time to start
				m.Suites[0].Args = []string{"-test.run=^$", "-test.bench=Observing", "-test.benchtime=1x"}
				if exit, err := m.Run(context.Background()); err != nil || exit.Reason != event.ExitDone {
					b.Fatalf("vm: %+v, %v", exit, err)
				}
				rates(b, m.Dir)
			}
		})
	}
}

var library = regexp.MustCompile(`(?m)(/\S+) \(0x`)

// bpftraceFiles are bpftrace, its loader and its libraries, at their places;
// none if it is not installed.
func bpftraceFiles(b *testing.B) map[string]string {
	b.Helper()
	path, err := exec.LookPath("bpftrace")
	if err != nil {
		return nil
	}
	out, err := exec.Command("ldd", path).Output()
	if err != nil {
		b.Fatal(err)
	}
	files := map[string]string{path: path, "/bin/sh": "/bin/sh"} // it asks a shell where headers are
	headers(b, files)
	for _, m := range library.FindAllStringSubmatch(string(out), -1) {
		files[m[1]] = m[1]
	}
	return files
}

// headers adds those that bpftrace includes in every program, linux/types.h and
// what that includes, where a compiler finds them.
func headers(b *testing.B, files map[string]string) {
	b.Helper()
	const multiarch = "/usr/include/x86_64-linux-gnu/"
	for _, pattern := range []string{"/usr/include/linux/*types.h", "/usr/include/linux/stddef.h", "/usr/include/asm-generic/*.h", multiarch + "asm/*.h"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			b.Fatalf("find headers for bpftrace: %s: %v", pattern, err)
		}
		for _, path := range found {
			files[strings.Replace(path, multiarch, "/usr/include/", 1)] = path
		}
	}
}

var metric = regexp.MustCompile(`([0-9.]+) (\w+)_requests/s`)

// rates gives the ratios to the churn that nobody observes.
func rates(b *testing.B, dir string) {
	b.Helper()
	log, err := os.ReadFile(filepath.Join(dir, "artefacts", "sockmap.log"))
	if err != nil {
		b.Fatal(err)
	}
	rate := map[string]float64{}
	for _, m := range metric.FindAllStringSubmatch(string(log), -1) {
		if rate[m[2]], err = strconv.ParseFloat(m[1], 64); err != nil {
			b.Fatal(err)
		}
	}
	if rate["none"] == 0 || rate["krepro"] == 0 {
		console, _ := os.ReadFile(filepath.Join(dir, "console.log"))
		b.Fatalf("no rates in\n%s\n%s", log, console[max(0, len(console)-1500):])
	}
	b.ReportMetric(rate["none"], "requests/s")
	for _, name := range []string{"krepro", "bpftrace"} {
		if rate[name] > 0 {
			b.ReportMetric(rate[name]/rate["none"], name+"/none")
		}
	}
}
