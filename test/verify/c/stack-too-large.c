/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0158: the functions of this call chain use */
#include "common.h"

struct {
	__uint(type, HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

static __attribute__((noinline)) __u64 sum(__u32 n)
{
#ifdef FIXED
	volatile __u64 v[16];
#else
	volatile __u64 v[48];
#endif
	__u64 s = 0;

	for (__u32 i = 0; i < sizeof(v) / 8; i++)
		v[i] = n;
	for (__u32 i = 0; i < sizeof(v) / 8; i++)
		s += v[i];
	return s;
}

SEC("xdp") int prog(struct xdp_md *ctx)
{
	volatile __u64 v[32];

	for (__u32 i = 0; i < 32; i++)
		v[i] = i;
	return sum(v[3]) > 7 ? XDP_DROP : XDP_PASS;
}
