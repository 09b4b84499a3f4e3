/* SPDX-License-Identifier: BSD-2-Clause */
/* opt.c: functions, calls and jumps as machine code, node by node; see opt.h. */
#include "jit/x64/opt.h"
#include <linux/bpf.h>
#include <stdlib.h>

enum { MAY_GOTO_MAX = 8 << 20, SHORT_MAX = 100, NODE_BYTES = 256, LOOP_ALIGN = 16,
       NOPS_MAX = 10 };

static const u8 arg_reg[6] = { RDI, RSI, RDX, RCX, R8, R9 };

/* ---- functions --------------------------------------------------------- */

/* Leaves the function but for its return or jump. */
static void restore(struct ra *a)
{
	if (a->frame)
		x_alu_imm(&a->p, true, X_ADD, RSP, (s32)a->frame);
	for (u32 r = REGS; r-- > 0;)
		if (a->saved & BIT(r))
			x_pop(&a->p, r);
}

static void leave(struct ra *a)
{
	restore(a);
	x_ret(&a->p);
}

/* What V, a CALL, TAIL or PACKET, calls. */
static void call_body(struct ra *a, const struct ir *v)
{
	u64 to = v->imm;
	s64 d = (s64)(to - (u64)(uintptr_t)(a->p + 5));

	if (v->cc) {
		x_mem(&a->p, false, false, 0xff, 2, RUN_REG, v->entry);
		return;
	}
	if (fits32(d)) {
		u8 *at = x_call(&a->p);

		memcpy(at, &(s32){ (s32)d }, 4);
		return;
	}
	x_mov_imm(&a->p, RAX, to);
	x_call_reg(&a->p, RAX);
}

/* The result of a call is where C leaves it. */
static void result(struct ra *a, struct ir *v)
{
	ra_after_call(a);
	ra_free_dead(a, v, NULL);
	if (v->uses)
		ra_set(a, v, RAX);
}

static void call(struct ra *a, struct ir *v)
{
	struct move m[6];
	u32 n = 0;

	ra_before_call(a, NULL, 0);
	for (u32 i = 0; i < v->n; i++)
		m[n++] = (struct move){ i + 1u == v->n ? R9 : arg_reg[i], v->arg[i] };
	ra_moves(a, m, n);
	if (ir_is(v, IR_CALL)) {
		call_body(a, v);
	} else {
		x_call(&a->p);
		*vec_push(a->links) = (struct link){ a->p - 4, (u32)v->imm };
	}
	result(a, v);
}

static void tail(struct ra *a, struct ir *v)
{
	struct ir *ctx = v->arg[0], *run = v->arg[3];
	struct ir *const both[2] = { ctx, run };
	const struct move args[3] = { { RDI, run }, { RSI, v->arg[1] }, { RDX, v->arg[2] } };
	const struct move next[2] = { { RDI, ctx }, { R9, run } };
	u8 *none;

	ra_before_call(a, both, 2);
	ra_moves(a, args, 3);
	call_body(a, v);
	ra_after_call(a);
	x_test(&a->p, true, RAX, RAX);
	none = x_jcc8(&a->p, CC_E);
	ra_moves(a, next, 2);
	restore(a);
	x_jmp_reg(&a->p, RAX);
	x_patch8(none, a->p);
	x_mov_imm(&a->p, RAX, (u64)-1);
	ra_free_dead(a, v, NULL);
	if (v->uses)
		ra_set(a, v, RAX);
}

/* Outside the packet the function ends with 0. */
static void packet(struct ra *a, struct ir *v)
{
	const struct move m[2] = { { RDI, v->arg[0] }, { RSI, v->arg[1] } };
	u8 *there;

	ra_before_call(a, NULL, 0);
	ra_moves(a, m, 2);
	x_mov_imm(&a->p, RDX, v->w / 8u);
	call_body(a, v);
	x_test(&a->p, true, RAX, RAX);
	there = x_jcc8(&a->p, CC_NS);
	x_mov_imm(&a->p, RAX, 0);
	leave(a);
	x_patch8(there, a->p);
	result(a, v);
}

