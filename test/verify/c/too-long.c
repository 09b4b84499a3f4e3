/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0155: instructions were looked at on all paths, and no end is in sight */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u64 sum = 0, seen[4] = { 0 };

#ifdef FIXED
	for (__u64 i = 0; i < 100; i++) {
#else
	for (__u64 i = 0; i < 1000000; i++) {
#endif
		sum += bpf_get_prandom_u32();
		((volatile __u64 *)seen)[i & 3] = sum;
	}
	return sum & 1 ? XDP_DROP : XDP_PASS;
}
