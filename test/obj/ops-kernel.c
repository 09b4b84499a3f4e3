/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of a kernel that takes the structs of ops.c: each lies in another, with what
 * the kernel keeps of it. */
#include <linux/types.h>

struct sock;
struct bpf_dummy_ops_state { int val; };
struct bpf_struct_ops_common_value { int refcnt; __u32 state; };

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	void *owner;
	char name[16];
	__u32 key, flags;
};

struct bpf_dummy_ops {
	int (*test_1)(struct bpf_dummy_ops_state *state);
	int (*test_2)(struct bpf_dummy_ops_state *state, int a1, unsigned short a2, char a3,
		      unsigned long a4);
};

struct bpf_struct_ops_tcp_congestion_ops {
	struct bpf_struct_ops_common_value common;
	struct tcp_congestion_ops data __attribute__((aligned(64)));
} tcp;

struct bpf_struct_ops_bpf_dummy_ops {
	struct bpf_struct_ops_common_value common;
	struct bpf_dummy_ops data __attribute__((aligned(64)));
} dummy;
