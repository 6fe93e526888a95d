//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// A program for each kind of probe, all of which do the same: count. What one
// costs beyond that is the probe's own.
//
// Where a program is attached user space says; only a tracepoint's name is part
// of it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define NR_GETPGID 121 // x86-64

volatile __u64 hits = 0;

static __always_inline int count(void)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}

SEC("kprobe")
int at_kprobe(void *ctx)
{
	return count();
}

SEC("kprobe.multi")
int at_kprobe_multi(void *ctx)
{
	return count();
}

SEC("fentry/__x64_sys_getpgid")
int at_fentry(void *ctx)
{
	return count();
}

SEC("fexit/__x64_sys_getpgid")
int at_fexit(void *ctx)
{
	return count();
}

SEC("tp/syscalls/sys_enter_getpgid")
int at_tracepoint(void *ctx)
{
	return count();
}

// It runs at every system call.
SEC("raw_tp/sys_enter")
int at_raw_tracepoint(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[1] == NR_GETPGID ? count() : 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
