/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * order.c: the last pass before code is made: blocks that only lead on are merged,
 * loops lie in one piece, what nobody uses goes, and every value knows where it is
 * used and which blocks it lives into.
 */
#include "jit/opt/ir.h"
#include <stdlib.h>

/* ---- blocks that only lead on ------------------------------------------ */

static struct ir *last_of(const struct ir_block *b) { return b->nodes.v[b->nodes.n - 1]; }

/* B's only successor has no other predecessor: both are one block. */
static void merge_next(struct ir_block *b)
{
	struct ir_block *next = b->succ[0];

	b->nodes.n--;
	for (size_t i = 0; i < next->nodes.n; i++) {
		next->nodes.v[i]->block = b;
		*vec_push(&b->nodes) = next->nodes.v[i];
	}
	next->nodes.n = 0;
	b->nr_succ = next->nr_succ;
	for (u32 s = 0; s < next->nr_succ; s++) {
		b->succ[s] = next->succ[s];
		for (u32 p = 0; p < b->succ[s]->nr_pred; p++)
			if (b->succ[s]->pred[p] == next)
				b->succ[s]->pred[p] = b;
	}
	next->nr_succ = next->nr_pred = 0;
}

static bool leads_to(const struct ir_block *b, const struct ir_block *to)
{
	return b->succ[0] == to || (b->nr_succ == 2 && b->succ[1] == to);
}

enum { PREDS_MAX = 128 };	/* lists are copied */

/* Does nothing but lead on, from where nobody leads there already. */
static bool is_bypass(const struct ir_block *b)
{
	if (b->nodes.n != 1 || b->phis.n || b->nr_succ != 1 || b->succ[0] == b || !b->nr_pred ||
	    b->succ[0]->nr_pred + b->nr_pred > PREDS_MAX)
		return false;
	for (u32 p = 0; p < b->nr_pred; p++)
		if (leads_to(b->pred[p], b->succ[0]) || b->pred[p] == b)
			return false;
	return ir_is(last_of(b), IR_JMP);
}

/* TO has N more predecessors, which give its PHIs what number K gives. */
static void widen_preds(struct ir_func *f, struct ir_block *to, u32 n, u32 k)
{
	struct ir_block **pred = arena_news(f->arena, to->nr_pred + n, struct ir_block *);

	memcpy(pred, to->pred, to->nr_pred * sizeof(*pred));
	to->pred = pred;
	to->cap_pred = to->nr_pred + n;
	for (size_t i = 0; i < to->phis.n; i++) {
		struct ir *phi = to->phis.v[i];
		struct ir **arg = arena_news(f->arena, phi->n + n, struct ir *);

		memcpy(arg, phi->arg, phi->n * sizeof(*arg));
		for (u32 a = 0; a < n; a++)
			arg[phi->n + a] = phi->arg[k];
		phi->arg = arg;
		phi->n = (u16)(phi->n + n);
	}
}

/* Predecessors of B lead where it leads. */
static void bypass(struct ir_func *f, struct ir_block *b)
{
	struct ir_block *to = b->succ[0];
	u32 k = 0;

	while (to->pred[k] != b)
		k++;
	if (b->nr_pred > 1)
		widen_preds(f, to, b->nr_pred - 1, k);
	for (u32 p = 0; p < b->nr_pred; p++) {
		struct ir_block *from = b->pred[p];

		from->succ[from->succ[0] != b] = to;
		if (p)
			to->pred[to->nr_pred++] = from;
		else
			to->pred[k] = from;
	}
	b->nr_pred = b->nr_succ = 0;
}

static void merge(struct ir_func *f)
{
	for (size_t i = 0; i < f->blocks.n; i++)
		if (f->blocks.v[i] != f->first && is_bypass(f->blocks.v[i]))
			bypass(f, f->blocks.v[i]);
	for (size_t i = 0; i < f->blocks.n; i++) {
		struct ir_block *b = f->blocks.v[i];

		if (!b->nr_pred && b != f->first)
			continue;
		while (b->nr_succ == 1 && ir_is(last_of(b), IR_JMP) && b->succ[0] != b &&
		       b->succ[0]->nr_pred == 1 && !b->succ[0]->phis.n)
			merge_next(b);
	}
	ir_blocks(f);
	ir_dominators(f);
}

/* ---- loops ------------------------------------------------------------- */

static void mark_block(struct ir_block *b, struct ir_block *header, u32 *seen, u32 stamp)
{
	seen[b->id] = stamp;
	b->depth++;
	b->loop = header;	/* headers outside come first */
}

/* Raises the depth of all blocks from which LATCH, and so HEADER, is reached. */
static void mark_loop(struct ir_block *header, struct ir_block *latch, u32 stamp, u32 *seen,
		      block_list *work)
{
	work->n = 0;
	if (seen[header->id] != stamp) {
		header->outer = header->loop;
		mark_block(header, header, seen, stamp);
	}
	if (seen[latch->id] != stamp) {
		mark_block(latch, header, seen, stamp);
		*vec_push(work) = latch;
	}
	while (work->n) {
		struct ir_block *b = work->v[--work->n];

		for (u32 i = 0; i < b->nr_pred; i++) {
			struct ir_block *p = b->pred[i];

			if (seen[p->id] == stamp)
				continue;
			mark_block(p, header, seen, stamp);
			*vec_push(work) = p;
		}
	}
}

