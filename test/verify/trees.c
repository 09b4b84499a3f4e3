/* SPDX-License-Identifier: BSD-2-Clause */
/* trees.c: trees that own objects, what is lent of them, counts of references. */
#include "owned.h"
char _license[] SEC("license") = "GPL";
PRIVATE(B) struct bpf_spin_lock lock_b;
PRIVATE(B) struct bpf_rb_root tree CONTAINS(leaf, node);
PRIVATE(C) struct bpf_spin_lock lock_c;
PRIVATE(C) struct bpf_rb_root plains CONTAINS(plain, node);
struct holder { int n; struct leaf __attribute__((btf_type_tag("kptr"))) *leaf; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct holder); } holders SEC(".maps");
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
#define LESS(name, body) \
	static _Bool name(struct bpf_rb_node *a, const struct bpf_rb_node *b) { body; }
LESS(less, return OWNER(a, struct leaf, node)->key < OWNER(b, struct leaf, node)->key)
LESS(less_plain, return OWNER(a, struct plain, node)->key < OWNER(b, struct plain, node)->key)
LESS(less_calls, sum += bpf_get_prandom_u32(); return 0)
LESS(less_unlocks, bpf_spin_unlock(&lock_c); return 0)
LESS(less_removes, a = bpf_rbtree_remove(&plains, a); sum += !!a; return 0)
LESS(less_writes, OWNER(a, struct plain, node)->key = 7; return 0)
LESS(less_node, return a->a[0])
LESS(less_adds, struct leaf *m = bpf_refcount_acquire_impl(OWNER(a, struct leaf, node), 0);
	if (m) bpf_rbtree_add_impl(&tree, &m->node, less, 0, 0); return 0)
LESS(less_first, return bpf_rbtree_first(&plains) != 0)
static int less_two(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return 2;
}
static NOINLINE void unlocks(void)
{
	bpf_spin_unlock(&lock_c);
}

// ok: an element of a tree
SEC("tc") int add(void *ctx)
{
	struct leaf *n = NEW(struct leaf);

	if (!n)
		return 0;
	n->key = 5;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree, &n->node, less, 0, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}
// rejected 0310: a comparison that calls
SEC("tc") int add_calls(void *ctx)
{
	struct leaf *n = NEW(struct leaf);

	if (!n)
		return 0;
	n->key = 5;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree, &n->node, less_calls, 0, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}
