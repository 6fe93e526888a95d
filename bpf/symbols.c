//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The kernel names its own addresses: an iterator over an array of them prints
// one line each by %pB, as a stack dump does: "3 tcp_recvmsg+0x1/0x150". That
// takes microseconds an address, where reading /proc/kallsyms takes an emulated
// guest most of a second.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define ADDRESSES 512

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ADDRESSES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} addresses SEC(".maps");

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *map;
	void *key;
	void *value;
};

SEC("iter/bpf_map_elem")
int name(struct bpf_iter__bpf_map_elem *ctx)
{
	static const char format[] = "%u %pB\n";
	__u32 *index = ctx->key;
	__u64 *address = ctx->value;
	__u64 args[2];

	if (!index || !address || !*address)
		return 0;
	args[0] = *index;
	args[1] = *address;
	bpf_seq_printf(ctx->meta->seq, format, sizeof(format), args, sizeof(args));
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
