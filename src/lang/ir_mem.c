/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_mem.c: memory within a block: a load gives what was stored or loaded there before;
 * constants side by side become one store; a store that is written over, or into a stack
 * slot that nobody reads any more, goes. Addresses are told apart by what they are made
 * of. Between blocks nothing is known.
 */
#include "lang/emit_in.h"
#include "lang/opt_in.h"

enum { KNOWN_MAX = 32, CELLS_MAX = 16, OBJECTS_MAX = 16, OBJECT_BYTES = 512, ZERO_MAX = 256 };

/* SIZE bytes at BASE + OFF are V's; of a ZERO, V is NULL. */
struct known { struct ir_insn *base, *v; s32 off; u32 size; };
/* Eight bytes, of which those in MASK are constants that were stored by STORES. */
struct cell { struct ir_insn *base; s32 off; u8 mask, bytes[8]; struct ir_insn *stores[8]; u32 n; };
/* Bytes of what BASE points to that will be written before anybody reads them. */
struct object { struct ir_insn *base; u64 dead[OBJECT_BYTES / 64]; };

struct memory {
	struct opt *o;
	u8 *leaks;		/* by slot */
	struct known known[KNOWN_MAX];
	u32 nr_known;
	struct cell cells[CELLS_MAX];
	u32 nr_cells;
	struct object objects[OBJECTS_MAX];
	u32 nr_objects;
	bool exits;		/* the block ends the function */
};
enum { PASSED = 1, LEAKED = 2 };

/* ---- who is who --------------------------------------------------------------------- */

/* What an address was made of. */
static const struct ir_insn *root_of(const struct ir_insn *v)
{
	for (u32 n = 0; n < 8 && v->op == IR_ADD && v->width == 64; n++)
		v = v->args[1]->op == IR_SLOT || v->args[1]->op == IR_MAPVAL ? v->args[1] :
									       v->args[0];
	return v;
}

static bool is_elsewhere(const struct ir_insn *v)
{
	return v->op == IR_MAPVAL || v->op == IR_CTX || v->op == IR_CALL;
}

/* Do the addresses surely point into different things? */
static bool apart(const struct ir_insn *a, const struct ir_insn *b)
{
	a = root_of(a);
	b = root_of(b);
	if (a == b)
		return false;
	if (a->op == IR_SLOT && b->op == IR_SLOT)
		return a->imm != b->imm;
	if (a->op == IR_MAPVAL && b->op == IR_MAPVAL)
		return a->imm != b->imm;
	if (a->op == IR_SLOT || a->op == IR_CTX || a->op == IR_MAPVAL)
		return is_elsewhere(b) || (b->op == IR_SLOT && a->op != IR_SLOT);
	return (b->op == IR_SLOT || b->op == IR_CTX || b->op == IR_MAPVAL) && is_elsewhere(a);
}

static bool overlap(s32 a, u32 an, s32 b, u32 bn)
{
	return a < b + (s64)bn && b < a + (s64)an;
}

static u32 width_of(const struct ir_insn *i)
{
	return i->op == IR_ZERO || i->op == IR_COPY ? (u32)i->imm : i->size;
}

static bool writes(const struct ir_insn *i)
{
	return i->op == IR_STORE || i->op == IR_ADDTO || i->op == IR_ZERO || i->op == IR_COPY;
}

static void leak(struct memory *m, const struct ir_insn *v, u8 how)
{
	v = root_of(v);
	if (v->op == IR_SLOT)
		m->leaks[v->imm] |= how;
}

/* What happens to addresses of slots. */
static void note_leaks(struct memory *m, const struct ir_insn *i)
{
	for (u32 k = 0; k < i->nr_args; k++) {
		bool base = k == 0 && (i->op == IR_LOAD || writes(i));
		bool source = k == 1 && i->op == IR_COPY;

		if (base || source || i->op == IR_ADD)
			continue;
		leak(m, i->args[k], i->op == IR_CALL ? PASSED : LEAKED);
	}
	for (size_t p = 0; i->op == IR_PHI && p < i->block->preds.n; p++)
		leak(m, i->phi[p], LEAKED);
}

