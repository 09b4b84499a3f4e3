/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isa_test.c: decoding, checking, disassembling and assembling. Every row of
 * insn.def goes to text and back; both dialects and every error are cases in
 * tables below. Agreement with llvm-objdump is isa_llvm_test.c.
 */
#include "isa/isa.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* ---- helpers ---------------------------------------------------------- */

static void disasm_all(struct strbuf *out, const struct isa_code *code)
{
	for (size_t at = 0; at < code->n; at += isa_slots(&code->v[at])) {
		isa_disasm(out, code->v, code->n, at);
		sb_putc(out, '\n');
	}
}

static void assemble(struct isa_code *code, const char *text)
{
	struct skep_err err = { 0 };

	if (isa_asm(code, text, strlen(text), "t.s", &err))
		fail_msg("%s\n%s", text, skep_err_text(&err));
}

/* CODE through text and back; the first difference fails. */
static void round_trip(const struct isa_code *code)
{
	struct isa_code back = { 0 };
	struct strbuf text = { 0 };

	disasm_all(&text, code);
	assemble(&back, sb_text(&text));
	assert_int_equal(back.n, code->n);
	for (size_t i = 0; i < code->n; i++) {
		struct strbuf one = { 0 };

		if (!memcmp(&back.v[i], &code->v[i], sizeof(*back.v)))
			continue;
		isa_disasm(&one, code->v, code->n, i);
		fail_msg("slot %zu changed: %s", i, sb_text(&one));
	}
	vec_free(&back);
	sb_free(&text);
}

/* ---- rows ------------------------------------------------------------- */

static const int regs[] = { 0, 1, 9, 10 };
static const int offs[] = { 0, 1, -1, 8, -8, INT16_MAX, INT16_MIN };
static const int imms[] = { 0, 1, -1, 255, 0x100, INT32_MAX, INT32_MIN };

