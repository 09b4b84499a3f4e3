/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fixed.c: mistakes that this verifier once made, with their right twins. */
#define NAKED __attribute__((naked))
#define NOINLINE __attribute__((noinline))
#define K __attribute__((section(".ksyms")))
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, __u64); } numbers SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32);
	__type(value, __u64); } percpu SEC(".maps");
struct route { __u32 bits; __u32 addr; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4);
	__uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct route); __type(value, __u64);
} routes SEC(".maps");
char bytes[16];

/* ---- links of numbers ------------------------------------------------------- */

#define LOOP(first) "r1 = 1; r2 = %[f] ll; r3 = 0; r4 = 0; call 181; r0 = 0; exit;" \
	:: [f]"i"(first) : "r0"
static NOINLINE NAKED int add_32_in_callback(void)
{
	asm volatile("call 7; r6 = r0; r6 <<= 8; r7 = r6; w7 += 1; if r7 > 8 goto 1f;"
		"r1 = %[bytes] ll; r1 += r6; r0 = *(u8 *)(r1 + 0); 1: r0 = 0; exit;"
		:: [bytes]"i"(bytes) : "r0");
}
// rejected 0112: a sum of 32 bits tells nothing of all 64 of its addend
SEC("tc") NAKED int add_32(void)
{
	asm volatile(LOOP(add_32_in_callback));
}
static NOINLINE NAKED int add_64_in_callback(void)
{
	asm volatile("call 7; r6 = r0; r6 <<= 8; r7 = r6; r7 += 1; if r7 > 8 goto 1f;"
		"r1 = %[bytes] ll; r1 += r6; r0 = *(u8 *)(r1 + 0); 1: r0 = 0; exit;"
		:: [bytes]"i"(bytes) : "r0");
}
// ok: a sum of 64 bits does
SEC("tc") NAKED int add_64(void)
{
	asm volatile(LOOP(add_64_in_callback));
}

/* ---- elements ---------------------------------------------------------------- */

// rejected 0107: a prefix that is known is no index
SEC("tc") int prefix_is_known(void *ctx)
{
	struct route key = { 0, 0 };
	long *n = bpf_map_lookup_elem(&routes, &key);

	return *n;
}
#define ELEMENT(index, off) \
	"r1 = " index "; *(u32 *)(r10 - 8) = r1; r2 = r10; r2 += -8; r1 = %[map] ll; call 1;" \
	"r0 = *(u64 *)(r0 + " off "); exit;" :: [map]"i"(&percpu) : "r0"
// rejected 0107: an index behind the elements of each cpu
SEC("tc") NAKED int behind_percpu(void)
{
	asm volatile(ELEMENT("2", "0"));
}
// rejected 0202: behind one cpu's value
SEC("tc") NAKED int behind_percpu_value(void)
{
	asm volatile(ELEMENT("1", "8"));
}
// ok: an index of each cpu's elements
SEC("tc") NAKED int inside_percpu(void)
{
	asm volatile(ELEMENT("1", "0"));
}
static int sum(void *map, void *key, long *value, long *to)
{
	*to += *value;
	return 0;
}
// rejected 0361: tries are not gone through
SEC("tc") int each_route(void *ctx)
{
	long n = 0;

	bpf_for_each_map_elem(&routes, sum, &n, 0);
	return n;
}
// ok: elements of each cpu are
SEC("tc") int each_percpu(void *ctx)
{
	long n = 0;

	bpf_for_each_map_elem(&percpu, sum, &n, 0);
	return n;
}

/* ---- sections where paths meet ------------------------------------------------- */

#define MEET asm volatile("r1 = 1; r2 = 2; r3 = 3; r4 = 4; if r1 != 1 goto +0;" \
	"if r2 != 2 goto +0; r1 = 5; r2 = 6; if r1 != 5 goto +0;" ::: "r1", "r2", "r3", "r4")
// rejected 0317: a read section on one of the paths that meet
SEC("tc") int read_on_one(struct __sk_buff *ctx)
{
	if (ctx->mark)
		bpf_rcu_read_lock();
	MEET;
	return 0;
}
// rejected 0316: one that was left on one of them
SEC("tc") int read_left_on_one(struct __sk_buff *ctx)
{
	bpf_rcu_read_lock();
	if (ctx->mark)
		bpf_rcu_read_unlock();
	MEET;
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0317: preemption off on one of the paths
SEC("tc") int preempt_on_one(struct __sk_buff *ctx)
{
	if (ctx->mark)
		bpf_preempt_disable();
	MEET;
	return 0;
}
// rejected 0317: off twice on one, once on the other
SEC("tc") int preempt_twice(struct __sk_buff *ctx)
{
	bpf_preempt_disable();
	if (ctx->mark)
		bpf_preempt_disable();
	MEET;
	bpf_preempt_enable();
	return 0;
}
// ok: both paths leave what they entered
SEC("tc") int both_leave(struct __sk_buff *ctx)
{
	if (ctx->mark) {
		bpf_rcu_read_lock();
		bpf_rcu_read_unlock();
	} else {
		bpf_preempt_disable();
		bpf_preempt_enable();
	}
	MEET;
	return 0;
}

/* ---- timers in maps of maps ----------------------------------------------------- */

struct timed { struct bpf_timer timer; long n; };
struct timers { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct timed); };
struct timers first SEC(".maps"), second SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32);
	__array(values, struct timers); } both SEC(".maps") = {
	.values = { (void *)&first, (void *)&second } };
static int nothing(void *map, int *key, struct timed *v)
{
	return 0;
}
static __attribute__((always_inline)) int begin(int other)
{
	int zero = 0, one = 1;
	void *a = bpf_map_lookup_elem(&both, &zero), *b = bpf_map_lookup_elem(&both, &one);
	struct timed *v;

	if (!a || !b)
		return 0;
	v = bpf_map_lookup_elem(a, &zero);
	if (!v)
		return 0;
	bpf_timer_init(&v->timer, other ? b : a, 1);
	bpf_timer_set_callback(&v->timer, nothing);
	return 0;
}
// rejected 0375: a timer of one inner map, begun with another
SEC("tc") int timer_of_other_inner(void *ctx) { return begin(1); }
// ok: with its own
SEC("tc") int timer_of_inner(void *ctx) { return begin(0); }

/* ---- types ---------------------------------------------------------------------- */

#define UNION(name, type) \
	union name { type a, b, c, d, e, f, g, h, i, j; }
UNION(u1, long); UNION(u2, union u1); UNION(u3, union u2); UNION(u4, union u3);
UNION(u5, union u4); UNION(u6, union u5); UNION(u7, union u6); UNION(u8, union u7);
UNION(u9, union u8); UNION(u10, union u9); UNION(u11, union u10); UNION(u12, union u11);
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, union u12); } unions SEC(".maps");
// ok: 10^12 members in eight bytes, which takes no time
SEC("tc") int many_members(void *ctx)
{
	int zero = 0;
	union u12 *u = bpf_map_lookup_elem(&unions, &zero);

	return u ? u->a.a.a.a.a.a.a.a.a.a.a.a : 0;
}
char _license[] SEC("license") = "GPL";
