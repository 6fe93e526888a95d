// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The few members of kernel structs that are read, by name: CO-RE finds their
// offsets. Every struct here stands in event.KernelTypes too, which says what
// the host cuts out of a kernel's BTF.
#ifndef KREPRO_KERNEL_H
#define KREPRO_KERNEL_H

#include <linux/bpf.h>

struct proto {
	void *recvmsg;
} __attribute__((preserve_access_index));

typedef struct {
	__s64 counter;
} __attribute__((preserve_access_index)) atomic64_t;

struct sock_common {
	unsigned char skc_state;
	__u16 skc_num;
	struct proto *skc_prot;
	atomic64_t skc_cookie;
} __attribute__((preserve_access_index));

struct socket;

struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
} __attribute__((preserve_access_index));

struct socket {
	short type;
	struct sock *sk;
} __attribute__((preserve_access_index));

#endif
