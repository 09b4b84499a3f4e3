/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.c: what is on the stack, byte by byte, and what becomes of it. A
 * register that is stored at the beginning of a slot is kept whole; other
 * stores leave numbers. Little-endian: the low byte of a slot is the first.
 */
#include "verify/state.h"
#include "verify/mem.h"

static u32 slot_of(s64 off) { return (u32)((-off - 1) / SLOT_BYTES); }
static u32 byte_of(s64 off) { return (u32)off & (SLOT_BYTES - 1); }

static bool is_spill(const struct slot *t) { return t->kind[0] == SLOT_SPILL; }

/* What may be a pointer is no number; nor is what a join could not tell. */
static bool no_number(const struct slot *t)
{
	return is_spill(t) && reg_may_be_ptr(&t->reg);
}

/* ---- bounds -------------------------------------------------------------- */

/* The offsets from the frame pointer that PTR + off may have. */
struct span { s64 min, max; bool fixed; };

static const char *way(const struct access *a)
{
	return a->kind & ACCESS_WRITE ? "write to" : "read from";
}

static bool check_span(struct verifier *v, const struct access *a,
		       const struct reg *ptr, struct span *span)
{
	s64 off = (s64)ptr->off + a->off;
	struct why why = { .reg = a->reg, .ptr = ptr, .off = off, .size = a->size,
			   .s = way(a) };
	enum reject_id id = REJECT_STACK_VAR_RANGE;

	span->fixed = scalar_is_const(&ptr->val);
	if (span->fixed) {
		why.off = off += (s64)scalar_value(&ptr->val);
		span->min = span->max = off;
		id = REJECT_STACK;
	} else if (ptr->val.smax >= MAX_VAR_OFF || ptr->val.smin <= -MAX_VAR_OFF) {
		/* where states are joined it may be as little as there is */
		reject(v, REJECT_STACK_VAR, a->insn, &why);
		return false;
	} else {
		span->min = off + ptr->val.smin;
		span->max = off + ptr->val.smax;
	}
	if (span->min >= -STACK_BYTES && span->max + (s64)a->size <= 0)
		return true;
	if (a->size == 0 && span->min >= -STACK_BYTES && span->max <= 0)
		return true;
	reject(v, id, a->insn, &why);
	return false;
}

/* Notes how deep the function's stack goes; the sum is checked in subprog.c. */
static void touch(struct verifier *v, const struct state *s, u32 frame, s64 min)
{
	struct func *f = &v->funcs[s->frames[frame]->func];

	if (min < 0 && (u32)-min > f->stack_bytes)
		f->stack_bytes = (u32)-min;
}

/* ---- changing a slot ----------------------------------------------------- */

static void slot_written(struct verifier *v, struct slot *t, bool whole)
{
	if (whole || !t->def)
		t->def = def_new(v, 0, 0);
}

/* What was kept whole becomes bytes of some number. */
static void scrub(struct slot *t)
{
	for (u32 i = 0; i < SLOT_BYTES; i++)
		if (t->kind[i] == SLOT_SPILL)
			t->kind[i] = SLOT_MISC;
	reg_set_none(&t->reg);
}

static void spill(struct verifier *v, struct slot *t, const struct reg *r, u32 size)
{
	slot_written(v, t, size == SLOT_BYTES);
	for (u32 i = size; i < SLOT_BYTES; i++)
		if (t->kind[i] == SLOT_SPILL)
			t->kind[i] = SLOT_MISC;
	memset(t->kind, SLOT_SPILL, size);
	t->reg = *r;
	if (r->type != REG_SCALAR || size == SLOT_BYTES)
		return;
	if (r->val.umax >> (size * 8))	/* it is cut: no longer equal */
		reg_unlink(&t->reg);
	scalar_cast(&t->reg.val, size);
}

/* Plain bytes; ZERO when they are known to be 0. */
static void put_bytes(struct verifier *v, struct slot *t, u32 at, u32 size, bool zero)
{
	slot_written(v, t, size == SLOT_BYTES);
	if (is_spill(t))
		scrub(t);
	for (u32 i = at; i < at + size; i++)
		t->kind[i] = zero ? SLOT_ZERO : SLOT_MISC;
}

