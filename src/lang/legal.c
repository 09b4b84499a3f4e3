/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * legal.c: what BPF has no instruction for is made of what it has, before registers are
 * given: signed division and sign extension of version 3, memory in pieces, constants
 * where an instruction takes a register. Afterwards a value that costs nothing to make
 * anew (a constant, a stack address, a map) has no register of its own: each use takes it
 * as an immediate, or is right behind a copy of it (mark: has a register).
 */
#include "lang/emit_in.h"
#include "lang/opt_in.h"

struct legal {
	struct ir_func *f;
	struct ir_insn *at;	/* what is made goes before it */
};

static bool fits_s32(s64 v)
{
	return v == (s32)v;
}

bool emit_is_cheap(const struct ir_insn *v)
{
	switch (v->op) {
	case IR_CONST: case IR_SLOT: case IR_MAP: case IR_MAPVAL: case IR_FUNC: case IR_KVAR:
		return true;
	case IR_ADD:	/* of a stack address */
		return v->width == 64 && v->args[0]->op == IR_SLOT &&
		       ir_is_number(v->args[1]) && fits_s32(v->args[1]->imm);
	default:
		return false;
	}
}

/* An immediate of WIDTH bits, as BPF extends it. */
bool emit_is_imm(const struct ir_insn *v, u32 width)
{
	return ir_is_number(v) && (width == 32 || fits_s32(v->imm));
}

bool emit_is_direct(const struct ir_insn *i, u32 k)
{
	const struct ir_insn *v = i->args[k];

	if (v->mark || !emit_is_cheap(v))
		return false;
	switch (i->op) {
	case IR_CALL: case IR_KFUNC: case IR_SUBCALL: case IR_CCALL: case IR_EXIT:
		return true;
	case IR_LOAD: case IR_ADDTO:
		return k == 0 && v->op == IR_SLOT;
	case IR_STORE:
		return k ? emit_is_imm(v, i->size == 8 ? 64 : 32) && i->args[0]->op != IR_CTX :
			   v->op == IR_SLOT;
	case IR_ADD:	/* also of a number that a loader finds out */
		return k == 1 && v->op == IR_CONST && (emit_is_imm(v, i->width) ||
						       (v->core && fits_s32(v->imm)));
	default:
		return k == 1 && emit_is_imm(v, i->width);
	}
}

/* ---- making ------------------------------------------------------------------------- */

static struct ir_insn *make(struct legal *l, enum ir_op op, u32 width, struct ir_insn *a,
			    struct ir_insn *b)
{
	struct ir_insn *i = ir_insn_new(l->f, op);

	i->line = l->at->line;
	i->width = (u8)width;
	if (a)
		i->args[i->nr_args++] = a;
	if (b)
		i->args[i->nr_args++] = b;
	ir_insert(l->at->block, l->at, i);
	return i;
}

static struct ir_insn *number(struct legal *l, s64 n)
{
	struct ir_insn *i = make(l, IR_CONST, 64, NULL, NULL);

	i->imm = n;
	return i;
}

/* I becomes another operation of the same value. */
static void become(struct ir_insn *i, enum ir_op op, u32 width, struct ir_insn *a,
		   struct ir_insn *b)
{
	i->op = op;
	i->width = (u8)width;
	i->size = 8;
	i->args[0] = a;
	i->args[1] = b;
	i->nr_args = b ? 2 : 1;
}

/* -1 when A is negative, else 0. */
static struct ir_insn *sign_of(struct legal *l, u32 width, struct ir_insn *a)
{
	return make(l, IR_SAR, width, a, number(l, width - 1));
}

static struct ir_insn *magnitude(struct legal *l, u32 width, struct ir_insn *a,
				 struct ir_insn *sign)
{
	return make(l, IR_SUB, width, make(l, IR_XOR, width, a, sign), sign);
}

/* Of the magnitudes, with the sign put right; what is special (0 as divisor, the smallest
 * number by -1) comes out as version 4 has it. */
static void expand_sdiv(struct legal *l, struct ir_insn *i)
{
	u32 w = i->width;
	bool div = i->op == IR_SDIV;
	struct ir_insn *sa = sign_of(l, w, i->args[0]), *sb = sign_of(l, w, i->args[1]);
	struct ir_insn *a = magnitude(l, w, i->args[0], sa);
	struct ir_insn *b = magnitude(l, w, i->args[1], sb);
	struct ir_insn *q = make(l, div ? IR_UDIV : IR_UMOD, w, a, b);
	struct ir_insn *s = div ? make(l, IR_XOR, w, sa, sb) : sa;

	become(i, IR_SUB, w, make(l, IR_XOR, w, q, s), s);
}

static void expand_sext(struct legal *l, struct ir_insn *i)
{
	u32 bits = 64 - 8u * i->size;
	struct ir_insn *n;

	if (!bits) {
		become(i, IR_ADD, 64, i->args[0], number(l, 0));
	} else if (l->f->unit->isa_level < 4) {
		n = number(l, bits);
		become(i, IR_SAR, 64, make(l, IR_SHL, 64, i->args[0], n), n);
	}
}

