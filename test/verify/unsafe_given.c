/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_given.c: what functions are given, and where they run. */
#define NOINLINE __attribute__((noinline))
#define K __attribute__((section(".ksyms")))
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
extern void bpf_local_irq_save(unsigned long *flags) K;
extern void bpf_local_irq_restore(unsigned long *flags) K;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, __u64 flags, struct bpf_dynptr *p) K;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32);
	__type(value, __u64); } hash SEC(".maps");
struct timed { struct bpf_timer timer; long n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct timed); } timers SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } user SEC(".maps");
char bytes[8];

/* ---- a dynptr as it was given --------------------------------------------- */

static int moved(struct bpf_dynptr *d, long *sum)
{
	struct bpf_dynptr *p = d;

	asm volatile("%0 += 8" : "+r"(p));
	bpf_dynptr_read(sum, 8, p, 0, 0);
	return 0;
}
// rejected 0209: a callback's dynptr, moved
SEC("xdp") int callback_moves_dynptr(void *ctx)
{
	long sum = 0;

	bpf_user_ringbuf_drain(&user, moved, &sum, 0);
	return sum;
}
static int as_given(struct bpf_dynptr *d, long *sum)
{
	bpf_dynptr_read(sum, 8, d, 0, 0);
	return 1;
}
// ok: a callback's dynptr
SEC("xdp") int callback_reads_dynptr(void *ctx)
{
	long sum = 0;

	bpf_user_ringbuf_drain(&user, as_given, &sum, 0);
	return sum;
}
NOINLINE int moved_global(struct bpf_dynptr *d)
{
	struct bpf_dynptr *p = d;
	long n = 0;

	asm volatile("%0 += 8" : "+r"(p));
	bpf_dynptr_read(&n, 8, p, 0, 0);
	return n;
}
// rejected 0209: a global function's dynptr, moved
SEC("tc") int global_moves_dynptr(struct __sk_buff *ctx)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_skb(ctx, 0, &d);
	return moved_global(&d);
}

/* ---- keys ------------------------------------------------------------------ */

static int keep_key(void *map, int *key, long *value, void **out)
{
	*out = key;
	return 0;
}
// rejected 0120, kernel ok: a key that a callback was shown, after it
SEC("xdp") int key_kept(void *ctx)
{
	int mine = 0, *p = &mine;

	bpf_for_each_map_elem(&hash, keep_key, &p, 0);
	return *p;
}
static int one(void *map, int *key, long *value, long *sum)
{
	*sum += *key;
	return 0;
}
static int each(void *map, int *key, long *value, long *sum)
{
	bpf_for_each_map_elem(&hash, one, sum, 0);
	*sum += *key;
	return 0;
}
// ok: a key after the keys of another loop
SEC("xdp") int key_outside(void *ctx)
{
	long sum = 0;

	bpf_for_each_map_elem(&hash, each, &sum, 0);
	return sum;
}

/* ---- NULL ------------------------------------------------------------------ */

// rejected 0354, kernel ok: bytes at what may be NULL
SEC("tc") int sum_null(void *ctx)
{
	int key = 0;
	__u64 *v = bpf_map_lookup_elem(&hash, &key);

	return bpf_csum_diff((void *)v, 8, 0, 0, 0);
}
// ok: no bytes at NULL
SEC("tc") int sum_not_null(void *ctx)
{
	int key = 0;
	__u64 *v = bpf_map_lookup_elem(&hash, &key);

	return v ? bpf_csum_diff((void *)v, 8, 0, 0, 0) : 0;
}
// rejected 0120: a program of type syscall may have no context
SEC("syscall") int no_context(void *ctx)
{
	if (!ctx)
		return *(volatile int *)((long)bpf_get_prandom_u32() | 1);
	return 0;
}

/* ---- what sleeps ------------------------------------------------------------ */

