package explain

import (
	"slices"

	"github.com/krepro/krepro/harness/event"
)

// graphView is what the kernel called below one recvmsg of each of two
// requests, side by side.
type graphView struct {
	Spec        string
	Left, Right event.CallGraph // Right: none if there is but one
	Rows        []Row
}

// graphViews holds, of each spec that traced any, a good request beside a stuck one.
func graphViews(e Evidence) []graphView {
	var out []graphView
	for _, su := range e.Suites {
		for _, sp := range su.Specs {
			if len(sp.CallGraphs) == 0 {
				continue
			}
			v := graphView{Spec: sp.Name}
			v.Left, v.Right = twoOf(sp.CallGraphs)
			v.Rows = Compare(v.Left.Lines, v.Right.Lines)
			out = append(out, v)
		}
	}
	return out
}

// twoOf chooses a good request and a stuck one, and otherwise the first two.
func twoOf(graphs []event.CallGraph) (left, right event.CallGraph) {
	isStuck := func(g event.CallGraph) bool { return g.Request == "stuck" }
	good := slices.DeleteFunc(slices.Clone(graphs), isStuck)
	stuck := slices.DeleteFunc(slices.Clone(graphs), func(g event.CallGraph) bool { return !isStuck(g) })
	if len(good) > 1 && len(stuck) > 0 {
		good = good[:1]
	}
	all := slices.Concat(good, stuck, []event.CallGraph{{}})
	return all[0], all[1]
}
