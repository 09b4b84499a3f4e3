/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit.c: what is the same for every processor: where functions begin, which
 * registers they use, memory for code. The rest is in a folder per processor.
 */
#include "base/os.h"
#include "jit/opt/ir.h"
#include "model/rewrite.h"
#include <stdlib.h>

bool jit_available(void)
{
	return jit_arch_host();
}

bool jit_optimises(void)
{
	return jit_available() && jit_arch_host()->optimise;
}

/* ---- instructions --------------------------------------------------------- */

/* Loads that may fault are loads, and where no run comes a function ends: who writes
 * code looks at the instruction. */
static u8 op_of(const struct bpf_insn *in)
{
	struct bpf_insn plain = *in;
	bool sign;

	if (in->code == REWRITE_TRAP)
		return OP_EXIT;
	if (in->code == REWRITE_ARENA)
		return OP_MOV64_X;
	if (rewrite_is_probe(in, &sign))
		plain.code = (u8)((in->code & 0x1f) | (sign ? 0x80 : BPF_MEM));
	return (u8)isa_op(&plain);
}

/* May the instruction set run.stop? A program that is called may, too. */
static bool may_stop(const struct jit_build *b, u32 at)
{
	const struct jit_bind *bind = b->bind;

	if (!bind->site)
		return false;
	if (b->ops[at] != OP_CALL && b->ops[at] != OP_CALL_KFUNC)
		return bind->insns[at].code == REWRITE_TRAP;
	return bind->insns[at].imm == BPF_FUNC_tail_call || bind->site(bind->arg, at, true);
}

u32 jit_cost(const struct jit_build *b, u32 at)
{
	const struct jit_bind *bind = b->bind;
	s64 delta;

	if (!bind->counts)
		return 0;
	switch (b->ops[at]) {
	case OP_CALL_LOCAL:
		return JIT_CALL_COST;
	case OP_MAY_GOTO:
		return bind->ends ? JIT_CALL_COST : 0;
	case OP_CALL:
	case OP_CALL_KFUNC:
		return bind->ends && bind->cost ? bind->cost(bind->arg, at) : 0;
	default:
		return !bind->ends && isa_target(&bind->insns[at], &delta) && delta < 0 ?
			(u32)-delta : 0;
	}
}

/* ---- functions ------------------------------------------------------------ */

enum { MARK_START = 1, MARK_ENTERED = 2 };

static void mark_starts(const struct jit_build *b, u8 *marks)
{
	const struct bpf_insn *in = b->bind->insns;
	s64 delta;

	marks[0] = MARK_START | MARK_ENTERED;
	for (u32 i = 0; i < b->bind->nr_insns; i += isa_slots(&in[i])) {
		if (b->ops[i] == OP_CALL_LOCAL && isa_target(&in[i], &delta))
			marks[i + 1 + delta] |= MARK_START;
		if (b->ops[i] == OP_LDDW_FUNC)
			marks[(s64)i + 1 + in[i].imm] |= MARK_START | MARK_ENTERED;
	}
}

/* What one instruction asks of its function's frame. */
static void unit_note(struct jit_unit *u, const struct bpf_insn *in, enum isa_op op)
{
	unsigned fields = isa_fields(op);

	if (fields & FIELD_DST && in->dst_reg >= 6 && in->dst_reg < 10)
		u->saved |= (u8)(1 << (in->dst_reg - 6));
	if (fields & FIELD_SRC && in->src_reg >= 6 && in->src_reg < 10)
		u->saved |= (u8)(1 << (in->src_reg - 6));
	u->frame |= (fields & FIELD_DST && in->dst_reg == 10) ||
		    (fields & FIELD_SRC && in->src_reg == 10);
	u->may_goto |= op == OP_MAY_GOTO;
	u->calls |= op == OP_CALL_LOCAL || (op == OP_CALL && in->imm == BPF_FUNC_tail_call);
}

static void units_make(struct jit_build *b, const u8 *marks)
{
	struct jit_code *c = b->code;
	struct jit_unit *u = NULL;
	u32 n = 0;

	for (u32 i = 0; i < c->nr_insns; i++)
		n += marks[i] != 0;
	c->units = mem_alloc(n * sizeof(*c->units));
	for (u32 i = 0; i < c->nr_insns; i += isa_slots(&b->bind->insns[i])) {
		if (marks[i]) {
			u = &c->units[c->nr_units++];
			*u = (struct jit_unit){ .start = i,
				.entered = marks[i] & MARK_ENTERED };
		}
		unit_note(u, &b->bind->insns[i], (enum isa_op)b->ops[i]);
		u->end = i + isa_slots(&b->bind->insns[i]);
	}
}

