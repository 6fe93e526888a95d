package matrix

import (
	"strings"
	"testing"
)

// shards are the folders of a run in three shards.
func shards() []Part {
	cells, _ := Split(Cells([]string{"a", "b", "c"}, true, []string{"x"}), make([]float64, 6), 3)
	parts := make([]Part, 3)
	for i := range parts {
		parts[i] = Part{Dir: string(rune('1' + i)), Version: "v1", SHA256: "aaaa", Size: "quick", Suites: []string{"smoke", "x"},
			Shard: Shard{i + 1, 3}, Cells: cells, Kernels: []Booted{{"a", "hash-of-a"}, {"b", ""}}}
	}
	return parts
}

func TestJoin(t *testing.T) {
	p := shards()
	joined, err := Join([]Part{p[2], p[0], p[1]})
	if err != nil || len(joined) != 3 || joined[0].Dir+joined[1].Dir+joined[2].Dir != "123" {
		t.Fatalf("%v, %v; want the three in order", joined, err)
	}
	for want, spoil := range map[string]func(p []Part) []Part{
		"shard 2/3 is missing":                                   func(p []Part) []Part { return []Part{p[0], p[2]} },
		"shard 2/3, 3/3 is missing":                              func(p []Part) []Part { return p[:1] },
		"shard 1/3 stands twice: 1 and again":                    func(p []Part) []Part { q := p[0]; q.Dir = "again"; return append(p, q) },
		"2 is no shard":                                          func(p []Part) []Part { p[1].Shard = Shard{}; return p },
		"differ in how many there are: 3 in 1, 4 in 2":           func(p []Part) []Part { p[1].Shard.N = 4; return p },
		"differ in the matrix file: aaaa in 1, bbbb in 2":        func(p []Part) []Part { p[1].SHA256 = "bbbb"; return p },
		"differ in krepro's version: v1 in 1, v2 in 2":           func(p []Part) []Part { p[1].Version = "v2"; return p },
		"differ in size: quick in 1, soak in 2":                  func(p []Part) []Part { p[1].Size = "soak"; return p },
		"differ in suites: smoke x in 1, smoke in 2":             func(p []Part) []Part { p[1].Suites = []string{"smoke"}; return p },
		"differ in the plan: c ~x on shard 3 in 1, nothing in 2": func(p []Part) []Part { p[1].Cells = p[1].Cells[:5]; return p },
		"kernel a is not the same: hash hash-of-a in 1, other in 2": func(p []Part) []Part {
			p[1].Kernels = []Booted{{"a", "other"}}
			return p
		},
		"b on shard 1 in 1, b on shard 2 in 3": func(p []Part) []Part {
			p[2].Cells = append([]Cell(nil), p[2].Cells...)
			for i, c := range p[2].Cells {
				if c.String() == "b" {
					p[0].Cells[i].Shard, p[2].Cells[i].Shard = 1, 2
				}
			}
			return p
		},
	} {
		if joined, err := Join(spoil(shards())); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, %v; want an error with %q", joined, err, want)
		}
	}
}
