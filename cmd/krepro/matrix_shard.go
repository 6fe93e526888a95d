package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/krepro/krepro/vmtest/matrix"
)

// envShards says how many shards there are, where the system that counts them
// does not say it.
const envShards = "KREPRO_SHARDS"

// counters are the systems that number what they start side by side: how each
// tells it by variables.
var counters = []struct {
	name  string
	index string // a variable that it always sets
	shard func(get func(string) (int, error)) (matrix.Shard, error)
}{
	{"GitLab", "CI_NODE_INDEX", plainly("CI_NODE_INDEX", 1, "CI_NODE_TOTAL")},
	{"Kubernetes", "JOB_COMPLETION_INDEX", plainly("JOB_COMPLETION_INDEX", 0, envShards)},
	{"Slurm", "SLURM_ARRAY_TASK_ID", slurm},
	{"Buildkite", "BUILDKITE_PARALLEL_JOB", plainly("BUILDKITE_PARALLEL_JOB", 0, "BUILDKITE_PARALLEL_JOB_COUNT")},
}

// plainly is for a system that has a variable for the index, counted from first,
// and one for the total.
func plainly(index string, first int, total string) func(func(string) (int, error)) (matrix.Shard, error) {
	return func(get func(string) (int, error)) (s matrix.Shard, err error) {
		if s.I, err = get(index); err != nil {
			return s, err
		}
		s.I += 1 - first
		s.N, err = get(total)
		return s, err
	}
}

// slurm reads an array's variables: ids from a least to a greatest by steps. A
// list of ids with gaps is none.
func slurm(get func(string) (int, error)) (s matrix.Shard, err error) {
	var v [5]int
	for i, name := range []string{"ID", "MIN", "MAX", "STEP", "COUNT"} {
		if v[i], err = get("SLURM_ARRAY_TASK_" + name); err != nil {
			return s, err
		}
	}
	id, least, most, step, count := v[0], v[1], v[2], max(1, v[3]), v[4]
	if (most-least)/step+1 != count || (id-least)%step != 0 {
		return s, fmt.Errorf("the array's ids have gaps; number them from 1, as in sbatch --array=1-%d", count)
	}
	return matrix.Shard{I: (id-least)/step + 1, N: count}, nil
}

// shard reads --shard: I/N, or auto for what the system says that has started
// this process.
func (e *env) shard(text string) (matrix.Shard, error) {
	if text != "auto" {
		s, err := matrix.ParseShard(text)
		if err != nil {
			err = usage("shard: %v", err)
		}
		return s, err
	}
	var found []int
	var names []string
	for i, c := range counters {
		if e.getenv(c.index) != "" {
			found, names = append(found, i), append(names, c.name+"'s "+c.index)
		}
	}
	switch len(found) {
	case 0:
		return matrix.Shard{}, usage("shard: none of the variables is set that GitLab, Kubernetes, Slurm or Buildkite number their jobs by; write --shard I/N")
	case 1:
		return e.counted(found[0])
	}
	return matrix.Shard{}, usage("shard: %s are both set; write --shard I/N", strings.Join(names, " and "))
}

// counted is the shard by one system's variables.
func (e *env) counted(which int) (matrix.Shard, error) {
	c := counters[which]
	s, err := c.shard(func(name string) (int, error) {
		n, err := strconv.Atoi(e.getenv(name))
		if err != nil {
			err = fmt.Errorf("%s=%q is no number", name, e.getenv(name))
		}
		return n, err
	})
	if err == nil && (s.I < 1 || s.I > s.N) {
		err = fmt.Errorf("%s of %d is no share of the work", c.index, s.N)
	}
	if err != nil {
		return s, usage("shard: %s: %v; set it, or write --shard I/N", c.name, err)
	}
	return s, nil
}