struct jit_unit *jit_unit_at(const struct jit_code *c, u32 at)
{
	u32 lo = 0, hi = c->nr_units;

	while (hi - lo > 1) {
		u32 mid = (lo + hi) / 2;

		if (c->units[mid].start <= at)
			lo = mid;
		else
			hi = mid;
	}
	return &c->units[lo];
}

/* Does each function lie in one piece, as the verifier wants it? */
static bool units_closed(const struct jit_build *b)
{
	const struct jit_code *c = b->code;

	for (u32 u = 0; u < c->nr_units; u++) {
		const struct jit_unit *unit = &c->units[u];

		for (u32 i = unit->start; i < unit->end; i += isa_slots(&b->bind->insns[i])) {
			s64 delta, to;

			if (b->ops[i] == OP_CALL_LOCAL || !isa_target(&b->bind->insns[i], &delta))
				continue;
			to = (s64)i + 1 + delta;
			if (to < unit->start || to >= unit->end)
				return false;
		}
	}
	return true;
}

/* Which parameters functions read; callers' lives depend on it. */
static void find_params(struct jit_build *b)
{
	struct jit_code *c = b->code;
	bool changed = c->nr_units > 1;

	while (changed) {
		changed = false;
		for (u32 u = c->nr_units; u-- > 0;) {
			struct arena arena = ARENA_INIT;
			struct ir_func f = { .arena = &arena, .b = b, .unit = &c->units[u] };
			u8 params = (u8)ir_params(&f);

			changed |= params != c->units[u].params;
			c->units[u].params = params;
			ir_free(&f);
			arena_free(&arena);
		}
	}
}

/* ---- memory ----------------------------------------------------------------- */

/* A first guess; most programs need 5 bytes for each slot. */
static size_t room_for(u32 nr_insns)
{
	return 4096 + (size_t)nr_insns * 16;
}

static int no_memory(struct jit_build *b)
{
	return err_set(b->err, ERR_JIT_MEM, b->where,
		       "the system gives no memory for native code");
}

static int write_room(struct jit_build *b, size_t room)
{
	struct jit_code *c = b->code;
	int r = 2;

	os_exec_free(c->mem, c->mem_bytes);
	c->mem_bytes = round_up(room, 4096);
	c->mem = os_exec_alloc(c->mem_bytes, (const void *)jit_compile);
	if (!c->mem)
		return no_memory(b);
	b->limit = c->mem + c->mem_bytes - JIT_INSN_BYTES;
	if (c->tier == JIT_OPT)
		r = c->arch->optimise(b);
	if (r != 2)
		return r;
	c->tier = JIT_FAST;
	return c->arch->write(b);
}

/* Code of another processor stays what it is, memory. */
static int write_all(struct jit_build *b)
{
	struct jit_code *c = b->code;
	int r = 1;

	for (size_t room = room_for(c->nr_insns); r == 1; room *= 2)
		r = write_room(b, room);
	if (!r && c->runs && os_exec_seal(c->mem, &c->mem_bytes, c->bytes))
		return no_memory(b);
	return r;
}

int jit_compile_arch(struct jit_code **out, const struct jit_bind *bind, enum jit_tier tier,
		     const struct jit_arch *arch, u32 cpu, const char *where,
		     struct skep_err *err)
{
	struct jit_code *c = mem_alloc(sizeof(*c));
	u8 *ops = mem_alloc(2 * (size_t)bind->nr_insns + 2), *marks = ops + bind->nr_insns;
	struct jit_build b = { .bind = bind, .code = c, .where = where, .err = err, .ops = ops,
			       .cpu = cpu };
	int r;

