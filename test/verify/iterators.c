/* SPDX-License-Identifier: BSD-2-Clause */
/* iterators.c: iterators over objects of the kernel. */
char _license[] SEC("license") = "GPL";
#define K __attribute__((section(".ksyms")))
#define CORE __attribute__((preserve_access_index))
struct bpf_iter_task { __u64 o[3]; };
struct bpf_iter_task_vma { __u64 o[1]; };
struct bpf_iter_css { __u64 o[3]; };
struct bpf_iter_css_task { __u64 o[1]; };
struct bpf_iter_kmem_cache { __u64 o[1]; };
struct bpf_iter_dmabuf { __u64 o[1]; };
struct mm_struct { struct { unsigned long task_size; }; } CORE;
struct task_struct { int pid; struct task_struct *group_leader; struct mm_struct *mm; } CORE;
struct vm_area_struct { unsigned long vm_start, vm_end; struct mm_struct *vm_mm; } CORE;
struct cgroup;
struct cgroup_subsys_state { struct cgroup *cgroup; unsigned long flags; } CORE;
struct cgroup { struct cgroup_subsys_state self; int level; } CORE;
struct kmem_cache { unsigned int size; const char *name; } CORE;
struct dma_buf { unsigned long size; } CORE;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned f) K;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) K;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) K;
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *t, __u64 a) K;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) K;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) K;
extern int bpf_iter_css_new(struct bpf_iter_css *it, struct cgroup_subsys_state *s, unsigned f) K;
extern struct cgroup_subsys_state *bpf_iter_css_next(struct bpf_iter_css *it) K;
extern void bpf_iter_css_destroy(struct bpf_iter_css *it) K;
extern int bpf_iter_css_task_new(struct bpf_iter_css_task *it, struct cgroup_subsys_state *s,
				 unsigned f) K;
extern struct task_struct *bpf_iter_css_task_next(struct bpf_iter_css_task *it) K;
extern void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it) K;
extern int bpf_iter_kmem_cache_new(struct bpf_iter_kmem_cache *it) K;
extern struct kmem_cache *bpf_iter_kmem_cache_next(struct bpf_iter_kmem_cache *it) K;
extern void bpf_iter_kmem_cache_destroy(struct bpf_iter_kmem_cache *it) K;
extern int bpf_iter_dmabuf_new(struct bpf_iter_dmabuf *it) K;
extern struct dma_buf *bpf_iter_dmabuf_next(struct bpf_iter_dmabuf *it) K;
extern void bpf_iter_dmabuf_destroy(struct bpf_iter_dmabuf *it) K;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) K;
extern void bpf_task_release(struct task_struct *p) K;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) K;
extern void bpf_cgroup_release(struct cgroup *c) K;
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
struct bpf_iter_meta;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } CORE;
__u64 sum;

