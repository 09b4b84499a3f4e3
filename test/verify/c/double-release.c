/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0354: must be a record that bpf_ringbuf_reserve() gave */
#include "common.h"

struct { __uint(type, RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u64 *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return XDP_PASS;
	*e = 1;
	bpf_ringbuf_submit(e, 0);
#ifndef FIXED
	bpf_ringbuf_discard(e, 0);
#endif
	return XDP_PASS;
}
