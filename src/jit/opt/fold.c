/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fold.c: each value as the simplest that computes the same, and values that
 * compute the same as one, where the first is on every way to the second. Blocks
 * are taken in reverse postorder, so operands (but PHIs') are simple already.
 */
#include "jit/opt/ir.h"
#include <stdlib.h>

struct known { struct ir *v; u32 hash; };

struct table {
	struct known *v;
	u32 size, n;		/* size is a power of two */
	struct ir_block *block;	/* at work */
	ir_list *out;		/* its nodes */
	u32 slot;		/* of the node at work */
	u32 epoch;		/* grows with each write to memory in the block */
	u32 stamp;		/* of this time; numbers that are known have it */
};

static struct table *table_of(struct ir_func *f) { return f->table; }

/* ---- which bits a value has ---------------------------------------------- */

static u32 bits_of_const(u64 v) { return v ? 64 - (u32)__builtin_clzll(v) : 0; }

static u32 min_u32(u32 a, u32 b) { return a < b ? a : b; }

/* Bits that all numbers with bits in ONES have 0 at the low end. */
static u32 low_zeros(u64 ones) { return ones ? (u32)__builtin_ctzll(ones) : 64; }

/* Numbers below 2^BITS in width W whose ZEROS low bits are 0. */
static u64 ones_below(u32 bits, u32 w, u32 zeros)
{
	return zeros >= 64 ? 0 : ir_mask(min_u32(bits, w)) & ~ir_mask(zeros);
}

static u64 ones_of_two(const struct ir *v)
{
	const struct ir *x = ir_rep(v->arg[0]), *y = ir_rep(v->arg[1]);
	u32 w = v->w, k = ir_is_const(y) ? (u32)y->imm & (w - 1) : 0;
	u64 m = ir_mask(w), a = x->ones & m, b = y->ones & m;
	u32 na = bits_of_const(a), nb = bits_of_const(b), more = na > nb ? na : nb;
	u32 za = low_zeros(a), zb = low_zeros(b);

	switch ((enum ir_op)v->op) {
	case IR_AND: return a & b;
	case IR_OR:
	case IR_XOR: return a | b;
	case IR_ADD: return ones_below(more + 1, w, min_u32(za, zb));
	case IR_SUB: return ones_below(w, w, min_u32(za, zb));
	case IR_MUL: return ones_below(na + nb, w, za + zb);
	case IR_SHL: return ir_is_const(y) ? a << k & m : m;
	case IR_SHR: return ir_is_const(y) ? a >> k : ir_mask(na);
	case IR_UDIV:
	case IR_UMOD: return ir_mask(na);
	default: return m;
	}
}

static u64 rotated(u64 x, u32 w, u32 k)
{
	return (x << k | x >> (w - k)) & ir_mask(w);
}

static u64 ones_of_phi(const struct ir *v)
{
	u64 ones = 0;

	for (u32 i = 0; i < v->n; i++)
		ones |= v->arg[i] == v ? 0 : ir_rep(v->arg[i])->ones;
	return ones;
}

/* Bits of V that may be 1. */
static u64 ones_of(const struct ir *v)
{
	switch ((enum ir_op)v->op) {
	case IR_CONST: return v->imm;
	case IR_PHI: return ones_of_phi(v);
	case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR:
	case IR_SHL: case IR_SHR: case IR_SAR: case IR_UDIV: case IR_UMOD: case IR_SDIV:
	case IR_SMOD: return ones_of_two(v);
	case IR_NEG: case IR_SEXT: return ir_mask(v->w);
	case IR_ROL: return rotated(ir_rep(v->arg[0])->ones & ir_mask(v->w), v->w, (u32)v->imm);
	case IR_BSWAP: return __builtin_bswap64(ir_rep(v->arg[0])->ones) >> (64 - v->w);
	case IR_ZEXT: return ir_rep(v->arg[0])->ones & ir_mask(v->w);
	case IR_SELECT: return ir_rep(v->arg[2])->ones | ir_rep(v->arg[3])->ones;
	case IR_LOAD: return v->sign ? ~0ull : ir_mask(v->w);
	case IR_ATOMIC:
	case IR_PACKET: return ir_mask(v->w);
	default: return ~0ull;
	}
}

static void set_ones(struct ir *v, u64 ones)
{
	v->ones = ones;
	v->bits = (u8)bits_of_const(ones);
}

/* PHIs begin with nothing and grow; one that goes on growing makes a leap. */
static bool phi_grows(struct ir *phi)
{
	u64 ones = ones_of_phi(phi) & ir_mask(bits_of_const(phi->imm));

	if (!(ones & ~phi->ones))
		return false;
	ones |= phi->ones;
	if (++phi->uses > 2)
		ones = ir_mask(ones >> 32 ? 64 : 32);
	set_ones(phi, ones & ir_mask(bits_of_const(phi->imm)));
	return true;
}

static bool phis_grow(struct ir_func *f)
{
	bool any = false;

	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->phis.n; i++)
			any |= phi_grows(f->blocks.v[b]->phis.v[i]);
	return any;
}

