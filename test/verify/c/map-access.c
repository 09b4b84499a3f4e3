/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0214: bytes 64..71 of a value of map 'table' may be */
#include "common.h"

struct counters { __u64 hits[8]; };
struct {
	__uint(type, ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} table SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 zero = 0, queue = ctx->rx_queue_index;
	struct counters *c = bpf_map_lookup_elem(&table, &zero);

#ifdef FIXED
	if (!c || queue >= 8)
#else
	if (!c || queue > 8)
#endif
		return XDP_PASS;
	c->hits[queue] += 1;
	return XDP_PASS;
}
