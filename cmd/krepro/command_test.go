package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

var update = flag.Bool("update", false, "write the golden files anew")

// world is an env with a cache, suites and guest of its own.
type world struct {
	*env
	out, err bytes.Buffer
	dir      string // a folder for the test
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	t.Setenv("KREPRO_CACHE", filepath.Join(w.dir, "cache"))
	t.Setenv("PATH", filepath.Join(w.dir, "bin")+":"+os.Getenv("PATH"))
	home := filepath.Join(w.dir, "home")
	for name, text := range map[string]string{
		"guest": "", "suites/smoke.test": "", "suites/smoke.yaml": "about: the harness works\n",
		"suites/sockmap.test": "", "suites/sockmap.yaml": "about: entries leave the map\nconfig: [CONFIG_BPF_STREAM_PARSER]\n",
	} {
		put(t, filepath.Join(home, name), text)
	}
	qemu := filepath.Join(w.dir, "bin", "qemu-system-x86_64") // there, and boots nothing
	put(t, qemu, "#!/bin/sh\nexit 1\n")
	if err := os.Chmod(qemu, 0o755); err != nil {
		t.Fatal(err)
	}
	w.env = &env{stdout: &w.out, stderr: &w.err, width: func() int { return 0 }, home: home,
		getenv: func(string) string { return "" }}
	return w
}

