/* SPDX-License-Identifier: BSD-2-Clause */
/* show.c: a function of values as text, for those who work on the compiler. */
#include "jit/opt/ir.h"
#include <inttypes.h>

static const char *const names[IR_MAX] = {
#define X(name, flags) [IR_##name] = #name,
	IR_OPS(X)
#undef X
};

static void operand(struct strbuf *out, struct ir *v)
{
	v = ir_rep(v);
	if (ir_is_const(v))
		sb_printf(out, " 0x%" PRIx64, v->imm);
	else if (ir_is_entry(v))
		sb_printf(out, " run%d", v->entry);
	else if (ir_is(v, IR_FP))
		sb_printf(out, " fp%+" PRId64, (s64)v->imm);
	else
		sb_printf(out, " %u", v->id);
}

static void value(struct strbuf *out, const struct ir *v)
{
	sb_printf(out, "\t%u = %s%u", v->id, names[v->op], v->w);
	for (u32 i = 0; i < v->n; i++)
		operand(out, v->arg[i]);
	if (v->index)
		sb_printf(out, " [%u << %u]", v->index->id, v->scale);
	if (v->imm)
		sb_printf(out, " imm 0x%" PRIx64, v->imm);
	if (v->cc)
		sb_printf(out, " cc %u", v->cc);
	sb_printf(out, "\t; slot %u, %u bits, %u uses\n", v->slot, v->bits, v->uses);
}

void ir_show(struct strbuf *out, const struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n; b++) {
		const struct ir_block *block = f->blocks.v[b];

		sb_printf(out, "block %u depth %u%s from", block->id, block->depth,
			  block->header ? " loop" : "");
		for (u32 p = 0; p < block->nr_pred; p++)
			sb_printf(out, " %u", block->pred[p]->id);
		sb_puts(out, " to");
		for (u32 s = 0; s < block->nr_succ; s++)
			sb_printf(out, " %u", block->succ[s]->id);
		sb_putc(out, '\n');
		for (size_t i = 0; i < block->phis.n; i++)
			value(out, block->phis.v[i]);
		for (size_t i = 0; i < block->nodes.n; i++)
			value(out, block->nodes.v[i]);
	}
}