/* ---- stops ------------------------------------------------------------- */

enum { AT = offsetof(struct run, at), STOP = offsetof(struct run, stop),
       LEFT = offsetof(struct run, left) };

/* What leads out stands behind the function. */
static void stop(struct ra *a, struct ir *v)
{
	u32 run = ra_get(a, v->arg[0]);
	bool asked = v->cc == STOP_ASKED;
	u8 *at;

	if (asked) {
		x_mem(&a->p, false, false, 0x80, X_CMP, run, STOP);
		put1(&a->p, 0);
	} else {
		x_mem(&a->p, false, true, 0x81, X_SUB, run, LEFT);
		put4(&a->p, jit_cost(a->b, v->slot));
	}
	at = x_jcc(&a->p, asked ? CC_NE : CC_S);
	*vec_push(&a->outs) = (struct way_out){ at, v->slot, (u8)run, asked };
}

/* The program ends, and says that it is at SLOT. */
static void say_where(struct ra *a, u32 run, u32 slot)
{
	const struct jit_bind *bind = a->b->bind;
	const struct jit_ref site = jit_ref(a->b, JIT_SITE, slot,
					    bind->site ? bind->site(bind->arg, slot, false) : 0);
	const struct x64_addr sum = { SCRATCH, NO_INDEX, 0, (s32)site.value };

	if (site.entry) {
		x_load(&a->p, 64, SCRATCH, run, site.disp);
		x_lea(&a->p, true, SCRATCH, &sum);
	} else {
		x_mov_imm_flags(&a->p, SCRATCH, site.value);
	}
	x_store(&a->p, 64, run, AT, SCRATCH);
	x_store_imm(&a->p, 8, run, STOP, 1);
}

static int write_outs(struct ra *a)
{
	for (size_t i = 0; i < a->outs.n; i++) {
		const struct way_out *o = &a->outs.v[i];

		if (a->p >= a->b->limit - NODE_BYTES)
			return 1;
		x_patch(o->at, a->p);
		if (a->second)
			jit_mark(a->b->code, o->slot, a->p);
		if (!o->asked)
			say_where(a, o->run, o->slot);
		x_mov_imm(&a->p, RAX, 0);
		leave(a);
	}
	return 0;
}

/* No run comes here. */
static void trap(struct ra *a, struct ir *v)
{
	if (!v->n) {
		put1(&a->p, 0x0f);
		put1(&a->p, 0x0b);
		return;
	}
	say_where(a, ra_get(a, v->arg[0]), v->slot);
	x_mov_imm(&a->p, RAX, 0);
	leave(a);
}

/* ---- jumps ------------------------------------------------------------- */

/* Is the distance from here to TO short, as far as the first time tells? */
static bool is_near(const struct ra *a, const struct ir_block *to)
{
	s64 here;

	if (!a->second)
		return false;
	if (to->code)
		return a->p - to->code < SHORT_MAX;
	here = (s64)a->offsets[a->block->id] + (a->p - a->block->code);
	return !a->only_long && (s64)a->offsets[to->id] - here < SHORT_MAX;
}

static void jump(struct ra *a, struct ir_block *to, s32 cc)
{
	bool near = is_near(a, to);
	u8 *at = near ? cc < 0 ? x_jmp8(&a->p) : x_jcc8(&a->p, (enum x64_cc)cc) :
		 cc < 0 ? x_jmp(&a->p) : x_jcc(&a->p, (enum x64_cc)cc);

	*vec_push(&a->jumps) = (struct jump){ at, near, TO_BLOCK, to };
}

static void goto_block(struct ra *a, struct ir_block *to)
{
	ra_enter(a, to);
	ra_edge(a, to, false);
	if (to->id != a->block->id + 1)
		jump(a, to, -1);
}

