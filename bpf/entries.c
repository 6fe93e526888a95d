//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The sockets behind the entries of a sockhash or a sockmap, as they are in the
// kernel's memory: user space can look up a cookie (and that only if values have
// 8 bytes), but not whether the socket that it belonged to is still alive.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sockmap.h"

// Of the map that is read, set before loading; 0 leaves the keys out. A
// constant: the verifier holds it against the map when the iterator is attached.
const volatile __u32 key_size = 0;

// One record for each entry, followed by its key. Fields of fixed size, no padding.
struct entry_socket {
	__u64 cookie;
	__u64 sock;    // address of the struct sock
	__u64 handler; // sk_prot->recvmsg
	__u16 port;    // skc_num: 0 once the socket is destroyed
	__u16 peer;    // skc_dport, in host order: 0 once it is disconnected
	__u16 family;
	__u8 state;    // TCP_ESTABLISHED is 1
	__u8 held;     // a struct socket holds it
};

const struct entry_socket *unused __attribute__((unused));

SEC("iter/sockmap")
int socket_of(struct bpf_iter__sockmap *ctx)
{
	struct sock *sk = ctx->sk;
	struct sock___peer *peer = (void *)sk;
	void *key = ctx->key;
	struct entry_socket e = {};

	if (!sk || !key)
		return 0;
	e.cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	e.sock = (__u64)sk;
	e.handler = (__u64)BPF_CORE_READ(sk, __sk_common.skc_prot, recvmsg);
	e.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	e.peer = bpf_ntohs(BPF_CORE_READ(peer, __sk_common.skc_dport));
	e.family = BPF_CORE_READ(peer, __sk_common.skc_family);
	e.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	e.held = BPF_CORE_READ(sk, sk_socket) != 0;
	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));
	bpf_seq_write(ctx->meta->seq, key, key_size);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
