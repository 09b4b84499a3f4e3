/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tagged.c: pointers in map values that nobody owns (kptr_untrusted) or that are to an
 * object for each cpu (percpu_kptr), and such objects.
 */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
#define UNTRUSTED __attribute__((btf_type_tag("kptr_untrusted")))
#define PERCPU __attribute__((btf_type_tag("percpu_kptr")))
#define TYPE(type) __builtin_btf_type_id(*(type *)0, 0)
#define NEW_PERCPU(type) ((type *)bpf_percpu_obj_new_impl(TYPE(type), 0))
#define NEW(type) ((type *)bpf_obj_new_impl(TYPE(type), 0))
struct cred;
struct task_struct { int pid; struct task_struct *group_leader; const struct cred *cred; } CORE;
struct cred { int x; } CORE;
struct count { long n; };
struct nested { struct count c; int x; };
struct big { char b[600]; };
struct link { struct link *next; };
struct value { long n; struct task_struct UNTRUSTED *task; struct count PERCPU *counts; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct value); } values SEC(".maps");
extern void *bpf_percpu_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_percpu_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
long sum;
struct box { long n; struct task_struct __attribute__((btf_type_tag("kptr"))) *task; };
static struct value *value(void)
{
	int key = 0;

	return bpf_map_lookup_elem(&values, &key);
}

