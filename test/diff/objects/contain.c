// SPDX-License-Identifier: BSD-2-Clause
/*
 * What compilers make of pointers that functions, callbacks and iterators get, for
 * contain_test.c: runs of each program must stay inside what the verifier knows.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define NOINLINE __attribute__((noinline))

struct bpf_iter_num {
	__u64 opaque;
};
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym __weak;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;

struct stat {
	__u64 n, sum;
	__u32 low, high;
	__u8 bytes[32];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct stat);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct stat);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const __u8 steps[16] = { 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 7, 9, 11 };
__u64 total;
__u32 where[8] = { 1, 2, 3 };
static volatile __u32 seen;

/* ---- global functions ---------------------------------------------------- */

NOINLINE int add_stat(struct stat *s, __u32 by)
{
	if (!s)
		return -1;
	s->n++;
	s->sum += by;
	if (by < s->low)
		s->low = by;
	s->bytes[by & 31] ^= by;
	return s->n & 0xff;
}

NOINLINE int length_of(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

NOINLINE int mix(__u32 a, __u64 b)
{
	a += b >> 7;
	a ^= a << 9;
	return a >> 5;
}

SEC("xdp") int globals(struct xdp_md *ctx)
{
	struct stat local = { .low = 77 }, *s;
	__u32 key = (__u32)length_of(ctx) & 7;
	int n = 0;

	s = bpf_map_lookup_elem(&stats, &key);
	n += add_stat(&local, key + 100);
	n += add_stat(s, local.low);
	if (local.n > 3)
		n += add_stat(&local, n);
	total += mix(n, local.sum);
	where[key & 7] += n;
	return local.bytes[key < 20 ? key : 2] > 9 ? XDP_PASS : XDP_DROP;
}

/* ---- static functions with pointers to the caller's stack ---------------- */

static NOINLINE __u32 shuffle(__u32 *v, __u32 n, __u32 seed)
{
	__u32 i, sum = 0;

	if (n > 16)
		n = 16;
	for (i = 0; i < n; i++) {
		v[i & 15] += steps[(seed + i) & 15];
		sum += v[(i * 7) & 15];
	}
	return sum;
}

static NOINLINE int deep(struct stat *s, __u32 *out, __u32 k)
{
	__u8 local[16];

	for (int i = 0; i < 16; i++)
		local[i] = k >> (i & 7);
	*out = local[k & 15];
	s->bytes[*out & 31] = local[(k >> 3) & 15];
	return local[1];
}

SEC("tc") int stacks(struct __sk_buff *skb)
{
	struct stat s = {};
	__u32 v[16] = {}, out = 0, n = skb->len & 31;

	out = shuffle(v, n, skb->len);
	if (out & 1)
		n = deep(&s, &v[3], out);
	else
		n += deep(&s, &out, n);
	seen = v[3] + out + n + s.bytes[v[2] & 31];
	return v[5] > v[6] ? TC_ACT_OK : TC_ACT_SHOT;
}

/* ---- callbacks ----------------------------------------------------------- */

struct walk {
	struct stat *s;
	__u32 left, last;
	__u8 tail[8];
};

static long on_step(__u32 i, void *arg)
{
	struct walk *w = arg;

	w->tail[i & 7] = w->last;
	w->last = i * 3;
	if (w->s)
		w->s->bytes[i & 31]++;
	return w->left-- == 1;
}

static long on_flow(struct bpf_map *map, __u32 *key, struct stat *s, struct walk *w)
{
	if (*key > 5)
		return 1;
	w->last += s->low + *key;
	s->n = w->last;
	return 0;
}

SEC("xdp") int callbacks(struct xdp_md *ctx)
{
	struct walk w = { .left = length_of(ctx) & 15 };
	__u32 key = w.left & 7;
	struct stat s = { .low = key };

	bpf_map_update_elem(&flows, &key, &s, BPF_ANY);
	w.s = bpf_map_lookup_elem(&flows, &key);
	bpf_loop(w.left * 2, on_step, &w, 0);
	bpf_for_each_map_elem(&flows, on_flow, &w, 0);
	total += w.last + w.tail[2];
	return w.left > 3 ? XDP_PASS : XDP_TX;
}

/* ---- iterators ----------------------------------------------------------- */

SEC("xdp") int iterators(struct xdp_md *ctx)
{
	__u32 sums[8] = {}, rows = length_of(ctx) & 7;
	struct bpf_iter_num outer, inner;
	int *i, *k;

	bpf_iter_num_new(&outer, -2, rows);
	while ((i = bpf_iter_num_next(&outer))) {
		bpf_iter_num_new(&inner, 0, *i + 3);
		while ((k = bpf_iter_num_next(&inner)))
			sums[*k & 7] += *i * *k;
		bpf_iter_num_destroy(&inner);
	}
	bpf_iter_num_destroy(&outer);
	return sums[rows] > sums[rows ^ 1] ? XDP_PASS : XDP_DROP;
}

/* ---- packets of any shape ------------------------------------------------ */

SEC("xdp") int headers(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u8 *at = data + sizeof(struct ethhdr);
	struct stat *s;
	__u32 key = 0;

	for (int i = 0; i < 12; i++) {	/* lengths and values */
		__u8 len;

		if (at + 2 > (__u8 *)end)
			return XDP_DROP;
		len = at[1];
		if (at[0] == 0)
			break;
		if (len < 2)
			len = 2;
		key += len * at[0];
		if ((void *)(at + (len & 15) + 1) > end)
			break;
		at[len & 15] = key;
		at += len & 63;
	}
	key &= 15;
	s = bpf_map_lookup_elem(&stats, &key);
	if (!s)
		return XDP_ABORTED;
	s->low = bpf_ntohs(key);
	s->high = (__s8)key * -3;
	return XDP_PASS;
}

/* ---- records and dynptrs -------------------------------------------------- */

SEC("tc") int records(struct __sk_buff *skb)
{
	struct bpf_dynptr p;
	struct stat *s = bpf_ringbuf_reserve(&events, sizeof(*s), 0);
	__u32 n = skb->len, word = 0;
	__u8 *b;

	if (s) {
		s->bytes[n & 31] = n;
		s->low = s->high = n;
		if (n & 1)
			bpf_ringbuf_submit(s, 0);
		else
			bpf_ringbuf_discard(s, 0);
	}
	bpf_ringbuf_reserve_dynptr(&events, 8 + (n & 31), 0, &p);
	bpf_dynptr_write(&p, n & 3, &n, sizeof(n), 0);
	bpf_dynptr_read(&word, sizeof(word), &p, 0, 0);
	b = bpf_dynptr_data(&p, 0, 8);
	if (b)
		b[n & 7] = word;
	bpf_ringbuf_submit_dynptr(&p, 0);
	return word == n ? TC_ACT_OK : TC_ACT_SHOT;
}

/* ---- numbers ------------------------------------------------------------- */

SEC("xdp") int numbers(struct xdp_md *ctx)
{
	__s32 a = length_of(ctx) - 100;
	__s64 c = (__s64)a * -7;
	char text[24] = {};
	__u64 args[2] = { a, c };

	if (a < 0)
		c = -c;
#ifdef __BPF_FEATURE_SDIV_SMOD
	if (a > 10 && a < 200 && ctx->rx_queue_index != 7)
		c /= a - 5 ? a - 5 : 1;
	c %= 97;
#endif
	bpf_snprintf(text, sizeof(text), "%d/%lld", args, sizeof(args));
	where[c & 7] = text[a & 15] + (__s16)c;
	switch (where[a & 7] & 3) {
	case 0:
		total = c >> 3;
		break;
	case 1:
		total += (__u8)a;
		break;
	case 2:
		return (__u32)c < 50 ? XDP_PASS : XDP_TX;
	}
	return total > 1000 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
