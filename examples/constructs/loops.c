// SPDX-License-Identifier: BSD-2-Clause
/*
 * loops.c: five ways to loop: unrolled by the compiler, bounded, by a callback
 * (bpf_loop), by an iterator (bpf_for), and as long as may_goto allows. Each
 * program adds up the packet's first bytes and says that it agrees with the
 * others by dropping nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BYTES 64

struct bpf_iter_num {
	__u64 opaque;
};
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;

struct sums {
	__u64 unrolled, bounded, callback, iterated, may_goto;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sums);
} sums SEC(".maps");

struct bytes {
	__u8 v[BYTES];
};

static __always_inline __u64 unrolled(const struct bytes *b)
{
	__u64 sum = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < BYTES; i++)
		sum += b->v[i];
	return sum;
}

static __noinline __u64 bounded(const struct bytes *b)
{
	__u64 sum = 0;

	if (!b)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < BYTES; i++)
		sum += b->v[i];
	return sum;
}

struct walk {
	const struct bytes *b;
	__u64 sum;
};

static long add_byte(__u64 i, struct walk *w)
{
	if (i >= BYTES)
		return 1;
	w->sum += w->b->v[i];
	return 0;
}

static __always_inline __u64 callback(const struct bytes *b)
{
	struct walk w = { .b = b };

	bpf_loop(BYTES, add_byte, &w, 0);
	return w.sum;
}

static __always_inline __u64 iterated(const struct bytes *b)
{
	struct bpf_iter_num it;
	__u64 sum = 0;
	int *i;

	bpf_iter_num_new(&it, 0, BYTES);
	while ((i = bpf_iter_num_next(&it)))
		if (*i >= 0 && *i < BYTES)
			sum += b->v[*i];
	bpf_iter_num_destroy(&it);
	return sum;
}

/* Not a constant to the verifier, which else follows each round of a loop. */
static volatile __u32 zero;

/* The kernel ends such a loop after a while: it needs no bound. */
#define can_loop ({ \
	__label__ no, done; \
	int yes = 1; \
	asm volatile goto("may_goto %l[no]" :::: no); \
	goto done; \
no:	yes = 0; \
done:	yes; \
})

static __always_inline __u64 may_goto(const struct bytes *b)
{
	__u64 sum = 0;

	for (__u32 i = zero; i < BYTES && can_loop; i++)
		sum += b->v[i & (BYTES - 1)];
	return sum;
}

SEC("xdp")
int loops(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct sums *s = bpf_map_lookup_elem(&sums, &key);
	__u64 a, b, c, d, e;
	struct bytes bytes;

	if (!s)
		return XDP_ABORTED;
	if (bpf_xdp_load_bytes(ctx, 0, &bytes, sizeof(bytes)))
		return XDP_PASS;	/* shorter */
	s->unrolled += a = unrolled(&bytes);
	s->bounded += b = bounded(&bytes);
	s->callback += c = callback(&bytes);
	s->iterated += d = iterated(&bytes);
	s->may_goto += e = may_goto(&bytes);
	return a == b && b == c && c == d && d == e ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
