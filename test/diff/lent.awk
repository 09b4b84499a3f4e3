# SPDX-License-Identifier: BSD-2-Clause
# lent.awk: awk -v seed=N -v programs=N -f parts.awk -f lent.awk: C programs of several types
# that have what the kernel lends or keeps for them: tasks, groups, sets of cpus, what
# iterators give, elements of maps in maps, parts of dynptrs; in read sections, callbacks,
# timers, work, global functions, loops that may go on; some sleep. Most
# do it right; about one statement in twenty does not.

function task()
{
	return which(one("if (!V) V = bpf_task_from_pid(local);@if (V) { bpf_task_release(V); V = 0; }@" \
		"if (!V) V = bpf_task_acquire(cur);@if (V) sink = V->pid;@if (v && V) V = bpf_kptr_xchg(&v->t, V);@" \
		"if (v && !V) V = bpf_kptr_xchg(&v->t, 0);@{ struct task_struct *x = k0; k0 = k1; k1 = x; }@" \
		"if (V && V->real_parent) sink = V->real_parent->pid;@if (v && V) v->u = V;@if (v && v->u) sink = v->u->pid;@" \
		"sink = cur->real_parent->pid;@if (V) sink = V->comm[1];",
		"V = bpf_task_from_pid(local);@if (V) bpf_task_release(V);@bpf_task_release(V);@sink = V->pid;@" \
		"bpf_task_release(cur);@if (v) v->t = V;@k0 = k1;@if (v) bpf_kptr_xchg(&v->u, 0);@" \
		"if (V) bpf_task_release(V->real_parent);@V = bpf_task_acquire(V);"), "k")
}

# What a read section keeps.
function kept(   text, n)
{
	for (n = 1 + any(3); n; n--)
		text = text which(one("if (v) rt = v->t;@if (rt && !V) V = bpf_task_acquire(rt);@if (rt) sink = rt->pid;@" \
			"rt = cur->real_parent; if (rt) sink = rt->pid;@if (V) rt = V->real_parent;@rt = 0;@" \
			"if (rt) rt = rt->group_leader;@if (v) rg = v->c;@if (rg) sink = rg->level;@" \
			"if (rg && !g0) g0 = bpf_cgroup_acquire(rg);@rg = 0;@" \
			"if (cur->cgroups && cur->cgroups->dfl_cgrp) rg = cur->cgroups->dfl_cgrp;@" \
			"if (rt && g0) sink = bpf_task_under_cgroup(rt, g0);",
			"if (v) V = v->t;@sink = rt->pid;@V = bpf_task_acquire(rt);@if (rt) bpf_task_release(rt);@" \
			"if (v) bpf_task_acquire(v->u);@if (rg) bpf_cgroup_release(rg);"), "k")
	return text
}

function group()
{
	return which(one("if (!V) V = bpf_cgroup_from_id(1);@if (V) { bpf_cgroup_release(V); V = 0; }@" \
		"if (V) sink = V->level;@if (v && V) V = bpf_kptr_xchg(&v->c, V);@if (v && !V) V = bpf_kptr_xchg(&v->c, 0);@" \
		"if (g0 && !g1) g1 = bpf_cgroup_ancestor(g0, 1);@if (V) sink = bpf_task_under_cgroup(cur, V);",
		"V = bpf_cgroup_from_id(1);@if (V) bpf_cgroup_release(V);@sink = bpf_task_under_cgroup(cur, V);@" \
		"if (g0) g1 = bpf_cgroup_ancestor(g0, 1);"), "g")
}

