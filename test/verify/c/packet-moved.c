/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0120: bpf_xdp_adjust_head() may move the packet */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_PASS;
	if (bpf_xdp_adjust_head(ctx, 4))
		return XDP_DROP;
#ifdef FIXED
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + 14 > end)
		return XDP_DROP;
#endif
	data[12] = 8;
	return XDP_PASS;
}
