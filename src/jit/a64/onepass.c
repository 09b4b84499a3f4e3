/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * onepass.c: the one-pass compiler for AArch64: each instruction becomes machine
 * code where it stands, registers are fixed. A call of a helper is a call of its C
 * function, since r1..r5 lie where C passes arguments; its result is moved to r0.
 *
 *	r0 x7, r1 x0, r2 x1, r3 x2, r4 x3, r5 x4	lost by calls
 *	r6 x19, r7 x20, r8 x21, r9 x22, r10 x29		kept by calls
 *	x23 the run; x9..x13, x16 free for a moment
 *
 * Below r10, from where sp is: those of x19..x22 that the function writes, the count of
 * may_goto, a struct run_frame, the program's stack. sp stays there, so the stack is
 * reached from it, whose distances are positive. What C calls is a few instructions
 * before the function that set x23.
 */
#include "jit/a64/emit.h"
#include "jit/onepass.h"
#include "model/rewrite.h"

enum { R0 = X7, RUN = X23, FP = X29, LR = X30, TMP0 = X9, TMP1 = X10, TMP2 = X11, TMP3 = X12,
       CALLEE = X16 };
enum { GOTO_BYTES = 16 };
/* Conditional jumps reach 1 MiB. */
enum { NEAR_SLOTS = (1 << 20) / JIT_INSN_BYTES };

static const u8 reg_of[12] = { R0, X0, X1, X2, X3, X4, X19, X20, X21, X22, FP, X13 };

static bool is_lse(const struct onepass *x) { return x->b->cpu & JIT_A64_LSE; }

/* ---- functions ------------------------------------------------------------------ */

static u32 saved_bytes(const struct jit_unit *u)
{
	return (u32)(__builtin_popcount(u->saved) + 1) / 2 * 16;
}

/* From sp to r10. */
static u32 frame_bytes(const struct onepass *x, const struct jit_unit *u)
{
	u32 n = u->may_goto ? STACK_BYTES + LINK_BYTES + GOTO_BYTES :
		onepass_links(x->b, u) ? STACK_BYTES + LINK_BYTES : u->frame ? STACK_BYTES : 0;

	return n + saved_bytes(u);
}

/* Stores or loads those of r6..r9 that the function writes. */
static void saved_regs(struct onepass *x, bool load)
{
	u32 regs[4], n = 0;

	for (u32 r = 0; r < 4; r++)
		if (x->unit->saved & 1 << r)
			regs[n++] = reg_of[6 + r];
	for (u32 i = 0; i < n && !load; i++)
		jit_step(x->b->code, x->p + 4 * (i / 2 + 1), FP, 16, (u8)regs[i],
			 16 + frame_bytes(x, x->unit) - 8 * i);
	for (u32 i = 0; i + 1 < n; i += 2)
		a_pair(&x->p, load ? A_LDP : A_STP, regs[i], regs[i + 1], SP, 8 * (s32)i);
	if (n & 1)
		a_mem(&x->p, load ? A_LOAD : A_STORE, 64, regs[n - 1], SP, 8 * (s64)(n - 1));
}

/* REG is what lies DISP from the run, which no other register is needed for. */
static void load_entry(struct onepass *x, u32 reg, s32 disp)
{
	if (a_mem(&x->p, A_LOAD, 64, reg, RUN, disp))
		return;
	a_mov_imm(&x->p, reg, (u64)(s64)disp);
	a_mem_index(&x->p, A_LOAD, 64, reg, RUN, reg);
}

/* The address VALUE, which is WHAT at SLOT, to register DST; TMP1 may be lost. */
static void load_addr(struct onepass *x, u32 dst, enum jit_what what, u32 slot, u64 value)
{
	const struct jit_ref ref = jit_ref(x->b, what, slot, value);

	if (!ref.entry) {
		a_mov_imm(&x->p, dst, ref.value);
		return;
	}
	load_entry(x, dst, ref.disp);
	if (!ref.value || a_add_imm(&x->p, true, dst, dst, (s32)ref.value))
		return;
	a_mov_imm(&x->p, TMP1, (u64)(s64)(s32)ref.value);
	a_alu(&x->p, true, A_ADD, dst, dst, TMP1);
}

/* The function at TO, which is WHAT at SLOT. */
static void call_addr(struct onepass *x, enum jit_what what, u32 slot, u64 to)
{
	const struct jit_ref ref = jit_ref(x->b, what, slot, to);
	s64 d = (s64)(to - (u64)(uintptr_t)x->p);

	if (ref.entry) {
		load_entry(x, CALLEE, ref.disp);
		a_blr(&x->p, CALLEE);
		return;
	}
	if (d >= -(1 << 27) && d < 1 << 27 && !(d & 3)) {
		a_put(&x->p, 0x94000000 | ((u32)(d / 4) & 0x3ffffff));
		return;
	}
	a_mov_imm(&x->p, CALLEE, to);
	a_blr(&x->p, CALLEE);
}