// do runs a command line and returns exit code, stdout and stderr.
func (w *world) do(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	w.out.Reset()
	w.err.Reset()
	w.args = args
	code = w.main(ctx, args)
	return code, w.out.String(), w.err.String()
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestHelp holds the help of every command against testdata/help.txt.
func TestHelp(t *testing.T) {
	w := newWorld(t)
	var all strings.Builder
	for _, line := range []string{"", "run", "backport", "bisect", "verdict", "matrix", "merge", "judge", "compare", "explain", "sweep", "trace", "trace connect", "shell", "export", "doctor", "version", "kernels", "kernels list",
		"kernels fetch", "kernels build", "kernels show", "kernels diff", "kernels prune", "kernels lock"} {
		code, out, _ := w.do(t.Context(), append(strings.Fields(line), "--help")...)
		if code != 0 {
			t.Errorf("krepro %s --help: code %d", line, code)
		}
		if n := strings.Count(out, "\n"); n > 45 {
			t.Errorf("krepro %s --help: %d lines are no short help", line, n)
		}
		if line != "" && line != "version" && line != "kernels" && !strings.Contains(out, "Examples:\n  krepro ") {
			t.Errorf("krepro %s --help has no example", line)
		}
		all.WriteString("$ krepro " + strings.TrimSpace(line+" --help") + "\n" + out + "\n")
	}
	_, out, _ := w.do(t.Context(), "help", "exit-codes")
	golden(t, "help.txt", all.String()+"$ krepro help exit-codes\n"+out)
}

// A command line that makes no sense leaves by 129, says why, and does nothing.
func TestUsage(t *testing.T) {
	w := newWorld(t)
	full := filepath.Join(w.dir, "full")
	put(t, filepath.Join(full, "x"), "")
	tests := []struct{ line, message string }{
		{"bogus", `unknown command "bogus" for "krepro"; see krepro --help`},
		{"kernels bogus", `unknown command "bogus"`},
		{"--bogus", "unknown flag: --bogus"},
		{"run", `required flag(s) "kernel" not set`},
		{"run debian:6.1", `"debian:6.1" is no flag; name kernels by --kernel`},
		{"run --kernel=", "--kernel is empty: give it a value, or leave it out"},
		{"matrix --shard=", "--shard is empty"},
		{"matrix --file=", "--file is empty"},
		{"run --kernel debian:6.1 --suite=", "--suite is empty"},
		{"backport --base x --case y --patch=", "--patch is empty"},
		{"suites bogus", `unknown command "bogus"`},
		{"kernels prune --unused -1h", "unused: -1h0m0s is negative"},
		{"run --kernel 5.10.218-1", "did you mean debian:5.10.218-1?"},
		{"run --kernel debian:none", "no kernel version"},
		{"run --kernel ./absent", "no such file"},
		{"run --kernel debian:6.1 --suite nope", `no "nope" in`},
		{"run --kernel debian:6.1 --suite smoke --suite smoke", "named twice"},
		{"run --kernel debian:6.1 --size huge", "none of quick, default, soak"},
		{"run --kernel debian:6.1 --focus (", "focus: error parsing regexp"},
		{"run --kernel debian:6.1 --label-filter (a||", `label-filter: "(a||": `},
		{"run --kernel debian:6.1 --repeat 0", "repeat: 0 is not from 1"},
		{"run --kernel debian:6.1 --accel xen", "none of auto, tcg, kvm"},
		{"run --kernel debian:6.1 --runner xen", "none of qemu, virtme-ng, vmtest"},
		{"run --kernel debian:6.1 --runner virtme-ng --accel kvm", "runs under tcg here, and not under kvm"},
		{"run --kernel debian:6.1 --runner virtme-ng --keep", "krepro export virtme-ng"},
		{"export", "accepts 1 arg(s), received 0"},
		{"export qemu --kernel debian:6.1 --suite smoke", "invalid argument"},
		{"export vmtest --kernel debian:6.1", `required flag(s) "suite" not set`},
		{"run --kernel debian:6.1 --memory lots", "want 512M or 2G"},
		{"run --kernel debian:6.1 --memory 0G", "want 512M or 2G"},
		{"run --kernel debian:6.1 --cpus 65", "not from 1 to 64"},
		{"run --kernel debian:6.1 --jobs -1", "jobs: -1"},
		{"run --kernel debian:6.1 --timeout -1s", "timeout: -1s"},
		{"run --kernel debian:6.1 --timeout soon", "invalid argument"},
		{"run --kernel debian:6.1 --out " + full, "is not empty"},
		{"judge", "accepts 1 arg(s), received 0; see krepro judge --help"},
		{"judge " + w.dir, "is no run folder"},
		{"judge " + w.dir + "/absent", "is no run folder"},
		{"compare " + w.dir, "accepts 2 arg(s), received 1"},
		{"compare " + w.dir + " " + w.dir, "is no run folder"},
		{"explain", "accepts 1 arg(s), received 0"},
		{"explain " + w.dir, "is no run folder"},
		{"explain " + w.dir + " --conn pod1", `"pod1" is no client's port`},
		{"explain " + w.dir + " --json --html x", "none of the others can be"},
		{"shell", `required flag(s) "kernel" not set`},
		{"kernels fetch", "requires at least 1 arg(s)"},
		{"kernels show debian:x", "no kernel version"},
		{"kernels diff debian:6.1", "accepts 2 arg(s), received 1"},
		{"kernels diff debian:6.1 debian:6.1 debian:6.1", "accepts 2 arg(s), received 3"},
		{"sweep", `required flag(s) "map" not set`},
		{"sweep --map sock_hash", "want an id, or a path that begins with /"},
		{"sweep --map " + w.dir + "/absent", "no map " + w.dir + "/absent"},
		{"sweep --map " + w.dir, "is not on a bpf file system"},
		{"doctor now", "unknown command"},
	}
	for _, test := range tests {
		code, out, stderr := w.do(t.Context(), strings.Fields(test.line)...)
		if code != codeUsage || !strings.Contains(stderr, test.message) || strings.Count(stderr, "\n") != 1 || out != "" {
			t.Errorf("krepro %s: code %d, stdout %q, stderr %q; want 129 and %q", test.line, code, out, stderr, test.message)
		}
	}
	if entries, _ := filepath.Glob("runs"); len(entries) > 0 {
		t.Errorf("a command line that makes no sense left %v", entries)
	}
}

// Without QEMU a run does not begin.
func TestRunWithoutQEMU(t *testing.T) {
	w := newWorld(t)
	t.Chdir(w.dir)
	t.Setenv("PATH", w.dir)
	code, out, stderr := w.do(t.Context(), "run", "--kernel", "debian:5.10.218-1")
	if code != verdict.CodeInfra || !strings.Contains(stderr, "no qemu-system-x86_64 on the PATH: apt install qemu-system-x86") || strings.Count(stderr, "\n") != 1 || out != "" {
		t.Errorf("code %d, stdout %q, stderr %q", code, out, stderr)
	}
	if entries, _ := filepath.Glob("runs/*"); len(entries) > 0 {
		t.Errorf("it left %v", entries)
	}
}

// A folder beside those of a run's VMs is none of them.
func TestNoFolderOfAVM(t *testing.T) {
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	putJSON(t, filepath.Join(run, runFile), invocation{Started: started})
	for _, line := range []string{"judge ", "explain ", "compare " + run + " "} {
		code, out, stderr := w.do(t.Context(), strings.Fields(line+filepath.Join(run, "typo"))...)
		if code != codeUsage || !strings.Contains(stderr, "is no VM's folder") || out != "" {
			t.Errorf("krepro %s…: code %d, stdout %q, stderr %q", line, code, out, stderr)
		}
	}
}

// A story without evidence is none.
func TestExplainWithoutEvidence(t *testing.T) {
	w := newWorld(t)
	putJSON(t, filepath.Join(w.dir, runFile), invocation{Started: started, Kernels: []string{"debian:6.1"}})
	if code, out, stderr := w.do(t.Context(), "explain", w.dir); code != verdict.CodeInfra || !strings.Contains(stderr, "no VM has left evidence") || out != "" {
		t.Errorf("code %d, stdout %q, stderr %q", code, out, stderr)
	}
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]string{
		"__complete run --kernel debian:5.10.21": "debian:5.10.218-1\n",
		"__complete run --suite s":               "sockmap\tentries leave the map\n",
		"__complete run --size q":                "quick\n",
		"__complete kernels f":                   "fetch\tFetch kernels into the cache\n",
		"completion bash":                        "__start_krepro",
	} {
		if code, out, stderr := w.do(t.Context(), strings.Fields(line)...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("krepro %s: code %d, %s%s; want %q", line, code, out, stderr, want)
		}
	}
}

func TestVersion(t *testing.T) {
	w := newWorld(t)
	if code, out, _ := w.do(t.Context(), "version"); code != 0 || !strings.HasPrefix(out, "krepro ") {
		t.Errorf("code %d, %q", code, out)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		put(t, file, got)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes it anew. Got:\n%s", name, got)
	}
}
