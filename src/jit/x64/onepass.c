/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * onepass.c: the one-pass compiler for x86-64: each instruction becomes machine
 * code where it stands, registers are fixed. A call of a helper is a call of its
 * C function, since r1..r5 lie where C passes arguments.
 *
 *	r0 rax, r1 rdi, r2 rsi, r3 rdx, r4 rcx, r5 r8    lost by calls
 *	r6 rbx, r7 r13, r8 r14, r9 r15, r10 rbp          kept by calls
 *	r12 the run; r9, r10, r11 free for a moment
 *
 * A function of the program keeps rbp and those of rbx, r13..r15 that it
 * writes; what C calls is a few instructions before it that set r12.
 */
#include "jit/onepass.h"
#include "jit/x64/emit.h"
#include "model/rewrite.h"

enum { RUN = R12, TMP0 = R9, TMP1 = R10, TMP2 = R11 };
enum { LOOP_ALIGN = 16 };
enum { ARENA_BEFORE = 1 << 16 };	/* bytes before a window that its pages are told of */
enum { GOTO_AT = LINK_AT - 8 };	/* where nothing is linked there is a hole */

static const u8 reg_of[12] = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP, TMP2 };

/* ---- functions ------------------------------------------------------------------ */

static u32 saved_count(const struct jit_unit *u)
{
	return (u32)__builtin_popcount(u->saved);
}

/* Below rbp: the program's stack, its struct run_frame, the count of may_goto, what
 * keeps calls aligned to 16 bytes. */
static s32 frame_bytes(const struct onepass *x, const struct jit_unit *u)
{
	s32 n = u->may_goto ? -GOTO_AT + 8 : onepass_links(x->b, u) ? -LINK_AT :
		u->frame ? STACK_BYTES : 0;

	return n + 8 * (saved_count(u) & 1);
}

/* The function at TO, which is WHAT at SLOT. */
static void call_addr(struct onepass *x, enum jit_what what, u32 slot, u64 to)
{
	const struct jit_ref ref = jit_ref(x->b, what, slot, to);
	s64 d = (s64)(to - (u64)(uintptr_t)(x->p + 5));

	if (ref.entry) {
		x_mem(&x->p, false, false, 0xff, 2, RUN, ref.disp);
		return;
	}
	if (fits32(d)) {
		u8 *at = x_call(&x->p);

		memcpy(at, &(s32){ (s32)d }, 4);
		return;
	}
	x_mov_imm(&x->p, RAX, to);
	x_call_reg(&x->p, RAX);
}

/* What C calls: sets the run and calls the function. */
static void write_outer(struct onepass *x, struct jit_unit *u)
{
	u8 *to;

	u->outer = x->p;
	jit_begin(x->b->code, u, x->p, x64_dwarf(RSP), 8);
	x_push(&x->p, RUN);
	jit_step(x->b->code, x->p, x64_dwarf(RSP), 16, x64_dwarf(RUN), 16);
	x_mov(&x->p, true, RUN, R9);
	to = x_call(&x->p);
	x_pop(&x->p, RUN);
	x_ret(&x->p);
	x_patch(to, x->p);	/* the function follows */
}

/* The function's frame is the innermost. */
static void frame_on(struct onepass *x)
{
	x_lea(&x->p, true, TMP2, &(struct x64_addr){ RBP, NO_INDEX, 0, LINK_AT });
	x_store(&x->p, 64, RUN, FRAMES, TMP2);
}

/* The caller's is. */
static void frame_off(struct onepass *x)
{
	x_load(&x->p, 64, TMP2, RBP, LINK_AT);
	x_store(&x->p, 64, RUN, FRAMES, TMP2);
}

/* Notes the frame, of which all is shown. */
static void frame_link(struct onepass *x)
{
	x_load(&x->p, 64, TMP2, RUN, FRAMES);
	x_store(&x->p, 64, RBP, LINK_AT, TMP2);
	x_lea(&x->p, true, TMP2, &(struct x64_addr){ RBP, NO_INDEX, 0, -STACK_BYTES });
	x_store(&x->p, 64, RBP, LINK_AT + 8, TMP2);
	frame_on(x);
}