/* What C calls: sets the run and calls the function. */
static void write_outer(struct onepass *x, struct jit_unit *u)
{
	struct jit_code *c = x->b->code;
	u8 *to;

	u->outer = x->p;
	jit_begin(c, u, x->p, SP, 0);
	a_pair(&x->p, A_STP_BEFORE, FP, LR, SP, -32);
	jit_step(c, x->p, SP, 32, FP, 32);
	jit_step(c, x->p, SP, 32, LR, 24);
	a_mem(&x->p, A_STORE, 64, RUN, SP, 16);
	jit_step(c, x->p, SP, 32, RUN, 16);
	a_add_imm(&x->p, true, FP, SP, 0);
	a_mov(&x->p, true, RUN, X5);
	to = a_bl(&x->p);
	a_mov(&x->p, true, X0, R0);
	a_mem(&x->p, A_LOAD, 64, RUN, SP, 16);
	a_pair(&x->p, A_LDP_AFTER, FP, LR, SP, 32);
	a_ret(&x->p);
	a_patch(to, x->p);	/* the function follows */
}

/* Where may_goto counts, from sp. */
static s64 goto_at(const struct onepass *x) { return saved_bytes(x->unit); }

/* The 512 bytes below r10. */
static void clear_stack(struct onepass *x)
{
	u8 *again;

	a_add_imm(&x->p, true, TMP0, FP, -STACK_BYTES);
	again = x->p;
	for (u32 i = 0; i < 4; i++)
		a_pair(&x->p, A_STP_AFTER, XZR, XZR, TMP0, 16);
	a_cmp(&x->p, true, TMP0, FP);
	a_patch(a_bcc(&x->p, A_NE), again);
}

/* REG to or from where the struct run says which frame is the innermost. */
static void frames(struct onepass *x, enum a64_access what, u32 reg)
{
	if (a_mem(&x->p, what, 64, reg, RUN, FRAMES))
		return;
	a_mov_imm(&x->p, TMP1, FRAMES);
	a_mem_index(&x->p, what, 64, reg, RUN, TMP1);
}

/* The function's frame is the innermost. */
static void frame_on(struct onepass *x)
{
	a_add_imm(&x->p, true, TMP0, FP, LINK_AT);
	frames(x, A_STORE, TMP0);
}

/* The caller's is. */
static void frame_off(struct onepass *x)
{
	a_add_imm(&x->p, true, TMP0, FP, LINK_AT);
	a_mem(&x->p, A_LOAD, 64, TMP0, TMP0, 0);
	frames(x, A_STORE, TMP0);
}

/* Notes the frame, of which all is shown. */
static void frame_link(struct onepass *x)
{
	frames(x, A_LOAD, TMP2);
	a_add_imm(&x->p, true, TMP0, FP, LINK_AT);
	a_mem(&x->p, A_STORE, 64, TMP2, TMP0, 0);
	a_add_imm(&x->p, true, TMP2, FP, -STACK_BYTES);
	a_mem(&x->p, A_STORE, 64, TMP2, TMP0, 8);
	frames(x, A_STORE, TMP0);
}

static void write_prologue(struct onepass *x, struct jit_unit *u)
{
	struct jit_code *c = x->b->code;
	u32 bytes = frame_bytes(x, u);
	bool links = onepass_links(x->b, u);

	if (u->entered)
		write_outer(x, u);
	u->inner = x->p;
	jit_begin(c, u, x->p, SP, 0);
	a_pair(&x->p, A_STP_BEFORE, FP, LR, SP, -16);
	jit_step(c, x->p, SP, 16, FP, 16);
	jit_step(c, x->p, SP, 16, LR, 8);
	a_add_imm(&x->p, true, FP, SP, 0);
	jit_step(c, x->p, FP, 16, JIT_NO_REG, 0);
	if (bytes)
		a_add_imm(&x->p, true, SP, SP, -(s64)bytes);
	saved_regs(x, false);
	if (u->may_goto) {
		a_mov_imm(&x->p, TMP0, MAY_GOTO_MAX);
		a_mem(&x->p, A_STORE, 64, TMP0, SP, goto_at(x));
	}
	if (links || (u->frame && x->b->bind->clear_stack))
		clear_stack(x);
	if (links)
		frame_link(x);
}

