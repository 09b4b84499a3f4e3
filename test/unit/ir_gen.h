/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_gen.h: random functions through the calls that lowering uses: variables that are
 * written in branches and loops, more of them than there are registers; slots, a map of
 * data, elements of an array, functions that are called. Every program is one that a
 * verifier accepts, ends, and depends on no address.
 */
#ifndef TEST_IR_GEN_H
#define TEST_IR_GEN_H

#include "lang/ir.h"

enum { GEN_VARS = 14, GEN_SLOTS = 6, GEN_DATA = 128, GEN_ELEMENTS = 4, GEN_ELEMENT = 32 };

struct gen {
	struct ir_unit *u;
	struct ir_func *f;
	u64 rng;
	u32 vars[GEN_VARS];
	struct ir_insn *slots[GEN_SLOTS];
	u32 slot_bytes[GEN_SLOTS], nr_slots;
	struct ir_insn *elem;	/* a pointer into the array; NULL: none here */
	u32 data, array;	/* maps */
	struct ir_func *sub;	/* that may be called; or NULL */
	u32 depth;
	s32 budget;
};

static inline u32 gen_any(struct gen *g, u32 below)
{
	g->rng = g->rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(g->rng >> 33) % below;
}

static inline s64 gen_number(struct gen *g)
{
	static const s64 odd[] = { 0, 1, -1, 2, 7, 8, 31, 32, 63, 64, 255, 256, 0x7fffffff,
				   -0x80000000ll, 0x80000000ll, 0xffffffffll, 0x100000000ll,
				   INT64_MAX, INT64_MIN, 4096, -7, 10, 1000 };

	if (gen_any(g, 3))
		return odd[gen_any(g, ARRAY_LEN(odd))];
	return (s64)((u64)gen_any(g, 1u << 31) << gen_any(g, 34)) * (gen_any(g, 2) ? 1 : -1);
}

static inline struct ir_insn *gen_read(struct gen *g)
{
	return ir_read(g->f, g->vars[gen_any(g, GEN_VARS)]);
}

static inline void gen_write(struct gen *g, struct ir_insn *v)
{
	ir_write(g->f, g->vars[gen_any(g, GEN_VARS)], v);
}

static inline struct ir_insn *gen_operand(struct gen *g)
{
	return gen_any(g, 3) ? gen_read(g) : ir_const(g->f, gen_number(g));
}

static inline u32 gen_width(struct gen *g)
{
	return gen_any(g, 3) ? 64 : 32;
}

/* Memory that may be read and written: *BYTES from the base. */
static inline struct ir_insn *gen_memory(struct gen *g, u32 *bytes)
{
	u32 k = gen_any(g, 4);

	if (k == 0 && g->elem) {
		*bytes = GEN_ELEMENT;
		return g->elem;
	}
	if (k <= 1) {
		*bytes = GEN_DATA;
		return ir_mapval(g->f, g->data, 0);
	}
	k = gen_any(g, g->nr_slots);
	*bytes = g->slot_bytes[k];
	return g->slots[k];
}

/* SIZE bytes of it, in their place: an offset, and sometimes a variable one. */
static inline struct ir_insn *gen_place(struct gen *g, u32 *size, s32 *off)
{
	u32 bytes, half;
	struct ir_insn *base = gen_memory(g, &bytes), *at;

	*size = 1u << gen_any(g, 4);
	if (*size > bytes)
		*size = bytes;
	*off = (s32)(gen_any(g, bytes / *size) * *size);
	if (gen_any(g, 4) || bytes < 2 * *size || base->op == IR_SLOT)
		return base;
	half = bytes / 2;
	at = ir_op2(g->f, IR_AND, 64, gen_read(g), ir_const(g->f, half - *size));
	*off = (s32)((u32)*off % half);
	*off -= *off % (s32)*size;
	return ir_op2(g->f, IR_ADD, 64, base, at);
}

static inline void gen_alu(struct gen *g)
{
	struct ir_insn *a = gen_operand(g), *b = gen_operand(g);

	gen_write(g, ir_op2(g->f, (enum ir_op)(IR_ADD + gen_any(g, IR_SAR - IR_ADD + 1)),
			    gen_width(g), a, b));
}

static inline void gen_unary(struct gen *g)
{
	struct ir_insn *a = gen_operand(g);
	u32 k = gen_any(g, 4), size = 1u << gen_any(g, 4);

	if (k == 0)
		gen_write(g, ir_neg(g->f, gen_width(g), a));
	else if (k == 1)
		gen_write(g, ir_conv(g->f, IR_BSWAP, size < 2 ? 2 : size, a));
	else
		gen_write(g, ir_conv(g->f, k == 2 ? IR_SEXT : IR_ZEXT, size, a));
}

