/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0354: gave it back here */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk = bpf_sk_lookup_tcp(ctx, &t, sizeof(t), -1, 0);

	if (!sk)
		return XDP_PASS;
	bpf_sk_release(sk);
#ifndef FIXED
	bpf_sk_release(sk);
#endif
	return XDP_PASS;
}
