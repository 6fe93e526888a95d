//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// TCP connects that fail, and the SYNs that were sent again on the way. An
// attempt begins in tcp_connect(), which sends the first SYN, and is over when
// the socket leaves SYN_SENT. One that ends inside of connect(2), for want of a
// route or a port say, has its error as the return value of tcp_v4_connect()
// only. Connects that succeed cost a map entry and are merely counted.
//
// A kprobe program is skipped when it strikes in an interrupt while another one
// runs on its CPU, a program of a raw tracepoint only when it would interrupt
// itself. So the end of an attempt is watched by both: what one misses, the other
// sees, and whichever comes first takes the attempt away. The number of retries
// is the socket's own count.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define AF_INET6 10
#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define ATTEMPTS 16384
#define FRAMES 24

enum { RETRY = 1, FAILED };

struct in6_bytes {
	__u8 b[16];
};

// The suffix is not part of the kernel's name.
struct ns_common___connect {
	__u32 inum;
} __attribute__((preserve_access_index));

struct net___connect {
	struct ns_common___connect ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net___connect *net;
} __attribute__((preserve_access_index)) possible_net_t___connect;

typedef struct {
	__s64 counter;
} __attribute__((preserve_access_index)) atomic64_t___connect;

struct sock_common___connect {
	__u16 skc_family;
	unsigned char skc_state;
	__u16 skc_num;
	__be16 skc_dport;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	struct in6_bytes skc_v6_daddr;
	struct in6_bytes skc_v6_rcv_saddr;
	possible_net_t___connect skc_net;
	atomic64_t___connect skc_cookie;
} __attribute__((preserve_access_index));

struct sock___connect {
	struct sock_common___connect __sk_common;
	int sk_err;
} __attribute__((preserve_access_index));

struct tcp_sock___connect {
	__u32 total_retrans;
} __attribute__((preserve_access_index));

// An IPv4 address is ::ffff:a.b.c.d here.
struct end {
	__u8 ip[16];
	__u16 port; // host order; 0: none yet
	__u16 pad;
};

struct connect_event {
	__u64 time;  // CLOCK_BOOTTIME, ns
	__u64 began; // when the first SYN was sent, or connect(2) called if none was
	__u64 cookie; // 0: nobody has asked for it
	__u32 netns;
	__u32 process; // that called connect(2)
	__u32 thread;
	__u32 retries; // SYNs sent again so far
	__u32 error;   // errno; 0: the socket was closed while it waited
	__u8 kind;
	__u8 pad[3];
	struct end local;
	struct end remote;
	char command[16];
	__u64 stack[FRAMES]; // of FAILED: where it failed, or of the call; innermost first, 0 ends it
};

const struct connect_event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct attempt {
	__u64 began;
	__u64 caller; // process in the upper half, thread in the lower
	char command[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ATTEMPTS);
	__type(key, __u64); // address of the struct sock
	__type(value, struct attempt);
} attempts SEC(".maps");

// A thread inside of tcp_v4_connect() or tcp_v6_connect().
struct call {
	__u64 sock;
	__u64 began;
	__u64 stack[FRAMES]; // here and not as it returns: a kretprobe has none on 5.10
	struct end remote;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ATTEMPTS);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps");

volatile __u64 begun = 0;    // attempts: first SYNs
volatile __u64 answered = 0; // of these, by a SYN of the peer
volatile __u64 failed = 0;   // attempts and calls that failed
volatile __u64 retried = 0;  // SYNs sent again by attempts that are over
volatile __u64 lost = 0;     // attempts and events that found no room

#define ADD(n, by) __sync_fetch_and_add(&(n), by)
#define COUNT(n) ADD(n, 1)

static __always_inline __u32 retries(struct sock___connect *sk)
{
	return BPF_CORE_READ((struct tcp_sock___connect *)sk, total_retrans);
}

static __always_inline void set_end(struct end *e, __u16 family, __be32 v4, struct in6_bytes *v6, __u16 port)
{
	if (family == AF_INET) {
		__builtin_memset(e->ip, 0, 10);
		e->ip[10] = e->ip[11] = 0xff;
		__builtin_memcpy(&e->ip[12], &v4, sizeof(v4));
	} else {
		__builtin_memcpy(e->ip, v6, sizeof(*v6));
	}
	e->port = port;
	e->pad = 0;
}

static __always_inline void set_local(struct end *e, struct sock___connect *sk)
{
	struct in6_bytes v6 = {};

	BPF_CORE_READ_INTO(&v6, sk, __sk_common.skc_v6_rcv_saddr);
	set_end(e, BPF_CORE_READ(sk, __sk_common.skc_family), BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr), &v6,
		BPF_CORE_READ(sk, __sk_common.skc_num));
}

static __always_inline void set_remote(struct end *e, struct sock___connect *sk)
{
	struct in6_bytes v6 = {};

	BPF_CORE_READ_INTO(&v6, sk, __sk_common.skc_v6_daddr);
	set_end(e, BPF_CORE_READ(sk, __sk_common.skc_family), BPF_CORE_READ(sk, __sk_common.skc_daddr), &v6,
		bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)));
}

// Room for an event, filled in but for what only the caller knows.
static __always_inline struct connect_event *event(struct sock___connect *sk, __u8 kind, __u64 began, __u64 caller)
{
	struct connect_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e) {
		COUNT(lost);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->time = bpf_ktime_get_boot_ns();
	e->began = began;
	e->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	e->process = caller >> 32;
	e->thread = caller;
	e->kind = kind;
	set_local(&e->local, sk);
	return e;
}