/* Leaves the function but for its return or jump. */
static void write_restore(struct onepass *x)
{
	saved_regs(x, true);
	if (frame_bytes(x, x->unit))
		a_add_imm(&x->p, true, SP, FP, 0);
	a_pair(&x->p, A_LDP_AFTER, FP, LR, SP, 16);
}

static void write_exit(struct onepass *x)
{
	write_restore(x);
	a_ret(&x->p);
}

/* REG and BITS at [BASE + OFF]; TMP1 may be needed for the distance. */
static void access_mem(struct onepass *x, enum a64_access what, u32 bits, u32 reg, u32 base,
		       s32 off)
{
	s64 from_sp = (s64)frame_bytes(x, x->unit) + off;

	if (base == FP && a_mem(&x->p, what, bits, reg, SP, from_sp))
		return;
	if (a_mem(&x->p, what, bits, reg, base, off))
		return;
	a_mov_imm(&x->p, TMP1, (u64)(s64)off);
	a_mem_index(&x->p, what, bits, reg, base, TMP1);
}

/* ---- stops --------------------------------------------------------------------- */

static void note_site(struct onepass *x, u32 slot, u64 at)
{
	load_addr(x, TMP0, JIT_SITE, slot, at);
	access_mem(x, A_STORE, 64, TMP0, RUN, AT);
}

static void end_with_0(struct onepass *x)
{
	a_mov_imm(&x->p, R0, 0);
	write_exit(x);
}

/* The program ends here, and says where. */
static void stop_at(struct onepass *x, u32 slot)
{
	note_site(x, slot, onepass_site(x, slot, false));
	a_mov_imm(&x->p, TMP0, 1);
	access_mem(x, A_STORE, 8, TMP0, RUN, STOP);
	end_with_0(x);
}

/* After what may have set run.stop. */
static void stop_asked(struct onepass *x)
{
	u8 *on;

	access_mem(x, A_LOAD, 8, TMP0, RUN, STOP);
	on = a_cbz(&x->p, false, false, TMP0);
	end_with_0(x);
	a_patch(on, x->p);
}

static void charge(struct onepass *x, u32 slot)
{
	u32 cost = jit_cost(x->b, slot);
	u8 *on;

	access_mem(x, A_LOAD, 64, TMP0, RUN, LEFT);
	if (!a_add_imm(&x->p, true, TMP0, TMP0, -(s64)cost)) {
		a_mov_imm(&x->p, TMP1, cost);
		a_alu(&x->p, true, A_SUB, TMP0, TMP0, TMP1);
	}
	access_mem(x, A_STORE, 64, TMP0, RUN, LEFT);
	on = a_tbz(&x->p, false, 63, TMP0);
	stop_at(x, slot);
	a_patch(on, x->p);
}

/* ---- arithmetic -------------------------------------------------------------- */

/* The second operand in a register. */
static u32 operand(struct onepass *x, const struct ins *i)
{
	if (!i->imm)
		return i->src;
	if (!i->raw->imm)
		return XZR;
	a_mov_imm(&x->p, TMP0, i->wide ? (u64)(s64)i->raw->imm : (u32)i->raw->imm);
	return TMP0;
}

static void alu(struct onepass *x, const struct ins *i, enum a64_alu op)
{
	a_alu(&x->p, i->wide, op, i->dst, i->dst, operand(x, i));
}

static void sum(struct onepass *x, const struct ins *i, enum a64_alu op)
{
	s64 imm = op == A_SUB ? -(s64)i->raw->imm : i->raw->imm;

	if (!i->imm || !a_add_imm(&x->p, i->wide, i->dst, i->dst, imm))
		alu(x, i, op);
}

static void logic(struct onepass *x, const struct ins *i, enum a64_alu op)
{
	if (!i->imm || !a_logic_imm(&x->p, i->wide, op, i->dst, i->dst, (u64)(s64)i->raw->imm))
		alu(x, i, op);
}

static void shift(struct onepass *x, const struct ins *i, enum a64_alu op)
{
	u32 n = (u32)i->raw->imm & (i->wide ? 63 : 31);

	if (!i->imm)
		a_alu(&x->p, i->wide, op, i->dst, i->dst, i->src);
	else if (op == A_LSL)
		a_lsl_imm(&x->p, i->wide, i->dst, i->dst, n);
	else
		a_bitfield(&x->p, i->wide, op == A_ASR, i->dst, i->dst, n, i->wide ? 63 : 31);
}

/* The processor divides as BPF wants it: by 0 is 0, and the least number by -1 is
 * itself; and so the rests, which are dst - quotient * divisor. */
