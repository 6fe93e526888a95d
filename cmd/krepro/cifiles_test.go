package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The files in docs/ci call krepro with flags that it has. What the files are to
// their own systems is checked in docs/ci/check.
func TestCIFilesCallKrepro(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"github-actions.yaml", "gitlab.yaml", "kubernetes.yaml", "slurm*.sbatch"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "docs", "ci", name))
		if err != nil {
			t.Fatal(err)
		}
		called := map[string]bool{}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, args := range calls(string(text)) {
				called[args[0]] = true
				// The flags are read before help is given.
				if code, _, said := w.do(t.Context(), append(args, "--help")...); code != 0 {
					t.Errorf("%s: krepro %v: code %d: %s", file, args, code, said)
				}
			}
		}
		if !called["matrix"] || !called["merge"] {
			t.Errorf("%s calls %v, want matrix and merge", name, called)
		}
	}
	if code, _, _ := w.do(t.Context(), append(calls("krepro matrix --shards auto")[0], "--help")...); code != codeUsage {
		t.Errorf("a flag that is not there: code %d, want %d", code, codeUsage)
	}
}

var (
	call     = regexp.MustCompile(`(?m)^[^#\n]*(?:\bkrepro |args: \[)((?:matrix|merge)\b.*)$`)
	variable = regexp.MustCompile(`\$\{\{.*?\}\}|"[^"]*"|,`)
)

// calls are the arguments of each call of matrix and merge in a file. What a
// system fills in stands as X.
func calls(text string) (all [][]string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for _, m := range call.FindAllStringSubmatch(text, -1) {
		line := variable.ReplaceAllStringFunc(strings.TrimSuffix(m[1], "]"), func(v string) string {
			if v == "," {
				return " "
			}
			return "X"
		})
		line = strings.ReplaceAll(line, "-j X", "-j 1")
		all = append(all, strings.Fields(line))
	}
	return all
}

// The pods of the Kubernetes Job do the whole of its matrix between them, and the
// Job that joins them waits for as many.
func TestKubernetesShards(t *testing.T) {
	w := newWorld(t)
	j := readJob(t, filepath.Join("..", "..", "docs", "ci", "kubernetes.yaml"))
	file := filepath.Join(w.dir, "krepro.yaml")
	put(t, file, j.matrix)
	var did []string
	for i := range j.completions {
		w.getenv = func(name string) string {
			return map[string]string{"JOB_COMPLETION_INDEX": strconv.Itoa(i), envShards: j.shards}[name]
		}
		mine := w.planned(t, "-f", file, "--shard", "auto")
		if len(mine) == 0 {
			t.Errorf("pod %d has nothing to do", i)
		}
		did = append(did, mine...)
	}
	all := w.planned(t, "-f", file)
	slices.Sort(did)
	slices.Sort(all)
	if !slices.Equal(did, all) {
		t.Errorf("the pods do %v, want %v", did, all)
	}
	if wait := fmt.Sprintf("-eq %d ]", j.completions); !strings.Contains(j.report, wait) {
		t.Errorf("the report does not wait for %d shards", j.completions)
	}
}

// planned are the kernels that a matrix would boot.
func (w *world) planned(t *testing.T, args ...string) (kernels []string) {
	t.Helper()
	code, out, stderr := w.do(t.Context(), append([]string{"matrix", "--plan", "--json"}, args...)...)
	var p planned
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != 0 {
		t.Fatalf("krepro matrix --plan %v: code %d, %v: %s", args, code, err, stderr)
	}
	for _, vm := range p.VMs {
		kernels = append(kernels, vm.Kernel)
	}
	return kernels
}

// indexedJob is what kubernetes.yaml says of the shards.
type indexedJob struct {
	matrix      string // krepro.yaml
	completions int
	shards      string // as the pods are told
	report      string // the script of the Job that joins
}

func readJob(t *testing.T, file string) (j indexedJob) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o struct {
			Data map[string]string
			Spec struct {
				Completions int
				Template    struct {
					Spec struct{ Containers []container }
				}
			}
		}
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return j
		} else if err != nil {
			t.Fatal(err)
		}
		j.matrix += o.Data[matrixName]
		j.completions = max(j.completions, o.Spec.Completions)
		for _, c := range o.Spec.Template.Spec.Containers {
			for _, v := range c.Env {
				j.shards += v.Value
			}
			j.report = c.Args[len(c.Args)-1]
		}
	}
}

type container struct {
	Args []string
	Env  []struct{ Name, Value string }
}
