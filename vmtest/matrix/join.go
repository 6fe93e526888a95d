package matrix

import (
	"fmt"
	"slices"
	"strings"
)

// Part is what one folder of a run says of itself, for Join.
type Part struct {
	Dir     string
	Version string // of krepro
	SHA256  string // of the matrix file's text
	Size    string
	Suites  []string
	Shard   Shard // zero: it is no shard
	Cells   []Cell
	// Kernels are the VMs that it has, each with the hash of its kernel: "" for
	// one that could not be had.
	Kernels []Booted
}

// Booted is a VM's kernel.
type Booted struct{ Ref, Hash string }

// Join checks that parts are the shards of one run, each of them once, and puts
// them in order. The error says which fault, and of which folders.
func Join(parts []Part) ([]Part, error) {
	for _, p := range parts {
		if p.Shard.N == 0 {
			return nil, fmt.Errorf("%s is no shard: its run was not split", p.Dir)
		}
	}
	first := parts[0]
	byShard := map[int]Part{}
	for _, p := range parts {
		if err := agree(first, p); err != nil {
			return nil, err
		}
		if other, twice := byShard[p.Shard.I]; twice {
			return nil, fmt.Errorf("shard %s stands twice: %s and %s", p.Shard, other.Dir, p.Dir)
		}
		byShard[p.Shard.I] = p
	}
	var missing []string
	var all []Part
	for i := 1; i <= first.Shard.N; i++ {
		if p, ok := byShard[i]; ok {
			all = append(all, p)
		} else {
			missing = append(missing, Shard{i, first.Shard.N}.String())
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("shard %s is missing", strings.Join(missing, ", "))
	}
	return all, sameKernels(all)
}

// agree says in what two shards were planned differently.
func agree(a, b Part) error {
	differ := func(what, x, y string) error {
		return fmt.Errorf("shards %s and %s differ in %s: %s in %s, %s in %s", a.Shard, b.Shard, what, x, a.Dir, y, b.Dir)
	}
	switch {
	case a.Shard.N != b.Shard.N:
		return differ("how many there are", fmt.Sprint(a.Shard.N), fmt.Sprint(b.Shard.N))
	case a.SHA256 != b.SHA256:
		return differ("the matrix file", short(a.SHA256), short(b.SHA256))
	case a.Version != b.Version:
		return differ("krepro's version", a.Version, b.Version)
	case a.Size != b.Size:
		return differ("size", a.Size, b.Size)
	case !slices.Equal(a.Suites, b.Suites):
		return differ("suites", strings.Join(a.Suites, " "), strings.Join(b.Suites, " "))
	case slices.Equal(a.Cells, b.Cells):
		return nil
	}
	for i := range max(len(a.Cells), len(b.Cells)) {
		if x, y := at(a.Cells, i), at(b.Cells, i); x != y {
			return fmt.Errorf("%w; name exact versions, and the same durations on each machine", differ("the plan", x, y))
		}
	}
	return nil
}

// at describes a cell of a plan that may be too short.
func at(cells []Cell, i int) string {
	if i >= len(cells) {
		return "nothing"
	}
	return fmt.Sprintf("%s on shard %d", cells[i], cells[i].Shard)
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// sameKernels says of which kernel two parts had different files.
func sameKernels(parts []Part) error {
	type had struct{ hash, dir string }
	seen := map[string]had{}
	for _, p := range parts {
		for _, k := range p.Kernels {
			before, ok := seen[k.Ref]
			switch {
			case k.Hash == "":
			case ok && before.hash != k.Hash:
				return fmt.Errorf("kernel %s is not the same: hash %s in %s, %s in %s", k.Ref, short(before.hash), before.dir, short(k.Hash), p.Dir)
			default:
				seen[k.Ref] = had{k.Hash, p.Dir}
			}
		}
	}
	return nil
}
