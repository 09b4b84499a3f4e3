/* SPDX-License-Identifier: BSD-2-Clause */
/* lists.c: objects that programs make, and lists that own them. */
#include "owned.h"
char _license[] SEC("license") = "GPL";
struct boss { int n; struct bpf_spin_lock lock;
	struct bpf_list_head staff CONTAINS(item, node); };
struct first { struct bpf_spin_lock lock; int n; };
struct holder { int n; struct boss __attribute__((btf_type_tag("kptr"))) *boss; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct holder); } holders SEC(".maps");
extern void bpf_rcu_read_lock(void) K;
extern void bpf_rcu_read_unlock(void) K;
struct elem { int n; struct bpf_spin_lock lock;
	struct bpf_list_head list CONTAINS(item, node); };
PRIVATE(A) struct bpf_spin_lock lock;
PRIVATE(A) struct bpf_list_head list CONTAINS(item, node);
PRIVATE(B) struct bpf_spin_lock lock_b;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct elem); } elems SEC(".maps");
struct begins { struct bpf_list_head list CONTAINS(item, node); struct bpf_spin_lock lock; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int);
	__type(value, struct begins); } begin SEC(".maps");
struct task_struct;
extern struct task_struct *bpf_task_from_pid(int pid) K;
extern void bpf_task_release(struct task_struct *p) K;

