package callgraph

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Parse reads the text of a function_graph trace that was made with the options
// funcgraph-abstime, funcgraph-cpu, funcgraph-proc and funcgraph-tail, and
// without funcgraph-duration and funcgraph-overhead:
//
//	5.213761 |   0)   server-93    |   tcp_bpf_recvmsg() {
//	5.213851 |   0)   server-93    |     rcu_read_unlock_strict();
//	5.214202 |   0)   server-93    |   } /* tcp_bpf_recvmsg */
//
// Calls nest by their braces, each thread's on their own: an interrupt that
// strikes as a function is entered or left is printed deeper than it is. What
// is no such line (headings, task switches, comments) is passed over.
func Parse(r io.Reader) (Recording, error) {
	p := parser{open: map[uint32]*thread{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		p.line(lines.Text())
	}
	if err := lines.Err(); err != nil {
		return Recording{}, fmt.Errorf("read trace: %w", err)
	}
	return p.recording(), nil
}

// parser collects graphs in the order in which they began.
type parser struct {
	graphs []*Graph
	open   map[uint32]*thread
	lost   int
}

// thread is a thread within a traced call.
type thread struct {
	graph     *Graph
	stack     []string // names of the open calls, outermost first
	interrupt int      // how many interrupts, one in the other, it is in
}

func (p *parser) recording() Recording {
	r := Recording{Lost: p.lost}
	for _, g := range p.graphs {
		r.Graphs = append(r.Graphs, *g)
	}
	return r
}

func (p *parser) line(text string) {
	if n, ok := lostEvents(text); ok {
		p.lost += n
		return
	}
	l, ok := split(text)
	if !ok {
		return
	}
	t := p.open[l.thread]
	name, opens := strings.CutSuffix(l.call, "() {")
	name, leaf := strings.CutSuffix(name, "();")
	switch {
	case t != nil && t.marked(l.call):
	case strings.HasPrefix(l.call, "}"):
		p.close(t, l)
	case !opens && !leaf:
	case l.root:
		p.root(l, name, opens)
	case t != nil:
		t.call(name, opens)
	}
}

// root begins a graph. One that is still open on this thread has lost its end,
// and ended before.
func (p *parser) root(l traceLine, name string, opens bool) {
	if t := p.open[l.thread]; t != nil {
		t.graph.End = l.time
	}
	g := &Graph{Thread: l.thread, Start: l.time, Calls: []Call{{Name: name}}}
	p.graphs = append(p.graphs, g)
	delete(p.open, l.thread)
	if opens {
		p.open[l.thread] = &thread{graph: g, stack: []string{name}}
	} else {
		g.End = l.time
	}
}

// call enters a call, and opens it if there are others in it.
func (t *thread) call(name string, opens bool) {
	t.graph.Calls = append(t.graph.Calls, Call{Depth: len(t.stack), Name: name})
	if opens {
		t.stack = append(t.stack, name)
	}
}

// close ends the innermost open call of that name, and with it those in it,
// whose own ends were lost.
func (p *parser) close(t *thread, l traceLine) {
	if t == nil {
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(l.call, "} /* "), " */")
	for i := len(t.stack) - 1; i >= 0; i-- {
		if t.stack[i] == name {
			t.stack = t.stack[:i]
			break
		}
	}
	if len(t.stack) == 0 {
		t.graph.End = l.time
		delete(p.open, l.thread)
	}
}

// marked tells whether a line begins, ends or is part of an interrupt that the
// tracer has marked as one.
func (t *thread) marked(call string) bool {
	switch {
	case strings.HasPrefix(call, "==========>"):
		t.interrupt++
	case strings.HasPrefix(call, "<=========="):
		t.interrupt = max(t.interrupt-1, 0)
	default:
		return t.interrupt > 0
	}
	return true
}

// traceLine is a line of the trace.
type traceLine struct {
	time   float64
	thread uint32
	root   bool // the call is not nested
	call   string
}

// split takes a line apart; false if it is none with a time and a thread.
func split(text string) (l traceLine, ok bool) {
	at, rest, ok := strings.Cut(text, " |")
	if !ok {
		return l, false
	}
	task, call, ok := strings.Cut(rest, " | ")
	if !ok {
		return l, false
	}
	id := task[strings.LastIndexByte(task, '-')+1:]
	thread, err := strconv.ParseUint(strings.TrimSpace(id), 10, 32)
	if err != nil {
		return l, false
	}
	l.thread, l.root = uint32(thread), !strings.HasPrefix(call, " ")
	l.call = strings.TrimSpace(call)
	l.time, err = strconv.ParseFloat(strings.TrimSpace(at), 64)
	return l, err == nil
}

// lostEvents reads "CPU:1 [LOST 27 EVENTS]", which stands where a buffer had
// been overrun.
func lostEvents(text string) (n int, ok bool) {
	_, rest, ok := strings.Cut(text, "[LOST ")
	if !ok || !strings.HasPrefix(text, "CPU:") {
		return 0, false
	}
	count, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(count)
	return max(n, 0), err == nil
}
