//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// By which numbers a process goes in its pid namespace
// (bpf_get_ns_current_pid_tgid) and on the host (bpf_get_current_pid_tgid),
// asked whenever a watched process calls getpgid(2) or connect(2).
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define GETPGID 121 // x86-64

struct numbers {
	__u64 asked; // how often
	__u64 host;  // process in the upper half, thread in the lower
	__s64 ret;   // of bpf_get_ns_current_pid_tgid: 0 or a negative errno
	__u32 thread;
	__u32 process;
};

volatile __u64 dev;     // of the namespace to ask for, as the kernel writes it
volatile __u64 inode;
volatile __u32 watched; // process, by its number on the host
struct numbers answer;

static __always_inline void ask(void)
{
	struct bpf_pidns_info info = {};
	__u64 host = bpf_get_current_pid_tgid();

	if (host >> 32 != watched)
		return;
	answer.host = host;
	answer.ret = bpf_get_ns_current_pid_tgid(dev, inode, &info, sizeof(info));
	answer.thread = info.pid;
	answer.process = info.tgid;
	answer.asked++;
}

SEC("raw_tracepoint/sys_enter")
int call(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] == GETPGID)
		ask();
	return 0;
}

// The helper is not for sockops programs before 6.10: then this one does not load.
SEC("sockops")
int connects(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		ask();
	return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
