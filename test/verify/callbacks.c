/* SPDX-License-Identifier: BSD-2-Clause */
/* callbacks.c: functions that helpers call: what they get, how often they run, how they
 * end, what they leave. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE static __attribute__((noinline))
#define NAKED NOINLINE __attribute__((naked))
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
struct large { char text[128]; };
struct small { long n, m; };
struct timed { struct bpf_timer timer; long n; };
struct locked { struct bpf_spin_lock lock; int n; };
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int);
	__type(value, struct large); };
/* the first has the largest values */
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, struct large); } larges SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int);
	__type(value, struct small); } smalls SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct timed); } timers SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, struct locked); } locks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } user SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 2); __type(key, int);
	__array(values, struct inner); } outer SEC(".maps");
struct task_struct;
struct vm_area_struct;
/* Paths that came together: a state is stored behind it. */
#define MEET "r5 = 0; r5 = 0; r5 = 0; r5 = 0; r5 = 0; r5 = 0; goto 8f; 8: goto 9f; 9:"
char table[16];
int zero;
struct sum { long n, i; };

NOINLINE int add(__u32 i, struct sum *s)
{
	s->n += i;
	return 0;
}
// ok: passes that count
SEC("xdp") int counted(struct xdp_md *ctx)
{
	struct sum s = {};

	bpf_loop(10, add, &s, 0);
	return s.n & 1;
}
NOINLINE int by_index(__u32 i, void *c)
{
	table[i] = 1;
	return 0;
}
// rejected 0211: which pass it is may be any number
SEC("xdp") int index_any(struct xdp_md *ctx)
{
	bpf_loop(8, by_index, 0, 0);
	return XDP_PASS;
}
NOINLINE int step_far(__u32 i, struct sum *s)
{
	if (s->i < 0 || s->i > 15)
		table[s->i + 16] = 1;
	s->i = 20;
	return 0;
}
// ok: as often as it says
SEC("xdp") int once(struct xdp_md *ctx)
{
	struct sum s = {};

	bpf_loop(1, step_far, &s, 0);
	return XDP_PASS;
}
// rejected 0202: once more
SEC("xdp") int twice(struct xdp_md *ctx)
{
	struct sum s = {};

	bpf_loop(2, step_far, &s, 0);
	return XDP_PASS;
}
NOINLINE int nothing(__u32 i, void *c)
{
	return 0;
}
NOINLINE int far(__u32 i, struct sum *s)
{
	char *p = table;

	p += 16;
	asm volatile("" : "+r"(p));
	*p = 1;
	return 0;
}
// rejected 0202: what runs after another that ran as often
SEC("xdp") int second(struct xdp_md *ctx)
{
	struct sum s = {};

	bpf_loop(1, nothing, 0, 0);
	bpf_loop(1, far, &s, 0);
	return XDP_PASS;
}
NOINLINE int puts_20(__u32 i, struct sum *s)
{
	s->i = 20;
	return 0;
}
NOINLINE int uses(__u32 i, struct sum *s)
{
	char *p = table + s->i;

	asm volatile("" : "+r"(p));
	*p = 1;
	return 0;
}
// rejected 0202: what one left for another that runs as often
SEC("xdp") int left(struct xdp_md *ctx)
{
	struct sum s = {};

	bpf_loop(1, puts_20, &s, 0);
	bpf_loop(1, uses, &s, 0);
	return XDP_PASS;
}
// rejected 0202: twice on one path
SEC("xdp") __attribute__((naked)) int once_or_twice(void)
{
	asm volatile("r0 = 0; *(u64 *)(r10 - 8) = r0; *(u64 *)(r10 - 16) = r0; call 7; r6 = r0;"
		"r7 = 2; if r6 == 1 goto 3f; r7 = 1; 3:" MEET
		"r1 = r7; r2 = %[f] ll; r3 = r10; r3 += -16; r4 = 0; call 181; r0 = 2; exit;"
		:: [f]"i"(step_far) : "r0");
}
NOINLINE int sum_values(void *map, int *key, struct small *val, struct sum *s)
{
	s->n += val->m;
	if (*key == 3 && bpf_map_lookup_elem(map, key))
		s->i++;
	return 0;
}
// ok: all elements
SEC("xdp") int elements(struct xdp_md *ctx)
{
	struct sum s = {};

	bpf_for_each_map_elem(&smalls, sum_values, &s, 0);
	return s.n & 1;
}
NOINLINE int behind_value(void *map, int *key, struct small *val, void *c)
{
	return ((volatile long *)&val->m)[1] & 1;
}
// rejected 0202: behind an element
SEC("xdp") int elements_behind(struct xdp_md *ctx)
{
	bpf_for_each_map_elem(&smalls, behind_value, 0, 0);
	return XDP_PASS;
}
NOINLINE int end_of_value(void *map, int *key, struct large *val, void *c)
{
	return val->text[120] & 1;
}
// ok: elements of a map in a map
SEC("xdp") int elements_inner(struct xdp_md *ctx)
{
	void *map = bpf_map_lookup_elem(&outer, &zero);

	if (map)
		bpf_for_each_map_elem(map, end_of_value, 0, 0);
	return XDP_PASS;
}
struct held { struct locked *v; };
NOINLINE int unlock_other(void *map, int *key, struct locked *val, struct held *h)
{
	bpf_spin_lock(&val->lock);
	if (h->v)
		bpf_spin_unlock(&h->v->lock);
	else
		bpf_spin_unlock(&val->lock);
	return 0;
}
NOINLINE int lock_outer(void *map, int *key, struct locked *val, void *c)
{
	struct held h = { val };

	bpf_for_each_map_elem(&locks, unlock_other, &h, 0);
	return 0;
}
// rejected 0314: the lock of another element
SEC("tc") int elements_locked(void *ctx)
{
	bpf_for_each_map_elem(&locks, lock_outer, 0, 0);
	return 0;
}
NOINLINE int drained(struct bpf_dynptr *d, struct sum *s)
{
	long n = 0;

	bpf_dynptr_read(&n, sizeof(n), d, 0, 0);
	s->n += n;
	return 0;
}
// ok: samples
SEC("xdp") int samples(struct xdp_md *ctx)
{
	struct sum s = {};

	bpf_user_ringbuf_drain(&user, drained, &s, 0);
	return s.n & 1;
}
NOINLINE int area(struct task_struct *t, struct vm_area_struct *vma, struct sum *s)
{
	s->n = 1;
	return 0;
}
// ok: the memory of a task
SEC("tp_btf/sched_switch") int found(__u64 *ctx)
{
	struct sum s = {};

	bpf_find_vma(bpf_get_current_task_btf(), 0, area, &s, 0);
	return s.n & 1;
}
// ok: what the caller holds meanwhile
SEC("xdp") int holds(struct xdp_md *ctx)
{
	long *r = bpf_ringbuf_reserve(&ring, 8, 0);

	bpf_rcu_read_lock();
	bpf_preempt_disable();
	bpf_loop(3, nothing, 0, 0);
	bpf_preempt_enable();
	bpf_rcu_read_unlock();
	if (r)
		bpf_ringbuf_discard(r, 0);
	return XDP_PASS;
}
NOINLINE int enters(__u32 i, void *c)
{
	bpf_rcu_read_lock();
	return 0;
}
// rejected 0316: a section that it enters, if it runs
SEC("xdp") int section_left(struct xdp_md *ctx)
{
	bpf_loop(1, enters, 0, 0);
	bpf_rcu_read_unlock();
	return XDP_PASS;
}
NOINLINE int disables(__u32 i, void *c)
{
	bpf_preempt_disable();
	return 0;
}
// rejected 0316: preemption that it forbids, if it runs
SEC("xdp") int preempt_left(struct xdp_md *ctx)
{
	bpf_loop(1, disables, 0, 0);
	bpf_preempt_enable();
	return XDP_PASS;
}
NAKED int no_result(void)
{
	asm volatile("r1 = 0; exit;");
}
// rejected 0101: it returns nothing
SEC("xdp") int returns_nothing(struct xdp_md *ctx)
{
	bpf_loop(1, no_result, 0, 0);
	return XDP_PASS;
}
NAKED int own_address(void)
{
	asm volatile("r0 = r10; exit;");
}
// rejected 0125: it returns a pointer
SEC("xdp") int returns_pointer(struct xdp_md *ctx)
{
	bpf_loop(1, own_address, 0, 0);
	return XDP_PASS;
}
NAKED int zero_or_two(void)
{
	asm volatile("call 7; r6 = r0; r0 = 2; if r6 == 1 goto 3f; r0 = 0; 3:" MEET "exit;"
		::: "r0");
}
// rejected 0123: it returns 2 on one path
SEC("xdp") int returns_two(struct xdp_md *ctx)
{
	bpf_loop(1, zero_or_two, 0, 0);
	return XDP_PASS;
}
#define CALLS(name, next) NOINLINE int name(int n) \
	{ volatile int r = next(n + 1); return r + n; }