static void find_loops(struct ir_func *f)
{
	u32 *seen = mem_alloc(f->blocks.n * sizeof(*seen)), stamp = 0;
	block_list work = { 0 };

	for (size_t i = 0; i < f->blocks.n; i++) {
		f->blocks.v[i]->depth = f->blocks.v[i]->header = 0;
		f->blocks.v[i]->loop = f->blocks.v[i]->outer = NULL;
	}
	for (size_t i = 0; i < f->blocks.n; i++) {
		struct ir_block *h = f->blocks.v[i];

		stamp++;
		for (u32 p = 0; p < h->nr_pred; p++) {
			if (!ir_dominates(h, h->pred[p]))
				continue;
			h->header = true;
			mark_loop(h, h->pred[p], stamp, seen, &work);
		}
	}
	vec_free(&work);
	free(seen);
}

/* Ways out of loops are walked first, so that they come last. */
static void lay_out(struct ir_func *f)
{
	find_loops(f);
	for (size_t i = 0; i < f->blocks.n; i++) {
		struct ir_block *b = f->blocks.v[i];

		/* may_goto cannot be turned round */
		if (b->nr_succ == 2 && ir_is(last_of(b), IR_BR) &&
		    b->succ[1]->depth < b->succ[0]->depth) {
			struct ir_block *s = b->succ[0];

			b->succ[0] = b->succ[1];
			b->succ[1] = s;
			last_of(b)->cc = (u8)ir_negated(last_of(b)->cc);
		}
	}
	ir_blocks(f);
}

/* Also values that are nowhere have uses. */
static void all_values(struct ir_func *f, void (*fn)(struct ir_func *f, struct ir *v))
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		for (size_t i = 0; i < block->phis.n; i++) {
			fn(f, block->phis.v[i]);
			for (u32 a = 0; a < block->phis.v[i]->n; a++)
				fn(f, block->phis.v[i]->arg[a]);
		}
		for (size_t i = 0; i < block->nodes.n; i++) {
			struct ir *v = block->nodes.v[i];

			fn(f, v);
			for (u32 a = 0; a < v->n; a++)
				fn(f, v->arg[a]);
			if (v->index)
				fn(f, v->index);
		}
	}
}

/* ---- what is used ------------------------------------------------------ */

static void use(struct ir **v, ir_list *work)
{
	*v = ir_rep(*v);
	(*v)->uses++;
	if (!(*v)->seen) {
		(*v)->seen = true;
		*vec_push(work) = *v;
	}
}

static void drain(ir_list *work)
{
	while (work->n) {
		struct ir *v = work->v[--work->n];

		for (u32 a = 0; a < v->n; a++)
			use(&v->arg[a], work);
		if (v->index)
			use(&v->index, work);
	}
}

static void keep_seen(ir_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i]->seen)
			l->v[n++] = l->v[i];
	l->n = n;
}

static void forget_use(struct ir *v)
{
	v->seen = false;
	v->uses = 0;
}

/* Numbers may stay seen: they have no operands. */
static void unseen(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		for (size_t i = 0; i < block->phis.n; i++)
			forget_use(block->phis.v[i]);
		for (size_t i = 0; i < block->nodes.n; i++)
			forget_use(block->nodes.v[i]);
	}
}

static void drop_unused(struct ir_func *f)
{
	ir_list work = { 0 };

	unseen(f);
	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->nodes.n; i++) {
			struct ir *v = f->blocks.v[b]->nodes.v[i];

			if (!(ir_flags[v->op] & EFFECT) || v->seen)
				continue;
			v->seen = true;
			*vec_push(&work) = v;
			drain(&work);
		}
	vec_free(&work);
	for (size_t b = 0; b < f->blocks.n; b++) {
		keep_seen(&f->blocks.v[b]->phis);
		keep_seen(&f->blocks.v[b]->nodes);
	}
}

/* ---- positions and lives ----------------------------------------------- */

/* A PARAM is where the function begins; a FREE value is nowhere. */
static void number_positions(struct ir_func *f)
{
	u32 pos = 1;

	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		block->pos = pos;
		for (size_t i = 0; i < block->phis.n; i++)
			block->phis.v[i]->first = pos;
		pos++;
		for (size_t i = 0; i < block->nodes.n; i++)
			block->nodes.v[i]->first = pos++;
		block->edge = pos++;
	}
}

/* A PHI's place in the frame is written at the ends of its predecessors. */
static void widen_phis(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		for (u32 p = 0; p < block->nr_pred; p++)
			for (size_t i = 0; i < block->phis.n; i++)
				if (block->pred[p]->edge < block->phis.v[i]->first)
					block->phis.v[i]->first = block->pred[p]->edge;
	}
}

