/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0120: gave it back here */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	struct bpf_sock_tuple t = {};
	struct bpf_sock *sk = bpf_sk_lookup_tcp(ctx, &t, sizeof(t), -1, 0);
	int family;

	if (!sk)
		return XDP_PASS;
#ifdef FIXED
	family = sk->family;
	bpf_sk_release(sk);
#else
	bpf_sk_release(sk);
	family = sk->family;
#endif
	return family == 2 ? XDP_PASS : XDP_DROP;
}