NOINLINE int deep8(int n)
{
	return bpf_loop(n & 1, nothing, 0, 0);
}
CALLS(deep7, deep8)
CALLS(deep6, deep7)
CALLS(deep5, deep6)
CALLS(deep4, deep5)
CALLS(deep3, deep4)
CALLS(deep2, deep3)
// rejected 0157: nine deep
SEC("xdp") int nine(struct xdp_md *ctx)
{
	return deep2(ctx->rx_queue_index) & 1;
}

/* ---- timers -------------------------------------------------------------- */

/* The first byte of an array, all of which is on the stack. */
#define USE(array) (*({ char *p = array; asm volatile("" : "+r"(p)); p; }))

NOINLINE int tick(void *map, int *key, struct timed *v)
{
	char room[300];

	USE(room) = v->n;
	return 0;
}
// ok: a timer has a stack of its own, and holds nothing
SEC("tc") int timer(void *ctx)
{
	char room[300];
	struct timed *v = bpf_map_lookup_elem(&timers, &zero);
	long *r;

	USE(room) = 0;
	if (!v)
		return 0;
	r = bpf_ringbuf_reserve(&ring, 8, 0);
	bpf_rcu_read_lock();
	bpf_timer_init(&v->timer, &timers, 1);
	bpf_timer_set_callback(&v->timer, tick);
	bpf_rcu_read_unlock();
	if (r)
		bpf_ringbuf_discard(r, 0);
	return 0;
}
NOINLINE int tick_one(void *map, int *key, struct timed *v)
{
	return 1;
}
// rejected 0123: what a timer's callback returns
SEC("tc") int timer_result(void *ctx)
{
	struct timed *v = bpf_map_lookup_elem(&timers, &zero);

	if (v)
		bpf_timer_set_callback(&v->timer, tick_one);
	return 0;
}
NOINLINE int tick_behind(void *map, int *key, struct timed *v)
{
	((volatile long *)&v->n)[1] = 1;
	return 0;
}
// rejected 0202: behind the timer's value
SEC("tc") int timer_behind(void *ctx)
{
	struct timed *v = bpf_map_lookup_elem(&timers, &zero);

	if (v)
		bpf_timer_set_callback(&v->timer, tick_behind);
	return 0;
}
NOINLINE int tick_lookup(void *map, int *key, struct timed *v)
{
	struct timed *w = bpf_map_lookup_elem(map, key);

	if (w)
		((volatile long *)&w->n)[1] = 1;
	return 0;
}
// rejected 0202: behind another value of the timer's map
SEC("tc") int timer_lookup(void *ctx)
{
	struct timed *v = bpf_map_lookup_elem(&timers, &zero);

	if (v)
		bpf_timer_set_callback(&v->timer, tick_lookup);
	return 0;
}

