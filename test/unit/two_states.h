/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * two_states.h: two states of the verifier that are alike, for tests that change one
 * thing in one of them (prune_test, inv_parts_test).
 */
#ifndef TWO_STATES_H
#define TWO_STATES_H

#include "verify/explore.h"
#include "verify/pack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { HERE = 2, CALLSITE = 4, SLOTS = 3 };

static struct verifier v;
static struct bpf_insn insns[8];
static struct point points[8];
static const struct btf types[2];
static struct state *old, *new;

/* ---- two states ---------------------------------------------------------- */

/* A program in a function of its own: two frames, each with slots. */
static struct state *fresh(void)
{
	struct state *s = state_new(&v);

	state_push_frame(&v, s, 0, 0);
	state_push_frame(&v, s, 1, CALLSITE);
	s->frames[1]->kind = FRAME_CALL;
	s->insn = HERE;
	for (u32 f = 0; f < 2; f++)
		state_grow(&v, s, f, SLOTS);
	return s;
}

/* What the last test has left goes; as a group's teardown, too. */
static int end(void **unused UNUSED)
{
	shared_free(&v);
	vec_free(&v.defs);
	vec_free(&v.marks);
	arena_free(&v.mem);
	return 0;
}

static void begin(void)
{
	end(NULL);
	memset(&v, 0, sizeof(v));
	v.insns = insns;
	v.points = points;
	insns[CALLSITE].code = BPF_JMP | BPF_CALL;
	for (u32 i = 0; i < ARRAY_LEN(points); i++)
		points[i].live = 0x3ff;
	old = fresh();
	new = fresh();
}

/* STMT on the innermost frame F of S, its first register R and slot T. */
#define ON(which, stmt) do {						\
	struct state *s = (which);					\
	struct frame *f = state_frame(s);				\
	struct reg *r = &f->regs[1];					\
	struct slot *t = &f->slots[0];					\
	(void)r, (void)t;						\
	stmt;								\
} while (0)

/* ---- what registers and slots hold --------------------------------------- */

static void number(struct reg *r, struct scalar val)
{
	reg_set_scalar(&v, r, val);
}

static void pointer(struct reg *r, enum reg_type type)
{
	reg_set_ptr(r, type, 0);
}

static void bytes(struct slot *t, u8 kind)
{
	memset(t->kind, kind, SLOT_BYTES);
	reg_set_none(&t->reg);
}

static void spill(struct slot *t, u32 size, enum reg_type type)
{
	bytes(t, SLOT_MISC);
	memset(t->kind, SLOT_SPILL, size);
	if (type == REG_SCALAR)
		number(&t->reg, scalar_const(7));
	else
		pointer(&t->reg, type);
}

static inline void ref(struct state *s, enum ref_kind kind)
{
	ref_find(s, ref_acquire(&v, s, kind))->map = 1;
}

#endif