void ir_bits(struct ir_func *f)
{
	bool changed = true;

	for (size_t b = 0; b < f->blocks.n; b++)
		for (size_t i = 0; i < f->blocks.v[b]->phis.n; i++) {
			set_ones(f->blocks.v[b]->phis.v[i], 0);
			f->blocks.v[b]->phis.v[i]->imm = ir_phi_max(f->blocks.v[b]->phis.v[i]);
			f->blocks.v[b]->phis.v[i]->uses = 0;
		}
	while (changed) {
		for (size_t b = 0; b < f->blocks.n; b++) {
			struct ir_block *block = f->blocks.v[b];

			for (size_t i = 0; i < block->phis.n; i++)
				phi_grows(block->phis.v[i]);
			for (size_t i = 0; i < block->nodes.n; i++)
				set_ones(block->nodes.v[i], ones_of(block->nodes.v[i]));
		}
		changed = phis_grow(f);
	}
}

/* ---- PHIs -------------------------------------------------------------- */

/* The one value that all operands are but PHI itself, or NULL. */
static struct ir *phi_same(const struct ir *phi)
{
	struct ir *same = NULL;

	for (u32 i = 0; i < phi->n; i++) {
		struct ir *v = ir_rep(phi->arg[i]);

		phi->arg[i] = v;
		if (v == phi || v == same)
			continue;
		if (same && !(ir_is_fixed(v) && v->op == same->op && v->imm == same->imm))
			return NULL;
		same = v;
	}
	return same;
}

static bool block_phis(struct ir_block *b)
{
	size_t n = 0, before = b->phis.n;

	for (size_t i = 0; i < before; i++) {
		struct ir *phi = b->phis.v[i], *same = phi_same(phi);

		if (same)
			phi->rep = same;
		else
			b->phis.v[n++] = phi;
	}
	b->phis.n = n;
	return n != before;
}

/* Until nothing changes; back first, as what inner loops leave alone decides for outer
 * ones, then along the way. */
void ir_phis(struct ir_func *f)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t b = f->blocks.n; b-- > 0;)
			changed |= block_phis(f->blocks.v[b]);
		for (size_t b = 0; changed && b < f->blocks.n; b++)
			block_phis(f->blocks.v[b]);
	}
}

/* ---- the same value once ----------------------------------------------- */

static u64 mix(u64 h, u64 v) { return (h ^ v) * 0x9e3779b97f4a7c15; }

static u32 hash_of(const struct ir *v)
{
	u64 h = mix(v->op | v->w << 8 | v->cc << 16 | (u32)v->sign << 24, v->imm);

	for (u32 i = 0; i < v->n; i++)
		h = mix(h, v->arg[i]->id + 1);
	if (ir_is(v, IR_LOAD))
		h = mix(h, (u64)v->epoch << 32 | v->block->id);
	return (u32)(h >> 32);
}

static bool same_value(const struct ir *a, const struct ir *b)
{
	if (a->op != b->op || a->w != b->w || a->cc != b->cc || a->sign != b->sign ||
	    a->imm != b->imm || a->n != b->n)
		return false;
	for (u32 i = 0; i < a->n; i++)
		if (a->arg[i] != b->arg[i])
			return false;
	return !ir_is(a, IR_LOAD) || (a->block == b->block && a->epoch == b->epoch);
}

static void table_grow(struct table *t)
{
	struct known *old = t->v;
	u32 n = t->size;

	t->size = n ? 2 * n : 256;
	t->v = mem_alloc(t->size * sizeof(*t->v));
	for (u32 i = 0; i < n; i++) {
		u32 at = old[i].hash;

		if (!old[i].v)
			continue;
		while (t->v[at & (t->size - 1)].v)
			at++;
		t->v[at & (t->size - 1)] = old[i];
	}
	free(old);
}