static void divide(struct onepass *x, const struct ins *i, bool rest, enum a64_alu op)
{
	u32 by = operand(x, i);

	a_alu(&x->p, i->wide, op, rest ? TMP1 : i->dst, i->dst, by);
	if (rest)
		a_msub(&x->p, i->wide, i->dst, TMP1, by, i->dst);
}

static void move(struct onepass *x, const struct ins *i)
{
	if (i->imm)
		a_mov_imm(&x->p, i->dst, i->wide ? (u64)(s64)i->raw->imm : (u32)i->raw->imm);
	else
		a_mov(&x->p, i->wide, i->dst, i->src);
}

static void swap_bytes(struct onepass *x, const struct ins *i)
{
	switch (i->row->width) {
	case 16:
		a_rev16(&x->p, i->dst, i->dst);
		a_uxt(&x->p, 16, i->dst, i->dst);
		break;
	default:
		a_rev(&x->p, i->row->width == 64, i->dst, i->dst);
	}
}

static int write_alu(struct onepass *x, const struct ins *i)
{
	switch ((enum isa_kind)i->row->kind) {
	case KIND_ALU_ADD: sum(x, i, A_ADD); return 0;
	case KIND_ALU_SUB: sum(x, i, A_SUB); return 0;
	case KIND_ALU_OR: logic(x, i, A_ORR); return 0;
	case KIND_ALU_AND: logic(x, i, A_AND); return 0;
	case KIND_ALU_XOR: logic(x, i, A_EOR); return 0;
	case KIND_ALU_MUL: a_mul(&x->p, i->wide, i->dst, i->dst, operand(x, i)); return 0;
	case KIND_ALU_DIV: divide(x, i, false, A_UDIV); return 0;
	case KIND_ALU_MOD: divide(x, i, true, A_UDIV); return 0;
	case KIND_ALU_SDIV: divide(x, i, false, A_SDIV); return 0;
	case KIND_ALU_SMOD: divide(x, i, true, A_SDIV); return 0;
	case KIND_ALU_LSH: shift(x, i, A_LSL); return 0;
	case KIND_ALU_RSH: shift(x, i, A_LSR); return 0;
	case KIND_ALU_ARSH: shift(x, i, A_ASR); return 0;
	case KIND_NEG: a_neg(&x->p, i->wide, i->dst, i->dst); return 0;
	case KIND_MOV: move(x, i); return 0;
	case KIND_MOVSX8: a_sxt(&x->p, i->wide, 8, i->dst, i->src); return 0;
	case KIND_MOVSX16: a_sxt(&x->p, i->wide, 16, i->dst, i->src); return 0;
	case KIND_MOVSX32: a_sxt(&x->p, true, 32, i->dst, i->src); return 0;
	case KIND_BE:
	case KIND_BSWAP: swap_bytes(x, i); return 0;
	case KIND_LE:
		if (i->row->width < 64)
			a_uxt(&x->p, i->row->width, i->dst, i->dst);
		return 0;
	default: return onepass_unsupported(x, i);
	}
}

/* ---- jumps ---------------------------------------------------------------------- */

/* A jump on a condition, WORD, whose opposite has bit OPPOSITE changed: around a
 * plain jump when the target may be out of its reach. */
static int branch_word(struct onepass *x, const struct ins *i, u32 word, u32 opposite)
{
	u32 to = onepass_target(i);
	u8 *over;

	if ((to > i->at ? to - i->at : i->at - to) < NEAR_SLOTS)
		return onepass_jump(x, a_jump(&x->p, word), to, i);
	over = a_jump(&x->p, word ^ opposite);
	if (onepass_jump(x, a_b(&x->p), to, i))
		return ERR_UNSUPPORTED;
	a_patch(over, x->p);
	return 0;
}

static void compare(struct onepass *x, const struct ins *i, bool bits)
{
	s32 imm = i->raw->imm;

	if (bits && i->imm && a_logic_imm(&x->p, i->wide, A_ANDS, XZR, i->dst, (u64)(s64)imm))
		return;
	if (!bits && i->imm && a_cmp_imm(&x->p, i->wide, i->dst, imm))
		return;
	a_alu(&x->p, i->wide, bits ? A_ANDS : A_SUBS, XZR, i->dst, operand(x, i));
}

static int branch(struct onepass *x, const struct ins *i, enum a64_cc cc)
{
	bool bits = i->row->kind == KIND_JMP_JSET;

	if (i->imm && !i->raw->imm && !bits && (cc == A_EQ || cc == A_NE))
		return branch_word(x, i, 0x34000000u | (u32)i->wide << 31 |
				   (u32)(cc == A_NE) << 24 | i->dst, 1 << 24);
	compare(x, i, bits);
	return branch_word(x, i, 0x54000000 | (u32)cc, 1);
}

