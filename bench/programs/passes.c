/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * passes: what repeats without being a loop of instructions: callbacks of bpf_loop,
 * one in another, over elements of maps, and iterators, with a body of some size.
 */
#include "common.h"

struct bpf_iter_num { __u64 opaque; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

struct cell { __u64 sum, min, max, seen; __u32 hist[16]; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct cell);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} values SEC(".maps");

struct job { __u64 state, total; __u32 row, errors; };

static __always_inline __u64 step(__u64 x)
{
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static __always_inline void add(struct cell *c, __u64 v)
{
	c->sum += v;
	c->seen++;
	if (v < c->min)
		c->min = v;
	if (v > c->max)
		c->max = v;
	c->hist[v & 15]++;
	if (v >> 32)
		c->hist[v >> 60]++;
	else if (v & 0x100)
		c->hist[(v >> 4) & 15]++;
	else if ((v & 0x30) == 0x10)
		c->hist[(v >> 8) & 15]--;
}

static int inner(__u32 i, struct job *j)
{
	__u32 key = (i + j->row) & 63;
	struct cell *c = bpf_map_lookup_elem(&cells, &key);

	if (!c) {
		j->errors++;
		return 0;
	}
#pragma clang loop unroll(full)
	for (int n = 0; n < 3; n++) {
		j->state = step(j->state);
		add(c, j->state >> n);
	}
	j->total += c->sum;
	return j->errors > 8;
}

static int outer(__u32 i, struct job *j)
{
	j->row = i;
	bpf_loop(64, inner, j, 0);
	return 0;
}

static long each(void *map, __u64 *key, __u64 *value, struct job *j)
{
	if (*value > *key)
		j->total += *value - *key;
	else if (*value & 1)
		j->errors++;
	*value = step(*value);
	return 0;
}

SEC("tc")
int passes(struct __sk_buff *skb)
{
	struct job j = { .state = skb->len | 1 };
	struct bpf_iter_num it;
	int *i;

	bpf_loop(16, outer, &j, 0);
	bpf_for_each_map_elem(&values, each, &j, 0);
	bpf_iter_num_new(&it, 0, 1000);
	while ((i = bpf_iter_num_next(&it))) {
		__u32 key = *i & 63;
		struct cell *c = bpf_map_lookup_elem(&cells, &key);

		if (!c)
			continue;
#pragma clang loop unroll(full)
		for (int n = 0; n < 4; n++)
			add(c, step(j.state + n));
		if (c->seen > 1000)
			break;
	}
	bpf_iter_num_destroy(&it);
	return j.errors ? 2 : 0;
}
