/* SPDX-License-Identifier: BSD-2-Clause */
/* kcalls.c: functions of the kernel: what each argument must be, what is left when they
 * return; iterators and saved interrupt states where they do not belong. */
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
#define NAKED __attribute__((naked))
#define SPIN_VALUE { struct bpf_spin_lock lock; int n; }
struct cpumask { unsigned long bits[1]; } CORE;
struct bpf_cpumask { struct cpumask cpumask; } CORE;
struct task_struct { int pid; struct task_struct *real_parent, *last_wakee;
	const struct cpumask *cpus_ptr; char comm[16]; } CORE;
struct iter_num { __u64 opaque[1]; };
struct iter_bits { __u64 opaque[2]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;
extern int bpf_iter_bits_new(struct iter_bits *it, const __u64 *p, __u32 n) K;
extern int *bpf_iter_bits_next(struct iter_bits *it) K;
extern void bpf_iter_bits_destroy(struct iter_bits *it) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
extern void bpf_local_irq_save(unsigned long *flags) K;
extern void bpf_local_irq_restore(unsigned long *flags) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
extern struct bpf_cpumask *bpf_cpumask_create(void) K;
extern void bpf_cpumask_release(struct bpf_cpumask *m) K;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *m) K;
extern _Bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *m) K;
extern int bpf_copy_from_user_str(void *to, __u32 n, const void *from, __u64 flags) K;
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_rdonly_cast(const void *p, __u32 id) K;
extern int bpf_strnlen(const char *s, __u32 n) K;
extern int bpf_strnchr(const char *a, __u64 n, char c) K;
struct value { long n; char text[24]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, struct value); } hash SEC(".maps");
struct locked SPIN_VALUE;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, struct locked); } locks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, long); } tasks SEC(".maps");
struct item { __u64 n; int a[4]; };
#define make(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define drop(p) bpf_obj_drop_impl(p, 0)
/* Paths that came together: a state is stored behind it. */
#define MEET "r5 = 0; r5 = 0; r5 = 0; r5 = 0; r5 = 0; r5 = 0; goto 8f; 8: goto 9f; 9:"
char table[16];
int zero;

/* ---- sections ------------------------------------------------------------ */