static int may_goto(struct onepass *x, const struct ins *i)
{
	a_mem(&x->p, A_LOAD, 64, TMP0, SP, goto_at(x));
	if (branch_word(x, i, 0xb4000000 | TMP0, 1 << 24))
		return ERR_UNSUPPORTED;
	a_add_imm(&x->p, true, TMP0, TMP0, -1);
	a_mem(&x->p, A_STORE, 64, TMP0, SP, goto_at(x));
	return 0;
}

static int write_jump(struct onepass *x, const struct ins *i)
{
	switch ((enum isa_kind)i->row->kind) {
	case KIND_JMP_JEQ: return branch(x, i, A_EQ);
	case KIND_JMP_JNE: return branch(x, i, A_NE);
	case KIND_JMP_JSET: return branch(x, i, A_NE);
	case KIND_JMP_JGT: return branch(x, i, A_HI);
	case KIND_JMP_JGE: return branch(x, i, A_HS);
	case KIND_JMP_JLT: return branch(x, i, A_LO);
	case KIND_JMP_JLE: return branch(x, i, A_LS);
	case KIND_JMP_JSGT: return branch(x, i, A_GT);
	case KIND_JMP_JSGE: return branch(x, i, A_GE);
	case KIND_JMP_JSLT: return branch(x, i, A_LT);
	case KIND_JMP_JSLE: return branch(x, i, A_LE);
	case KIND_JA:
	case KIND_JA32: return onepass_jump(x, a_b(&x->p), onepass_target(i), i);
	case KIND_MAY_GOTO: return may_goto(x, i);
	default: return write_alu(x, i);
	}
}

/* ---- calls ------------------------------------------------------------------------ */

/* bpf_tail_call(r1, r2, r3): the next program gets this one's r1 and frame. */
static void tail_call(struct onepass *x, u32 slot)
{
	u8 *none;

	/* r1 is kept on the stack over the question who is next; r2 and r3 lie where
	   the question wants them */
	a_pair(&x->p, A_STP_BEFORE, X0, XZR, SP, -16);
	if (onepass_links(x->b, x->unit))
		frame_off(x);
	a_mov(&x->p, true, X0, RUN);
	call_addr(x, JIT_TAIL, slot, (u64)(uintptr_t)x->b->bind->tail);
	a_mov(&x->p, true, CALLEE, X0);
	a_pair(&x->p, A_LDP_AFTER, X0, XZR, SP, 16);
	none = a_cbz(&x->p, true, false, CALLEE);
	a_mov(&x->p, true, X5, RUN);	/* it is entered as C enters it */
	write_restore(x);
	a_br(&x->p, CALLEE);
	a_patch(none, x->p);
	if (onepass_links(x->b, x->unit))
		frame_on(x);
	a_mov_imm(&x->p, R0, (u64)-1);
}

static void call_body(struct onepass *x, const struct ins *i)
{
	u64 at = onepass_site(x, i->at, true);

	if (i->row->kind == KIND_CALL && i->raw->imm == BPF_FUNC_tail_call) {
		tail_call(x, i->at);
		return;
	}
	if (at)
		note_site(x, i->at, at);
	a_mov(&x->p, true, X5, RUN);
	call_addr(x, JIT_BODY, i->at, (u64)(uintptr_t)x->b->bind->body(x->b->bind->arg, i->at));
	a_mov(&x->p, true, R0, X0);
	if (at)
		stop_asked(x);
}

static void call_local(struct onepass *x, const struct ins *i)
{
	onepass_fix(x, a_bl(&x->p), onepass_target(i), FIX_CALL);
	if (onepass_links(x->b, x->unit))
		frame_on(x);
	if (x->b->stops)
		stop_asked(x);
}

/* LD_ABS, LD_IND: outside the packet the function ends with 0. */
static void load_packet(struct onepass *x, const struct ins *i)
{
	s32 imm = i->raw->imm;
	u8 *there;

	if (i->row->kind == KIND_LD_ABS) {
		a_mov_imm(&x->p, X1, (u32)imm);
	} else if (!a_add_imm(&x->p, false, X1, i->src, imm)) {
		a_mov_imm(&x->p, TMP0, (u32)imm);
		a_alu(&x->p, false, A_ADD, X1, i->src, TMP0);
	}
	a_mov(&x->p, true, X0, RUN);
	a_mov_imm(&x->p, X2, i->row->width / 8);
	call_addr(x, JIT_PACKET, i->at, (u64)(uintptr_t)x->b->bind->packet);
	a_mov(&x->p, true, R0, X0);
	there = a_tbz(&x->p, false, 63, R0);
	end_with_0(x);
	a_patch(there, x->p);
}

