/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * a64_test.c: AArch64 machine code, on any machine: each function of
 * jit/a64/emit.h against the words of a64_forms.def, numbers against a decoder that
 * is written here from the architecture's manual, and text against the GNU
 * assembler where one for AArch64 is installed; every row of insn.def compiled.
 */
#include "jit/a64/emit.h"
#include "jit/private.h"
#include "base/os.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SWEEP = 400, NUMBERS = 20000, BITMASKS_64 = 5334 };

static char dir[] = "/tmp/skep_a64.XXXXXX";

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const u8 *away(const u8 *from, s64 bytes)
{
	return (const u8 *)((uintptr_t)from + (u64)bytes);
}

static PRINTF_LIKE(1, 2) int shell(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

/* ---- words and their text --------------------------------------------------- */

struct text_word { u32 word; char text[60]; };
struct words { struct text_word *v; size_t n, cap; };	/* a VEC */

static PRINTF_LIKE(3, 4) void note(struct words *w, const u8 *at, const char *fmt, ...)
{
	struct text_word *t = vec_push(w);
	va_list ap;

	t->word = a_word(at);
	va_start(ap, fmt);
	vsnprintf(t->text, sizeof(t->text), fmt, ap);
	va_end(ap);
}

static void forms(void **unused UNUSED)
{
	u8 buf[64], *p;

#define FORM(want, text, call) \
	p = buf; \
	call; \
	assert_ptr_equal(p, buf + 4); \
	if (a_word(buf) != (want)) \
		fail_msg("%s: 0x%08x, expected 0x%08x", text, a_word(buf), want);
#include "a64_forms.def"
}

/* What the assembler makes of all texts, or NULL where there is none. */
static u32 *assemble(const struct words *w)
{
	u32 *out = mem_alloc((w->n + 1) * sizeof(*out));
	char path[256];
	FILE *f;

	if (shell("command -v aarch64-linux-gnu-as aarch64-linux-gnu-objcopy >/dev/null 2>&1")) {
		print_message("no assembler for AArch64 (aarch64-linux-gnu-as)\n");
		skip();
	}
	snprintf(path, sizeof(path), "%s/t.s", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, ".arch armv8.1-a\n");
	for (size_t i = 0; i < w->n; i++)
		fprintf(f, "%s\n", w->v[i].text);
	fclose(f);
	assert_int_equal(shell("cd %s && aarch64-linux-gnu-as -o t.o t.s && "
			       "aarch64-linux-gnu-objcopy -O binary t.o t.bin", dir), 0);
	snprintf(path, sizeof(path), "%s/t.bin", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(out, 4, w->n + 1, f), w->n);
	fclose(f);
	return out;
}

static void same_as_assembler(struct words *w)
{
	u32 *theirs = assemble(w);

	for (size_t i = 0; i < w->n; i++)
		if (le32toh(theirs[i]) != w->v[i].word)
			fail_msg("%s: 0x%08x, the assembler has 0x%08x", w->v[i].text,
				 w->v[i].word, le32toh(theirs[i]));
	free(theirs);
	vec_free(w);
}

static void forms_assembled(void **unused UNUSED)
{
	struct words w = { 0 };
	u8 buf[64], *p;

#define FORM(want, text, call) \
	p = buf; \
	call; \
	note(&w, buf, "%s", text);
#include "a64_forms.def"
	assert_true(w.n > 100);
	same_as_assembler(&w);
}

/* ---- other registers and numbers, assembled -------------------------------------- */

/* Name of register R, 31 as the zero register. */
static const char *name(bool w, u32 r)
{
	static char names[8][8];
	static u32 at;
	char *s = names[at++ % 8];

	if (r == XZR)
		snprintf(s, 8, "%czr", w ? 'x' : 'w');
	else
		snprintf(s, 8, "%c%u", w ? 'x' : 'w', r);
	return s;
}

/* One of 31 registers, which may be an address. */
static u32 some_reg(u64 *state) { return (u32)(next_random(state) % 31); }

static void sweep_alu(struct words *w, u64 *state)
{
	static const struct { enum a64_alu op; const char *name; } ops[] = {
		{ A_ADD, "add" }, { A_SUB, "sub" }, { A_SUBS, "subs" }, { A_AND, "and" },
		{ A_ORR, "orr" }, { A_EOR, "eor" }, { A_ANDS, "ands" }, { A_ORN, "orn" },
		{ A_UDIV, "udiv" }, { A_SDIV, "sdiv" }, { A_LSL, "lsl" }, { A_LSR, "lsr" },
		{ A_ASR, "asr" },
	};
	u32 d = (u32)(next_random(state) % 32), n = (u32)(next_random(state) % 32);
	u32 m = (u32)(next_random(state) % 32), i = (u32)(next_random(state) % ARRAY_LEN(ops));
	bool wide = next_random(state) % 2;
	u8 buf[8], *p = buf;

	a_alu(&p, wide, ops[i].op, d, n, m);
	note(w, buf, "%s %s, %s, %s", ops[i].name, name(wide, d), name(wide, n), name(wide, m));
}

static void sweep_add(struct words *w, u64 *state)
{
	u32 d = some_reg(state), n = some_reg(state);
	s64 v = (s64)(next_random(state) % 8192) - 4096;
	bool wide = next_random(state) % 2;
	u8 buf[8], *p = buf;

	v *= next_random(state) % 2 ? 4096 : 1;
	if (!a_add_imm(&p, wide, d, n, v))
		return;
	note(w, buf, "%s %s, %s, #%" PRId64, v < 0 ? "sub" : "add", name(wide, d),
	     name(wide, n), v < 0 ? -v : v);
}

static void sweep_shift(struct words *w, u64 *state)
{
	u32 d = some_reg(state), n = some_reg(state), by;
	bool wide = next_random(state) % 2;
	u8 buf[16], *p = buf;

	by = (u32)(next_random(state) % (wide ? 64 : 32));
	a_lsl_imm(&p, wide, d, n, by);
	a_lsr_imm(&p, wide, d, n, by);
	a_asr_imm(&p, wide, d, n, by);
	note(w, buf, "lsl %s, %s, #%u", name(wide, d), name(wide, n), by);
	note(w, buf + 4, "lsr %s, %s, #%u", name(wide, d), name(wide, n), by);
	note(w, buf + 8, "asr %s, %s, #%u", name(wide, d), name(wide, n), by);
}

static void sweep_mem(struct words *w, u64 *state)
{
	static const char *const names[3][4] = {
		{ "strb", "strh", "str", "str" }, { "ldrb", "ldrh", "ldr", "ldr" },
		{ "ldrsb", "ldrsh", "ldrsw", NULL },
	};
	u32 what = (u32)(next_random(state) % 3);
	u32 size = (u32)(next_random(state) % (what == 2 ? 3 : 4));
	u32 t = (u32)(next_random(state) % 32), n = some_reg(state);
	s64 disp = (s64)(next_random(state) % 1024) - 512;
	bool wide = size == 3 || what == 2;
	u8 buf[8], *p = buf;

	if (next_random(state) % 2)
		disp = (s64)(next_random(state) % 4096) << size;
	if (a_mem(&p, (enum a64_access)(what << 22), 8u << size, t, n, disp))
		note(w, buf, "%s %s, [%s, #%" PRId64 "]", names[what][size], name(wide, t),
		     name(true, n), disp);
	else
		assert_true(disp < -256 || (disp > 255 && (disp & ((1 << size) - 1))));
}

static void sweep_logic(struct words *w, u64 *state)
{
	static const char *const names[] = { "and", "orr", "eor", "ands" };
	static const enum a64_alu ops[] = { A_AND, A_ORR, A_EOR, A_ANDS };
	u32 d = some_reg(state), n = some_reg(state), i = (u32)(next_random(state) % 4);
	u32 size = 2u << next_random(state) % 6, ones = 1 + (u32)(next_random(state) % (size - 1));
	u32 turn = (u32)(next_random(state) % size);
	bool wide = size == 64 || next_random(state) % 2;
	u64 v = a_ones(ones);
	u8 buf[8], *p = buf;

	v = (v >> turn | (turn ? v << (size - turn) : 0)) & a_ones(size);
	for (u32 s = size; s < 64; s *= 2)
		v |= v << s;
	if (!wide)
		v = (u32)v;
	assert_true(a_logic_imm(&p, wide, ops[i], d, n, v));
	note(w, buf, "%s %s, %s, #0x%" PRIx64, names[i], name(wide, d), name(wide, n), v);
}

static void sweep_assembled(void **unused UNUSED)
{
	u64 state = 0x2545f4914f6cdd1d;
	struct words w = { 0 };

	for (u32 i = 0; i < SWEEP; i++) {
		sweep_alu(&w, &state);
		sweep_add(&w, &state);
		sweep_shift(&w, &state);
		sweep_mem(&w, &state);
		sweep_logic(&w, &state);
	}
	assert_true(w.n > 5 * SWEEP);
	same_as_assembler(&w);
}

/* ---- numbers ------------------------------------------------------------------------ */

/* The manual's DecodeBitMasks: what the 13 bits N:immr:imms stand for, or 0. */
static u64 bitmask_value(u32 bits)
{
	u32 n = bits >> 12, r = bits >> 6 & 63, s = bits & 63;
	u32 both = n << 6 | (~s & 63), len = both ? 31 - (u32)__builtin_clz(both) : 0;
	u32 size = 1u << len;
	u64 v;

	if (len < 1 || (s & (size - 1)) == size - 1)
		return 0;
	v = 0;
	for (u32 i = 0; i <= (s & (size - 1)); i++)
		v |= 1ull << ((i + size - (r & (size - 1))) % size);
	for (u32 w = size; w < 64; w *= 2)
		v |= v << w;
	return v;
}

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* All numbers that have a form are given one, and no other is. */
static void bitmasks(void **unused UNUSED)
{
	u64 all[1 << 13], state = 0x9e3779b97f4a7c15;
	size_t n = 0, distinct = 0;

	for (u32 bits = 0; bits < 1 << 13; bits++)
		if (bitmask_value(bits))
			all[n++] = bitmask_value(bits);
	qsort(all, n, sizeof(*all), by_value);
	for (size_t i = 0; i < n; i++) {
		distinct += !i || all[i] != all[i - 1];
		assert_true(bitmask_value(a_bitmask(all[i])) == all[i]);
	}
	assert_int_equal(distinct, BITMASKS_64);
	for (u32 i = 0; i < NUMBERS; i++) {
		u64 v = next_random(&state) >> next_random(&state) % 64;

		if (i % 2)
			v ^= all[next_random(&state) % n];
		assert_int_equal(a_bitmask(v) != 0, bsearch(&v, all, n, 8, by_value) != NULL);
	}
}

/* What the instructions in [AT, END) leave in their register. */
static u64 moved(const u8 *at, const u8 *end)
{
	u64 v = 0;

	for (; at < end; at += 4) {
		u32 w = a_word(at), shift = (w >> 21 & 3) * 16, op = w & 0x7f800000;
		u64 imm = (u64)(w >> 5 & 0xffff) << shift;

		assert_int_equal(w & 31, 5);
		if (op == A_MOVZ)
			v = imm;
		else if (op == A_MOVN)
			v = ~imm;
		else if (op == A_MOVK)
			v = (v & ~(0xffffull << shift)) | imm;
		else if (op == 0x32000000)
			v = bitmask_value(w >> 10 & 0x1fff);
		else
			fail_msg("0x%08x moves no number", w);
		if (!(w >> 31))
			v = (u32)v;
	}
	return v;
}

/* Numbers whose four parts are often all zeroes or all ones. */
static u64 some_number(u64 *state)
{
	u64 v = 0;

	for (u32 i = 0; i < 4; i++) {
		u64 r = next_random(state);

		v |= (r % 4 == 0 ? 0 : r % 4 == 1 ? 0xffff : r >> 20 & 0xffff) << 16 * i;
	}
	return v >> (next_random(state) % 3 ? 0 : next_random(state) % 64);
}

static void numbers(void **unused UNUSED)
{
	u64 state = 0x853c49e6748fea9b;

	for (u32 i = 0; i < NUMBERS; i++) {
		u64 v = some_number(&state);
		u32 zero = a_parts_other(v, 4, 0), full = a_parts_other(v, 4, 0xffff);
		u32 most = zero < full ? zero : full;
		u8 buf[32], *p = buf;

		a_mov_imm(&p, X5, v);
		assert_in_range(p - buf, 4, most ? 4 * most : 4);
		assert_true(moved(buf, p) == v);
	}
}

static void far_away(void **unused UNUSED)
{
	u8 buf[8], *p = buf;
	u8 *at = a_b(&p);

	assert_false(a_patch(at, away(at, 0x8000000)));
	assert_false(a_patch(at, away(at, -0x8000004)));
	p = buf;
	at = a_bcc(&p, A_EQ);
	assert_false(a_patch(at, away(at, 0x100000)));
	assert_false(a_patch(at, away(at, -0x100004)));
	p = buf;
	at = a_tbz(&p, true, 3, X1);
	assert_false(a_patch(at, away(at, 0x8000)));
	assert_int_equal(a_word(at), 0x37180001);	/* as it was */
	p = buf;
	at = a_adr(&p, X1);
	assert_false(a_patch(at, away(at, (s64)1 << 33)));
	p = buf;
	at = a_adr_near(&p, X1);
	assert_false(a_patch(at, away(at, 0x100000)));
	assert_false(a_patch(at, away(at, -0x100001)));
	assert_int_equal(a_word(at), 0x10000001);
}

/* The address that a pair of adrp and add gives. */
static void addresses(void **unused UNUSED)
{
	static const s64 far[] = { 0, 4, -4, 4096, -4096, 0x12345678, -0x7654320, 1 << 30 };

	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		u8 buf[16], *p = buf;
		u8 *at = a_adr(&p, X1);
		const u8 *to = away(at, far[i]);
		s64 pages;

		assert_true(a_patch(at, to));
		pages = (s64)(a_word(at) >> 29 & 3) | (s64)((s32)(a_word(at) << 8) >> 13) * 4;
		assert_true(((uintptr_t)at & ~4095ull) + (u64)pages * 4096 +
			    (a_word(at + 4) >> 10 & 4095) == (uintptr_t)to);
		assert_int_equal(a_word(at + 4) & 0xffc003ff, 0x91000021);
	}
}

