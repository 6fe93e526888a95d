//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Two sockhashes for sockets that user space enters one by one: plain has no
// program at all, passing has an skb verdict program that lets every skb through.
// What such a socket receives from the network then waits in its receive queue
// (plain) or in its psock's (passing).
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1024);
	__type(key, __u64); // the socket's cookie
	__type(value, __u64);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} passing SEC(".maps");

volatile __u64 passed = 0; // bytes that the program let through

// No parser goes with it: the kernel does without since 5.10.
SEC("sk_skb/stream_verdict")
int pass(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&passed, skb->len);
	return SK_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
