//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Which handler does a recvmsg on a TCP socket go to? inet_recvmsg() and
// inet6_recvmsg() call sk->sk_prot->recvmsg; the pointer is read as they are
// entered and counted by socket. A socket is known by its cookie; one whose
// cookie nobody has asked for is not watched.
//
// The two other programs count nothing: attached to the handlers themselves
// they let user space learn the handlers' addresses from the kernel.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SOCK_STREAM 1
#define HANDLERS 4
#define SOCKETS 32768

// The few members that are read, by name: CO-RE finds their offsets.
struct proto {
	void *recvmsg;
} __attribute__((preserve_access_index));

typedef struct {
	__s64 counter;
} __attribute__((preserve_access_index)) atomic64_t;

struct sock_common {
	struct proto *skc_prot;
	atomic64_t skc_cookie;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct socket {
	short type;
	struct sock *sk;
} __attribute__((preserve_access_index));

struct handler {
	__u64 address; // of the function that sk_prot->recvmsg points to
	__u64 calls;
};

struct dispatch {
	__u64 cookie;
	struct handler handler[HANDLERS]; // in the order of first use; address 0 = free
};

// A slot for each socket, by the remainder of its cookie: the kernel gives
// cookies out in sequence, and a slot is taken over by the next that comes to it.
//
// User space reads it as memory. A system call on a map would blind this
// observer: while a task is inside one, and on a preemptible kernel that may
// be while others run on its CPU, kprobe programs are skipped there
// (bpf_disable_instrumentation, kernel/bpf/syscall.c).
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOCKETS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct dispatch);
} dispatches SEC(".maps");

volatile __u64 lost = 0; // recvmsg calls that found no room

static __always_inline struct dispatch *dispatch_of(__u64 cookie)
{
	__u32 slot = cookie % SOCKETS;
	struct dispatch *d = bpf_map_lookup_elem(&dispatches, &slot);

	if (d && d->cookie != cookie) {
		__builtin_memset(d->handler, 0, sizeof(d->handler));
		d->cookie = cookie;
	}
	return d;
}

static __always_inline int count(struct dispatch *d, __u64 address)
{
#pragma unroll
	for (int i = 0; i < HANDLERS; i++) {
		struct handler *h = &d->handler[i];

		if (h->address != address && h->address != 0)
			continue;
		h->address = address; // one reader a socket at a time: no race
		h->calls++;
		return 0;
	}
	return -1;
}

static __always_inline int observe(struct socket *sock)
{
	struct sock *sk = BPF_CORE_READ(sock, sk);
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	struct dispatch *d;

	if (!cookie || BPF_CORE_READ(sock, type) != SOCK_STREAM)
		return 0;
	d = dispatch_of(cookie);
	if (!d || count(d, (__u64)BPF_CORE_READ(sk, __sk_common.skc_prot, recvmsg)))
		__sync_fetch_and_add(&lost, 1);
	return 0;
}

SEC("kprobe/inet_recvmsg")
int BPF_KPROBE(enter_inet_recvmsg, struct socket *sock)
{
	return observe(sock);
}

SEC("kprobe/inet6_recvmsg")
int BPF_KPROBE(enter_inet6_recvmsg, struct socket *sock)
{
	return observe(sock);
}

SEC("kprobe")
int locate(struct pt_regs *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
