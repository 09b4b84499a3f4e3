/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fourth_a_timers.c: functions that timers call: what else calls them, and what
 * timers they set. */
#define NAKED __attribute__((naked))
#define NOINLINE __attribute__((noinline))
#define CALLS(name, f) static NOINLINE NAKED int name(void) \
	{ asm volatile("call %[g]; r0 = 0; exit;" :: [g]"i"(f) : "r0"); }
struct timed { struct bpf_timer timer; long n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct timed); } timers SEC(".maps");

static NOINLINE NAKED int last(void)
{
	asm volatile("r0 = 0; exit;" ::: "r0");
}
CALLS(third, last)
CALLS(second, third)
CALLS(first, second)
/* Judged by itself, so that no path goes all the way down. */
NOINLINE int runs_first(int x)
{
	asm volatile("r2 = %[f] ll; r1 = 1; r3 = 0; r4 = 0; call 181; %[x] = r0" : [x]"+r"(x)
		: [f]"i"(first) : "r0", "r1", "r2", "r3", "r4", "r5");
	return x;
}
static NOINLINE int down(int x) { return runs_first(x) + 1; }
static NOINLINE int up(int x) { return down(x) + 1; }
static __attribute__((always_inline)) int set_timer(void *callback)
{
	int key = 0;
	struct timed *v = bpf_map_lookup_elem(&timers, &key);

	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &timers, 1);
	bpf_timer_set_callback(&v->timer, callback);
	return 1;
}
static NOINLINE int further(int x) { return up(x) + 1; }
// rejected 0157, kernel ok: a timer calls what a call waits for, too
SEC("tc") int timer_too(void *ctx)
{
	return set_timer(first) ? further(3) : 0;
}
// ok: one call less
SEC("tc") int one_less(void *ctx)
{
	return set_timer(first) ? up(3) : 0;
}
// ok: what a timer alone calls is on no other stack
SEC("tc") int timer_alone(void *ctx)
{
	return set_timer(first);
}

/* ---- timers that are set again ------------------------------------------------------ */

static int again(void *map, int *key, struct timed *v)
{
	bpf_timer_set_callback(&v->timer, again);
	return 0;
}
// ok: a callback that is its timer's next one
SEC("tc") int itself(void *ctx) { return set_timer(again); }
static int pong(void *map, int *key, struct timed *v);
static int ping(void *map, int *key, struct timed *v)
{
	bpf_timer_set_callback(&v->timer, pong);
	return 0;
}
static int pong(void *map, int *key, struct timed *v)
{
	if (v->n > 3)
		bpf_timer_set_callback(&v->timer, ping);
	return 0;
}
// ok: two by turns
SEC("tc") int by_turns(void *ctx) { return set_timer(ping); }
static int wrong(void *map, int *key, struct timed *v)
{
	volatile long *none = (void *)0;

	bpf_timer_set_callback(&v->timer, again);
	asm volatile("" : "+r"(none));
	if (v->n == 7)
		return *none & 0;
	return 0;
}
static int then_wrong(void *map, int *key, struct timed *v)
{
	bpf_timer_set_callback(&v->timer, wrong);
	return 0;
}
// rejected 0120: the second is wrong
SEC("tc") int second_wrong(void *ctx) { return set_timer(then_wrong); }
static int endless(void *map, int *key, struct timed *v)
{
	bpf_timer_set_callback(&v->timer, endless);
	for (;;)
		asm volatile("" ::: "memory");
	return 0;
}
// rejected 0154: each of them is endless
SEC("tc") int each_endless(void *ctx) { return set_timer(endless); }
char _license[] SEC("license") = "GPL";