/* With the flags set: to TAKEN when CC, else to OTHER; COUNT: OTHER's way counts a
 * may_goto. */
static void branch_to(struct ra *a, struct ir_block *taken, struct ir_block *other,
		      enum x64_cc cc, bool count, bool early)
{
	ra_enter(a, taken);
	ra_enter(a, other);
	if (!early && ra_edge(a, taken, true)) {
		u8 *over = x_jcc(&a->p, (enum x64_cc)(cc ^ 1));

		ra_edge(a, taken, false);
		jump(a, taken, -1);
		x_patch(over, a->p);
	} else {
		jump(a, taken, cc);
	}
	if (count)
		x_mem(&a->p, false, true, 0xff, 1, RSP, (s32)a->fp_at - 8);
	ra_edge(a, other, false);
	if (other->id != a->block->id + 1)
		jump(a, other, -1);
}

static void branch(struct ra *a, struct ir *v)
{
	struct ir_block *t = a->block->succ[0], *e = a->block->succ[1];
	enum x64_cc cc = ra_cc(v->cc);
	bool early;

	if (t->id == a->block->id + 1) {
		t = e;
		e = a->block->succ[0];
		cc ^= 1;
	}
	ra_compare_get(a, v);
	ra_enter(a, t);
	ra_enter(a, e);
	early = ra_edge_early(a, t);
	ra_compare(a, v);
	a->pinned = 0;
	branch_to(a, t, e, cc, false, early);
}

static void may_goto(struct ra *a)
{
	x_mem(&a->p, false, true, 0x83, X_CMP, RSP, (s32)a->fp_at - 8);
	put1(&a->p, 0);
	branch_to(a, a->block->succ[0], a->block->succ[1], CC_E, true, false);
}

static void ret(struct ra *a, struct ir *v)
{
	ra_load(a, v->arg[0], RAX);
	leave(a);
}

static void node(struct ra *a, struct ir *v)
{
	switch ((enum ir_op)v->op) {
	case IR_LOAD: case IR_STORE: case IR_ATOMIC: ra_memory(a, v); break;
	case IR_CALL: case IR_LOCAL: call(a, v); break;
	case IR_PACKET: packet(a, v); break;
	case IR_TAIL: tail(a, v); break;
	case IR_JMP: goto_block(a, a->block->succ[0]); break;
	case IR_BR: branch(a, v); break;
	case IR_MAY_GOTO: may_goto(a); break;
	case IR_RET: ret(a, v); break;
	case IR_STOP: stop(a, v); break;
	case IR_TRAP: trap(a, v); break;
	case IR_PARAM: break;	/* set at the start */
	default: ra_compute(a, v);
	}
}

/* ---- the function ------------------------------------------------------ */

/* How much of the stack begins as 0. */
static u32 cleared(const struct ra *a)
{
	u32 n = a->b->bind->clear_stack ? a->f->depth : a->f->shown;

	return n < 128 ? (u32)round_up(n, 16) : (u32)round_up(n, 64);
}

/* Few of them one by one; false: there are more, or others look there, too. */
static bool clear_few(struct ra *a)
{
	u64 slots = a->b->bind->clear_stack;

	if (a->f->depth < RUN_STACK_BYTES)
		slots &= (1ull << (a->f->depth + 7) / 8) - 1;
	if (a->f->shown || __builtin_popcountll(slots) > 4)
		return false;
	for (; slots; slots &= slots - 1)
		x_store_imm(&a->p, 64, RSP,
			    (s32)a->fp - 8 * (__builtin_ctzll(slots) + 1), 0);
	return true;
}