static void write_prologue(struct onepass *x, struct jit_unit *u)
{
	struct jit_code *c = x->b->code;
	s32 bytes = frame_bytes(x, u);
	bool links = onepass_links(x->b, u);
	u32 at = 16 + (u32)bytes;

	if (u->entered)
		write_outer(x, u);
	u->inner = x->p;
	jit_begin(c, u, x->p, x64_dwarf(RSP), 8);
	x_push(&x->p, RBP);
	jit_step(c, x->p, x64_dwarf(RSP), 16, x64_dwarf(RBP), 16);
	x_mov(&x->p, true, RBP, RSP);
	jit_step(c, x->p, x64_dwarf(RBP), 16, JIT_NO_REG, 0);
	if (bytes)
		x_alu_imm(&x->p, true, X_SUB, RSP, bytes);
	for (u32 r = 0; r < 4; r++)
		if (u->saved & 1 << r) {
			x_push(&x->p, reg_of[6 + r]);
			jit_step(c, x->p, x64_dwarf(RBP), 16, x64_dwarf(reg_of[6 + r]), at += 8);
		}
	if (u->may_goto)
		x_store_imm(&x->p, 64, RBP, GOTO_AT, MAY_GOTO_MAX);
	if (links || (u->frame && x->b->bind->clear_stack)) {
		x_mov(&x->p, true, TMP2, RBP);
		x_clear_stack(&x->p, STACK_BYTES);
	}
	if (links)
		frame_link(x);
}

/* Leaves the function but for its return or jump. */
static void write_restore(struct onepass *x)
{
	const struct jit_unit *u = x->unit;

	for (u32 r = 4; r-- > 0;)
		if (u->saved & 1 << r)
			x_pop(&x->p, reg_of[6 + r]);
	if (frame_bytes(x, u))
		x_leave(&x->p);
	else
		x_pop(&x->p, RBP);
}

static void write_exit(struct onepass *x)
{
	write_restore(x);
	x_ret(&x->p);
}

/* The address VALUE, which is WHAT at SLOT, to register DST. */
static void load_addr(struct onepass *x, u32 dst, enum jit_what what, u32 slot, u64 value)
{
	const struct jit_ref ref = jit_ref(x->b, what, slot, value);
	const struct x64_addr sum = { (u8)dst, NO_INDEX, 0, (s32)ref.value };

	if (!ref.entry) {
		x_mov_imm_flags(&x->p, dst, ref.value);
		return;
	}
	x_load(&x->p, 64, dst, RUN, ref.disp);
	if (ref.value)
		x_lea(&x->p, true, dst, &sum);
}

/* ---- stops --------------------------------------------------------------------- */

static void note_site(struct onepass *x, u32 slot, u64 at)
{
	load_addr(x, TMP2, JIT_SITE, slot, at);
	x_store(&x->p, 64, RUN, AT, TMP2);
}

/* The program ends here, and says where. */
static void stop_at(struct onepass *x, u32 slot)
{
	note_site(x, slot, onepass_site(x, slot, false));
	x_store_imm(&x->p, 8, RUN, STOP, 1);
	x_mov_imm(&x->p, RAX, 0);
	write_exit(x);
}

/* After what may have set run.stop. */
static void stop_asked(struct onepass *x)
{
	u8 *on;

	x_mem(&x->p, false, false, 0x80, X_CMP, RUN, STOP);
	put1(&x->p, 0);
	on = x_jcc8(&x->p, CC_E);
	x_mov_imm(&x->p, RAX, 0);
	write_exit(x);
	x_patch8(on, x->p);
}

static void charge(struct onepass *x, u32 slot)
{
	u8 *on;

	x_mem(&x->p, false, true, 0x81, X_SUB, RUN, LEFT);
	put4(&x->p, jit_cost(x->b, slot));
	on = x_jcc8(&x->p, CC_NS);
	stop_at(x, slot);
	x_patch8(on, x->p);
}

/* ---- arithmetic -------------------------------------------------------------- */

static void alu(struct onepass *x, const struct ins *i, enum x64_alu op)
{
	if (i->imm)
		x_alu_imm(&x->p, i->wide, op, i->dst, i->raw->imm);
	else
		x_alu(&x->p, i->wide, op, i->dst, i->src);
}

static void mul(struct onepass *x, const struct ins *i)
{
	if (i->imm)
		x_imul_imm(&x->p, i->wide, i->dst, i->dst, i->raw->imm);
	else
		x_imul(&x->p, i->wide, i->dst, i->src);
}

