/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.c: the stack of a function: slots and spilled values that are not of use at the
 * same time share memory. Lives are pieces of the line of instructions. A slot's goes from
 * the first to the last instruction that has its address or one made of it, and around
 * every loop in which it is used but not made fresh; an address that gets out of sight
 * (stored, in a phi) makes it live all the time.
 */
#include "lang/emit_in.h"

enum { WORDS = STACK_BYTES / 8 };

struct item { u32 from, to, words; s32 *at; };

struct frame {
	struct ra *ra;
	struct arena tmp;
	u32 *root;		/* by id: 1 + the slot that an address is of */
	struct item *slots;
	struct ir_insn **fresh;	/* by slot: where it is made so first */
	VEC(struct item) items;
};

static u32 root_of(const struct frame *fr, const struct ir_insn *v)
{
	return v->op == IR_SLOT ? (u32)v->imm + 1 : fr->root[v->id];
}

static void escape(struct frame *fr, u32 root)
{
	if (!root)
		return;
	fr->slots[root - 1].from = 0;
	fr->slots[root - 1].to = UINT32_MAX;
}

static bool passes_on(const struct ir_insn *i)
{
	return (i->op == IR_ADD || i->op == IR_SUB) && i->width == 64;
}

/* Does an address in operand K of I get out of sight? */
static bool gets_out(const struct ir_insn *i, u32 k)
{
	switch (i->op) {
	case IR_LOAD: case IR_ADD: case IR_SUB: case IR_CALL: case IR_BR: case IR_SET:
		return false;
	case IR_STORE: case IR_ADDTO: return k == 1;
	case IR_KFUNC: case IR_SUBCALL: case IR_CCALL: return false;
	default: return true;
	}
}

static void take_root(struct frame *fr, const struct ir_insn *i, u32 root)
{
	u32 *of = &fr->root[i->id];

	if (!passes_on(i) && i->op != IR_KFUNC && i->op != IR_SUBCALL &&
	    i->op != IR_CCALL)
		return;
	if (*of && *of != root) {
		escape(fr, *of);
		escape(fr, root);
	}
	*of = root;
}

static void find_roots(struct frame *fr)
{
	for (struct ir_block *b = fr->ra->f->first; b; b = b->next) {
		for (struct ir_insn *i = b->first; i; i = i->next) {
			if (i->op == IR_FRESH && !fr->fresh[i->imm])
				fr->fresh[i->imm] = i;
			for (u32 k = 0; k < i->nr_args; k++) {
				u32 root = root_of(fr, i->args[k]);

				if (!root)
					continue;
				take_root(fr, i, root);
				if (gets_out(i, k))
					escape(fr, root);
			}
			for (size_t p = 0; i->op == IR_PHI && p < b->preds.n; p++)
				escape(fr, root_of(fr, i->phi[p]));
		}
	}
}

static bool in_loop(const struct ir_block *b, const struct ir_loop *l)
{
	const struct ir_loop *of = b->loop;

	while (of && of != l)
		of = of->parent;
	return of;
}

/* Is the slot made fresh in each round of L before I? */
static bool is_fresh(const struct frame *fr, u32 slot, const struct ir_loop *l,
		     const struct ir_insn *i)
{
	const struct ir_insn *f = fr->fresh[slot];
	const u32 *pos = fr->ra->pos;

	if (!f || !in_loop(f->block, l))
		return false;
	return f->block == i->block ? pos[f->id] < pos[i->id] : ir_dominates(f->block, i->block);
}

static void widen(struct item *s, u32 from, u32 to)
{
	if (s->from > from)
		s->from = from;
	if (s->to < to)
		s->to = to;
}

static void refer(struct frame *fr, u32 slot, const struct ir_insn *i)
{
	struct item *s = &fr->slots[slot];
	const struct ir_loop *l = i->block->loop;
	u32 pos = fr->ra->pos[i->id];

	if (s->to == UINT32_MAX)
		return;
	widen(s, pos, pos + 2);
	for (; l && !is_fresh(fr, slot, l, i); l = l->parent)
		widen(s, l->head->from, l->last->to);
}

/* A way back that is no loop: nobody knows what goes round there. */
static bool has_knots(const struct ir_func *f)
{
	for (struct ir_block *b = f->first; b; b = b->next)
		for (u32 t = 0; t < ir_nr_to(b); t++)
			if (b->last->to[t]->order <= b->order &&
			    !ir_dominates(b->last->to[t], b))
				return true;
	return false;
}

static void find_lives(struct frame *fr)
{
	bool knots = has_knots(fr->ra->f);

	for (size_t i = 0; knots && i < fr->ra->f->slots.n; i++)
		escape(fr, (u32)i + 1);
	for (struct ir_block *b = fr->ra->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			for (u32 k = 0; k < i->nr_args; k++)
				if (root_of(fr, i->args[k]))
					refer(fr, root_of(fr, i->args[k]) - 1, i);
}

/* ---- places ------------------------------------------------------------------------- */

static int by_from(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void list_items(struct frame *fr)
{
	struct ra *ra = fr->ra;

	for (size_t i = 0; i < ra->f->slots.n; i++)
		if (fr->slots[i].to)
			*vec_push(&fr->items) = fr->slots[i];
	for (u32 i = 1; i < ra->nr_ids; i++) {
		struct ra_val *x = ra->vals[i];

		if (x && x->spilled)
			*vec_push(&fr->items) = (struct item){
				x->ranges[0].from, x->ranges[x->nr_ranges - 1].to, 1, &x->at };
	}
	if (fr->items.n)
		qsort(fr->items.v, fr->items.n, sizeof(struct item), by_from);
}

/* The lowest words that are free from FROM on; UNTIL says when each is. */
static u32 first_fit(const u32 *until, u32 max, u32 from, u32 words)
{
	u32 run = 0;

	for (u32 w = 0; w < max; w++) {
		run = until[w] <= from ? run + 1 : 0;
		if (run == words)
			return w + 1 - words;
	}
	return max - run;
}

static void place_all(struct frame *fr)
{
	u32 max = WORDS, *until, top = 0;

	for (size_t i = 0; i < fr->items.n; i++)
		max = fr->items.v[i].words > max ? fr->items.v[i].words : max;
	until = arena_news(&fr->tmp, 2 * (size_t)max + 1, u32);
	for (size_t i = 0; i < fr->items.n; i++) {
		const struct item *it = &fr->items.v[i];
		u32 w = first_fit(until, max, it->from, it->words), end = w + it->words;

		for (u32 k = w; k < end; k++)
			until[k] = it->to;
		*it->at = -8 * (s32)end;
		top = end > top ? end : top;
	}
	fr->ra->stack_bytes = 8 * top;
}

void frame_place(struct ra *ra)
{
	struct frame fr = { .ra = ra };
	struct ir_func *f = ra->f;

	fr.root = arena_news(&fr.tmp, ra->nr_ids, u32);
	fr.fresh = arena_news(&fr.tmp, f->slots.n + 1, struct ir_insn *);
	fr.slots = arena_news(&fr.tmp, f->slots.n + 1, struct item);
	for (size_t i = 0; i < f->slots.n; i++)
		fr.slots[i] = (struct item){ UINT32_MAX, 0, (f->slots.v[i].bytes + 7) / 8,
					     &f->slots.v[i].at };
	find_roots(&fr);
	find_lives(&fr);
	list_items(&fr);
	place_all(&fr);
	vec_free(&fr.items);
	arena_free(&fr.tmp);
}