static void prologue(struct ra *a)
{
	struct jit_code *c = a->b->code;
	u32 dist = 8;

	jit_begin(c, a->f->unit, a->p, x64_dwarf(RSP), dist);
	for (u32 r = 0; r < REGS; r++)
		if (a->saved & BIT(r)) {
			x_push(&a->p, r);
			dist += 8;
			jit_step(c, a->p, x64_dwarf(RSP), dist, x64_dwarf(r), dist);
		}
	if (a->frame) {
		x_alu_imm(&a->p, true, X_SUB, RSP, (s32)a->frame);
		jit_step(c, a->p, x64_dwarf(RSP), dist + a->frame, JIT_NO_REG, 0);
	}
	if (a->f->may_goto)
		x_store_imm(&a->p, 64, RSP, (s32)a->fp_at - 8, MAY_GOTO_MAX);
	if (a->fp_at >= a->fp && cleared(a) && !clear_few(a)) {
		x_lea(&a->p, true, SCRATCH,
		      &(struct x64_addr){ RSP, NO_INDEX, 0, (s32)a->fp });
		x_clear_stack(&a->p, cleared(a));
	}
}

static void take_params(struct ra *a)
{
	ir_list *nodes = &a->f->first->nodes;

	a->block = a->f->first;
	a->pos = a->block->pos;
	a->wanted = 0;
	ra_live_out(a->block);
	if (a->run) {
		x_mov(&a->p, true, RUN_REG, R9);
		ra_set(a, a->run, RUN_REG);
	}
	for (size_t i = 0; i < nodes->n; i++)
		if (ir_is(nodes->v[i], IR_PARAM) && nodes->v[i] != a->run)
			ra_set(a, nodes->v[i], nodes->v[i]->imm == 6 ? R9 :
			       arg_reg[nodes->v[i]->imm - 1]);
}

/* Operands that are in registers stay there while V is written. */
static void pin_operands(struct ra *a, const struct ir *v)
{
	struct ir *read[IR_OPERANDS];
	u32 n = ir_operands(v, read);

	a->pinned = 0;
	for (u32 i = 0; i < n; i++)
		if (read[i]->reg != NOREG)
			a->pinned |= BIT(read[i]->reg);
}

static void align(struct ra *a, u32 to)
{
	while ((a->p - a->b->code->mem) % to)
		x_nop(&a->p, (u32)(to - (a->p - a->b->code->mem) % to));
}

/* Loops begin where the processor begins to fetch, and so does what is only jumped to
 * in loops, unless that costs too much room. */
static void align_block(struct ra *a, const struct ir_block *block)
{
	const struct ir_block *before = block->id ? a->f->blocks.v[block->id - 1] : NULL;
	u32 over = (u32)((a->p - a->b->code->mem) % LOOP_ALIGN);

	if (a->p >= a->b->limit - NODE_BYTES)
		return;
	if (block->header)
		align(a, LOOP_ALIGN);
	else if (block->depth && before && before->succ[0] != block &&
		 (before->nr_succ < 2 || before->succ[1] != block))
		align(a, over && LOOP_ALIGN - over > NOPS_MAX ? LOOP_ALIGN / 2 : LOOP_ALIGN);
}

static int write_block(struct ra *a, struct ir_block *block)
{
	align_block(a, block);
	block->code = a->p;
	a->flags = NULL;
	if (!a->second)
		a->offsets[block->id] = (u32)(a->p - a->b->code->mem);
	if (block == a->f->first)
		take_params(a);
	else
		ra_start(a, block);
	for (size_t i = 0; i < block->nodes.n; i++) {
		struct ir *v = block->nodes.v[i];

		if (a->p >= a->b->limit - NODE_BYTES)
			return 1;
		if (v->late)
			continue;
		a->pos = v->first;
		pin_operands(a, v);
		if (!ir_is(v, IR_SELECT) && !ir_is(v, IR_BR))
			a->flags = NULL;
		if (a->second)
			jit_mark(a->b->code, v->slot, a->p);
		node(a, v);
		if (!(ir_flags[v->op] & END))
			ra_free_dead(a, v, NULL);
	}
	return 0;
}