// ok: all tasks
SEC("tp_btf/sys_enter") int tasks(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	bpf_iter_task_new(&it, 0, 0);
	while ((t = bpf_iter_task_next(&it)))
		sum += t->pid;
	bpf_iter_task_destroy(&it);
	return 0;
}
// rejected 0305: not destroyed
SEC("tp_btf/sys_enter") int tasks_kept(void *ctx)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, 0, 0);
	bpf_iter_task_next(&it);
	return 0;
}
// rejected 0120: the element may be NULL
SEC("tp_btf/sys_enter") int task_null(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	bpf_iter_task_new(&it, 0, 0);
	t = bpf_iter_task_next(&it);
	sum += t->pid;
	bpf_iter_task_destroy(&it);
	return 0;
}
// ok: threads of a task
SEC("tp_btf/sys_enter") int threads(void *ctx)
{
	struct task_struct *leader = bpf_task_from_pid(1), *t;
	struct bpf_iter_task it;

	if (!leader)
		return 0;
	bpf_iter_task_new(&it, leader, 1);
	while ((t = bpf_iter_task_next(&it)))
		sum += t->pid;
	bpf_iter_task_destroy(&it);
	bpf_task_release(leader);
	return 0;
}
// rejected 0384: threads of a task that may be gone
SEC("tp_btf/sys_enter") int threads_untrusted(void *ctx)
{
	struct task_struct *leader = bpf_task_from_pid(1), *t, *other;
	struct bpf_iter_task it;

	if (!leader)
		return 0;
	other = leader->group_leader;
	bpf_iter_task_new(&it, other, 1);
	while ((t = bpf_iter_task_next(&it)))
		sum += t->pid;
	bpf_iter_task_destroy(&it);
	bpf_task_release(leader);
	return 0;
}
// ok: elements may be acquired
SEC("tp_btf/sys_enter") int task_acquired(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	bpf_iter_task_new(&it, 0, 0);
	while ((t = bpf_iter_task_next(&it))) {
		t = bpf_task_acquire(t);
		if (t)
			bpf_task_release(t);
	}
	bpf_iter_task_destroy(&it);
	return 0;
}
// rejected 0252: a program that sleeps, outside a section
SEC("syscall") int tasks_outside(void *ctx)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, 0, 0);
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}
// ok: inside one
SEC("syscall") int tasks_inside(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	while ((t = bpf_iter_task_next(&it)))
		sum += t->pid;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0253: the section ends before the iterator does
SEC("syscall") int tasks_left(void *ctx)
{
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	bpf_rcu_read_unlock();
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}
// rejected 0253: the section ends, and another begins
SEC("syscall") int tasks_again(void *ctx)
{
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	bpf_rcu_read_unlock();
	bpf_rcu_read_lock();
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0253: destroyed outside
SEC("syscall") int tasks_destroyed(void *ctx)
{
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	bpf_iter_task_next(&it);
	bpf_rcu_read_unlock();
	bpf_iter_task_destroy(&it);
	return 0;
}
// ok: the element after the iterator's end, in the section
SEC("syscall") int task_after(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	t = bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	if (t)
		sum += t->pid;
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0385: an element after the section
SEC("syscall") int task_after_section(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, 0, 0);
	t = bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	if (!t)
		return 0;
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	return 0;
}
// ok: mappings of a task
SEC("tp_btf/sys_enter") int mappings(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	struct bpf_iter_task_vma it;
	struct vm_area_struct *vma;

	if (!t)
		return 0;
	bpf_iter_task_vma_new(&it, t, 0);
	while ((vma = bpf_iter_task_vma_next(&it)))
		sum += vma->vm_end - vma->vm_start + vma->vm_mm->task_size;
	bpf_iter_task_vma_destroy(&it);
	bpf_task_release(t);
	return 0;
}
// rejected 0388: mappings of no task
SEC("tp_btf/sys_enter") int mappings_null(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	struct bpf_iter_task_vma it;

	bpf_iter_task_vma_new(&it, t, 0);
	bpf_iter_task_vma_destroy(&it);
	if (t)
		bpf_task_release(t);
	return 0;
}
// rejected 0255: an address that is none
SEC("tp_btf/sys_enter") int mappings_pointer(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	struct bpf_iter_task_vma it;

	if (!t)
		return 0;
	bpf_iter_task_vma_new(&it, t, (__u64)t);
	bpf_iter_task_vma_destroy(&it);
	bpf_task_release(t);
	return 0;
}
// rejected 0319: a second one at the same place
SEC("tp_btf/sys_enter") int mappings_twice(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	struct bpf_iter_task_vma it;

	if (!t)
		return 0;
	bpf_iter_task_vma_new(&it, t, 0);
	bpf_iter_task_vma_new(&it, t, 0);
	bpf_iter_task_vma_destroy(&it);
	bpf_task_release(t);
	return 0;
}
// rejected 0318: an iterator of another kind
SEC("tp_btf/sys_enter") int mappings_other(void *ctx)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, 0, 0);
	bpf_iter_task_vma_next((void *)&it);
	bpf_iter_task_destroy(&it);
	return 0;
}
// ok: groups below one
SEC("tp_btf/sys_enter") int groups(void *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct cgroup_subsys_state *css;
	struct bpf_iter_css it;

	if (!c)
		return 0;
	bpf_iter_css_new(&it, &c->self, 1);
	while ((css = bpf_iter_css_next(&it)))
		sum += css->flags;
	bpf_iter_css_destroy(&it);
	bpf_cgroup_release(c);
	return 0;
}
// rejected 0252: groups, outside a section
SEC("syscall") int groups_outside(void *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct bpf_iter_css it;

	if (!c)
		return 0;
	bpf_iter_css_new(&it, &c->self, 1);
	bpf_iter_css_destroy(&it);
	bpf_cgroup_release(c);
	return 0;
}
// ok: tasks of a group, for an iterator's program
SEC("iter/task") int group_tasks(struct bpf_iter__task *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct bpf_iter_css_task it;
	struct task_struct *t;

	if (!c)
		return 0;
	bpf_iter_css_task_new(&it, &c->self, 0);
	while ((t = bpf_iter_css_task_next(&it)))
		sum += t->pid;
	bpf_iter_css_task_destroy(&it);
	bpf_cgroup_release(c);
	return 0;
}
// rejected 0254: tasks of a group, where a lock may be held
SEC("tp_btf/sys_enter") int group_tasks_elsewhere(void *ctx)
{
	struct cgroup *c = bpf_cgroup_from_id(1);
	struct bpf_iter_css_task it;

	if (!c)
		return 0;
	bpf_iter_css_task_new(&it, &c->self, 0);
	bpf_iter_css_task_destroy(&it);
	bpf_cgroup_release(c);
	return 0;
}
// ok: caches of the kernel
SEC("syscall") int caches(void *ctx)
{
	struct bpf_iter_kmem_cache it;
	struct kmem_cache *c;

	bpf_iter_kmem_cache_new(&it);
	while ((c = bpf_iter_kmem_cache_next(&it)))
		sum += c->size;
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}
// rejected 0387: where nothing may sleep
SEC("tp_btf/sys_enter") int caches_elsewhere(void *ctx)
{
	struct bpf_iter_kmem_cache it;

	bpf_iter_kmem_cache_new(&it);
	bpf_iter_kmem_cache_destroy(&it);
	return 0;
}
// ok: shared buffers
SEC("syscall") int buffers(void *ctx)
{
	struct bpf_iter_dmabuf it;
	struct dma_buf *b;

	bpf_iter_dmabuf_new(&it);
	while ((b = bpf_iter_dmabuf_next(&it)))
		sum += b->size;
	bpf_iter_dmabuf_destroy(&it);
	return 0;
}
// rejected 0256: in a read section
SEC("syscall") int buffers_inside(void *ctx)
{
	struct bpf_iter_dmabuf it;

	bpf_rcu_read_lock();
	bpf_iter_dmabuf_new(&it);
	bpf_iter_dmabuf_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}
