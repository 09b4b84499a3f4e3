/* SPDX-License-Identifier: BSD-2-Clause */
/* overlooked_loops.c: what only many paths or many trips show: found by breaking the
 * verifier (test/break). */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define NOINLINE static __attribute__((noinline))
#define GLOBAL __attribute__((noinline))
/* So many trips that paths alone would take long. */
#define LONG(i) for (unsigned long i = 0; i < 5000; i++) asm volatile("" : "+r"(i))
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int);
	__type(value, long); } longs SEC(".maps");
struct timed { struct bpf_timer timer; long n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct timed); } timers SEC(".maps");
struct bpf_iter_num { __u64 o; } __attribute__((aligned(8)));
extern int bpf_iter_num_new(struct bpf_iter_num *it, int from, int to) K;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) K;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) K;
int zero;
char table[1023] SEC(".data.table");

/* Adds bit N of X to I; the paths without it are first. */
#define BIT(n) asm volatile("r0 = %1; r0 &= %2; if r0 != 0 goto 8f; goto 9f; 8: %0 += %2; 9:" \
	: "+r"(i) : "r"(x), "i"(1 << n) : "r0")
GLOBAL int far(unsigned long x)
{
	unsigned long i = 0;

	BIT(0); BIT(1); BIT(2); BIT(3); BIT(4); BIT(5);
	BIT(6); BIT(7); BIT(8); BIT(9);
	return table[i];
}
// rejected 0202: the last of many paths of a global function
SEC("tc") int last_path(struct __sk_buff *skb)
{
	return far(skb->len) & 1;
}
// rejected 0154, kernel none: the next element of an iterator that has none, for ever
SEC("tc") int next_forever(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 4);
	while (bpf_get_prandom_u32() != 5)
		bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return 0;
}
NOINLINE int wide(void *map, int *key, struct timed *v)
{
	volatile char text[300] = {};

	return text[0];
}
// ok: a timer's stack is its own, behind a long loop
SEC("tc") int timer_late(void *ctx)
{
	volatile char text[300] = {};
	int key = zero;
	struct timed *v;

	LONG(i);
	v = bpf_map_lookup_elem(&timers, &key);
	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &timers, 1);
	bpf_timer_set_callback(&v->timer, wide);
	return text[0];
}
// rejected 0158, kernel ok: which a call waits for, too
SEC("tc") int timer_called_late(void *ctx)
{
	volatile char text[300] = {};
	int key = zero;
	struct timed *v;

	LONG(i);
	v = bpf_map_lookup_elem(&timers, &key);
	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &timers, 1);
	bpf_timer_set_callback(&v->timer, wide);
	bpf_for_each_map_elem(&timers, wide, 0, 0);
	return text[0];
}
// rejected 0120: a part of a dynptr that was written over, behind a long loop
SEC("tc") int slice_late(void *ctx)
{
	struct bpf_dynptr d;
	int key = zero;
	long *v = bpf_map_lookup_elem(&longs, &key), *p = 0;

	if (!v)
		return 0;
	LONG(i);
	bpf_dynptr_from_mem(v, 8, 0, &d);
	if (bpf_get_prandom_u32() & 1)
		p = bpf_dynptr_data(&d, 0, 8);
	asm volatile("" : "+r"(p));
	*(volatile long *)&d = 0;
	((volatile long *)&d)[1] = 0;
	if (p)
		*p = 1;
	return 0;
}
// ok, kernel none: counted down before an inner loop
SEC("tc") int count_down(void *ctx)
{
	unsigned long n = 2000, sum = 0;

	while (n) {
		n--;
		asm volatile("" : "+r"(n));
		for (unsigned long k = 0; k < 1000; k++)
			asm volatile("%0 += 1" : "+r"(sum));
	}
	return sum & 1;
}
// rejected 0154: a loop without a budget around one that has one
SEC("tc") int budget_inside(void *ctx)
{
	LONG(i);
	do {
		bpf_ktime_get_ns();
		asm volatile("1: r0 = 0; .byte 0xe5; .byte 0; .short 1; .long 0; goto 1b;"
			     ::: "r0");
	} while (bpf_get_prandom_u32() != 5);
	return 0;
}
// rejected 0216: half of what may be a pointer, behind a long loop
SEC("tc") int half_late(void *ctx)
{
	long n;

	LONG(i);
	asm volatile("*(u64 *)(r10 - 8) = %1; if %2 == 0 goto 9f; r0 = 7; *(u64 *)(r10 - 8) = r0;"
		     "9: %0 = *(u32 *)(r10 - 4)" : "=r"(n)
		     : "r"(ctx), "r"((long)bpf_get_prandom_u32()) : "r0");
	return n & 0;
}
// rejected 0155, kernel none: a number that begins anew after 2^32
SEC("tc") int begins_anew(void *ctx)
{
	unsigned long n = 0;

	do {
		asm volatile("%0 += 1; *(u32 *)(r10 - 8) = %0; %0 = *(u32 *)(r10 - 8)" : "+r"(n));
	} while (bpf_get_prandom_u32() != 5);
	return n & 0;
}
