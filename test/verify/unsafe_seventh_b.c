/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_seventh_b.c: objects that somebody else gives back, and who waits for whom. */
#include "owned.h"
#define KPTR __attribute__((btf_type_tag("kptr")))
#define LOOKUP(map) ({ int key_ = 0; bpf_map_lookup_elem(&map, &key_); })
char _license[] SEC("license") = "GPL";
struct kept { struct leaf KPTR *leaf; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, struct kept); } keeps SEC(".maps");
struct bpf_spin_lock lock PRIVATE(A);
struct bpf_rb_root tree PRIVATE(A) CONTAINS(leaf, node);

// ok: for the type's sake
SEC("tc") int leaves(void *ctx)
{
	struct leaf *p = NEW(struct leaf);

	if (p)
		DROP(p);
	return 0;
}
/* A section of the tree's lock, in which what a map value owns is seen. */
static __attribute__((always_inline)) int seen(struct leaf *p, _Bool afterwards)
{
	int found = 0;

	if (!p)
		return 0;
	bpf_spin_lock(&lock);
	if (bpf_rbtree_left(&tree, &p->node))
		found = p->key;
	bpf_spin_unlock(&lock);
	return found + (afterwards ? p->key : 0);
}
// rejected 0120: what a map value owns, after the lock was given back
SEC("tc") int owned_after(void *ctx)
{
	struct kept *v = LOOKUP(keeps);

	return v ? seen(v->leaf, 1) : 0;
}
// ok: before that
SEC("tc") int owned_before(void *ctx)
{
	struct kept *v = LOOKUP(keeps);

	return v ? seen(v->leaf, 0) : 0;
}

/* ---- what is destroyed by who must be sure of it ------------------------------------------ */

#define CORE __attribute__((preserve_access_index))
struct sock { int dummy; } CORE;
struct sock_common { int skc_hash; } CORE;
struct unix_sock { struct sock sk; struct sock *peer; } CORE;
struct bpf_iter__unix { struct bpf_iter_meta *meta; struct unix_sock *unix_sk; } CORE;
struct bpf_iter__tcp { struct bpf_iter_meta *meta; struct sock_common *sk_common; } CORE;
extern int bpf_sock_destroy(struct sock_common *sk) K;

// rejected 0384: a socket that the iteration does not keep
SEC("iter/unix") int destroy_unix(struct bpf_iter__unix *ctx)
{
	struct unix_sock *u = ctx->unix_sk;

	return u ? bpf_sock_destroy((void *)u) & 0 : 0;
}
// rejected 0384: its peer
SEC("iter/unix") int destroy_peer(struct bpf_iter__unix *ctx)
{
	struct unix_sock *u = ctx->unix_sk;
	struct sock *peer = u ? u->peer : 0;

	return peer ? bpf_sock_destroy((void *)peer) & 0 : 0;
}
// rejected 0388: perhaps none
SEC("iter/tcp") int destroy_none(struct bpf_iter__tcp *ctx)
{
	return bpf_sock_destroy(ctx->sk_common) & 0;
}
// ok: one that it keeps
SEC("iter/tcp") int destroy_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;

	return sk ? bpf_sock_destroy(sk) & 0 : 0;
}

/* ---- iterators that keep others waiting, or do not keep what they go over ------------------- */

struct task_struct { int pid; } CORE;
struct vm_area_struct { unsigned long vm_start; } CORE;
struct cgroup_subsys_state { void *cgroup; } CORE;
struct cgroup { struct cgroup_subsys_state self; } CORE;
struct bpf_iter_task_vma { __u64 a[1]; } ALIGN(8);
struct bpf_iter_css_task { __u64 a[1]; } ALIGN(8);
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *t, __u64 a) K;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) K;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) K;
extern int bpf_iter_css_task_new(struct bpf_iter_css_task *it, struct cgroup_subsys_state *s,
				 unsigned flags) K;
extern struct task_struct *bpf_iter_css_task_next(struct bpf_iter_css_task *it) K;
extern void bpf_iter_css_task_destroy(struct bpf_iter_css_task *it) K;
extern struct cgroup *bpf_cgroup_from_id(__u64 id) K;
extern void bpf_cgroup_release(struct cgroup *c) K;
extern int bpf_copy_from_user_str(void *to, __u32 n, const void *from, __u64 flags) K;
char text[8];

static NOINLINE int copy(unsigned long from) { return bpf_copy_from_user(text, 8, (void *)from); }
__attribute__((noinline)) int copy_global(unsigned long from)
{
	return bpf_copy_from_user(text, 8, (void *)from);
}
#define AREAS(body) { \
	struct bpf_iter_task_vma it; \
	struct vm_area_struct *vma; \
	unsigned long at = 0; \
	bpf_iter_task_vma_new(&it, bpf_get_current_task_btf(), 0); \
	while ((vma = bpf_iter_task_vma_next(&it))) { at = vma->vm_start; body; } \
	bpf_iter_task_vma_destroy(&it); \
	return copy(at) & 0; }
// rejected 0397, kernel ok: a fault waits for the address space that the program has locked
SEC("syscall") int areas_copied(void *ctx) AREAS(copy(at))
// rejected 0256, kernel ok: by a function of the kernel
SEC("syscall") int areas_strings(void *ctx) AREAS(bpf_copy_from_user_str(text, 8, (void *)at, 0))
// rejected 0266, kernel ok: by a global function
SEC("syscall") int areas_global(void *ctx) AREAS(copy_global(at))
// ok: when it is not locked any more
SEC("syscall") int areas_after(void *ctx) AREAS(sum++)

#define TASKS(before, after) { \
	struct cgroup *c = bpf_cgroup_from_id(1); \
	struct bpf_iter_css_task it; \
	struct task_struct *t; \
	if (!c) \
		return 0; \
	bpf_iter_css_task_new(&it, &c->self, 0); \
	before; \
	while ((t = bpf_iter_css_task_next(&it))) \
		sum += t->pid; \
	after; \
	bpf_iter_css_task_destroy(&it); \
	return 0; }
// rejected 0318, kernel ok: tasks of a group that is given back before
SEC("syscall") int tasks_before(void *ctx) TASKS(bpf_cgroup_release(c), )
// ok: afterwards
SEC("syscall") int tasks_after(void *ctx) TASKS(, bpf_cgroup_release(c))

/* ---- what is printed for a loader without CAP_PERFMON --------------------------------------- */

extern int bpf_stream_vprintk_impl(int stream, const char *fmt, const void *args, __u32 n,
				   void *aux) K;

// rejected 0380, kernel none, caps bpf: a string at any address
SEC("tc") int look_print(void *ctx)
{
	__u64 args[] = { 0xffffffff81000000 };

	return bpf_stream_vprintk_impl(1, "%s", args, 8, 0);
}
// ok, kernel none: by who may see it
SEC("tc") int look_allowed(void *ctx)
{
	__u64 args[] = { 0xffffffff81000000 };

	return bpf_stream_vprintk_impl(1, "%s", args, 8, 0);
}

/* ---- where an object was, for a loader without CAP_PERFMON ---------------------------------- */

long address;
// rejected 0101, kernel none, caps bpf: after the lock was given back
SEC("tc") int look_lent(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock);
	n = bpf_rbtree_first(&tree);
	bpf_spin_unlock(&lock);
	address = (long)n;
	return 0;
}
// ok, kernel none: by who may know
SEC("tc") int lent_known(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock);
	n = bpf_rbtree_first(&tree);
	bpf_spin_unlock(&lock);
	address = (long)n;
	return 0;
}