static inline enum ir_cc gen_cc(struct gen *g)
{
	return (enum ir_cc)gen_any(g, CC_TEST + 1);
}

static inline void gen_set(struct gen *g)
{
	struct ir_insn *a = gen_operand(g), *b = gen_operand(g);

	gen_write(g, ir_set(g->f, gen_cc(g), gen_width(g), a, b));
}

static inline void gen_load(struct gen *g)
{
	u32 size;
	s32 off;
	struct ir_insn *p = gen_place(g, &size, &off);

	gen_write(g, ir_load(g->f, size, gen_any(g, 2), p, off));
}

static inline void gen_store(struct gen *g)
{
	struct ir_insn *v = gen_operand(g), *p;
	u32 size;
	s32 off;

	p = gen_place(g, &size, &off);
	if (size >= 4 && !gen_any(g, 5) && p->op != IR_SLOT)
		ir_addto(g->f, size, p, off, v);
	else
		ir_store(g->f, size, p, off, v);
}

static inline void gen_bulk(struct gen *g)
{
	u32 n, m, from, to, bytes;
	struct ir_insn *p = gen_memory(g, &n), *q = gen_memory(g, &m);

	bytes = 1 + gen_any(g, n < m ? n : m);
	bytes = bytes > 40 ? 40 : bytes;
	to = gen_any(g, n - bytes + 1);
	from = gen_any(g, m - bytes + 1);
	if (gen_any(g, 2) || p->op == q->op)	/* they may overlap */
		ir_zero(g->f, p, (s32)to, bytes);
	else
		ir_copy(g->f, p, (s32)to, q, (s32)from, bytes);
}

static inline void gen_block(struct gen *g);

static inline void gen_if(struct gen *g)
{
	struct ir_block *yes = ir_block_new(g->f), *no = ir_block_new(g->f);
	struct ir_block *end = ir_block_new(g->f);
	struct ir_insn *a = gen_read(g), *b = gen_operand(g);

	ir_br(g->f, gen_cc(g), gen_width(g), a, b, yes, gen_any(g, 3) ? no : end);
	ir_seal(yes);
	ir_seal(no);
	ir_at(g->f, yes);
	gen_block(g);
	ir_jmp(g->f, end);
	if (no->preds.n) {
		ir_at(g->f, no);
		gen_block(g);
		ir_jmp(g->f, end);
	}
	ir_seal(end);
	ir_at(g->f, end);
}

static inline void gen_loop(struct gen *g)
{
	struct ir_block *head = ir_block_new(g->f), *body = ir_block_new(g->f);
	struct ir_block *end = ir_block_new(g->f);
	u32 i = ir_var(g->f);

	ir_write(g->f, i, ir_const(g->f, 0));
	ir_jmp(g->f, head);
	ir_at(g->f, head);
	ir_br(g->f, CC_ULT, 64, ir_read(g->f, i), ir_const(g->f, 2 + gen_any(g, 3)), body, end);
	ir_seal(body);
	ir_at(g->f, body);
	gen_block(g);
	if (!gen_any(g, 3)) {
		struct ir_block *on = ir_block_new(g->f);

		ir_br(g->f, gen_cc(g), 64, gen_read(g), gen_operand(g), end, on);
		ir_seal(on);
		ir_at(g->f, on);
	}
	ir_write(g->f, i, ir_addi(g->f, ir_read(g->f, i), 1));
	ir_jmp(g->f, head);
	ir_seal(head);
	ir_seal(end);
	ir_at(g->f, end);
}

/* An element of the array: what is done with it where there is one. */
static inline void gen_lookup(struct gen *g)
{
	struct ir_block *yes = ir_block_new(g->f), *end = ir_block_new(g->f);
	struct ir_insn *key = ir_slot(g->f, 4, 4), *p, *old = g->elem;

	ir_store(g->f, 4, key, 0, gen_any(g, 2) ? ir_const(g->f, gen_any(g, GEN_ELEMENTS + 1)) :
		 ir_op2(g->f, IR_AND, 64, gen_read(g), ir_const(g->f, 7)));
	p = ir_call(g->f, BPF_FUNC_map_lookup_elem, 2, ir_map(g->f, g->array), key);
	ir_br(g->f, CC_NE, 64, p, ir_const(g->f, 0), yes, end);
	ir_seal(yes);
	ir_at(g->f, yes);
	g->elem = p;
	gen_block(g);
	g->elem = old;
	ir_jmp(g->f, end);
	ir_seal(end);
	ir_at(g->f, end);
}

static inline void gen_update(struct gen *g)
{
	struct ir_insn *key = ir_slot(g->f, 4, 4), *v = ir_slot(g->f, GEN_ELEMENT, 8);

	ir_store(g->f, 4, key, 0, gen_read(g));
	ir_zero(g->f, v, 0, GEN_ELEMENT);
	ir_store(g->f, 8, v, 8 * (s32)gen_any(g, 4), gen_read(g));
	gen_write(g, ir_call(g->f, BPF_FUNC_map_update_elem, 4, ir_map(g->f, g->array), key, v,
			     ir_const(g->f, 0)));
}