NOINLINE int tick_other(void *map, int *key, struct timed *v)
{
	struct timed *w = bpf_map_lookup_elem(map, key);

	if (w)
		w->n = 1;
	return 0;
}
// ok: another value of the timer's map
SEC("tc") int timer_other(void *ctx)
{
	struct timed *v = bpf_map_lookup_elem(&timers, &zero);

	if (v)
		bpf_timer_set_callback(&v->timer, tick_other);
	return 0;
}
NOINLINE int tick_leaves(void *map, int *key, struct timed *v)
{
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0316: the section of whoever set the timer
SEC("tc") int timer_section(void *ctx)
{
	struct timed *v = bpf_map_lookup_elem(&timers, &zero);

	if (!v)
		return 0;
	bpf_rcu_read_lock();
	bpf_timer_set_callback(&v->timer, tick_leaves);
	bpf_rcu_read_unlock();
	return 0;
}
NAKED int tick_zero_or_one(void)
{
	asm volatile("call 7; r6 = r0; r0 = 1; if r6 == 1 goto 3f; r0 = 0; 3:" MEET "exit;"
		::: "r0");
}
// rejected 0123: a timer's callback returns 1 on one path
SEC("tc") int timer_paths(void *ctx)
{
	struct timed *v = bpf_map_lookup_elem(&timers, &zero);

	if (v)
		bpf_timer_set_callback(&v->timer, tick_zero_or_one);
	return 0;
}

/* ---- global functions ---------------------------------------------------- */

#define GLOBAL __attribute__((noinline))
#define NONNULL __attribute__((btf_decl_tag("arg:nonnull")))
GLOBAL int by_number(int i)
{
	table[i] = 1;
	return 0;
}
// rejected 0113: an argument may be any number
SEC("xdp") int global_number(struct xdp_md *ctx)
{
	return by_number(1);
}
GLOBAL int second_of(struct small *s)
{
	return s ? s->m & 1 : 0;
}
// ok: memory of a size
SEC("xdp") int global_memory(struct xdp_md *ctx)
{
	struct small s = {};

	return second_of(&s);
}
// rejected 0202: memory of another size
SEC("xdp") int global_memory_short(struct xdp_md *ctx)
{
	struct small *s = bpf_map_lookup_elem(&smalls, &zero);

	return s ? second_of((void *)&s->m) : 0;
}
GLOBAL int other_than(struct small *s, struct small *t)
{
	return s ? t->m & 1 : 0;
}
// rejected 0107: the argument that was not compared
SEC("xdp") int global_null(struct xdp_md *ctx)
{
	struct small s = {};

	return other_than(&s, &s);
}
GLOBAL int sure_of(struct small *s NONNULL)
{
	return s->m & 1;
}
// rejected 0355: what must not be NULL may be
SEC("xdp") int global_nonnull(struct xdp_md *ctx)
{
	return sure_of(bpf_map_lookup_elem(&smalls, &zero));
}
GLOBAL int of_void(void *p)
{
	return p == (void *)16;
}
// not judged, kernel rejected: an argument that may be anything
SEC("xdp") int global_void(struct xdp_md *ctx)
{
	return of_void(ctx);
}
GLOBAL int in_ctx(struct xdp_md *ctx)
{
	return ctx->rx_queue_index & 1;
}
// rejected 0354: memory where the context is wanted
SEC("xdp") int global_ctx(struct xdp_md *ctx)
{
	struct small s = {};

	return in_ctx((void *)&s);
}
// rejected 0354: a map value where the context is wanted
SEC("xdp") int global_ctx_value(struct xdp_md *ctx)
{
	struct small *s = bpf_map_lookup_elem(&smalls, &zero);

	return s ? in_ctx((void *)s) : 0;
}
// rejected 0354: the context from its second member on
SEC("xdp") int global_ctx_offset(struct xdp_md *ctx)
{
	return in_ctx((void *)&ctx->data_end);
}
// rejected 0120: a pointer in memory that a function may write
SEC("xdp") __attribute__((naked)) int global_writes(void)
{
	asm volatile("r2 = 0; *(u64 *)(r10 - 16) = r2; *(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -16;"
		"call second_of; r1 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r1 + 0); exit;" ::: "r0");
}
// rejected 0101: an argument that was never set
SEC("xdp") __attribute__((naked)) int global_unset(void)
{
	asm volatile("r1 = 0; call other_than; exit;" ::: "r0");
}
// rejected 0101: an argument after the call
SEC("xdp") __attribute__((naked)) int global_after(void)
{
	asm volatile("r1 = 0; call second_of; r0 = r1; exit;" ::: "r0");
}
// rejected 0354: NULL on one path, a number on another
SEC("xdp") __attribute__((naked)) int global_null_or_number(void)
{
	asm volatile("call 7; r6 = r0; r1 = 2; if r6 == 1 goto 3f; r1 = 0; 3:" MEET
		"call second_of; r0 = 0; exit;" ::: "r0");
}
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, int); } progs SEC(".maps");
GLOBAL int tails(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &progs, 0);
	return 0;
}
// rejected 0120: the packet after another program may have run
SEC("xdp") int global_tails(struct xdp_md *ctx)
{
	char *p = (void *)(long)ctx->data;

	if (p + 4 > (char *)(long)ctx->data_end)
		return XDP_PASS;
	tails(ctx);
	return p[0] & 1;
}
extern int bpf_xdp_pull_data(struct xdp_md *x, __u32 n) K;
GLOBAL int pulls(struct xdp_md *ctx)
{
	return bpf_xdp_pull_data(ctx, 20);
}
// rejected 0120: the packet after a function pulled it
SEC("xdp") int global_pulls(struct xdp_md *ctx)
{
	char *p = (void *)(long)ctx->data;

	if (p + 4 > (char *)(long)ctx->data_end)
		return XDP_PASS;
	pulls(ctx);
	return p[0] & 1;
}
GLOBAL int by_mask(int i)
{
	table[i & 15] = 1;
	return 0;
}
// rejected 0267: a function under a lock
SEC("tc") int global_locked(void *ctx)
{
	struct locked *v = bpf_map_lookup_elem(&locks, &zero);

	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	by_mask(v->n);
	bpf_spin_unlock(&v->lock);
	return 0;
}
// rejected 0310: a function of the kernel under a lock
SEC("tc") int kfunc_locked(void *ctx)
{
	struct locked *v = bpf_map_lookup_elem(&locks, &zero);

	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_spin_unlock(&v->lock);
	return 0;
}
GLOBAL void *global_pointer(void)
{
	char *p = table;

	asm volatile("" : "+r"(p));
	return p;
}
// rejected 0371: a function that returns a pointer
SEC("xdp") int global_result(struct xdp_md *ctx)
{
	return global_pointer() != ctx;
}
GLOBAL __attribute__((naked)) int global_address(void)
{
	asm volatile("r0 = r10; exit;");
}
// rejected 0372: a function that says it returns a number
SEC("xdp") int global_exit(struct xdp_md *ctx)
{
	return global_address() & 1;
}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int);
	__type(value, struct small); __uint(map_flags, BPF_F_RDONLY_PROG); } rdonly SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int);
	__type(value, struct small); __uint(map_flags, BPF_F_WRONLY_PROG); } wronly SEC(".maps");
// rejected 0218: memory that a function could write
SEC("xdp") int global_rdonly(struct xdp_md *ctx)
{
	return second_of(bpf_map_lookup_elem(&rdonly, &zero));
}
// rejected 0219: memory that a function could read
SEC("xdp") int global_wronly(struct xdp_md *ctx)
{
	return second_of(bpf_map_lookup_elem(&wronly, &zero));
}
char _license[] SEC("license") = "GPL";