/* ---- stores -------------------------------------------------------------- */

static bool is_special(const struct slot *t)
{
	for (u32 i = 0; i < SLOT_BYTES; i++)
		if (t->kind[i] >= SLOT_DYNPTR)
			return true;
	return false;
}

static void check_overwrite(struct verifier *v, struct state *s, const struct access *a,
			    u32 frame, struct slot *t)
{
	if (is_special(t))
		object_overwrite(v, s, a->insn, frame, (u32)(t - s->frames[frame]->slots));
	if (!v->privileged && no_number(t) &&
	    a->size != SLOT_BYTES)
		reject(v, REJECT_CORRUPT, a->insn, NULL);
}

/* The number or pointer that the instruction stores; false: not known. */
static bool stored(struct verifier *v, const struct state *s,
		   const struct access *a, struct reg *r)
{
	if (a->store >= 0) {
		*r = *state_reg(s, (unsigned)a->store);
		return true;
	}
	if (!a->has_imm)
		return false;
	reg_set_const(v, r, (u64)a->imm);
	return true;
}

/* A dynptr that a function was given lies where the function's caller has it, and the
 * stack may outlive that: there it is a number, as in the kernel. */
static bool no_spill(const struct reg *r)
{
	return r->type == REG_DYNPTR || r->type == REG_TP_BUFFER;
}

/* Whoever must not learn an address must not make a number of it there. (The kernel lets
 * it pass.) */
static void check_numbered(struct verifier *v, const struct access *a, const struct reg *r)
{
	if (v->opts->policy == POLICY_USER && !v->privileged)
		reject(v, REJECT_PTR_LEAK, a->insn, &(struct why){
			.reg = (u32)a->store, .ptr = r, .s = "stack" });
}

static bool is_unbounded(const struct scalar *s)
{
	const struct scalar any = scalar_unknown();

	return !memcmp(s, &any, sizeof(any));
}

static void store_fixed(struct verifier *v, struct state *s, const struct access *a,
			u32 frame, s64 off)
{
	struct frame *f = state_grow(v, s, frame, slot_of(off) + 1);
	struct slot *t = &f->slots[slot_of(off)];
	u32 at = byte_of(off);
	struct reg r;
	bool known = stored(v, s, a, &r);

	check_overwrite(v, s, a, frame, t);
	if (a->store >= 0 && dated_rule(v, RULE_SPILL_LINK))	/* copies stay equal */
		reg_link(v, state_reg(s, (unsigned)a->store)), stored(v, s, a, &r);
	known = known && (reg_is_ptr(&r) || !is_unbounded(&r.val) ||
			  dated_rule(v, RULE_SPILL_LINK));
	if (known && no_spill(&r))
		check_numbered(v, a, &r);
	known = known && !no_spill(&r) && (a->store >= 0 || dated_rule(v, RULE_STORED_IMM));
	if (known && reg_is_ptr(&r)) {
		if (a->size != SLOT_BYTES) {
			reject(v, REJECT_SPILL_SIZE, a->insn, NULL);
			put_bytes(v, t, at, a->size, false);
			return;
		}
		if (r.type == REG_STACK && frame + 1 != s->nr_frames) {
			reject(v, REJECT_STACK_ESCAPE, a->insn, NULL);
			put_bytes(v, t, at, a->size, false);
			return;
		}
		spill(v, t, &r, SLOT_BYTES);
	} else if (known && !at && (a->size == SLOT_BYTES || reg_is_null(&r) ||
				    dated_rule(v, RULE_NARROW_SPILL))) {
		spill(v, t, &r, a->size);
	} else {
		if (known && reg_is_null(&r))
			reg_mark(v, &r);
		put_bytes(v, t, at, a->size, known && reg_is_null(&r));
	}
}

