/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0107: 'n' may be NULL */
#include "common.h"

struct {
	__uint(type, HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;
	__u64 *n = bpf_map_lookup_elem(&stats, &key);

#ifdef FIXED
	if (!n) return XDP_PASS;
#endif
	*n += 1;
	return XDP_PASS;
}
