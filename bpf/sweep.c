//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Deletes entries of a sockhash whose sockets have been destroyed, of those that
// user space has named. Here and not from user space, because the kernel deletes
// by key alone: between a look at the socket and a system call that deletes its
// key, the key may have gone over to a live one. Here the two are some hundred
// instructions apart, on one CPU.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "sockmap.h"

#define TCP_CLOSE 7

// A key of Cilium's layout, not looked into.
struct swept_key {
	__u32 word[11];
};

enum { WAITING, DELETED, REPLACED, ALIVE, FAILED };

struct target {
	__u64 sock;    // address of the struct sock that is to be behind the key
	__u32 outcome; // WAITING: the iterator has not met the key
	__s32 err;     // FAILED: negative errno
};

const struct target *unused __attribute__((unused));

// The map to be swept is put in its place.
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1);
	__type(key, struct swept_key);
	__type(value, __u32);
} swept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct swept_key);
	__type(value, struct target);
} targets SEC(".maps");

// The rule of Stale in harness/sweep.
static __always_inline int destroyed(struct sock *sk)
{
	struct sock___peer *peer = (void *)sk;

	return BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE &&
	       BPF_CORE_READ(sk, __sk_common.skc_num) == 0 &&
	       BPF_CORE_READ(peer, __sk_common.skc_dport) == 0 &&
	       BPF_CORE_READ(sk, sk_socket) == 0;
}

SEC("iter/sockmap")
int delete_destroyed(struct bpf_iter__sockmap *ctx)
{
	struct swept_key *in = ctx->key, key;
	struct sock *sk = ctx->sk;
	struct target *t;

	if (!sk || !in)
		return 0;
	key = *in;
	t = bpf_map_lookup_elem(&targets, &key);
	if (!t || t->outcome != WAITING)
		return 0;
	if (t->sock != (__u64)sk) {
		t->outcome = REPLACED;
	} else if (!destroyed(sk)) {
		t->outcome = ALIVE;
	} else {
		t->err = bpf_map_delete_elem(&swept, &key);
		t->outcome = t->err ? FAILED : DELETED;
	}
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
