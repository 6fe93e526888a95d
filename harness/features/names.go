package features

import (
	"strings"
	"unicode"

	"github.com/cilium/ebpf/asm"
)

// programTypes are the names of enum bpf_prog_type in linux/bpf.h, by number.
var programTypes = []string{
	1: "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event",
	"cgroup_skb", "cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb",
	"cgroup_device", "sk_msg", "raw_tracepoint", "cgroup_sock_addr", "lwt_seg6local", "lirc_mode2",
	"sk_reuseport", "flow_dissector", "cgroup_sysctl", "raw_tracepoint_writable", "cgroup_sockopt",
	"tracing", "struct_ops", "ext", "lsm", "sk_lookup", "syscall", "netfilter",
}

// mapTypes are the names of enum bpf_map_type in linux/bpf.h, by number.
var mapTypes = []string{
	1: "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array",
	"stack_trace", "cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps",
	"hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash", "cgroup_storage",
	"reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage", "devmap_hash",
	"struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf",
	"cgrp_storage", "arena",
}

// helpers are the names of the helpers that the library has a number for:
// bpf_map_lookup_elem for FnMapLookupElem.
var helpers = func() []string {
	names := []string{""} // FnUnspec
	for fn := asm.BuiltinFunc(1); ; fn++ {
		name, known := strings.CutPrefix(fn.String(), "Fn")
		if !known {
			return names
		}
		names = append(names, "bpf"+snake(name))
	}
}()

// snake writes MapLookupElem as _map_lookup_elem.
func snake(camel string) string {
	var b strings.Builder
	for _, r := range camel {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// enum is an enum of linux/bpf.h.
type enum struct {
	name, prefix string
	as           string   // what stands for the prefix here
	known        []string // names by number
}

var (
	programTypeEnum = enum{"bpf_prog_type", "BPF_PROG_TYPE_", "", programTypes}
	mapTypeEnum     = enum{"bpf_map_type", "BPF_MAP_TYPE_", "", mapTypes}
	enums           = []enum{programTypeEnum, mapTypeEnum, {"bpf_func_id", "BPF_FUNC_", "bpf_", helpers}}
)
