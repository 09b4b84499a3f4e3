/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slots.c: stack slots become values. A slot is what loads and stores reach at a
 * fixed distance from the frame pointer, always as many bytes, where no pointer
 * that was given away may reach and no other access overlaps. What helpers get
 * reaches upwards from where it points; everything else, anywhere.
 */
#include "jit/opt/ir.h"
#include <stdlib.h>

enum { STACK = 512, SLOTS_MAX = 64, ANYWHERE = -STACK };

struct slots {
	struct ir_func *f;
	s32 given;		/* pointers given away reach from here upwards; 0: none */
	u8 size[STACK];		/* of the access that begins at -STACK + i; 0 none */
	u8 first[STACK];	/* 1 + distance to the byte where this one's access begins */
	bool mixed[STACK];	/* different accesses have this byte */
	s8 number[STACK];	/* of the slot that begins there, or -1 */
	u32 nr;
};

enum { DEEP = 8 };	/* sums that are followed */

bool ir_fp_offset(const struct ir *v, s64 *off)
{
	u64 more = 0;

	for (u32 depth = 0; depth < DEEP; depth++) {
		if (ir_is(v, IR_FP)) {
			*off = (s64)(more + v->imm);
			return true;
		}
		if ((!ir_is(v, IR_ADD) && !ir_is(v, IR_SUB)) || v->w != 64 ||
		    !ir_is_const(v->arg[1]))
			return false;
		more += ir_is(v, IR_ADD) ? v->arg[1]->imm : -v->arg[1]->imm;
		v = v->arg[0];
	}
	*off = IR_FAR;
	return true;
}

static bool derives(const struct ir *v)
{
	return (ir_is(v, IR_ADD) || ir_is(v, IR_SUB)) && v->w == 64 && ir_is_const(v->arg[1]);
}

static bool is_access(const struct ir *v)
{
	return ir_is(v, IR_LOAD) || ir_is(v, IR_STORE);
}

static void give(struct slots *s, s64 off)
{
	if (off < ANYWHERE)
		off = ANYWHERE;
	if (off < s->given)
		s->given = (s32)off;
}

/* Operand I of V is given away, unless it is an address, or goes on as one. */
static void note_operand(struct slots *s, const struct ir *v, u32 i, bool callbacks)
{
	s64 off;

	if (!ir_fp_offset(v->arg[i], &off) || (i == 0 && derives(v)))
		return;
	if (i == 0 && is_access(v) && off != IR_FAR)
		return;
	if (ir_is(v, IR_CALL) && !callbacks)
		give(s, off);
	else if (ir_is(v, IR_ATOMIC) && i == 0)
		give(s, off == IR_FAR ? ANYWHERE : off + (s32)v->imm);
	else
		give(s, ANYWHERE);
}

static bool access_at(const struct ir *v, u32 *at)
{
	s64 off;

	/* what is so far away that the sum wraps is not on the stack, or IR_FAR */
	if (!is_access(v) || !ir_fp_offset(v->arg[0], &off) ||
	    __builtin_add_overflow(off, (s32)v->imm, &off))
		return false;
	if (off < -STACK || off > -(s64)(v->w / 8))
		return false;
	*at = (u32)(off + STACK);
	return true;
}

/* An address with a distance that cannot be followed reaches anything. */
static void note_access(struct slots *s, const struct ir *v)
{
	u32 at, n = v->w / 8;

	if (!access_at(v, &at))
		return;
	for (u32 i = 0; i < n; i++) {
		u8 mine = (u8)(i + 1);

		if (s->first[at + i] && (s->first[at + i] != mine || s->size[at] != n))
			s->mixed[at + i] = true;
		s->first[at + i] = mine;
	}
	if (s->size[at] && s->size[at] != n)
		memset(s->mixed + at, true, n > s->size[at] ? n : s->size[at]);
	s->size[at] = (u8)n;
}

static bool has_callbacks(const struct ir_func *f)
{
	for (u32 u = 1; u < f->b->code->nr_units; u++)
		if (f->b->code->units[u].entered)
			return true;
	return false;
}

static void find_accesses(struct slots *s)
{
	bool callbacks = has_callbacks(s->f);

	for (size_t b = 0; b < s->f->blocks.n; b++) {
		const struct ir_block *block = s->f->blocks.v[b];

		for (size_t i = 0; i < block->phis.n; i++)
			for (u32 a = 0; a < block->phis.v[i]->n; a++)
				note_operand(s, block->phis.v[i], a, callbacks);
		for (size_t i = 0; i < block->nodes.n; i++) {
			const struct ir *v = block->nodes.v[i];

			note_access(s, v);
			for (u32 a = 0; a < v->n; a++)
				note_operand(s, v, a, callbacks);
		}
	}
}

