/* SPDX-License-Identifier: BSD-2-Clause */
/* kptr.c: pointers to objects in map values. */
#define K __attribute__((section(".ksyms")))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define CORE __attribute__((preserve_access_index))
struct task_struct { int pid; } CORE;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
struct item { __u64 n; char text[8]; };
struct other { __u64 n, m; };
#define make(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define drop(p) bpf_obj_drop_impl(p, 0)
struct value { __u32 n; struct task_struct __kptr *task; struct item __kptr *item; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, int);
	__type(value, struct value); } values SEC(".maps");
int zero;

static struct value *value(void)
{
	int key = zero;

	return bpf_map_lookup_elem(&values, &key);
}
// ok: an object goes in, another comes out
SEC("tp_btf/sched_switch") int xchg(__u64 *ctx)
{
	struct value *v = value();
	struct item *p;

	if (!v)
		return 0;
	p = make(struct item);
	if (!p)
		return 0;
	p = bpf_kptr_xchg(&v->item, p);
	if (p)
		drop(p);
	return v->n;
}
// rejected 0305: what comes out is lost
SEC("tp_btf/sched_switch") int lost(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		bpf_kptr_xchg(&v->item, 0);
	return 0;
}
// rejected 0355: what may be NULL goes in
SEC("tp_btf/sched_switch") int null(__u64 *ctx)
{
	struct value *v = value();
	struct item *p;

	if (!v)
		return 0;
	p = bpf_kptr_xchg(&v->item, make(struct item));
	if (p)
		drop(p);
	return 0;
}
// rejected 0120: used after it went in
SEC("tp_btf/sched_switch") int after(__u64 *ctx)
{
	struct value *v = value();
	struct item *p, *old;

	if (!v)
		return 0;
	p = make(struct item);
	if (!p)
		return 0;
	old = bpf_kptr_xchg(&v->item, p);
	if (old)
		drop(old);
	return p->n;
}
// rejected 0337: another type
SEC("tp_btf/sched_switch") int other(__u64 *ctx)
{
	struct value *v = value();
	struct other *p;

	if (!v)
		return 0;
	p = make(struct other);
	if (!p)
		return 0;
	p = bpf_kptr_xchg(&v->item, (void *)p);
	if (p)
		drop(p);
	return 0;
}
// ok: a task
SEC("tp_btf/sched_switch") int task(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = bpf_task_acquire((void *)ctx[1]);
	if (!t)
		return 0;
	t = bpf_kptr_xchg(&v->task, t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0306: a task that was not acquired
SEC("tp_btf/sched_switch") int task_not_ours(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = bpf_kptr_xchg(&v->task, (void *)ctx[1]);
	if (t)
		bpf_task_release(t);
	return 0;
}
// ok: read, and acquired, in a read section
SEC("tp_btf/sched_switch") int load(__u64 *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	if (!t)
		return 0;
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0107: what was read may be NULL
SEC("tp_btf/sched_switch") int load_null(__u64 *ctx)
{
	struct value *v = value();

	return v ? v->task->pid : 0;
}
// ok: read in a program that sleeps
SEC("syscall") int load_sleeps(void *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	return t ? t->pid : 0;
}
// rejected 0385: acquired there
SEC("syscall") int acquire_sleeps(void *ctx)
{
	struct value *v = value();
	struct task_struct *t;

	if (!v)
		return 0;
	t = v->task;
	if (!t)
		return 0;
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0335: written
SEC("tp_btf/sched_switch") int store(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		v->item = 0;
	return 0;
}
// rejected 0336: half of it
SEC("tp_btf/sched_switch") int half(__u64 *ctx)
{
	struct value *v = value();

	return v ? *(volatile int *)&v->item : 0;
}
// rejected 0370: where no pointer is
SEC("tp_btf/sched_switch") int place(__u64 *ctx)
{
	struct value *v = value();
	struct item *p;

	if (!v)
		return 0;
	p = bpf_kptr_xchg((void *)v, 0);
	if (p)
		drop(p);
	return 0;
}
// rejected 0335: copied by a helper
SEC("tp_btf/sched_switch") int copied(__u64 *ctx)
{
	struct value *v = value();

	if (v)
		bpf_trace_printk((void *)v, sizeof(*v));
	return 0;
}
// ok: an object in a value is read
SEC("tp_btf/sched_switch") int item(__u64 *ctx)
{
	struct value *v = value();
	struct item *p;

	if (!v)
		return 0;
	p = v->item;
	return p ? p->n : 0;
}
char _license[] SEC("license") = "GPL";
