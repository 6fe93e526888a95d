package callgraph

import "strings"

// Recording is what was traced.
type Recording struct {
	Graphs []Graph // in the order in which they began
	Lost   int     // events that found no room: while it is not 0, calls may be missing
}

// Graph is one call of a traced function, and what it called.
type Graph struct {
	Thread uint32  // thread id of the caller, as the kernel's first namespace has it
	Start  float64 // seconds since boot (CLOCK_BOOTTIME)
	End    float64 // the same; 0 if it had not returned when the trace ended
	Calls  []Call  // the traced function first, then each call before those that it made
}

// Call is a call within a graph.
type Call struct {
	Depth int    // 0: the traced function
	Name  string // "veth_xmit [veth]" in a module
}

// At is the graph of the call that a thread was in or about to make at a
// moment, in seconds since boot: a probe of the function that is traced may run
// just before the tracer or just after it, as the kernel has it.
func (r Recording) At(thread uint32, moment float64) (Graph, bool) {
	for _, g := range r.Graphs {
		if g.Thread == thread && (g.End == 0 || g.End >= moment) {
			return g, true
		}
	}
	return Graph{}, false
}

// Lines are the calls, one a line, two spaces a level, without what comes and
// goes by chance (see noise). Of more than max lines the rest is cut and counted.
func (g Graph) Lines(max int) (lines []string, cut int) {
	for _, c := range quiet(g.Calls) {
		if len(lines) == max {
			cut++
			continue
		}
		lines = append(lines, strings.Repeat("  ", c.Depth)+c.Name)
	}
	return lines, cut
}