static void fill_jumps(struct ra *a)
{
	for (size_t i = 0; i < a->jumps.n; i++) {
		const struct jump *j = &a->jumps.v[i];
		s64 d = j->block->code - (j->at + 1);

		if (!j->is_short)
			x_patch(j->at, j->block->code);
		else if (fits8(d))
			x_patch8(j->at, j->block->code);
		else
			a->overflow = true;
	}
}

/* Forgets what the last time left in the values. */
static void reset(struct ra *a)
{
	memset(a->reg, 0, sizeof(a->reg));
	memset(a->left, 0, sizeof(a->left));
	a->places.n = a->temps.n = a->jumps.n = a->outs.n = a->asides.n = 0;
	a->used = a->pinned = 0;
	a->fp_used = a->calls_made = a->overflow = false;
	for (size_t b = 0; b < a->f->blocks.n; b++) {
		struct ir_block *block = a->f->blocks.v[b];

		memset(block->entry, 0, sizeof(struct entry));
		block->code = NULL;
		for (size_t i = 0; i < block->phis.n; i++)
			block->phis.v[i]->phi_reg = NOREG;
	}
	for (u32 i = 0; i < a->f->nr_all; i++) {
		struct ir *v = a->f->all[i];

		v->reg = NOREG;
		v->in_mem = ir_remade(v);
		v->place = -1;
		v->at_use = 0;
		v->stamp = 0;
	}
	if (a->run)	/* maybe nobody else uses it */
		a->run->reg = NOREG;
}

/* What is seldom done, behind the rest: divisions by 0 and -1. */
static int write_asides(struct ra *a)
{
	if (a->p + a->asides.n * ASIDE_BYTES >= a->b->limit)
		return 1;
	for (size_t i = 0; i < a->asides.n; i++) {
		const struct aside *s = &a->asides.v[i];

		x_patch(s->at, a->p);
		if (s->minus)
			x_f7(&a->p, s->wide, 3, RAX);
		if (s->minus)
			x_alu(&a->p, false, X_XOR, RDX, RDX);
		else if (s->rest)
			x_mov(&a->p, s->wide, RDX, RAX);
		else
			x_alu(&a->p, false, X_XOR, RAX, RAX);
		x_patch(x_jmp(&a->p), s->back);
	}
	return 0;
}

static int write_once(struct ra *a)
{
	size_t links = a->links->n, marks = a->b->code->marks.n,
	       steps = a->b->code->steps.n;
	u8 *start = a->p;
	int r = 0;

	reset(a);
	prologue(a);
	for (size_t b = 0; b < a->f->blocks.n && !r; b++)
		r = write_block(a, a->f->blocks.v[b]);
	if (!r)
		r = write_outs(a);
	if (!r)
		r = write_asides(a);
	if (!r)
		fill_jumps(a);
	a->good = a->second && !a->overflow && !(a->used & ~a->saved) &&
		  (!a->fp_used || a->fp_at >= a->fp) && a->fp_at + 8 * a->places.n <= a->frame;
	if (!a->good) {		/* it will be written again */
		a->p = start;
		a->links->n = links;
		a->b->code->marks.n = marks;
		a->b->code->steps.n = steps;
	}
	return r;
}

/* The frame that was needed: rsp is a multiple of 16 at calls. */
static void settle_frame(struct ra *a)
{
	u32 pushed = 8 + 8 * (u32)__builtin_popcount(a->used | a->saved);

	a->saved |= a->used;
	a->fp_at = (a->fp_used ? a->fp : 0) + (a->f->may_goto ? 8 : 0);
	a->frame = a->fp_at + 8 * (u32)a->places.n;
	if (a->calls_made)
		a->frame += (16 - (pushed + a->frame) % 16) % 16;
}

/* Loops around B use rax and rdx. */
static void mark_divides(struct ir_block *b)
{
	for (struct ir_block *h = b->loop; h && !h->divides; h = h->outer)
		h->divides = true;
}

