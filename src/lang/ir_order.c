/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_order.c: the blocks of a settled function in reverse postorder, the branch that stays
 * in a loop first; dominators; loops. What it finds stands in the blocks: order, idom,
 * depth, loop. Passes that change jumps call it anew.
 */
#include "lang/ir_in.h"

struct walk { struct ir_block *b; u32 next; };

/* Which way of B is walked as number N: the last one is laid out next to it. A way out of
 * the loop comes first, then the way that a condition that holds takes. */
static struct ir_block *way(const struct ir_block *b, u32 n)
{
	const struct ir_insn *t = b->last;
	bool swap = ir_nr_to(b) == 2 && t->to[1]->depth < t->to[0]->depth;

	return t->to[swap ? 1 - n : n];
}

/* The blocks, last first, into POST; gives their number. */
static u32 postorder(struct ir_func *f, struct ir_block **post, struct walk *todo)
{
	u32 n = 0, deep = 1;

	for (struct ir_block *b = f->first; b; b = b->next)
		b->order = UINT32_MAX;
	todo[0] = (struct walk){ f->first, 0 };
	f->first->order = 0;
	while (deep) {
		struct walk *w = &todo[deep - 1];

		if (w->next == ir_nr_to(w->b)) {
			post[n++] = w->b;
			deep--;
			continue;
		}
		struct ir_block *to = way(w->b, w->next++);

		if (to->order == UINT32_MAX) {
			to->order = 0;
			todo[deep++] = (struct walk){ to, 0 };
		}
	}
	return n;
}

/* In the order of BY; what is not in it goes. */
static void relink(struct ir_func *f, struct ir_block **post, u32 n)
{
	f->first = post[n - 1];
	f->last = post[0];
	for (u32 i = 0; i < n; i++) {
		struct ir_block *b = post[n - 1 - i];

		b->order = i;
		b->next = i + 1 < n ? post[n - 2 - i] : NULL;
	}
}

static struct ir_block *meet(struct ir_block *a, struct ir_block *b)
{
	while (a != b) {
		while (a->order > b->order)
			a = a->idom;
		while (b->order > a->order)
			b = b->idom;
	}
	return a;
}

/* Does a jump go back? */
static bool has_loops(const struct ir_func *f)
{
	for (const struct ir_block *b = f->first; b; b = b->next)
		for (size_t p = 0; p < b->preds.n; p++)
			if (b->preds.v[p]->order >= b->order)
				return true;
	return false;
}

/* Cooper, Harvey, Kennedy: "A simple, fast dominance algorithm". Without LOOPS the first
 * round knows all. */
static void find_idoms(struct ir_func *f, bool loops)
{
	bool changed = true;

	for (struct ir_block *b = f->first; b; b = b->next)
		b->idom = NULL;
	f->first->idom = f->first;
	for (u32 round = 0; changed && (loops || !round); round++) {
		changed = false;
		for (struct ir_block *b = f->first->next; b; b = b->next) {
			struct ir_block *d = NULL;

			for (size_t p = 0; p < b->preds.n; p++)
				if (b->preds.v[p]->idom)
					d = d ? meet(d, b->preds.v[p]) : b->preds.v[p];
			changed |= b->idom != d;
			b->idom = d;
		}
	}
}

bool ir_dominates(const struct ir_block *a, const struct ir_block *b)
{
	while (b->order > a->order)
		b = b->idom;
	return a == b;
}

/* ---- loops -------------------------------------------------------------------------- */

static struct ir_loop *outermost(struct ir_loop *l)
{
	while (l->parent)
		l = l->parent;
	return l;
}

/* B, found walking back from a jump to L's head, is of L; what was found to be a loop
 * before lies inside. Gives the block to go on from. */
static struct ir_block *take_in(struct ir_loop *l, struct ir_block *b)
{
	struct ir_loop *in;

	if (!b->loop) {
		b->loop = l;
		return b;
	}
	in = outermost(b->loop);
	if (in == l)
		return NULL;
	in->parent = l;
	return in->head;
}

/* Heads are gone through from the last to the first, so inner loops come before outer
 * ones; each block is walked over once a loop that it is outermost of. */
static void find_loop(struct ir_func *f, struct ir_block *head, struct ir_block **todo)
{
	struct ir_loop *l = NULL;
	u32 n = 0;

	for (size_t p = 0; p < head->preds.n; p++) {
		struct ir_block *from = head->preds.v[p];

		if (from->order < head->order || !ir_dominates(head, from))
			continue;
		if (!l) {
			l = arena_new(f->unit->arena, struct ir_loop);
			l->head = l->last = head;
			head->loop = l;
		}
		from = take_in(l, from);
		if (from && from != head)
			todo[n++] = from;
	}
	while (n) {
		struct ir_block *b = todo[--n];

		for (size_t p = 0; p < b->preds.n; p++) {
			struct ir_block *from = take_in(l, b->preds.v[p]);

			if (from)
				todo[n++] = from;
		}
	}
}

static void find_loops(struct ir_func *f, struct ir_block **rpo, u32 n, struct ir_block **todo)
{
	for (u32 i = n; i-- > 0; )
		find_loop(f, rpo[i], todo);
	for (u32 i = 0; i < n; i++) {
		struct ir_loop *l = rpo[i]->loop;

		if (l && l->head == rpo[i])
			l->depth = l->parent ? l->parent->depth + 1 : 1;
		rpo[i]->depth = l ? l->depth : 0;
		for (; l && l->last->order < i; l = l->parent)
			l->last = rpo[i];
	}
}

void ir_arrange(struct ir_func *f)
{
	struct arena tmp = ARENA_INIT;
	u32 max = f->nr_blocks + 1, n;
	struct ir_block **post = arena_news(&tmp, max, struct ir_block *);
	struct ir_block **rpo = arena_news(&tmp, max, struct ir_block *);
	struct ir_block **todo = arena_news(&tmp, 2 * (size_t)max, struct ir_block *);
	struct walk *walk = arena_news(&tmp, max, struct walk);
	bool loops = true;

	for (u32 round = 0; round < 2 && loops; round++) {	/* the second knows the loops */
		n = postorder(f, post, walk);
		relink(f, post, n);
		loops = has_loops(f);
		find_idoms(f, loops);
		for (u32 i = 0; i < n; i++) {
			rpo[i] = post[n - 1 - i];
			loops |= rpo[i]->depth != 0;	/* of before: the order is of that */
			rpo[i]->loop = NULL;
			rpo[i]->depth = 0;
		}
		if (loops)
			find_loops(f, rpo, n, todo);
	}
	arena_free(&tmp);
}

/* ---- edges -------------------------------------------------------------------------- */

/* A block on the way from B by its T-th jump. */
static void split_edge(struct ir_func *f, struct ir_block *b, u32 t)
{
	struct ir_block *to = b->last->to[t], *mid = ir_block_new(f);
	struct ir_insn *jmp = ir_insn_new(f, IR_JMP);

	jmp->line = b->last->line;
	jmp->to[0] = to;
	ir_insert(mid, NULL, jmp);
	mid->sealed = true;
	*vec_push(&mid->preds) = b;
	for (size_t p = 0; p < to->preds.n; p++)
		if (to->preds.v[p] == b)
			to->preds.v[p] = mid;
	b->last->to[t] = mid;
}

void ir_split_edges(struct ir_func *f)
{
	struct ir_block *end = f->last->next;

	for (struct ir_block *b = f->first; b != end; b = b->next)
		for (u32 t = 0; ir_nr_to(b) == 2 && t < 2; t++)
			if (b->last->to[t]->preds.n > 1)
				split_edge(f, b, t);
}