static void expand_zext(struct legal *l, struct ir_insn *i)
{
	if (i->size == 8)
		become(i, IR_ADD, 64, i->args[0], number(l, 0));
	else if (i->size < 4)
		become(i, IR_AND, 64, i->args[0], number(l, (1 << 8 * i->size) - 1));
}

/* ---- memory in pieces --------------------------------------------------------------- */

u32 emit_align_of(const struct ir_func *f, const struct ir_insn *v)
{
	switch (v->op) {
	case IR_SLOT: return f->slots.v[v->imm].align;
	case IR_ADD:
		if (v->width == 64 && ir_is_number(v->args[1]) && v->args[1]->imm % 8 == 0)
			return emit_align_of(f, v->args[0]);
		return 1;
	case IR_MAPVAL: return v->off % 8 ? (u32)(v->off & -v->off) : 8;
	case IR_CTX: case IR_CALL: return 8;
	default: return 1;
	}
}

/* The widest access at OFF of what is aligned to ALIGN, of at most LEFT bytes. */
static u32 piece(u32 align, u32 off, u32 left)
{
	u32 n = 8;

	while (n > 1 && (n > align || off % n || n > left))
		n /= 2;
	return n;
}

static void expand_zero(struct legal *l, struct ir_insn *i)
{
	u32 align = emit_align_of(l->f, i->args[0]);
	struct ir_insn *zero = number(l, 0);

	for (u32 at = 0, n; at < (u64)i->imm; at += n) {
		struct ir_insn *s = make(l, IR_STORE, 64, i->args[0], zero);

		n = piece(align, (u32)i->off + at, (u32)i->imm - at);
		s->size = (u8)n;
		s->off = i->off + (s32)at;
	}
}

static void expand_copy(struct legal *l, struct ir_insn *i)
{
	u32 to = emit_align_of(l->f, i->args[0]), from = emit_align_of(l->f, i->args[1]);

	for (u32 at = 0, n; at < (u64)i->imm; at += n) {
		u32 m = piece(from, (u32)i->src_off + at, (u32)i->imm - at);
		struct ir_insn *v, *s;

		n = piece(to, (u32)i->off + at, m);
		v = make(l, IR_LOAD, 64, i->args[1], NULL);
		v->size = (u8)n;
		v->off = i->src_off + (s32)at;
		s = make(l, IR_STORE, 64, i->args[0], v);
		s->size = (u8)n;
		s->off = i->off + (s32)at;
	}
}

/* By constants that the verifier takes for mistakes. */
static void expand_constant(struct legal *l, struct ir_insn *i)
{
	s64 n = i->args[1]->imm, mask = i->width - 1;

	if (i->op >= IR_SHL && i->op <= IR_SAR) {
		if (n & ~mask)
			i->args[1] = number(l, n & mask);
	} else if (i->width == 32 ? !(u32)n : !n) {
		if (i->op == IR_UDIV || i->op == IR_SDIV)
			become(i, IR_AND, i->width, i->args[0], number(l, 0));
		else
			become(i, IR_ADD, i->width, i->args[0], number(l, 0));
	}
}

static bool wants_constant(const struct ir_insn *i)
{
	return ((i->op >= IR_UDIV && i->op <= IR_SMOD) || (i->op >= IR_SHL && i->op <= IR_SAR)) &&
	       ir_is_number(i->args[1]);
}

static void expand(struct legal *l, struct ir_insn *i)
{
	l->at = i;
	if (wants_constant(i))
		expand_constant(l, i);
	switch (i->op) {
	case IR_SDIV: case IR_SMOD:
		if (l->f->unit->isa_level < 4)
			expand_sdiv(l, i);
		break;
	case IR_SEXT: expand_sext(l, i); break;
	case IR_ZEXT: expand_zext(l, i); break;
	case IR_ZERO:
		expand_zero(l, i);
		ir_remove(i);
		break;
	case IR_COPY:
		expand_copy(l, i);
		ir_remove(i);
		break;
	default:
		break;
	}
}

/* ---- operands ----------------------------------------------------------------------- */

static enum ir_cc swapped(enum ir_cc cc)
{
	static const u8 by[CC_COUNT] = {
		CC_EQ, CC_NE, CC_UGT, CC_UGE, CC_ULT, CC_ULE, CC_SGT, CC_SGE, CC_SLT, CC_SLE,
		CC_TEST,
	};

	return (enum ir_cc)by[cc];
}

/* A constant goes to the right. */
static void order_operands(struct ir_insn *i)
{
	bool compare = i->op == IR_SET || i->op == IR_BR;
	struct ir_insn *a = i->args[0];

	if ((!ir_is(i, IRF_C) && !compare) || !emit_is_cheap(a) || emit_is_cheap(i->args[1]))
		return;
	i->args[0] = i->args[1];
	i->args[1] = a;
	if (compare)
		i->cc = swapped(i->cc);
}