/* Values of a field: those of SET when the row takes any, else one. */
#define EACH(var, used, set, fixed) \
	for (size_t var##_i = 0; var##_i < ((used) ? ARRAY_LEN(set) : 1); \
	     var##_i++) \
		for (int var = (used) ? set[var##_i] : (fixed), var##_once = 1; \
		     var##_once; var##_once = 0)

static bool is_free(const struct isa_row *row, enum isa_op op,
		    enum isa_field field, enum isa_sel sel)
{
	return (isa_fields(op) & field) && row->sel != sel;
}

static void add_row(struct isa_code *code, enum isa_op op)
{
	const struct isa_row *row = &isa_rows[op];
	int val = row->val;

	EACH(dst, is_free(row, op, FIELD_DST, SEL_NONE), regs, 0)
	EACH(src, is_free(row, op, FIELD_SRC, SEL_SRC), regs,
	     row->sel == SEL_SRC ? val : 0)
	EACH(off, is_free(row, op, FIELD_OFF, SEL_OFF), offs,
	     row->sel == SEL_OFF ? val : 0)
	EACH(imm, is_free(row, op, FIELD_IMM, SEL_IMM), imms,
	     row->sel == SEL_IMM ? val : 0)
	EACH(imm2, is_free(row, op, FIELD_IMM2, SEL_NONE), imms, 0) {
		struct bpf_insn insn[2] = {
			{ row->opcode, dst & 15, src & 15, (s16)off, imm },
			{ .imm = imm2 },
		};

		assert_int_equal(isa_op(insn), op);
		assert_null(isa_check_fields(insn, insn + 1));
		for (unsigned i = 0; i < isa_slots(insn); i++)
			*vec_push(code) = insn[i];
	}
}

static void test_rows_round_trip(void **state)
{
	struct isa_code code = { 0 };

	for (enum isa_op op = 0; op < OP_MAX; op++) {
		struct strbuf text = { 0 };

		code.n = 0;
		add_row(&code, op);
		disasm_all(&text, &code);
		assert_null(strstr(sb_text(&text), ".raw"));
		round_trip(&code);
		sb_free(&text);
	}
	vec_free(&code);
}

/* Rows with one opcode are adjacent and differ in their selector. */
static void test_rows_distinct(void **state)
{
	for (unsigned i = 0; i < OP_MAX; i++) {
		for (unsigned j = i + 1; j < OP_MAX; j++) {
			const struct isa_row *a = &isa_rows[i], *b = &isa_rows[j];

			if (a->opcode != b->opcode)
				continue;
			assert_int_equal(isa_rows[i + 1].opcode, a->opcode);
			assert_int_equal(a->sel, b->sel);
			assert_int_not_equal(a->sel, SEL_NONE);
			assert_int_not_equal(a->val, b->val);
		}
	}
}

/* A field that a row does not use must be zero, or the slot is only bytes. */
static void test_reserved_fields(void **state)
{
	for (enum isa_op op = 0; op < OP_MAX; op++) {
		const struct isa_row *row = &isa_rows[op];
		unsigned fields = isa_fields(op);

		for (unsigned field = FIELD_DST; field <= FIELD_IMM2; field *= 2) {
			struct bpf_insn insn[2] = { { .code = row->opcode } };
			struct isa_code code = { insn, isa_slots(insn), 2 };
			struct strbuf text = { 0 };

			if (fields & field ||
			    (field == FIELD_IMM2 && row->kind != KIND_LDDW))
				continue;
			insn->off = row->sel == SEL_OFF ? row->val : 0;
			insn->imm = row->sel == SEL_IMM ? row->val : 0;
			insn->src_reg = row->sel == SEL_SRC ? row->val & 15 : 0;
			switch (field) {
			case FIELD_DST: insn->dst_reg = 1; break;
			case FIELD_SRC: insn->src_reg = 1; break;
			case FIELD_OFF: insn->off = 1; break;
			case FIELD_IMM: insn->imm = 1; break;
			case FIELD_IMM2: insn[1].imm = 1; break;
			}
			assert_non_null(isa_check_fields(insn, insn + 1));
			isa_disasm(&text, insn, code.n, 0);
			assert_memory_equal(sb_text(&text), ".raw 0x", 7);
			round_trip(&code);
			sb_free(&text);
		}
	}
}

static u64 next_random(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	return *x ^= *x << 17;
}

/* Any bytes: half of them pure noise, half near to instructions. */
static void test_random_round_trip(void **state)
{
	struct isa_code code = { 0 };
	u64 x = 0x5eed5eed5eed5eed;

	for (int i = 0; i < 200000; i++) {
		struct bpf_insn *insn = vec_push(&code);
		u64 word = next_random(&x);

		memcpy(insn, &word, sizeof(*insn));
		if (i & 1) {
			const struct isa_row *row =
				&isa_rows[next_random(&x) % OP_MAX];

			insn->code = row->opcode;
			insn->dst_reg %= 12;
			insn->src_reg = row->sel == SEL_SRC ? row->val & 15
							    : insn->src_reg % 12;
			insn->off = row->sel == SEL_OFF ? row->val
				    : i & 2 ? insn->off : 0;
			insn->imm = row->sel == SEL_IMM ? row->val
				    : i & 4 ? insn->imm : 0;
			if (row->kind == KIND_LDDW && i & 8)
				*vec_push(&code) = (struct bpf_insn){ .imm = i };
		}
	}
	round_trip(&code);
	vec_free(&code);
}

/* ---- text ------------------------------------------------------------- */

struct text_case { const char *text, *canonical; };

static const struct text_case dialects[] = {
	/* numbers and spaces */
	{ "r1 = 5", "r1 = 0x5" },
	{ "r1=-5", "r1 = -0x5" },
	{ "r1 = +5", "r1 = 0x5" },
	{ " \tR1  =  0X1f\r", "r1 = 0x1f" },
	{ "w1 = 0xffffffff", "w1 = -0x1" },
	{ "r1 = 4294967295", "r1 = -0x1" },
	{ "r1 = -2147483648", "r1 = -0x80000000" },
	{ "r1 += -1", "r1 += -0x1" },
	{ "r1 s>>= 3", "r1 s>>= 0x3" },
	{ "w1 s%= w2", "w1 s%= w2" },
	{ "w1%=w2", "w1 %= w2" },
	{ "r1 /= r2", "r1 /= r2" },
	{ "r1 = -r1", "r1 = -r1" },
	{ "w1 = - w1", "w1 = -w1" },
	{ "r1 = (s8) r2", "r1 = (s8)r2" },
	{ "r0 = be16 r0", "r0 = be16 r0" },
	{ "r3 = bswap64 r3", "r3 = bswap64 r3" },
	{ "r1 = addr_space_cast(r2, 1, 0)", "r1 = addr_space_cast(r2, 0x1, 0x0)" },
	/* 64-bit immediates */
	{ "r1 = 5 ll", "r1 = 0x5 ll" },
	{ "r1 = -1ll", NULL },
	{ "r1 = 18446744073709551615 ll", "r1 = -0x1 ll" },
	{ "r1 = 0x8000000000000000 ll", "r1 = -0x8000000000000000 ll" },
	{ "(18) r1 = 0x123456789", "r1 = 0x123456789 ll" },
	{ "r1 = map[fd:7]", "r1 = map[fd:0x7]" },
	{ "r1 = map[fd:7][0]+8", "r1 = map[fd:0x7][0]+0x8" },
	{ "r1 = map[idx:7][0]+0xffffffff", "r1 = map[idx:0x7][0]+0xffffffff" },
	{ "r1 = var[id:5]+3", "r1 = var[id:0x5]+0x3" },
	{ "r1 = subprog[-1]", "r1 = subprog[-0x1]" },
	/* memory */
	{ "r0 = *(u64 *)(r1 + 8)", "r0 = *(u64 *)(r1 + 0x8)" },
	{ "r0 = *(u64 *)(r1 +8)", "r0 = *(u64 *)(r1 + 0x8)" },
	{ "r0=*(u64*)(r1-8)", "r0 = *(u64 *)(r1 - 0x8)" },
	{ "r0 = *(u64 *)(r1)", "r0 = *(u64 *)(r1 + 0x0)" },
	{ "r0 = *(u8 *)(r1 + 0)", "w0 = *(u8 *)(r1 + 0x0)" },
	{ "w0 = *(u8 *)(r1 + 0)", "w0 = *(u8 *)(r1 + 0x0)" },
	{ "r0 = *(s32 *)(r1 +0)", "r0 = *(s32 *)(r1 + 0x0)" },
	{ "*(u8 *)(r1 +3) = r2", "*(u8 *)(r1 + 0x3) = w2" },
	{ "*(u16 *)(r10 -2) = 0x1234", "*(u16 *)(r10 - 0x2) = 0x1234" },
	{ "*(u64 *)(r10 -32768) = r1", "*(u64 *)(r10 - 0x8000) = r1" },
	{ "r0 = *(u16 *)skb[12]", "r0 = *(u16 *)skb[0xc]" },
	{ "r0 = *(u16 *)skb[r1]", "r0 = *(u16 *)skb[r1]" },
	{ "r0 = *(u16 *)skb[r1 + 14]", "r0 = *(u16 *)skb[r1 + 0xe]" },
	/* atomics */
	{ "lock *(u64 *)(r1 +8) += r2", "lock *(u64 *)(r1 + 0x8) += r2" },
	{ "lock *(u32 *)(r1 + 8) |= r2", "lock *(u32 *)(r1 + 0x8) |= w2" },
	{ "r2 = atomic_fetch_add((u64 *)(r1 +8), r2)",
	  "r2 = atomic_fetch_add((u64 *)(r1 + 0x8), r2)" },
	{ "r2 = atomic_fetch_and((u32 *)(r1 +8), r2)",
	  "w2 = atomic_fetch_and((u32 *)(r1 + 0x8), w2)" },
	{ "r2 = atomic_xchg((u64 *)(r1 +0), r2)", "r2 = xchg_64(r1 + 0x0, r2)" },
	{ "r2 = atomic_xchg((u32 *)(r1 +0), r2)",
	  "w2 = xchg32_32(r1 + 0x0, w2)" },
	{ "r0 = atomic_cmpxchg((u64 *)(r1 +0), r0, r2)",
	  "r0 = cmpxchg_64(r1 + 0x0, r0, r2)" },
	{ "r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)",
	  "w0 = cmpxchg32_32(r1 + 0x0, w0, w2)" },
	{ "w1 = load_acquire((u8 *)(r2+0))",
	  "w1 = load_acquire((u8 *)(r2 + 0x0))" },
	{ "store_release((u64 *)(r2 - 8), r3)",
	  "store_release((u64 *)(r2 - 0x8), r3)" },
	/* jumps and calls */
	{ "goto +3", "goto +0x3" },
	{ "goto 3", "goto +0x3" },
	{ "goto pc-3", "goto -0x3" },
	{ "goto pc + 3", "goto +0x3" },
	{ "gotol -70000", "gotol -0x11170" },
	{ "may_goto +2", "may_goto +0x2" },
	{ "may_goto pc+2", "may_goto +0x2" },
	{ "if w1 s> 5 goto +3", "if w1 s> 0x5 goto +0x3" },
	{ "if r1 == 0x1 goto pc-4", "if r1 == 0x1 goto -0x4" },
	{ "if r1!=r2 goto +0", "if r1 != r2 goto +0x0" },
	{ "if r1 & 7 goto +1", "if r1 & 0x7 goto +0x1" },
	{ "if r1 s<= -1 goto +1", "if r1 s<= -0x1 goto +0x1" },
	{ "call 12", "call 0xc" },
	{ "call bpf_tail_call#12", "call 0xc" },
	{ "call pc+5", "call pc+0x5" },
	{ "call pc+5#bpf_prog_1234_f", "call pc+0x5" },
	{ "call kfunc[id:77]", "call kfunc[id:0x4d]" },
	{ "call kfunc[id:77] + 2", "call kfunc[id:0x4d] + 0x2" },
	{ "callx r3", "callx r3" },
	{ "exit", "exit" },
	/* what tools print around instructions */
	{ "  3: (b7) r1 = 5", "r1 = 0x5" },
	{ "3:\tgoto +0x0 <prog+0x20>", "goto +0x0" },
	{ ".raw 0x9500000000000000", "exit" },
	{ ".raw 0x95000000000000ff", ".raw 0x95000000000000ff" },
	/* comments and separators */
	{ "exit // the end", "exit" },
	{ "exit # the end; exit", "exit" },
	{ "exit /* the end */", "exit" },
	{ "r1 /* dst */ = /* imm */ 5", "r1 = 0x5" },
	{ "/* one\n two */ exit", "exit" },
	{ ";;\n\n;exit;;", "exit" },
	{ "exit; exit\nexit", "exit\nexit\nexit" },
	{ "/* never closed", "" },
	{ "", "" },
	/* labels */
	{ "top: r1 = 1; goto top", "r1 = 0x1\ngoto -0x2" },
	{ "goto end; r1 = 5 ll\nend:\nexit", "goto +0x2\nr1 = 0x5 ll\nexit" },
	{ "if w1 > 2 goto a\n a: b: goto b", "if w1 > 0x2 goto +0x0\ngoto -0x1" },
	{ "call f; exit; f: exit", "call pc+0x1\nexit\nexit" },
	{ "r1 = subprog[f]; exit; f: exit", "r1 = subprog[+0x2]\nexit\nexit" },
	{ "gotol f; f:", "gotol +0x0" },
	{ "1: goto 1f; goto 1b; 1: goto 1b",
	  "goto +0x1\ngoto -0x2\ngoto -0x1" },
	{ ".L1: goto .L1; l0_4: goto l0_4", "goto -0x1\ngoto -0x1" },
};

static void test_dialects(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
		const struct text_case *c = &dialects[i];
		struct isa_code code = { 0 };
		struct strbuf text = { 0 };

		if (!c->canonical) {
			assert_int_not_equal(isa_asm(&code, c->text,
					strlen(c->text), "t.s", NULL), 0);
			vec_free(&code);
			continue;
		}
		assemble(&code, c->text);
		disasm_all(&text, &code);
		if (text.n)
			text.s[text.n - 1] = 0;
		if (strcmp(sb_text(&text), c->canonical))
			fail_msg("\"%s\" is \"%s\", not \"%s\"", c->text,
				 sb_text(&text), c->canonical);
		vec_free(&code);
		sb_free(&text);
	}
}

struct error_case { const char *text; int id; const char *says; };

static const struct error_case errors[] = {
	/* typos say what was expected and what is near */
	{ "ext", 601, "t.s:1:1: error: no instruction starts with 'ext'" },
	{ "ext", 601, "did you mean 'exit'?" },
	{ "exit\n  gto +1", 601, "t.s:2:3: error: no instruction starts" },
	{ "exit\n  gto +1", 601, "did you mean 'goto'?" },
	{ "r1 = *(u63 *)(r2 + 0)", 601, "t.s:1:8: error: expected" },
	{ "r1 = *(u63 *)(r2 + 0)", 601, "did you mean 'u64'?" },
	{ "r1 = *(u64 *)(r11 + 0)", 601,
	  "1:15: error: expected a register r0..r10, found 'r11'" },
	{ "w1 = *(u64 *)(r2 + 0)", 601,
	  "expected 'u8', 'u16' or 'u32', found 'u64'" },
	{ "r1 = *(u64 *)(r2 + 0", 601, "found the end of the line" },
	{ "if r1 > w2 goto +1", 601,
	  "1:9: error: expected a number or a register r0..r10, found 'w2'" },
	{ "if r1 > 5 gto +1", 601, "expected 'goto', found 'gto'" },
	{ "r1 += ", 601, "expected a number or a register r0..r10, found the" },
	{ "r1 = 010", 601, "1:6: error:" },
	{ "r1 = 0x", 601, "1:6: error:" },
	{ "r1 = 5 6", 601, "1:8: error:" },
	{ "r1 = be16 r2", 601, "expected the same register as before" },
	{ "r2 = atomic_fetch_add((u64 *)(r1 + 8), r3)", 601, "the same register" },
	{ "goto", 601, "expected a label or a number such as +5" },
	{ "call", 601, "expected a helper as NUMBER or NAME#NUMBER" },
	{ "exit exit", 601, "expected the end of the line, found 'exit'" },
	{ "(b7) r1 += 5", 601, "expected '=', found '+'" },
	{ "(zz) r1 = 5", 601, "starts with '('" },
	{ ".raw 0x95", 601, "exactly 16 hex digits" },
	{ ".raw 95", 601, "expected 0x" },
	{ "r1 = 5 \x80", 601, "found byte 0x80" },
	/* numbers */
	{ "r1 = 4294967296", 603, "1:6: error: number does not fit: this field "
	  "takes -2147483648..4294967295" },
	{ "r1 = -2147483649", 603, "1:6:" },
	{ "r1 = 0x10000000000000000 ll", 603, "1:6:" },
	{ "r1 = 99999999999999999999999", 603, "1:6:" },
	{ "goto +32768", 603, "takes -32768..32767" },
	{ "goto -32769", 603, "1:6:" },
	{ "r1 = *(u64 *)(r2 + 32768)", 603, "1:18:" },
	{ "r1 = addr_space_cast(r2, 65536, 0)", 603, "takes 0..65535" },
	/* labels */
	{ "goto end", 602, "t.s:1:6: error: label 'end' is not defined" },
	{ "end2: goto end", 602, "did you mean 'end2'?" },
	{ "call ktime_get_ns", 602, "helpers are called by number" },
	{ "a: exit\na: exit", 602, "t.s:2:1: error: label 'a' is defined twice" },
	{ "goto 1f", 602, "label '1f' is not defined" },
	{ "goto 1b; 1:", 602, "label '1b' is not defined" },
	{ "2: goto 1b; 1: goto 2f", 602, "label '1b' is not defined" },
	{ "1x: exit", 602, "a name or a decimal number" },
	{ "99999999999999999999: exit", 602, "64 bits" },
};

static void test_errors(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		const struct error_case *c = &errors[i];
		struct isa_code code = { 0 };
		struct skep_err err = { 0 };

		if (!isa_asm(&code, c->text, strlen(c->text), "t.s", &err))
			fail_msg("\"%s\" assembles", c->text);
		if (err.id != c->id || !strstr(err.text, c->says))
			fail_msg("\"%s\" gives:\n%snot %d \"%s\"", c->text,
				 err.text, c->id, c->says);
		vec_free(&code);
	}
}

/* The line and a caret stand below the message. */
static void test_error_caret(void **state)
{
	struct isa_code code = { 0 };
	struct skep_err err = { 0 };
	const char *text = "exit\n\tr1 = r12\nexit";

	assert_int_equal(isa_asm(&code, text, strlen(text), "t.s", &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "\n    2 |         r1 = r12\n"
				"      |              ^\n"));
	assert_int_equal(isa_asm(&code, text, strlen(text), "t.s", NULL),
			 -EINVAL);
	vec_free(&code);
}

static void test_embedded_nul(void **state)
{
	static const char text[] = "exit\n\0exit";
	struct isa_code code = { 0 };
	struct skep_err err = { 0 };

	assert_int_equal(isa_asm(&code, text, sizeof(text) - 1, "t.s", &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "t.s:2:1: "));
	vec_free(&code);
}

/* A label that "goto" does not reach, and that "gotol" does. */
static void test_label_range(void **state)
{
	for (int far = 0; far < 2; far++) {
		struct isa_code code = { 0 };
		struct skep_err err = { 0 };
		struct strbuf text = { 0 };

		sb_puts(&text, far ? "gotol end\n" : "goto end\n");
		for (int i = 0; i < 32768; i++)
			sb_puts(&text, "r0 = 0\n");
		sb_puts(&text, "end: exit\n");
		if (far)
			assemble(&code, sb_text(&text));
		else
			assert_int_equal(isa_asm(&code, text.s, text.n, "t.s",
						 &err), -ERANGE);
		assert_int_equal(far ? code.v[0].imm == 32768 : err.id == 603, 1);
		vec_free(&code);
		sb_free(&text);
	}
}

/* ---- checks ----------------------------------------------------------- */

struct check_case { const char *text; int id; const char *says; };

static const struct check_case checks[] = {
	{ "r0 = 0; exit", 0, "" },
	{ "goto -1", 0, "" },
	{ "goto +1; r1 = 5 ll; exit", 411, "x:0: error: target 2 is the second" },
	{ "r1 = 5 ll; goto -2", 411, "x:2: error: target 1 is the second" },
	{ "goto +0", 411, "target 1 is outside the 1 slots" },
	{ "goto -2; exit", 411, "target -1 is outside" },
	{ "gotol 0x7fffffff; exit", 411, "target 2147483648 is outside" },
	{ "if w1 == 5 goto +1; exit", 411, "x:0: error:" },
	{ "may_goto +7; exit", 411, "x:0: error:" },
	{ "call pc+5; exit", 411, "x:0: error:" },
	{ "call pc-1; exit", 0, "" },
	{ "r1 = subprog[+9]; exit", 411, "x:0: error:" },
	{ "r1 = subprog[+1]; exit", 0, "" },
	{ "call 5; exit", 0, "" },
	{ ".raw 0x1801000000000000", 410, "without its second slot" },
	{ ".raw 0x1801000000000000 0x0001000000000000", 410, "more than imm" },
	{ ".raw 0x1811000000000000 0x0000000001000000", 410, "must be zero" },
	{ ".raw 0x0000000000000000", 410, "unknown opcode" },
	{ ".raw 0xff00000000000000", 410, "unknown opcode" },
	{ "exit; .raw 0xb70b000000000000", 410, "x:1: error: dst is above r10" },
	{ ".raw 0xbfb0000000000000", 410, "src is above r10" },
	{ ".raw 0xbc00050000000000", 410, "off that it does not have" },
	{ ".raw 0xd400000005000000", 410, "imm that it does not have" },
	{ ".raw 0x8550000005000000", 410, "src that it does not have" },
	{ ".raw 0x9500000001000000", 410, "95 00 00 00 01 00 00 00" },
};

static void test_check(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		const struct check_case *c = &checks[i];
		struct isa_code code = { 0 };
		struct skep_err err = { 0 };

		assemble(&code, c->text);
		isa_check(code.v, code.n, "x", &err);
		if (err.id != c->id || !strstr(err.text, c->says))
			fail_msg("\"%s\" gives:\n%snot %d \"%s\"", c->text,
				 err.text, c->id, c->says);
		vec_free(&code);
	}
}

