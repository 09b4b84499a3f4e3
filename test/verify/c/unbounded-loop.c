/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0154: this loop comes back to where it was with nothing changed: it never ends */
#include "common.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
	__u32 i = 0;

#ifdef FIXED
	for (i = 0; i < 100; i++)
		if (bpf_get_prandom_u32() == 7)
			break;
#else
	while (bpf_get_prandom_u32() != 7)
		;
#endif
	return i == 100 ? XDP_DROP : XDP_PASS;
}
