package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/matrix"
	"github.com/krepro/krepro/vmtest/verdict"
)

// twoKernels is a matrix that needs no catalogue to be resolved.
const twoKernels = "kernels: [debian:5.10.218-1, debian:5.10.223-1, debian:5.10.218-1]\nsize: quick\n"

func TestMatrixPlan(t *testing.T) {
	w := newWorld(t)
	put(t, filepath.Join(w.home, "suites", "probes.test"), "")
	put(t, filepath.Join(w.home, "suites", "probes.yaml"), "about: what probes cost\nalone: true\n")
	file := filepath.Join(w.dir, "krepro.yaml")
	put(t, file, twoKernels+"vm: {jobs: 2}\n")
	put(t, filepath.Join(w.dir, "cache", durationsFile), `{"debian:5.10.223-1": {"boot": 3, "smoke quick": 2, "sockmap quick": 30}}`)
	code, text, stderr := w.do(t.Context(), "matrix", "--plan", "-f", file)
	if code != 0 {
		t.Fatalf("code %d: %s", code, stderr)
	}
	golden(t, "matrix-plan.txt", strings.ReplaceAll(text, w.dir+"/", ""))
	t.Chdir(w.dir) // where krepro.yaml is taken by itself
	_, out, _ := w.do(t.Context(), "matrix", "--plan", "--json", "-j", "1")
	var p planned
	if err := json.Unmarshal([]byte(out), &p); err != nil || len(p.VMs) != 4 || p.Jobs != 1 || p.Seconds != 96 || len(p.Kernels) != 2 {
		t.Errorf("as JSON: %v\n%s", err, out)
	}
	if runs, _ := filepath.Glob(filepath.Join(w.dir, "runs", "*")); len(runs) > 0 {
		t.Errorf("a plan left %v", runs)
	}
}

// Each shard has its cells, and all of them together every cell once; what this
// machine has measured does not change that.
func TestMatrixPlanSharded(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.dir, "krepro.yaml")
	put(t, file, "kernels: [debian:5.10.218-1, debian:5.10.223-1, debian:6.1.192-2]\ndurations: durations.json\n")
	put(t, filepath.Join(w.dir, "durations.json"), `{"debian:5.10.223-1": {"sockmap default": 300}, "debian:6.1.192-2": {"sockmap default": 20}, "debian:5.10.218-1": {"sockmap default": 20}}`)
	shard := func(which string) (kernels []string) {
		code, out, stderr := w.do(t.Context(), "matrix", "-f", file, "--plan", "--json", "--shard", which)
		var p planned
		if err := json.Unmarshal([]byte(out), &p); err != nil || code != 0 {
			t.Fatalf("shard %s: code %d, %v: %s", which, code, err, stderr)
		}
		for _, vm := range p.VMs {
			kernels = append(kernels, vm.Kernel)
		}
		return kernels
	}
	for range 2 {
		if got := strings.Join(shard("1/2"), " "); got != "debian:5.10.223-1" {
			t.Errorf("shard 1 has %s, want the one that takes long alone", got)
		}
		if got := strings.Join(shard("2/2"), " "); got != "debian:5.10.218-1 debian:6.1.192-2" && got != "debian:6.1.192-2 debian:5.10.218-1" {
			t.Errorf("shard 2 has %s", got)
		}
		put(t, filepath.Join(w.dir, "cache", durationsFile), `{"debian:6.1.192-2": {"boot": 3, "smoke default": 9999, "sockmap default": 9999}}`)
	}
}

func TestMatrixUsage(t *testing.T) {
	w := newWorld(t)
	t.Chdir(w.dir)
	put(t, "two.yaml", twoKernels)
	put(t, "bad.yaml", "kernels: [debian:5.10.218-1]\nsuites: [sokmap]\nsiez: quick\n")
	put(t, "lost.yaml", twoKernels+"durations: none.json\n")
	put(t, "torn.yaml", twoKernels+"durations: torn.json\n")
	put(t, "torn.json", "{")
	put(t, "full/x", "")
	for line, want := range map[string]string{
		"matrix surplus":                         "unknown command",
		"matrix -f none.yaml":                    "none.yaml: no such file or directory; check the path",
		"matrix -f bad.yaml":                     `bad.yaml:2:10: "sokmap" is none of smoke, sockmap; did you mean sockmap?`,
		"matrix -f bad.yaml --plan":              "\nbad.yaml:3:1: a matrix has no field \"siez\"",
		"matrix -f two.yaml --jobs -1":           "jobs: -1",
		"matrix -f two.yaml --shard 3/2":         `"3/2" is no share of the work`,
		"matrix -f two.yaml --shard 1/9":         "9 shards for 2 VMs: one would have nothing to do; take at most 2",
		"matrix -f two.yaml --shard auto":        "write --shard I/N",
		"matrix -f two.yaml --compare full":      "is no run folder",
		"matrix -f two.yaml --out full":          "is not empty",
		"matrix -f lost.yaml --plan --shard 1/2": "none.json",
		"merge":                                  "requires at least 1 arg",
		"merge full":                             "full is no run folder",
	} {
		code, out, stderr := w.do(t.Context(), strings.Fields(line)...)
		if code != codeUsage || !strings.Contains(stderr, want) || out != "" {
			t.Errorf("krepro %s: code %d, stdout %q, stderr %q; want 129 and %q", line, code, out, stderr, want)
		}
	}
	if code, _, stderr := w.do(t.Context(), "matrix", "-f", "torn.yaml", "--plan", "--shard", "1/2"); code != 128 || !strings.Contains(stderr, "torn.json") {
		t.Errorf("torn durations: code %d, %s", code, stderr)
	}
	if runs, _ := filepath.Glob("runs"); len(runs) > 0 {
		t.Errorf("a command line that makes no sense left %v", runs)
	}
}

