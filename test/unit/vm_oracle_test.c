/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_oracle_test.c: every arithmetic and conditional row of insn.def, in both
 * interpreters and as native code, on thousands of operand pairs, against a model of RFC 9669
 * that is written here from the RFC's text: bit by bit where that is simple,
 * in 128 bits otherwise, never with the expressions of insn.def.
 * VM_ORACLE_PAIRS gives another number of them; VM_TEST=native leaves out the
 * interpreters, for emulators.
 */
#include "jit_world.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { PAIRS = 2000 };

typedef __int128 wide;
typedef unsigned __int128 uwide;

static struct world world;
static enum vm_mode first_mode = VM_CHECKED;	/* VM_FAST + 1: native code alone */
static u64 pairs = PAIRS;

/* ---- operands ------------------------------------------------------------ */

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Random numbers, and those where things change. */
static u64 operand(u64 *state)
{
	static const u64 edges[] = {
		0, 1, 2, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
		0x8000000000000000, 0xffffffff80000000, 0xffffffff7fffffff, (u64)-1, (u64)-2,
		(u64)-7, 0xffffffff00000000, 0x80000000ffffffff,
	};
	u64 r = next_random(state);

	switch (r % 4) {
	case 0:
		return edges[next_random(state) % ARRAY_LEN(edges)];
	case 1:
		return next_random(state) >> next_random(state) % 64;
	case 2:
		return next_random(state) & 0xffffffff;
	default:
		return next_random(state);
	}
}

/* ---- the model ------------------------------------------------------------ */

static u64 low(uwide v, unsigned bits)
{
	return (u64)(v % ((uwide)1 << bits));
}

/* The number that the low BITS bits are in two's complement. */
static wide number(u64 v, unsigned bits)
{
	wide n = (wide)low(v, bits);

	return n >= (wide)1 << (bits - 1) ? n - ((wide)1 << bits) : n;
}

static u64 of_number(wide n, unsigned bits)
{
	while (n < 0)
		n += (wide)1 << bits;
	return low((uwide)n, bits);
}

static bool bit(u64 v, unsigned i)
{
	return v / ((u64)1 << i) % 2;
}

static u64 bitwise(enum isa_kind kind, u64 a, u64 b, unsigned bits)
{
	u64 out = 0;

	for (unsigned i = 0; i < bits; i++) {
		int sum = bit(a, i) + bit(b, i);
		bool one = kind == KIND_ALU_AND ? sum == 2 :
			   kind == KIND_ALU_OR ? sum > 0 : sum == 1;

		out += one ? (u64)1 << i : 0;
	}
	return out;
}

/* COUNT times by one place. */
static u64 shift(enum isa_kind kind, u64 v, unsigned count, unsigned bits)
{
	bool sign = bit(v, bits - 1);

	v = low(v, bits);
	for (unsigned i = 0; i < count; i++) {
		if (kind == KIND_ALU_LSH)
			v = low((uwide)v * 2, bits);
		else
			v = v / 2 + (kind == KIND_ALU_ARSH && sign ? (u64)1 << (bits - 1) : 0);
	}
	return v;
}

static u64 divide(enum isa_kind kind, u64 d, u64 s, unsigned bits)
{
	bool rest = kind == KIND_ALU_MOD || kind == KIND_ALU_SMOD;
	bool is_signed = kind == KIND_ALU_SDIV || kind == KIND_ALU_SMOD;
	wide a = is_signed ? number(d, bits) : (wide)low(d, bits);
	wide b = is_signed ? number(s, bits) : (wide)low(s, bits);

	if (b == 0)
		return rest ? low(d, bits) : 0;
	return of_number(rest ? a % b : a / b, bits);
}

static u64 swap(u64 v, unsigned bits)
{
	u64 out = 0;

	for (unsigned i = 0; i < bits / 8; i++)
		out = out * 256 + v / ((u64)1 << 8 * i) % 256;
	return out;
}

/* Reversal that LE and BE mean on this machine. */
static u64 order(u64 v, unsigned bits, bool big)
{
	const u16 probe = 1;
	bool host_big = !*(const u8 *)&probe;

	return big == host_big ? low(v, bits) : swap(v, bits);
}

static u64 model_alu(const struct isa_row *row, u64 d, u64 s)
{
	unsigned bits = row->width;

	switch ((enum isa_kind)row->kind) {
	case KIND_ALU_ADD: return low((uwide)d + s, bits);
	case KIND_ALU_SUB: return of_number((wide)low(d, bits) - (wide)low(s, bits), bits);
	case KIND_ALU_MUL: return low((uwide)low(d, bits) * low(s, bits), bits);
	case KIND_ALU_DIV: case KIND_ALU_SDIV:
	case KIND_ALU_MOD: case KIND_ALU_SMOD: return divide(row->kind, d, s, bits);
	case KIND_ALU_OR: case KIND_ALU_AND:
	case KIND_ALU_XOR: return bitwise(row->kind, d, s, bits);
	case KIND_ALU_LSH: case KIND_ALU_RSH:
	case KIND_ALU_ARSH: return shift(row->kind, d, (unsigned)(s % bits), bits);
	case KIND_NEG: return of_number(-(wide)low(d, bits), bits);
	case KIND_MOV: return low(s, bits);
	case KIND_MOVSX8: return of_number(number(s, 8), bits);
	case KIND_MOVSX16: return of_number(number(s, 16), bits);
	case KIND_MOVSX32: return of_number(number(s, 32), bits);
	case KIND_LE: return order(d, bits, false);
	case KIND_BE: return order(d, bits, true);
	case KIND_BSWAP: return swap(d, bits);
	default: fail_msg("no model of %s", row->name); return 0;
	}
}

