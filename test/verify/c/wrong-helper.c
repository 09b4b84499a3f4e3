/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0352: programs of type xdp may not call bpf_setsockopt */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
#ifdef FIXED
	return bpf_ktime_get_ns() & 1 ? XDP_DROP : XDP_PASS;
#else
	int one = 1;

	return bpf_setsockopt(ctx, 1, 2, &one, sizeof(one)) ? XDP_DROP : XDP_PASS;
#endif
}