/* A value that computes what V does and is there already; V, which is now known,
 * when there is none. */
static struct ir *known(struct ir_func *f, struct ir *v)
{
	struct table *t = table_of(f);
	u32 hash = hash_of(v), at;

	if (t->n * 2 >= t->size)
		table_grow(t);
	for (at = hash; t->v[at & (t->size - 1)].v; at++) {
		struct known *k = &t->v[at & (t->size - 1)];

		if (k->v == v)
			return v;
		if (k->hash != hash || !same_value(k->v, v))
			continue;
		if (ir_remade(v) || ir_dominates(k->v->block, v->block))
			return k->v;
		k->v = v;
		return v;
	}
	t->v[at & (t->size - 1)] = (struct known){ v, hash };
	t->n++;
	if (ir_remade(v))
		v->stamp = t->stamp;
	return v;
}

struct ir *ir_emit(struct ir_func *f, struct ir *v)
{
	struct table *t = table_of(f);
	struct ir *s;

	v->block = t->block;
	v->epoch = t->epoch;
	if (!v->slot)
		v->slot = t->slot;
	s = ir_rep(ir_simplify(f, v));
	if (s != v)
		return s;
	set_ones(v, ones_of(v));
	if (ir_pure(v) || ir_is(v, IR_LOAD)) {
		s = known(f, v);
		if (s != v)
			return s;
	}
	if (!ir_remade(v))
		*vec_push(t->out) = v;
	return v;
}

struct ir *ir_one(struct ir_func *f, enum ir_op op, u32 w, struct ir *a, u64 imm)
{
	struct ir *v = ir_new(f, op, w, 1);

	v->arg[0] = a;
	v->imm = imm;
	return ir_emit(f, v);
}

struct ir *ir_two(struct ir_func *f, enum ir_op op, u32 w, struct ir *a, struct ir *b)
{
	struct ir *v = ir_new(f, op, w, 2);

	v->arg[0] = a;
	v->arg[1] = b;
	return ir_emit(f, v);
}

struct ir *ir_number(struct ir_func *f, u64 imm)
{
	struct ir *v = ir_constant(f, imm);

	return v->stamp == table_of(f)->stamp ? v : known(f, v);
}

/* ---- numbers ----------------------------------------------------------- */

static u64 compute_signed(enum ir_op op, s64 a, s64 b)
{
	switch (op) {
	case IR_SDIV: return b == 0 ? 0 : b == -1 ? -(u64)a : (u64)(a / b);
	default: return b == 0 ? (u64)a : b == -1 ? 0 : (u64)(a % b);
	}
}

static u64 compute(enum ir_op op, u32 w, u64 a, u64 b)
{
	u64 m = ir_mask(w), k = b & (w - 1);

	switch (op) {
	case IR_ADD: return (a + b) & m;
	case IR_SUB: return (a - b) & m;
	case IR_MUL: return (a * b) & m;
	case IR_AND: return a & b & m;
	case IR_OR: return (a | b) & m;
	case IR_XOR: return (a ^ b) & m;
	case IR_SHL: return a << k & m;
	case IR_SHR: return (a & m) >> k;
	case IR_SAR: return (u64)((s64)ir_sext(a, w) >> k) & m;
	case IR_UDIV: return b & m ? (a & m) / (b & m) : 0;
	case IR_UMOD: return b & m ? (a & m) % (b & m) : a & m;
	case IR_MULHI: return (u64)((unsigned __int128)a * b >> 64);
	default: return compute_signed(op, (s64)ir_sext(a, w), (s64)ir_sext(b, w)) & m;
	}
}

static u64 compute_one(const struct ir *v, u64 a)
{
	switch ((enum ir_op)v->op) {
	case IR_NEG: return -a & ir_mask(v->w);
	case IR_ZEXT: return a & ir_mask(v->w);
	case IR_SEXT: return ir_sext(a, (u32)v->imm) & ir_mask(v->w);
	case IR_ROL: {
		u64 x = a & ir_mask(v->w);

		return (x << v->imm | x >> (v->w - v->imm)) & ir_mask(v->w);
	}
	default: return __builtin_bswap64(a) >> (64 - v->w);
	}
}

/* ---- rules ------------------------------------------------------------- */

/* X as one of whose bits only the low W matter. */
struct ir *ir_strip(struct ir *x, u32 w)
{
	for (;;) {
		x = ir_rep(x);
		if ((ir_is(x, IR_ZEXT) && x->w >= w) || (ir_is(x, IR_SEXT) && x->imm >= w))
			x = x->arg[0];
		else
			return x;
	}
}

