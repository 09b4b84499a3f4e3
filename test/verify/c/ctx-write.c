/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0206: may not be written by programs of type sched_cls */
#include "common.h"

SEC("tc") int prog(struct __sk_buff *ctx)
{
#ifdef FIXED
	ctx->mark = 1;
#else
	ctx->ifindex = 1;
#endif
	return 0;
}