static void number_slots(struct slots *s)
{
	memset(s->number, -1, sizeof(s->number));
	for (u32 at = 0; at < STACK && s->nr < SLOTS_MAX; at++) {
		u32 n = s->size[at];
		bool good = n && (s32)(at + n) - STACK <= s->given;

		for (u32 i = 0; i < n && good; i++)
			good = !s->mixed[at + i];
		if (good)
			s->number[at] = (s8)s->nr++;
	}
}

/* How far down the stack is memory still: the lowest access that is no slot, or pointer. */
static u32 depth(const struct slots *s)
{
	for (u32 at = 0; at < (u32)(STACK + s->given); at++)
		if (s->size[at] && s->number[at] < 0)
			return STACK - at;
	return (u32)-s->given;
}

/* The slot that V reads or writes, or -1. */
static s32 slot_of(const struct slots *s, const struct ir *v)
{
	u32 at;

	return access_at(v, &at) && s->size[at] == v->w / 8 ? s->number[at] : -1;
}

/* ---- renaming ------------------------------------------------------------------ */

static void find_live(struct slots *s)
{
	struct ir_func *f = s->f;
	bool changed = true;

	for (size_t b = 0; b < f->blocks.n; b++) {
		struct ir_block *block = f->blocks.v[b];

		block->use = block->def = block->live_in = 0;
		for (size_t i = 0; i < block->nodes.n; i++) {
			s32 n = slot_of(s, block->nodes.v[i]);

			if (n >= 0 && ir_is(block->nodes.v[i], IR_STORE))
				block->def |= 1ull << n;
			else if (n >= 0)
				block->use |= 1ull << n & ~block->def;
		}
	}
	while (changed) {
		changed = false;
		for (size_t b = f->blocks.n; b-- > 0;) {
			struct ir_block *block = f->blocks.v[b];
			u64 out = 0, in;

			for (u32 i = 0; i < block->nr_succ; i++)
				out |= block->succ[i]->live_in;
			in = block->use | (out & ~block->def);
			changed |= in != block->live_in;
			block->live_in = in;
		}
	}
}

static struct ir *narrowed(struct slots *s, struct ir *like, enum ir_op op, u32 w, struct ir *x,
			   u64 imm)
{
	struct ir *v = ir_new(s->f, op, w, 1);

	v->arg[0] = x;
	v->imm = imm;
	v->block = like->block;
	v->slot = like->slot;
	return v;
}

/* V is no access any more; what it gives is a value. */
static void rename_access(struct slots *s, struct ir *v, struct ir **env, ir_list *out)
{
	struct ir *x;

	if (ir_is(v, IR_STORE)) {
		x = ir_rep(v->arg[1]);
		if (v->w < 64) {
			x = narrowed(s, v, IR_ZEXT, v->w, x, 0);
			*vec_push(out) = x;
		}
		*env = x;
		return;
	}
	x = *env ? *env : ir_constant(s->f, 0);
	if (v->sign) {
		x = narrowed(s, v, IR_SEXT, 64, x, v->w);
		*vec_push(out) = x;
	}
	v->rep = x;
}

static void enter(struct slots *s, struct ir_block *block)
{
	block->env = arena_news(s->f->arena, s->nr, struct ir *);
	for (u32 n = 0; n < s->nr; n++) {
		struct ir *v;

		if (!(block->live_in >> n & 1) || !block->nr_pred)
			continue;
		if (block->nr_pred == 1) {
			block->env[n] = block->pred[0]->env[n];
			continue;
		}
		v = ir_new(s->f, IR_PHI, 64, block->nr_pred);
		v->block = block;
		v->slot = block->start;
		*vec_push(&block->phis) = v;
		block->env[n] = v;
	}
}

static void rename_block(struct slots *s, struct ir_block *block)
{
	ir_list out = { 0 };

	enter(s, block);
	for (size_t i = 0; i < block->nodes.n; i++) {
		struct ir *v = block->nodes.v[i];
		s32 n = slot_of(s, v);

		if (n >= 0)
			rename_access(s, v, &block->env[n], &out);
		else
			*vec_push(&out) = v;
	}
	vec_free(&block->nodes);
	block->nodes.v = out.v;
	block->nodes.n = out.n;
	block->nodes.cap = out.cap;
}