/* Helpers that touch no memory but what an operand points to. */
static bool is_quiet(const struct ir_insn *i)
{
	if (i->op != IR_CALL)
		return false;
	switch (i->imm) {
	case BPF_FUNC_ktime_get_ns: case BPF_FUNC_ktime_get_boot_ns:
	case BPF_FUNC_ktime_get_coarse_ns: case BPF_FUNC_ktime_get_tai_ns:
	case BPF_FUNC_jiffies64: case BPF_FUNC_get_prandom_u32: case BPF_FUNC_get_current_comm:
		return true;
	default:
		return ir_is_steady_call(i);
	}
}

/* Helpers that write all of what operand 0 points to, operand 1 bytes, and read none. */
static u32 fills(const struct ir_insn *i)
{
	bool known = i->op == IR_CALL && i->nr_args > 1 && ir_is_number(i->args[1]) &&
		     (i->imm == BPF_FUNC_get_current_comm ||
		      i->imm == BPF_FUNC_probe_read_kernel || i->imm == BPF_FUNC_probe_read_user ||
		      i->imm == BPF_FUNC_probe_read);

	return known && i->args[1]->imm > 0 && i->args[1]->imm <= OBJECT_BYTES ?
	       (u32)i->args[1]->imm : 0;
}

/* Does call I see or change what V points to? */
static bool call_sees(const struct memory *m, const struct ir_insn *i, const struct ir_insn *v)
{
	v = root_of(v);
	if (is_quiet(i))
		return i->nr_args && !apart(v, i->args[0]);
	if (v->op != IR_SLOT || m->leaks[v->imm] & LEAKED)
		return true;
	for (u32 k = 0; k < i->nr_args; k++) {
		const struct ir_insn *r = root_of(i->args[k]);

		if (r->op == IR_SLOT && r->imm == v->imm)
			return true;
	}
	return false;
}

/* ---- what is known of memory -------------------------------------------------------- */

static void forget(struct memory *m, const struct ir_insn *i)
{
	u32 n = 0;

	for (u32 k = 0; k < m->nr_known; k++) {
		const struct known *x = &m->known[k];
		bool gone = ir_is_call(i) ? call_sees(m, i, x->base) :
			    x->base == i->args[0] ?
			    overlap(x->off, x->size, i->off, width_of(i)) :
			    !apart(x->base, i->args[0]);

		if (!gone)
			m->known[n++] = *x;
	}
	m->nr_known = n;
}

static void learn(struct memory *m, struct ir_insn *base, s32 off, u32 size, struct ir_insn *v)
{
	if (m->nr_known == KNOWN_MAX) {
		memmove(m->known, m->known + 1, (KNOWN_MAX - 1) * sizeof(*m->known));
		m->nr_known--;
	}
	m->known[m->nr_known++] = (struct known){ base, v, off, size };
}

static struct ir_insn *convert(struct memory *m, struct ir_insn *i, struct ir_insn *v)
{
	struct ir_insn *c;

	if (i->size == 8 || (!i->sx && opt_bits(v) <= 8u * i->size) ||
	    (v->op == IR_LOAD && v->size == i->size && v->sx == i->sx))
		return v;
	c = ir_insn_new(m->o->f, i->sx ? IR_SEXT : IR_ZEXT);
	c->size = i->size;
	c->line = i->line;
	c->args[c->nr_args++] = v;
	ir_insert(i->block, i, c);
	return c;
}

static struct ir_insn *remembered(struct memory *m, struct ir_insn *i)
{
	for (u32 k = m->nr_known; k-- > 0; ) {
		const struct known *x = &m->known[k];

		if (x->base != i->args[0])
			continue;
		if (x->v && x->off == i->off && x->size == i->size)
			return convert(m, i, x->v);
		if (!x->v && i->off >= x->off && i->off + i->size <= x->off + (s64)x->size)
			return opt_number(m->o, 0);
	}
	return NULL;
}

/* ---- constants side by side --------------------------------------------------------- */

