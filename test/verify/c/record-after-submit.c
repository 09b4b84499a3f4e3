/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0120: gave it back here */
#include "common.h"

struct { __uint(type, RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u64 *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return XDP_PASS;
#ifdef FIXED
	*e = ctx->rx_queue_index;
	bpf_ringbuf_submit(e, 0);
#else
	bpf_ringbuf_submit(e, 0);
	*e = ctx->rx_queue_index;
#endif
	return XDP_PASS;
}
