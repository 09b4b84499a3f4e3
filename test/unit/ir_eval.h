/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_eval.h: runs intermediate code by what ir.def says of each operation, without
 * registers, stack or BPF: the measure for what the compiler makes of it. Addresses are
 * this process's. Knows helper 1 (lookup) and 2 (update) on arrays.
 */
#ifndef TEST_IR_EVAL_H
#define TEST_IR_EVAL_H

#include "lang/ir_in.h"

struct ir_world {
	struct ir_unit *u;
	u8 **maps;		/* by map: its elements */
	const u8 *ctx;
	u64 steps;		/* that are left; 0: it did not end */
};

static inline u64 eval_ext(u64 v, u32 size, bool sx)
{
	u32 bits = 64 - 8 * size;

	return !bits ? v : sx ? (u64)((s64)(v << bits) >> bits) : v << bits >> bits;
}

static inline u64 eval_div(enum ir_op op, u32 w, u64 a, u64 b)
{
	bool is_signed = op == IR_SDIV || op == IR_SMOD, div = op == IR_UDIV || op == IR_SDIV;
	s64 x = (s64)a, y = (s64)b;

	if (w == 32 && is_signed) {
		x = (s32)a;
		y = (s32)b;
	}
	if (!b)
		return div ? 0 : a;
	if (!is_signed)
		return div ? a / b : a % b;
	if (y == -1)
		return div ? 0 - (u64)x : 0;
	return (u64)(div ? x / y : x % y);
}

static inline u64 eval_alu(enum ir_op op, u32 w, u64 a, u64 b)
{
	u64 mask = w == 32 ? UINT32_MAX : UINT64_MAX, n = b & (w - 1);

	a &= mask;
	b &= mask;
	switch (op) {
	case IR_ADD: a += b; break;
	case IR_SUB: a -= b; break;
	case IR_MUL: a *= b; break;
	case IR_UDIV: case IR_UMOD: case IR_SDIV: case IR_SMOD: a = eval_div(op, w, a, b); break;
	case IR_AND: a &= b; break;
	case IR_OR: a |= b; break;
	case IR_XOR: a ^= b; break;
	case IR_SHL: a <<= n; break;
	case IR_SHR: a >>= n; break;
	case IR_SAR: a = w == 32 ? (u64)((s32)a >> n) : (u64)((s64)a >> n); break;
	default: a = 0 - a;
	}
	return a & mask;
}

static inline bool eval_cc(enum ir_cc cc, u32 w, u64 a, u64 b)
{
	s64 x = w == 32 ? (s32)a : (s64)a, y = w == 32 ? (s32)b : (s64)b;

	a = w == 32 ? (u32)a : a;
	b = w == 32 ? (u32)b : b;
	switch (cc) {
	case CC_EQ: return a == b;
	case CC_NE: return a != b;
	case CC_ULT: return a < b;
	case CC_ULE: return a <= b;
	case CC_UGT: return a > b;
	case CC_UGE: return a >= b;
	case CC_SLT: return x < y;
	case CC_SLE: return x <= y;
	case CC_SGT: return x > y;
	case CC_SGE: return x >= y;
	default: return a & b;
	}
}

struct ir_frame { struct ir_world *w; u64 *v; u8 **slots; const u64 *args; };

static inline u64 eval_arg(const struct ir_frame *fr, const struct ir_insn *i, u32 k)
{
	return fr->v[ir_real(i->args[k])->id];
}

static inline u64 eval_swap(u64 v, u32 size)
{
	return __builtin_bswap64(v) >> (64 - 8 * size);
}

static inline u64 eval_func(struct ir_world *w, const struct ir_func *f, const u64 *args);

static inline u64 eval_helper(struct ir_frame *fr, const struct ir_insn *i)
{
	u64 map = eval_arg(fr, i, 0);
	const struct ir_map *m = &fr->w->u->maps.v[map];
	u32 key;
	u8 *at;

	memcpy(&key, (void *)eval_arg(fr, i, 1), 4);
	at = fr->w->maps[map] + key * (size_t)m->value_bytes;
	if (i->imm == BPF_FUNC_map_lookup_elem)
		return key < m->max_entries ? (u64)(uintptr_t)at : 0;
	if (key >= m->max_entries)
		return (u64)-E2BIG;
	memcpy(at, (void *)eval_arg(fr, i, 2), m->value_bytes);
	return 0;
}

static inline u64 eval_call(struct ir_frame *fr, const struct ir_insn *i)
{
	u64 args[5];

	for (u32 k = 0; k < i->nr_args; k++)
		args[k] = eval_arg(fr, i, k);
	if (i->op == IR_SUBCALL)
		return eval_func(fr->w, fr->w->u->funcs.v[i->imm], args);
	return eval_helper(fr, i);
}