static void load_imm(struct onepass *x, const struct ins *i)
{
	const struct jit_bind *bind = x->b->bind;

	switch (x->b->ops[i->at]) {
	case OP_LDDW:
		a_mov_imm(&x->p, i->dst, (u32)i->raw[0].imm | (u64)(u32)i->raw[1].imm << 32);
		break;
	case OP_LDDW_FUNC:
		onepass_fix(x, (bind->entry ? a_adr_near : a_adr)(&x->p, i->dst),
			    (u32)((s64)i->at + 1 + i->raw->imm), FIX_FUNC);
		break;
	default:
		load_addr(x, i->dst, JIT_ADDRESS, i->at, bind->address(bind->arg, i->at));
	}
}

/* ---- memory ------------------------------------------------------------------------ */

static void store_imm(struct onepass *x, const struct ins *i)
{
	u32 bits = i->row->width;
	s64 imm = i->raw->imm;
	u64 v = bits == 64 ? (u64)imm : bits == 32 ? (u32)imm : (u64)imm & ((1u << bits) - 1);

	if (v)
		a_mov_imm(&x->p, TMP0, v);
	access_mem(x, A_STORE, bits, v ? TMP0 : XZR, i->dst, i->raw->off);
}

/* rd = BASE + OFF */
static void add_off(struct onepass *x, u32 rd, u32 base, s32 off)
{
	if (a_add_imm(&x->p, true, rd, base, off))
		return;
	a_mov_imm(&x->p, TMP0, (u64)(s64)off);
	a_alu(&x->p, true, A_ADD, rd, base, TMP0);
}

/* The register that has BASE + off: atomic instructions know no distances. */
static u32 place(struct onepass *x, u32 base, s32 off)
{
	if (!off)
		return base;
	add_off(x, TMP0, base, off);
	return TMP0;
}

/* An atomic operation: by instructions of ARMv8.0, of ARMv8.1, and whether dst gets
 * what was there. Those that give it are ordered with everything, as the kernel's. */
struct atomic { enum a64_alu op; enum a64_atomic lse; bool fetch; };

static void atomic_loop(struct onepass *x, const struct ins *i, const struct atomic *how)
{
	u32 at = place(x, i->dst, i->raw->off), bits = i->row->width, new = TMP2;
	u8 *again = x->p;

	a_ldxr(&x->p, bits, TMP1, at);
	if (how->lse == A_SWP)
		new = i->src;
	else
		a_alu(&x->p, i->wide, how->op, TMP2, TMP1, i->src);
	a_stxr(&x->p, how->fetch, bits, TMP3, new, at);
	a_patch(a_cbz(&x->p, false, true, TMP3), again);
	if (!how->fetch)
		return;
	a_dmb_ish(&x->p);
	a_mov(&x->p, i->wide, i->src, TMP1);
}

static void atomic(struct onepass *x, const struct ins *i, enum a64_alu op, enum a64_atomic lse,
		   bool fetch)
{
	const struct atomic how = { op, lse, fetch };
	u32 at, with = i->src;

	if (!is_lse(x)) {
		atomic_loop(x, i, &how);
		return;
	}
	at = place(x, i->dst, i->raw->off);
	if (lse == A_LDCLR) {	/* clears the bits of its operand */
		a_mvn(&x->p, i->wide, TMP1, with);
		with = TMP1;
	}
	a_atomic(&x->p, lse, fetch, i->row->width, with, fetch ? i->src : XZR, at);
}

static void compare_exchange(struct onepass *x, const struct ins *i)
{
	u32 at = place(x, i->dst, i->raw->off), bits = i->row->width;
	u8 *again, *differs;

	if (is_lse(x)) {
		a_casal(&x->p, bits, R0, i->src, at);
		return;
	}
	again = x->p;
	a_ldxr(&x->p, bits, TMP1, at);
	a_cmp(&x->p, i->wide, TMP1, R0);
	differs = a_bcc(&x->p, A_NE);
	a_stxr(&x->p, true, bits, TMP3, i->src, at);
	a_patch(a_cbz(&x->p, false, true, TMP3), again);
	a_patch(differs, x->p);
	a_dmb_ish(&x->p);
	a_mov(&x->p, i->wide, R0, TMP1);
}

