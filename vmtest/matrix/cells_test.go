package matrix

import (
	"slices"
	"strings"
	"testing"
)

func TestCells(t *testing.T) {
	join := func(cells []Cell) string {
		var names []string
		for _, c := range cells {
			names = append(names, c.String())
		}
		return strings.Join(names, "|")
	}
	if got := join(Cells([]string{"a", "b"}, true, []string{"x"})); got != "a|a ~x|b|b ~x" {
		t.Errorf("cells %s", got)
	}
	if got := join(Cells([]string{"a"}, false, []string{"x", "y"})); got != "a ~x|a ~y" {
		t.Errorf("without suites that share: %s", got)
	}
}

// However many shards: every cell stands in one of them, none is empty, and no
// shard is longer than needed for what cannot be divided.
func TestSplit(t *testing.T) {
	cells := Cells([]string{"a", "b", "c", "d", "e"}, true, []string{"x"})
	seconds := []float64{100, 20, 90, 20, 80, 20, 50, 20, 10, 0}
	whole := 0.0
	for _, s := range seconds {
		whole += s
	}
	for n := 1; n <= len(cells); n++ {
		split, err := Split(cells, seconds, n)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Split(cells, seconds, n)
		if !slices.Equal(split, again) {
			t.Errorf("%d shards: another split the second time", n)
		}
		load := make([]float64, n+1)
		count := make([]int, n+1)
		for i, c := range split {
			if c.Kernel != cells[i].Kernel || c.Alone != cells[i].Alone || c.Shard < 1 || c.Shard > n {
				t.Fatalf("%d shards: cell %d is %+v", n, i, c)
			}
			load[c.Shard] += seconds[i]
			count[c.Shard]++
		}
		if slices.Min(count[1:]) == 0 {
			t.Errorf("%d shards: an empty one: %v", n, count[1:])
		}
		if most := slices.Max(load); most > max(100, whole/float64(n)*4/3) { // longest first is that near to the best
			t.Errorf("%d shards: %v s", n, load[1:])
		}
	}
	if _, err := Split(cells, seconds, len(cells)+1); err == nil {
		t.Error("a shard with nothing to do is accepted")
	}
	if cells[0].Shard != 0 {
		t.Error("the cells that were given are changed")
	}
}

func TestParseShard(t *testing.T) {
	if s, err := ParseShard("2/3"); err != nil || s != (Shard{2, 3}) || s.String() != "2/3" {
		t.Errorf("%v, %v", s, err)
	}
	for _, text := range []string{"", "2", "0/3", "4/3", "-1/3", "1/0", "a/b", "1/2/3", "1 / 2"} {
		if s, err := ParseShard(text); err == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
}

func TestWall(t *testing.T) {
	seconds := []float64{50, 40, 30, 20, 10}
	for jobs, want := range map[int]float64{1: 150, 2: 80, 3: 50, 9: 50, 0: 150} {
		if got := Wall(seconds, jobs); got != want {
			t.Errorf("%d at a time: %v s, want %v", jobs, got, want)
		}
	}
	if got := Wall(nil, 2); got != 0 {
		t.Errorf("of nothing: %v s", got)
	}
}
