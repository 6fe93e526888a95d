package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/bisect"
)

// Among Debian's kernels, given in any order: the two between which the bug went,
// and the line of the changelog that says why.
func TestBisectDebianKernels(t *testing.T) {
	e := vmTest(t)
	dir := filepath.Join(t.TempDir(), "bisect")
	code, out := e.call(t, "bisect", "--kernels", "debian:5.10.262-1,debian:5.10.218-1,debian:5.10.223-1", "--case", staleEntry, "--out", dir)
	r := bisectionIn(t, dir)
	if code != 0 || r.Outcome != bisect.Found || r.Find != bisect.Fix || r.First[0].ID != "debian:5.10.223-1" || r.Before[0].ID != "debian:5.10.218-1" || r.Confidence < 0.99 {
		t.Errorf("code %d: %+v", code, r)
	}
	if want := "changelog of 5.10.223-1: bpf, sockmap: Fix sk->sk_forward_alloc warn_on in sk_stream_kill_queues (upstream 5.10.222)"; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	for _, s := range r.Steps {
		if code, _ := e.call(t, "judge", filepath.Join(dir, s.Dir)); code != 0 {
			t.Errorf("krepro judge %s: code %d, want 0: Debian's kernels are as expected", s.Dir, code)
		}
	}
}
