//go:build ignore

// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// Socket acceleration as Cilium v1.11.10 did it, reduced to what its behaviour
// rests on: a sockops program that enters every socket into one map when the
// connection is established, and an sk_msg program that redirects each
// sendmsg to the peer found in that map. No policy, no services.
//
// Like Cilium's, it leaves the removal of entries to the kernel, and inserts
// with BPF_NOEXIST: an entry that the kernel forgot makes the insert fail, and
// the new socket keeps plain tcp_recvmsg while its peer's data is redirected
// to the old one.
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10
#define EBUSY 16
#define EEXIST 17
#define SLOT_PORTS 2048 // client ports that a SOCKMAP tells apart
#define SOCKETS 8192

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 }; // Cilium's ENDPOINT_KEY_IPV4 and _IPV6

// Cilium's struct sock_key: 44 bytes, no padding. An IPv4 address takes the
// first word of its 16 bytes. Ports are in network order in the low 16 bits.
struct sock_key {
	__u32 sip[4];
	__u32 dip[4];
	__u8 family;
	__u8 pad7;
	__u16 pad8;
	__u32 sport;
	__u32 dport;
} __attribute__((packed));

struct address {
	__u32 word[4];
};

// An update that the kernel refused.
struct refusal {
	struct sock_key key;
	__s32 err; // negative errno
	__u32 op;  // BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB or PASSIVE_
};

// The value is 8 bytes where Cilium's is 4: a lookup from user space then
// yields the socket's cookie instead of ENOSPC.
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65535);
	__type(key, struct sock_key);
	__type(value, __u64);
} sock_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2 * SLOT_PORTS);
	__type(key, __u32);
	__type(value, __u64);
} sock_map SEC(".maps");

// Sockets under a key that no other will ever have, their own cookie (knob
// by_cookie). The sender knows its peer's 4-tuple only: peers leads from that to
// the cookie, and always to that of the newest connection.
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 65535);
	__type(key, __u64);
	__type(value, __u64);
} cookie_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SOCKETS);
	__type(key, struct sock_key);
	__type(value, __u64);
} peers SEC(".maps");

// Addresses of this node and its pods. Only a connection between two of them
// is accelerated (Cilium asks its endpoint map about the remote address; here
// the remote node shares the kernel and the cgroup, so both ends are asked).
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct address);
	__type(value, __u8);
} endpoints SEC(".maps");

// Refused updates by socket cookie.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct refusal);
} refused SEC(".maps");

// What acceleration did for one socket.
struct member {
	__u64 cookie;
	__u64 updated; // when the map update was tried: CLOCK_BOOTTIME, ns; 0: not yet
	__u64 sent;    // the first sendmsg, same clock; 0: none
	__u64 redirected; // sendmsg calls redirected to the peer
	__u64 no_peer;    // sendmsg calls whose peer was not in the map
	__s32 err; // of the update: 0 or a negative errno
	__u32 op;  // BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB or PASSIVE_
};

// A slot for each socket by the remainder of its cookie, taken over by the next
// that comes to it. Read as memory: a system call on a map would blind kprobe
// programs for its time (bpf/observe.c).
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOCKETS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct member);
} members SEC(".maps");

// The cookie of a socket that was entered: an sk_msg program cannot ask for it.
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} cookies SEC(".maps");

// Knobs, writable at any time.
volatile __u64 update_flags = BPF_NOEXIST;
volatile __u8 use_sockmap = 0; // sock_map in place of sock_hash
volatile __u8 by_cookie = 0;   // cookie_hash in place of sock_hash
volatile __u8 delete_closed = 0; // a socket leaves sock_hash as its state becomes CLOSE
volatile __u8 redirect = 1;    // sk_msg redirects; else it passes everything on
volatile __u16 server_port = 0; // host order; tells the two ends apart in sock_map