/* The low half of X as a 64-bit value. */
static struct ir *low(struct ir_func *f, u32 w, struct ir *x)
{
	return w == 64 || x->bits <= w ? x : ir_one(f, IR_ZEXT, w, x, 0);
}

static bool is_shift(const struct ir *x, enum ir_op op, u32 w, u64 *k)
{
	if (!ir_is(x, op) || x->w != w || !ir_is_const(x->arg[1]))
		return false;
	*k = x->arg[1]->imm & (w - 1);
	return true;
}

static struct ir *rule_add(struct ir_func *f, struct ir *v, struct ir *a, struct ir *b)
{
	if (!ir_is_const(b))
		return NULL;
	if (!(b->imm & ir_mask(v->w)))
		return low(f, v->w, a);
	if (ir_is(a, IR_FP) && v->w == 64)
		return known(f, ir_free_value(f, IR_FP, a->imm + b->imm));
	if (ir_is(a, IR_ADD) && a->w == v->w && ir_is_const(a->arg[1]))
		return ir_two(f, IR_ADD, v->w, a->arg[0], ir_number(f, a->arg[1]->imm + b->imm));
	return NULL;
}

static struct ir *rule_sub(struct ir_func *f, struct ir *v, struct ir *a, struct ir *b)
{
	if (ir_is_const(b))
		return ir_two(f, IR_ADD, v->w, a, ir_number(f, -b->imm));
	if (a == b)
		return ir_number(f, 0);
	if (ir_is_const(a) && !(a->imm & ir_mask(v->w)))
		return ir_one(f, IR_NEG, v->w, b, 0);
	return NULL;
}

static struct ir *rule_mul(struct ir_func *f, struct ir *v, struct ir *a, struct ir *b)
{
	u64 c = b->imm & ir_mask(v->w);

	if (!ir_is_const(b))
		return NULL;
	if (!c)
		return ir_number(f, 0);
	if (c & (c - 1))
		return NULL;
	return ir_two(f, IR_SHL, v->w, a, ir_number(f, (u64)__builtin_ctzll(c)));
}

static struct ir *rule_and(struct ir_func *f, struct ir *v, struct ir *a, struct ir *b)
{
	u64 c = b->imm & ir_mask(v->w);
	u64 have = a->ones & ir_mask(v->w);

	if (a == b)
		return low(f, v->w, a);
	if (!ir_is_const(b))
		return NULL;
	if (!(c & have))
		return ir_number(f, 0);
	if ((c & have) == have)
		return low(f, v->w, a);
	if (c == 0xff || c == 0xffff || c == 0xffffffff)
		return ir_one(f, IR_ZEXT, bits_of_const(c), a, 0);
	if (ir_is(a, IR_AND) && ir_is_const(a->arg[1]))
		return ir_two(f, IR_AND, v->w, a->arg[0],
			      ir_number(f, c & a->arg[1]->imm & ir_mask(a->w)));
	if (ir_is(a, IR_ZEXT))
		return ir_two(f, IR_AND, v->w, a->arg[0], ir_number(f, c & ir_mask(a->w)));
	return NULL;
}

static struct ir *rule_or(struct ir_func *f, struct ir *v, struct ir *a, struct ir *b)
{
	if (ir_is_const(b) && !(b->imm & ir_mask(v->w)))
		return low(f, v->w, a);
	return a == b && ir_is(v, IR_OR) ? low(f, v->w, a) : a == b ? ir_number(f, 0) : NULL;
}

/* (X << k) >> k */
static struct ir *shifted_back(struct ir_func *f, struct ir *v, struct ir *a, u64 k)
{
	u32 left = v->w - (u32)k;
	u64 up;

	if (!is_shift(a, IR_SHL, v->w, &up) || up != k)
		return NULL;
	if (ir_is(v, IR_SAR))
		return left == 8 || left == 16 || left == 32 ?
			ir_one(f, IR_SEXT, v->w, a->arg[0], left) : NULL;
	if (left == 8 || left == 16 || left == 32)
		return ir_one(f, IR_ZEXT, left, a->arg[0], 0);
	return left < 32 ? ir_two(f, IR_AND, v->w, a->arg[0], ir_number(f, ir_mask(left))) : NULL;
}