	c->nr_insns = bind->nr_insns;
	c->arch = arch;
	c->runs = arch == jit_arch_host() && !bind->entry;
	c->tier = arch->optimise ? tier : JIT_FAST;
	for (u32 i = 0; i < c->nr_insns; i += isa_slots(&bind->insns[i]))
		ops[i] = op_of(&bind->insns[i]);
	b.stops = bind->counts;
	for (u32 i = 0; i < c->nr_insns && !b.stops; i += isa_slots(&bind->insns[i]))
		b.stops = may_stop(&b, i);
	mark_starts(&b, marks);
	units_make(&b, marks);
	if (c->tier == JIT_OPT && units_closed(&b))
		find_params(&b);
	else
		c->tier = JIT_FAST;
	r = write_all(&b);
	free(ops);
	if (r)
		jit_free(c);
	else
		*out = c;
	return r;
}

static int no_such(const char *processor, const char *where, struct skep_err *err)
{
	struct strbuf names = { 0 };
	int r;

	jit_arch_names(&names);
	r = err_set(err, ERR_UNSUPPORTED, where, "native code for %s (there is some for %s)",
		    processor, sb_text(&names));
	sb_free(&names);
	return r;
}

int jit_compile(struct jit_code **out, const struct jit_bind *bind, enum jit_tier tier,
		const char *where, struct skep_err *err)
{
	const struct jit_arch *arch = jit_arch_host();

	if (!arch)
		return no_such("this processor", where, err);
	return jit_compile_arch(out, bind, tier, arch, jit_cpu(), where, err);
}

int jit_cross(struct jit_code **out, const struct jit_bind *bind, const char *processor,
	      const char *where, struct skep_err *err)
{
	const struct jit_arch *arch = jit_arch_find(processor);

	if (!arch)
		return no_such(processor, where, err);
	return jit_compile_arch(out, bind, JIT_OPT, arch, 0, where, err);
}

int jit_write(struct jit_code **out, const struct jit_bind *bind, const char *processor,
	      u32 cpu, const char *where, struct skep_err *err)
{
	const struct jit_arch *arch = jit_arch_find(processor);

	if (!arch)
		return no_such(processor, where, err);
	if (!arch->entries)
		return err_set(err, ERR_UNSUPPORTED, where, "native code for %s without addresses "
			       "in it", processor);
	return jit_compile_arch(out, bind, JIT_OPT, arch, cpu, where, err);
}

int jit_settle(struct jit_code *c)
{
	c->runs = !os_exec_seal(c->mem, &c->mem_bytes, c->bytes);
	return c->runs ? 0 : -1;
}

void jit_free(struct jit_code *c)
{
	if (!c)
		return;
	os_exec_free(c->mem, c->mem_bytes);
	vec_free(&c->marks);
	vec_free(&c->steps);
	free(c->units);
	free(c);
}

/* ---- looking at it ------------------------------------------------------------- */

helper_fn jit_func(const struct jit_code *c)
{
	return c->runs ? (helper_fn)(uintptr_t)c->units[0].outer : NULL;
}

void *jit_entry(const struct jit_code *c)
{
	return c->runs ? c->units[0].outer : NULL;
}

u32 jit_start(const struct jit_code *c) { return (u32)(c->units[0].outer - c->mem); }

bool jit_func_start(const struct jit_code *c, u32 slot, u32 *off)
{
	const struct jit_unit *u = jit_unit_at(c, slot);

	if (u->start != slot || !u->entered)
		return false;
	*off = (u32)(u->outer - c->mem);
	return true;
}

const u8 *jit_bytes(const struct jit_code *c, u32 *bytes)
{
	*bytes = c->bytes;
	return c->mem;
}

const struct jit_place *jit_places(const struct jit_code *c, u32 *n)
{
	*n = (u32)c->marks.n;
	return c->marks.v;
}

const struct jit_step *jit_steps(const struct jit_code *c, u32 *n)
{
	*n = (u32)c->steps.n;
	return c->steps.v;
}

enum jit_tier jit_tier(const struct jit_code *c) { return c->tier; }

const char *jit_processor(const struct jit_code *c) { return c->arch->name; }

s64 jit_slot(const struct jit_code *c, u64 addr)
{
	u64 off = addr - (u64)(uintptr_t)c->mem;
	size_t lo = 0, hi = c->marks.n;

	if (!hi || off < c->marks.v[0].off || off >= c->bytes)
		return -1;
	while (hi - lo > 1) {
		size_t mid = (lo + hi) / 2;

		if (c->marks.v[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}
	return c->marks.v[lo].slot;
}
