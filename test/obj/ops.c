/* SPDX-License-Identifier: BSD-2-Clause */
/* Structs of functions that kernels have: some of their members, in another order and
 * place than there. -DLINK: one that is registered by a link; -DPLAIN: without what
 * older libbpf does not know; -DBAD: see there. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sock;
struct bpf_dummy_ops_state { int val; };

#ifdef PLAIN
#define few tcp_congestion_ops
#else
#define few tcp_congestion_ops___few
#endif
struct few {
	char name[16];
	__u32 (*undo_cwnd)(struct sock *sk);
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 flags;
#ifdef BAD
	int (*no_such_member)(struct sock *sk);
#elif !defined(PLAIN)
	int (*not_set)(struct sock *sk);	/* and not there */
#endif
};

SEC("struct_ops/ssthresh") __u32 ssthresh(__u64 *ctx) { return 2; }
SEC("struct_ops/cong_avoid") void cong_avoid(__u64 *ctx) { }
SEC("struct_ops/undo_cwnd") __u32 undo_cwnd(__u64 *ctx) { return 5; }

#ifdef LINK
SEC(".struct_ops.link")
#else
SEC(".struct_ops")
#endif
struct few fixed = {
	.name = "skep_fixed", .ssthresh = (void *)ssthresh, .cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
#ifdef BAD
	.no_such_member = (void *)undo_cwnd,
#endif
};

#ifndef LINK
struct bpf_dummy_ops {
	int (*test_2)(struct bpf_dummy_ops_state *state, int a1, unsigned short a2, char a3,
		      unsigned long a4);
	int (*test_1)(struct bpf_dummy_ops_state *state);
};

SEC("struct_ops/test_2") int sum(__u64 *ctx)
{
	return (int)ctx[1] + (unsigned short)ctx[2] + (char)ctx[3] + (int)ctx[4];
}

SEC(".struct_ops") struct bpf_dummy_ops dummy = { .test_2 = (void *)sum };
#endif

char _license[] SEC("license") = "GPL";