/* The operation as loads and stores, AT which atomic instructions do not go. */
static void write_split(struct onepass *x, const struct ins *i, u32 at)
{
	static const enum a64_alu ops[] = {
		[KIND_ATOMIC_ADD] = A_ADD, [KIND_ATOMIC_FADD] = A_ADD,
		[KIND_ATOMIC_OR] = A_ORR, [KIND_ATOMIC_FOR] = A_ORR,
		[KIND_ATOMIC_AND] = A_AND, [KIND_ATOMIC_FAND] = A_AND,
		[KIND_ATOMIC_XOR] = A_EOR, [KIND_ATOMIC_FXOR] = A_EOR,
	};
	u32 bits = i->row->width, kind = i->row->kind, to = i->src;
	u8 *differs = NULL;

	if (kind == KIND_ATOMIC_STREL) {
		a_mem(&x->p, A_STORE, bits, i->src, at, 0);
		return;
	}
	a_mem(&x->p, A_LOAD, bits, kind == KIND_ATOMIC_LDACQ ? i->dst : TMP1, at, 0);
	if (kind == KIND_ATOMIC_LDACQ)
		return;
	if (kind == KIND_ATOMIC_CMPXCHG) {
		a_cmp(&x->p, i->wide, TMP1, R0);
		differs = a_bcc(&x->p, A_NE);
		to = R0;
	}
	if (kind == KIND_ATOMIC_CMPXCHG || kind == KIND_ATOMIC_XCHG) {
		a_mem(&x->p, A_STORE, bits, i->src, at, 0);
	} else {
		a_alu(&x->p, i->wide, ops[kind], TMP2, TMP1, i->src);
		a_mem(&x->p, A_STORE, bits, TMP2, at, 0);
	}
	if (differs)
		a_patch(differs, x->p);
	if (kind != KIND_ATOMIC_ADD && kind != KIND_ATOMIC_OR && kind != KIND_ATOMIC_AND &&
	    kind != KIND_ATOMIC_XOR)
		a_mov(&x->p, i->wide, to, TMP1);
}

static int write_whole(struct onepass *x, const struct ins *i)
{
	u32 bits = i->row->width;
	s32 off = i->raw->off;

	switch ((enum isa_kind)i->row->kind) {
	case KIND_ATOMIC_ADD: atomic(x, i, A_ADD, A_LDADD, false); return 0;
	case KIND_ATOMIC_OR: atomic(x, i, A_ORR, A_LDSET, false); return 0;
	case KIND_ATOMIC_AND: atomic(x, i, A_AND, A_LDCLR, false); return 0;
	case KIND_ATOMIC_XOR: atomic(x, i, A_EOR, A_LDEOR, false); return 0;
	case KIND_ATOMIC_FADD: atomic(x, i, A_ADD, A_LDADD, true); return 0;
	case KIND_ATOMIC_FOR: atomic(x, i, A_ORR, A_LDSET, true); return 0;
	case KIND_ATOMIC_FAND: atomic(x, i, A_AND, A_LDCLR, true); return 0;
	case KIND_ATOMIC_FXOR: atomic(x, i, A_EOR, A_LDEOR, true); return 0;
	case KIND_ATOMIC_XCHG: atomic(x, i, A_ORR, A_SWP, true); return 0;
	case KIND_ATOMIC_CMPXCHG: compare_exchange(x, i); return 0;
	case KIND_ATOMIC_LDACQ: a_ldar(&x->p, bits, i->dst, place(x, i->src, off)); return 0;
	case KIND_ATOMIC_STREL: a_stlr(&x->p, bits, i->src, place(x, i->dst, off)); return 0;
	default: return write_jump(x, i);
	}
}

/* Nobody knows where lent memory begins: the place may not be aligned. */
static int write_atomic(struct onepass *x, const struct ins *i)
{
	u32 base = i->row->kind == KIND_ATOMIC_LDACQ ? i->src : i->dst, at;
	u8 *whole, *end;
	int r;

	if (i->row->kind < KIND_ATOMIC_ADD || i->row->kind > KIND_ATOMIC_STREL ||
	    i->row->width == 8)
		return write_whole(x, i);
	at = place(x, base, i->raw->off);
	a_logic_imm(&x->p, true, A_ANDS, XZR, at, i->row->width / 8 - 1);
	whole = a_bcc(&x->p, A_EQ);
	write_split(x, i, at);
	end = a_b(&x->p);
	a_patch(whole, x->p);
	r = write_whole(x, i);
	a_patch(end, x->p);
	return r;
}

