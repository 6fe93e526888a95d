package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/krepro/krepro/vmtest/verdict"
)

const smokeSpec = "ping crosses the topology node to pod"

// A matrix in two shards, joined, says cell by cell what it says as a whole; an
// expectation that is not met fails all of them, and its spec has run.
func TestMatrixInShards(t *testing.T) {
	e := vmTest(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "krepro.yaml")
	put(t, file, `kernels: [debian:5.10.218-1, debian:5.10.223-1]
suites: [smoke]
size: quick
expect:
  - kernels: 5.10 >5.10.218
    suite: smoke
    spec: `+smokeSpec+`
    is: fail
    reason: to see what comes of it
    link: https://example.org/1
    until: 9999-12-31
`)
	whole, merged := filepath.Join(dir, "whole"), filepath.Join(dir, "merged")
	code, out := e.call(t, "matrix", "-f", file, "-o", whole, "-j", "1")
	if code != verdict.CodeBad || strings.Count(out, string(verdict.UnexpectedPass)) != 1 {
		t.Errorf("exit code %d, want 1 for one unexpected pass", code)
	}
	shards := []string{filepath.Join(dir, "1"), filepath.Join(dir, "2")}
	for i, want := range []int{verdict.CodeGood, verdict.CodeBad} {
		if code, _ := e.call(t, "matrix", "-f", file, "-o", shards[i], "--shard", []string{"1/2", "2/2"}[i]); code != want {
			t.Errorf("shard %d: exit code %d, want %d", i+1, code, want)
		}
	}
	if code, _ := e.call(t, "merge", "-o", merged, shards[1], shards[0]); code != verdict.CodeBad {
		t.Errorf("merged: exit code %d, want 1", code)
	}
	want, got := outcomes(t, whole), outcomes(t, merged)
	if !maps.Equal(got, want) || len(want) < 10 {
		t.Errorf("merged:\n%v\nas a whole:\n%v", got, want)
	}
	if _, err := os.Stat(filepath.Join(merged, durationsFile)); err != nil {
		t.Error(err)
	}
	if code, _ := e.call(t, "merge", "-o", filepath.Join(dir, "half"), shards[0]); code != verdict.CodeInfra {
		t.Errorf("with a shard missing: exit code %d, want 128", code)
	}
}

// outcomes are the verdicts of a run on every case, suite and spec of each kernel.
func outcomes(t *testing.T, run string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, r := range readVerdicts(t, run) {
		for _, c := range r.Cases {
			out[r.Kernel.Ref+" "+c.Name] = string(c.Verdict)
		}
		for _, s := range r.Suites {
			out[r.Kernel.Ref+" "+s.Name] = string(s.Verdict)
			for _, p := range s.Specs {
				out[r.Kernel.Ref+" "+s.Name+" "+p.Name] = strings.Join([]string{string(p.Verdict), string(p.Surprise())}, " ")
			}
		}
	}
	if slices.Contains(slices.Collect(maps.Values(out)), "") {
		t.Errorf("a cell without a verdict: %v", out)
	}
	return out
}