/* base + n as an offset; a stack address with a number becomes the stack address. */
static void fold_address(struct ir_insn *i, u32 k, s32 *off)
{
	struct ir_insn *base = i->args[k];

	while (base->op == IR_ADD && base->width == 64 && ir_is_number(base->args[1]) &&
	       base->args[1]->imm == (s16)base->args[1]->imm &&
	       base->args[1]->imm + *off == (s16)(base->args[1]->imm + *off)) {
		*off += (s32)base->args[1]->imm;
		base = base->args[0];
	}
	i->args[k] = base;
}

/* Offsets have 16 bits; a stack address takes any. */
static void shorten_offset(struct legal *l, struct ir_insn *i)
{
	if (i->off == (s16)i->off)
		return;
	l->at = i;
	i->args[0] = make(l, IR_ADD, 64, i->args[0], number(l, i->off));
	i->args[0]->mark = !emit_is_cheap(i->args[0]);
	i->off = 0;
}

static void copy_cheap(struct legal *l, struct ir_insn *i, u32 k)
{
	struct ir_insn *v = i->args[k], *c;

	l->at = i;
	c = make(l, v->op, v->width, v->nr_args ? v->args[0] : NULL,
		 v->nr_args ? v->args[1] : NULL);
	c->imm = v->imm;
	c->off = v->off;
	c->core = v->core;
	c->mark = true;
	i->args[k] = c;
}

static bool is_memory(const struct ir_insn *i)
{
	return i->op == IR_LOAD || i->op == IR_STORE || i->op == IR_ADDTO;
}

static void fit_operands(struct legal *l, struct ir_insn *i)
{
	if (i->mark && emit_is_cheap(i))
		return;
	if (i->nr_args == 2)
		order_operands(i);
	if (is_memory(i)) {
		if (i->op != IR_LOAD || !i->core)	/* else a loader looks at the offset */
			fold_address(i, 0, &i->off);
		shorten_offset(l, i);
	}
	i->mark = ir_is(i, IRF_V) && !emit_is_cheap(i);
	if (emit_is_cheap(i))
		return;
	for (u32 k = 0; k < i->nr_args; k++)
		if (emit_is_cheap(i->args[k]) && !i->args[k]->mark && !emit_is_direct(i, k))
			copy_cheap(l, i, k);
}

/* ---- what nobody wants -------------------------------------------------------------- */

/* A look-up has no effect. */
static bool has_effect(const struct ir_insn *i)
{
	return ir_is(i, IRF_E) && !(i->op == IR_CALL && i->imm == BPF_FUNC_map_lookup_elem);
}

void ir_count_uses(struct ir_func *f)
{
	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			i->uses = 0;
	for (struct ir_block *b = f->first; b; b = b->next) {
		for (struct ir_insn *i = b->first; i; i = i->next) {
			for (u32 k = 0; k < i->nr_args; k++)
				i->args[k]->uses++;
			for (size_t p = 0; i->op == IR_PHI && p < b->preds.n; p++)
				i->phi[p]->uses += i->phi[p] != i;
		}
	}
}

static void drop(struct ir_insn *i, struct ir_insn **todo, u32 *n)
{
	for (u32 k = 0; k < i->nr_args; k++)
		if (!--i->args[k]->uses)
			todo[(*n)++] = i->args[k];
	for (size_t p = 0; i->op == IR_PHI && p < i->block->preds.n; p++)
		if (i->phi[p] != i && !--i->phi[p]->uses)
			todo[(*n)++] = i->phi[p];
	ir_remove(i);
}

void ir_drop_unused(struct ir_func *f)
{
	struct arena tmp = ARENA_INIT;
	struct ir_insn **todo = arena_news(&tmp, f->nr_insns + 1, struct ir_insn *);
	u32 n = 0;

	ir_count_uses(f);
	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			if (!i->uses && ir_is(i, IRF_V))
				todo[n++] = i;
	while (n) {
		struct ir_insn *i = todo[--n];

		if (i->block && !has_effect(i))
			drop(i, todo, &n);
	}
	f->ctx = f->ctx && f->ctx->block ? f->ctx : NULL;
	arena_free(&tmp);
}

/* What is there when the function begins stands first. */
static void given_first(struct ir_func *f)
{
	struct ir_block *b = f->first;

	for (struct ir_insn *i = b->first, *next; i; i = next) {
		next = i->next;
		if (i->op == IR_CTX || i->op == IR_ARG) {
			ir_remove(i);
			ir_insert(b, b->first, i);
		}
	}
}

void emit_legalise(struct ir_func *f)
{
	struct legal l = { .f = f };

	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first, *next; i; i = next) {
			next = i->next;
			expand(&l, i);
		}
	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			i->mark = false;
	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			fit_operands(&l, i);
	ir_drop_unused(f);
	given_first(f);
}