// Counters, one for every outcome.
volatile __u64 inserted = 0;
volatile __u64 exists = 0;      // update refused with -EEXIST
volatile __u64 failed = 0;      // update refused with another errno
volatile __u64 unrecorded = 0;  // a refusal that found no room in the refused map
volatile __u64 redirected = 0;  // sendmsg calls redirected to a peer
volatile __u64 no_peer = 0;     // sendmsg calls whose peer is not in the map

static __always_inline int is_endpoint(const __u32 *ip)
{
	struct address a = { { ip[0], ip[1], ip[2], ip[3] } };

	return bpf_map_lookup_elem(&endpoints, &a) != 0;
}

// A slot of sock_map: two for each client port, which is all that tells the
// connections of one server apart. Its clients' ports must lie within SLOT_PORTS.
static __always_inline __u32 slot(__u16 local, __u16 remote)
{
	__u16 port = server_port;

	return local == port ? remote % SLOT_PORTS * 2 + 1 : local % SLOT_PORTS * 2;
}

static __always_inline struct member *member_of(__u64 cookie)
{
	__u32 slot = cookie % SOCKETS;
	struct member *m = bpf_map_lookup_elem(&members, &slot);

	if (m && m->cookie != cookie) {
		__builtin_memset(m, 0, sizeof(*m));
		m->cookie = cookie;
	}
	return m;
}