/* The engine is asked for what is there; registers stay. */
static void probe(struct onepass *x, const struct ins *i, bool sign)
{
	a_pair(&x->p, A_STP_BEFORE, X0, X1, SP, -48);
	a_pair(&x->p, A_STP, X2, X3, SP, 16);
	a_pair(&x->p, A_STP, X4, R0, SP, 32);
	add_off(x, X0, i->src, i->raw->off);
	a_mov(&x->p, true, X5, RUN);
	call_addr(x, JIT_PROBE, i->at,
		  (u64)(uintptr_t)x->b->bind->probe(i->row->width / 8u, sign));
	a_mov(&x->p, true, TMP0, X0);
	a_pair(&x->p, A_LDP, X4, R0, SP, 32);
	a_pair(&x->p, A_LDP, X2, X3, SP, 16);
	a_pair(&x->p, A_LDP_AFTER, X0, X1, SP, 48);
	a_mov(&x->p, true, i->dst, TMP0);
}

/* ---- arenas --------------------------------------------------------------------------- */

/* A cast: what is in the window, or NULL. */
static void cast(struct onepass *x, const struct ins *i)
{
	u8 *null;

	a_mov(&x->p, false, i->dst, i->src);
	null = a_cbz(&x->p, false, false, i->dst);
	load_addr(x, TMP0, JIT_WINDOW, i->at, x->b->bind->arena.window);
	a_alu(&x->p, true, A_ORR, i->dst, i->dst, TMP0);
	a_patch(null, x->p);
}

/* Where the memory is; else registers stay. */
static void in_arena(struct onepass *x, const struct ins *i)
{
	const struct jit_arena *a = &x->b->bind->arena;
	s32 keeps = rewrite_arena_keeps(i->raw);

	a_pair(&x->p, A_STP_BEFORE, X0, X1, SP, -48);
	a_pair(&x->p, A_STP, X2, X3, SP, 16);
	a_pair(&x->p, A_STP, X4, R0, SP, 32);
	a_mov(&x->p, false, TMP1, i->src);
	if (keeps < 0)
		a_mov_imm(&x->p, X3, 0);
	else
		a_mov(&x->p, true, X3, reg_of[keeps]);
	add_off(x, X0, TMP1, i->raw->off);
	a_mov_imm(&x->p, X1, rewrite_arena_bytes(i->raw));
	load_addr(x, X2, JIT_ARENA, i->at, a->arena);
	a_mov(&x->p, true, X5, RUN);
	call_addr(x, JIT_ARENA_AT, i->at, (u64)(uintptr_t)a->at);
	a_mov(&x->p, true, i->dst, X0);
	a_pair(&x->p, A_LDP, X4, R0, SP, 32);
	a_pair(&x->p, A_LDP, X2, X3, SP, 16);
	a_pair(&x->p, A_LDP_AFTER, X0, X1, SP, 48);
}

static int write_insn(struct onepass *x, const struct ins *i)
{
	u32 bits = i->row->width;
	s32 off = i->raw->off;
	bool sign;

	if (rewrite_is_probe(i->raw, &sign)) {
		probe(x, i, sign);
		return 0;
	}
	if (i->raw->code == REWRITE_ARENA) {
		in_arena(x, i);
		return 0;
	}
	switch ((enum isa_kind)i->row->kind) {
	case KIND_AS_CAST: cast(x, i); return 0;
	case KIND_LDX: access_mem(x, A_LOAD, bits, i->dst, i->src, off); return 0;
	case KIND_LDXSX: access_mem(x, A_LOAD_SIGNED, bits, i->dst, i->src, off); return 0;
	case KIND_STX: access_mem(x, A_STORE, bits, i->src, i->dst, off); return 0;
	case KIND_ST: store_imm(x, i); return 0;
	case KIND_LDDW: load_imm(x, i); return 0;
	case KIND_CALL:
	case KIND_CALL_KFUNC: call_body(x, i); return 0;
	case KIND_CALL_LOCAL: call_local(x, i); return 0;
	case KIND_EXIT:
		if (i->raw->code == REWRITE_TRAP)
			stop_at(x, i->at);
		else
			write_exit(x);
		return 0;
	case KIND_LD_ABS:
	case KIND_LD_IND: load_packet(x, i); return 0;
	default: return write_atomic(x, i);
	}
}

/* ---- the whole --------------------------------------------------------------------- */

int jit_a64_write(struct jit_build *b)
{
	static const struct onepass_ops ops = {
		.reg_of = reg_of, .prologue = write_prologue, .insn = write_insn,
		.charge = charge, .patch = a_patch,
	};
	struct onepass x = { .ops = &ops, .b = b, .p = b->code->mem };

	return onepass_write(&x);
}
