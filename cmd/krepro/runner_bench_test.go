package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/vmtest"
)

// Wall time of the same suite on the same kernel by each runner, one after the
// other, and how much of it passes before the guest reports. The kernel is the
// one that all of them boot.
//
//	KREPRO_VM_TESTS=1 go test ./cmd/krepro -run '^$' -bench Runners -benchtime 3x -timeout 30m
func BenchmarkRunners(b *testing.B) {
	if os.Getenv("KREPRO_VM_TESTS") == "" {
		b.Skip("boots VMs: set KREPRO_VM_TESTS=1")
	}
	needVirtme(b)
	for _, runner := range []string{vmtest.RunnerQEMU, vmtest.RunnerVirtmeNG} {
		b.Run(runner, func(b *testing.B) {
			m := suiteMachine(b, "debian:5.10.223-1/amd64", "sockmap")
			m.Runner, m.Env = runner, []string{event.EnvSize + "=quick"}
			m.Suites[0].Args = []string{"-ginkgo.label-filter=trigger"}
			var boot float64
			m.Progress = func(p vmtest.Progress) {
				if p.Phase == "modules" {
					boot += p.Elapsed.Seconds()
				}
			}
			dir, n := b.TempDir(), 0
			for b.Loop() {
				n++
				m.Dir = filepath.Join(dir, strconv.Itoa(n))
				if exit, err := m.Run(context.Background()); err != nil || exit.Reason != event.ExitDone {
					b.Fatalf("vm: %+v, %v", exit, err)
				}
			}
			b.ReportMetric(boot/float64(b.N), "boot-s/op")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
		})
	}
}
