/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hold.c: numbers that instructions of a loop need in registers are held there all
 * through the loop, the outermost one in which enough registers are left. A held
 * number that has to leave its register all the same is made again, never stored.
 */
#include "jit/opt/ir.h"
#include <stdlib.h>

enum { SPARE = 2 };	/* registers that are left to others */

struct hold { struct ir *v; struct ir_block *block; };
typedef VEC(struct hold) hold_list;

/* ---- how many values live at once ----------------------------------------------- */

struct pressure { u32 stamp, n, max; };

static void born(struct pressure *p, struct ir *v)
{
	if (v->stamp == p->stamp || ir_remade(v))
		return;
	v->stamp = p->stamp;
	p->n++;
	p->max = p->n > p->max ? p->n : p->max;
}

static void live_out(struct pressure *p, const struct ir_block *b)
{
	for (u32 s = 0; s < b->nr_succ; s++) {
		const struct ir_block *to = b->succ[s];

		for (size_t i = 0; i < to->live.n; i++)
			born(p, to->live.v[i]);
		for (size_t i = 0; i < to->phis.n; i++)
			born(p, to->phis.v[i]->arg[b->at_succ[s]]);
	}
}

static bool calls(const struct ir *v)
{
	return ir_is(v, IR_CALL) || ir_is(v, IR_LOCAL) || ir_is(v, IR_TAIL) || ir_is(v, IR_PACKET);
}

/* Backwards; a block with a call has no room. */
static u32 pressure_of(const struct ir_block *b)
{
	struct pressure p = { .stamp = b->id + 1 };
	u32 start = (u32)(b->live.n + b->phis.n);

	live_out(&p, b);
	for (size_t i = b->nodes.n; i-- > 0;) {
		struct ir *v = b->nodes.v[i], *read[IR_OPERANDS];
		u32 n = v->late ? 0 : ir_operands(v, read);

		if (calls(v))
			return ~0u >> 1;
		if (v->stamp == p.stamp) {
			v->stamp = 0;
			p.n--;
		}
		for (u32 a = 0; a < n; a++)
			born(&p, read[a]);
	}
	return start > p.max ? start : p.max;
}

static void raise_pressure(struct ir_block *h, u32 n)
{
	for (; h; h = h->outer)
		h->pressure = n > h->pressure ? n : h->pressure;
}

static void find_pressure(struct ir_func *f)
{
	ir_unstamp(f);
	for (size_t b = 0; b < f->blocks.n; b++)
		f->blocks.v[b]->pressure = f->blocks.v[b]->held = 0;
	for (size_t b = 0; b < f->blocks.n; b++)
		if (f->blocks.v[b]->loop)
			raise_pressure(f->blocks.v[b]->loop, pressure_of(f->blocks.v[b]));
}

/* ---- what to hold, and where ------------------------------------------------------- */

static void find_numbers(struct ir_func *f, hold_list *out)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		for (size_t i = 0; i < block->nodes.n && block->loop; i++) {
			const struct ir *v = block->nodes.v[i];

			for (u32 a = 0; a < v->n; a++)
				if (ir_is_fixed(v->arg[a]) && f->target->in_reg(v, a))
					*vec_push(out) = (struct hold){ v->arg[a], block };
			if (v->index && ir_is_fixed(v->index))
				*vec_push(out) = (struct hold){ v->index, block };
		}
	}
}

static int by_number(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	return x->v->id != y->v->id ? x->v->id < y->v->id ? -1 : 1 :
	       x->block->id < y->block->id ? -1 : x->block->id > y->block->id;
}

static u32 load_of(const struct ir_block *h)
{
	u32 n = h->pressure + h->held;

	for (h = h->outer; h; h = h->outer)
		n += h->held;
	return n;
}

/* The outermost loop around BLOCK that has a register for one more number, or NULL. */
static struct ir_block *loop_for(const struct ir_func *f, struct ir_block *block)
{
	struct ir_block *best = NULL;

	for (struct ir_block *h = block->loop; h; h = h->outer) {
		if (load_of(h) + SPARE + f->entries >= f->target->regs)
			break;
		best = h;
	}
	return best;
}

static bool is_in(const struct ir_block *b, const struct ir_block *h)
{
	const struct ir_block *l = b->loop;

	while (l && l != h)
		l = l->outer;
	return l == h;
}

/* V lives in the loop of H: all of it is walked back from the ends. */
static void live_in_loop(struct ir *v, struct ir_block *h, u32 *seen, block_list *work)
{
	work->n = 0;
	for (u32 p = 0; p < h->nr_pred; p++)
		if (is_in(h->pred[p], h))
			*vec_push(work) = h->pred[p];
	seen[h->id] = v->id + 1;
	*vec_push(&h->live) = v;
	while (work->n) {
		struct ir_block *b = work->v[--work->n];

		if (seen[b->id] == v->id + 1)
			continue;
		seen[b->id] = v->id + 1;
		*vec_push(&b->live) = v;
		for (u32 p = 0; p < b->nr_pred; p++)
			*vec_push(work) = b->pred[p];
	}
	v->held = true;
	v->first = h->pos < v->first || !v->first ? h->pos : v->first;
	v->last = h->loop_last > v->last ? h->loop_last : v->last;
}

void ir_hold(struct ir_func *f)
{
	hold_list list = { 0 };
	u32 *seen;
	block_list work = { 0 };

	if (!f->target)
		return;
	find_numbers(f, &list);
	if (list.n) {
		qsort(list.v, list.n, sizeof(*list.v), by_number);
		find_pressure(f);
	}
	seen = mem_alloc(f->blocks.n * sizeof(*seen));
	for (size_t i = 0; i < list.n; i++) {
		struct ir *v = list.v[i].v;
		struct ir_block *h;

		if (seen[list.v[i].block->id] == v->id + 1)
			continue;
		h = loop_for(f, list.v[i].block);
		if (!h || seen[h->id] == v->id + 1)
			continue;
		h->held++;
		live_in_loop(v, h, seen, &work);
	}
	vec_free(&work);
	vec_free(&list);
	free(seen);
}
