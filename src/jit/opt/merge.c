/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge.c: what helpers get on the stack is written in whole words. A key whose members
 * were stored one by one is read at once by who looks it up, and such a load waits until
 * the narrow stores have left the processor's store buffer: ten nanoseconds, more than the
 * lookup. So the stores of a block to a word of 8 bytes become one before a call that
 * gets the word, of what they stored, shifted and joined; bytes that the block did not
 * store are loaded, with loads that lie in one older store each as a rule.
 *
 * Between a store and the call nothing else may read the word: pointers to the stack are
 * given to helpers only (ir_func.leaks), so that is what is at a known distance from the
 * frame pointer.
 */
#include "jit/opt/ir.h"

enum { STACK = 512, WORD = 8, WORDS = STACK / WORD };

struct piece { struct ir *store; u32 at, n; };	/* N bytes from AT of the word */

struct word {
	struct piece v[WORD];	/* in their order; none lies under a later one */
	u32 nr;
};

struct merge {
	struct ir_func *f;
	ir_list *out;
	struct word words[WORDS];
};

/* The word that N bytes at OFF from the frame pointer lie in, or NULL. */
static struct word *word_at(struct merge *m, s64 off, u32 n)
{
	if (off < -STACK || off >= 0 || ((off + STACK) % WORD) + n > WORD)
		return NULL;
	return &m->words[(off + STACK) / WORD];
}

static void forget(struct merge *m)
{
	for (u32 i = 0; i < WORDS; i++)
		m->words[i].nr = 0;
}

/* Words that N bytes at OFF touch are no longer only what is noted. */
static void touch(struct merge *m, s64 off, u32 n)
{
	if (off < -STACK || off > -(s64)n) {
		forget(m);
		return;
	}
	for (s64 i = (off + STACK) / WORD; i <= (off + STACK + n - 1) / WORD; i++)
		m->words[i].nr = 0;
}

/* Stores that lie under NEW, or in part, stay what they are. */
static void note(struct word *w, struct piece new)
{
	u32 nr = 0;

	for (u32 i = 0; i < w->nr; i++) {
		struct piece p = w->v[i];

		if (p.at + p.n <= new.at || new.at + new.n <= p.at)
			w->v[nr++] = p;
	}
	w->v[nr++] = new;
	w->nr = nr;
}

static void note_access(struct merge *m, struct ir *v)
{
	u32 n = v->w / 8;
	struct word *w;
	s64 off;

	if (!ir_fp_offset(v->arg[0], &off))
		return;
	if (off == IR_FAR || __builtin_add_overflow(off, (s32)v->imm, &off)) {
		forget(m);
		return;
	}
	w = word_at(m, off, n);
	if (ir_is(v, IR_STORE) && !v->cc && w && n < WORD)
		note(w, (struct piece){ v, (u32)((off + STACK) % WORD), n });
	else
		touch(m, off, n);
}

static struct ir *put(struct merge *m, const struct ir *like, enum ir_op op, u32 w, struct ir *a,
		      struct ir *b)
{
	struct ir *v = ir_new(m->f, op, w, b ? 2 : 1);

	v->arg[0] = a;
	if (b)
		v->arg[1] = b;
	v->block = like->block;
	v->slot = like->slot;
	*vec_push(m->out) = v;
	return v;
}

/* SUM with X, N bytes, from byte AT on. */
static struct ir *join(struct merge *m, const struct ir *like, struct ir *sum, struct ir *x,
		       u32 at, u32 n)
{
	x = put(m, like, IR_ZEXT, n * 8, x, NULL);
	if (at)
		x = put(m, like, IR_SHL, 64, x, ir_constant(m->f, at * 8));
	return sum ? put(m, like, IR_OR, 64, sum, x) : x;
}

/* From AT on, of the bytes that HAS does not have: how many one load takes. */
static u32 missing(u32 has, u32 at)
{
	u32 n = 1;

	while (n < WORD / 2 && at % (2 * n) == 0 && !(has >> at & ((1u << 2 * n) - 1)))
		n *= 2;
	return n;
}

static u32 bytes_of(const struct word *w)
{
	u32 has = 0;

	for (u32 i = 0; i < w->nr; i++)
		has |= ((1u << w->v[i].n) - 1) << w->v[i].at;
	return has;
}

/* Loads for bytes that nobody stored here. */
static u32 loads(u32 has)
{
	u32 nr = 0;

	for (u32 at = 0; at < WORD;)
		if (has >> at & 1)
			at++;
		else
			at += missing(has, at), nr++;
	return nr;
}

static struct ir *load_rest(struct merge *m, const struct ir *like, struct ir *sum, u32 has,
			    s64 off)
{
	for (u32 at = 0; at < WORD;) {
		u32 n = missing(has, at);
		struct ir *v;

		if (has >> at & 1) {
			at++;
			continue;
		}
		v = put(m, like, IR_LOAD, n * 8, ir_free_value(m->f, IR_FP, (u64)(off + at)), NULL);
		sum = join(m, like, sum, v, at, n);
		at += n;
	}
	return sum;
}

enum { LOADS_MAX = 2 };

/* The stores of W, OFF from the frame pointer, as one before LIKE. */
static void merge_word(struct merge *m, struct word *w, s64 off, const struct ir *like)
{
	u32 has = bytes_of(w);
	struct ir *sum = NULL;

	if (w->nr < 2 || loads(has) > LOADS_MAX)
		return;
	for (u32 i = 0; i < w->nr; i++) {
		sum = join(m, like, sum, w->v[i].store->arg[1], w->v[i].at, w->v[i].n);
		w->v[i].store->op = IR_NONE;
	}
	sum = load_rest(m, like, sum, has, off);
	if ((u64)-off > m->f->depth)
		m->f->depth = (u32)-off;
	put(m, like, IR_STORE, 64, ir_free_value(m->f, IR_FP, (u64)off), sum);
}

/* A call reads upwards from where its pointers point. */
static void note_call(struct merge *m, const struct ir *v)
{
	s64 from = 0, off;

	for (u32 i = 0; i < v->n; i++)
		if (ir_fp_offset(v->arg[i], &off) && off < from)
			from = off < -STACK ? -STACK : off;
	for (s64 i = (from + STACK) / WORD; i < WORDS; i++) {
		merge_word(m, &m->words[i], i * WORD - STACK, v);
		m->words[i].nr = 0;
	}
}

static void merge_block(struct merge *m, struct ir_block *block)
{
	ir_list out = { 0 };
	size_t nr = 0;

	forget(m);
	m->out = &out;
	for (size_t i = 0; i < block->nodes.n; i++) {
		struct ir *v = block->nodes.v[i];

		if (ir_has_address(v) || ir_is(v, IR_ATOMIC))
			note_access(m, v);
		else if (ir_is(v, IR_CALL))
			note_call(m, v);
		else if (ir_flags[v->op] & EFFECT)
			forget(m);
		*vec_push(&out) = v;
	}
	for (size_t i = 0; i < out.n; i++)
		if (out.v[i]->op != IR_NONE)
			out.v[nr++] = out.v[i];
	vec_free(&block->nodes);
	block->nodes.v = out.v;
	block->nodes.n = nr;
	block->nodes.cap = out.cap;
}

void ir_merge(struct ir_func *f)
{
	struct merge *m;

	/* programs that read at any address may read their stack */
	if (f->leaks || f->b->bind->frames)
		return;
	m = mem_alloc(sizeof(*m));
	m->f = f;
	for (size_t b = 0; b < f->blocks.n; b++)
		merge_block(m, f->blocks.v[b]);
	free(m);
}
