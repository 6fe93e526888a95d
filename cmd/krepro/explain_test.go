package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/explain"
	"github.com/krepro/krepro/vmtest/verdict"
)

// explainedRun makes a run's folder out of package explain's evidence and of a
// kernel that was never booted.
func explainedRun(t *testing.T) string {
	t.Helper()
	run := t.TempDir()
	if err := os.CopyFS(filepath.Join(run, "stuck"), os.DirFS(filepath.Join("..", "..", "vmtest", "explain", "testdata", "stuck"))); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(run, "absent", verdict.KernelFile), `{"ref": "debian:6.1", "name": "absent", "source": "debian", "package": "6.1.192-2", "flavour": "cloud-amd64"}`)
	put(t, filepath.Join(run, runFile), `{"kernels": ["debian:6.1", "debian:5.10.218-1", "debian:6.12"], "suites": ["sockmap"]}`)
	return run
}

func TestExplain(t *testing.T) {
	w := newWorld(t)
	run := explainedRun(t)
	before := listing(t, run)
	code, out, stderr := w.do(t.Context(), "explain", run)
	if code != 0 {
		t.Errorf("code %d: %s", code, stderr)
	}
	golden(t, "explain.txt", out)
	if after := listing(t, run); after != before {
		t.Errorf("explain changed the folder: %s, was %s", after, before)
	}
}

// A folder of one kernel, and flags, choose what is told.
func TestExplainChoice(t *testing.T) {
	w := newWorld(t)
	run := explainedRun(t)
	tests := []struct{ args, want, not string }{
		{filepath.Join(run, "stuck"), "trial 0, 198.18.0.1:40960 (node) > 198.19.0.1:8080 (pod1): read-timeout", "6.1.192-2"},
		{run + " --kernel debian:5.10.218-1", "5.10.218-1 cloud-amd64: 2 of", "6.1.192-2"},
		{run + " --kernel absent", "6.1.192-2 cloud-amd64: no connection was recorded", "5.10.218-1"},
		{run + " --conn 40961", "trial 1, 198.18.0.1:40961", "trial 0,"},
		{run + " --conn 198.18.0.1:40961", "trial 1, 198.18.0.1:40961", "trial 0,"},
		{run + " --conn #1", "trial 1, 198.18.0.1:40961", "trial 0,"},
		{run + " --spec narrow-down", "trial 0, 198.18.0.1:40960 (node) > 198.19.0.1:8080 (pod1): ok", "read-timeout;"},
	}
	for _, test := range tests {
		code, out, stderr := w.do(t.Context(), append([]string{"explain"}, strings.Fields(test.args)...)...)
		if code != 0 || !strings.Contains(out, test.want) || strings.Contains(out, test.not) {
			t.Errorf("explain %s: code %d, %s%s; want %q and not %q", test.args, code, out, stderr, test.want, test.not)
		}
	}
}

func TestExplainNothing(t *testing.T) {
	w := newWorld(t)
	run := explainedRun(t)
	tests := []struct{ flags, message string }{
		{"--kernel debian:5.10", `no kernel "debian:5.10" in this run; it has ["debian:6.1" "debian:5.10.218-1"]`},
		{"--conn 7", `no recorded connection matches --spec "" --conn "7"`},
		{"--spec nothing", `no recorded connection matches --spec "nothing"`},
	}
	for _, test := range tests {
		code, out, stderr := w.do(t.Context(), append([]string{"explain", run}, strings.Fields(test.flags)...)...)
		if code != codeUsage || out != "" || !strings.Contains(stderr, test.message) {
			t.Errorf("explain %s: code %d, %s%s; want 129 and %q", test.flags, code, out, stderr, test.message)
		}
	}
	put(t, filepath.Join(run, "stuck", verdict.KernelFile), `{"ref": "debian:5.10.218-1"`)
	put(t, filepath.Join(run, runFile), `{"kernels": [""], "suites": ["sockmap"]}`)
	if code, _, stderr := w.do(t.Context(), "explain", run); code != verdict.CodeInfra || !strings.Contains(stderr, "stuck: read evidence: decode kernel.json") {
		t.Errorf("a damaged kernel.json: code %d, %s; want 128", code, stderr)
	}
}

func TestExplainFormats(t *testing.T) {
	w := newWorld(t)
	run := explainedRun(t)
	code, out, stderr := w.do(t.Context(), "explain", run, "--json")
	var whole struct{ Kernels []explain.Report }
	if err := json.Unmarshal([]byte(out), &whole); err != nil || code != 0 || len(whole.Kernels) != 2 {
		t.Fatalf("--json: code %d, %v, %d kernels; want 2: %s", code, err, len(whole.Kernels), stderr)
	}
	if s := whole.Kernels[1].Story; s.Stuck != 2 || s.Typical == nil || len(s.Typical.Connection.Packets) == 0 {
		t.Errorf("--json: %+v", s)
	}
	page := filepath.Join(w.dir, "story.html")
	code, out, stderr = w.do(t.Context(), "explain", run, "--html", page)
	if text, err := os.ReadFile(page); code != 0 || out != "" || err != nil || !strings.Contains(string(text), "198.18.0.1:40960") {
		t.Errorf("--html: code %d, %s%s (%v)", code, out, stderr, err)
	}
	if code, _, stderr := w.do(t.Context(), "explain", run, "--html", filepath.Join(w.dir, "absent", "x")); code != verdict.CodeInfra {
		t.Errorf("--html into no folder: code %d, want 128: %s", code, stderr)
	}
}

// The specs that the narrow-down rests on are ones that the suite has.
func TestPathSpecs(t *testing.T) {
	suite, specs := explain.PathSpecs()
	have := specsOf(t, suite)
	for _, spec := range specs {
		if !slices.Contains(have, spec) {
			t.Errorf("suite %s has no spec %q", suite, spec)
		}
	}
}