/* (X << k1) << k2 */
static struct ir *shifted_twice(struct ir_func *f, struct ir *v, struct ir *a, u64 k)
{
	u64 before;

	if (ir_is(v, IR_SAR) || !is_shift(a, (enum ir_op)v->op, v->w, &before))
		return NULL;
	if (before + k >= v->w)
		return ir_number(f, 0);
	return ir_two(f, (enum ir_op)v->op, v->w, a->arg[0], ir_number(f, before + k));
}

static struct ir *rule_shift(struct ir_func *f, struct ir *v, struct ir *a, struct ir *b)
{
	u64 k = b->imm & (v->w - 1);
	struct ir *s;

	if (!ir_is_const(b))
		return NULL;
	if (!k)
		return low(f, v->w, a);
	if (b->imm != k)
		return ir_two(f, (enum ir_op)v->op, v->w, a, ir_number(f, k));
	s = ir_is(v, IR_SHL) ? NULL : shifted_back(f, v, a, k);
	if (s)
		return s;
	if (ir_is(v, IR_SAR))
		return a->bits < v->w ? ir_two(f, IR_SHR, v->w, a, b) : NULL;
	if (ir_is(v, IR_SHR) && k >= min_u32(a->bits, v->w))
		return ir_number(f, 0);
	if (ir_is(v, IR_SHR) && v->w == 64 && a->bits <= 32)
		return ir_two(f, IR_SHR, 32, a, b);
	if (ir_is(v, IR_SHL) && v->w == 64 && k >= 32 && ir_is(a, IR_ZEXT) && a->w == 32)
		return ir_two(f, IR_SHL, 64, a->arg[0], b);
	return shifted_twice(f, v, a, k);
}

static bool narrows(const struct ir *a)
{
	return a->w == 64 && (ir_is(a, IR_ADD) || ir_is(a, IR_SUB) || ir_is(a, IR_MUL) ||
			      ir_is(a, IR_AND) || ir_is(a, IR_OR) || ir_is(a, IR_XOR));
}

static struct ir *rule_zext(struct ir_func *f, struct ir *v, struct ir *a)
{
	struct ir *s = ir_strip(a, v->w);

	if (a->bits <= v->w)
		return a;
	if (s != a)
		return ir_one(f, IR_ZEXT, v->w, s, 0);
	if (v->w == 32 && narrows(a))
		return ir_two(f, (enum ir_op)a->op, 32, a->arg[0], a->arg[1]);
	return NULL;
}

static struct ir *rule_ir_sext(struct ir_func *f, struct ir *v, struct ir *a)
{
	struct ir *s = ir_strip(a, (u32)v->imm);

	if (a->bits < v->imm)
		return a;
	return s != a ? ir_one(f, IR_SEXT, v->w, s, v->imm) : NULL;
}

static struct ir *rule_bswap(struct ir_func *f, struct ir *v, struct ir *a)
{
	if (ir_is(a, IR_BSWAP) && a->w == v->w)
		return low(f, v->w, a->arg[0]);
	return NULL;
}

static struct ir *rule_two(struct ir_func *f, struct ir *v, struct ir *a, struct ir *b)
{
	struct ir *s;

	switch ((enum ir_op)v->op) {
	case IR_ADD:
		s = rule_add(f, v, a, b);
		s = s ? s : ir_rotate(f, v);
		return s ? s : ir_bytes(f, v);
	case IR_OR:
		s = rule_or(f, v, a, b);
		s = s ? s : ir_rotate(f, v);
		return s ? s : ir_bytes(f, v);
	case IR_XOR:
		s = rule_or(f, v, a, b);
		return s ? s : ir_rotate(f, v);
	case IR_SUB: return rule_sub(f, v, a, b);
	case IR_MUL: return rule_mul(f, v, a, b);
	case IR_AND: return rule_and(f, v, a, b);
	case IR_SHL: case IR_SHR: case IR_SAR: return rule_shift(f, v, a, b);
	case IR_UDIV: case IR_UMOD: case IR_SDIV: case IR_SMOD: return ir_divide(f, v);
	default: return NULL;
	}
}

static struct ir *simplify_two(struct ir_func *f, struct ir *v)
{
	struct ir *s;