// rejected 0316: preemption allowed that was not forbidden
SEC("xdp") int preempt_none(struct xdp_md *ctx)
{
	bpf_preempt_enable();
	return XDP_PASS;
}
// rejected 0317: preemption not allowed again
SEC("xdp") int preempt_open(struct xdp_md *ctx)
{
	bpf_preempt_disable();
	return XDP_PASS;
}
// rejected 0331: restored twice
SEC("xdp") int irq_twice(struct xdp_md *ctx)
{
	unsigned long a;

	bpf_local_irq_save(&a);
	bpf_local_irq_restore(&a);
	bpf_local_irq_restore(&a);
	return XDP_PASS;
}
// rejected 0397: sleeping in a read section
SEC("syscall") int sleep_rcu(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_copy_from_user(table, sizeof(table), 0);
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0397: sleeping without preemption
SEC("syscall") int sleep_preempt(void *ctx)
{
	bpf_preempt_disable();
	bpf_copy_from_user(table, sizeof(table), 0);
	bpf_preempt_enable();
	return 0;
}
// rejected 0397: sleeping without interrupts
SEC("syscall") int sleep_irq(void *ctx)
{
	unsigned long a;

	bpf_local_irq_save(&a);
	bpf_copy_from_user(table, sizeof(table), 0);
	bpf_local_irq_restore(&a);
	return 0;
}
// ok: sleeping after the section
SEC("syscall") int sleep_after(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_copy_from_user(table, sizeof(table), 0);
	return 0;
}
// rejected 0256: a function that sleeps, without preemption
SEC("syscall") int kfunc_preempt(void *ctx)
{
	bpf_preempt_disable();
	bpf_copy_from_user_str(table, sizeof(table), 0, 0);
	bpf_preempt_enable();
	return 0;
}
// rejected 0256: a function that sleeps, without interrupts
SEC("syscall") int kfunc_irq(void *ctx)
{
	unsigned long a;

	bpf_local_irq_save(&a);
	bpf_copy_from_user_str(table, sizeof(table), 0, 0);
	bpf_local_irq_restore(&a);
	return 0;
}
// rejected 0315: a packet load in a read section
SEC("tc") NAKED int load_in_section(void)
{
	asm volatile("r6 = r1; call bpf_rcu_read_lock; r0 = *(u8 *)skb[0];"
		"call bpf_rcu_read_unlock; r0 = 0; exit;" ::: "r0");
}

/* ---- what calls leave ---------------------------------------------------- */

// rejected 0101: an argument after a section began
SEC("xdp") NAKED int argument_after(void)
{
	asm volatile("call bpf_rcu_read_lock; r6 = r1; call bpf_rcu_read_unlock; r0 = 0; exit;"
		::: "r0");
}
// rejected 0101: the result of what returns nothing
SEC("xdp") NAKED int no_result(void)
{
	asm volatile("r0 = 2; call bpf_rcu_read_lock; r6 = r0; call bpf_rcu_read_unlock;"
		"r0 = 0; exit;" ::: "r0");
}
// rejected 0101: an argument after a function by its prototype
SEC("tp_btf/sched_switch") NAKED int argument_after_typed(void)
{
	asm volatile("call bpf_cpumask_create; r6 = r1; if r0 == 0 goto 1f; r1 = r0;"
		"call bpf_cpumask_release; 1: r0 = 0; exit;" ::: "r0");
}
// rejected 0101: an argument after a function by its row
SEC("xdp") NAKED int argument_after_row(void)
{
	asm volatile("r2 = 4; call bpf_strnlen; r0 = r1; exit;" ::: "r0");
}
// rejected 0101: an iterator at a place that was never set
SEC("xdp") NAKED int iter_unset(void)
{
	asm volatile("call 7; r2 = 0; r3 = 3; call bpf_iter_num_new; r0 = 0; exit;" ::: "r0");
}
// rejected 0211: what making an iterator returns may be any number
SEC("xdp") int iter_result(struct xdp_md *ctx)
{
	struct iter_num it;
	__u32 e = bpf_iter_num_new(&it, 0, 3);

	bpf_iter_num_destroy(&it);
	return table[e] & 1;
}

// rejected 0112: the same, where r0 was known before
SEC("xdp") NAKED int iter_result_known(void)
{
	asm volatile("r0 = 5; r1 = r10; r1 += -8; r2 = 0; r3 = 3; call bpf_iter_num_new; r6 = r0;"
		"r1 = r10; r1 += -8; call bpf_iter_num_destroy; r1 = %[table] ll; r1 += r6;"
		"r0 = *(u8 *)(r1 + 0); r0 = 0; exit;" :: [table]"i"(&table) : "r0");
}
static __attribute__((noinline)) NAKED int iter_deep(void)
{
	asm volatile("r1 = r10; r1 += -304; r2 = 0; r3 = 3; call bpf_iter_num_new; r1 = r10;"
		"r1 += -304; call bpf_iter_num_destroy; r0 = 0; exit;" ::: "r0");
}
// rejected 0158: iterators that lie deep
SEC("xdp") NAKED int iter_stack(void)
{
	asm volatile("r1 = 0; *(u64 *)(r10 - 304) = r1; call %[f]; exit;"
		:: [f]"i"(iter_deep) : "r0");
}
// rejected 0101: a number that was never set
SEC("xdp") NAKED int row_unset(void)
{
	asm volatile("call 7; r1 = 0; call bpf_strnlen; r0 = 0; exit;" ::: "r0");
}

/* ---- iterators ----------------------------------------------------------- */

// rejected 0255: an iterator from a pointer on
SEC("xdp") int iter_pointer(struct xdp_md *ctx)
{
	struct iter_num it;

	((int (*)(void *, void *, int))bpf_iter_num_new)(&it, ctx, 3);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
// rejected 0319: an iterator in a map value
SEC("xdp") int iter_in_map(struct xdp_md *ctx)
{
	bpf_iter_num_new((void *)table, 0, 3);
	return XDP_PASS;
}
// rejected 0318: the next of a map value
SEC("xdp") int next_in_map(struct xdp_md *ctx)
{
	return !bpf_iter_num_next((void *)table);
}
// rejected 0318: half of one iterator and half of another
SEC("xdp") int iter_halves(struct xdp_md *ctx)
{
	struct iter_bits it[2];
	__u64 bits = 3;

	bpf_iter_bits_new(&it[0], &bits, 1);
	bpf_iter_bits_new(&it[1], &bits, 1);
	bpf_iter_bits_next((void *)&it[0].opaque[1]);
	bpf_iter_bits_destroy(&it[0]);
	bpf_iter_bits_destroy(&it[1]);
	return XDP_PASS;
}
// rejected 0211: an element behind another
SEC("xdp") int iter_again(struct xdp_md *ctx)
{
	struct iter_num it;
	int *p;

	bpf_iter_num_new(&it, 0, 3);
	bpf_iter_num_next(&it);
	p = bpf_iter_num_next(&it);
	if (p)
		table[(__u32)*p] = 1;
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
// rejected 0321: an iterator over a record's dynptr
SEC("xdp") int iter_over_dynptr(struct xdp_md *ctx)
{
	union { struct bpf_dynptr d; struct iter_num it; } u;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &u.d);
	bpf_iter_num_new(&u.it, 0, 3);
	bpf_iter_num_destroy(&u.it);
	return XDP_PASS;
}
// rejected 0321: an interrupt state over a record's dynptr
SEC("xdp") int irq_over_dynptr(struct xdp_md *ctx)
{
	union { struct bpf_dynptr d; unsigned long flags; } u;

	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &u.d);
	bpf_local_irq_save(&u.flags);
	bpf_local_irq_restore(&u.flags);
	return XDP_PASS;
}
// rejected 0120: an element after its iterator
SEC("xdp") int element_after(struct xdp_md *ctx)
{
	struct iter_num it;
	int *p;

	bpf_iter_num_new(&it, 0, 3);
	p = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return p ? *(volatile int *)p & 1 : 0;
}
// rejected 0101: an argument, where there is an element
SEC("xdp") NAKED int element_argument(void)
{
	asm volatile("r1 = r10; r1 += -8; r2 = 0; r3 = 3; call bpf_iter_num_new; r1 = r10;"
		"r1 += -8; call bpf_iter_num_next; if r0 == 0 goto 1f; r6 = r1; 1: r1 = r10;"
		"r1 += -8; call bpf_iter_num_destroy; r0 = 0; exit;" ::: "r0");
}
// rejected 0318: an iterator that a helper wrote over
SEC("xdp") int iter_helper(struct xdp_md *ctx)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	bpf_xdp_load_bytes(ctx, 0, &it, 8);
	bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}
