package cost

import (
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// Ways in which kernels keep track of tasks that a kretprobe follows: what is
// locked, or not, as a function is entered and as it returns.
const (
	HashLocks = "hash table with locks, a locked list of free instances" // before 5.11
	Freelist  = "a list of the task's own, one lock-free list of free instances"
	Objpool   = "a list of the task's own, free instances by CPU (objpool)" // since 6.7
)

// Machinery tells which of them the running kernel has, by functions in its BTF.
func Machinery() (string, error) {
	types, err := btf.LoadKernelSpec()
	if err != nil {
		return "", fmt.Errorf("load kernel BTF: %w", err)
	}
	return machinery(func(function string) bool {
		var f *btf.Func
		return types.TypeByName(function, &f) == nil
	})
}

func machinery(has func(function string) bool) (string, error) {
	hash, pool := has("kretprobe_table_lock"), has("objpool_init")
	switch {
	case !has("pre_handler_kretprobe"):
		return "", fmt.Errorf("the kernel has no kretprobes")
	case hash && pool:
		return "", fmt.Errorf("the kernel has both kretprobe_table_lock and objpool_init: no kernel known does")
	case hash:
		return HashLocks, nil
	case pool:
		return Objpool, nil
	}
	return Freelist, nil
}