static void drop_cells(struct memory *m, const struct ir_insn *i)
{
	u32 n = 0;

	for (u32 k = 0; k < m->nr_cells; k++) {
		const struct cell *c = &m->cells[k];
		bool gone = ir_is_call(i) ? call_sees(m, i, c->base) :
			    c->base == i->args[0] ?
			    overlap(c->off, 8, i->off, width_of(i)) : !apart(c->base, i->args[0]);

		if (!gone && i->op == IR_COPY)
			gone = c->base == i->args[1] || !apart(c->base, i->args[1]);
		if (!gone)
			m->cells[n++] = *c;
	}
	m->nr_cells = n;
}

static struct cell *cell_of(struct memory *m, const struct ir_insn *i)
{
	s32 off = i->off & ~7;

	for (u32 k = 0; k < m->nr_cells; k++)
		if (m->cells[k].base == i->args[0] && m->cells[k].off == off)
			return &m->cells[k];
	if (m->nr_cells == CELLS_MAX) {
		memmove(m->cells, m->cells + 1, (CELLS_MAX - 1) * sizeof(*m->cells));
		m->nr_cells--;
	}
	m->cells[m->nr_cells] = (struct cell){ .base = i->args[0], .off = off };
	return &m->cells[m->nr_cells++];
}

static s64 cell_value(const struct cell *c, u32 at, u32 size)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	u64 v = 0;

	for (u32 k = 0; k < size; k++)
		v |= (u64)c->bytes[at + k] << 8 * (little ? k : size - 1 - k);
	return size == 8 ? (s64)v : (s64)(v << (64 - 8 * size)) >> (64 - 8 * size);
}

/* The stores into [AT, AT + SIZE) of the cell become one, I, the last of them; false: they
 * reach beyond it. */
static bool merge(struct memory *m, struct cell *c, struct ir_insn *i, u32 at, u32 size)
{
	u32 n = 0;

	for (u32 k = 0; k < c->n; k++) {
		s32 from = c->stores[k]->off - c->off;

		if (overlap(from, c->stores[k]->size, (s32)at, size) &&
		    (from < (s32)at || from + c->stores[k]->size > (s32)(at + size)))
			return false;
	}
	for (u32 k = 0; k < c->n; k++) {
		s32 from = c->stores[k]->off - c->off;

		if (!overlap(from, c->stores[k]->size, (s32)at, size))
			c->stores[n++] = c->stores[k];
		else if (c->stores[k] != i)
			ir_remove(c->stores[k]);
	}
	c->stores[n++] = i;
	c->n = n;
	i->off = c->off + (s32)at;
	i->size = (u8)size;
	i->args[1] = opt_number(m->o, cell_value(c, at, size));
	return true;
}

static void try_merge(struct memory *m, struct cell *c, struct ir_insn *i)
{
	u32 align = emit_align_of(m->o->f, i->args[0]);

	for (u32 size = 8; size > i->size && size > 1; size /= 2) {
		u32 at = (u32)(i->off - c->off) & ~(size - 1);
		u32 mask = ((1u << size) - 1) << at;
		s64 v = cell_value(c, at, size);

		if (size <= align && (c->mask & mask) == mask && v == (s32)v &&
		    merge(m, c, i, at, size))
			return;
	}
}

static void note_constant(struct memory *m, struct ir_insn *i)
{
	struct cell *c = cell_of(m, i);
	u32 at = (u32)(i->off & 7);
	u64 v = (u64)i->args[1]->imm;
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (at + i->size > 8 || c->n == ARRAY_LEN(c->stores)) {
		drop_cells(m, i);
		return;
	}
	for (u32 k = 0; k < i->size; k++)
		c->bytes[at + k] = (u8)(v >> 8 * (little ? k : i->size - 1 - k));
	c->mask |= (u8)(((1u << i->size) - 1) << at);
	c->stores[c->n++] = i;
	try_merge(m, c, i);
	/* one that covers others is all that is left of them */
	merge(m, c, i, (u32)(i->off - c->off), i->size);
}

/* ---- forwards ----------------------------------------------------------------------- */

