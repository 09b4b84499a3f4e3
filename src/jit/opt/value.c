/* SPDX-License-Identifier: BSD-2-Clause */
/* value.c: making values: numbers, which are kept, and addresses, which may be no numbers. */
#include "jit/opt/ir.h"

const u8 ir_flags[IR_MAX] = {
#define X(name, flags) [IR_##name] = flags,
	IR_OPS(X)
#undef X
};

struct ir *ir_new(struct ir_func *f, enum ir_op op, u32 w, u32 n)
{
	struct ir *v = arena_new(f->arena, struct ir);

	v->op = (u8)op;
	v->w = (u8)w;
	v->n = (u16)n;
	v->bits = 64;
	v->ones = ~0ull;
	v->id = f->nr_nodes++;
	v->arg = n <= ARRAY_LEN(v->own) ? v->own : arena_news(f->arena, n, struct ir *);
	v->place = -1;
	return v;
}

struct ir *ir_free_value(struct ir_func *f, enum ir_op op, u64 imm)
{
	struct ir *v = ir_new(f, op, 64, 0);

	v->imm = imm;
	v->block = f->first;
	return v;
}

struct ir *ir_constant(struct ir_func *f, u64 imm)
{
	struct ir **at = &f->numbers[imm * 0x9e3779b97f4a7c15 >> (64 - NUMBERS_LOG)], *v = *at;

	if (v && v->imm == imm)
		return v;
	v = *at = ir_free_value(f, IR_CONST, imm);
	v->bits = imm ? (u8)(64 - __builtin_clzll(imm)) : 0;
	v->ones = imm;
	return v;
}

enum { ADDRESS_BITS = 56 };	/* of processes, wherever they have memory */

struct ir *ir_addr(struct ir_func *f, enum jit_what what, u32 slot, u64 value, u64 *more)
{
	const struct jit_ref ref = jit_ref(f->b, what, slot, value);
	struct ir *v;

	*more = 0;
	if (!ref.entry)
		return ir_constant(f, value);
	f->entries = true;
	*more = ref.value;
	v = ir_free_value(f, IR_ENTRY, value - ref.value);
	v->entry = ref.disp;
	v->bits = ADDRESS_BITS;
	v->ones = ir_mask(ADDRESS_BITS);
	return v;
}

void ir_calls(struct ir_func *f, struct ir *call, enum jit_what what, u64 value)
{
	const struct jit_ref ref = jit_ref(f->b, what, call->slot, value);

	call->imm = value;
	call->cc = ref.entry;
	call->entry = ref.disp;
	f->entries |= ref.entry;
	f->has_calls = true;
}

void ir_unstamp(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		const struct ir_block *block = f->blocks.v[b];

		for (size_t i = 0; i < block->phis.n; i++)
			block->phis.v[i]->stamp = 0;
		for (size_t i = 0; i < block->nodes.n; i++)
			block->nodes.v[i]->stamp = 0;
	}
}
