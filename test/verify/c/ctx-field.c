/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0206: (member 'data' of struct __sk_buff) may not be read by programs of type socket */
#include "common.h"

SEC("socket") int prog(struct __sk_buff *ctx)
{
#ifdef FIXED
	return ctx->len;
#else
	return ctx->data ? 1 : 0;
#endif
}
