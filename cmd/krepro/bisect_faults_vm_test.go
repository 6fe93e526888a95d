package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/kernels/debian"
	"github.com/krepro/krepro/vmtest/verdict"
)

// A QEMU that does not start says nothing of a kernel: the bisection stops, and
// goes on with one that does.
func TestTreeBisectionWithoutQEMU(t *testing.T) {
	e := buildTest(t)
	h := history510(t)
	dir, whole := filepath.Join(t.TempDir(), "bisect"), os.Getenv("PATH")
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "qemu-system-x86_64"), []byte("#!/bin/sh\necho no >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", broken+":"+whole)
	e.stops(t, append([]string{"--out", dir}, h.between(7, 10)...)...)
	t.Setenv("PATH", whole)
	e.resumes(t, dir, h.at(t, breaks))
}

// A mirror that does not answer, and then one that does.
func TestTreeBisectionWithoutNetwork(t *testing.T) {
	e := buildTest(t)
	dir := filepath.Join(t.TempDir(), "bisect")
	t.Setenv("KREPRO_CACHE", t.TempDir())
	mirrors := map[string]string{debian.EnvMirror: os.Getenv(debian.EnvMirror), debian.EnvSecurityMirror: os.Getenv(debian.EnvSecurityMirror)}
	for name := range mirrors {
		t.Setenv(name, "http://127.0.0.1:9/debian")
	}
	e.stops(t, "--out", dir, "--kernels", "debian:5.10.218-1,debian:5.10.223-1", "--case", staleEntry)
	for name, value := range mirrors {
		t.Setenv(name, value)
	}
	e.resumes(t, dir, "debian:5.10.223-1")
}

// A full disk stops a bisection in the midst of a step; with room again it goes
// on. The folder is a small tmpfs in a mount namespace.
func TestTreeBisectionOnAFullDisk(t *testing.T) {
	e := buildTest(t)
	h := history510(t)
	dir := t.TempDir()
	const script = `set -u
small=$1 out=$1/bisect krepro=$2 copy=$3
shift 3
mount -t tmpfs -o size=2m none "$small" || exit 99
"$krepro" bisect --out "$out" "$@"; echo "stopped by $?"
mount -o remount,size=1g "$small" || exit 99
"$krepro" bisect --resume "$out"; code=$?
cp "$out/report.json" "$copy"; exit $code`
	copied := t.TempDir()
	args := []string{"--mount", "sh", "-c", script, "sh", dir, filepath.Join(e.home, "krepro"), copied}
	cmd := exec.CommandContext(t.Context(), "unshare", append(args, h.between(7, 10)...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	t.Logf("%s", out.String())
	if err != nil {
		t.Fatalf("going on: %v", err)
	}
	if !strings.Contains(out.String(), "stopped by 128\n") || !strings.Contains(out.String(), "no space left on device") {
		t.Error("the full disk did not stop it by 128, or is not named")
	}
	if !strings.Contains(out.String(), "boots so far: ") || strings.Contains(out.String(), "boots so far: 0") {
		t.Error("it went on from nothing")
	}
	checkFound(t, bisectionIn(t, copied), h.at(t, breaks))
}

// stops: a fault of the host ends the bisection by a code that git bisect run
// takes for no answer.
func (e *env) stops(t *testing.T, flags ...string) {
	t.Helper()
	if code, _ := e.call(t, append([]string{"bisect"}, flags...)...); code != verdict.CodeInfra {
		t.Fatalf("exit code %d, want %d", code, verdict.CodeInfra)
	}
}

// resumes: it goes on where it stopped and finds what it would have found.
func (e *env) resumes(t *testing.T, dir, answer string) {
	t.Helper()
	if code, _ := e.call(t, "bisect", "--resume", dir); code != 0 {
		t.Fatalf("exit code %d, want 0", code)
	}
	checkFound(t, bisectionIn(t, dir), answer)
}

// krepro verdict is all that git bisect run needs.
func TestTreeGitBisectRun(t *testing.T) {
	e := buildTest(t)
	h := history510(t)
	h.git(t, nil, "reset", "--quiet", "--hard") // nothing is checked out yet
	h.git(t, nil, "bisect", "start", h.commits[10], h.commits[7])
	t.Setenv("TMPDIR", t.TempDir()) // for the evidence
	out := h.git(t, nil, "bisect", "run", filepath.Join(e.home, "krepro"), "verdict", "--case", staleEntry)
	t.Logf("%s", out)
	if !strings.Contains(out, h.at(t, breaks)+" is the first bad commit") {
		t.Error("git bisect run found something else")
	}
}