// rejected 0270: a tree without a lock
SEC("tc") int add_unlocked(void *ctx)
{
	struct leaf *n = NEW(struct leaf);

	if (!n)
		return 0;
	bpf_rbtree_add_impl(&tree, &n->node, less, 0, 0);
	return 0;
}
// ok: the first of a tree, lent
SEC("tc") int first(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	if (n)
		sum += OWNER(n, struct leaf, node)->key;
	bpf_spin_unlock(&lock_b);
	return 0;
}
// rejected 0120: and not after
SEC("tc") int first_after(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	bpf_spin_unlock(&lock_b);
	if (n)
		sum += OWNER(n, struct leaf, node)->key;
	return 0;
}
// ok: taken out
SEC("tc") int take(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	if (!n)
		{ bpf_spin_unlock(&lock_b); return 0; } n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&lock_b);
	if (n)
		DROP(OWNER(n, struct leaf, node));
	return 0;
}
// rejected 0274: what may be none taken out
SEC("tc") int take_null(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&lock_b);
	if (n)
		DROP(OWNER(n, struct leaf, node));
	return 0;
}
// rejected 0305: taken and kept
SEC("tc") int take_kept(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	if (!n)
		{ bpf_spin_unlock(&lock_b); return 0; } n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&lock_b);
	return n ? 1 : 0;
}
// ok: what is owned taken out
SEC("tc") int take_own(void *ctx)
{
	struct leaf *l = NEW(struct leaf);
	struct bpf_rb_node *n;

	if (!l)
		return 0;
	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_remove(&tree, &l->node);
	bpf_spin_unlock(&lock_b);
	if (n)
		DROP(OWNER(n, struct leaf, node));
	DROP(l);
	return 0;
}
// ok: twice
SEC("tc") int take_twice(void *ctx)
{
	struct bpf_rb_node *n, *m;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	if (!n)
		{ bpf_spin_unlock(&lock_b); return 0; } m = bpf_rbtree_remove(&tree, n);
	n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&lock_b);
	if (m)
		DROP(OWNER(m, struct leaf, node));
	if (n)
		DROP(OWNER(n, struct leaf, node));
	return 0;
}
// ok: still lent
SEC("tc") int read_taken(void *ctx)
{
	struct bpf_rb_node *n, *m;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	if (!n)
		{ bpf_spin_unlock(&lock_b); return 0; } m = bpf_rbtree_remove(&tree, n);
	sum += OWNER(n, struct leaf, node)->key;
	bpf_spin_unlock(&lock_b);
	if (m)
		DROP(OWNER(m, struct leaf, node));
	return 0;
}
// ok: a walk
SEC("tc") int walk(void *ctx)
{
	struct bpf_rb_node *n, *l = 0;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_root(&tree);
	if (n)
		l = bpf_rbtree_left(&tree, n);
	if (n && l)
		sum += OWNER(l, struct leaf, node)->key;
	bpf_spin_unlock(&lock_b);
	return 0;
}
// ok: one more reference
SEC("tc") int acquire(void *ctx)
{
	struct leaf *n = NEW(struct leaf), *m;

	if (!n)
		return 0;
	m = bpf_refcount_acquire_impl(n, 0);
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree, &n->node, less, 0, 0);
	bpf_spin_unlock(&lock_b);
	sum += m->key;
	DROP(m);
	return 0;
}
// rejected 0305: which is kept
SEC("tc") int acquire_kept(void *ctx)
{
	struct leaf *n = NEW(struct leaf), *m;

	if (!n)
		return 0;
	m = bpf_refcount_acquire_impl(n, 0);
	DROP(n);
	return 0;
}
// ok: of what is lent
SEC("tc") int acquire_non_own(void *ctx)
{
	struct leaf *n = NEW(struct leaf), *m;

	if (!n)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree, &n->node, less, 0, 0);
	m = bpf_refcount_acquire_impl(n, 0);
	bpf_spin_unlock(&lock_b);
	if (!m)
		return 0;
	DROP(m);
	return 0;
}
// rejected 0388: it may have gone
SEC("tc") int acquire_non_own_null(void *ctx)
{
	struct leaf *n = NEW(struct leaf), *m;

	if (!n)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree, &n->node, less, 0, 0);
	m = bpf_refcount_acquire_impl(n, 0);
	bpf_spin_unlock(&lock_b);
	DROP(m);
	return 0;
}
// rejected 0220: a root read
SEC("tc") int root_read(void *ctx)
{
	sum += tree.a;
	return 0;
}
// rejected 0274: lent by one section, used in another
SEC("tc") int keep_over_unlock(void *ctx)
{
	struct bpf_rb_node *n;

	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_first(&tree);
	bpf_spin_unlock(&lock_b);
	if (!n)
		return 0;
	bpf_spin_lock(&lock_b);
	n = bpf_rbtree_remove(&tree, n);
	bpf_spin_unlock(&lock_b);
	if (n)
		DROP(OWNER(n, struct leaf, node));
	return 0;
}
// ok: lent after it was taken out
SEC("tc") int removed(void *ctx)
{
	struct bpf_rb_node *n, *m;

	bpf_spin_lock(&lock_c);
	n = bpf_rbtree_first(&plains);
	if (!n)
		{ bpf_spin_unlock(&lock_c); return 0; } m = bpf_rbtree_remove(&plains, n);
	sum += OWNER(n, struct plain, node)->key;
	bpf_spin_unlock(&lock_c);
	if (m)
		DROP(OWNER(m, struct plain, node));
	return 0;
}
// ok: taken out twice
SEC("tc") int removed_twice(void *ctx)
{
	struct bpf_rb_node *n, *m;

	bpf_spin_lock(&lock_c);
	n = bpf_rbtree_first(&plains);
	if (!n)
		{ bpf_spin_unlock(&lock_c); return 0; } m = bpf_rbtree_remove(&plains, n);
	n = bpf_rbtree_remove(&plains, n);
	bpf_spin_unlock(&lock_c);
	if (m)
		DROP(OWNER(m, struct plain, node));
	if (n)
		DROP(OWNER(n, struct plain, node));
	return 0;
}
// ok: owned and taken out
SEC("tc") int remove_owned(void *ctx)
{
	struct plain *l = NEW(struct plain);
	struct bpf_rb_node *n;

	if (!l)
		return 0;
	bpf_spin_lock(&lock_c);
	n = bpf_rbtree_remove(&plains, &l->node);
	bpf_spin_unlock(&lock_c);
	if (n)
		DROP(OWNER(n, struct plain, node));
	DROP(l);
	return 0;
}
// rejected 0123: a comparison that says 2
SEC("tc") int compare_two(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, (void *)less_two, 0, 0);
	bpf_spin_unlock(&lock_c);
	return 0;
}
// rejected 0276: one that unlocks
SEC("tc") int compare_unlocks(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, less_unlocks, 0, 0);
	bpf_spin_unlock(&lock_c);
	return 0;
}
// rejected 0275: one that removes
SEC("tc") int compare_removes(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, less_removes, 0, 0);
	bpf_spin_unlock(&lock_c);
	return 0;
}
// ok: one that writes
SEC("tc") int compare_writes(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, less_writes, 0, 0);
	bpf_spin_unlock(&lock_c);
	return 0;
}
// rejected 0279: one that reads nodes
SEC("tc") int compare_node(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, less_node, 0, 0);
	bpf_spin_unlock(&lock_c);
	return 0;
}
// ok: one that asks for the first
SEC("tc") int compare_first(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, less_first, 0, 0);
	bpf_spin_unlock(&lock_c);
	return 0;
}
// rejected 0280: none
SEC("tc") int compare_null(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, 0, 0, 0);
	bpf_spin_unlock(&lock_c);
	return 0;
}
// rejected 0120: lent, on the stack
SEC("tc") int lent_spilled(void *ctx)
{
	struct plain *n = NEW(struct plain);
	struct plain *volatile p;

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, less_plain, 0, 0);
	p = n;
	bpf_spin_unlock(&lock_c);
	sum += p->key;
	return 0;
}
// rejected 0120: unlocked by a function
SEC("tc") int lent_unlocked_elsewhere(void *ctx)
{
	struct plain *n = NEW(struct plain);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_c);
	bpf_rbtree_add_impl(&plains, &n->node, less_plain, 0, 0);
	unlocks();
	sum += n->key;
	return 0;
}
// rejected 0307, kernel ok: one more of a node
SEC("tc") int refcount_off(void *ctx)
{
	struct leaf *n = NEW(struct leaf), *m;

	if (!n)
		return 0;
	m = bpf_refcount_acquire_impl(&n->node, 0);
	DROP(n);
	if (m)
		DROP(m);
	return 0;
}
// rejected 0279: the count read
SEC("tc") int refcount_read(void *ctx)
{
	struct leaf *n = NEW(struct leaf);

	if (!n)
		return 0;
	sum += n->refs.a;
	DROP(n);
	return 0;
}
// rejected 0277: one more of the context
SEC("tc") int refcount_ctx(void *ctx)
{
	struct leaf *m = bpf_refcount_acquire_impl(ctx, 0);

	if (m)
		DROP(m);
	return 0;
}
// rejected 0271: what is not owned goes in
SEC("tc") int add_not_owned(void *ctx)
{
	struct holder *h;
	struct leaf *n;
	int k = 0;

	h = bpf_map_lookup_elem(&holders, &k);
	if (!h)
		return 0;
	bpf_rcu_read_lock();
	n = h->leaf;
	if (n) {
		bpf_spin_lock(&lock_b);
		bpf_rbtree_add_impl(&tree, &n->node, less, 0, 0);
		bpf_spin_unlock(&lock_b);
	}
	bpf_rcu_read_unlock();
	return 0;
}
// ok: one more of it does
SEC("tc") int add_acquired(void *ctx)
{
	struct holder *h;
	struct leaf *n;
	int k = 0;

	h = bpf_map_lookup_elem(&holders, &k);
	if (!h)
		return 0;
	bpf_rcu_read_lock();
	n = h->leaf ? bpf_refcount_acquire_impl(h->leaf, 0) : 0;
	bpf_rcu_read_unlock();
	if (!n)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree, &n->node, less, 0, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}
