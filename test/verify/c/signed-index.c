/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0113: test that it is not negative */
#include "common.h"

struct { __uint(type, ARRAY); __uint(max_entries, 1);
	__type(key, __u32); __type(value, __u64[16]); } m SEC(".maps");
SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 k = 0;
	int i = (int)ctx->rx_queue_index;
	__u64 *v = bpf_map_lookup_elem(&m, &k);

	if (!v || i >= 16)
		return XDP_PASS;
#ifdef FIXED
	if (i < 0)
		return XDP_PASS;
#endif
	return v[i];
}
