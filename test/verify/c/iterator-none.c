/* SPDX-License-Identifier: BSD-2-Clause */
/* expect: 0318: there is no initialised iterator here */
#include "common.h"

#define __ksym __attribute__((section(".ksyms")))

struct bpf_iter_num { __u64 data; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

SEC("tc") int prog(void *ctx)
{
	struct bpf_iter_num it;

#ifdef FIXED
	bpf_iter_num_new(&it, 0, 8);
#endif
	while (bpf_iter_num_next(&it))
		bpf_get_prandom_u32();
	bpf_iter_num_destroy(&it);
	return 0;
}