/* Places of calls, and the node at each position. */
static void find_calls(struct ra *a)
{
	const struct ir_block *last = a->f->blocks.v[a->f->blocks.n - 1];

	a->at = arena_news(a->f->arena, last->edge + 1, struct ir *);
	a->calls = arena_news(a->f->arena, last->edge + 1, u32);
	for (size_t b = 0; b < a->f->blocks.n; b++)
		a->f->blocks.v[b]->divides = false;
	for (size_t b = 0; b < a->f->blocks.n; b++)
		for (size_t i = 0; i < a->f->blocks.v[b]->nodes.n; i++) {
			struct ir *v = a->f->blocks.v[b]->nodes.v[i];

			a->at[v->first] = v;
			if (ir_is(v, IR_MULHI) || (v->op >= IR_UDIV && v->op <= IR_SMOD))
				mark_divides(a->f->blocks.v[b]);
			if (ir_is(v, IR_CALL) || ir_is(v, IR_LOCAL) || ir_is(v, IR_TAIL) ||
			    ir_is(v, IR_PACKET))
				a->calls[a->nr_calls++] = v->first;
		}
}

enum { TRIES = 4 };

/* Writes the function until what is written agrees with what it was written for. */
static int write_func(struct ra *a)
{
	int r;

	a->fp = RUN_STACK_BYTES + (a->f->shown ? sizeof(struct run_frame) : 0);
	a->fp_at = a->fp + 8;
	a->frame = 1024;
	a->saved = CALLEE_SAVED;
	r = write_once(a);
	a->saved = 0;
	a->second = true;
	for (u32 i = 0; i < TRIES && !r; i++) {
		settle_frame(a);
		r = write_once(a);
		if (!r && a->good)
			return 0;
		a->only_long |= a->overflow;
	}
	return r ? r : 2;
}

static const struct ir_target target = { .regs = REGS_FREE, .in_reg = ra_in_reg, .complex = true };

static int write_unit(struct jit_build *b, struct jit_unit *u, u8 **p, link_list *links,
		      struct arena *arena)
{
	struct ir_func f = { .arena = arena, .b = b, .unit = u, .target = &target };
	struct ra a = { .b = b, .f = &f, .p = *p, .links = links,
			.bmi2 = b->cpu & JIT_X64_BMI2 };
	int r = ir_compile(&f);

	if (!r) {
		a.offsets = arena_news(arena, f.blocks.n + 1, u32);
		for (size_t i = 0; i < f.blocks.n; i++)
			f.blocks.v[i]->entry = arena_new(arena, struct entry);
		find_calls(&a);
		ir_collect(&f);
		a.run = f.entries ? f.params[IR_RUN] : NULL;
		align(&a, LOOP_ALIGN);
		u->inner = u->outer = a.p;
		r = write_func(&a);
		*p = a.p;
	}
	vec_free(&a.places);
	vec_free(&a.temps);
	vec_free(&a.jumps);
	vec_free(&a.asides);
	vec_free(&a.outs);
	ir_free(&f);
	return r;
}

int jit_x64_optimise(struct jit_build *b)
{
	struct jit_code *c = b->code;
	link_list links = { 0 };
	u8 *p = c->mem + JIT_LEAD;
	int r = 0;

	c->marks.n = c->steps.n = 0;
	memset(c->mem, 0xcc, JIT_LEAD);
	for (u32 u = 0; u < c->nr_units && !r; u++) {
		struct arena arena = ARENA_INIT;

		r = p >= b->limit ? 1 : write_unit(b, &c->units[u], &p, &links, &arena);
		arena_free(&arena);
	}
	c->bytes = (u32)(p - c->mem);
	for (size_t i = 0; i < links.n && !r; i++)
		x_patch(links.v[i].at, jit_unit_at(c, links.v[i].slot)->inner);
	vec_free(&links);
	return r;
}