static bool model_jmp(const struct isa_row *row, u64 d, u64 s)
{
	u64 a = low(d, row->width), b = low(s, row->width);
	wide sa = number(d, row->width), sb = number(s, row->width);

	switch ((enum isa_kind)row->kind) {
	case KIND_JMP_JEQ: return a == b;
	case KIND_JMP_JNE: return a != b;
	case KIND_JMP_JGT: return a > b;
	case KIND_JMP_JGE: return a >= b;
	case KIND_JMP_JLT: return a < b;
	case KIND_JMP_JLE: return a <= b;
	case KIND_JMP_JSET: return bitwise(KIND_ALU_AND, a, b, row->width) != 0;
	case KIND_JMP_JSGT: return sa > sb;
	case KIND_JMP_JSGE: return sa >= sb;
	case KIND_JMP_JSLT: return sa < sb;
	case KIND_JMP_JSLE: return sa <= sb;
	default: fail_msg("no model of %s", row->name); return false;
	}
}

/* ---- comparison ------------------------------------------------------------- */

enum { AT_OP = 4 };		/* the slot of the instruction under test */

static void wide_imm(struct bpf_insn *at, u8 reg, u64 v)
{
	at[0] = (struct bpf_insn){ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = reg,
				   .imm = (s32)v };
	at[1] = (struct bpf_insn){ .imm = (s32)(v >> 32) };
}

/* r1 = d; r2 = s; OP; result: r1, or for jumps whether it jumped. */
static u32 build(struct bpf_insn *p, enum isa_op op, u64 d, u64 s, bool jump)
{
	const struct isa_row *row = &isa_rows[op];
	unsigned fields = isa_fields(op);
	struct bpf_insn *in = &p[AT_OP];
	u32 n = AT_OP + 1;

	wide_imm(p, 1, d);
	wide_imm(p + 2, 2, s);
	*in = (struct bpf_insn){ .code = row->opcode, .dst_reg = 1 };
	if (fields & FIELD_SRC)
		in->src_reg = 2;
	else if (fields & FIELD_IMM)
		in->imm = (s32)s;
	if (row->sel == SEL_OFF)
		in->off = row->val;
	if (row->sel == SEL_IMM)
		in->imm = row->val;
	if (jump) {
		in->off = 2;
		p[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
		p[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
		p[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 };
	} else
		p[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .src_reg = 1 };
	p[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	return n;
}

static u64 run_native(enum jit_tier tier, const struct bpf_insn *p, u32 n)
{
	struct native native;
	struct skep_err err;
	u64 ret;

	if (native_make(&native, &world, tier, p, n, &err))
		fail_msg("%s", skep_err_text(&err));
	ret = native_run(&native, 1, NULL);
	jit_free(native.code);
	return ret;
}

static u64 run_in(enum vm_mode mode, const struct bpf_insn *p, u32 n)
{
	struct vm_bind bind = world_bind(&world, p, n, NULL);
	struct vm_code *code;
	struct skep_err err;
	u64 ret = 0;

	if (vm_code_new(&code, &bind, mode, "oracle", &err))
		fail_msg("%s", skep_err_text(&err));
	assert_int_equal(vm_run(world.machine, code, &world.run, 100, &ret), 0);
	vm_code_free(code);
	return ret;
}

static void compare(enum isa_op op, u64 d, u64 s, bool jump)
{
	const struct isa_row *row = &isa_rows[op];
	unsigned fields = isa_fields(op);
	struct bpf_insn p[12];
	u32 n = build(p, op, d, s, jump);
	/* a number in the instruction is sign-extended to 64 bits */
	u64 operand2 = fields & FIELD_SRC ? s : (u64)(s64)p[AT_OP].imm;
	u64 want = jump ? model_jmp(row, d, operand2) : model_alu(row, d, operand2);

	assert_int_equal(isa_op(&p[AT_OP]), op);
	for (enum vm_mode mode = first_mode; mode <= VM_FAST + (jit_available() ? 2u : 0); mode++) {
		u64 got = mode <= VM_FAST ? run_in(mode, p, n) :
			  run_native((enum jit_tier)(mode - VM_FAST - 1), p, n);

		if (got != want)
			fail_msg("%s of 0x%" PRIx64 ", 0x%" PRIx64 ": 0x%" PRIx64
				 ", expected 0x%" PRIx64, row->name, d, operand2, got, want);
	}
}

static void compare_kinds(enum isa_kind first, enum isa_kind last, bool jump, unsigned at_least)
{
	unsigned rows = 0;
	u64 state = 0x9e3779b97f4a7c15;

	for (enum isa_op op = 0; op < OP_MAX; op++) {
		if (isa_rows[op].kind < first || isa_rows[op].kind > last ||
		    isa_rows[op].kind == KIND_AS_CAST)
			continue;
		rows++;
		for (u64 i = 0; i < pairs; i++)
			compare(op, operand(&state), operand(&state), jump);
	}
	assert_true(rows >= at_least);
}

static void arithmetic(void **state)
{
	compare_kinds(KIND_ALU_ADD, KIND_ALU_ARSH, false, 13 * 4);
}

static void moves(void **state)
{
	compare_kinds(KIND_NEG, KIND_BSWAP, false, 20);
}

static void conditions(void **state)
{
	compare_kinds(KIND_JMP_JEQ, KIND_JMP_JSLE, true, 11 * 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(moves),
		cmocka_unit_test(conditions),
	};
	const char *engines = getenv("VM_TEST"), *n = getenv("VM_ORACLE_PAIRS");
	int r;

	if (engines && !strcmp(engines, "native"))
		first_mode = VM_FAST + 1;
	if (n)
		pairs = strtoull(n, NULL, 0);
	world_init(&world);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	world_free(&world);
	return r;
}