static void expand_zero(struct memory *m, struct ir_insn *i)
{
	u32 align = emit_align_of(m->o->f, i->args[0]), n;

	for (u32 at = 0; at < (u32)i->imm; at += n) {
		struct ir_insn *s = ir_insn_new(m->o->f, IR_STORE);

		n = 8;
		while (n > 1 && (n > align || ((u32)i->off + at) % n || n > (u32)i->imm - at))
			n /= 2;
		s->args[0] = i->args[0];
		s->args[1] = opt_number(m->o, 0);
		s->nr_args = 2;
		s->size = (u8)n;
		s->off = i->off + (s32)at;
		s->line = i->line;
		ir_insert(i->block, i, s);
	}
	ir_remove(i);
}

static void see_load(struct memory *m, struct ir_insn *i)
{
	struct ir_insn *v = i->core ? NULL : remembered(m, i);

	if (v) {
		ir_remove(i);
		i->same = v;
		return;
	}
	drop_cells(m, i);
	if (!i->core)
		learn(m, i->args[0], i->off, i->size, i);
}

/* Stores of constants to places apart may go down past it; all others of the cell are over. */
static void see_store(struct memory *m, struct ir_insn *i)
{
	bool constant = i->op == IR_STORE && ir_is_number(i->args[1]);

	forget(m, i);
	if (constant) {
		for (u32 k = 0; k < m->nr_cells; k++)
			if (m->cells[k].base != i->args[0] &&
			    !apart(m->cells[k].base, i->args[0])) {
				drop_cells(m, i);
				break;
			}
		learn(m, i->args[0], i->off, i->size, i->args[1]);
		note_constant(m, i);
		return;
	}
	drop_cells(m, i);
	if (i->op == IR_STORE)
		learn(m, i->args[0], i->off, i->size, i->args[1]);
	else if (i->op == IR_ZERO)
		learn(m, i->args[0], i->off, (u32)i->imm, NULL);
}

static void see(struct memory *m, struct ir_insn *i)
{
	for (u32 k = 0; k < i->nr_args; k++)
		i->args[k] = ir_real(i->args[k]);
	if (i->op == IR_LOAD) {
		see_load(m, i);
	} else if (writes(i)) {
		see_store(m, i);
	} else if (ir_is_call(i)) {
		forget(m, i);
		drop_cells(m, i);
	} else if (i->op == IR_FRESH) {
		m->nr_known = m->nr_cells = 0;
	}
}

static void forwards(struct memory *m, struct ir_block *b)
{
	m->nr_known = m->nr_cells = 0;
	for (struct ir_insn *i = b->first, *next; i; i = next) {
		next = i->next;
		if (i->op == IR_ZERO && i->imm <= ZERO_MAX) {
			struct ir_insn *prev = i->prev;

			expand_zero(m, i);
			next = prev ? prev->next : b->first;
			continue;
		}
		see(m, i);
	}
}

/* ---- backwards ---------------------------------------------------------------------- */

static struct object *object_of(struct memory *m, struct ir_insn *base)
{
	struct object *x;

	for (u32 k = 0; k < m->nr_objects; k++)
		if (m->objects[k].base == base)
			return &m->objects[k];
	if (m->nr_objects == OBJECTS_MAX) {
		memmove(m->objects, m->objects + 1, (OBJECTS_MAX - 1) * sizeof(*m->objects));
		m->nr_objects--;
	}
	x = &m->objects[m->nr_objects++];
	memset(x, 0, sizeof(*x));
	x->base = base;
	return x;
}

static bool inside(s32 off, u32 n)
{
	return off >= 0 && n && (u64)off + n <= OBJECT_BYTES;
}

static bool all_dead(const struct object *x, s32 off, u32 n)
{
	bool dead = inside(off, n);

	for (u32 k = 0; dead && k < n; k++)
		dead = x->dead[((u32)off + k) / 64] >> ((u32)off + k) % 64 & 1;
	return dead;
}

static void set_dead(struct object *x, s32 off, u32 n, bool dead)
{
	for (u32 k = 0; inside(off, n) && k < n; k++) {
		u64 bit = 1ull << ((u32)off + k) % 64, *w = &x->dead[((u32)off + k) / 64];

		*w = dead ? *w | bit : *w & ~bit;
	}
}

