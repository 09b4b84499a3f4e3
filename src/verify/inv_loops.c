/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inv_loops.c: the loops of a program and how they nest, found by collapsing
 * inner ones (Havlak's way, near-linear): heads are taken in the reverse of the
 * order of a depth-first walk, and from the sources of the edges back to a head
 * its body is walked backwards, loops that were found already as one node. What
 * is not below the head in the walk has another way in: then the loop is
 * irreducible, and *invariants* gives up.
 */
#include "verify/call.h"
#include "verify/inv.h"

struct edges {
	u32 *start;		/* [nr_insns + 1] */
	u32 *from;
};

struct shape {
	struct verifier *v;
	struct loops *l;
	struct edges preds;
	u32 *pre, *last;	/* 1 + place in the walk; last place below */
	u32 *in_order;		/* instructions by place */
	u32 *leader;		/* union-find over collapsed loops */
	u32 nr_pre, nr_post;
	VEC(u32) stack;
	VEC(u32) body;
};

static bool is_insn(const struct verifier *v, u32 at)
{
	return !(v->points[at].flags & POINT_LDDW2);
}

/* ---- edges --------------------------------------------------------------- */

static void edges_build(struct shape *sh)
{
	struct verifier *v = sh->v;
	u32 n = v->nr_insns, next[2];
	u32 *fill = arena_news(&v->mem, n + 1, u32);

	sh->preds.start = arena_news(&v->mem, n + 2, u32);
	for (u32 at = 0; at < n; at++)
		for (unsigned k = is_insn(v, at) ? cfg_next(v, at, next) : 0; k-- > 0;)
			sh->preds.start[next[k] + 1]++;
	for (u32 at = 0; at < n; at++)
		sh->preds.start[at + 1] += sh->preds.start[at];
	sh->preds.from = arena_news(&v->mem, sh->preds.start[n] + 1, u32);
	memcpy(fill, sh->preds.start, n * sizeof(*fill));
	for (u32 at = 0; at < n; at++)
		for (unsigned k = is_insn(v, at) ? cfg_next(v, at, next) : 0; k-- > 0;)
			sh->preds.from[fill[next[k]]++] = at;
}

/* ---- walks --------------------------------------------------------------- */

/* How deep in loops; the second walk leaves loops late in the order. */
static u32 depth_of(const struct loops *l, u32 at)
{
	return l->of[at] ? l->v[l->of[at]].depth : 0;
}

/* The ways from AT, in the order to walk them: what leaves loops first. */
static unsigned ways(const struct shape *sh, u32 at, u32 next[2])
{
	unsigned n = cfg_next(sh->v, at, next);

	if (n == 2 && depth_of(sh->l, next[1]) < depth_of(sh->l, next[0])) {
		u32 t = next[0];

		next[0] = next[1];
		next[1] = t;
	}
	return n;
}

static void enter(struct shape *sh, u32 at)
{
	sh->in_order[sh->nr_pre++] = at;
	sh->pre[at] = sh->nr_pre;
	*vec_push(&sh->stack) = at;
}

static void leave(struct shape *sh, u32 at)
{
	sh->last[at] = sh->nr_pre;
	sh->l->order[at] = sh->v->nr_insns - sh->nr_post++;
}

static void walk(struct shape *sh, u32 start, u8 *steps)
{
	u32 next[2];

	enter(sh, start);
	while (sh->stack.n) {
		u32 at = sh->stack.v[sh->stack.n - 1];
		unsigned n = ways(sh, at, next);

		if (steps[at] < n) {
			u32 to = next[steps[at]++];

			if (!sh->pre[to])
				enter(sh, to);
			continue;
		}
		leave(sh, at);
		sh->stack.n--;
	}
}

static void walk_all(struct shape *sh)
{
	struct verifier *v = sh->v;
	u8 *steps = arena_news(&v->mem, v->nr_insns, u8);

	memset(sh->pre, 0, v->nr_insns * sizeof(*sh->pre));
	sh->nr_pre = sh->nr_post = 0;
	for (u32 i = v->nr_funcs; i-- > 0;)
		walk(sh, v->funcs[i].start, steps);
}

/* AT was reached through TOP in the walk. */
static bool below(const struct shape *sh, u32 top, u32 at)
{
	return sh->pre[at] >= sh->pre[top] && sh->pre[at] <= sh->last[top];
}

/* ---- loops --------------------------------------------------------------- */

static u32 leader(struct shape *sh, u32 at)
{
	while (sh->leader[at] != at) {
		sh->leader[at] = sh->leader[sh->leader[at]];
		at = sh->leader[at];
	}
	return at;
}

/* AT, or the loop that it is in, is part of the body of HEAD. */
static void body_add(struct shape *sh, u32 head, u32 at, u32 loop)
{
	at = leader(sh, at);
	if (at == head)
		return;
	if (!below(sh, head, at)) {
		sh->l->irreducible = true;
		return;
	}
	*vec_push(&sh->body) = at;
	/* a loop that was found is inside the new one; so is a plain node */
	if (sh->l->of[at])
		sh->l->v[sh->l->of[at]].parent = loop;
	else
		sh->l->of[at] = loop;
	sh->leader[at] = head;
}

static void body_walk(struct shape *sh, u32 head, u32 loop)
{
	for (size_t i = 0; i < sh->body.n && !sh->l->irreducible; i++) {
		u32 at = sh->body.v[i];

		for (u32 k = sh->preds.start[at]; k < sh->preds.start[at + 1]; k++)
			if (!below(sh, at, sh->preds.from[k]))
				body_add(sh, head, sh->preds.from[k], loop);
	}
}

static bool back_to(const struct shape *sh, u32 head, u32 k)
{
	return below(sh, head, sh->preds.from[k]);
}

static void loop_find(struct shape *sh, u32 head)
{
	u32 loop = 0;

	sh->body.n = 0;
	for (u32 k = sh->preds.start[head]; k < sh->preds.start[head + 1]; k++) {
		if (!back_to(sh, head, k))
			continue;
		if (!loop) {
			loop = ++sh->l->nr;
			sh->l->v[loop].head = head;
			sh->l->of[head] = loop;
		}
		body_add(sh, head, sh->preds.from[k], loop);
	}
	if (loop)
		body_walk(sh, head, loop);
}

/* Loops were found from the inside: those around have greater indices. */
static void depths(struct loops *l)
{
	for (u32 i = l->nr; i > 0; i--)
		l->v[i].depth = l->v[i].parent ? l->v[l->v[i].parent].depth + 1 : 1;
}

static u32 heads(const struct shape *sh)
{
	u32 n = 0;

	for (u32 at = 0; at < sh->v->nr_insns; at++)
		for (u32 k = sh->preds.start[at]; k < sh->preds.start[at + 1]; k++)
			if (back_to(sh, at, k)) {
				n++;
				break;
			}
	return n;
}

static void loops_find(struct shape *sh)
{
	struct verifier *v = sh->v;

	for (u32 at = 0; at < v->nr_insns; at++)
		sh->leader[at] = at;
	sh->l->v = arena_news(&v->mem, heads(sh) + 1, struct loop);
	for (u32 i = sh->nr_pre; i-- > 0 && !sh->l->irreducible;)
		loop_find(sh, sh->in_order[i]);
	depths(sh->l);
}

bool loops_has(const struct loops *l, u32 loop, u32 at)
{
	u32 i = l->of[at];

	while (i && i != loop)
		i = l->v[i].parent;
	return i == loop;
}

/* ---- trips that have a budget -------------------------------------------- */

/*
 * Does a way lead from the head back to it on which no may_goto falls through?
 * Where its budget is used up it jumps: that way is free.
 */
static bool free_way(struct shape *sh, u32 loop, u8 *seen)
{
	struct verifier *v = sh->v;
	u32 next[2], head = sh->l->v[loop].head;

	sh->stack.n = 0;
	*vec_push(&sh->stack) = head;
	while (sh->stack.n) {
		u32 at = sh->stack.v[--sh->stack.n];

		for (unsigned n = cfg_next(v, at, next); n-- > 0;) {
			if (v->points[at].op == OP_MAY_GOTO && !n)
				continue;
			if (next[n] == head)
				return true;
			if (seen[next[n]] || !loops_has(sh->l, loop, next[n]))
				continue;
			seen[next[n]] = 1;
			*vec_push(&sh->stack) = next[n];
		}
	}
	return false;
}

static void budgets(struct shape *sh)
{
	struct verifier *v = sh->v;
	u8 *seen = arena_alloc(&v->mem, v->nr_insns);

	for (u32 at = 0; at < v->nr_insns; at++) {
		if (v->points[at].op != OP_MAY_GOTO)
			continue;
		for (u32 i = sh->l->of[at]; i; i = sh->l->v[i].parent) {
			memset(seen, 0, v->nr_insns);
			sh->l->v[i].budgeted = !free_way(sh, i, seen);
		}
	}
}

/* ---- where states are joined --------------------------------------------- */

static void mark_join(struct shape *sh, u32 at)
{
	struct verifier *v = sh->v;
	u8 op = v->points[at].op;

	if (sh->preds.start[at + 1] - sh->preds.start[at] > 1 ||
	    (v->points[at].flags & POINT_FORCE))
		sh->l->join[at] = true;
	/* several returns lead here, or several results do */
	if (op == OP_CALL_LOCAL || op == OP_CALL_KFUNC)
		sh->l->join[at + 1] = true;
}

static void joins(struct shape *sh)
{
	struct verifier *v = sh->v;

	sh->l->join = arena_news(&v->mem, v->nr_insns + 1, bool);
	for (u32 at = 0; at < v->nr_insns; at++)
		if (is_insn(v, at))
			mark_join(sh, at);
	for (u32 i = 0; i < v->nr_funcs; i++)
		sh->l->join[v->funcs[i].start] = true;
	for (u32 i = 1; i <= sh->l->nr; i++)
		sh->l->join[sh->l->v[i].head] = true;
}

/* ---- constants for widening ---------------------------------------------- */

enum { MAX_CONSTS = 40, MAX_ADDS = 4 };

struct consts { s64 v[MAX_CONSTS], add[MAX_ADDS]; u32 n, adds; };

static void add_to(s64 *list, u32 *n, u32 max, s64 c)
{
	for (u32 i = 0; i < *n; i++)
		if (list[i] == c)
			return;
	if (*n < max)
		list[(*n)++] = c;
}

/* What instruction AT compares with, or adds. */
static void collect(const struct verifier *v, u32 at, struct consts *c)
{
	const struct bpf_insn *insn = &v->insns[at];
	unsigned kind = isa_rows[v->points[at].op].kind;
	bool imm = BPF_SRC(insn->code) == BPF_K;

	if (kind == KIND_LDDW && v->points[at].op == OP_LDDW)
		add_to(c->v, &c->n, MAX_CONSTS,
		       (s64)((u32)insn->imm | (u64)(u32)insn[1].imm << 32));
	else if (!imm)
		return;
	else if ((kind >= KIND_JMP_JEQ && kind <= KIND_JMP_JSLE) || kind == KIND_MOV)
		add_to(c->v, &c->n, MAX_CONSTS, insn->imm);
	else if (kind == KIND_ALU_ADD && insn->imm > 1 && insn->imm <= 64)
		add_to(c->add, &c->adds, MAX_ADDS, insn->imm);
}

static int ascending(const void *a, const void *b)
{
	s64 x = *(const s64 *)a, y = *(const s64 *)b;

	return x < y ? -1 : x > y;
}

/* A counter that stops at C is at most C - 1, C, or past it by what is added. */
static s64 *steps_of(struct verifier *v, const struct consts *c, u32 *nr)
{
	s64 *list = arena_news(&v->mem, c->n * (3 + 2 * c->adds) + 1, s64);
	u32 n = 0, kept = 0;

	for (u32 i = 0; i < c->n; i++) {
		s64 at = c->v[i];

		if (at < INT64_MIN + 64 || at > INT64_MAX - 64)
			continue;
		for (s64 d = -1; d <= 1; d++)
			list[n++] = at + d;
		for (u32 k = 0; k < c->adds; k++) {
			list[n++] = at + c->add[k] - 1;
			list[n++] = at + c->add[k];
		}
	}
	qsort(list, n, sizeof(*list), ascending);
	for (u32 i = 0; i < n; i++)
		if (!kept || list[kept - 1] != list[i])
			list[kept++] = list[i];
	*nr = kept;
	return list;
}

/* Bodies are collected into the outermost loop; inner ones use its list: what
 * counts outside goes through them. */
static void thresholds(struct shape *sh)
{
	struct verifier *v = sh->v;
	struct loops *l = sh->l;
	struct consts all = { 0 };
	struct consts *of = arena_news(&v->mem, l->nr + 1, struct consts);

	for (u32 at = 0; at < v->nr_insns; at++) {
		u32 i = l->of[at];

		if (!is_insn(v, at))
			continue;
		collect(v, at, &all);
		while (i && l->v[i].parent)
			i = l->v[i].parent;
		if (i)
			collect(v, at, &of[i]);
	}
	l->steps = steps_of(v, &all, &l->nr_steps);
	for (u32 i = l->nr; i > 0; i--) {
		const struct loop *around = &l->v[l->v[i].parent];

		if (l->v[i].parent) {
			l->v[i].steps = around->steps;
			l->v[i].nr_steps = around->nr_steps;
		} else {
			/* the bound may be made before the loop */
			for (u32 k = 0; k < all.n; k++)
				add_to(of[i].v, &of[i].n, MAX_CONSTS, all.v[k]);
			l->v[i].steps = steps_of(v, &of[i], &l->v[i].nr_steps);
		}
	}
}

/* ---- all ----------------------------------------------------------------- */

void loops_build(struct verifier *v, struct loops *l)
{
	struct shape sh = { .v = v, .l = l };

	l->of = arena_news(&v->mem, v->nr_insns, u32);
	l->order = arena_news(&v->mem, v->nr_insns, u32);
	sh.pre = arena_news(&v->mem, v->nr_insns, u32);
	sh.last = arena_news(&v->mem, v->nr_insns, u32);
	sh.in_order = arena_news(&v->mem, v->nr_insns, u32);
	sh.leader = arena_news(&v->mem, v->nr_insns, u32);
	edges_build(&sh);
	walk_all(&sh);
	loops_find(&sh);
	if (!l->irreducible) {
		walk_all(&sh);	/* once more, now that loops are known */
		budgets(&sh);
		joins(&sh);
		thresholds(&sh);
	}
	vec_free(&sh.stack);
	vec_free(&sh.body);
}
