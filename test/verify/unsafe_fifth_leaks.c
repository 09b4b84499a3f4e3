/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fifth_leaks.c: what a loader without CAP_PERFMON must not learn, where it takes C to
 * say it; the rest is in unsafe_fifth_leaks.txt. */
#include "owned.h"
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;

// rejected 0182, kernel none, caps bpf: an object with an address in it
SEC("tc") int own_leak(void *ctx)
{
	struct item *p = NEW(struct item);

	if (!p)
		return 0;
	p->v = (long)ctx;
	DROP(p);
	return 0;
}
// ok, kernel none, caps bpf: one that is only made
SEC("tc") int own_made(void *ctx)
{
	struct item *p = NEW(struct item);

	if (p)
		DROP(p);
	return 0;
}
// rejected 0205, kernel none, caps bpf: what is left of an iterator
SEC("tc") int iterator_left(void *ctx)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 9);
	bpf_iter_num_destroy(&it);
	return *(volatile __u64 *)&it & 1;
}
// ok, kernel none, caps bpf: one that is destroyed
SEC("tc") int iterator_gone(void *ctx)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 9);
	bpf_iter_num_destroy(&it);
	*(volatile __u64 *)&it = 2;
	return *(volatile __u64 *)&it & 1;
}
char _license[] SEC("license") = "GPL";
