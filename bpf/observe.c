//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What happens to a TCP socket that bears on which handler serves it: its
// states, the sk_prot that a sockmap installs, the psock's end, each recvmsg,
// and payload that a peer's sendmsg was redirected to it. A flight recorder:
// each socket has a slot of fixed size in memory, which user space reads when it
// wants to know, and not at all otherwise. A socket is known by its cookie; one
// whose cookie nobody has asked for is not watched.
//
// For most there are two programs, for kprobe and for fentry. Which are loaded is
// user space's choice (harness/observe/hooks.go).
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "kernel.h"

#define SOCK_STREAM 1
#define TCP_CLOSE 7
#define SOCKETS 8192
#define HANDLERS 4
#define MOMENTS 32 // a power of two, as is STACKS
#define STACKS 4
#define FRAMES 24

enum { STATE = 1, PROTO, RECVMSG, DROP, DELIVERED };

struct handler {
	__u64 address; // of the function that sk_prot->recvmsg points to
	__u64 calls;
};

struct moment {
	__u64 time; // CLOCK_BOOTTIME, ns
	__u64 proto;
	__u64 handler;
	__u32 thread;
	__u16 bytes; // DELIVERED, cut at 65,535
	__u8 kind;
	__u8 from;  // TCP state
	__u8 to;    // TCP state; DELIVERED: the socket's
	__u8 stack; // its index plus 1; 0: none
	__u8 pad[2];
	__u32 owner; // the socket's cookie, low half: else it is a former socket's
};

struct life {
	__u64 cookie;
	__u64 sock; // address of the struct sock
	struct handler handler[HANDLERS]; // in the order of first use; address 0 = free
	__u32 moments; // all of them: those beyond MOMENTS found no room
	__u32 stacks;
	struct moment moment[MOMENTS];
	__u64 stack[STACKS][FRAMES]; // return addresses, innermost first; 0 ends it
};

// A slot for each socket, by the remainder of its cookie: the kernel gives
// cookies out in sequence, and a slot is taken over by the next that comes to it.
//
// User space reads it as memory. A system call on a map would blind a kprobe:
// while a task is inside one, and on a preemptible kernel that may be while
// others run on its CPU, kprobe programs are skipped there
// (bpf_disable_instrumentation, kernel/bpf/syscall.c).
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOCKETS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct life);
} lives SEC(".maps");

volatile __u64 lost = 0; // recvmsg calls that found no room to be counted

// Which argument of tcp_bpf_sendmsg_redir() is the number of bytes, from 0: 2
// in 5.10 (sk, msg, bytes, flags), 3 since it has the argument ingress.
volatile const __u8 redir_bytes = 3;

static __always_inline struct life *life_of(struct sock *sk)
{
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	__u32 slot = cookie % SOCKETS;
	struct life *l;

	if (!cookie)
		return 0;
	l = bpf_map_lookup_elem(&lives, &slot);
	if (l && l->cookie != cookie) {
		__builtin_memset(l->handler, 0, sizeof(l->handler));
		l->moments = 0;
		l->stacks = 0;
		l->sock = (__u64)sk;
		l->cookie = cookie;
	}
	return l;
}

// For the verifier of 5.10, which forgets a bound that was checked on a copy.
#define BOUND(i, n) asm volatile("%0 &= %1" : "+r"(i) : "i"((n)-1))

// Room for one more moment. Several CPUs may ask at once, and 5.10 has no atomic
// add that yields the value: two may then write to one place, which leaves
// another to its former owner, and so is seen.
static __always_inline struct moment *add(struct life *l, __u8 kind)
{
	struct moment *m;
	__u32 i;

	__sync_fetch_and_add(&l->moments, 1);
	i = *(volatile __u32 *)&l->moments - 1;
	if (i >= MOMENTS)
		return 0;
	BOUND(i, MOMENTS);
	m = &l->moment[i];
	__builtin_memset(m, 0, sizeof(*m));
	m->time = bpf_ktime_get_boot_ns();
	m->thread = bpf_get_current_pid_tgid();
	m->kind = kind;
	m->owner = l->cookie;
	return m;
}

static __always_inline void add_stack(void *ctx, struct life *l, struct moment *m)
{
	__u32 i = l->stacks;

	if (i >= STACKS)
		return;
	BOUND(i, STACKS);
	l->stacks = i + 1;
	__builtin_memset(l->stack[i], 0, sizeof(l->stack[i]));
	if (bpf_get_stack(ctx, l->stack[i], sizeof(l->stack[i]), 0) > 0)
		m->stack = i + 1;
}

static __always_inline void set_proto(struct moment *m, struct proto *proto)
{
	m->proto = (__u64)proto;
	m->handler = (__u64)BPF_CORE_READ(proto, recvmsg);
}

// Counts a call, and tells whether it is the first to this handler (1), not
// the first (0), or found no room (-1).
static __always_inline int count(struct life *l, __u64 address)
{
#pragma unroll
	for (int i = 0; i < HANDLERS; i++) {
		struct handler *h = &l->handler[i];

		if (h->address != address && h->address != 0)
			continue;
		h->address = address; // one reader a socket at a time: no race
		return h->calls++ == 0;
	}
	return -1;
}

