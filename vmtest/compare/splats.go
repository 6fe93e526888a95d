package compare

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/krepro/krepro/vmtest/verdict"
)

// Splat is a complaint of the kernel that no run before the patch had.
type Splat struct {
	Title string   `json:"title"`
	Kind  string   `json:"kind"`
	Text  string   `json:"text"`  // the first line of one
	Steps []string `json:"steps"` // in which it came up
	// Sure says that the patch is to blame. A stall that came once may be the
	// host's, which gave the VM no time.
	Sure bool `json:"sure"`
}

// stalls are kinds of splats that a starved host alone can bring about.
var stalls = []string{"stall", "hung-task"}

// newSplats lists the titles that came up after the patch and never before, in
// the order they came.
func newSplats(steps []Step) []Splat {
	old := map[string]bool{}
	for s, splat := range splatsOf(steps) {
		old[splat.Title] = old[splat.Title] || !s.After
	}
	out := []Splat{}
	for s, splat := range splatsOf(steps) {
		if old[splat.Title] {
			continue
		}
		i := slices.IndexFunc(out, func(o Splat) bool { return o.Title == splat.Title })
		if i < 0 {
			i = len(out)
			out = append(out, Splat{Title: splat.Title, Kind: splat.Kind, Text: splat.Text})
		}
		out[i].seen(s.Name())
	}
	return out
}

func splatsOf(steps []Step) iter.Seq2[Step, verdict.Splat] {
	return func(yield func(Step, verdict.Splat) bool) {
		for _, s := range steps {
			for _, r := range s.Results {
				for _, splat := range r.Splats {
					if !yield(s, splat) {
						return
					}
				}
			}
		}
	}
}

func (s *Splat) seen(step string) {
	if !slices.Contains(s.Steps, step) {
		s.Steps = append(s.Steps, step)
	}
	s.Sure = len(s.Steps) > 1 || !slices.Contains(stalls, s.Kind)
}

func (s Splat) String() string { return fmt.Sprintf("%s (%s)", s.Title, strings.Join(s.Steps, ", ")) }
