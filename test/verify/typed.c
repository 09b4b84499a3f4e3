/* SPDX-License-Identifier: BSD-2-Clause */
/* typed.c: functions of the kernel by their prototypes: what is acquired, trusted,
 * given back; objects of the program's own types. */
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
struct cpumask { unsigned long bits[1]; } CORE;
struct bpf_cpumask { struct cpumask cpumask; } CORE;
struct task_struct {
	int pid;
	struct task_struct *real_parent, *last_wakee;
	struct cpumask *user_cpus_ptr;
	const struct cpumask *cpus_ptr;
	struct cpumask cpus_mask;
} CORE;
struct cgroup;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) K;
extern void bpf_cgroup_release(struct cgroup *c) K;
extern long bpf_task_under_cgroup(struct task_struct *t, struct cgroup *c) K;
extern struct bpf_cpumask *bpf_cpumask_create(void) K;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *m) K;
extern void bpf_cpumask_release(struct bpf_cpumask *m) K;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *m) K;
extern _Bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *m) K;
extern void *bpf_obj_new_impl(__u64 type, void *meta) K;
extern void bpf_obj_drop_impl(void *p, void *meta) K;
extern void *bpf_rdonly_cast(const void *p, __u32 id) K;
extern int bpf_copy_from_user_str(void *to, __u32 n, const void *from, __u64 flags) K;
struct item { __u64 n; int a[4]; char text[8]; };
#define make(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define drop(p) bpf_obj_drop_impl(p, 0)
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int);
	__type(value, struct item); } items SEC(".maps");

