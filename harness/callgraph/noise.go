package callgraph

import "strings"

// What a recvmsg calls varies from one time to the next for reasons that have
// nothing to do with its socket. Two graphs are there to be compared, so this
// is left out of their lines. Functions go by their names without the
// compiler's suffixes (.isra.0, .part.0).

// gone are calls that are left out with all below them.
var gone = names(`
	irq_enter_rcu irq_exit_rcu idle_cpu __hrtimer_rearm_deferred
	do_softirq_own_stack __do_softirq handle_softirqs
	irqentry_exit_cond_resched raw_irqentry_exit_cond_resched preempt_schedule_irq scheduler_ipi
`, // an interrupt: the tracer hides its handler, not the way in and out

	`lock_vma_under_rcu lock_mm_and_find_vma down_read_trylock find_vma handle_mm_fault up_read
`, // a page fault of the reader's buffer

	`kprobe_ftrace_handler copy_from_kernel_nofault migrate_disable migrate_enable ___migrate_enable
	bpf_ktime_get_boot_ns bpf_get_current_pid_tgid bpf_get_stack bpf_get_stack_raw_tp
`, // a probe: kprobe, or a BPF program on the function's entry

	`__rcu_read_lock __rcu_read_unlock rcu_read_unlock_strict
`) // around each of the above, and all over

// bare are calls that stay, without what is below them.
var bare = names(`
	_cond_resched __cond_resched schedule schedule_timeout
`, // other tasks run

	`__local_bh_enable_ip do_softirq
`, // whatever softirqs are pending, of any socket

	`kfree kvfree kmem_cache_free kmem_cache_free_bulk free_unref_page __free_pages put_page __folio_put
	kmalloc_reserve kmem_cache_alloc kmem_cache_alloc_node kmem_cache_alloc_noprof kmem_cache_alloc_node_noprof
	__kmalloc __kmalloc_noprof __kmalloc_node_track_caller __kmalloc_node_track_caller_noprof
`) // the allocator has its fast path and its slow one

func names(groups ...string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(strings.Join(groups, " ")) {
		set[name] = true
	}
	return set
}

// quiet leaves the noise out below the first call. Depths of what stays are kept.
func quiet(calls []Call) []Call {
	if len(calls) == 0 {
		return nil
	}
	out := []Call{calls[0]}
	for i := 1; i < len(calls); {
		name := base(calls[i].Name)
		end := after(calls, i)
		switch {
		case gone[name]:
			i = end
		case name == taskSwitch:
			i = switched(calls, i)
		case bare[name]:
			out = append(out, calls[i])
			i = end
		default:
			out = append(out, calls[i])
			i++
		}
	}
	return out
}

// base is a function's name without module and suffixes.
func base(name string) string {
	name, _, _ = strings.Cut(name, " ")
	name, _, _ = strings.Cut(name, ".")
	return name
}

// after is the index of the first call that is not below the i-th.
func after(calls []Call, i int) int {
	end := i + 1
	for end < len(calls) && calls[end].Depth > calls[i].Depth {
		end++
	}
	return end
}

// taskSwitch is what __schedule() calls first.
const taskSwitch = "rcu_note_context_switch"

// switched is the index of the first call after a task switch that began at the
// i-th, an involuntary one as a rule: __schedule() itself is not traced, so
// that its calls stand among those of the function that was interrupted. If the
// end of the switch is not to be seen, only the call itself is passed.
func switched(calls []Call, i int) int {
	picked := false
	for j := after(calls, i); j < len(calls) && calls[j].Depth == calls[i].Depth; j = after(calls, j) {
		name := base(calls[j].Name)
		switch {
		case name == "finish_task_switch",
			picked && strings.HasPrefix(name, "_raw_spin_unlock"): // the same task goes on
			return after(calls, j)
		case name == taskSwitch:
			return after(calls, i)
		}
		picked = strings.HasPrefix(name, "pick_")
	}
	return after(calls, i)
}