/* Without BMI2: the count must be in cl, where r4 is. */
static void shift_by_cl(struct onepass *x, const struct ins *i, enum x64_shift op)
{
	x_mov(&x->p, true, TMP2, i->dst);
	x_mov(&x->p, true, TMP1, RCX);
	x_mov(&x->p, true, RCX, i->src);
	x_shift_cl(&x->p, i->wide, op, TMP2);
	x_mov(&x->p, true, RCX, TMP1);
	x_mov(&x->p, true, i->dst, TMP2);
	if (!i->wide)
		x_mov(&x->p, false, i->dst, i->dst);
}

static void shift(struct onepass *x, const struct ins *i, enum x64_shift op)
{
	u32 n = (u32)i->raw->imm & (i->wide ? 63 : 31);

	if (!i->imm && (x->b->cpu & JIT_X64_BMI2))
		x_shiftx(&x->p, i->wide, op, i->dst, i->dst, i->src);
	else if (!i->imm)
		shift_by_cl(x, i, op);
	else if (n)
		x_shift_imm(&x->p, i->wide, op, i->dst, n);
	else if (!i->wide)
		x_mov(&x->p, false, i->dst, i->dst);
}

/* The result for a divisor of 0, or of -1 in signed division. */
static void divide_by_zero(struct onepass *x, const struct ins *i, bool rest)
{
	if (!rest)
		x_mov_imm(&x->p, i->dst, 0);
	else if (!i->wide)
		x_mov(&x->p, false, i->dst, i->dst);
}

static void divide_by_minus_one(struct onepass *x, const struct ins *i, bool rest)
{
	if (rest)
		x_mov_imm(&x->p, i->dst, 0);
	else
		x_f7(&x->p, i->wide, 3, i->dst);
}

/* dst = dst / TMP1, keeping rax and rdx. */
static void divide_plain(struct onepass *x, const struct ins *i, bool rest, bool is_signed)
{
	if (i->dst != RAX)
		x_mov(&x->p, true, TMP2, RAX);
	if (i->dst != RDX)
		x_mov(&x->p, true, TMP0, RDX);
	if (i->dst != RAX)
		x_mov(&x->p, true, RAX, i->dst);
	if (is_signed)
		x_cqo(&x->p, i->wide);
	else
		x_alu(&x->p, false, X_XOR, RDX, RDX);
	x_f7(&x->p, i->wide, is_signed ? 7 : 6, TMP1);
	if (i->dst != (rest ? RDX : RAX))
		x_mov(&x->p, i->wide, i->dst, rest ? RDX : RAX);
	if (i->dst != RAX)
		x_mov(&x->p, true, RAX, TMP2);
	if (i->dst != RDX)
		x_mov(&x->p, true, RDX, TMP0);
}

static void divide_by_imm(struct onepass *x, const struct ins *i, bool rest, bool is_signed)
{
	s32 imm = i->raw->imm;

	if (!imm) {
		divide_by_zero(x, i, rest);
	} else if (is_signed && imm == -1) {
		divide_by_minus_one(x, i, rest);
	} else {
		x_mov_imm(&x->p, TMP1, i->wide ? (u64)(s64)imm : (u32)imm);
		divide_plain(x, i, rest, is_signed);
	}
}

static void divide(struct onepass *x, const struct ins *i, bool rest, bool is_signed)
{
	u8 *zero, *plain, *done[2];

	if (i->imm) {
		divide_by_imm(x, i, rest, is_signed);
		return;
	}
	x_mov(&x->p, i->wide, TMP1, i->src);
	x_test(&x->p, i->wide, TMP1, TMP1);
	zero = x_jcc8(&x->p, CC_E);
	if (is_signed) {
		x_alu_imm(&x->p, i->wide, X_CMP, TMP1, -1);
		plain = x_jcc8(&x->p, CC_NE);
		divide_by_minus_one(x, i, rest);
		done[1] = x_jmp8(&x->p);
		x_patch8(plain, x->p);
	}
	divide_plain(x, i, rest, is_signed);
	done[0] = x_jmp8(&x->p);
	x_patch8(zero, x->p);
	divide_by_zero(x, i, rest);
	for (u32 n = 0; n < 1u + is_signed; n++)
		x_patch8(done[n], x->p);
}

static void move(struct onepass *x, const struct ins *i)
{
	if (i->imm)
		x_mov_imm(&x->p, i->dst, i->wide ? (u64)(s64)i->raw->imm : (u32)i->raw->imm);
	else
		x_mov(&x->p, i->wide, i->dst, i->src);
}

