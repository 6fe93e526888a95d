package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

const slurmMatrix = `kernels: [debian:5.10.223-1, debian:6.12.117-1]
suites: [smoke, fionread]
size: quick
`

// The scripts of docs/ci run a matrix as an array of a real Slurm: what is merged
// is, cell by cell, what one run says.
func TestSlurmArray(t *testing.T) {
	e := vmTest(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "krepro.yaml")
	if err := os.WriteFile(file, []byte(slurmMatrix), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", strings.Join([]string{e.home, os.Getenv("PATH"), "/usr/sbin"}, ":"))
	s := startSlurm(t)

	id := s.submit(t, dir, "--array=1-2", script(t, "slurm.sbatch"))
	s.submit(t, dir, "--wait", "--dependency=afterany:"+id, script(t, "slurm-merge.sbatch"), id)
	runs := filepath.Join(dir, "runs", id)
	for _, shard := range []string{"shard-1", "shard-2"} {
		if n := len(readVerdicts(t, filepath.Join(runs, shard))); n != 1 {
			t.Errorf("%s has %d kernels, want 1", shard, n)
		}
	}

	whole := filepath.Join(dir, "whole")
	if code, _ := e.call(t, "matrix", "-f", file, "-o", whole); code != 0 {
		t.Errorf("exit code %d of the run that is not split, want 0", code)
	}
	want, got := cellsOf(readVerdicts(t, whole)), cellsOf(readVerdicts(t, filepath.Join(runs, "merged")))
	if !maps.Equal(got, want) {
		t.Errorf("merged:\n%v\nnot split:\n%v", got, want)
	}
	a, b := want["debian-5.10.223-1-cloud-amd64 fionread-redirect"], want["debian-6.12.117-1-cloud-amd64 fionread-redirect"]
	if a == "" || b == "" || a == b {
		t.Errorf("the kernels answer %q and %q: nothing is compared", a, b)
	}
	s.failsWithout(t, dir, id)
}

// failsWithout wants the merging job to fail, by name, for the shard that is not there.
func (s *cluster) failsWithout(t *testing.T, dir, id string) {
	t.Helper()
	runs := filepath.Join(dir, "runs")
	if err := errors.Join(os.Mkdir(filepath.Join(runs, "half"), 0o755),
		os.Rename(filepath.Join(runs, id, "shard-1"), filepath.Join(runs, "half", "shard-1"))); err != nil {
		t.Fatal(err)
	}
	out, err := s.command(dir, "timeout", "300", "sbatch", "--wait", "--output=half.log", script(t, "slurm-merge.sbatch"), "half").CombinedOutput()
	if err == nil {
		t.Errorf("a merge of one shard of two ends well: %s", out)
	}
	said, err := os.ReadFile(filepath.Join(dir, "half.log"))
	if err != nil || !strings.Contains(string(said), "2/2 is missing") {
		t.Errorf("a merge of one shard of two says %q, %v", said, err)
	}
}

// submit hands a script to Slurm, from dir, and returns the job's id. With
// --wait the job must end well.
func (s *cluster) submit(t *testing.T, dir string, args ...string) (id string) {
	t.Helper()
	out, err := s.command(dir, "timeout", append([]string{"300", "sbatch", "--parsable"}, args...)...).CombinedOutput()
	if err != nil {
		logs, _ := filepath.Glob(filepath.Join(dir, "krepro-*.log"))
		for _, log := range logs {
			text, _ := os.ReadFile(log)
			t.Logf("%s:\n%s", log, text)
		}
		t.Fatalf("sbatch %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../docs/ci", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// cellsOf is the verdicts of results, by kernel and case or spec. Counts of
// trials are left out: those of a churning spec differ from run to run.
func cellsOf(results []verdict.Result) map[string]string {
	m := map[string]string{}
	for _, r := range results {
		for _, c := range r.Cases {
			m[r.Kernel.Name+" "+c.Name] = fmt.Sprintf("%s, expected %s, met %v", c.Verdict, c.Expect, c.Met)
		}
		for _, s := range r.Suites {
			m[r.Kernel.Name+" "+s.Name] = string(s.Verdict)
			for _, spec := range s.Specs {
				m[r.Kernel.Name+" "+s.Name+"/"+spec.Name] = string(spec.Verdict)
			}
		}
	}
	return m
}