// ok: load
SEC("tp_btf/sched_switch") int load(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	if (t)
		sum += t->pid;
	return 0;
}
// rejected 0107: load null
SEC("tp_btf/sched_switch") int load_null(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	sum += t->pid;
	return 0;
}
// rejected 0385: load acquire
SEC("tp_btf/sched_switch") int load_acquire(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	if (t)
		t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// ok: store
SEC("tp_btf/sched_switch") int store(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	v->task = (void *)ctx[1];
	return 0;
}
// ok: store walked
SEC("tp_btf/sched_switch") int store_walked(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t = (void *)ctx[1];

	if (!v)
		return 0;
	v->task = t->group_leader;
	return 0;
}
// ok: store untrusted
SEC("tp_btf/sched_switch") int store_untrusted(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	if (!t)
		return 0;
	v->task = t->group_leader;
	return 0;
}
// ok: store back
SEC("tp_btf/sched_switch") int store_back(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	v->task = t;
	return 0;
}
// ok: store zero
SEC("tp_btf/sched_switch") int store_zero(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	v->task = 0;
	return 0;
}
// rejected 0287: store number
SEC("tp_btf/sched_switch") int store_number(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	v->task = (void *)sum;
	return 0;
}
// rejected 0287: store one
SEC("tp_btf/sched_switch") int store_one(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	v->task = (void *)1;
	return 0;
}
// rejected 0285: store half
SEC("tp_btf/sched_switch") int store_half(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	*(int *)&v->task = 0;
	return 0;
}
// rejected 0285: load half
SEC("tp_btf/sched_switch") int load_half(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	sum += *(int *)&v->task;
	return 0;
}
// rejected 0287: store other
SEC("tp_btf/sched_switch") int store_other(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	v->task = (void *)v;
	return 0;
}
// ok: store owned
SEC("tp_btf/sched_switch") int store_owned(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = bpf_task_from_pid(1);
	if (!t)
		return 0;
	v->task = t;
	bpf_task_release(t);
	return 0;
}
// ok: store or null
SEC("tp_btf/sched_switch") int store_or_null(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = bpf_task_from_pid(1);
	v->task = t;
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0287: store offset
SEC("tp_btf/sched_switch") int store_offset(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	v->task = (void *)ctx[1] + 8;
	return 0;
}
// rejected 0287: store object
SEC("tp_btf/sched_switch") int store_object(__u64 *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = NEW(struct count);
	if (!c)
		return 0;
	v->task = (void *)c;
	bpf_obj_drop_impl(c, 0);
	return 0;
}
// rejected 0286: a number that is stored
SEC("tp_btf/sched_switch") int store_imm(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		asm volatile("*(u64 *)(%0 + 8) = 7;" :: "r"(v));
	return 0;
}
// ok: NULL that is stored
SEC("tp_btf/sched_switch") int store_imm_null(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		asm volatile("*(u64 *)(%0 + 8) = 0;" :: "r"(v));
	return 0;
}
// rejected 0288: xchg untrusted
SEC("tp_btf/sched_switch") int xchg_untrusted(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	bpf_kptr_xchg(&v->task, 0);
	return 0;
}
// rejected 0283: helper over
SEC("tp_btf/sched_switch") int helper_over(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	bpf_probe_read_kernel(v, 16, ctx);
	return 0;
}
// rejected 0284: atomic
SEC("tp_btf/sched_switch") int atomic(__u64 *ctx)
{
	struct value *v = value();

	if (!v)
		return 0;
	__sync_fetch_and_add((long *)&v->task, 1);
	return 0;
}
// rejected 0354: percpu
SEC("tp_btf/sched_switch") int percpu(__u64 *ctx)
{
	struct value *v = value();
	struct count *c, *one;

	if (!v)
		return 0;
	c = NEW_PERCPU(struct count);
	if (!c)
		return 0;
	one = bpf_this_cpu_ptr(c);
	one->n = 1;
	c = bpf_kptr_xchg(&v->counts, c);
	if (c)
		bpf_percpu_obj_drop_impl(c, 0);
	return 0;
}
// rejected 0305: percpu kept
SEC("tp_btf/sched_switch") int percpu_kept(__u64 *ctx)
{
	struct count *c = NEW_PERCPU(struct count);

	return c != 0;
}
// rejected 0239: percpu direct
SEC("tp_btf/sched_switch") int percpu_direct(__u64 *ctx)
{
	struct count *c = NEW_PERCPU(struct count);

	if (!c)
		return 0;
	c->n = 1;
	bpf_percpu_obj_drop_impl(c, 0);
	return 0;
}
// rejected 0291: percpu wrong drop
SEC("tp_btf/sched_switch") int percpu_wrong_drop(__u64 *ctx)
{
	struct count *c = NEW_PERCPU(struct count);

	if (!c)
		return 0;
	bpf_obj_drop_impl(c, 0);
	return 0;
}
// rejected 0291: percpu wrong drop2
SEC("tp_btf/sched_switch") int percpu_wrong_drop2(__u64 *ctx)
{
	struct count *c = NEW(struct count);

	if (!c)
		return 0;
	bpf_percpu_obj_drop_impl(c, 0);
	return 0;
}
// rejected 0289: with a pointer in it
SEC("tp_btf/sched_switch") int percpu_pointer(__u64 *ctx)
{
	struct link *l = NEW_PERCPU(struct link);

	if (l)
		bpf_percpu_obj_drop_impl(l, 0);
	return 0;
}
// rejected 0293, kernel ok: percpu wrong new
SEC("tp_btf/sched_switch") int percpu_wrong_new(__u64 *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = NEW(struct count);
	if (!c)
		return 0;
	c = bpf_kptr_xchg(&v->counts, c);
	if (c)
		bpf_percpu_obj_drop_impl(c, 0);
	return 0;
}
// ok: percpu load
SEC("tp_btf/sched_switch") int percpu_load(__u64 *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = v->counts;
	if (!c)
		return 0;
	c = bpf_this_cpu_ptr(c);
	sum += c->n;
	c->n = 2;
	return 0;
}
// ok: percpu cpu
SEC("tp_btf/sched_switch") int percpu_cpu(__u64 *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = v->counts;
	if (!c)
		return 0;
	c = bpf_per_cpu_ptr(c, 1);
	if (!c)
		return 0;
	sum += c->n;
	c->n = 2;
	return 0;
}
// rejected 0107, kernel ok: percpu cpu null
SEC("tp_btf/sched_switch") int percpu_cpu_null(__u64 *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = v->counts;
	if (!c)
		return 0;
	c = bpf_per_cpu_ptr(c, 1);
	sum += c->n;
	return 0;
}
// rejected 0354: percpu load null
SEC("tp_btf/sched_switch") int percpu_load_null(__u64 *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = bpf_this_cpu_ptr(v->counts);
	sum += c->n;
	return 0;
}
// rejected 0239: percpu load direct
SEC("tp_btf/sched_switch") int percpu_load_direct(__u64 *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = v->counts;
	if (c)
		sum += c->n;
	return 0;
}
// rejected 0354: percpu sleeps
SEC("syscall") int percpu_sleeps(void *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	c = v->counts;
	if (!c)
		return 0;
	c = bpf_this_cpu_ptr(c);
	sum += c->n;
	return 0;
}
// ok: percpu section
SEC("syscall") int percpu_section(void *ctx)
{
	struct value *v = value();
	struct count *c;

	if (!v)
		return 0;
	bpf_rcu_read_lock();
	c = v->counts;
	if (c)
		sum += ((struct count *)bpf_this_cpu_ptr(c))->n;
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0292: percpu after
SEC("syscall") int percpu_after(void *ctx)
{
	struct value *v = value();
	struct count *c, *d = 0;

	if (!v)
		return 0;
	bpf_rcu_read_lock();
	c = v->counts;
	if (c)
		d = bpf_this_cpu_ptr(c);
	bpf_rcu_read_unlock();
	if (d)
		sum += d->n;
	return 0;
}
// ok: percpu nested
SEC("tp_btf/sched_switch") int percpu_nested(__u64 *ctx)
{
	struct nested *c = NEW_PERCPU(struct nested);

	if (!c)
		return 0;
	bpf_percpu_obj_drop_impl(c, 0);
	return 0;
}
// rejected 0290: percpu big
SEC("tp_btf/sched_switch") int percpu_big(__u64 *ctx)
{
	struct big *c = NEW_PERCPU(struct big);

	if (!c)
		return 0;
	bpf_percpu_obj_drop_impl(c, 0);
	return 0;
}
// rejected 0287: an object of another type of the kernel
SEC("tp_btf/sched_switch") int store_cred(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t = (void *)ctx[1];

	if (v)
		v->task = (void *)t->cred;
	return 0;
}
// rejected 0287: somewhere in a task
SEC("tp_btf/sched_switch") int store_somewhere(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		v->task = (void *)ctx[1] + (bpf_get_prandom_u32() & 8);
	return 0;
}
// rejected 0287: NULL on one way, a number on another
SEC("tp_btf/sched_switch") int store_sometimes(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		asm volatile("r6 = %0; call 7; r7 = 7; r1 = 1; r1 = 2; if r1 != 0 goto +0;"
			     "if r0 == 0 goto 1f; r7 = 0; goto 1f; 1: *(u64 *)(r6 + 8) = r7;"
			     :: "r"(v) : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7");
	return 0;
}
// rejected 0336: one of two is read
SEC("tp_btf/sched_switch") int load_some(__u64 *ctx)
{
	struct value *v = value();

	return v ? *(long *)((char *)v + 8 + (bpf_get_prandom_u32() & 8)) != 0 : 0;
}
// rejected 0336: halves of two are read
SEC("tp_btf/sched_switch") int load_halves(__u64 *ctx)
{
	struct value *v = value();
	long n = 0;

	if (v)
		asm volatile("%0 = *(u64 *)(%1 + 12);" : "=r"(n) : "r"(v));
	return n != 0;
}
// rejected 0335: an object for each cpu is overwritten
SEC("tp_btf/sched_switch") int percpu_store(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		v->counts = 0;
	return 0;
}
// ok: a pointer in an object of the program
SEC("tp_btf/sched_switch") int xchg_in_object(__u64 *ctx)
{
	struct box *b = NEW(struct box);
	struct task_struct *t;

	if (!b)
		return 0;
	t = bpf_kptr_xchg(&b->task, 0);
	if (t)
		bpf_task_release(t);
	bpf_obj_drop_impl(b, 0);
	return 0;
}