static void swap_bytes(struct onepass *x, const struct ins *i)
{
	switch (i->row->width) {
	case 16:
		x_ror16(&x->p, i->dst, 8);
		x_movzx(&x->p, 16, i->dst, i->dst);
		break;
	default:
		x_bswap(&x->p, i->row->width == 64, i->dst);
	}
}

static int write_alu(struct onepass *x, const struct ins *i)
{
	switch ((enum isa_kind)i->row->kind) {
	case KIND_ALU_ADD: alu(x, i, X_ADD); return 0;
	case KIND_ALU_SUB: alu(x, i, X_SUB); return 0;
	case KIND_ALU_OR: alu(x, i, X_OR); return 0;
	case KIND_ALU_AND: alu(x, i, X_AND); return 0;
	case KIND_ALU_XOR: alu(x, i, X_XOR); return 0;
	case KIND_ALU_MUL: mul(x, i); return 0;
	case KIND_ALU_DIV: divide(x, i, false, false); return 0;
	case KIND_ALU_MOD: divide(x, i, true, false); return 0;
	case KIND_ALU_SDIV: divide(x, i, false, true); return 0;
	case KIND_ALU_SMOD: divide(x, i, true, true); return 0;
	case KIND_ALU_LSH: shift(x, i, X_SHL); return 0;
	case KIND_ALU_RSH: shift(x, i, X_SHR); return 0;
	case KIND_ALU_ARSH: shift(x, i, X_SAR); return 0;
	case KIND_NEG: x_f7(&x->p, i->wide, 3, i->dst); return 0;
	case KIND_MOV: move(x, i); return 0;
	case KIND_MOVSX8: x_movsx(&x->p, i->wide, 8, i->dst, i->src); return 0;
	case KIND_MOVSX16: x_movsx(&x->p, i->wide, 16, i->dst, i->src); return 0;
	case KIND_MOVSX32: x_movsx(&x->p, true, 32, i->dst, i->src); return 0;
	case KIND_BE:
	case KIND_BSWAP: swap_bytes(x, i); return 0;
	case KIND_LE:
		if (i->row->width < 64)
			x_movzx(&x->p, i->row->width, i->dst, i->dst);
		return 0;
	default: return onepass_unsupported(x, i);
	}
}

/* ---- jumps ---------------------------------------------------------------------- */

static void compare(struct onepass *x, const struct ins *i, bool bits)
{
	s32 imm = i->raw->imm;

	if (!i->imm && bits)
		x_test(&x->p, i->wide, i->dst, i->src);
	else if (!i->imm)
		x_alu(&x->p, i->wide, X_CMP, i->dst, i->src);
	else if (bits)
		x_test_imm(&x->p, i->wide, i->dst, imm);
	else if (imm)
		x_alu_imm(&x->p, i->wide, X_CMP, i->dst, imm);
	else
		x_test(&x->p, i->wide, i->dst, i->dst);
}

static int branch(struct onepass *x, const struct ins *i, enum x64_cc cc)
{
	compare(x, i, i->row->kind == KIND_JMP_JSET);
	return onepass_jump(x, x_jcc(&x->p, cc), onepass_target(i), i);
}

static int may_goto(struct onepass *x, const struct ins *i)
{
	x_mem(&x->p, false, true, 0x83, X_CMP, RBP, GOTO_AT);
	put1(&x->p, 0);
	if (onepass_jump(x, x_jcc(&x->p, CC_E), onepass_target(i), i))
		return ERR_UNSUPPORTED;
	x_mem(&x->p, false, true, 0xff, 1, RBP, GOTO_AT);	/* dec */
	return 0;
}

static int write_jump(struct onepass *x, const struct ins *i)
{
	switch ((enum isa_kind)i->row->kind) {
	case KIND_JMP_JEQ: return branch(x, i, CC_E);
	case KIND_JMP_JNE: return branch(x, i, CC_NE);
	case KIND_JMP_JSET: return branch(x, i, CC_NE);
	case KIND_JMP_JGT: return branch(x, i, CC_A);
	case KIND_JMP_JGE: return branch(x, i, CC_AE);
	case KIND_JMP_JLT: return branch(x, i, CC_B);
	case KIND_JMP_JLE: return branch(x, i, CC_BE);
	case KIND_JMP_JSGT: return branch(x, i, CC_G);
	case KIND_JMP_JSGE: return branch(x, i, CC_GE);
	case KIND_JMP_JSLT: return branch(x, i, CC_L);
	case KIND_JMP_JSLE: return branch(x, i, CC_LE);
	case KIND_JA:
	case KIND_JA32: return onepass_jump(x, x_jmp(&x->p), onepass_target(i), i);
	case KIND_MAY_GOTO: return may_goto(x, i);
	default: return write_alu(x, i);
	}
}