function mask()
{
	if (type == "tc")
		return task()
	return which(one("if (!V) V = bpf_cpumask_create();@if (V) { bpf_cpumask_release(V); V = 0; }@" \
		"if (V) bpf_cpumask_set_cpu(local, V);@if (V) sink = bpf_cpumask_first((void *)V);@" \
		"if (v && V) V = bpf_kptr_xchg(&v->m, V);@if (v && !V) V = bpf_kptr_xchg(&v->m, 0);@" \
		"if (m0 && !m1) m1 = bpf_cpumask_acquire(m0);@" \
		"READ if (v) rm = v->m; if (rm) sink = bpf_cpumask_first((void *)rm); rm = 0; UNREAD",
		"V = bpf_cpumask_create();@if (V) bpf_cpumask_release(V);@bpf_cpumask_set_cpu(1, V);@" \
		"if (v) rm = v->m; if (rm) bpf_cpumask_set_cpu(1, rm); @m0 = bpf_cpumask_acquire(m1);@" \
		"READ if (v) rm = v->m; UNREAD if (rm) sink = bpf_cpumask_first((void *)rm);"), "m")
}

function map()
{
	return which(one("v = LOOKUP(values);@v = LOOKUP(hashed);@if (v) v->n++;@v = 0;@p = &local;@p = 0;@" \
		"if (p) sink = *p;@if (p) *p = 2;@if (v) p = (int *)&v->n;@{ int i = 1; if (v) bpf_map_update_elem(&in0, &i, &bytes, 0); }@" \
		"{ void *in = LOOKUP(outer); int i = 0; if (in) V = bpf_map_lookup_elem(in, &i); }@if (V) V->n = 1;@V = 0;@" \
		"if (V) { bpf_spin_lock(&V->lock); V->n++; bpf_spin_unlock(&V->lock); }@" \
		"if (v) __sync_fetch_and_add(&v->n, 1);@{ int i = local & 1; V = bpf_map_lookup_elem(&in0, &i); }",
		"V->n = 1;@sink = *p;@v->n++;@if (v) sink = *(long *)&v->t;@if (l0 && l1) { bpf_spin_lock(&l0->lock); bpf_spin_unlock(&l1->lock); }@" \
		"if (V) bpf_spin_lock(&V->lock);@if (V) *(int *)&V->lock = 1;@{ void *in = LOOKUP(outer); int i = 0; V = bpf_map_lookup_elem(in, &i); }@" \
		"if (V) { bpf_spin_lock(&V->lock); sink = bpf_get_prandom_u32(); bpf_spin_unlock(&V->lock); }"), "l")
}

function dynptr()
{
	return which(one("V = bpf_dynptr_data(&dN, 0, 8);@if (V) sink = *(long *)V;@if (V) *(long *)V = 4;@V = 0;@" \
		"bpf_dynptr_read((void *)&sink, 8, &dN, 0, 0);@bpf_dynptr_write(&dN, 1, bytes, 8, 0);@" \
		"s1 = 0; s0 = 0; bpf_ringbuf_submit_dynptr(&d1, 0); bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d1);",
		"sink = *(long *)V;@bpf_ringbuf_submit_dynptr(&d1, 0);@if (V) *(long *)(V + 8) = 1;@" \
		"bpf_ringbuf_submit_dynptr(&d1, 0); bpf_ringbuf_reserve_dynptr(&ring, 16, 0, &d1); if (V) sink = *(long *)V;@" \
		"bpf_dynptr_from_mem(bytes, 32, 0, &d1);@bpf_ringbuf_discard_dynptr(&d0, 0);"), "s")
}

# What functions and callbacks do with what they are given.
function inside(   n, text)
{
	for (n = 1 + any(3); n; n--)
		text = text one("if (e->k) { bpf_task_release(e->k); e->k = 0; }@if (!e->k) e->k = bpf_task_from_pid(3);@" \
			"if (e->k) sink = e->k->pid;@if (e->g) { bpf_cgroup_release(e->g); e->g = 0; }@if (e->v) e->v->n++;@" \
			"if (e->v && !e->k) e->k = bpf_kptr_xchg(&e->v->t, 0);@if (e->p) sink = *e->p;@if (e->p) *e->p = 1;@" \
			"{ int i = 0; e->v = bpf_map_lookup_elem(&values, &i); }@READ UNREAD@" \
			"if (bpf_get_prandom_u32() > 5) return 0;@READ if (e->v) e->rt = e->v->t; if (e->rt) sink = e->rt->pid; e->rt = 0; UNREAD@" \
			"if (e->it) sink = (long)bpf_iter_num_next(e->it);@sink = local_(e);",
			"if (e->k) bpf_task_release(e->k);@e->k = bpf_task_from_pid(3);@READ@UNREAD@bpf_preempt_disable();@" \
			"if (e->it) bpf_iter_num_destroy(e->it);@if (e->it) bpf_iter_num_new(e->it, 0, 1);@if (e->rt) sink = e->rt->pid;@" \
			"if (e->v) e->rt = e->v->t;@{ int x = 1; e->p = &x; }@READ if (e->v) e->rt = e->v->t; UNREAD") " "
	return text
}