/* N bytes at BASE + OFF are read. */
static void read_bytes(struct memory *m, const struct ir_insn *base, s32 off, u32 n)
{
	for (u32 k = 0; k < m->nr_objects; k++) {
		struct object *x = &m->objects[k];

		if (x->base == base && inside(off, n))
			set_dead(x, off, n, false);
		else if (x->base == base || !apart(x->base, base))
			memset(x->dead, 0, sizeof(x->dead));
	}
}

/* BASE + OFF, when that is a number. */
static struct ir_insn *split_address(struct ir_insn *v, s32 *off)
{
	*off = 0;
	if (v->op != IR_ADD || v->width != 64 || !ir_is_number(v->args[1]) ||
	    v->args[1]->imm != (s16)v->args[1]->imm)
		return v;
	*off = (s32)v->args[1]->imm;
	return v->args[0];
}

static void see_call_back(struct memory *m, const struct ir_insn *i)
{
	s32 off;

	if (fills(i)) {
		struct ir_insn *base = split_address(i->args[0], &off);

		if (is_quiet(i)) {	/* nothing else is touched */
			set_dead(object_of(m, base), off, fills(i), true);
			return;
		}
	}
	for (u32 k = 0; k < m->nr_objects; k++)
		if (call_sees(m, i, m->objects[k].base))
			memset(m->objects[k].dead, 0, sizeof(m->objects[k].dead));
	if (fills(i)) {
		struct ir_insn *base = split_address(i->args[0], &off);

		set_dead(object_of(m, base), off, fills(i), true);
	}
}

/* The same slot again, by another instruction. */
static void slots_die(struct memory *m, s64 slot)
{
	for (u32 k = 0; k < m->nr_objects; k++)
		if (m->objects[k].base->op == IR_SLOT && m->objects[k].base->imm == slot)
			memset(m->objects[k].dead, 0xff, sizeof(m->objects[k].dead));
}

/* False: the store goes. */
static bool store_stays(struct memory *m, struct ir_insn *i)
{
	struct object *x = object_of(m, i->args[0]);

	if (all_dead(x, i->off, width_of(i)))
		return false;
	set_dead(x, i->off, width_of(i), true);
	return true;
}

static void see_back(struct memory *m, struct ir_insn *i)
{
	switch (i->op) {
	case IR_LOAD:
		read_bytes(m, i->args[0], i->off, i->size);
		break;
	case IR_ADDTO:
		read_bytes(m, i->args[0], i->off, i->size);
		break;
	case IR_STORE: case IR_ZERO:
		if (!store_stays(m, i))
			ir_remove(i);
		break;
	case IR_COPY:
		if (store_stays(m, i))
			read_bytes(m, i->args[1], i->src_off, (u32)i->imm);
		else
			ir_remove(i);
		break;
	case IR_FRESH: slots_die(m, i->imm); break;
	default:
		if (ir_is_call(i))
			see_call_back(m, i);
	}
}

/* Where the function ends its stack does. */
static void dead_slots(struct memory *m, struct ir_block *b)
{
	for (struct ir_insn *i = b->last; i; i = i->prev)
		if (writes(i) && i->args[0]->op == IR_SLOT && m->nr_objects < OBJECTS_MAX)
			object_of(m, i->args[0]);
	for (u32 k = 0; k < m->nr_objects; k++)
		slots_die(m, m->objects[k].base->imm);
}

static void backwards(struct memory *m, struct ir_block *b)
{
	m->nr_objects = 0;
	if (b->last->op == IR_EXIT)
		dead_slots(m, b);
	for (struct ir_insn *i = b->last, *prev; i; i = prev) {
		prev = i->prev;
		see_back(m, i);
	}
}

void opt_memory(struct opt *o)
{
	struct memory *m = arena_new(&o->arena, struct memory);

	m->o = o;
	m->leaks = arena_news(&o->arena, o->f->slots.n + 1, u8);
	for (struct ir_block *b = o->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			note_leaks(m, i);
	for (struct ir_block *b = o->f->first; b; b = b->next) {
		forwards(m, b);
		backwards(m, b);
	}
}