	if (v->w == 32) {
		v->arg[0] = ir_strip(v->arg[0], 32);
		v->arg[1] = ir_strip(v->arg[1], 32);
	}
	if (ir_flags[v->op] & COMM && ir_is_const(v->arg[0])) {
		struct ir *a = v->arg[0];

		v->arg[0] = v->arg[1];
		v->arg[1] = a;
	}
	if (ir_is_const(v->arg[0]) && ir_is_const(v->arg[1]))
		return ir_number(f, compute((enum ir_op)v->op, v->w, v->arg[0]->imm,
					 v->arg[1]->imm));
	if (ir_is_const(v->arg[1]) && v->w == 32 && v->arg[1]->imm != (u64)(s32)v->arg[1]->imm)
		v->arg[1] = ir_number(f, (u64)(s64)(s32)v->arg[1]->imm);
	s = rule_two(f, v, v->arg[0], v->arg[1]);
	return s ? s : v;
}

static struct ir *simplify_one(struct ir_func *f, struct ir *v)
{
	struct ir *a = v->arg[0], *s = NULL;

	if (ir_is_const(a))
		return ir_number(f, compute_one(v, a->imm));
	if (ir_is(v, IR_ZEXT))
		s = rule_zext(f, v, a);
	else if (ir_is(v, IR_SEXT))
		s = rule_ir_sext(f, v, a);
	else if (ir_is(v, IR_BSWAP))
		s = rule_bswap(f, v, a);
	else if (v->w == 32)
		v->arg[0] = ir_strip(a, 32);
	return s ? s : v;
}

/* ---- memory ------------------------------------------------------------ */

static void simplify_address(struct ir *v)
{
	struct ir *base = v->arg[0];
	s64 off;

	if (!ir_is(base, IR_ADD) || base->w != 64 || !ir_is_const(base->arg[1]))
		return;
	off = (s32)v->imm + (s64)base->arg[1]->imm;
	if (off != (s32)off)
		return;
	v->imm = (u64)off;
	v->arg[0] = base->arg[0];
}

struct ir *ir_simplify(struct ir_func *f, struct ir *v)
{
	for (u32 i = 0; i < v->n; i++) {
		v->arg[i] = ir_rep(v->arg[i]);
		if (ir_remade(v->arg[i]) && v->arg[i]->stamp != table_of(f)->stamp)
			v->arg[i] = known(f, v->arg[i]);
	}
	switch ((enum ir_op)v->op) {
	case IR_ADD: case IR_SUB: case IR_MUL: case IR_AND: case IR_OR: case IR_XOR:
	case IR_SHL: case IR_SHR: case IR_SAR: case IR_UDIV: case IR_UMOD: case IR_SDIV:
	case IR_SMOD: case IR_MULHI: return simplify_two(f, v);
	case IR_ROL: case IR_NEG: case IR_ZEXT: case IR_SEXT: case IR_BSWAP:
		return simplify_one(f, v);
	case IR_SELECT: return ir_choose(f, v);
	case IR_BR:
		ir_compare(f, v);
		return v;
	case IR_STORE:
		v->arg[1] = ir_strip(v->arg[1], v->w);
		simplify_address(v);
		return v;
	case IR_LOAD:
	case IR_ATOMIC: simplify_address(v); return v;
	default: return v;
	}
}

/* ---- the pass ---------------------------------------------------------- */

static bool writes(const struct ir *v)
{
	switch ((enum ir_op)v->op) {
	case IR_STORE: case IR_ATOMIC: case IR_CALL: case IR_LOCAL: case IR_TAIL: return true;
	default: return false;
	}
}

static void fold_block(struct ir_func *f, struct ir_block *block)
{
	struct table *t = table_of(f);
	t->block = block;
	t->out->n = 0;
	t->epoch = 0;
	for (size_t i = 0; i < block->nodes.n; i++) {
		struct ir *v = block->nodes.v[i], *s;

		t->slot = v->slot;
		s = ir_emit(f, v);
		if (s != v)
			v->rep = s;
		if (ir_is(v, IR_BR) && ir_known(v) >= 0)
			f->decided = true;
		t->epoch += writes(v);
	}
	block->nodes.n = 0;
	for (size_t i = 0; i < t->out->n; i++)
		*vec_push(&block->nodes) = t->out->v[i];
}

void ir_fold(struct ir_func *f)
{
	ir_list out = { 0 };
	struct table t = { .out = &out, .stamp = ~f->nr_folds++ };

	f->table = &t;
	for (size_t b = 0; b < f->blocks.n; b++)
		fold_block(f, f->blocks.v[b]);
	vec_free(&out);
	free(t.v);
	f->table = NULL;
	if (f->decided)
		ir_decide(f);
}