static inline u8 *eval_at(const struct ir_frame *fr, const struct ir_insn *i, u32 k, s32 off)
{
	return (u8 *)(uintptr_t)(eval_arg(fr, i, k) + (u64)(s64)off);
}

static inline u64 eval_memory(struct ir_frame *fr, const struct ir_insn *i)
{
	u8 *p = eval_at(fr, i, 0, i->off);
	u64 v = 0, add;

	switch (i->op) {
	case IR_LOAD:
		memcpy(&v, p, i->size);
		return eval_ext(v, i->size, i->sx);
	case IR_STORE:
		v = eval_arg(fr, i, 1);
		memcpy(p, &v, i->size);
		break;
	case IR_ADDTO:
		add = eval_arg(fr, i, 1);
		memcpy(&v, p, i->size);
		v += add;
		memcpy(p, &v, i->size);
		break;
	case IR_ZERO: memset(p, 0, (size_t)i->imm); break;
	default: memmove(p, eval_at(fr, i, 1, i->src_off), (size_t)i->imm);
	}
	return 0;
}

static inline u64 eval_insn(struct ir_frame *fr, const struct ir_insn *i)
{
	switch (i->op) {
	case IR_CONST: return (u64)i->imm;
	case IR_CTX: return (u64)(uintptr_t)fr->w->ctx;
	case IR_ARG: return fr->args[i->imm];
	case IR_SLOT: return (u64)(uintptr_t)fr->slots[i->imm];
	case IR_MAP: return (u64)i->imm;
	case IR_MAPVAL: return (u64)(uintptr_t)(fr->w->maps[i->imm] + i->off);
	case IR_NEG: return eval_alu(IR_NEG, i->width, eval_arg(fr, i, 0), 0);
	case IR_SEXT: return eval_ext(eval_arg(fr, i, 0), i->size, true);
	case IR_ZEXT: return eval_ext(eval_arg(fr, i, 0), i->size, false);
	case IR_BSWAP: return eval_swap(eval_arg(fr, i, 0), i->size);
	case IR_SET: return eval_cc(i->cc, i->width, eval_arg(fr, i, 0), eval_arg(fr, i, 1));
	case IR_LOAD: case IR_STORE: case IR_ADDTO: case IR_ZERO: case IR_COPY:
		return eval_memory(fr, i);
	case IR_CALL: case IR_SUBCALL: return eval_call(fr, i);
	case IR_FRESH: return 0;
	default: return eval_alu(i->op, i->width, eval_arg(fr, i, 0), eval_arg(fr, i, 1));
	}
}

/* All phis of B at once, coming from FROM. */
static inline struct ir_insn *eval_phis(struct ir_frame *fr, struct ir_block *b,
					const struct ir_block *from)
{
	struct ir_insn *i;
	u64 v[256];
	u32 n = 0, p = 0;

	while (p < b->preds.n && b->preds.v[p] != from)
		p++;
	for (i = b->first; i->op == IR_PHI; i = i->next)
		v[n++ & 255] = fr->v[ir_real(i->phi[p])->id];
	n = 0;
	for (i = b->first; i->op == IR_PHI; i = i->next)
		fr->v[i->id] = v[n++ & 255];
	return i;
}

static inline u64 eval_blocks(struct ir_frame *fr, struct ir_block *b)
{
	struct ir_block *from = NULL;

	while (fr->w->steps) {
		struct ir_insn *i = eval_phis(fr, b, from);

		for (; !ir_is(i, IRF_T); i = i->next)
			fr->v[i->id] = eval_insn(fr, i);
		fr->w->steps--;
		from = b;
		if (i->op == IR_EXIT)
			return eval_arg(fr, i, 0);
		b = i->to[0];
		if (i->op == IR_BR && !eval_cc(i->cc, i->width, eval_arg(fr, i, 0),
					       eval_arg(fr, i, 1)))
			b = i->to[1];
	}
	return 0;
}

/* F must be settled. */
static inline u64 eval_func(struct ir_world *w, const struct ir_func *f, const u64 *args)
{
	struct arena a = ARENA_INIT;
	struct ir_frame fr = { .w = w, .args = args };
	u64 r;

	fr.v = arena_news(&a, f->nr_insns + 1, u64);
	fr.slots = arena_news(&a, f->slots.n + 1, u8 *);
	for (size_t i = 0; i < f->slots.n; i++)
		fr.slots[i] = arena_alloc(&a, f->slots.v[i].bytes);
	r = eval_blocks(&fr, f->first);
	arena_free(&a);
	return r;
}

#endif
