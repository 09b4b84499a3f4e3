/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inline.c: calls of helpers that are a few operations: lookups in arrays, whose map is a
 * constant, and the cpu that a program runs on. What the key of a lookup points to is no
 * longer given away, so that a key on the stack becomes a value.
 */
#include "jit/opt/ir.h"

struct place { struct ir_func *f; struct ir_block *block; u32 slot; };

static struct ir *put(const struct place *p, enum ir_op op, u32 w, struct ir *a, struct ir *b)
{
	struct ir *v = ir_new(p->f, op, w, b ? 2 : 1);

	v->arg[0] = a;
	if (b)
		v->arg[1] = b;
	v->block = p->block;
	v->slot = p->slot;
	*vec_push(&p->block->nodes) = v;
	return v;
}

static struct ir *times(const struct place *p, struct ir *v, u64 n)
{
	return put(p, IR_MUL, 64, v, ir_constant(p->f, n));
}

static struct ir *cpu_of(const struct place *p)
{
	struct ir *v = put(p, IR_LOAD, 32, p->f->params[IR_RUN], NULL);

	v->imm = offsetof(struct run, cpu);
	return v;
}

/* Its address, or 0 when the map has no such element. */
static struct ir *element(const struct place *p, struct ir *key, const struct map_inline *m)
{
	struct ir *i = put(p, IR_LOAD, 32, key, NULL), *at, *v, *base;
	u64 more;

	base = ir_addr(p->f, JIT_VALUES, p->slot, (uintptr_t)m->base, &more);
	if (more)
		base = put(p, IR_ADD, 64, base, ir_constant(p->f, more));
	at = put(p, IR_ADD, 64, times(p, i, m->stride), base);
	if (m->cpu_step)
		at = put(p, IR_ADD, 64, at, times(p, cpu_of(p), m->cpu_step));
	v = ir_new(p->f, IR_SELECT, 32, 4);
	v->arg[0] = i;
	v->arg[1] = ir_constant(p->f, m->nr);
	v->arg[2] = at;
	v->arg[3] = ir_constant(p->f, 0);
	v->cc = IR_ULT;
	v->block = p->block;
	v->slot = p->slot;
	*vec_push(&p->block->nodes) = v;
	return v;
}

/* Where the program is, for who wants to know. */
static void note_site(const struct place *p)
{
	const struct jit_bind *bind = p->f->b->bind;
	u64 more, site = bind->site ? bind->site(bind->arg, p->slot, true) : 0;
	struct ir *at;

	if (!site)
		return;
	at = ir_addr(p->f, JIT_SITE, p->slot, site, &more);
	if (more)
		at = put(p, IR_ADD, 64, at, ir_constant(p->f, more));
	put(p, IR_STORE, 64, p->f->params[IR_RUN], at)->imm = offsetof(struct run, at);
}

/* A call of the map's own function. */
static struct ir *call_map(const struct place *p, struct ir *const arg[2],
			   const struct map_inline *m)
{
	struct ir *v = ir_new(p->f, IR_CALL, 64, 3);

	note_site(p);
	v->arg[0] = arg[0];
	v->arg[1] = arg[1];
	v->arg[2] = p->f->params[IR_RUN];
	v->block = p->block;
	v->slot = p->slot;
	ir_calls(p->f, v, JIT_LOOKUP, (uintptr_t)m->fn);
	*vec_push(&p->block->nodes) = v;
	return v;
}

/* The call V as values behind those of its block, or NULL. */
static struct ir *late(struct ir_func *f, const struct ir *v)
{
	const struct jit_bind *bind = f->b->bind;
	struct ir *const arg[2] = { ir_rep(v->arg[0]), v->n > 1 ? ir_rep(v->arg[1]) : NULL };

	if (!ir_is(v, IR_CALL) || v->n < 3 || f->b->ops[v->slot] != OP_CALL ||
	    bind->insns[v->slot].imm != BPF_FUNC_map_lookup_elem ||
	    v->imm != (uintptr_t)bind->body(bind->arg, v->slot))
		return NULL;
	return ir_inline(f, v->block, v->slot, arg);
}

void ir_inline_late(struct ir_func *f)
{
	for (size_t b = 0; b < f->blocks.n && f->b->bind->lookup; b++) {
		struct ir_block *block = f->blocks.v[b];
		ir_list old = block->nodes;

		block->nodes = (ir_list){ 0 };
		for (size_t i = 0; i < old.n; i++) {
			struct ir *v = late(f, old.v[i]);

			if (v)
				old.v[i]->rep = v;
			else
				*vec_push(&block->nodes) = old.v[i];
		}
		vec_free(&old);
	}
}

struct ir *ir_inline(struct ir_func *f, struct ir_block *block, u32 slot,
		     struct ir *const arg[2])
{
	const struct jit_bind *bind = f->b->bind;
	const struct place p = { f, block, slot };
	struct map_inline m;

	if (!bind->lookup || f->b->ops[slot] != OP_CALL)
		return NULL;
	switch (bind->insns[slot].imm) {
	case BPF_FUNC_map_lookup_elem:
		if (!arg[0] || !ir_is_fixed(arg[0]) || !arg[1] ||
		    !bind->lookup(bind->arg, slot, arg[0]->imm, &m))
			return NULL;
		return m.fn ? call_map(&p, arg, &m) : element(&p, arg[1], &m);
	case BPF_FUNC_get_smp_processor_id:
		return cpu_of(&p);
	default:
		return NULL;
	}
}
