/* SPDX-License-Identifier: BSD-2-Clause */
/* nests.c: loops in loops: what an inner one makes anew is no reason to look at all that is
 * around again. */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
struct bpf_iter_num { __u64 o[1]; };
extern int bpf_iter_num_new(struct bpf_iter_num *it, int from, int to) K;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) K;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) K;
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, long);
	__type(value, long);
} table SEC(".maps");
long lost;

static __attribute__((always_inline)) void count(long key)
{
	long one = 1, *n = bpf_map_lookup_elem(&table, &key);

	if (n)
		++*n;
	else if (bpf_map_update_elem(&table, &key, &one, 0))
		__sync_fetch_and_add(&lost, 1);
}
#define OVER(it, n, body) do {						\
	struct bpf_iter_num it;						\
	int *at_##it;							\
	bpf_iter_num_new(&it, 0, n);					\
	while ((at_##it = bpf_iter_num_next(&it)))			\
		body;							\
	bpf_iter_num_destroy(&it);					\
} while (0)
#define TIMES(i, n, body) \
	_Pragma("clang loop unroll(disable)") for (long i = 0; i < n; i++) { body; }

// ok: an iterator, a counter, an iterator
SEC("tc") int between(void *ctx)
{
	OVER(a, 127, if (!(char)*at_a) TIMES(i, 7, {
		count(-1);
		OVER(b, 5, { count(31); count(lost); count(bpf_get_prandom_u32()); });
		count(i);
	}));
	return 0;
}
// ok: two counters in it
SEC("tc") int counters(void *ctx)
{
	OVER(a, 170, TIMES(i, 4, {
		OVER(b, 9, TIMES(k, 3, { count(*at_b); count(k); }));
		if (bpf_get_prandom_u32() & 1)
			break;
		count(i + *at_a);
	}));
	return 0;
}
// ok: four iterators
SEC("tc") int deep(void *ctx)
{
	OVER(a, 20, { count(1); OVER(b, 20, { count(2); OVER(c, 20, {
		count(*at_b); OVER(d, 20, count(*at_d)); }); }); });
	return 0;
}
long cells[64];

// ok, kernel none: an iterator in more rounds than the kernel keeps states of one point for
SEC("tc") int rounds(void *ctx)
{
	long x = cells[0], y = cells[1], was = 4;

	if ((unsigned long)x < 64)
		was = (unsigned char)cells[x];
	TIMES(i, 100, {
		count(x);
		y = (unsigned char)cells[y & 63];
		OVER(a, 8, y = (unsigned char)cells[was & 63]);
	});
	return 0;
}
// rejected 0154, kernel ok: the outer one begins anew in the inner one
SEC("tc") int again(void *ctx)
{
	struct bpf_iter_num a, b;

	bpf_iter_num_new(&a, 0, 10);
	while (bpf_iter_num_next(&a)) {
		bpf_iter_num_new(&b, 0, 2);
		while (bpf_iter_num_next(&b)) {
			bpf_iter_num_destroy(&a);
			bpf_iter_num_new(&a, 0, 10);
		}
		bpf_iter_num_destroy(&b);
	}
	bpf_iter_num_destroy(&a);
	return 0;
}