/* That of adr alone: golden words, and that nothing but the distance is in it. */
static void near_addresses(void **unused UNUSED)
{
	static const struct { s32 to; u32 word; } near[] = {
		{ 0, 0x10000001 }, { 4, 0x10000021 }, { 1, 0x30000001 }, { -4, 0x10ffffe1 },
		{ 0x674 - 0x354, 0x10001901 }, { 0xfffff, 0x707fffe1 }, { -0x100000, 0x10800001 },
	};

	for (size_t i = 0; i < ARRAY_LEN(near); i++) {
		u8 buf[16], *p = buf;
		u8 *at = a_adr_near(&p, X1);

		assert_true(a_patch(at, away(at, near[i].to)));
		assert_int_equal(a_word(at), near[i].word);
		assert_int_equal(p - buf, 4);
	}
}

/* ---- programs ---------------------------------------------------------------------------- */

static bool is_compiled(enum isa_op op)
{
	return op != OP_AS_CAST && op != OP_CALL_REG && op != OP_LDDW_MAP_FD &&
	       op != OP_LDDW_MAP_VAL && op != OP_LDDW_BTF_ID;
}

/* Row OP in a program that isa_check takes. */
static u32 program_of(enum isa_op op, struct bpf_insn p[8])
{
	const struct isa_row *row = &isa_rows[op];
	unsigned fields = isa_fields(op);
	u32 n = 0;

	p[n] = (struct bpf_insn){ .code = row->opcode, .dst_reg = fields & FIELD_DST ? 6 : 0,
				  .src_reg = fields & FIELD_SRC ? 7 : 0 };
	if (row->sel == SEL_SRC)
		p[n].src_reg = (u8)(row->val & 15);
	if (row->sel == SEL_OFF)
		p[n].off = row->val;
	if (row->sel == SEL_IMM)
		p[n].imm = row->val;
	if (op == OP_CALL)
		p[n].imm = BPF_FUNC_ktime_get_ns;
	n++;
	if (row->kind == KIND_LDDW)
		p[n++] = (struct bpf_insn){ 0 };
	if (op == OP_LDDW_FUNC)
		p[0].imm = 2;
	p[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
	p[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	p[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 };
	p[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	if (op == OP_CALL_LOCAL)
		p[0].imm = 2;
	return n;
}

/* None of this runs. */
static helper_fn some_body(void *arg UNUSED, u32 at UNUSED)
{
	return (helper_fn)(uintptr_t)0x123456789abcdef0;
}

static u64 some_address(void *arg UNUSED, u32 at) { return 0xabc0000000000000 + at; }
static void *no_tail(struct run *run UNUSED, struct map *map UNUSED, u32 i UNUSED) { return NULL; }
static s64 no_packet(struct run *run UNUSED, s32 off UNUSED, u32 size UNUSED) { return -1; }

static struct jit_code *compile(struct jit_bind *bind, u32 cpu)
{
	struct jit_code *code;
	struct skep_err err;

	if (jit_compile_arch(&code, bind, JIT_OPT, jit_arch_find("aarch64"), cpu, "row", &err))
		fail_msg("%s", skep_err_text(&err));
	return code;
}

/* The last words of the first instruction of a program, row OP. Before them is what it
 * does where the place is not aligned. */
static void check_words(enum isa_op op, u32 cpu, const u32 *want, u32 n)
{
	struct bpf_insn p[8];
	struct jit_bind bind = { .insns = p, .nr_insns = program_of(op, p) };
	struct jit_code *code = compile(&bind, cpu);
	const struct jit_place *at = jit_places(code, &(u32){ 0 });
	u32 bytes;
	const u8 *mem = jit_bytes(code, &bytes) + at[1].off - 4 * n;

	assert_int_equal(at[0].slot, 0);
	assert_true(at[1].off - at[0].off >= 4 * n);
	for (u32 i = 0; i < n; i++)
		if (a_word(mem + 4 * i) != want[i])
			fail_msg("%s: word %u is 0x%08x, expected 0x%08x", isa_rows[op].name, i,
				 a_word(mem + 4 * i), want[i]);
	jit_free(code);
}

#define WORDS(op, cpu, ...) check_words(op, cpu, (const u32[]){ __VA_ARGS__ }, \
	sizeof((const u32[]){ __VA_ARGS__ }) / 4)

/* What orders memory is no matter of values: no run shows that it is missing. */
static void order(void **unused UNUSED)
{
	/* ldxr x10, [x19]; add x11, x10, x20; stxr w12, x11, [x19]; cbnz w12 */
	WORDS(OP_XADD64, 0, 0xc85f7e6a, 0x8b14014b, 0xc80c7e6b, 0x35ffffac);
	/* the same with stlxr, then dmb ish; mov x20, x10 */
	WORDS(OP_FETCH_ADD64, 0, 0xc85f7e6a, 0x8b14014b, 0xc80cfe6b, 0x35ffffac, 0xd5033bbf,
	      0xaa0a03f4);
	/* ldxr w10, [x19]; stlxr w12, w20, [x19]; cbnz w12; dmb ish; mov w20, w10 */
	WORDS(OP_XCHG32, 0, 0x885f7e6a, 0x880cfe74, 0x35ffffcc, 0xd5033bbf, 0x2a0a03f4);
	/* ldxr x10, [x19]; cmp x10, x7; b.ne; stlxr w12, x20, [x19]; cbnz; dmb ish; mov */
	WORDS(OP_CMPXCHG64, 0, 0xc85f7e6a, 0xeb07015f, 0x54000061, 0xc80cfe74, 0x35ffff8c,
	      0xd5033bbf, 0xaa0a03e7);
	WORDS(OP_XADD64, JIT_A64_LSE, 0xf834027f);		/* stadd x20, [x19] */
	WORDS(OP_FETCH_ADD64, JIT_A64_LSE, 0xf8f40274);		/* ldaddal x20, x20, [x19] */
	WORDS(OP_XCHG32, JIT_A64_LSE, 0xb8f48274);		/* swpal w20, w20, [x19] */
	WORDS(OP_CMPXCHG64, JIT_A64_LSE, 0xc8e7fe74);		/* casal x7, x20, [x19] */
	WORDS(OP_LDACQ8, 0, 0x08dffe93);			/* ldarb w19, [x20] */
	WORDS(OP_STREL64, 0, 0xc89ffe74);			/* stlr x20, [x19] */
}

static void compile_row(enum isa_op op, u32 cpu, FILE *to)
{
	struct bpf_insn p[8];
	struct jit_bind bind = {
		.insns = p, .nr_insns = program_of(op, p), .address = some_address,
		.body = some_body, .tail = no_tail, .packet = no_packet,
	};
	struct jit_code *code = compile(&bind, cpu);
	const u8 *mem;
	u32 bytes;

	assert_int_equal(jit_tier(code), JIT_FAST);
	assert_string_equal(jit_processor(code), "aarch64");
	mem = jit_bytes(code, &bytes);
	assert_int_equal(bytes % 4, 0);
	fwrite(mem, 1, bytes, to);
	jit_free(code);
}

/* Everything that is compiled is an instruction to others, too. */
static void rows(void **unused UNUSED)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/rows.bin", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	for (u32 cpu = 0; cpu < 2; cpu++)
		for (enum isa_op op = 0; op < OP_MAX; op++)
			if (is_compiled(op))
				compile_row(op, cpu ? JIT_A64_LSE : 0, f);
	fclose(f);
	if (shell("command -v aarch64-linux-gnu-objdump >/dev/null 2>&1")) {
		print_message("no disassembler for AArch64 (aarch64-linux-gnu-objdump)\n");
		skip();
	}
	assert_int_equal(shell("cd %s && aarch64-linux-gnu-objdump -b binary -m aarch64 -D "
			       "rows.bin >rows.txt && "
			       "! grep -E 'undefined|\\.inst|unallocated' rows.txt && "
			       "grep -q casal rows.txt && grep -q stlxr rows.txt", dir), 0);
}

static void other_processors(void **unused UNUSED)
{
	struct bpf_insn p[8];
	struct jit_bind bind = { .insns = p, .nr_insns = program_of(OP_MOV64_K, p) };
	struct jit_code *code;
	struct skep_err err;

	assert_int_not_equal(jit_cross(&code, &bind, "pdp11", "fw.o:f", &err), 0);
	assert_int_equal(err.id, ERR_UNSUPPORTED);
	assert_non_null(strstr(skep_err_text(&err), "pdp11 (there is some for x86_64, aarch64)"));
	for (u32 i = 0; i < 2; i++) {
		const char *name = i ? "aarch64" : "x86_64";

		assert_int_equal(jit_cross(&code, &bind, name, "fw.o:f", &err), 0);
		assert_string_equal(jit_processor(code), name);
		assert_int_equal(jit_tier(code), i ? JIT_FAST : JIT_OPT);
		assert_int_equal(!jit_func(code), jit_arch_find(name) != jit_arch_host());
		assert_int_equal(!jit_entry(code), !jit_func(code));
		jit_free(code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms), cmocka_unit_test(forms_assembled),
		cmocka_unit_test(sweep_assembled), cmocka_unit_test(bitmasks),
		cmocka_unit_test(numbers), cmocka_unit_test(far_away),
		cmocka_unit_test(addresses),
		cmocka_unit_test(near_addresses), cmocka_unit_test(order), cmocka_unit_test(rows),
		cmocka_unit_test(other_processors),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	shell("rm -rf %s", dir);
	return r;
}
