# SPDX-License-Identifier: BSD-2-Clause
# owing.awk: awk -v seed=N -v programs=N -f owing.awk: C programs that make, use, pass on
# and give back what they owe: records, objects, nodes of lists and trees, sockets,
# dynptrs, locks, sections, iterators, in branches, loops, callbacks and functions. Most
# do it right; about one statement in twenty does not.

function any(n) { return int(rand() * n) }

# One of the parts of GOOD, or, seldom, of BAD; between parts stands @.
function one(good, bad,   v, n)
{
	n = split(bad != "" && rand() < 0.05 ? bad : good, v, "@")
	return v[1 + any(n)]
}

function which(text, name) { gsub(/V/, name any(2), text); return text " " }

function record()
{
	return which(one("if (!V) V = bpf_ringbuf_reserve(&ring, 8, 0);@if (V) { bpf_ringbuf_submit(V, 0); V = 0; }@" \
		"if (V) { bpf_ringbuf_discard(V, 0); V = 0; }@if (V) *(volatile long *)V = 5;@" \
		"{ void *x = r0; r0 = r1; r1 = x; }@if (V) bpf_ringbuf_output(&ring, V, 8, 0);",
		"V = bpf_ringbuf_reserve(&ring, 8, 0);@if (V) bpf_ringbuf_submit(V, 0);@" \
		"*(volatile long *)V = 5;@r0 = r1;@bpf_ringbuf_discard(V, 0);"), "r")
}

function object()
{
	return which(one("if (!V) V = NEW(struct item);@if (V) { DROP(V); V = 0; }@if (V) V->a = 3;@" \
		"if (kv && V) V = bpf_kptr_xchg(&kv->in.p, V);@if (kv && !V) V = bpf_kptr_xchg(&kv->p, 0);@" \
		"if (kv) { struct item *q = kv->p; if (q) sink = q->b; }@kv = LOOKUP(values);@" \
		"if (kv) lent = kv->in.p;@if (lent) lent->a = 1;@lent = 0;",
		"V = NEW(struct item);@if (V) DROP(V);@V->b = 1;@if (kv) V = bpf_kptr_xchg(&kv->p, V);@" \
		"if (lent) DROP(lent);"), "o")
}

function node()
{
	return which(one("if (!V) V = NEW(struct node);@if (V) { DROP(V); V = 0; }@if (V) V->key = 1;@" \
		"if (t0 && !t1) t1 = bpf_refcount_acquire_impl(t0, 0);@shown = 0;",
		"V = NEW(struct node);@if (V) DROP(V);@if (shown) sink = shown->key;"), "t")
}

function locked(   n, text)
{
	text = one("bpf_spin_lock(&lock);", "bpf_spin_lock(&other);") " "
	for (n = 1 + any(4); n; n--)
		text = text which(one("if (V) { bpf_rbtree_add_impl(&root, &V->r, less, 0, 0); V = 0; }@" \
			"if (V) { shown = V; bpf_list_push_front_impl(&list, &V->l, 0, 0); V = 0; }@" \
			"{ struct bpf_rb_node *n = bpf_rbtree_first(&root); if (n) shown = OWNER(n, r); }@" \
			"{ struct bpf_list_node *n = bpf_list_front(&list); if (n) shown = OWNER(n, l); }@" \
			"if (shown && !V) { struct bpf_rb_node *n = bpf_rbtree_remove(&root, &shown->r);" \
			" if (n) V = OWNER(n, r); }@if (shown) shown->key = 2;@" \
			"if (!V) { struct bpf_list_node *n = bpf_list_pop_back(&list); if (n) V = OWNER(n, l); }@" \
			"if (shown && !V) V = bpf_refcount_acquire_impl(shown, 0);",
			"if (V) bpf_rbtree_add_impl(&root, &V->r, less, 0, 0);@if (shown) DROP(shown);@" \
			"sink = bpf_get_prandom_u32();@if (kv) o0 = bpf_kptr_xchg(&kv->p, 0);"), "t")
	return text one("shown = 0; bpf_spin_unlock(&lock);", "bpf_spin_unlock(&lock);") " "
}

