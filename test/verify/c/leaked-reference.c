/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0305: 'e' is not given back on this path */
#include "common.h"

struct { __uint(type, RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");

struct event { __u32 queue, kind; };

SEC("xdp") int prog(struct xdp_md *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return XDP_PASS;
	e->queue = ctx->rx_queue_index;
	e->kind = 1;
	if (e->queue > 3) {
#ifdef FIXED
		bpf_ringbuf_discard(e, 0);
#endif
		return XDP_PASS;
	}
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}
