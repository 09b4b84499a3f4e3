/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0225: the offset into the stack leads outside the frame */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	volatile __u8 digits[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	__u32 i = ctx->rx_queue_index;

#ifdef FIXED
	if (i >= sizeof(digits))
#else
	if (i > 600)
#endif
		return XDP_PASS;
	return digits[i];
}
