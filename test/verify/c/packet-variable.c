/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0201: this check proves nothing: checks count up to byte 65535 */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 n = ctx->rx_queue_index;
	__u8 *p;

#ifdef FIXED
	if (n > 2047)
		return XDP_PASS;
#endif
	p = data + n;
	if (p + 1 > end)
		return XDP_PASS;
	return *p;
}