// rejected 0318: an iterator that the program wrote over
SEC("xdp") int iter_written(struct xdp_md *ctx)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 3);
	*(volatile long *)&it = 0;
	bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	return XDP_PASS;
}

/* ---- under a lock -------------------------------------------------------- */

#define LOCKED(call) do { \
	struct locked *v = bpf_map_lookup_elem(&locks, &zero); \
	if (!v) return 0; \
	bpf_spin_lock(&v->lock); call; bpf_spin_unlock(&v->lock); } while (0)
// rejected 0310: a function by its row
SEC("tc") int locked_row(void *ctx)
{
	LOCKED(v->n = bpf_strnlen(table, 4));
	return 0;
}
// rejected 0310: a function by its prototype
SEC("syscall") int locked_typed(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (!t)
		return 0;
	LOCKED(bpf_task_release(t));
	return 0;
}

/* ---- arguments by prototype ---------------------------------------------- */

// rejected 0255: a pointer as a number
SEC("tp_btf/sched_switch") int typed_number(__u64 *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	if (!m)
		return 0;
	((void (*)(void *, void *))bpf_cpumask_set_cpu)(ctx, m);
	bpf_cpumask_release(m);
	return 0;
}
// rejected 0101: an argument that was never set
SEC("tp_btf/sched_switch") NAKED int typed_unset(void)
{
	asm volatile("call 7; call bpf_task_from_pid; if r0 == 0 goto 1f; r1 = r0;"
		"call bpf_task_release; 1: r0 = 0; exit;" ::: "r0");
}
// rejected 0384: memory as an object
SEC("tp_btf/sched_switch") int typed_memory(__u64 *ctx)
{
	bpf_task_release((void *)table);
	return 0;
}
// rejected 0307: an object from its second member on
SEC("tp_btf/sched_switch") int typed_offset(__u64 *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (t)
		bpf_task_release((void *)t + 8);
	return 0;
}
// rejected 0210: an object at a variable offset
SEC("tp_btf/sched_switch") int typed_variable(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	t = bpf_task_acquire((void *)t + (bpf_get_prandom_u32() & 8));
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0210: before an object
SEC("tp_btf/sched_switch") int typed_before(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	t = bpf_task_acquire((void *)t - 8);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0101: a size that was never set
SEC("syscall") NAKED int size_unset(void)
{
	asm volatile("call 7; r1 = r10; r1 += -8; r3 = 0; r4 = 0;"
		"call bpf_copy_from_user_str; r0 = 0; exit;" ::: "r0");
}
// rejected 0360: a size that is a pointer
SEC("syscall") int size_pointer(void *ctx)
{
	return ((int (*)(void *, void *, const void *, __u64))bpf_copy_from_user_str)
		(table, ctx, 0, 0);
}
// rejected 0357: a size that may be negative
SEC("syscall") int size_negative(void *ctx)
{
	long n = bpf_ktime_get_ns();

	if (n > 16)
		return 0;
	return ((int (*)(void *, long, const void *, __u64))bpf_copy_from_user_str)
		(table, n, 0, 0);
}
// rejected 0358: a size that may be any number
SEC("syscall") int size_any(void *ctx)
{
	return bpf_copy_from_user_str(table, bpf_get_prandom_u32(), 0, 0);
}
// rejected 0204: a size that fits on one path
SEC("syscall") NAKED int size_paths(void)
{
	asm volatile("call 7; r6 = r0; r2 = 16; if r6 == 1 goto 3f; r2 = 8; 3:" MEET
		"r1 = r10; r1 += -8; r3 = 0; r4 = 0;"
		"call bpf_copy_from_user_str; r0 = 0; exit;" ::: "r0");
}
// rejected 0355, kernel ok: a buffer that may be none
SEC("syscall") int buffer_null(void *ctx)
{
	return bpf_copy_from_user_str(bpf_map_lookup_elem(&hash, &zero), 8, 0, 0);
}
// rejected 0388: a mask that may be none
SEC("tp_btf/sched_switch") int mask_null(__u64 *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();

	bpf_cpumask_set_cpu(1, m);
	if (m)
		bpf_cpumask_release(m);
	return 0;
}
// rejected 0388: NULL where a read section keeps objects
SEC("tp_btf/sched_switch") int mask_of_null(__u64 *ctx)
{
	return bpf_cpumask_test_cpu(1, 0);
}
// rejected 0354: a task after its section, for a helper
SEC("syscall") int storage_after(void *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	long *n;

	bpf_rcu_read_lock();
	t = t->real_parent;
	bpf_rcu_read_unlock();
	if (!t)
		return 0;
	n = bpf_task_storage_get(&tasks, t, 0, 0);
	return n ? *n : 0;
}
// rejected 0395: an object as a value
SEC("tp_btf/sched_switch") int object_value(__u64 *ctx)
{
	bpf_map_update_elem(&hash, &zero, (void *)ctx[1], 0);
	return 0;
}

/* ---- objects of the program ---------------------------------------------- */

// rejected 0360: a type that is no constant
SEC("tp_btf/sched_switch") int new_any(__u64 *ctx)
{
	struct item *p = bpf_obj_new_impl(bpf_get_prandom_u32(), 0);

	if (p)
		drop(p);
	return 0;
}
// rejected 0360: a type that is a pointer
SEC("tp_btf/sched_switch") int new_pointer(__u64 *ctx)
{
	struct item *p = bpf_obj_new_impl((__u64)table, 0);

	if (p)
		drop(p);
	return 0;
}
// not judged, kernel rejected: a type that is none
SEC("tp_btf/sched_switch") int new_none(__u64 *ctx)
{
	struct item *p = bpf_obj_new_impl(100000, 0);

	if (p)
		drop(p);
	return 0;
}
// not judged, kernel rejected: a type that is no struct
SEC("tp_btf/sched_switch") int new_number(__u64 *ctx)
{
	struct item *p = bpf_obj_new_impl(__builtin_btf_type_id(zero, 0), 0);

	if (p)
		drop(p);
	return 0;
}
// rejected 0388: an object that may be none
SEC("tp_btf/sched_switch") int drop_null(__u64 *ctx)
{
	drop(make(struct item));
	return 0;
}
// rejected 0389: an object of the kernel is dropped
SEC("tp_btf/sched_switch") int drop_task(__u64 *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (t)
		drop(t);
	return 0;
}
// rejected 0307: an object from a variable offset on
SEC("tp_btf/sched_switch") int drop_variable(__u64 *ctx)
{
	struct item *p = make(struct item);

	if (p)
		drop((void *)p + (bpf_get_prandom_u32() & 8));
	return 0;
}
// rejected 0238: before an object
SEC("tp_btf/sched_switch") int before_own(__u64 *ctx)
{
	struct item *p = make(struct item);
	long n = 0;

	if (!p)
		return 0;
	n = ((volatile long *)p)[-1];
	drop(p);
	return n;
}
// rejected 0354: an object given to a helper
SEC("tp_btf/sched_switch") int own_helper(__u64 *ctx)
{
	struct item *p = make(struct item);

	if (!p)
		return 0;
	bpf_probe_read_kernel(p, 8, 0);
	drop(p);
	return 0;
}

/* ---- casts --------------------------------------------------------------- */

// rejected 0101: a cast to what was never set
SEC("tp_btf/sched_switch") NAKED int cast_unset(void)
{
	asm volatile("call 7; r1 = 0; call bpf_rdonly_cast; r0 = 0; exit;" ::: "r0");
}
// rejected 0360: a cast to a type that is no constant
SEC("tp_btf/sched_switch") int cast_any(__u64 *ctx)
{
	return !bpf_rdonly_cast(ctx, bpf_get_prandom_u32());
}
// rejected 0360: a cast to a pointer
SEC("tp_btf/sched_switch") int cast_pointer(__u64 *ctx)
{
	return !((void *(*)(const void *, void *))bpf_rdonly_cast)(ctx, table);
}
// not judged, kernel rejected: a cast to what is no type
SEC("tp_btf/sched_switch") int cast_none(__u64 *ctx)
{
	return !bpf_rdonly_cast(ctx, 10000000);
}
// not judged, kernel rejected: a cast to what is no struct
SEC("tp_btf/sched_switch") int cast_number(__u64 *ctx)
{
	return !bpf_rdonly_cast(ctx, 1);
}
char _license[] SEC("license") = "GPL";
