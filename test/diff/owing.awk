# SPDX-License-Identifier: BSD-2-Clause
# owing.awk: awk -v seed=N -v programs=N -f parts.awk -f owing.awk: C programs that make, use,
# pass on and give back what they owe: records, objects, nodes of lists and trees, sockets,
# dynptrs, locks, sections, iterators, in branches, loops, callbacks and functions. Most
# do it right; about one statement in twenty does not.

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
	return which(one("if (!V) V = NEW(struct owned);@if (V) { DROP(V); V = 0; }@if (V) V->key = 1;@" \
		"if (t0 && !t1) t1 = bpf_refcount_acquire_impl(t0, 0);@shown = 0;@" \
		"if (kv && V) V = bpf_kptr_xchg(&kv->t, V);@if (kv && !V) V = bpf_kptr_xchg(&kv->t, 0);@" \
		"if (kv && !V) { struct owned *q = kv->t; if (q) V = bpf_refcount_acquire_impl(q, 0); }",
		"V = NEW(struct owned);@if (V) DROP(V);@if (shown) sink = shown->key;"), "t")
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

# Bytes of the packet, which helpers and functions move.
function packet()
{
	return one("{ char *p = (void *)(long)ctx->data; pk = p + 8 <= (char *)(long)ctx->data_end ? p : 0; }@" \
		"if (pk) sink = *pk;@if (pk) *pk = 1;@pk = 0; bpf_skb_pull_data(ctx, 20);@pk = 0; s0 = 0; " given() "@" \
		"pk = 0; s0 = 0; bpf_dynptr_copy(&d0, 0, &d1, 0, 8);@pk = 0; s0 = 0; bpf_dynptr_memset(&d1, 0, 8, 1);@" \
		"if (pk) sink += seen((void *)pk);@bpf_dynptr_adjust(&d1, 1, 9);",
		"bpf_skb_pull_data(ctx, 20);@" given() "@sink = *pk;@if (pk) sink = *(pk + 8);") " "
}

function given(   name)
{
	name = "g" nr_functions++ "_"
	functions = functions "NOINLINE int " name one("(struct __sk_buff *s) { struct bpf_dynptr d; " \
		"bpf_dynptr_from_skb(s, 0, &d); long *p = bpf_dynptr_slice(&d, 0, 0, 8); " one("if (p) sink = *p; ", "sink = *p; ") \
		one("bpf_dynptr_write(&d, 0, bytes, 8, 0); @bpf_skb_pull_data(s, 10); @") one("", "if (p) sink = *p; ") \
		"return s->len; }\n@(struct __sk_buff *s) { struct bpf_dynptr d; bpf_dynptr_from_mem(bytes, 32, 0, &d); " \
		"return bpf_dynptr_write(&d, 0, bytes, 8, 0) + s->len; }\n")
	return "sink += " name "(ctx);"
}

# An object of each cpu.
function percpu()
{
	return which(one("if (!V) V = NEW_PERCPU(struct each);@if (V) { bpf_percpu_obj_drop_impl(V, 0); V = 0; }@" \
		"if (kv && V) V = bpf_kptr_xchg(&kv->e, V);@if (kv) cs = kv->e;@" \
		"if (cs) { struct each *x = bpf_this_cpu_ptr(cs); x->a[3] = 1; }@" \
		"if (cs) cn = bpf_per_cpu_ptr(cs, 0);@if (cn) cn->a[1] = 2;@cs = 0; cn = 0;",
		"V = NEW_PERCPU(struct each);@if (V) V->a[0] = 1;@if (V) DROP(V);@if (cs) cs->a[0] = 1;@" \
		"if (cs) { struct each *x = (void *)cs + 8; asm volatile(\"\" : \"+r\"(x)); x = bpf_this_cpu_ptr(x); x->a[3] = 1; }"), "c")
}

# What functions and callbacks do with what they are given.
function inside(   n, text)
{
	for (n = 1 + any(3); n; n--)
		text = text one("if (e->r) { bpf_ringbuf_discard(e->r, 0); e->r = 0; }@" \
			"{ void *x = bpf_ringbuf_reserve(&ring, 8, 0); if (x) bpf_ringbuf_submit(x, 0); }@" \
			"if (e->o) { DROP(e->o); e->o = 0; }@if (e->o) e->o->a = 1;@" \
			"if (e->r) *(volatile long *)e->r = 1;@bpf_rcu_read_lock(); bpf_rcu_read_unlock();@" \
			"if (bpf_get_prandom_u32() > 5) return 0;@if (!e->r) e->r = bpf_ringbuf_reserve(&ring, 8, 0);@" \
			"if (!e->t) e->t = NEW(struct owned);@if (e->t) { DROP(e->t); e->t = 0; }@" \
			"if (e->kv) { struct item *q = e->kv->p; if (q) q->a = 1; }@" \
			"if (e->kv) { struct item *q = bpf_kptr_xchg(&e->kv->p, 0); if (q) DROP(q); }@if (e->kv) e->kv->in.n++;",
			"if (e->r) bpf_ringbuf_discard(e->r, 0);@bpf_ringbuf_reserve(&ring, 8, 0);@" \
			"if (e->o) DROP(e->o);@bpf_rcu_read_lock();@bpf_preempt_enable();@" \
			"e->r = bpf_ringbuf_reserve(&ring, 8, 0);@bpf_spin_lock(&lock);@if (e->k) sink = *e->k;") " "
	return text
}

function call(   name, n)
{
	name = "f" nr_functions++ "_"
	n = any(5)
	if (n < 2) {
		functions = functions "static int " name "(int i, struct env *e) { " inside() "return " one("0@0@1") "; }\n"
		name = "bpf_loop(" one("3@1@sink") ", " name ", &e, 0);"
	} else if (n == 2) {
		functions = functions "static long " name "(void *m, int *k, struct value *v, struct env *e) { " \
			one("e->kv = v; @if (v->p) v->in.n = *k; @", "e->k = (void *)k; ") inside() "return 0; }\n"
		name = "bpf_for_each_map_elem(&values, " name ", &e, 0);"
	} else if (n == 3) {
		functions = functions "static long " name "(struct bpf_dynptr *d, struct env *e) { char *p = bpf_dynptr_data(d, 0, 4); " \
			one("if (p) sink = *p; @bpf_dynptr_read(bytes, 4, d, 0, 0); @", "e->k = p; @sink = *p; ") inside() "return 0; }\n"
		name = "bpf_user_ringbuf_drain(&user, " name ", &e, 0);"
	} else {
		functions = functions "static NOINLINE int " name "(struct env *e) { " inside() "return 0; }\n"
		name = name "(&e);"
	}
	return "{ e.r = r0; e.o = o0; e.t = t0; e.kv = kv; " name one(" r0 = e.r; o0 = e.o; t0 = e.t; kv = e.kv; e.k = 0; }", \
		" r0 = e.r; }@ r0 = e.r; o0 = e.o; t0 = e.t; kv = e.kv; if (e.k) sink = *e.k; }") " "
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
	if (n == 3)
		return any(2) ? dynptr() : packet()
	return n == 4 ? sock() : percpu()
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
			kinds[k] = any(6)
		body = block(0, 3 + any(5))
		text = text "SEC(\"tc\") int p" i "(struct __sk_buff *ctx)\n{\n\tBEGIN\n\t" body "\n\t" \
			one("END", "return 0;") "\n}\n"
	}
	printf "%s%s", functions, text
}
