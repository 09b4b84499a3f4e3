/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0201: bound the loop, too: */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u8 *d = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 s = 0;

#ifdef FIXED
	for (int i = 0; i < 100 && d + 1 <= end; i++) {
#else
	while (d + 1 <= end) {
#endif
		s += *d;
		d++;
	}
	return s;
}
