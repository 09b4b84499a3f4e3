/* SPDX-License-Identifier: BSD-2-Clause */
/* lent.h: what programs of lent.awk begin with. */
#define K __attribute__((section(".ksyms")))
#define NOINLINE __attribute__((noinline))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
#define KPTR __attribute__((btf_type_tag("kptr")))
#define UNTRUSTED_KPTR __attribute__((btf_type_tag("kptr_untrusted")))
#define ARG(what) __attribute__((btf_decl_tag("arg:" #what)))
#define ALIGN(n) __attribute__((aligned(n)))
#define MAY_GOTO ({ __label__ out_, on_; \
	asm volatile goto("may_goto %l[out_]" :::: out_); goto on_; out_: break; on_:; })
#define KEPT __attribute__((preserve_access_index))
struct one { __u64 a; } ALIGN(8);
struct two { __u64 a[2]; } ALIGN(8);
struct three { __u64 a[3]; } ALIGN(8);
struct mm_struct { int mm_count_; } KEPT;
struct cgroup;
struct css_set { struct cgroup *dfl_cgrp; } KEPT;
struct task_struct { int pid; struct task_struct *real_parent, *group_leader;
	struct css_set *cgroups; char comm[16]; } KEPT;
struct cgroup { int level; } KEPT;
struct vm_area_struct { unsigned long vm_start; } KEPT;
struct bpf_cpumask { long b; };
struct cpumask;
struct bpf_wq { __u64 a[2]; } ALIGN(8);
extern struct task_struct *bpf_task_acquire(struct task_struct *t) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *t) K;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) K;
extern struct cgroup *bpf_cgroup_acquire(struct cgroup *c) K;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *c, int level) K;
extern void bpf_cgroup_release(struct cgroup *c) K;
extern long bpf_task_under_cgroup(struct task_struct *t, struct cgroup *c) K;
extern struct bpf_cpumask *bpf_cpumask_create(void) K;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *m) K;
extern void bpf_cpumask_release(struct bpf_cpumask *m) K;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *m) K;
extern __u32 bpf_cpumask_first(const struct cpumask *m) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
extern void bpf_preempt_disable(void) K;
extern void bpf_preempt_enable(void) K;
extern void bpf_local_irq_save(unsigned long *f) K;
extern void bpf_local_irq_restore(unsigned long *f) K;
extern int bpf_iter_num_new(struct one *it, int from, int to) K;
extern int *bpf_iter_num_next(struct one *it) K;
extern void bpf_iter_num_destroy(struct one *it) K;
extern int bpf_iter_bits_new(struct two *it, const __u64 *words, __u32 n) K;
extern int *bpf_iter_bits_next(struct two *it) K;
extern void bpf_iter_bits_destroy(struct two *it) K;
extern int bpf_iter_task_new(struct three *it, struct task_struct *t, __u32 flags) K;
extern struct task_struct *bpf_iter_task_next(struct three *it) K;
extern void bpf_iter_task_destroy(struct three *it) K;
extern int bpf_iter_task_vma_new(struct one *it, struct task_struct *t, __u64 at) K;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct one *it) K;
extern void bpf_iter_task_vma_destroy(struct one *it) K;
extern int bpf_wq_init(struct bpf_wq *w, void *map, unsigned flags) K;
extern int bpf_wq_set_callback_impl(struct bpf_wq *w, int (*f)(void *m, int *k, void *v),
				    unsigned flags, void *aux) K;
extern int bpf_wq_start(struct bpf_wq *w, unsigned flags) K;
extern int bpf_copy_from_user_str(void *to, __u32 n, const void *from, __u64 flags) K;

struct value { long n; struct task_struct KPTR *t; struct bpf_cpumask KPTR *m;
	struct cgroup KPTR *c; struct task_struct UNTRUSTED_KPTR *u; };
struct later { struct bpf_timer t; long n; struct task_struct KPTR *k; };
struct work { struct bpf_wq w; long n; };
struct locked { struct bpf_spin_lock lock; int n; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, struct value); } values SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int);
	__type(value, struct value); } hashed SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, struct later); } timers SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int);
	__type(value, struct work); } works SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, struct locked); } in0 SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, int);
	__type(value, int); __array(values, struct inner); } outer SEC(".maps") = {
	.values = { &in0, &in0 } };
struct env { struct task_struct *k; struct bpf_cpumask *m; struct cgroup *g; struct value *v;
	struct task_struct *rt; int *p; struct one *it; };
union named { struct task_struct t; struct cgroup c; struct bpf_cpumask m;
	struct vm_area_struct a; struct css_set s; } named;	/* else they have no members */
long bytes[4];
volatile long sink;
char _license[] SEC("license") = "GPL";

#define BEGIN struct task_struct *k0 = 0, *k1 = 0, *rt = 0; \
	struct task_struct *cur = (void *)bpf_get_current_task_btf(); \
	struct bpf_cpumask *m0 = 0, *m1 = 0, *rm = 0; struct cgroup *g0 = 0, *g1 = 0, *rg = 0; \
	struct value *v = LOOKUP(values); struct locked *l0 = 0, *l1 = 0; int *p = 0; \
	struct vm_area_struct *a = 0; struct bpf_dynptr d0, d1; void *s0 = 0, *s1 = 0; \
	int local = 1; struct env e = {}; \
	bpf_dynptr_from_mem(bytes, 32, 0, &d0); bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d1);
#define END if (k0) bpf_task_release(k0); if (k1) bpf_task_release(k1); \
	if (g0) bpf_cgroup_release(g0); if (g1) bpf_cgroup_release(g1); \
	if (m0) RELEASE_MASK(m0); if (m1) RELEASE_MASK(m1); \
	bpf_ringbuf_discard_dynptr(&d1, 0); return 0;