static void fill_phis(struct slots *s, struct ir_block *block, size_t first)
{
	for (u32 n = 0; n < s->nr; n++) {
		struct ir *phi;

		if (!(block->live_in >> n & 1))
			continue;
		phi = block->phis.v[first++];
		for (u32 i = 0; i < block->nr_pred; i++) {
			struct ir *v = block->pred[i]->env[n];

			phi->arg[i] = v ? v : ir_constant(s->f, 0);
		}
	}
}

/* ---- what of the frame is shown -------------------------------------------------- */

enum { LINK_AT = -STACK - (s32)sizeof(struct run_frame), FRAMES = offsetof(struct run, frames) };

static struct ir *put(struct ir_func *f, ir_list *out, struct ir_block *block, enum ir_op op,
		      struct ir *at, struct ir *val)
{
	struct ir *v = ir_new(f, op, 64, val ? 2 : 1);

	v->arg[0] = at;
	if (val)
		v->arg[1] = val;
	v->block = block;
	v->slot = block->start;
	*vec_push(out) = v;
	return v;
}

static struct ir *fp(struct ir_func *f, s64 off) { return ir_free_value(f, IR_FP, (u64)off); }

/* FRAME is the innermost from here on. */
static void put_frames(struct ir_func *f, ir_list *out, struct ir_block *block, struct ir *frame)
{
	put(f, out, block, IR_STORE, f->params[IR_RUN], frame)->imm = FRAMES;
}

/* At the start: what was the innermost frame; and the function's own, of which as much as
 * pointers reach is shown. */
static struct ir *put_link(struct ir_func *f, ir_list *out, struct ir_block *block)
{
	struct ir *outer = put(f, out, block, IR_LOAD, f->params[IR_RUN], NULL);

	outer->imm = FRAMES;
	if (!f->shown)
		return outer;
	put(f, out, block, IR_STORE, fp(f, LINK_AT), outer);
	put(f, out, block, IR_STORE, fp(f, LINK_AT + 8), fp(f, -(s64)f->shown));
	put_frames(f, out, block, fp(f, LINK_AT));
	return outer;
}

/* Functions that are called leave their frame as the innermost; a program that a tail call
 * goes on in takes the place of this one's. */
static void put_around_calls(struct ir_func *f, struct ir_block *block, struct ir **outer)
{
	ir_list out = { 0 };

	for (size_t i = 0; i < block->nodes.n; i++) {
		struct ir *v = block->nodes.v[i];
		bool tail = ir_is(v, IR_TAIL) && f->shown;

		if (!*outer && ir_flags[v->op] & END)
			*outer = put_link(f, &out, block);
		if (tail)
			put_frames(f, &out, block, *outer);
		*vec_push(&out) = v;
		if (tail || ir_is(v, IR_LOCAL))
			put_frames(f, &out, block, f->shown ? fp(f, LINK_AT) : *outer);
	}
	vec_free(&block->nodes);
	block->nodes.v = out.v;
	block->nodes.n = out.n;
	block->nodes.cap = out.cap;
}

static void note_frame(struct slots *s)
{
	struct ir_func *f = s->f;
	struct ir *outer = NULL;

	f->shown = (u32)-s->given;
	for (size_t b = 0; b < f->blocks.n; b++)
		put_around_calls(f, f->blocks.v[b], &outer);
}

/* ---- the pass --------------------------------------------------------------------- */

void ir_slots(struct ir_func *f)
{
	struct slots s = { .f = f };
	size_t *phis = mem_alloc(f->blocks.n * sizeof(*phis));

	find_accesses(&s);
	number_slots(&s);
	f->depth = depth(&s);
	f->leaks = s.given == ANYWHERE;
	if (s.nr) {
		find_live(&s);
		for (size_t b = 0; b < f->blocks.n; b++)
			phis[b] = f->blocks.v[b]->phis.n;
		for (size_t b = 0; b < f->blocks.n; b++)
			rename_block(&s, f->blocks.v[b]);
		for (size_t b = 0; b < f->blocks.n; b++)
			if (f->blocks.v[b]->nr_pred > 1)
				fill_phis(&s, f->blocks.v[b], phis[b]);
	}
	free(phis);
	if (f->b->bind->frames && (s.given || f->unit->calls))
		note_frame(&s);
}
