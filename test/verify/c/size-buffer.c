/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0204: pass a size that the memory has */
#include "common.h"

static long (*bpf_xdp_load_bytes)(void *ctx, __u32 off, void *to, __u32 size) = (void *)189;

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u8 bytes[32] = {};
	__u32 n = ctx->rx_queue_index;

#ifdef FIXED
	if (!n || n > 32)
#else
	if (!n || n > 64)
#endif
		return XDP_DROP;
	bpf_xdp_load_bytes(ctx, 0, bytes, n);
	return bytes[0] ? XDP_PASS : XDP_DROP;
}
