/* SPDX-License-Identifier: BSD-2-Clause */
/* kobject.c: objects of the kernel's types: what loads give, what is trusted. */
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
struct seq_file;
struct fs_struct { int users; } CORE;
struct mm_struct { struct { unsigned long task_size; }; } CORE;
struct cred { struct { int val; } uid; } CORE;
struct thread_info { unsigned long flags; } CORE;
struct task_struct {
	struct thread_info thread_info;
	int pid, tgid;
	struct task_struct *real_parent, *parent, *group_leader, *last_wakee;
	struct mm_struct *mm;
	struct fs_struct *fs;
	const struct cred *real_cred, *cred;
	char comm[16];
	unsigned in_execve : 1;
	void *stack;
	int *wake;
	unsigned long *x;
} CORE;
struct bpf_iter_meta { struct seq_file *seq; __u64 session_id, seq_num; } CORE;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;
struct rq { unsigned nr_running; } CORE;
extern struct rq runqueues K;
extern int bpf_prog_active K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern void bpf_task_release(struct task_struct *p) K;
char buf[64];
struct vm_area_struct { unsigned long vm_start; } CORE;
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, long); } tasks SEC(".maps");

// ok: a member
SEC("tp_btf/sched_switch") int member(__u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1];

	return prev->pid + prev->comm[3];
}
// ok: a number
SEC("tp_btf/sched_switch") int number(__u64 *ctx)
{
	return ctx[0] + (int)ctx[3];
}
// rejected 0206: no such argument
SEC("tp_btf/sched_switch") int no_argument(__u64 *ctx)
{
	return ctx[4];
}
// rejected 0206: half of a pointer
SEC("tp_btf/sched_switch") int half(__u64 *ctx)
{
	return *(__u32 *)&ctx[1];
}
// rejected 0206: a context that is written
SEC("tp_btf/sched_switch") int write_ctx(__u64 *ctx)
{
	ctx[0] = 1;
	return 0;
}
// ok: chains of pointers
SEC("tp_btf/sched_switch") int chain(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	return t->real_parent->group_leader->pid + t->mm->task_size + t->cred->uid.val;
}
// rejected 0235: a store
SEC("tp_btf/sched_switch") int store(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	t->pid = 1;
	return 0;
}
// rejected 0237: a variable offset
SEC("tp_btf/sched_switch") int variable(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	return t->comm[bpf_get_prandom_u32() & 7];
}
// rejected 0238: before it
SEC("tp_btf/sched_switch") int before(__u64 *ctx)
{
	char *t = (void *)ctx[2];

	return t[-4];
}
// rejected 0240: far behind it
SEC("tp_btf/sched_switch") int behind(__u64 *ctx)
{
	char *t = (void *)ctx[2];

	return *(volatile char *)(t + 100000);
}
// ok: an address is read through, whatever it is
SEC("tp_btf/sched_switch") int address(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];
	long *p = t->stack;

	return p[1000];
}
// rejected 0240: half of a pointer member
SEC("tp_btf/sched_switch") int half_member(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	return *(volatile int *)&t->mm;
}
// rejected 0107: an argument that may be NULL
SEC("tp_btf/sched_pi_setprio") int nullable(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	return t->pid;
}
// ok: the same after a test
SEC("tp_btf/sched_pi_setprio") int nullable_tested(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];

	return t ? t->pid : 0;
}
// rejected 0354: not trusted memory given to a helper
SEC("tp_btf/sched_switch") int helper_untrusted(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	return bpf_trace_printk(t->last_wakee->comm, 16);
}
// ok: trusted memory given to a helper
SEC("tp_btf/sched_switch") int helper_trusted(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	return bpf_trace_printk(t->comm, 16);
}
// rejected 0354: an address given to a helper
SEC("tp_btf/sched_switch") int helper_address(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	return bpf_trace_printk(t->stack, 16);
}
// rejected 0208: an address written through
SEC("tp_btf/sched_switch") int address_write(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	*(long *)t->stack = 1;
	return 0;
}
// rejected 0107: an iterator's object may be NULL
SEC("iter/task") int iter_null(struct bpf_iter__task *ctx)
{
	return ctx->task->pid & 1;
}
// ok: an iterator's object
SEC("iter/task") int iter_task(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;

	return t ? t->pid & 1 : ctx->meta->seq_num & 1;
}
// rejected 0123: what an iterator returns
SEC("iter/task") int iter_ret(struct bpf_iter__task *ctx)
{
	return ctx->meta->seq_num & 2 ? 2 : 0;
}
// ok: a variable of the kernel
SEC("tp_btf/sched_switch") int variable_int(__u64 *ctx)
{
	int *p = bpf_this_cpu_ptr(&bpf_prog_active);

	return *p;
}
// ok: a variable of another cpu
SEC("tp_btf/sched_switch") int variable_percpu(__u64 *ctx)
{
	struct rq *rq = bpf_per_cpu_ptr(&runqueues, 1);

	return rq ? rq->nr_running : 0;
}
// rejected 0107: a cpu that may not be there
SEC("tp_btf/sched_switch") int variable_null(__u64 *ctx)
{
	struct rq *rq = bpf_per_cpu_ptr(&runqueues, 1);

	return rq->nr_running;
}
// rejected 0239: a per-cpu variable as if it were one
SEC("tp_btf/sched_switch") int variable_direct(__u64 *ctx)
{
	return *(volatile unsigned *)&runqueues.nr_running;
}
// ok: the current task
SEC("raw_tp/sched_switch") int current(__u64 *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();

	return t->pid + t->real_parent->pid;
}
// ok: a bit field
SEC("tp_btf/sched_switch") int bits(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[2];

	return t->in_execve;
}
// ok: a socket of the packet's type, from another kind of program
SEC("xdp") int xdp_current(struct xdp_md *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();

	return t->pid & 1 ? XDP_PASS : XDP_DROP;
}
// ok: text for who reads the iterator
SEC("iter/task") int iter_print(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	static const char text[] = "%d\n";
	struct task_struct *t = ctx->task;
	__u64 n = 0;

	if (t)
		n = t->pid;
	bpf_seq_printf(seq, text, sizeof(text), &n, sizeof(n));
	bpf_seq_write(seq, &n, sizeof(n));
	return 0;
}
// rejected 0399: text for something else
SEC("iter/task") int iter_print_task(struct bpf_iter__task *ctx)
{
	__u64 n = 0;

	struct task_struct *t = ctx->task;

	if (t)
		bpf_seq_write((void *)t, &n, sizeof(n));
	return 0;
}
// rejected 0354: text for what may be NULL
SEC("iter/task") int iter_print_null(struct bpf_iter__task *ctx)
{
	__u64 n = 0;

	bpf_seq_write((void *)ctx->task, &n, sizeof(n));
	return 0;
}
// ok: storage of a task
SEC("tp_btf/sched_switch") int storage(__u64 *ctx)
{
	long *p = bpf_task_storage_get(&tasks, (void *)ctx[1], 0, 1);

	return p ? *p : 0;
}
// ok: storage of a task, by the old rules for what nothing keeps
SEC("tp_btf/sched_switch") int storage_wakee(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];
	long *p;

	t = ((struct task_struct *)(void *)ctx[1])->last_wakee;
	p = bpf_task_storage_get(&tasks, t, 0, 1);
	return p ? *p : 0;
}
// ok: the stack of a task
SEC("tp_btf/sched_switch") int stack(__u64 *ctx)
{
	return bpf_get_task_stack((void *)ctx[1], buf, sizeof(buf), 0);
}
static long vma(struct task_struct *t, struct vm_area_struct *vma, void *arg)
{
	return t->pid + vma->vm_start > 10;
}
// ok: memory of a task
SEC("tp_btf/sched_switch") int find(__u64 *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();

	return bpf_find_vma(t, 4096, vma, 0, 0);
}
char _license[] SEC("license") = "GPL";
