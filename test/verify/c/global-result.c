/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0371: the global function find() does not return a number */
#include "common.h"

struct pair { int a, b; };
static struct pair pairs[4];

#ifdef FIXED
static
#endif
__attribute__((noinline)) struct pair *find(int i)
{
	return i & 1 ? &pairs[1] : &pairs[2];
}

SEC("tc") int prog(void *ctx)
{
	return find((int)bpf_get_prandom_u32()) == pairs;
}