/* ---- calls ------------------------------------------------------------------------ */

/* bpf_tail_call(r1, r2, r3): the next program gets this one's r1 and frame. */
static void tail_call(struct onepass *x, u32 slot)
{
	u8 *none;

	/* r1 is kept on the stack over the question who is next */
	x_push(&x->p, RDI);
	x_push(&x->p, RDI);
	if (onepass_links(x->b, x->unit))
		frame_off(x);
	x_mov(&x->p, true, RDI, RUN);
	call_addr(x, JIT_TAIL, slot, (u64)(uintptr_t)x->b->bind->tail);
	x_pop(&x->p, RDI);
	x_pop(&x->p, RDI);
	x_test(&x->p, true, RAX, RAX);
	none = x_jcc8(&x->p, CC_E);
	x_mov(&x->p, true, R9, RUN);	/* it is entered as C enters it */
	write_restore(x);
	x_jmp_reg(&x->p, RAX);
	x_patch8(none, x->p);
	if (onepass_links(x->b, x->unit))
		frame_on(x);
	x_mov_imm(&x->p, RAX, (u64)-1);
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
	x_mov(&x->p, true, R9, RUN);
	call_addr(x, JIT_BODY, i->at, (u64)(uintptr_t)x->b->bind->body(x->b->bind->arg, i->at));
	if (at)
		stop_asked(x);
}

static void call_local(struct onepass *x, const struct ins *i)
{
	onepass_fix(x, x_call(&x->p), onepass_target(i), FIX_CALL);
	if (onepass_links(x->b, x->unit))
		frame_on(x);
	if (x->b->stops)
		stop_asked(x);
}

/* LD_ABS, LD_IND: outside the packet the function ends with 0. */
static void load_packet(struct onepass *x, const struct ins *i)
{
	u8 *there;

	if (i->row->kind == KIND_LD_IND) {
		x_mov(&x->p, false, RSI, i->src);
		x_alu_imm(&x->p, false, X_ADD, RSI, i->raw->imm);
	} else {
		x_mov_imm(&x->p, RSI, (u32)i->raw->imm);
	}
	x_mov(&x->p, true, RDI, RUN);
	x_mov_imm(&x->p, RDX, i->row->width / 8);
	call_addr(x, JIT_PACKET, i->at, (u64)(uintptr_t)x->b->bind->packet);
	x_test(&x->p, true, RAX, RAX);
	there = x_jcc8(&x->p, CC_NS);
	x_mov_imm(&x->p, RAX, 0);
	write_exit(x);
	x_patch8(there, x->p);
}

static void load_imm(struct onepass *x, const struct ins *i)
{
	const struct jit_bind *bind = x->b->bind;

	switch (x->b->ops[i->at]) {
	case OP_LDDW:
		x_mov_imm(&x->p, i->dst, (u32)i->raw[0].imm | (u64)(u32)i->raw[1].imm << 32);
		break;
	case OP_LDDW_FUNC:	/* lea dst, [rip + distance], filled in later */
		x_rex(&x->p, true, i->dst, 0, false);
		put1(&x->p, 0x8d);
		put1(&x->p, (i->dst & 7) << 3 | 5);
		put4(&x->p, 0);
		onepass_fix(x, x->p - 4, (u32)((s64)i->at + 1 + i->raw->imm), FIX_FUNC);
		break;
	default:
		load_addr(x, i->dst, JIT_ADDRESS, i->at, bind->address(bind->arg, i->at));
	}
}

/* ---- memory ------------------------------------------------------------------------ */

/* dst = *(dst + off), *(dst + off) OP= src, as a loop around cmpxchg. Its rax is
 * r0: kept in TMP0. */
