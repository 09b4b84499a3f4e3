/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_third_paths.c: ways that were not followed, and counted as followed; loops
 * that were said not to end.
 */
#define NAKED __attribute__((naked))
#define K __attribute__((section(".ksyms")))
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;

/* A branch whose two sides are alike; behind it a state is stored. */
#define BRANCHES(n) ".rept " n "; r1 = 1; r2 = 2; r3 = 3; r4 = 4; call 7; goto +0; goto +0;" \
	"if r0 > 5 goto +0; .endr;"
// rejected 0156: what comes after the last branch that there is room for
SEC("tc") NAKED int behind_the_last(void)
{
	asm volatile(BRANCHES("8200") "r1 = 0; r0 = *(u64 *)(r1 + 0); r0 = 0; exit;" ::: "r0");
}
// ok: as many as there is room for
SEC("tc") NAKED int all_followed(void)
{
	asm volatile(BRANCHES("8190") "r0 = 0; exit;" ::: "r0");
}

/* ---- a counted loop around passes: these begin anew each time ------------------- */

int sums[64];
static int add(__u64 i, long *to)
{
	*to += i;
	return 0;
}
// ok: around an iterator
SEC("tc") int around_iterator(struct __sk_buff *ctx)
{
	int sum = 0;

	for (int i = 0; i < 20; i++) {
		struct iter_num it;
		int *p;

		bpf_iter_num_new(&it, 0, ctx->mark);
		while ((p = bpf_iter_num_next(&it)) && *p != 77) {
			sum += *p ^ i;
			asm volatile("" : "+r"(sum));
		}
		bpf_iter_num_destroy(&it);
		sums[i] = sum;
		asm volatile("" : "+r"(i));
	}
	return sum;
}
// rejected 0202: with one that counts on too far
SEC("tc") int around_too_far(struct __sk_buff *ctx)
{
	int sum = 0;

	for (int i = 0; i < 80; i++) {
		struct iter_num it;
		int *p;

		bpf_iter_num_new(&it, 0, ctx->mark);
		while ((p = bpf_iter_num_next(&it)) && *p != 77) {
			sum += *p ^ i;
			asm volatile("" : "+r"(sum));
		}
		bpf_iter_num_destroy(&it);
		sums[i] = sum;
		asm volatile("" : "+r"(i));
	}
	return sum;
}
// ok: around bpf_loop, counted on the stack
SEC("tc") int around_loop(struct __sk_buff *ctx)
{
	volatile long i = 0;
	long n = 0;

	do {
		bpf_loop(ctx->mark, add, &n, 0);
		sums[i] = n;
		i++;
	} while (i <= 19);
	return 0;
}
char _license[] SEC("license") = "GPL";