function alone(   n, text)
{
	for (n = 1 + any(3); n; n--)
		text = text one("sink++;@{ struct task_struct *x = bpf_task_from_pid(2); if (x) bpf_task_release(x); }@SLEEP@" \
			"{ int i = 0; struct value *x = bpf_map_lookup_elem(&hashed, &i); if (x) x->n++; }@" \
			"{ struct one it; int *x; bpf_iter_num_new(&it, 0, 3); while ((x = bpf_iter_num_next(&it))) sink += *x; bpf_iter_num_destroy(&it); }@" \
			"{ struct bpf_dynptr d; bpf_dynptr_from_mem(bytes, 32, 0, &d); long *x = bpf_dynptr_data(&d, 0, 8); if (x) *x = 1; }@" \
			"for (int i = 0; i < 9; i++) { MAY_GOTO; sink++; }@READ UNREAD@{ void *x = bpf_ringbuf_reserve(&ring, 8, 0); if (x) bpf_ringbuf_submit(x, 0); }",
			"bpf_task_from_pid(2);@READ@UNREAD@READ SLEEP UNREAD@bpf_ringbuf_reserve(&ring, 8, 0);@bpf_preempt_disable(); SLEEP bpf_preempt_enable();@" \
			"{ struct one it; bpf_iter_num_new(&it, 0, 3); }") " "
	return text
}

function define(text) { functions = functions text "\n" }

function call(   name, n)
{
	name = "f" nr_functions++ "_"
	n = any(3)
	if (n == 0) {
		define("static int " name "(int i, struct env *e) { " inside() "return " one("0@0@1", "2@sink") "; }")
		name = "bpf_loop(" one("3@1@sink") ", " name ", &e, 0);"
	} else if (n == 1) {
		define("static long " name "(void *m, int *k, struct value *v, struct env *e) { " \
			one("e->v = v; @if (v->t) v->n = *k; @if (!e->k) e->k = bpf_kptr_xchg(&v->t, 0); ", "e->p = k; @*k = 1; ") inside() "return 0; }")
		name = "bpf_for_each_map_elem(&" one("values@hashed") ", " name ", &e, 0);"
	} else {
		define("static NOINLINE int " name "(struct env *e) { " inside() "return 0; }")
		name = name "(&e);"
	}
	return "{ struct one it; bpf_iter_num_new(&it, 0, 9); e.it = &it; e.k = k0; e.g = g0; e.v = v; e.p = p; e.rt = 0; " name \
		one(" k0 = e.k; g0 = e.g; v = e.v; p = e.p; e.it = 0; bpf_iter_num_destroy(&it); }", " k0 = e.k; g0 = e.g; v = e.v; bpf_iter_num_destroy(&it); }@" \
		" k0 = e.k; g0 = e.g; v = e.v; p = e.p; rt = e.rt; bpf_iter_num_destroy(&it); if (rt) sink = rt->pid; }") " "
}

