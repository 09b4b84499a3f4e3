/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0203: reserved here, with 4 bytes */
#include "common.h"

struct { __uint(type, RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct event { __u32 a, b; };

SEC("xdp") int prog(struct xdp_md *ctx)
{
#ifdef FIXED
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
#else
	struct event *e = bpf_ringbuf_reserve(&events, 4, 0);
#endif

	if (!e)
		return XDP_PASS;
	e->a = 1;
	e->b = 2;
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}