/* One byte of a store with a variable offset may be written or not. */
static void maybe_byte(struct verifier *v, struct state *s, const struct access *a,
		       u32 frame, s64 off, bool zero)
{
	struct slot *t = &s->frames[frame]->slots[slot_of(off)];
	u32 at = byte_of(off);
	bool was_zero = t->kind[at] == SLOT_ZERO ||
			(t->kind[at] == SLOT_SPILL && reg_is_null(&t->reg));

	check_overwrite(v, s, a, frame, t);
	if (t->kind[at] == SLOT_NONE && !v->privileged)
		reject(v, REJECT_STACK_VAR_UNINIT, a->insn, NULL);
	if (t->kind[at] == SLOT_NONE)
		v->stale_slots |= 1ull << slot_of(off);
	if (is_spill(t)) {
		if (was_zero && zero) {
			reg_mark(v, &t->reg);
			return;
		}
		scrub(t);
	}
	if (!t->def)
		t->def = def_new(v, 0, 0);
	/* what was never written stays so: it may not be written now, either */
	if (t->kind[at] == SLOT_NONE)
		t->kind[at] = SLOT_MISC;
	else if (!(was_zero && zero))
		t->kind[at] = SLOT_MISC;
}

static void store_var(struct verifier *v, struct state *s, const struct access *a,
		      const struct reg *ptr, struct span span)
{
	struct reg r;
	bool known = stored(v, s, a, &r), zero = known && reg_is_null(&r);

	state_grow(v, s, ptr->frame, slot_of(span.min) + 1);
	if (!v->privileged)
		reject(v, REJECT_STACK_VAR_CAP, a->insn,
		       &(struct why){ .reg = a->reg, .ptr = ptr, .off = span.min });
	if (!dated_rule(v, RULE_VAR_STACK))
		reject(v, REJECT_TOO_NEW, a->insn, &(struct why){ .want = "5.12",
		       .s = "to store on the stack at an offset that is not constant",
		       .t = "variable stack access" });
	if (zero)
		reg_mark(v, &r);
	if (known && reg_is_ptr(&r))
		reject_or_warn(v, REJECT_PTR_LEAK, a->insn, &(struct why){
			.reg = (u32)a->store, .ptr = &r, .s = "stack" });
	for (s64 off = span.min; off < span.max + (s64)a->size; off++)
		maybe_byte(v, s, a, ptr->frame, off, zero);
}

/* ---- loads --------------------------------------------------------------- */

static void slot_read(struct verifier *v, struct slot *t)
{
	if (t->def)
		def_read(v, t->def);
}

/* What a number that was stored with SPILLED bytes is when SIZE are read. */
static void fill(struct verifier *v, const struct slot *t, const struct access *a,
		 u32 spilled, struct reg *value)
{
	(void)spilled;
	*value = t->reg;
	if (a->size == SLOT_BYTES)
		return;
	if (t->reg.val.umax >> (a->size * 8 - 1))	/* cut, or its sign may matter */
		reg_unlink(value);
	if (a->sign) {
		unsigned kind = a->size == 1 ? KIND_MOVSX8 :
				a->size == 2 ? KIND_MOVSX16 : KIND_MOVSX32;
		struct scalar from = t->reg.val;

		scalar_alu(kind, 64, &value->val, &from);
	} else {
		scalar_cast(&value->val, a->size);
	}
	value->def = def_new(v, t->reg.def, 0);
}

static bool byte_known(struct verifier *v, const struct access *a, const struct reg *ptr,
		       u8 kind, s64 off, u32 i)
{
	if (slot_kind_is_object(kind)) {
		reject(v, REJECT_OBJECT_READ, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .off = off, .size = a->size, .a = i });
		return false;
	}
	if (kind != SLOT_NONE)
		return true;
	v->stale_slots = ~0ull;
	reject_or_warn(v, REJECT_STACK_UNINIT, a->insn, &(struct why){
		.reg = a->reg, .ptr = ptr, .off = off, .size = a->size, .a = i });
	return false;
}

/* Bytes AT.. of slot T as a number; VALUE is any of that size. */
static void load_bytes(struct verifier *v, const struct access *a, const struct reg *ptr,
		       struct slot *t, s64 off, struct reg *value)
{
	u32 at = byte_of(off), zeros = 0, spilled = 0;