static __always_inline void remember(struct bpf_sock_ops *ops, __u64 cookie, long err)
{
	struct bpf_sock *sk = ops->sk;
	struct member *m = member_of(cookie);

	if (m) {
		m->updated = bpf_ktime_get_boot_ns();
		m->err = err;
		m->op = ops->op;
	}
	if (sk)
		bpf_sk_storage_get(&cookies, sk, &cookie, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline void note(struct bpf_sock_ops *ops, struct sock_key *key, __u64 cookie, long err)
{
	struct refusal r = { .key = *key, .err = err, .op = ops->op };

	if (err == -EEXIST)
		__sync_fetch_and_add(&exists, 1);
	else
		__sync_fetch_and_add(&failed, 1);
	if (bpf_map_update_elem(&refused, &cookie, &r, BPF_ANY))
		__sync_fetch_and_add(&unrecorded, 1);
}

static __always_inline long enter_by_cookie(struct bpf_sock_ops *ops, struct sock_key *key, __u64 cookie)
{
	long err = bpf_sock_hash_update(ops, &cookie_hash, &cookie, update_flags);

	// In the map already, under this very key: it was connected before, and
	// then to AF_UNSPEC.
	if (err == -EBUSY)
		err = 0;
	return err ? err : bpf_map_update_elem(&peers, key, &cookie, BPF_ANY);
}

static __always_inline long enter(struct bpf_sock_ops *ops, struct sock_key *key, __u64 cookie)
{
	__u32 index;

	if (by_cookie)
		return enter_by_cookie(ops, key, cookie);
	if (!use_sockmap)
		return bpf_sock_hash_update(ops, &sock_hash, key, update_flags);
	index = slot(ops->local_port, bpf_ntohl(ops->remote_port));
	return bpf_sock_map_update(ops, &sock_map, &index, update_flags);
}

static __always_inline void insert(struct bpf_sock_ops *ops, struct sock_key *key, __u64 cookie)
{
	long err = enter(ops, key, cookie);

	remember(ops, cookie, err);
	if (err) {
		note(ops, key, cookie, err);
		return;
	}
	__sync_fetch_and_add(&inserted, 1);
	// Of a socket that was refused the entry under its key is another's.
	if (delete_closed)
		bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_STATE_CB_FLAG);
}

// The peer's view: the sender must find this socket by its own tuple.
static __always_inline int key_of(struct bpf_sock_ops *ops, struct sock_key *key)
{
	if (ops->family == AF_INET) {
		key->family = FAMILY_IPV4;
		key->sip[0] = ops->remote_ip4;
		key->dip[0] = ops->local_ip4;
	} else if (ops->family == AF_INET6) {
		key->family = FAMILY_IPV6;
		key->sip[0] = ops->remote_ip6[0];
		key->sip[1] = ops->remote_ip6[1];
		key->sip[2] = ops->remote_ip6[2];
		key->sip[3] = ops->remote_ip6[3];
		key->dip[0] = ops->local_ip6[0];
		key->dip[1] = ops->local_ip6[1];
		key->dip[2] = ops->local_ip6[2];
		key->dip[3] = ops->local_ip6[3];
	} else {
		return 0;
	}
	key->sport = ops->remote_port >> 16;
	key->dport = bpf_htonl(ops->local_port) >> 16;
	return 1;
}

SEC("sockops")
int establish(struct bpf_sock_ops *ops)
{
	struct sock_key key = {};
	__u64 cookie;

	if (ops->op == BPF_SOCK_OPS_STATE_CB) {
		if (ops->args[1] == BPF_TCP_CLOSE && key_of(ops, &key))
			bpf_map_delete_elem(&sock_hash, &key);
		return 1;
	}
	if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
	    ops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;

	// Whoever has a cookie is watched by the observer (bpf/observe.c): from here
	// on that is every socket, one that will never be accepted included.
	cookie = bpf_get_socket_cookie(ops);

	if (key_of(ops, &key) && is_endpoint(key.sip) && is_endpoint(key.dip))
		insert(ops, &key, cookie);
	return 1;
}

// One sender a socket at a time: no race.
static __always_inline void remember_sent(struct sk_msg_md *msg, int found)
{
	struct bpf_sock *sk = msg->sk;
	__u64 *cookie = sk ? bpf_sk_storage_get(&cookies, sk, 0, 0) : 0;
	struct member *m = cookie ? member_of(*cookie) : 0;

	if (!m)
		return;
	if (!m->sent)
		m->sent = bpf_ktime_get_boot_ns();
	if (found)
		m->redirected++;
	else
		m->no_peer++;
}

SEC("sk_msg")
int send(struct sk_msg_md *msg)
{
	struct sock_key key = {};
	__u64 *cookie;
	__u32 index;
	long ok;

	if (!redirect)
		return SK_PASS;

	if (msg->family == AF_INET) {
		key.family = FAMILY_IPV4;
		key.sip[0] = msg->local_ip4;
		key.dip[0] = msg->remote_ip4;
	} else {
		key.family = FAMILY_IPV6;
		key.sip[0] = msg->local_ip6[0];
		key.sip[1] = msg->local_ip6[1];
		key.sip[2] = msg->local_ip6[2];
		key.sip[3] = msg->local_ip6[3];
		key.dip[0] = msg->remote_ip6[0];
		key.dip[1] = msg->remote_ip6[1];
		key.dip[2] = msg->remote_ip6[2];
		key.dip[3] = msg->remote_ip6[3];
	}
	key.sport = bpf_htonl(msg->local_port) >> 16;
	key.dport = msg->remote_port >> 16;

	if (by_cookie) {
		cookie = bpf_map_lookup_elem(&peers, &key);
		ok = cookie ? bpf_msg_redirect_hash(msg, &cookie_hash, cookie, BPF_F_INGRESS) : SK_DROP;
	} else if (use_sockmap) {
		index = slot(bpf_ntohl(msg->remote_port), msg->local_port);
		ok = bpf_msg_redirect_map(msg, &sock_map, index, BPF_F_INGRESS);
	} else {
		ok = bpf_msg_redirect_hash(msg, &sock_hash, &key, BPF_F_INGRESS);
	}
	if (ok == SK_PASS)
		__sync_fetch_and_add(&redirected, 1);
	else
		__sync_fetch_and_add(&no_peer, 1);
	remember_sent(msg, ok == SK_PASS);
	return SK_PASS; // without a peer in the map the data takes the ordinary path
}

char _license[] SEC("license") = "Dual BSD/GPL";