static inline void gen_statement(struct gen *g)
{
	u32 k = gen_any(g, 20);

	if (k < 7)
		gen_alu(g);
	else if (k < 9)
		gen_unary(g);
	else if (k < 10)
		gen_set(g);
	else if (k < 12)
		gen_load(g);
	else if (k < 14)
		gen_store(g);
	else if (k < 15)
		gen_bulk(g);
	else if (k < 16 && g->sub)
		gen_write(g, ir_subcall(g->f, g->sub, 3, gen_read(g), gen_operand(g),
					gen_read(g)));
	else if (k < 17)
		gen_update(g);
	else if (g->depth < 3 && k < 18)
		gen_lookup(g);
	else if (g->depth < 2 && k < 19 && !gen_any(g, 2))
		gen_loop(g);
	else if (g->depth < 4)
		gen_if(g);
}

static inline void gen_block(struct gen *g)
{
	u32 n = 1 + gen_any(g, 5);

	g->depth++;
	for (; n && g->budget > 0; n--, g->budget--)
		gen_statement(g);
	g->depth--;
}

/* All variables in one number, so that all live to the end. */
static inline void gen_end(struct gen *g)
{
	struct ir_insn *v = ir_read(g->f, g->vars[0]);

	for (u32 i = 1; i < GEN_VARS; i++)
		v = ir_op2(g->f, IR_ADD, 64,
			   ir_op2(g->f, IR_MUL, 64, v, ir_const(g->f, 0x1000193)),
			   ir_read(g->f, g->vars[i]));
	if (g->f->section) {
		ir_store(g->f, 8, ir_mapval(g->f, g->data, 0), GEN_DATA, v);
		v = ir_op2(g->f, IR_XOR, 64, v, ir_op2(g->f, IR_SHR, 64, v, ir_const(g->f, 32)));
	}
	ir_exit(g->f, v);
}

static inline void gen_start(struct gen *g)
{
	struct ir_insn *data = ir_mapval(g->f, g->data, 0);

	g->elem = NULL;
	g->depth = 0;
	g->nr_slots = 1 + gen_any(g, GEN_SLOTS);
	for (u32 i = 0; i < g->nr_slots; i++) {
		g->slot_bytes[i] = 1u << gen_any(g, 6);
		g->slots[i] = ir_slot(g->f, g->slot_bytes[i],
				      g->slot_bytes[i] < 8 ? g->slot_bytes[i] : 8);
		ir_zero(g->f, g->slots[i], 0, g->slot_bytes[i]);
	}
	for (u32 i = 0; i < GEN_VARS; i++) {
		g->vars[i] = ir_var(g->f);
		if (i < g->f->nr_args)
			ir_write(g->f, g->vars[i], ir_arg(g->f, i));
		else if (gen_any(g, 4))
			ir_write(g->f, g->vars[i], ir_load(g->f, 8, false, data, 8 * (s32)i));
		else if (g->f->section)
			ir_write(g->f, g->vars[i], ir_load(g->f, 4, false, ir_ctx(g->f), 0));
	}
}

static inline struct ir_func *gen_func(struct gen *g, const char *name, const char *section,
				       u32 args, u32 statements)
{
	g->f = ir_func_new(g->u, name, section, args);
	g->budget = (s32)statements;
	gen_start(g);
	while (g->budget > 0)
		gen_block(g);
	gen_end(g);
	return g->f;
}

/* Two maps, a function that is called or none, one program, "main" of section "socket". */
static inline void gen_unit(struct gen *g, struct ir_unit *u, u64 seed)
{
	static const u8 init[GEN_DATA + 8] = { 1, 2, 3, 4, 5, 6, 7, 8, 255, 254, 253 };
	struct ir_map data = { .name = ".data", .type = BPF_MAP_TYPE_ARRAY, .key_bytes = 4,
			       .value_bytes = GEN_DATA + 8, .max_entries = 1, .init = init };
	struct ir_map array = { .name = "array", .type = BPF_MAP_TYPE_ARRAY, .key_bytes = 4,
				.value_bytes = GEN_ELEMENT, .max_entries = GEN_ELEMENTS };

	*g = (struct gen){ .u = u, .rng = seed };
	gen_any(g, 2);
	g->data = ir_map_add(u, &data);
	g->array = ir_map_add(u, &array);
	if (gen_any(g, 2))
		g->sub = gen_func(g, "sub", NULL, 3, 1 + gen_any(g, 12));
	gen_func(g, "main", "socket", 0, 5 + gen_any(g, 60));
}

#endif
