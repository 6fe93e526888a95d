package matrix

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Cell is one VM that a matrix asks for: a kernel with the suites that share a
// VM, or with one that has it to itself. Cells do not depend on each other.
type Cell struct {
	Kernel string `json:"kernel"`          // an exact reference
	Alone  string `json:"alone,omitempty"` // the suite that has the VM to itself
	Shard  int    `json:"shard,omitempty"` // that boots it, from 1; 0: there are no shards
}

func (c Cell) String() string {
	if c.Alone == "" {
		return c.Kernel
	}
	return c.Kernel + " ~" + c.Alone
}

// Cells are the VMs of some kernels, in order: of each the one that its suites
// share, if shared is given, then those of one suite each.
func Cells(kernels []string, shared bool, alone []string) []Cell {
	var cells []Cell
	for _, k := range kernels {
		if shared {
			cells = append(cells, Cell{Kernel: k})
		}
		for _, suite := range alone {
			cells = append(cells, Cell{Kernel: k, Alone: suite})
		}
	}
	return cells
}

// Shard is one of N equal parts of the work, counted from 1.
type Shard struct {
	I int `json:"i"`
	N int `json:"n"`
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.I, s.N) }

// ParseShard reads 2/3.
func ParseShard(text string) (Shard, error) {
	first, second, _ := strings.Cut(text, "/")
	i, errI := strconv.Atoi(first)
	n, errN := strconv.Atoi(second)
	if errI != nil || errN != nil || i < 1 || i > n {
		return Shard{}, fmt.Errorf("%q is no share of the work, want I/N with I from 1 to N, as 2/3", text)
	}
	return Shard{i, n}, nil
}

// Split shares cells out over n machines so that they end as near to each other
// as can be: the longest first, each to whoever has least. Every machine that
// knows the same seconds comes to the same split.
func Split(cells []Cell, seconds []float64, n int) ([]Cell, error) {
	if n > len(cells) {
		return nil, fmt.Errorf("%d shards for %d VMs: one would have nothing to do; take at most %d", n, len(cells), len(cells))
	}
	out := slices.Clone(cells)
	load := make([]float64, n)
	for _, i := range Longest(seconds) {
		least := 0
		for s := range load {
			if load[s] < load[least] {
				least = s
			}
		}
		out[i].Shard = least + 1
		load[least] += max(seconds[i], 1) // none is for nothing, so every shard gets one
	}
	return out, nil
}

// Longest are the positions of seconds, the most first; those alike as they stand.
func Longest(seconds []float64) []int {
	order := make([]int, len(seconds))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(seconds[b], seconds[a]) })
	return order
}

// Wall is how long VMs of so many seconds take, started in this order, so many
// at a time.
func Wall(seconds []float64, jobs int) float64 {
	busy := make([]float64, max(1, jobs)) // until when each is
	for _, s := range seconds {
		slices.Sort(busy)
		busy[0] += s
	}
	return slices.Max(busy)
}