// rejected 0388: one more of what may be none
SEC("tc") int count_null(void *ctx)
{
	struct leaf *n = NEW(struct leaf), *m;

	m = bpf_refcount_acquire_impl(n, 0);
	if (m)
		DROP(m);
	if (n)
		DROP(n);
	return 0;
}
// rejected 0388: one more of none
SEC("tc") int count_zero(void *ctx)
{
	struct leaf *m = bpf_refcount_acquire_impl(0, 0);
	if (m)
		DROP(m);
	return 0;
}
// rejected 0307: one more of somewhere in it
SEC("tc") int count_var(void *ctx)
{
	struct leaf *n = NEW(struct leaf), *m;

	if (!n) return 0;
	m = bpf_refcount_acquire_impl((void *)n + (bpf_get_prandom_u32() & 8), 0);
	if (m)
		DROP(m);
	DROP(n);
	return 0;
}
// rejected 0277, kernel ok: one more of what may be gone
SEC("tc") int count_gone(void *ctx)
{
	struct holder *h;
	struct leaf *n, *m;
	int k = 0;

	h = bpf_map_lookup_elem(&holders, &k);
	if (!h)
		return 0;
	bpf_rcu_read_lock();
	n = h->leaf;
	bpf_rcu_read_unlock();
	if (!n)
		return 0;
	m = bpf_refcount_acquire_impl(n, 0);
	if (m)
		DROP(m);
	return 0;
}
// rejected 0277: one more of a task
SEC("tp_btf/sched_switch") int count_task(__u64 *ctx)
{
	struct leaf *m = bpf_refcount_acquire_impl((void *)ctx[1], 0);

	if (m)
		DROP(m);
	return 0;
}
// not judged, kernel ok: a tree grows while it compares
SEC("tc") int grows(void *ctx)
{
	struct leaf *n = NEW(struct leaf);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_rbtree_add_impl(&tree, &n->node, less_adds, 0, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}
