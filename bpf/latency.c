//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// How often tcp_sendmsg was called, and how long its first byte took until the
// peer had read it, for each direction of each TCP connection between sockets of
// this machine.
//
// A call is matched to a read by sequence number, not by the calling thread:
// tcp_sendmsg begins at write_seq of the sender, and its first byte is read when
// copied_seq of the receiver is beyond that. Both sockets know each other by
// their addresses alone, so that two network namespaces with the same addresses
// would be taken for one.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define WAYS 1024
#define FLIGHT 16 // a power of two
#define SLOTS 40  // the last one has 2^39 ns, nine minutes, and more

struct in6 {
	__u8 bytes[16];
};

// The suffix is not part of the kernel's name.
struct sock_common___latency {
	__u16 skc_family;
	__u16 skc_num;
	__be16 skc_dport;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	struct in6 skc_v6_daddr;
	struct in6 skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock___latency {
	struct sock_common___latency __sk_common;
} __attribute__((preserve_access_index));

struct tcp_sock___latency {
	__u32 write_seq;
	__u32 copied_seq;
} __attribute__((preserve_access_index));

// An IPv4 address is ::ffff:a.b.c.d here.
struct address {
	__u8 ip[16];
	__u16 port; // host order
};

struct way {
	struct address from;
	struct address to;
};

struct flight {
	__u64 time; // CLOCK_MONOTONIC, ns
	__u32 seq;
	__u32 pad;
};

// Of a direction one thread sends and one reads at a time, each on its own
// members, so that there is no race.
struct traffic {
	__u64 sends;	   // calls of tcp_sendmsg
	__u64 overrun;	   // of these, calls that found FLIGHT others unread: not measured
	__u64 read;	   // first bytes that were read
	__u64 nanoseconds; // of these, in sum
	__u32 head;	   // of flight, to be written next
	__u32 tail;	   // to be read next
	struct flight flight[FLIGHT];
	__u64 slot[SLOTS]; // slot[i] counts latencies from 2^i ns to below 2^(i+1); slot[0] has 0 too
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAYS);
	__type(key, struct way);
	__type(value, struct traffic);
} ways SEC(".maps");

volatile __u64 lost = 0; // calls on connections beyond WAYS

static const struct traffic none = {};

static __always_inline void address_of(struct address *a, __u16 family, __be32 v4, struct in6 *v6, __u16 port)
{
	if (family == AF_INET) {
		a->ip[10] = a->ip[11] = 0xff;
		__builtin_memcpy(&a->ip[12], &v4, sizeof(v4));
	} else {
		__builtin_memcpy(a->ip, v6, sizeof(*v6));
	}
	a->port = port;
}

static __always_inline void ends_of(struct sock___latency *sk, struct address *own, struct address *peer)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct in6 v6 = {};

	BPF_CORE_READ_INTO(&v6, sk, __sk_common.skc_v6_rcv_saddr);
	address_of(own, family, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr), &v6,
		   BPF_CORE_READ(sk, __sk_common.skc_num));
	BPF_CORE_READ_INTO(&v6, sk, __sk_common.skc_v6_daddr);
	address_of(peer, family, BPF_CORE_READ(sk, __sk_common.skc_daddr), &v6,
		   bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport)));
}

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(tcp_sendmsg, struct sock___latency *sk)
{
	struct way way = {};
	struct traffic *t;
	struct flight *f;

	ends_of(sk, &way.from, &way.to);
	t = bpf_map_lookup_elem(&ways, &way);
	if (!t) {
		bpf_map_update_elem(&ways, &way, &none, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&ways, &way);
	}
	if (!t) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	t->sends++;
	if (t->head - t->tail >= FLIGHT) {
		t->overrun++;
		return 0;
	}
	f = &t->flight[t->head % FLIGHT];
	f->seq = BPF_CORE_READ((struct tcp_sock___latency *)sk, write_seq);
	f->time = bpf_ktime_get_ns();
	t->head++;
	return 0;
}

static __always_inline __u32 log2(__u64 v)
{
	__u32 n = 0;

#pragma unroll
	for (int bits = 32; bits; bits /= 2) {
		if (v >> bits) {
			v >>= bits;
			n += bits;
		}
	}
	return n;
}

static __always_inline void add(struct traffic *t, __u64 took)
{
	__u32 i = log2(took);

	if (i >= SLOTS)
		i = SLOTS - 1;
	t->slot[i]++;
	t->nanoseconds += took;
	t->read++;
}

// Called by tcp_recvmsg for every piece that it has copied to the reader.
SEC("kprobe/tcp_rcv_space_adjust")
int BPF_KPROBE(tcp_rcv_space_adjust, struct sock___latency *sk)
{
	__u64 now = bpf_ktime_get_ns();
	struct way way = {};
	struct traffic *t;
	__u32 copied;

	ends_of(sk, &way.to, &way.from);
	t = bpf_map_lookup_elem(&ways, &way);
	if (!t)
		return 0;
	copied = BPF_CORE_READ((struct tcp_sock___latency *)sk, copied_seq);
	for (int i = 0; i < FLIGHT; i++) {
		struct flight *f = &t->flight[t->tail % FLIGHT];

		if (t->tail == t->head || (__s32)(copied - f->seq) <= 0)
			break;
		add(t, now - f->time);
		t->tail++;
	}
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
