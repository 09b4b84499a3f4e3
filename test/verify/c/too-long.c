/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0156: branches whose other side is still to be followed */
#include "common.h"

/* How often it runs nobody knows: the number goes up and down on its way to 1. */
SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u64 n = bpf_get_prandom_u32(), trips = 0;

#ifdef FIXED
	for (; n != 1 && trips < 100; trips++)
#else
	for (; n != 1; trips++)
#endif
		n = n & 1 ? 3 * n + 1 : n / 2;
	return trips & 1 ? XDP_DROP : XDP_PASS;
}
