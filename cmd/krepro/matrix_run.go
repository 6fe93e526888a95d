package main

import (
	"slices"
	"time"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels"
	"github.com/krepro/krepro/vmtest/matrix"
	"github.com/krepro/krepro/vmtest/verdict"
)

// matrixRun is what a matrix file adds to run.json: all that judging the run and
// joining its shards needs, so that the file itself is not needed any more.
type matrixRun struct {
	File   string               `json:"file"`
	SHA256 string               `json:"sha256"`          // of its text
	Cells  []matrix.Cell        `json:"cells"`           // all VMs, in the order of the file
	Shard  *matrix.Shard        `json:"shard,omitempty"` // which of them this run boots; none: all
	Expect []matrix.Expectation `json:"expect,omitempty"`

	seconds []float64 // estimated of each of its own cells; nil once it is read again
}

// own are the cells that this run boots.
func (m *matrixRun) own() []matrix.Cell {
	if m.Shard == nil {
		return m.Cells
	}
	return slices.DeleteFunc(slices.Clone(m.Cells), func(c matrix.Cell) bool { return c.Shard != m.Shard.I })
}

// starting are the VMs in the order in which they start: those of a matrix by
// how long they are likely to take, so that no long one is left at the end.
func (i invocation) starting() []vmAsked {
	vms := i.vms()
	if i.Matrix == nil {
		return vms
	}
	ordered := make([]vmAsked, 0, len(vms))
	for _, at := range matrix.Longest(i.Matrix.seconds) {
		ordered = append(ordered, vms[at])
	}
	return ordered
}

// today is the day that expectations are judged by: that of the run, whenever it
// is judged.
func (i invocation) today() string { return i.Started.UTC().Format(time.DateOnly) }

// expectations are those of the matrix file that are about a kernel: of cases,
// by name, and of specs.
func (i invocation) expectations(k event.Kernel) (map[string]matrix.Expectation, []verdict.Known) {
	if i.Matrix == nil {
		return nil, nil
	}
	return matrix.Expect(i.Matrix.Expect, i.today(), k, hasKernel)
}

// judgeEntries adds the judgement on the expectations themselves. A shard alone
// cannot tell whether one of them matches nothing.
func (i invocation) judgeEntries(results []verdict.Result) []verdict.Result {
	if i.Matrix == nil || i.Matrix.Shard != nil || len(i.Matrix.Expect) == 0 {
		return results
	}
	return append(results, matrix.Entries(i.Matrix.File, i.Matrix.Expect, i.today(), results, hasKernel))
}

// hasKernel tells whether a kernel is in a set. Of one that could not be had the
// reference is known.
func hasKernel(set string, k event.Kernel) bool {
	s, err := kernels.ParseSet(set)
	if k.Source == "" {
		k = kernels.Planned(k.Ref)
	}
	return err == nil && s.Has(k)
}
