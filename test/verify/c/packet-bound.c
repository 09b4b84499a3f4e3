/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0201: bytes 26..29 of the packet are read, only 14 bytes are proved to exist */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
#ifdef FIXED
	if ((void *)(ip + 1) > end) return XDP_PASS;
#endif
	return ip->saddr == 0x0100007f ? XDP_DROP : XDP_PASS;
}
