/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * move.c: moves that happen at once, one after another: a place is written when nobody is
 * left who reads it; a circle is opened by a register that is free or, when none is, by
 * eight bytes of the stack. A moved value stays the same for a verifier: whole registers,
 * no arithmetic.
 */
#include "lang/emit_in.h"

static bool same_place(struct place a, struct place b)
{
	return a.reg == b.reg && (a.reg != REG_MEM || a.at == b.at);
}

static bool is_read(const struct moves *m, size_t but)
{
	for (size_t i = 0; i < m->n; i++)
		if (i != but && !m->v[i].make && same_place(m->v[i].from, m->v[but].to))
			return true;
	return false;
}

/* A register that nobody needs now; REG_MEM: there is none. */
static u32 free_reg(const struct moves *m, u32 busy)
{
	for (size_t i = 0; i < m->n; i++) {
		busy |= m->v[i].to.reg < REG_COUNT ? 1u << m->v[i].to.reg : 0;
		if (!m->v[i].make && m->v[i].from.reg < REG_COUNT)
			busy |= 1u << m->v[i].from.reg;
	}
	for (u32 r = 0; r < REG_COUNT; r++)
		if (!(busy & 1u << r))
			return r;
	return REG_MEM;
}

/* Where what has no register waits: word 0 for circles, word 1 for a register that serves
 * as another for a moment. */
static s32 rescue(struct out *o, u32 word)
{
	if (!o->ra->rescue) {
		o->ra->stack_bytes += 16;
		o->ra->rescue = -(s32)o->ra->stack_bytes;
	}
	return o->ra->rescue + 8 * (s32)word;
}

static void to_register(struct out *o, u32 reg, const struct move *m)
{
	if (m->make)
		out_make(o, reg, m->make);
	else if (m->from.reg == REG_MEM)
		out_load(o, reg, m->from.at);
	else if (m->from.reg != reg)
		out_copy(o, reg, m->from.reg);
}

static void to_stack(struct out *o, const struct move *m, const struct moves *all, u32 busy)
{
	u32 by = free_reg(all, busy);
	bool lend = by == REG_MEM;

	if (!m->make && m->from.reg != REG_MEM) {
		out_store(o, m->to.at, m->from.reg);
		return;
	}
	if (lend) {
		by = 0;
		out_store(o, rescue(o, 1), by);
	}
	to_register(o, by, m);
	out_store(o, m->to.at, by);
	if (lend)
		out_load(o, by, rescue(o, 1));
}

/* All that read the place of move I read another place. */
static void open_circle(struct out *o, struct moves *m, u32 busy)
{
	struct place from = m->v[0].from, to = { (u8)free_reg(m, busy), 0 };

	for (size_t i = 0; i < m->n && from.reg == REG_MEM && to.reg == REG_MEM; i++)
		if (!m->v[i].make)
			from = m->v[i].from;
	if (to.reg != REG_MEM)
		to_register(o, to.reg, &(struct move){ .from = from });
	else
		to_stack(o, &(struct move){ .from = from,
					    .to = { REG_MEM, rescue(o, 0) } }, m, busy);
	if (to.reg == REG_MEM)
		to.at = rescue(o, 0);
	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].make && same_place(m->v[i].from, from))
			m->v[i].from = to;
}

static bool is_nothing(const struct move *m)
{
	return !m->make && same_place(m->to, m->from);
}

void moves_emit(struct out *o, struct moves *m, u32 busy)
{
	while (m->n) {
		size_t i = 0;

		while (i < m->n && !is_nothing(&m->v[i]) && is_read(m, i))
			i++;
		if (i == m->n) {
			open_circle(o, m, busy);
			continue;
		}
		struct move one = m->v[i];

		if (!is_nothing(&one) && one.to.reg != REG_MEM)
			to_register(o, one.to.reg, &one);
		else if (!is_nothing(&one))
			to_stack(o, &one, m, busy);
		if (one.to.reg < REG_COUNT)
			busy |= 1u << one.to.reg;
		m->v[i] = m->v[--m->n];
	}
}
