// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What an iterator over a sockhash or a sockmap is called with, and what of a
// socket tells whether it has been destroyed.
#ifndef KREPRO_SOCKMAP_H
#define KREPRO_SOCKMAP_H

#include "kernel.h"

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__sockmap {
	struct bpf_iter_meta *meta;
	void *map;
	void *key;
	struct sock *sk;
};

struct sock_common___peer {
	__u16 skc_dport; // network order; 0 once the socket is disconnected
	unsigned short skc_family;
} __attribute__((preserve_access_index));

struct sock___peer {
	struct sock_common___peer __sk_common;
} __attribute__((preserve_access_index));

#endif