	for (u32 i = 0; i < a->size; i++) {
		u8 kind = t->kind[at + i];

		zeros += kind == SLOT_ZERO;
		spilled += kind == SLOT_SPILL;
		if (!byte_known(v, a, ptr, kind, off, i))
			break;
	}
	if (spilled && reg_is_null(&t->reg)) {
		reg_mark(v, &t->reg);
		zeros += spilled;
	}
	if (value && zeros == a->size)
		reg_set_const(v, value, 0);
}

static void load_fixed(struct verifier *v, struct state *s, const struct access *a,
		       const struct reg *ptr, s64 off, struct reg *value)
{
	struct frame *f = state_grow(v, s, ptr->frame, slot_of(off) + 1);
	struct slot *t = &f->slots[slot_of(off)];
	u32 spilled = slot_spilled(t);

	slot_read(v, t);
	if (no_number(t)) {
		if (a->size != SLOT_BYTES)
			reject(v, REJECT_SPILL_READ, a->insn, NULL);
		else if (value)
			*value = t->reg;
		if (a->size != SLOT_BYTES && value)
			mem_unknown(v, a, value);
		return;
	}
	if (!byte_of(off) && spilled >= a->size &&
	    (spilled == a->size || reg_is_null(&t->reg) || dated_rule(v, RULE_NARROW_FILL))) {
		if (value)
			fill(v, t, a, spilled, value);
		return;
	}
	load_bytes(v, a, ptr, t, off, value);
}

static void load_var(struct verifier *v, struct state *s, const struct access *a,
		     const struct reg *ptr, struct span span, struct reg *value)
{
	struct frame *f = state_grow(v, s, ptr->frame, slot_of(span.min) + 1);
	bool zero = true;

	if (!v->privileged)
		reject(v, REJECT_STACK_VAR_CAP, a->insn,
		       &(struct why){ .reg = a->reg, .ptr = ptr, .off = span.min });
	for (s64 off = span.min; off < span.max + (s64)a->size; off++) {
		struct slot *t = &f->slots[slot_of(off)];
		u8 kind = t->kind[byte_of(off)];

		slot_read(v, t);
		if (!byte_known(v, a, ptr, kind, off, 0))
			zero = false;
		if (kind == SLOT_SPILL && reg_is_null(&t->reg))
			reg_mark(v, &t->reg);
		else if (kind != SLOT_ZERO)
			zero = false;
	}
	if (value && zero)	/* else it is any number: see stack_access */
		reg_set_const(v, value, 0);
}

/* ---- entry --------------------------------------------------------------- */

void stack_access(struct verifier *v, struct state *s, const struct access *a,
		  const struct reg *ptr, struct reg *value)
{
	struct span span;

	if (value)
		mem_unknown(v, a, value);
	if (!check_span(v, a, ptr, &span))
		return;
	touch(v, s, ptr->frame, span.min);
	if (a->kind & ACCESS_WRITE)
		slices_overwrite(v, s, ptr->frame, slot_of(span.max + (s64)a->size - 1),
				 slot_of(span.min));
	if ((a->kind & ACCESS_WRITE) && span.fixed)
		store_fixed(v, s, a, ptr->frame, span.min);
	else if (a->kind & ACCESS_WRITE)
		store_var(v, s, a, ptr, span);
	else if (span.fixed)
		load_fixed(v, s, a, ptr, span.min, value);
	else
		load_var(v, s, a, ptr, span, value);
}

/* ---- constants ------------------------------------------------------------------ */

static u32 run_of(const struct slot *t, u32 at, u8 kind)
{
	u32 n = 0;

	while (at + n < SLOT_BYTES && t->kind[at + n] == kind)
		n++;
	return n;
}

bool stack_constant(struct verifier *v, struct state *s, const struct reg *ptr, u32 size,
		    u64 *value)
{
	const struct frame *f;
	const struct slot *t;
	s64 off = ptr->off;
	u32 at;

	if (ptr->type != REG_STACK || !scalar_is_const(&ptr->val))
		return false;
	off += (s64)scalar_value(&ptr->val);
	f = s->frames[ptr->frame];
	if (off >= 0 || off < -STACK_BYTES || slot_of(off) >= f->nr_slots)
		return false;
	t = &f->slots[slot_of(off)];
	at = byte_of(off);
	*value = 0;
	if (run_of(t, at, SLOT_ZERO) >= size)
		return true;
	if (at || t->reg.type != REG_SCALAR || run_of(t, 0, SLOT_SPILL) != size ||
	    !scalar_is_const(&t->reg.val))
		return false;
	reg_mark(v, &t->reg);
	*value = scalar_value(&t->reg.val);
	return true;
}