# Functions that are judged by themselves.
function global(   name, n, arg)
{
	name = "g" nr_functions++ "_"
	n = any(8)
	if (n == 0) {
		define("NOINLINE int " name "(int *p) { " alone() one("if (p) *p = 1; @if (p) sink = *p; ", "*p = 1; ") "return sink; }")
		arg = one("p@&local@v ? (int *)&v->n : 0@0", "(int *)cur@(int *)v@(int *)&d0")
	} else if (n == 1) {
		define("NOINLINE int " name "(int *p ARG(nonnull)) { *p = 1; " alone() one("sink = *p; ", "sink = p[1]; ") "return sink; }")
		arg = one("&local", "p@0")
	} else if (n == 2) {
		define("NOINLINE int " name "(struct bpf_dynptr *d) { char *x = bpf_dynptr_data(d, 0, 4); " alone() one("if (x) sink = *x; ", "sink = *x; ") "return sink; }")
		arg = one("&d0@&d1", "(void *)&local")
	} else if (n == 3 || n == 4) {
		define("NOINLINE int " name "(struct task_struct *t ARG(trusted)" (n == 4 ? " ARG(nullable)" : "") ") { " alone() one((n == 4 ? "if (t) " : "") \
			"sink = t->pid; @READ UNREAD " (n == 4 ? "if (t) " : "") "{ struct task_struct *x = bpf_task_acquire(t); if (x) bpf_task_release(x); } ", \
			"sink = t->pid; @bpf_task_release(t); ") "return sink; }")
		arg = one("cur" (n == 4 ? "@k0@0" : ""), "k0@rt@0@cur->real_parent")
	} else if (n == 5) {
		define("NOINLINE int " name "(void *c ARG(ctx), long n) { " alone() "return n; }")
		arg = one("ctx, 1@ctx, local", "(void *)v, 1@ctx, (long)cur")
	} else if (n == 6) {
		define("NOINLINE int " name "(struct task_struct *t ARG(untrusted)) { " alone() "sink = t->pid; return sink; }")
		arg = one("cur@k0@rt@0")
	} else {
		define("NOINLINE int " name "(long n, long m) { " alone() one("return n; @return n + m; ", "return " name "(n, m); ") "}")
		arg = one("local, 1@sink, sink", "(long)cur, 1")
	}
	return "sink = " name "(" arg "); "
}

# What runs later.
function later(   name)
{
	name = "t" nr_functions++ "_"
	define("static int " name "(void *m, int *k, void *v) { " alone() one("@((struct later *)v)->n = *k; @bpf_timer_start(v, 1, 0); ") one("return 0; ", "return 1; ") "}")
	if (any(2))
		return "{ struct later *x = LOOKUP(timers); " one("if (x) ", "") "{ bpf_timer_init(&x->t, &" one("timers", "values") ", 1); bpf_timer_set_callback(&x->t, " name \
			"); bpf_timer_start(&x->t, 1, 0); " one("@bpf_timer_cancel(&x->t); ") "} } "
	gsub(/\(\(struct later \*\)v\)->n = \*k; |bpf_timer_start\(v, 1, 0\); /, "", functions)
	return "{ struct work *x = LOOKUP(works); if (x) { bpf_wq_init(&x->w, &" one("works", "values") ", 0); bpf_wq_set_callback_impl(&x->w, " name \
		", 0, 0); bpf_wq_start(&x->w, 0); } } "
}