static void use_at(struct ir *v, u32 pos, bool store)
{
	if (store)
		v->use[v->nr_use] = pos;
	v->nr_use++;
	v->last = pos > v->last ? pos : v->last;
}

/* A block that leads to another twice is its predecessor where it is first. */
static void number_edges(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *to = f->blocks.v[b];

		for (u32 p = to->nr_pred; p-- > 0;)
			for (u32 s = 0; s < to->pred[p]->nr_succ; s++)
				if (to->pred[p]->succ[s] == to)
					to->pred[p]->at_succ[s] = p;
	}
}

/* What PHIs of the blocks behind get from BLOCK is used at its edge. */
static void walk_edges(struct ir_block *block, bool store)
{
	for (u32 s = 0; s < block->nr_succ; s++) {
		struct ir_block *to = block->succ[s];

		if (s && to == block->succ[0])
			continue;
		for (size_t i = 0; i < to->phis.n; i++) {
			struct ir *v = to->phis.v[i]->arg[block->at_succ[s]];

			use_at(v, block->edge, store);
			v->phi = to->phis.v[i];
		}
	}
}

/* Uses in order of position; once to count, once to store. */
static void walk_uses(struct ir_func *f, bool store)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		for (size_t i = 0; i < block->nodes.n; i++) {
			struct ir *v = block->nodes.v[i], *read[IR_OPERANDS];
			u32 n = v->late ? 0 : ir_operands(v, read);

			for (u32 a = 0; a < n; a++)
				use_at(read[a], v->first, store);
		}
		walk_edges(block, store);
	}
}

static void give_room(struct ir_func *f, struct ir *v)
{
	if (v->nr_use && !v->use)
		v->use = arena_news(f->arena, v->nr_use, u32);
	v->nr_use = 0;
}

static void forget_uses(struct ir_func *f, struct ir *v)
{
	v->nr_use = 0;
	v->use = NULL;
	v->last = v->first;
}

static void collect(struct ir_func *f, struct ir *v)
{
	if (v->seen)
		f->all[f->nr_all++] = v;
	v->seen = false;
}

static void find_uses(struct ir_func *f)
{
	all_values(f, forget_uses);
	walk_uses(f, false);
	all_values(f, give_room);
	walk_uses(f, true);
}

/* V lives at the end of B: from there up to where it is made. */
static void live_up(struct ir *v, struct ir_block *b, u32 *seen, block_list *work)
{
	work->n = 0;
	*vec_push(work) = b;
	while (work->n) {
		b = work->v[--work->n];
		v->last = b->edge > v->last ? b->edge : v->last;
		if (b == v->block || seen[b->id] == v->id + 1)
			continue;
		seen[b->id] = v->id + 1;
		*vec_push(&b->live) = v;
		for (u32 p = 0; p < b->nr_pred; p++)
			*vec_push(work) = b->pred[p];
	}
}

/* The block that has position POS. */
static struct ir_block *block_at(const struct ir_func *f, u32 pos)
{
	size_t lo = 0, hi = f->blocks.n;

	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (f->blocks.v[mid]->pos <= pos)
			lo = mid;
		else
			hi = mid;
	}
	return f->blocks.v[lo];
}

struct lives { u32 *seen; block_list work; };

static void value_lives(struct ir_func *f, struct ir *v, struct lives *l)
{
	for (u32 u = 0; u < v->nr_use; u++) {
		struct ir_block *b = block_at(f, v->use[u]);

		if (b == v->block || l->seen[b->id] == v->id + 1)
			continue;
		l->seen[b->id] = v->id + 1;
		*vec_push(&b->live) = v;
		for (u32 p = 0; p < b->nr_pred; p++)
			live_up(v, b->pred[p], l->seen, &l->work);
	}
}

static void find_lives(struct ir_func *f)
{
	struct lives l = { .seen = mem_alloc(f->blocks.n * sizeof(u32)) };

	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		for (size_t i = 0; i < block->phis.n; i++)
			value_lives(f, block->phis.v[i], &l);
		for (size_t i = 0; i < block->nodes.n; i++)
			value_lives(f, block->nodes.v[i], &l);
	}
	vec_free(&l.work);
	free(l.seen);
}

static void find_loop_ends(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *h = f->blocks.v[b];

		h->loop_last = 0;
		for (u32 p = 0; p < h->nr_pred; p++)
			if (h->pred[p]->edge > h->loop_last && h->pred[p]->id >= h->id)
				h->loop_last = h->pred[p]->edge;
	}
}

void ir_order(struct ir_func *f)
{
	drop_unused(f);
	merge(f);
	ir_induct(f);
	lay_out(f);
	ir_address(f);
	ir_memory(f);
	drop_unused(f);
	number_edges(f);
	number_positions(f);
	widen_phis(f);
	find_uses(f);
	find_lives(f);
	find_loop_ends(f);
	ir_hold(f);
}

void ir_collect(struct ir_func *f)
{
	f->all = arena_news(f->arena, f->nr_nodes, struct ir *);
	f->nr_all = 0;
	all_values(f, collect);
}
