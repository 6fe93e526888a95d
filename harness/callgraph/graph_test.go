package callgraph

import (
	"slices"
	"strings"
	"testing"
)

func TestAt(t *testing.T) {
	graph := func(thread uint32, start, end float64) Graph {
		return Graph{Thread: thread, Start: start, End: end, Calls: []Call{{0, "inet_recvmsg"}}}
	}
	r := Recording{Graphs: []Graph{
		graph(93, 1.1, 1.2), graph(94, 1.15, 1.3), graph(93, 1.4, 1.5), graph(94, 1.6, 0),
	}}
	for _, test := range []struct {
		thread uint32
		moment float64
		start  float64 // 0: there is none
	}{
		{93, 1.05, 1.1}, // the probe ran before the tracer
		{93, 1.15, 1.1},
		{93, 1.2, 1.1},
		{93, 1.3, 1.4},
		{93, 1.51, 0},
		{94, 1.15, 1.15},
		{94, 9.9, 1.6}, // it has not returned
		{95, 1.15, 0},
	} {
		got, ok := r.At(test.thread, test.moment)
		if ok != (test.start != 0) || got.Start != test.start {
			t.Errorf("thread %d at %v: began at %v, %v; want %v", test.thread, test.moment, got.Start, ok, test.start)
		}
	}
}

func TestLines(t *testing.T) {
	g := Graph{Calls: calls("inet_recvmsg", "  tcp_recvmsg", "    kfree", "      __slab_free", "  last")}
	for _, test := range []struct {
		max  int
		want []string
		cut  int
	}{
		{0, nil, 4},
		{3, []string{"inet_recvmsg", "  tcp_recvmsg", "    kfree"}, 1},
		{4, []string{"inet_recvmsg", "  tcp_recvmsg", "    kfree", "  last"}, 0},
	} {
		got, cut := g.Lines(test.max)
		if !slices.Equal(got, test.want) || cut != test.cut {
			t.Errorf("%d lines: %q, %d cut; want %q, %d", test.max, got, cut, test.want, test.cut)
		}
	}
}

func TestQuiet(t *testing.T) {
	for _, test := range []struct {
		name       string
		calls, out []string
	}{
		{"nothing", nil, nil},
		{"the traced function stays, whatever it is",
			[]string{"kfree", "  handle_softirqs", "    x", "  y"},
			[]string{"kfree", "  y"}},
		{"an interrupt's way in and out, and its softirqs",
			[]string{"f", "  irq_enter_rcu", "  handle_softirqs", "    net_rx_action", "  idle_cpu", "  g"},
			[]string{"f", "  g"}},
		{"softirqs as bottom halves are enabled",
			[]string{"f", "  __local_bh_enable_ip", "    do_softirq.part.0", "      __do_softirq", "  g"},
			[]string{"f", "  __local_bh_enable_ip", "  g"}},
		{"a page fault",
			[]string{"f", "  lock_mm_and_find_vma", "    down_read_trylock", "  handle_mm_fault", "    x", "  up_read", "  g"},
			[]string{"f", "  g"}},
		{"probes",
			[]string{"f", "  kprobe_ftrace_handler", "    get_kprobe", "  __rcu_read_lock", "  migrate_disable",
				"  bpf_ktime_get_boot_ns", "  bpf_get_stack_raw_tp", "    x", "  migrate_enable", "  ___migrate_enable", "    __set_cpus_allowed_ptr", "  __rcu_read_unlock", "  g"},
			[]string{"f", "  g"}},
		{"the allocator's slow path",
			[]string{"f", "  kmem_cache_alloc_node.isra.0", "    __slab_alloc", "  g"},
			[]string{"f", "  kmem_cache_alloc_node.isra.0", "  g"}},
		{"a function of a module is another one",
			[]string{"f", "  kfree_x [mod]", "    g", "  kfree [mod]", "    g"},
			[]string{"f", "  kfree_x [mod]", "    g", "  kfree [mod]"}},
		{"a task switch",
			[]string{"f", "  rcu_note_context_switch", "  pick_task_fair", "    x", "  put_prev_task_fair",
				"  finish_task_switch.isra.0", "    _raw_spin_unlock", "  g"},
			[]string{"f", "  g"}},
		{"a task switch to the same task",
			[]string{"f", "  rcu_note_context_switch", "  _raw_spin_lock", "  pick_task_fair", "    x", "  _raw_spin_unlock", "  g"},
			[]string{"f", "  g"}},
		{"a task switch without an end to be seen",
			[]string{"f", "  rcu_note_context_switch", "  pick_task_fair", "  g", "  _raw_spin_unlock",
				"  rcu_note_context_switch", "  finish_task_switch", "  h"},
			[]string{"f", "  pick_task_fair", "  g", "  _raw_spin_unlock", "  h"}},
		{"a task switch ends in the function that it began in",
			[]string{"f", "  g", "    rcu_note_context_switch", "    h", "  finish_task_switch"},
			[]string{"f", "  g", "    h", "  finish_task_switch"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := quiet(calls(test.calls...)); !slices.Equal(got, calls(test.out...)) {
				t.Errorf("got %v\nwant %v", got, calls(test.out...))
			}
		})
	}
}

// calls reads lines as Lines writes them.
func calls(lines ...string) []Call {
	var out []Call
	for _, line := range lines {
		name := strings.TrimLeft(line, " ")
		out = append(out, Call{(len(line) - len(name)) / 2, name})
	}
	return out
}