static __always_inline int called(void *ctx, struct sock___connect *sk, struct end *remote)
{
	__u64 caller = bpf_get_current_pid_tgid();
	struct call c = {};

	c.sock = (__u64)sk;
	c.began = bpf_ktime_get_boot_ns();
	c.remote = *remote;
	bpf_get_stack(ctx, c.stack, sizeof(c.stack), 0);
	bpf_map_update_elem(&calls, &caller, &c, BPF_ANY);
	return 0;
}

// The start of struct sockaddr_in and sockaddr_in6, which are not the kernel's
// to change.
struct sockaddr_any {
	__u16 family;
	__be16 port;
	__be32 v4_or_flow;
	struct in6_bytes v6;
};

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(tcp_v4_connect, struct sock___connect *sk, void *to)
{
	struct sockaddr_any a = {};
	struct end remote;

	bpf_probe_read_kernel(&a, 8, to);
	set_end(&remote, AF_INET, a.v4_or_flow, &a.v6, bpf_ntohs(a.port));
	return called(ctx, sk, &remote);
}

SEC("kprobe/tcp_v6_connect")
int BPF_KPROBE(tcp_v6_connect, struct sock___connect *sk, void *to)
{
	struct sockaddr_any a = {};
	struct end remote;

	bpf_probe_read_kernel(&a, sizeof(a), to);
	set_end(&remote, AF_INET6, 0, &a.v6, bpf_ntohs(a.port));
	return called(ctx, sk, &remote);
}

// That IPv6 hands an IPv4-mapped address on to tcp_v4_connect() leaves nothing
// here to do for the outer call.
static __always_inline int returned(int error)
{
	__u64 caller = bpf_get_current_pid_tgid();
	struct call *c = bpf_map_lookup_elem(&calls, &caller);
	struct connect_event *e;
	__u64 sock;

	if (!c)
		return 0;
	sock = c->sock;
	if (error < 0) {
		COUNT(failed);
		bpf_map_delete_elem(&attempts, &sock);
		e = event((void *)sock, FAILED, c->began, caller);
		if (e) {
			e->error = -error;
			e->remote = c->remote;
			bpf_get_current_comm(e->command, sizeof(e->command));
			__builtin_memcpy(e->stack, c->stack, sizeof(e->stack));
			bpf_ringbuf_submit(e, 0);
		}
	}
	bpf_map_delete_elem(&calls, &caller);
	return 0;
}

SEC("kretprobe/tcp_v4_connect")
int BPF_KRETPROBE(tcp_v4_connect_return, int error)
{
	return returned(error);
}

SEC("kretprobe/tcp_v6_connect")
int BPF_KRETPROBE(tcp_v6_connect_return, int error)
{
	return returned(error);
}

SEC("kprobe/tcp_connect")
int BPF_KPROBE(tcp_connect, struct sock___connect *sk)
{
	__u64 sock = (__u64)sk;
	struct attempt a = {};

	a.began = bpf_ktime_get_boot_ns();
	a.caller = bpf_get_current_pid_tgid();
	bpf_get_current_comm(a.command, sizeof(a.command));
	COUNT(begun);
	if (bpf_map_update_elem(&attempts, &sock, &a, BPF_ANY))
		COUNT(lost);
	return 0;
}

SEC("kprobe/tcp_retransmit_skb")
int BPF_KPROBE(tcp_retransmit_skb, struct sock___connect *sk)
{
	__u64 sock = (__u64)sk;
	struct connect_event *e;
	struct attempt *a;

	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_SYN_SENT)
		return 0;
	a = bpf_map_lookup_elem(&attempts, &sock);
	if (!a)
		return 0;
	e = event(sk, RETRY, a->began, a->caller);
	if (!e)
		return 0;
	e->retries = retries(sk) + 1;
	__builtin_memcpy(e->command, a->command, sizeof(e->command));
	set_remote(&e->remote, sk);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline void report(void *ctx, struct sock___connect *sk, struct attempt *a)
{
	struct connect_event *e = event(sk, FAILED, a->began, a->caller);

	if (!e)
		return;
	e->retries = retries(sk);
	e->error = BPF_CORE_READ(sk, sk_err);
	__builtin_memcpy(e->command, a->command, sizeof(e->command));
	set_remote(&e->remote, sk);
	bpf_get_stack(ctx, e->stack, sizeof(e->stack), 0);
	bpf_ringbuf_submit(e, 0);
}

static __always_inline int inside_call(struct sock___connect *sk)
{
	__u64 caller = bpf_get_current_pid_tgid();
	struct call *c = bpf_map_lookup_elem(&calls, &caller);

	return c && c->sock == (__u64)sk;
}

static __always_inline int on_state(void *ctx, struct sock___connect *sk, int state)
{
	__u64 sock = (__u64)sk;
	struct attempt *a = bpf_map_lookup_elem(&attempts, &sock);

	if (!a)
		return 0;
	if (state != TCP_CLOSE) {
		COUNT(answered);
	} else if (inside_call(sk)) {
		return 0; // its error comes as the call returns
	} else {
		COUNT(failed);
		report(ctx, sk, a);
	}
	ADD(retried, retries(sk));
	bpf_map_delete_elem(&attempts, &sock);
	return 0;
}

SEC("kprobe/tcp_set_state")
int BPF_KPROBE(tcp_set_state, struct sock___connect *sk, int state)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_SYN_SENT)
		return 0;
	return on_state(ctx, sk, state);
}

SEC("raw_tp/inet_sock_set_state")
int inet_sock_set_state(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] != TCP_SYN_SENT)
		return 0;
	return on_state(ctx, (struct sock___connect *)ctx->args[0], ctx->args[2]);
}

char _license[] SEC("license") = "Dual BSD/GPL";