/* ---- helpers ------------------------------------------------------------- */

/* The bytes FROM..END - 1 of a slot, at OFF from the frame pointer. */
struct part { struct slot *t; u32 from, end; s64 off; };

/* A helper reads them; FIRST is where its memory begins. */
static bool helper_reads(struct verifier *v, const struct access *a,
			 const struct reg *ptr, const struct part *p, s64 first)
{
	bool hidden = no_number(p->t) && !v->privileged;

	slot_read(v, p->t);
	for (u32 i = p->from; i < p->end; i++) {
		u8 kind = p->t->kind[i];

		if (kind != SLOT_NONE && !(kind == SLOT_SPILL && hidden))
			continue;
		v->stale_slots = ~0ull;
		reject_or_warn(v, REJECT_STACK_INDIRECT, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .off = first, .size = a->size,
			.a = p->off + (i - p->from) - first, .b = kind == SLOT_SPILL,
			.want = kind == SLOT_SPILL ?
				"may be of an address, which this loader may not give away" :
				"was never written on this path" });
		return false;
	}
	return true;
}

static void helper_writes(struct verifier *v, const struct access *a, const struct part *p,
			  bool sure)
{
	struct slot *t = p->t;

	if (!v->privileged && no_number(t))
		reject(v, REJECT_CORRUPT, a->insn, NULL);
	if (is_spill(t))
		scrub(t);
	if (!t->def)
		t->def = def_new(v, 0, 0);
	for (u32 i = p->from; i < p->end; i++) {
		/* the helper may write less than it has room for */
		if (t->kind[i] == SLOT_NONE)
			v->stale_slots |= 1ull << slot_of(p->off);
		if (sure || t->kind[i] == SLOT_ZERO || v->privileged)
			t->kind[i] = SLOT_MISC;
	}
}

/* A helper may write over an iterator that nobody needs any more, not over a
 * dynptr: its arguments could overlap. */
static bool helper_meets_object(struct verifier *v, struct state *s, const struct access *a,
				const struct reg *ptr, struct slot *t, s64 off,
				bool only_writes)
{
	if (only_writes && t->kind[0] != SLOT_DYNPTR) {
		object_overwrite(v, s, a->insn, ptr->frame,
				 (u32)(t - s->frames[ptr->frame]->slots));
		return true;
	}
	reject(v, only_writes ? REJECT_DYNPTR_ALIAS : REJECT_OBJECT_READ, a->insn,
	       &(struct why){ .reg = a->reg, .ptr = ptr, .off = off, .size = a->size });
	return false;
}

/* What is in the slot at OFF of what ends before END. */
static struct part part_at(struct frame *f, s64 off, s64 end)
{
	u32 from = byte_of(off);

	return (struct part){ &f->slots[slot_of(off)], from,
			      from + (u32)min_u64(SLOT_BYTES - from, (u64)(end - off)), off };
}

void stack_helper_access(struct verifier *v, struct state *s, const struct access *a,
			 const struct reg *ptr, bool only_writes)
{
	struct span span;
	struct frame *f;
	struct part p;
	bool told = false, met = false;	/* bytes that nobody wrote are but a warning */

	if (!a->size || !check_span(v, a, ptr, &span))
		return;
	touch(v, s, ptr->frame, span.min);
	f = state_grow(v, s, ptr->frame, slot_of(span.min) + 1);
	for (s64 off = span.min; off < span.max + (s64)a->size; off += p.end - p.from) {
		p = part_at(f, off, span.max + (s64)a->size);
		if (is_special(p.t) && !met)
			met = !helper_meets_object(v, s, a, ptr, p.t, off, only_writes);
		if (!(only_writes && span.fixed) && !told && !met)
			told = !helper_reads(v, a, ptr, &p, span.min);
		if (a->kind & ACCESS_WRITE)
			helper_writes(v, a, &p, span.fixed);
	}
}