static void test_target(void **state)
{
	static const struct { const char *text; int delta; } cases[] = {
		{ "goto -5", -5 }, { "gotol 70000", 70000 },
		{ "if r1 s< 0 goto +32767", 32767 }, { "may_goto -1", -1 },
		{ "call pc-70000", -70000 },
	};
	static const char *const none[] = {
		"exit", "call 5", "callx r1", "r1 = 5", "r1 = subprog[+1]",
		"call kfunc[id:5]", ".raw 0xff00000000000000",
	};
	struct isa_code code = { 0 };
	s64 delta;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		code.n = 0;
		assemble(&code, cases[i].text);
		assert_true(isa_target(code.v, &delta));
		assert_int_equal(delta, cases[i].delta);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		code.n = 0;
		assemble(&code, none[i]);
		assert_false(isa_target(code.v, &delta));
	}
	vec_free(&code);
}

static void test_fields(void **state)
{
	assert_int_equal(isa_fields(OP_ADD64_K), FIELD_DST | FIELD_IMM);
	assert_int_equal(isa_fields(OP_EXIT), 0);
	assert_int_equal(isa_fields(OP_LDDW),
			 FIELD_DST | FIELD_SRC | FIELD_IMM | FIELD_IMM2);
	assert_int_equal(isa_fields(OP_CMPXCHG64),
			 FIELD_DST | FIELD_SRC | FIELD_OFF | FIELD_IMM);
	assert_int_equal(isa_fields(OP_BAD), 0);
}

