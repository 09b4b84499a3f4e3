/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0201: this check proves none of these bytes */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 n = ctx->rx_queue_index & 63;
	__u8 *p = data + n;

#ifdef FIXED
	if (p + 1 > end)
#else
	if (p > end)
#endif
		return XDP_PASS;
	return *p;
}