// ok: an object goes in
SEC("tc") int push(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	n->v = 1;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0270: without a lock
SEC("tc") int push_unlocked(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	return 0;
}
// rejected 0270: with another lock
SEC("tc") int push_wrong_lock(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock_b);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	bpf_spin_unlock(&lock_b);
	return 0;
}
// rejected 0273: an object of another type
SEC("tc") int push_wrong_type(void *ctx)
{
	struct other *n = NEW(struct other);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0269: not its node
SEC("tc") int push_wrong_off(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, (void *)&n->v, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0271: twice
SEC("tc") int push_twice(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// ok: lent under the lock
SEC("tc") int push_read(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	sum += n->v;
	n->w = 3;
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0120: and not after
SEC("tc") int push_read_after(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	sum += n->v;
	return 0;
}
// rejected 0384: dropped after it was given away
SEC("tc") int push_drop(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	DROP(n);
	return 0;
}
// ok: one comes out
SEC("tc") int pop(void *ctx)
{
	struct bpf_list_node *n;
	struct item *i;

	bpf_spin_lock(&lock);
	n = bpf_list_pop_front(&list);
	bpf_spin_unlock(&lock);
	if (!n)
		return 0;
	i = OWNER(n, struct item, node);
	sum += i->v;
	DROP(i);
	return 0;
}
// rejected 0305: and is kept
SEC("tc") int pop_kept(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock);
	n = bpf_list_pop_front(&list);
	bpf_spin_unlock(&lock);
	if (n)
		sum++;
	return 0;
}
// rejected 0107: none may come
SEC("tc") int pop_null(void *ctx)
{
	struct bpf_list_node *n;
	struct item *i;

	bpf_spin_lock(&lock);
	n = bpf_list_pop_back(&list);
	bpf_spin_unlock(&lock);
	i = OWNER(n, struct item, node);
	sum += i->v;
	DROP(i);
	return 0;
}
// rejected 0270: taken without a lock
SEC("tc") int pop_unlocked(void *ctx)
{
	struct bpf_list_node *n = bpf_list_pop_front(&list);

	if (n)
		DROP(OWNER(n, struct item, node));
	return 0;
}
// rejected 0310: dropped under the lock
SEC("tc") int pop_drop_locked(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock);
	n = bpf_list_pop_front(&list);
	if (n)
		DROP(OWNER(n, struct item, node));
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0307: its node is dropped
SEC("tc") int pop_drop_node(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock);
	n = bpf_list_pop_front(&list);
	bpf_spin_unlock(&lock);
	if (n)
		DROP(n);
	return 0;
}
// rejected 0279: a node written
SEC("tc") int node_written(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	n->node.a[0] = 1;
	DROP(n);
	return 0;
}
// rejected 0279: a node read
SEC("tc") int node_read(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	sum += n->node.a[1];
	DROP(n);
	return 0;
}
// rejected 0220: a head read
SEC("tc") int head_read(void *ctx)
{
	sum += list.a;
	return 0;
}
// ok: the first, lent
SEC("tc") int front(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock);
	n = bpf_list_front(&list);
	if (n)
		sum += OWNER(n, struct item, node)->v;
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0120: and not after
SEC("tc") int front_after(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock);
	n = bpf_list_front(&list);
	bpf_spin_unlock(&lock);
	if (n)
		sum += OWNER(n, struct item, node)->v;
	return 0;
}
// ok: a head in a map value
SEC("tc") int map_push(void *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &k);
	struct item *n;

	if (!e)
		return 0;
	n = NEW(struct item);
	if (!n)
		return 0;
	bpf_spin_lock(&e->lock);
	bpf_list_push_back_impl(&e->list, &n->node, 0, 0);
	bpf_spin_unlock(&e->lock);
	return 0;
}
// rejected 0270: the lock of another element
SEC("tc") int map_push_other(void *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &k), *f = bpf_map_lookup_elem(&elems, &k);
	struct item *n;

	if (!e || !f)
		return 0;
	n = NEW(struct item);
	if (!n)
		return 0;
	bpf_spin_lock(&e->lock);
	bpf_list_push_back_impl(&f->list, &n->node, 0, 0);
	bpf_spin_unlock(&e->lock);
	return 0;
}
// rejected 0220: that head written
SEC("tc") int map_head_written(void *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &k);

	if (!e)
		return 0;
	e->list.a = 1;
	return 0;
}
// ok: a number beside it
SEC("tc") int map_ok(void *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &k);

	if (!e)
		return 0;
	e->n = 1;
	return 0;
}
// rejected 0278: of what has no count
SEC("tc") int acquire_none(void *ctx)
{
	struct item *n = NEW(struct item), *m;

	if (!n)
		return 0;
	m = bpf_refcount_acquire_impl(n, 0);
	DROP(n);
	if (m)
		DROP(m);
	return 0;
}
// rejected 0310: made under a lock
SEC("tc") int new_locked(void *ctx)
{
	struct item *n;

	bpf_spin_lock(&lock);
	n = NEW(struct item);
	bpf_spin_unlock(&lock);
	if (n)
		DROP(n);
	return 0;
}
// ok: a lock alone
SEC("tc") int lock_lists(void *ctx)
{
	bpf_spin_lock(&lock);
	sum++;
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0108: what may be NULL
SEC("tc") int put_null(void *ctx)
{
	struct item *n = NEW(struct item);

	bpf_spin_lock(&lock);
	bpf_list_push_back_impl(&list, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// ok: a list in an object
SEC("tc") int own_lock(void *ctx)
{
	struct boss *b = NEW(struct boss);
	struct item *n;

	if (!b)
		return 0;
	n = NEW(struct item);
	if (!n)
		{ DROP(b); return 0; } bpf_spin_lock(&b->lock);
	bpf_list_push_back_impl(&b->staff, &n->node, 0, 0);
	bpf_spin_unlock(&b->lock);
	DROP(b);
	return 0;
}
// rejected 0270: without its lock
SEC("tc") int own_no_lock(void *ctx)
{
	struct boss *b = NEW(struct boss);
	struct item *n;

	if (!b)
		return 0;
	n = NEW(struct item);
	if (!n)
		{ DROP(b); return 0; } bpf_list_push_back_impl(&b->staff, &n->node, 0, 0);
	DROP(b);
	return 0;
}
// rejected 0270: with the lock of another
SEC("tc") int own_other_lock(void *ctx)
{
	struct boss *b = NEW(struct boss), *c;
	struct item *n;

	if (!b)
		return 0;
	c = NEW(struct boss);
	if (!c)
		{ DROP(b); return 0; } n = NEW(struct item);
	if (!n)
		{ DROP(b); DROP(c); return 0; } bpf_spin_lock(&c->lock);
	bpf_list_push_back_impl(&b->staff, &n->node, 0, 0);
	bpf_spin_unlock(&c->lock);
	DROP(b);
	DROP(c);
	return 0;
}
// rejected 0310: dropped locked
SEC("tc") int own_lock_kept(void *ctx)
{
	struct boss *b = NEW(struct boss);

	if (!b)
		return 0;
	bpf_spin_lock(&b->lock);
	b->n = 1;
	DROP(b);
	return 0;
}
// rejected 0279: its lock read
SEC("tc") int own_lock_read(void *ctx)
{
	struct boss *b = NEW(struct boss);

	if (!b)
		return 0;
	sum += *(int *)&b->lock;
	DROP(b);
	return 0;
}
// rejected 0354: an object as memory
SEC("tc") int helper_memory(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_probe_read_kernel(&n->v, 8, ctx);
	DROP(n);
	return 0;
}
// rejected 0269: a lock as a head
SEC("tc") int head_none(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_back_impl((void *)&lock, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0268: a head on the stack
SEC("tc") int head_stack(void *ctx)
{
	struct bpf_list_head h;
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_back_impl(&h, &n->node, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0311: the end with a lock
SEC("tc") int exit_locked(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock);
	n = bpf_list_front(&list);
	return n != 0;
}
// ok: all are dropped
SEC("xdp") int all_out(void *ctx)
{
	struct bpf_list_node *n;

	for (int i = 0; i < 10; i++) {
		bpf_spin_lock(&lock);
		n = bpf_list_pop_front(&list);
		bpf_spin_unlock(&lock);
		if (!n)
			return 0;
		DROP(OWNER(n, struct item, node));
	}
	return 0;
}
// rejected 0380: in a program of another type
SEC("socket") int other_type(void *ctx)
{
	struct item *n = NEW(struct item);

	if (n)
		DROP(n);
	return 0;
}
// ok: taken and put back
SEC("tc") int put_again_after_take(void *ctx)
{
	struct bpf_list_node *n;

	bpf_spin_lock(&lock);
	n = bpf_list_pop_front(&list);
	if (n)
		bpf_list_push_back_impl(&list, n, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0255: an offset that is none
SEC("tc") int off_pointer(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_back_impl(&list, &n->node, 0, (long)n);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0354: the lock of an object that may be none
SEC("tc") int own_lock_null(void *ctx)
{
	struct first *b = NEW(struct first);

	bpf_spin_lock(&b->lock);
	bpf_spin_unlock(&b->lock);
	if (b)
		DROP(b);
	return 0;
}
// rejected 0370: of another member
SEC("tc") int own_lock_else(void *ctx)
{
	struct boss *b = NEW(struct boss);

	if (!b)
		return 0;
	bpf_spin_lock((void *)&b->n);
	bpf_spin_unlock((void *)&b->n);
	DROP(b);
	return 0;
}
// rejected 0370: of any
SEC("tc") int own_lock_var(void *ctx)
{
	struct boss *b = NEW(struct boss);
	void *at;

	if (!b)
		return 0;
	at = (char *)&b->lock + (bpf_get_prandom_u32() & 4);
	bpf_spin_lock(at);
	bpf_spin_unlock(at);
	DROP(b);
	return 0;
}
// not judged, kernel rejected: of an object that a map owns
SEC("tc") int lent_lock(void *ctx)
{
	struct holder *h;
	struct boss *b;
	int k = 0;

	h = bpf_map_lookup_elem(&holders, &k);
	if (!h)
		return 0;
	bpf_rcu_read_lock();
	b = h->boss;
	if (b) {
		bpf_spin_lock(&b->lock);
		bpf_spin_unlock(&b->lock);
	}
	bpf_rcu_read_unlock();
	return 0;
}
// rejected 0268: a head in a value that may be none
SEC("tc") int head_null(void *ctx)
{
	int k = bpf_get_prandom_u32();
	struct begins *b = bpf_map_lookup_elem(&begin, &k);
	struct bpf_list_node *n = bpf_list_pop_front(&b->list);

	if (n)
		DROP(OWNER(n, struct item, node));
	return 0;
}
// rejected 0370: a head somewhere
SEC("tc") int head_var(void *ctx)
{
	int k = 0, some = bpf_get_prandom_u32() & 8;
	struct elem *e = bpf_map_lookup_elem(&elems, &k);
	struct bpf_list_node *n;

	if (!e)
		return 0;
	bpf_spin_lock(&e->lock);
	n = bpf_list_pop_front((void *)&e->list - some);
	bpf_spin_unlock(&e->lock);
	if (n)
		DROP(OWNER(n, struct item, node));
	return 0;
}
// rejected 0370: a node somewhere
SEC("tc") int push_var(void *ctx)
{
	int some = bpf_get_prandom_u32() & 8;
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, (void *)&n->node + some, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0271: an object of the kernel
SEC("syscall") int push_task(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (!t)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_front_impl(&list, (void *)t, 0, 0);
	bpf_spin_unlock(&lock);
	return 0;
}
// rejected 0101: what was never written
SEC("tc") int push_unset(void *ctx)
{
	bpf_spin_lock(&lock);
	asm volatile("r1 = %[list] ll; r3 = 0; r4 = 0; call %[push];"
		     :: [list]"i"(&list), [push]"i"(bpf_list_push_front_impl)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
	bpf_spin_unlock(&lock);
	return 0;
}
// ok: what a push returns is a number
SEC("tc") int push_result(void *ctx)
{
	struct item *n = NEW(struct item);

	if (!n)
		return 0;
	bpf_spin_lock(&lock);
	if (bpf_list_push_front_impl(&list, &n->node, 0, 0))
		sum++;
	bpf_spin_unlock(&lock);
	return 0;
}