// ok: a task is acquired and released
SEC("tp_btf/sched_switch") int task(__u64 *ctx)
{
	struct task_struct *t = bpf_task_acquire((void *)ctx[1]);
	int pid = 0;

	if (t) {
		pid = t->pid;
		bpf_task_release(t);
	}
	return pid;
}
// rejected 0305: a task is lost
SEC("tp_btf/sched_switch") int task_lost(__u64 *ctx)
{
	bpf_task_acquire((void *)ctx[1]);
	return 0;
}
// rejected 0388: released though it may be NULL
SEC("tp_btf/sched_switch") int task_null(__u64 *ctx)
{
	bpf_task_release(bpf_task_acquire((void *)ctx[1]));
	return 0;
}
// rejected 0120: used after it was released
SEC("tp_btf/sched_switch") int task_after(__u64 *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (!t)
		return 0;
	bpf_task_release(t);
	return t->pid;
}
// rejected 0389: a task that was not acquired is released
SEC("tp_btf/sched_switch") int task_not_ours(__u64 *ctx)
{
	bpf_task_release((void *)ctx[1]);
	return 0;
}
// ok: a member that a read section keeps
SEC("tp_btf/sched_switch") int task_parent(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	t = bpf_task_acquire(t->real_parent);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0385: a member that nothing keeps
SEC("tp_btf/sched_switch") int task_wakee(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	t = t->last_wakee;
	if (t)
		t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0354: a number as a task
SEC("tp_btf/sched_switch") int task_number(__u64 *ctx)
{
	struct task_struct *t = bpf_task_acquire((void *)4096);

	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0380: who may not
SEC("raw_tp/sched_switch") int task_raw(__u64 *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0386: a group as a task
SEC("tp_btf/sched_switch") int other_type(__u64 *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);

	if (c)
		bpf_task_release((void *)c);
	return 0;
}
// ok: two objects
SEC("tp_btf/sched_switch") int under(__u64 *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	long r;

	if (!c)
		return 0;
	r = bpf_task_under_cgroup((void *)ctx[1], c);
	bpf_cgroup_release(c);
	return r;
}
// ok: a mask of cpus
SEC("tp_btf/sched_switch") int mask(__u64 *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create();
	int r;

	if (!m)
		return 0;
	bpf_cpumask_set_cpu(1, m);
	r = bpf_cpumask_test_cpu(1, (void *)m);
	bpf_cpumask_release(m);
	return r;
}
// ok: the mask of a task
SEC("tp_btf/sched_switch") int mask_task(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	return bpf_cpumask_test_cpu(1, &t->cpus_mask) + bpf_cpumask_test_cpu(1, t->cpus_ptr);
}
// rejected 0386: the mask of a task is changed
SEC("tp_btf/sched_switch") int mask_change(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	bpf_cpumask_set_cpu(1, (void *)&t->cpus_mask);
	return 0;
}
// ok: a mask shared
SEC("tp_btf/sched_switch") int mask_shared(__u64 *ctx)
{
	struct bpf_cpumask *m = bpf_cpumask_create(), *n;

	if (!m)
		return 0;
	n = bpf_cpumask_acquire(m);
	bpf_cpumask_release(m);
	bpf_cpumask_release(n);
	return 0;
}
// ok: an object of ours
SEC("xdp") int own(struct xdp_md *ctx)
{
	struct item *p = make(struct item);

	if (!p)
		return XDP_PASS;
	p->n = 1;
	p->a[2] = p->n;
	drop(p);
	return XDP_PASS;
}
// rejected 0240: behind it
SEC("xdp") int own_behind(struct xdp_md *ctx)
{
	struct item *p = make(struct item);

	if (!p)
		return XDP_PASS;
	((volatile int *)p)[20] = 1;
	drop(p);
	return XDP_PASS;
}
// rejected 0107: it may be NULL
SEC("xdp") int own_null(struct xdp_md *ctx)
{
	struct item *p = make(struct item);

	p->n = 1;
	if (p)
		drop(p);
	return XDP_PASS;
}
// rejected 0305: lost
SEC("xdp") int own_lost(struct xdp_md *ctx)
{
	struct item *p = make(struct item);

	if (p)
		p->n = 1;
	return XDP_PASS;
}
// rejected 0120: used afterwards
SEC("xdp") int own_after(struct xdp_md *ctx)
{
	struct item *p = make(struct item);

	if (!p)
		return XDP_PASS;
	drop(p);
	return p->n & 1;
}
// rejected 0307: a part is given back
SEC("xdp") int own_part(struct xdp_md *ctx)
{
	struct item *p = make(struct item);

	if (!p)
		return XDP_PASS;
	drop(&p->a[1]);
	return XDP_PASS;
}
// rejected 0389: a map value is given back
SEC("xdp") int own_map(struct xdp_md *ctx)
{
	int zero = 0;
	struct item *p = bpf_map_lookup_elem(&items, &zero);

	if (p)
		drop(p);
	return XDP_PASS;
}
// rejected 0237: a variable offset
SEC("xdp") int own_var(struct xdp_md *ctx)
{
	struct item *p = make(struct item);
	int n;

	if (!p)
		return XDP_PASS;
	n = p->text[ctx->rx_queue_index & 7];
	drop(p);
	return n & 1;
}
// ok: any address, to read
SEC("xdp") int cast(struct xdp_md *ctx)
{
	int *p = bpf_rdonly_cast((void *)4096, 0);

	return p[10] & 1;
}
// rejected 0208: any address, to write
SEC("xdp") int cast_write(struct xdp_md *ctx)
{
	int *p = bpf_rdonly_cast((void *)4096, 0);

	p[10] = 1;
	return XDP_PASS;
}
// rejected 0387: a program that does not sleep
SEC("xdp") int sleeps(struct xdp_md *ctx)
{
	char buf[8];

	bpf_copy_from_user_str(buf, sizeof(buf), (void *)4096, 0);
	return XDP_PASS;
}
// ok: one that does
SEC("syscall") int sleeper(void *ctx)
{
	char buf[8];

	bpf_copy_from_user_str(buf, sizeof(buf), (void *)4096, 0);
	return 0;
}
// rejected 0256: not in a read section
SEC("syscall") int sleeps_section(void *ctx)
{
	char buf[8];

	bpf_rcu_read_lock();
	bpf_copy_from_user_str(buf, sizeof(buf), (void *)4096, 0);
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0204: a buffer that is too short
SEC("syscall") int short_buffer(void *ctx)
{
	char buf[8];

	bpf_copy_from_user_str(buf, 16, (void *)4096, 0);
	return 0;
}
// ok: a section for what is read in it
SEC("syscall") int section(void *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	int r = 0;

	bpf_rcu_read_lock();
	t = bpf_task_acquire(t->real_parent);
	bpf_rcu_read_unlock();
	if (t)
		bpf_task_release(t);
	return r;
}
// rejected 0385: without one
SEC("syscall") int no_section(void *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();

	t = bpf_task_acquire(t->real_parent);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0385: after it
SEC("syscall") int after_section(void *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();

	bpf_rcu_read_lock();
	t = t->real_parent;
	bpf_rcu_read_unlock();
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
char _license[] SEC("license") = "GPL";
