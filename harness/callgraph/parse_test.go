package callgraph

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Traces of real kernels: recvmsg calls of one request that is answered, on
// 5.10.218-1 of one that is stuck, too. In 6.12.117-1 two CPUs take part.
func TestParseOfKernels(t *testing.T) {
	traces, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(traces) != 4 {
		t.Fatalf("traces: %v, %v", traces, err)
	}
	for _, path := range traces {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			r, err := Parse(f)
			if err != nil || r.Lost != 0 {
				t.Fatalf("lost %d, %v", r.Lost, err)
			}
			golden(t, strings.TrimSuffix(path, ".txt")+".golden", text(r))
		})
	}
}

func text(r Recording) string {
	var b strings.Builder
	for _, g := range r.Graphs {
		lines, cut := g.Lines(400)
		fmt.Fprintf(&b, "thread %d, %.6f to %.6f, %d calls, %d cut\n%s\n\n",
			g.Thread, g.Start, g.End, len(g.Calls), cut, strings.Join(lines, "\n"))
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s differs (%v); go test -update writes it anew. Got:\n%s", path, err, got)
	}
}

func TestParse(t *testing.T) {
	one := func(thread uint32, start, end float64, calls ...Call) Graph {
		return Graph{Thread: thread, Start: start, End: end, Calls: calls}
	}
	root := Call{0, "inet_recvmsg"}
	tests := []struct {
		name, trace string
		want        Recording
	}{
		{"nothing", "# tracer: function_graph\n#\n", Recording{}},
		{"a call without others", `
    1.000001 |   0)   suite-93    | inet_recvmsg();
`, Recording{Graphs: []Graph{one(93, 1.000001, 1.000001, root)}}},
		{"two threads in turns, on two CPUs", `
    1.000001 |   0)   suite-93    | inet_recvmsg() {
    1.000002 |   1)   suite-94    | inet_recvmsg() {
    1.000003 |   0)   suite-93    |   tcp_recvmsg() {
    1.000004 |   1)   suite-94    |   tcp_bpf_recvmsg();
 ------------------------------------------
 0)   suite-93    =>   suite-95
 ------------------------------------------

    1.000005 |   0)   suite-95    | inet6_recvmsg() {
    1.000006 |   1)   suite-93    |     lock_sock_nested();
    1.000007 |   1)   suite-94    | } /* inet_recvmsg */
    1.000008 |   1)   suite-93    |   } /* tcp_recvmsg */
    1.000009 |   1)   suite-93    | } /* inet_recvmsg */
`, Recording{Graphs: []Graph{
			one(93, 1.000001, 1.000009, root, Call{1, "tcp_recvmsg"}, Call{2, "lock_sock_nested"}),
			one(94, 1.000002, 1.000007, root, Call{1, "tcp_bpf_recvmsg"}),
			one(95, 1.000005, 0, Call{0, "inet6_recvmsg"}),
		}}},
		{"an interrupt as a function is left is printed deeper than it is", `
    1.000001 |   0)   suite-93    | inet_recvmsg() {
    1.000002 |   0)   suite-93    |     irq_enter_rcu();
    1.000003 |   0)   suite-93    |   tcp_recvmsg();
    1.000004 |   0)   suite-93    | } /* inet_recvmsg */
`, Recording{Graphs: []Graph{one(93, 1.000001, 1.000004, root, Call{1, "irq_enter_rcu"}, Call{1, "tcp_recvmsg"})}}},
		{"interrupts that the tracer marks, one in the other", `
    1.000001 |   0)   suite-93    | inet_recvmsg() {
    1.000002 |   0)   suite-93    |   ==========> |
    1.000003 |   0)   suite-93    |   smp_apic_timer_interrupt() {
    1.000004 |   0)   suite-93    |     ==========> |
    1.000005 |   0)   suite-93    |     do_IRQ();
    1.000006 |   0)   suite-93    |     <========== |
    1.000007 |   0)   suite-93    |     tcp_write_timer();
    1.000008 |   0)   suite-93    |   } /* smp_apic_timer_interrupt */
    1.000009 |   0)   suite-93    |   <========== |
    1.000010 |   0)   suite-93    |   tcp_recvmsg();
    1.000011 |   0)   suite-93    | } /* inet_recvmsg */
`, Recording{Graphs: []Graph{one(93, 1.000001, 1.000011, root, Call{1, "tcp_recvmsg"})}}},
		{"events that were lost, and with them the ends of calls", `
    1.000001 |   0)   suite-93    | inet_recvmsg() {
    1.000002 |   0)   suite-93    |   tcp_recvmsg() {
    1.000003 |   0)   suite-93    |     release_sock() {
CPU:0 [LOST 27 EVENTS]
    1.000004 |   0)   suite-93    |   } /* tcp_recvmsg */
    1.000005 |   0)   suite-93    |   tcp_cleanup();
CPU:1 [LOST 3 EVENTS]
    1.000006 |   0)   suite-93    | inet6_recvmsg() {
    1.000007 |   0)   suite-93    | } /* inet6_recvmsg */
`, Recording{Lost: 30, Graphs: []Graph{
			one(93, 1.000001, 1.000006, root, Call{1, "tcp_recvmsg"}, Call{2, "release_sock"}, Call{1, "tcp_cleanup"}),
			one(93, 1.000006, 1.000007, Call{0, "inet6_recvmsg"}),
		}}},
		{"what is under way as the trace begins is not below a traced function", `
    1.000001 |   0)   suite-93    |   lock_sock_nested();
    1.000002 |   0)   suite-93    | } /* inet_recvmsg */
    1.000003 |   0)   suite-93    | inet_recvmsg();
`, Recording{Graphs: []Graph{one(93, 1.000003, 1.000003, root)}}},
		{"names with anything in them, comments", `
    1.000001 |   0)  a|b (-x-93   | inet_recvmsg() {
    1.000002 |   0)  a|b (-x-93   |   veth_xmit [veth]() {
    1.000003 |   0)  a|b (-x-93   |     /* a message of trace_printk */
    1.000004 |   0)  a|b (-x-93   |     kfree.part.0();
    1.000005 |   0)  a|b (-x-93   |   } /* veth_xmit [veth] */
    1.000006 |   0)  a|b (-x-93   | } /* inet_recvmsg */
`, Recording{Graphs: []Graph{one(93, 1.000001, 1.000006, root, Call{1, "veth_xmit [veth]"}, Call{2, "kfree.part.0"})}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(strings.NewReader(test.trace))
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	endless := strings.Repeat("x", 1<<20)
	if r, err := Parse(strings.NewReader(endless)); err == nil {
		t.Errorf("a line of 1 MiB gave %+v", r)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("    1.000001 |   0)   suite-93    | inet_recvmsg() {\n    1.000002 |   0)   suite-93    |   kfree();\n    1.000003 |   0)   suite-93    | } /* inet_recvmsg */\n")
	f.Add("    1.000001 |   0)   suite-93    | a() {\n    1.000002 |   0)   suite-93    |   ==========> |\nCPU:0 [LOST 27 EVENTS]\n")
	f.Add("1 | -1 | rcu_note_context_switch() {\n1 | -1 |  rcu_note_context_switch();\n1 | -1 |  pick_x();\n1 | -1 |  _raw_spin_unlock();\n1 | -1 |  }\n")
	f.Fuzz(func(t *testing.T, trace string) {
		r, err := Parse(strings.NewReader(trace))
		if err == nil && r.Lost < 0 {
			t.Errorf("lost %d", r.Lost)
		}
		for _, g := range r.Graphs {
			if g.Calls[0].Depth != 0 {
				t.Fatalf("a graph begins at depth %d", g.Calls[0].Depth)
			}
			for i, c := range g.Calls[1:] {
				if c.Depth < 1 || c.Depth > g.Calls[i].Depth+1 {
					t.Fatalf("depth %d follows %d", c.Depth, g.Calls[i].Depth)
				}
			}
			if lines, cut := g.Lines(3); len(lines) == 0 || len(lines) > 3 || len(lines)+cut > len(g.Calls) {
				t.Fatalf("%d lines, %d cut, of %d calls", len(lines), cut, len(g.Calls))
			}
		}
	})
}