function around(depth,   body)
{
	body = block(depth + 1, 1 + any(2))
	return one("if (bpf_get_prandom_u32() > 3) { " body "} else { " block(depth + 1, any(2)) "}@" \
		"READ " body kept() "rt = 0; rg = 0; UNREAD@READ " kept() "rt = 0; rg = 0; UNREAD@" \
		"bpf_preempt_disable(); " body "bpf_preempt_enable();@" \
		"{ struct one it; int *x; bpf_iter_num_new(&it, 0, 3); while ((x = bpf_iter_num_next(&it))) { sink = *x; " body "} bpf_iter_num_destroy(&it); }@" \
		"{ struct two it; int *x; __u64 w = sink; bpf_iter_bits_new(&it, &w, 1); while ((x = bpf_iter_bits_next(&it))) { sink = *x; " body "} bpf_iter_bits_destroy(&it); }@" \
		"READ { struct three it; struct task_struct *x; bpf_iter_task_new(&it, 0, 0); while ((x = bpf_iter_task_next(&it))) { rt = x; sink = x->pid; " \
			one(body, body "@") one("@if (!k0) k0 = bpf_task_acquire(x); ") "} bpf_iter_task_destroy(&it); } rt = 0; rg = 0; UNREAD@" \
		"{ struct one it; bpf_iter_task_vma_new(&it, " one("cur", "0@rt@k0") ", 0); while ((a = bpf_iter_task_vma_next(&it))) { sink = a->vm_start; " body "} bpf_iter_task_vma_destroy(&it); }@" \
		"for (int i = 0; i < 30; i++) { MAY_GOTO; " body "}@" \
		"for (int i = 0; i < 4; i++) { " body "}",
		"READ " body kept() "UNREAD@bpf_preempt_disable(); " body "@READ " body "@" \
		"{ struct three it; struct task_struct *x; bpf_iter_task_new(&it, 0, 0); while ((x = bpf_iter_task_next(&it))) { " body " } bpf_iter_task_destroy(&it); }@" \
		"READ { struct three it; struct task_struct *x; bpf_iter_task_new(&it, 0, 0); while ((x = bpf_iter_task_next(&it))) { UNREAD " body " READ } bpf_iter_task_destroy(&it); } UNREAD@" \
		"READ { struct three it; struct task_struct *x; bpf_iter_task_new(&it, 0, 0); x = bpf_iter_task_next(&it); UNREAD if (x) sink = x->pid; READ bpf_iter_task_destroy(&it); } UNREAD@" \
		"{ struct one it; bpf_iter_task_vma_new(&it, cur, 0); while ((a = bpf_iter_task_vma_next(&it))) { " body "} bpf_iter_task_vma_destroy(&it); if (a) sink = a->vm_start; }@" \
		"{ struct one it; bpf_iter_task_vma_new(&it, cur, 0); a = bpf_iter_task_vma_next(&it); bpf_iter_task_vma_destroy(&it); if (a) sink = a->vm_start; }@" \
		"{ struct one it; int *x; bpf_iter_num_new(&it, 0, 3); x = bpf_iter_num_next(&it); bpf_iter_num_destroy(&it); if (x) sink = *x; }@" \
		"while (1) { MAY_GOTO; " body "}") " "
}

function statement(depth,   n)
{
	n = any(24)
	if (n < 4 && depth < 2)
		return around(depth)
	if (n < 6 && depth < 2)
		return call()
	if (n == 6)
		return global()
	if (n == 7)
		return later()
	if (n == 8)
		return "SLEEP "
	n = kinds[any(nr_kinds)]
	if (n == 0)
		return task()
	if (n == 1)
		return group()
	if (n == 2)
		return mask()
	return n == 3 ? map() : dynptr()
}

function block(depth, n,   text)
{
	while (n--)
		text = text statement(depth)
	return text
}

# The words that depend on what the program is. Programs that do not sleep are in a read
# section anyway.
function spell(text)
{
	gsub(/dN/, "d" any(2), text)
	gsub(/UNREAD/, sleeps ? "bpf_rcu_read_unlock();" : any(2) ? "" : "/**/", text)
	gsub(/READ/, sleeps ? "bpf_rcu_read_lock();" : "", text)
	gsub(/SLEEP/, sleeps ? "bpf_copy_from_user_str(bytes, 8, (void *)8, 0);" : "", text)
	return text
}

BEGIN {
	srand(seed)
	if (type == "")
		type = one("tc@syscall@tp_btf/sched_switch")
	sleeps = type == "syscall"
	print "#define RELEASE_MASK(m) " (type == "tc" ? "" : "bpf_cpumask_release(m)")
	print "static NOINLINE int local_(struct env *e) { return e->v ? e->v->n : 1; }"
	for (i = 0; i < programs; i++) {
		nr_kinds = 1 + any(4)
		for (k = 0; k < nr_kinds; k++)
			kinds[k] = any(5)
		functions = ""
		body = block(0, 3 + any(5))
		print spell(functions)
		print "SEC(\"" type "\") int p" i "(void *ctx)\n{\n\tBEGIN\n\t" spell(body) "\n\tEND\n}"
	}
}