static int sleeps(void *map, int *key, struct timed *v)
{
	bpf_copy_from_user(bytes, sizeof(bytes), (void *)1234);
	return 0;
}
// rejected 0391: a timer's callback sleeps
SEC("syscall") int timer_sleeps(void *ctx)
{
	int key = 0;
	struct timed *v = bpf_map_lookup_elem(&timers, &key);

	if (!v)
		return 0;
	bpf_timer_init(&v->timer, &timers, 1);
	bpf_timer_set_callback(&v->timer, sleeps);
	return 0;
}
NOINLINE int may_sleep(long at)
{
	return bpf_copy_from_user(bytes, sizeof(bytes), (void *)at);
}
// rejected 0266: a global function that sleeps in a read section
SEC("syscall") int sleeps_in_section(void *ctx)
{
	bpf_rcu_read_lock();
	may_sleep(1);
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0266: with preemption off
SEC("syscall") int sleeps_unpreempted(void *ctx)
{
	bpf_preempt_disable();
	may_sleep(1);
	bpf_preempt_enable();
	return 0;
}
// rejected 0266: with interrupts off
SEC("syscall") int sleeps_uninterrupted(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	may_sleep(1);
	bpf_local_irq_restore(&flags);
	return 0;
}
// ok: behind the section
SEC("syscall") int sleeps_behind(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return may_sleep(1);
}
char _license[] SEC("license") = "GPL";

/* ---- how often ---------------------------------------------------------------- */

#define NAKED __attribute__((naked))
static NOINLINE NAKED int read_at_one(void)
{
	asm volatile("r1 = 1; r0 = *(u64 *)(r1 + 0); r0 = 0; exit;" ::: "r0");
}
static NOINLINE NAKED int return_zero(void)
{
	asm volatile("r0 = 0; exit;" ::: "r0");
}
#define TIMES(times, f) \
	asm volatile("r2 = %[cb] ll; r1 = " times "; r3 = 0; r4 = 0; call 181; r0 = 0; exit;" \
		:: [cb]"i"(f) : "r0")
// rejected 0354: a callback is called as often as an address says
SEC("tc") NAKED int stack_times(void) { TIMES("r10", read_at_one); }
// rejected 0354: the address of a function
SEC("tc") NAKED int function_times(void) { TIMES("r2", read_at_one); }
// rejected 0120: a number
SEC("tc") NAKED int two_times(void) { TIMES("2", read_at_one); }
// ok: never
SEC("tc") NAKED int zero_times(void) { TIMES("0", read_at_one); }
// ok: a harmless one
SEC("tc") NAKED int harmless_times(void) { TIMES("-1", return_zero); }
NOINLINE int global_pass(int i, void *ctx)
{
	return 0;
}
// rejected 0168: a callback that is not static
SEC("tc") int callback_global(void *ctx)
{
	bpf_loop(3, global_pass, 0, 0);
	return 0;
}

/* ---- what outlives a callback --------------------------------------------------- */

static int keep_dynptr(struct bpf_dynptr *d, void **out)
{
	*out = d;
	return 1;
}
// rejected 0323: a callback's dynptr, after it
SEC("tc") int dynptr_kept(void *ctx)
{
	long n = 0;
	void *p = 0;

	bpf_user_ringbuf_drain(&user, keep_dynptr, &p, 0);
	if (p)
		bpf_dynptr_read(&n, 8, p, 0, 0);
	return n;
}
static int keep_part(struct bpf_dynptr *d, void **out)
{
	void *p = bpf_dynptr_data(d, 0, 8);

	if (p)
		*out = p;
	return 1;
}
// rejected 0120: a part of its sample, after it
SEC("tc") int sample_kept(void *ctx)
{
	long mine = 0, *p = &mine;

	bpf_user_ringbuf_drain(&user, keep_part, &p, 0);
	return *p;
}
static int keep_value(void *map, void *key, void *value, void **out)
{
	*out = value;
	return 1;
}
// ok: a value of a map, after the callback that was shown it
SEC("tc") int value_kept(void *ctx)
{
	long mine = 0, *p = &mine;

	bpf_for_each_map_elem(&hash, keep_value, &p, 0);
	return *p;
}

/* ---- pointers that may be NULL, where NULL may be given ----------------------------- */

struct task_struct { int pid; } __attribute__((preserve_access_index));
struct iter_task { __u64 opaque[3]; };
extern int bpf_iter_task_new(struct iter_task *it, struct task_struct *t, unsigned f) K;
extern void bpf_iter_task_destroy(struct iter_task *it) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
static __attribute__((always_inline)) int threads(void *of)
{
	struct iter_task it;

	bpf_iter_task_new(&it, of, 0);
	bpf_iter_task_destroy(&it);
	return 0;
}
// rejected 0384: a value of a map or NULL, as a task or NULL
SEC("tp_btf/sched_switch") int value_as_task(__u64 *ctx)
{
	int key = 0;

	return threads(bpf_map_lookup_elem(&hash, &key));
}
// rejected 0386: a task or NULL
SEC("tp_btf/sched_switch") int task_or_null(__u64 *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	threads(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// ok: NULL
SEC("tp_btf/sched_switch") int task_null(__u64 *ctx) { return threads(0); }