static __always_inline int on_recvmsg(void *ctx, struct socket *sock)
{
	struct sock *sk = BPF_CORE_READ(sock, sk);
	struct proto *proto;
	struct moment *m;
	struct life *l;
	int first;

	if (BPF_CORE_READ(sock, type) != SOCK_STREAM)
		return 0;
	l = life_of(sk);
	if (!l)
		return 0;
	proto = BPF_CORE_READ(sk, __sk_common.skc_prot);
	first = count(l, (__u64)BPF_CORE_READ(proto, recvmsg));
	if (first < 0)
		__sync_fetch_and_add(&lost, 1);
	m = add(l, RECVMSG);
	if (!m)
		return 0;
	set_proto(m, proto);
	if (first > 0)
		add_stack(ctx, l, m);
	return 0;
}

static __always_inline int on_proto(struct sock *sk, struct proto *proto)
{
	struct life *l = life_of(sk);
	struct moment *m = l ? add(l, PROTO) : 0;

	if (m)
		set_proto(m, proto);
	return 0;
}

static __always_inline int on_drop(void *ctx, struct sock *sk)
{
	struct life *l = life_of(sk);
	struct moment *m = l ? add(l, DROP) : 0;

	if (!m)
		return 0;
	set_proto(m, BPF_CORE_READ(sk, __sk_common.skc_prot));
	add_stack(ctx, l, m);
	return 0;
}

static __always_inline int on_state(void *ctx, struct sock *sk, __u8 from, __u8 to)
{
	struct life *l = life_of(sk);
	struct moment *m = l ? add(l, STATE) : 0;

	if (!m)
		return 0;
	m->from = from;
	m->to = to;
	if (to == TCP_CLOSE)
		add_stack(ctx, l, m);
	return 0;
}

static __always_inline int on_delivered(struct sock *sk, __u32 bytes)
{
	struct life *l = life_of(sk);
	struct moment *m = l ? add(l, DELIVERED) : 0;

	if (!m)
		return 0;
	m->bytes = bytes < 65535 ? bytes : 65535;
	m->to = BPF_CORE_READ(sk, __sk_common.skc_state);
	return 0;
}

SEC("kprobe/tcp_set_state")
int BPF_KPROBE(tcp_set_state_kprobe, struct sock *sk, int to)
{
	return on_state(ctx, sk, BPF_CORE_READ(sk, __sk_common.skc_state), to);
}

SEC("raw_tp/inet_sock_set_state")
int inet_sock_set_state(struct bpf_raw_tracepoint_args *ctx)
{
	return on_state(ctx, (struct sock *)ctx->args[0], ctx->args[1], ctx->args[2]);
}

SEC("fentry/inet_recvmsg")
int BPF_PROG(inet_recvmsg_fentry, struct socket *sock)
{
	return on_recvmsg(ctx, sock);
}

SEC("fentry/inet6_recvmsg")
int BPF_PROG(inet6_recvmsg_fentry, struct socket *sock)
{
	return on_recvmsg(ctx, sock);
}

SEC("fexit/tcp_bpf_update_proto")
int BPF_PROG(tcp_bpf_update_proto_fexit, struct sock *sk, void *psock, _Bool restore)
{
	if (restore)
		return 0;
	return on_proto(sk, BPF_CORE_READ(sk, __sk_common.skc_prot));
}

// Its older name; what it returns is installed next.
SEC("fexit/tcp_bpf_get_proto")
int BPF_PROG(tcp_bpf_get_proto_fexit, struct sock *sk, void *psock, struct proto *ret)
{
	return on_proto(sk, ret);
}

SEC("fentry/sk_psock_drop")
int BPF_PROG(sk_psock_drop_fentry, struct sock *sk)
{
	return on_drop(ctx, sk);
}

SEC("fentry/tcp_bpf_sendmsg_redir")
int tcp_bpf_sendmsg_redir_fentry(volatile __u64 *ctx)
{
	// Volatile: else clang chooses the address and not the value, and the
	// verifier takes no computed address of an argument.
	__u64 b = ctx[2], c = ctx[3];

	return on_delivered((struct sock *)ctx[0], redir_bytes == 2 ? b : c);
}

SEC("kprobe/inet_recvmsg")
int BPF_KPROBE(inet_recvmsg_kprobe, struct socket *sock)
{
	return on_recvmsg(ctx, sock);
}

SEC("kprobe/inet6_recvmsg")
int BPF_KPROBE(inet6_recvmsg_kprobe, struct socket *sock)
{
	return on_recvmsg(ctx, sock);
}

SEC("kprobe/sk_psock_drop")
int BPF_KPROBE(sk_psock_drop_kprobe, struct sock *sk)
{
	return on_drop(ctx, sk);
}

SEC("kprobe/tcp_bpf_sendmsg_redir")
int BPF_KPROBE(tcp_bpf_sendmsg_redir_kprobe, struct sock *sk, void *a, __u64 b, __u64 c)
{
	return on_delivered(sk, redir_bytes == 2 ? b : c);
}

char _license[] SEC("license") = "Dual BSD/GPL";