function dynptr()
{
	return which(one("bpf_dynptr_from_skb(ctx, 0, &V);@bpf_dynptr_from_mem(bytes, 32, 0, &V);@" \
		"s0 = bpf_dynptr_slice(&V, 0, 0, 8);@s0 = bpf_dynptr_slice_rdwr(&V, 0, 0, 8);@" \
		"s0 = bpf_dynptr_data(&V, 0, 8);@if (s0) sink = *(volatile char *)s0;@" \
		"bpf_dynptr_read((void *)&sink, 8, &V, 0, 0);@bpf_dynptr_write(&V, 0, bytes, 8, 0); s0 = 0;@" \
		"s0 = 0; bpf_dynptr_clone(&d0, &d1);@s0 = 0; bpf_skb_pull_data(ctx, 20);",
		"bpf_dynptr_clone(&d0, &d1);@bpf_skb_pull_data(ctx, 20);@" \
		"bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &V);@bpf_ringbuf_discard_dynptr(&V, 0);"), "d")
}

function sock()
{
	return one("if (!sk) sk = bpf_sk_lookup_tcp(ctx, &tup, 12, -1, 0);@" \
		"if (sk) { bpf_sk_release(sk); sk = 0; tp = 0; }@if (sk) sink = sk->family;@" \
		"if (sk) tp = bpf_tcp_sock(sk);@if (tp) sink = tp->snd_cwnd;@tp = 0;",
		"sk = bpf_sk_lookup_tcp(ctx, &tup, 12, -1, 0);@if (sk) bpf_sk_release(sk);") " "
}

# What functions and callbacks do with what they are given.
function inside(   n, text)
{
	for (n = 1 + any(3); n; n--)
		text = text one("if (e->r) { bpf_ringbuf_discard(e->r, 0); e->r = 0; }@" \
			"{ void *x = bpf_ringbuf_reserve(&ring, 8, 0); if (x) bpf_ringbuf_submit(x, 0); }@" \
			"if (e->o) { DROP(e->o); e->o = 0; }@if (e->o) e->o->a = 1;@" \
			"if (e->r) *(volatile long *)e->r = 1;@bpf_rcu_read_lock(); bpf_rcu_read_unlock();@" \
			"if (bpf_get_prandom_u32() > 5) return 0;",
			"if (e->r) bpf_ringbuf_discard(e->r, 0);@bpf_ringbuf_reserve(&ring, 8, 0);@" \
			"if (e->o) DROP(e->o);@bpf_rcu_read_lock();@bpf_preempt_enable();") " "
	return text
}

function call(   name)
{
	name = "f" nr_functions++ "_"
	if (any(2)) {
		functions = functions "static int " name "(int i, struct env *e) { " inside() "return 0; }\n"
		name = "bpf_loop(" one("3@1@sink") ", " name ", &e, 0);"
	} else {
		functions = functions "static NOINLINE int " name "(struct env *e) { " inside() "return 0; }\n"
		name = name "(&e);"
	}
	return "{ struct env e = { r0, o0 }; " name one(" r0 = e.r; o0 = e.o; }", " r0 = e.r; }") " "
}

function around(depth,   body)
{
	body = block(depth + 1, 1 + any(2))
	return one("if (bpf_get_prandom_u32() > 3) { " body "} else { " block(depth + 1, any(2)) "}@" \
		"bpf_rcu_read_lock(); " body "bpf_rcu_read_unlock();@" \
		"bpf_preempt_disable(); " body "bpf_preempt_enable();@" \
		"{ unsigned long f; bpf_local_irq_save(&f); " body "bpf_local_irq_restore(&f); }@" \
		"{ struct bpf_iter_num it; int *p; bpf_iter_num_new(&it, 0, 3);" \
		" while ((p = bpf_iter_num_next(&it))) { sink = *p; " body "} bpf_iter_num_destroy(&it); }",
		"bpf_rcu_read_lock(); " body "@bpf_preempt_disable(); " body) " "
}

function statement(depth,   n)
{
	n = any(20)
	if (n < 2 && depth < 2)
		return around(depth)
	if (n == 2 && depth < 2)
		return call()
	n = kinds[any(nr_kinds)]
	if (n == 0)
		return record()
	if (n == 1)
		return object()
	if (n == 2)
		return any(2) ? node() : locked()
	return n == 3 ? dynptr() : sock()
}

function block(depth, n,   text)
{
	while (n--)
		text = text statement(depth)
	return text
}

BEGIN {
	srand(seed)
	for (i = 0; i < programs; i++) {
		nr_kinds = 1 + any(3)
		for (k = 0; k < nr_kinds; k++)
			kinds[k] = any(5)
		body = block(0, 3 + any(5))
		text = text "SEC(\"tc\") int p" i "(struct __sk_buff *ctx)\n{\n\tBEGIN\n\t" body "\n\t" \
			one("END", "return 0;") "\n}\n"
	}
	printf "%s%s", functions, text
}
