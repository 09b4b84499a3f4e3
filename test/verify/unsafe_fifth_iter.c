/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fifth_iter.c: iterators over groups and over shared buffers begin anew when they are
 * asked once more after the last one. */
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
struct cgroup_subsys_state { void *cgroup; } CORE;
struct cgroup { struct cgroup_subsys_state self; int level; } CORE;
struct task_struct { int pid; } CORE;
struct bpf_iter_css { __u64 a[3]; } __attribute__((aligned(8)));
struct dma_buf { long size; } CORE;
struct bpf_iter_dmabuf { __u64 a[1]; } __attribute__((aligned(8)));
extern int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) K;
extern struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) K;
extern void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) K;
struct bpf_iter_task { __u64 a[3]; } __attribute__((aligned(8)));
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *start,
			    unsigned int flags) K;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) K;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) K;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned f) K;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) K;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) K;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) K;
extern void bpf_cgroup_release(struct cgroup *c) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
enum { PRE = 2 };
long table[4];

#define GROUPS(body) { \
	struct bpf_iter_css it; \
	struct cgroup *c = bpf_cgroup_from_id(1); \
	long n = 0; \
	if (!c) \
		return 0; \
	bpf_rcu_read_lock(); \
	bpf_iter_css_new(&it, &c->self, PRE); \
	body; \
	bpf_iter_css_destroy(&it); \
	bpf_rcu_read_unlock(); \
	bpf_cgroup_release(c); \
	return n; \
}
#define TASKS(body) { \
	struct bpf_iter_task it; \
	long n = 0; \
	bpf_rcu_read_lock(); \
	bpf_iter_task_new(&it, 0, 0); \
	body; \
	bpf_iter_task_destroy(&it); \
	bpf_rcu_read_unlock(); \
	return n; \
}
#define BUFFERS(body) { \
	struct bpf_iter_dmabuf it; \
	long n = 0; \
	bpf_iter_dmabuf_new(&it); \
	body; \
	bpf_iter_dmabuf_destroy(&it); \
	return n; \
}
#define ALL(next) while (next(&it)) n++
/* What it gives then is an index for who believes that it is 0. */
#define INDEX(next) { \
	void *at = next(&it); \
	asm volatile("%0 += %1; %0 = *(u8 *)(%0 + 0);" : "=r"(n) : "r"(at), "0"(table)); \
}
// rejected 0106, kernel ok: an address among shared buffers as an index
SEC("syscall") int by_address(void *ctx)
BUFFERS({ ALL(bpf_iter_dmabuf_next); INDEX(bpf_iter_dmabuf_next) })
// rejected 0154, kernel ok: groups again and again
SEC("syscall") int for_ever(void *ctx)
GROUPS({ while (bpf_iter_css_next(&it)) ALL(bpf_iter_css_next); })
// ok: tasks, once
SEC("syscall") int task_once(void *ctx)
TASKS({ while (bpf_iter_task_next(&it)) ALL(bpf_iter_task_next); })
// ok: groups twice
SEC("syscall") int twice(void *ctx)
GROUPS({ ALL(bpf_iter_css_next); ALL(bpf_iter_css_next); })

/* ---- elements --------------------------------------------------------------------- */

struct vm_area_struct { long vm_start; } CORE;
struct bpf_iter_task_vma { __u64 a[1]; } __attribute__((aligned(8)));
struct bpf_iter_css_task { __u64 a[1]; } __attribute__((aligned(8)));
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *t, __u64 at) K;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) K;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) K;
extern int bpf_iter_css_task_new(struct bpf_iter_css_task *it,
				 struct cgroup_subsys_state *start, unsigned int flags) K;
extern struct task_struct *bpf_iter_css_task_next(struct bpf_iter_css_task *it) K;
extern void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern void bpf_task_release(struct task_struct *p) K;
#define AREAS(inside, behind) { \
	struct bpf_iter_task_vma it; \
	struct vm_area_struct *a, *last; \
	long n = 0; \
	bpf_iter_task_vma_new(&it, (void *)bpf_get_current_task_btf(), 0); \
	a = bpf_iter_task_vma_next(&it); \
	if (a && (last = bpf_iter_task_vma_next(&it))) \
		inside; \
	bpf_iter_task_vma_destroy(&it); \
	if (a) \
		behind; \
	return n; \
}
// rejected 0120, kernel ok: a mapping after its iterator
SEC("syscall") int area_after(void *ctx) AREAS(n = 1, n = a->vm_start)
// ok: one before the last, while there is the iterator
SEC("syscall") int area_before(void *ctx) AREAS(n = a->vm_start + last->vm_start, n = 1)
#define MEMBERS(body) { \
	struct bpf_iter_css_task it; \
	struct cgroup *c = bpf_cgroup_from_id(1); \
	struct task_struct *a, *b; \
	long n = 0; \
	if (!c) \
		return 0; \
	bpf_iter_css_task_new(&it, &c->self, 0); \
	a = bpf_iter_css_task_next(&it); \
	body; \
	bpf_iter_css_task_destroy(&it); \
	bpf_cgroup_release(c); \
	return n; \
}
// rejected 0120, kernel ok: a task of a group, which was given back for the next one
SEC("syscall") int member_before(void *ctx)
MEMBERS({ b = bpf_iter_css_task_next(&it); if (a && b) n = a->pid; })
// ok: the last one
SEC("syscall") int member_last(void *ctx)
MEMBERS({ b = bpf_iter_css_task_next(&it); if (a && b) n = b->pid; })
// ok: one of one's own
SEC("syscall") int member_own(void *ctx)
MEMBERS({
	a = a ? bpf_task_acquire(a) : 0;
	bpf_iter_css_task_next(&it);
	if (a) {
		n = a->pid;
		bpf_task_release(a);
	}
})
char _license[] SEC("license") = "GPL";
