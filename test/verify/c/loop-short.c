/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0201: and the check against data_end does not prove that */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u8 *d = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 sum = 0;

	for (int i = 0; i < 64; i++) {
#ifdef FIXED
		if (d + i + 1 > end)
#else
		if (d + i > end)
#endif
			break;
		sum += d[i];
	}
	return sum & 1 ? XDP_PASS : XDP_DROP;
}