/* ---- the kernel's form --------------------------------------------------- */

/* Calls are "f", nothing else is known. */
static bool name_call(void *arg, struct strbuf *out, const struct bpf_insn *insn)
{
	if (insn->code != (BPF_JMP | BPF_CALL))
		return false;
	sb_puts(out, arg);
	return true;
}

static void test_kernel_form(void **state)
{
	static const struct { struct bpf_insn insn; const char *text; } cases[] = {
		{ { BPF_ALU | BPF_MOD | BPF_K, 1, 0, 0, 9 }, "(94) w1 %= 9" },
		{ { BPF_ALU64 | BPF_MOD | BPF_X, 1, 2, 1, 0 }, "(9f) r1 s%= r2" },
		{ { BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, 1, 1 },
		  "(bf) r1 = addr_space_cast(r2, 0, 1)" },
		{ { BPF_ALU64 | BPF_MOV | BPF_X, 1, 2, -1, 0 },
		  "(bf) r1 = &(void __percpu *)(r2)" },
		{ { 0xc2, 0, 0, 0, 0 }, "(c2) nospec" },
		{ { 0xff, 0, 0, 0, 0 }, "(ff) BUG_ff" },
		{ { BPF_JMP | BPF_CALL, 0, 0, 0, 7 }, "(85) call f" },
		{ { BPF_STX | BPF_MEM | BPF_B, 10, 1, -4, 0 }, "(73) *(u8 *)(r10 -4) = r1" },
		{ { BPF_JMP32 | BPF_JSLT | BPF_K, 0, 0, -6, -1 },
		  "(c6) if w0 s< 0xffffffff goto pc-6" },
		{ { BPF_STX | BPF_ATOMIC | BPF_DW, 7, 1, 8, 0xe1 },
		  "(db) r1 = atomic64_xchg((u64 *)(r7 +8), r1)" },
	};
	struct strbuf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bpf_insn insn[2] = { cases[i].insn };

		sb_reset(&out);
		isa_disasm_kernel(&out, insn, name_call, (void *)"f");
		assert_string_equal(sb_text(&out), cases[i].text);
	}
	sb_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_distinct),
		cmocka_unit_test(test_rows_round_trip),
		cmocka_unit_test(test_reserved_fields),
		cmocka_unit_test(test_random_round_trip),
		cmocka_unit_test(test_dialects),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_error_caret),
		cmocka_unit_test(test_embedded_nul),
		cmocka_unit_test(test_label_range),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_kernel_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