static void fetch_loop(struct onepass *x, const struct ins *i, enum x64_alu op)
{
	u32 base = i->dst == RAX ? TMP0 : i->dst, with = i->src == RAX ? TMP0 : i->src;
	s32 off = i->raw->off;
	u8 *again;

	x_mov(&x->p, true, TMP0, RAX);
	x_load(&x->p, i->row->width, RAX, base, off);
	again = x->p;
	x_mov(&x->p, true, TMP1, RAX);
	x_alu(&x->p, i->wide, op, TMP1, with);
	x_lock_0f(&x->p, i->wide, 0xb1, TMP1, base, off);
	x_patch8(x_jcc8(&x->p, CC_NE), again);
	if (i->src == RAX)
		return;
	x_mov(&x->p, i->wide, i->src, RAX);
	x_mov(&x->p, true, RAX, TMP0);
}

static int write_atomic(struct onepass *x, const struct ins *i)
{
	s32 off = i->raw->off;
	u32 bits = i->row->width;

	switch ((enum isa_kind)i->row->kind) {
	case KIND_ATOMIC_ADD: x_mem(&x->p, true, i->wide, 0x01, i->src, i->dst, off); return 0;
	case KIND_ATOMIC_OR: x_mem(&x->p, true, i->wide, 0x09, i->src, i->dst, off); return 0;
	case KIND_ATOMIC_AND: x_mem(&x->p, true, i->wide, 0x21, i->src, i->dst, off); return 0;
	case KIND_ATOMIC_XOR: x_mem(&x->p, true, i->wide, 0x31, i->src, i->dst, off); return 0;
	case KIND_ATOMIC_FADD: x_lock_0f(&x->p, i->wide, 0xc1, i->src, i->dst, off); return 0;
	case KIND_ATOMIC_FOR: fetch_loop(x, i, X_OR); return 0;
	case KIND_ATOMIC_FAND: fetch_loop(x, i, X_AND); return 0;
	case KIND_ATOMIC_FXOR: fetch_loop(x, i, X_XOR); return 0;
	case KIND_ATOMIC_XCHG: x_mem(&x->p, false, i->wide, 0x87, i->src, i->dst, off); return 0;
	case KIND_ATOMIC_CMPXCHG:
		x_lock_0f(&x->p, i->wide, 0xb1, i->src, i->dst, off);
		if (!i->wide)	/* eax is not written when it was equal */
			x_mov(&x->p, false, RAX, RAX);
		return 0;
	case KIND_ATOMIC_LDACQ: x_load(&x->p, bits, i->dst, i->src, off); return 0;
	case KIND_ATOMIC_STREL: x_store(&x->p, bits, i->dst, off, i->src); return 0;
	default: return write_jump(x, i);
	}
}

static const u8 lost[] = { RAX, RDI, RSI, RDX, RCX, R8 };	/* by calls */

static void keep_lost(struct onepass *x, bool back)
{
	for (u32 k = 0; k < ARRAY_LEN(lost); k++) {
		if (back)
			x_pop(&x->p, lost[ARRAY_LEN(lost) - 1 - k]);
		else
			x_push(&x->p, lost[k]);
	}
}

/* The engine is asked for what is there; registers stay. */
static void probe(struct onepass *x, const struct ins *i, bool sign)
{
	keep_lost(x, false);
	x_mov(&x->p, true, RDI, i->src);
	x_alu_imm(&x->p, true, X_ADD, RDI, i->raw->off);
	x_mov(&x->p, true, R9, RUN);
	call_addr(x, JIT_PROBE, i->at,
		  (u64)(uintptr_t)x->b->bind->probe(i->row->width / 8u, sign));
	x_mov(&x->p, true, TMP2, RAX);
	keep_lost(x, true);
	x_mov(&x->p, true, i->dst, TMP2);
}

/* ---- arenas --------------------------------------------------------------------------- */

/* A cast: what is in the window, or NULL. */
static void cast(struct onepass *x, const struct ins *i)
{
	u8 *null;

	x_mov(&x->p, false, i->dst, i->src);
	x_test(&x->p, false, i->dst, i->dst);
	null = x_jcc8(&x->p, CC_E);
	load_addr(x, TMP0, JIT_WINDOW, i->at, x->b->bind->arena.window);
	x_alu(&x->p, true, X_OR, i->dst, TMP0);
	x_patch8(null, x->p);
}