func TestShardOfTheSystem(t *testing.T) {
	for vars, want := range map[string]string{
		"CI_NODE_INDEX=1 CI_NODE_TOTAL=3":                         "1/3",
		"CI_NODE_INDEX=3 CI_NODE_TOTAL=3":                         "3/3",
		"JOB_COMPLETION_INDEX=0 KREPRO_SHARDS=4":                  "1/4",
		"JOB_COMPLETION_INDEX=3 KREPRO_SHARDS=4":                  "4/4",
		"BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=2": "1/2",
		"BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=2": "2/2",
		"SLURM_ARRAY_TASK_ID=1 _MIN=1 _MAX=5 _STEP=1 _COUNT=5":    "1/5",
		"SLURM_ARRAY_TASK_ID=0 _MIN=0 _MAX=4 _STEP=1 _COUNT=5":    "1/5",
		"SLURM_ARRAY_TASK_ID=7 _MIN=1 _MAX=7 _STEP=3 _COUNT=3":    "3/3",
		"":                                       "none of the variables is set",
		"JOB_COMPLETION_INDEX=0":                 `Kubernetes: KREPRO_SHARDS="" is no number; set it`,
		"JOB_COMPLETION_INDEX=4 KREPRO_SHARDS=4": "JOB_COMPLETION_INDEX of 4 is no share of the work",
		"CI_NODE_INDEX=0 CI_NODE_TOTAL=3":        "is no share of the work",
		"CI_NODE_INDEX=x CI_NODE_TOTAL=3":        `CI_NODE_INDEX="x" is no number`,
		"CI_NODE_INDEX=1 CI_NODE_TOTAL=3 JOB_COMPLETION_INDEX=0": "are both set",
		"SLURM_ARRAY_TASK_ID=7 _MIN=1 _MAX=7 _STEP=1 _COUNT=3":   "the array's ids have gaps; number them from 1, as in sbatch --array=1-3",
		"SLURM_ARRAY_TASK_ID=1":                                  `SLURM_ARRAY_TASK_MIN="" is no number`,
	} {
		set := map[string]string{}
		for _, v := range strings.Fields(vars) {
			name, value, _ := strings.Cut(v, "=")
			if strings.HasPrefix(name, "_") {
				name = "SLURM_ARRAY_TASK" + name
			}
			set[name] = value
		}
		e := &env{getenv: func(name string) string { return set[name] }}
		s, err := e.shard("auto")
		if err == nil && s.String() != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %s", vars, s, err, want)
		}
		if s, err := e.shard("2/7"); err != nil || s != (matrix.Shard{I: 2, N: 7}) {
			t.Errorf("with %s, 2/7 is %v, %v", vars, s, err)
		}
	}
}

// A kernel that cannot be had, and Ctrl-C: a matrix reports all the same, and
// keeps what its file says.
func TestMatrixReportsWhatFailed(t *testing.T) {
	w := newWorld(t)
	t.Chdir(w.dir)
	put(t, "bzImage", "this is no kernel")
	put(t, "krepro.yaml", "kernels: [./bzImage]\nsuites: [smoke]\nkeep: {runs: 1}\n")
	put(t, "runs/old/run.json", `{"started": "2020-01-01T00:00:00Z"}`)
	code, out, stderr := w.do(t.Context(), "matrix")
	if code != verdict.CodeInfra || !strings.Contains(out, "./bzImage") || !strings.Contains(out, "blame host") {
		t.Fatalf("code %d, want 128\n%s%s", code, out, stderr)
	}
	runs, _ := filepath.Glob("runs/*")
	if len(runs) != 1 || runs[0] == "runs/old" {
		t.Errorf("runs %v, want the new one alone", runs)
	}
	rejudged(t, w, runs[0], verdict.CodeInfra)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	put(t, "krepro.yaml", twoKernels)
	code, out, stderr = w.do(ctx, "matrix", "-o", "cut")
	if code != verdict.CodeCancelled || strings.Count(out, "cancelled") < 2 {
		t.Fatalf("code %d, want 130 and both kernels cancelled\n%s%s", code, out, stderr)
	}
	rejudged(t, w, "cut", verdict.CodeCancelled)
}