/* Jumps when the page of TMP2, which is ARENA_BEFORE ahead, plus MORE is not known. */
static u8 *unless_known(struct onepass *x, s32 more)
{
	const struct x64_addr at = { TMP2, NO_INDEX, 0, more };

	x_lea(&x->p, true, TMP0, &at);
	x_shift_imm(&x->p, true, X_SHR, TMP0, 12);
	x_alu(&x->p, true, X_ADD, TMP0, TMP1);
	x_load(&x->p, 8, TMP0, TMP0, 0);
	x_test(&x->p, false, TMP0, TMP0);
	return x_jcc8(&x->p, CC_E);
}

/* TMP2 becomes where the memory is; else registers stay. */
static void in_arena(struct onepass *x, const struct ins *i)
{
	const struct jit_arena *a = &x->b->bind->arena;
	u32 bytes = rewrite_arena_bytes(i->raw);
	s32 keeps = rewrite_arena_keeps(i->raw);
	u8 *first, *last, *end;

	x_mov(&x->p, false, TMP2, i->src);
	x_alu_imm(&x->p, true, X_ADD, TMP2, i->raw->off + ARENA_BEFORE);
	load_addr(x, TMP1, JIT_KNOWN, i->at, a->known);
	first = unless_known(x, 0);
	last = bytes > 1 ? unless_known(x, (s32)bytes - 1) : NULL;
	load_addr(x, TMP1, JIT_WINDOW, i->at, a->window - ARENA_BEFORE);
	x_alu(&x->p, true, X_ADD, TMP2, TMP1);
	end = x_jmp8(&x->p);
	x_patch8(first, x->p);
	if (last)
		x_patch8(last, x->p);
	keep_lost(x, false);
	if (keeps < 0)
		x_mov_imm(&x->p, RCX, 0);
	else
		x_mov(&x->p, true, RCX, reg_of[keeps]);
	x_mov(&x->p, true, RDI, TMP2);
	x_alu_imm(&x->p, true, X_ADD, RDI, -ARENA_BEFORE);
	x_mov_imm(&x->p, RSI, bytes);
	load_addr(x, RDX, JIT_ARENA, i->at, a->arena);
	x_mov(&x->p, true, R9, RUN);
	call_addr(x, JIT_ARENA_AT, i->at, (u64)(uintptr_t)a->at);
	x_mov(&x->p, true, TMP2, RAX);
	keep_lost(x, true);
	x_patch8(end, x->p);
}

static int write_insn(struct onepass *x, const struct ins *i)
{
	const struct bpf_insn *in = i->raw;
	bool sign;

	if (rewrite_is_probe(in, &sign)) {
		probe(x, i, sign);
		return 0;
	}
	if (in->code == REWRITE_ARENA) {
		in_arena(x, i);
		return 0;
	}
	switch ((enum isa_kind)i->row->kind) {
	case KIND_AS_CAST: cast(x, i); return 0;
	case KIND_LDX: x_load(&x->p, i->row->width, i->dst, i->src, in->off); return 0;
	case KIND_LDXSX: x_load_sx(&x->p, i->row->width, i->dst, i->src, in->off); return 0;
	case KIND_STX: x_store(&x->p, i->row->width, i->dst, in->off, i->src); return 0;
	case KIND_ST: x_store_imm(&x->p, i->row->width, i->dst, in->off, in->imm); return 0;
	case KIND_LDDW: load_imm(x, i); return 0;
	case KIND_CALL:
	case KIND_CALL_KFUNC: call_body(x, i); return 0;
	case KIND_CALL_LOCAL: call_local(x, i); return 0;
	case KIND_EXIT:
		if (in->code == REWRITE_TRAP)
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

/* The processor begins to fetch at multiples of 16. */
static void align(struct onepass *x)
{
	u32 over = (u32)((x->p - x->b->code->mem) % LOOP_ALIGN);

	for (; over; over = (u32)((x->p - x->b->code->mem) % LOOP_ALIGN))
		x_nop(&x->p, LOOP_ALIGN - over);
}

/* Code of one program is never 2 GiB long. */
static bool patch(u8 *at, const u8 *to)
{
	x_patch(at, to);
	return true;
}

int jit_x64_write(struct jit_build *b)
{
	static const struct onepass_ops ops = {
		.reg_of = reg_of, .prologue = write_prologue, .insn = write_insn,
		.charge = charge, .patch = patch, .align = align,
	};
	struct onepass x = { .ops = &ops, .b = b, .p = b->code->mem + JIT_LEAD };

	memset(b->code->mem, 0xcc, JIT_LEAD);
	return onepass_write(&x);
}
