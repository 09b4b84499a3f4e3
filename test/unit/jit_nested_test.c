/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_nested_test.c: random programs with structure, in both compilers and the
 * interpreter: loops in loops that count in the ways C compilers make them count,
 * branches, ways out of loops, calls of functions, memory by masked and scaled
 * indexes from a register or from numbers. Registers, the stack and memory must be the
 * same in the end. JIT_SEED and JIT_RUNS give others; one that fails is shrunk.
 */
#include "jit_prog.h"
#include <inttypes.h>

enum { VALUES = 9, BASE = 9, RUNS = 1500, DEPTH = 3, ARENA = 1024, OUT_WORDS = VALUES + 8,
       MEM_SX = 0x80 };

static struct world world;
static enum jit_tier tier;	/* under test */
static u8 memory[ARENA] __attribute__((aligned(64)));	/* what programs load and store */
static u64 out[2][OUT_WORDS];
static u8 after[2][ARENA];

/* A program on its way. */
struct gen {
	struct prog p;
	bool keep[PROGRAM_MAX];	/* without it the program would be another kind of wrong */
	u64 state;
	u32 locked;		/* registers that count loops */
	u32 depth, left;	/* loops around; statements still to be made */
	u32 calls[64], nr_calls;
};

static u32 below(struct gen *g, u32 n) { return (u32)(next_random(&g->state) % n); }

static void must(struct gen *g, u8 code, u32 dst, u32 src, s32 off, s32 imm)
{
	g->keep[g->p.n] = true;
	add(&g->p, code, dst, src, off, imm);
}

static void must_imm(struct gen *g, u32 dst, u64 v)
{
	g->keep[g->p.n] = g->keep[g->p.n + 1] = true;
	add_imm(&g->p, dst, v);
}

/* A register that may change. */
static u32 open_reg(struct gen *g)
{
	u32 r;

	do
		r = below(g, VALUES);
	while (g->locked >> r & 1);
	return r;
}

static void patch(struct gen *g, u32 at) { g->p.v[at].off = (s16)(g->p.n - at - 1); }

/* ---- statements ------------------------------------------------------------------- */

static void compute(struct gen *g)
{
	enum isa_op op;

	do
		op = (enum isa_op)below(g, OP_MAX);
	while (isa_rows[op].kind > KIND_BSWAP || isa_rows[op].kind == KIND_AS_CAST);
	g->p.v[g->p.n++] = insn_of(op, open_reg(g), below(g, VALUES), (s32)operand(&g->state));
}

/* X becomes an address in memory. */
static void make_address(struct gen *g, u32 x)
{
	static const s32 masks[] = { 0x1f, 0x7, 0xf, 0x18 };
	u32 other = open_reg(g);

	must(g, below(g, 2) ? BPF_ALU64 | BPF_MOV | BPF_X : BPF_ALU | BPF_MOV | BPF_X, x,
	     below(g, VALUES), 0, 0);
	must(g, below(g, 2) ? BPF_ALU64 | BPF_AND | BPF_K : BPF_ALU | BPF_AND | BPF_K, x, 0, 0,
	     masks[below(g, 4)]);
	if (below(g, 2))
		must(g, BPF_ALU64 | BPF_LSH | BPF_K, x, 0, 0, (s32)below(g, 4));
	if (below(g, 3) == 0 || other == x) {
		must(g, BPF_ALU64 | BPF_ADD | BPF_X, x, BASE, 0, 0);
	} else {
		must_imm(g, other, (u64)memory + below(g, 3) * 128);
		must(g, BPF_ALU64 | BPF_ADD | BPF_X, x, other, 0, 0);
	}
	if (below(g, 4) == 0)
		must(g, BPF_ALU64 | BPF_ADD | BPF_K, x, 0, 0, (s32)below(g, 64));
}

static u8 width(struct gen *g)
{
	static const u8 widths[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	return widths[below(g, 4)];
}

static void load(struct gen *g, u32 x, u8 w, s32 off)
{
	u8 mode = below(g, 4) || w == BPF_DW ? BPF_MEM : MEM_SX;

	add(&g->p, BPF_LDX | mode | w, open_reg(g), x, off, 0);
}

static void change(struct gen *g, u32 x, u8 w, s32 off)
{
	static const u8 ops[] = { BPF_ADD, BPF_SUB, BPF_AND, BPF_OR, BPF_XOR, BPF_MUL };
	u32 t = open_reg(g);
	u8 op = ops[below(g, 6)];

	if (t == x)
		return;
	add(&g->p, BPF_LDX | BPF_MEM | w, t, x, off, 0);
	if (below(g, 2))
		add(&g->p, BPF_ALU64 | op | BPF_K, t, 0, 0, (s32)operand(&g->state));
	else
		add(&g->p, BPF_ALU64 | op | BPF_X, t, below(g, VALUES), 0, 0);
	add(&g->p, BPF_STX | BPF_MEM | w, x, t, off, 0);
}

/* Bytes put together, in either order. */
static void bytes(struct gen *g, u32 x, s32 off)
{
	u32 t = open_reg(g), s = open_reg(g), n = 2u << below(g, 2), up = below(g, 2);

	if (t == x || s == x || s == t)
		return;
	must(g, BPF_LDX | BPF_MEM | BPF_B, t, x, off + (s32)(up ? n - 1 : 0), 0);
	for (u32 i = 1; i < n; i++) {
		must(g, BPF_LDX | BPF_MEM | BPF_B, s, x, off + (s32)(up ? n - 1 - i : i), 0);
		must(g, BPF_ALU64 | BPF_LSH | BPF_K, s, 0, 0, (s32)(8 * i));
		must(g, BPF_ALU64 | BPF_OR | BPF_X, t, s, 0, 0);
	}
}

static void access_memory(struct gen *g)
{
	u32 x = open_reg(g);
	s32 off = (s32)below(g, 64);
	u8 w = width(g);

	make_address(g, x);
	for (u32 n = 1 + below(g, 3); n-- > 0; off += (s32)below(g, 4))
		switch (below(g, 5)) {
		case 0: add(&g->p, BPF_STX | BPF_MEM | w, x, below(g, VALUES), off, 0); break;
		case 1: add(&g->p, BPF_ST | BPF_MEM | w, x, 0, off, (s32)operand(&g->state)); break;
		case 2: change(g, x, w, off); break;
		case 3: bytes(g, x, off); break;
		default:
			load(g, x, w, off);
			if (g->p.v[g->p.n - 1].dst_reg == x)
				n = 0;
		}
}

/* The first words are small, so that accesses meet. */
static void access_stack(struct gen *g)
{
	u8 w = below(g, 3) ? BPF_DW : width(g);
	s32 off = -8 * (s32)(1 + below(g, 8));

	if (below(g, 2))
		add(&g->p, BPF_STX | BPF_MEM | w, 10, below(g, VALUES), off, 0);
	else
		add(&g->p, BPF_LDX | BPF_MEM | w, open_reg(g), 10, off, 0);
}

/* By an index from the frame pointer: the 64 bytes under it. */
static void access_frame(struct gen *g)
{
	static const s32 masks[] = { 0x1f, 0x18, 0x3 };
	u32 x = open_reg(g), k = below(g, 3), other;
	s32 off = -64 + (s32)below(g, 24);

	must(g, BPF_ALU64 | BPF_MOV | BPF_X, x, below(g, VALUES), 0, 0);
	must(g, BPF_ALU64 | BPF_AND | BPF_K, x, 0, 0, masks[k]);
	if (k == 2)
		must(g, BPF_ALU64 | BPF_LSH | BPF_K, x, 0, 0, (s32)below(g, 4));
	must(g, BPF_ALU64 | BPF_ADD | BPF_X, x, 10, 0, 0);
	do	/* the address itself must not be seen */
		other = open_reg(g);
	while (other == x);
	if (below(g, 2)) {
		load(g, x, width(g), off);
	} else {
		u8 w = width(g);

		add(&g->p, BPF_STX | BPF_MEM | w, x, other, off, 0);
		if (below(g, 2)) {
			add(&g->p, BPF_LDX | BPF_MEM | w, other, x, off, 0);
			add(&g->p, BPF_ALU64 | BPF_ADD | BPF_K, other, 0, 0, (s32)below(g, 99));
			add(&g->p, BPF_STX | BPF_MEM | w, x, other, off, 0);
		}
	}
	must(g, BPF_ALU64 | BPF_MOV | BPF_K, x, 0, 0, (s32)off);
}

/* ---- structure ---------------------------------------------------------------------- */

static void statements(struct gen *g, u32 n);

static u32 jump_if(struct gen *g)
{
	struct bpf_insn *in = &g->p.v[g->p.n];
	enum isa_op op;

	do
		op = (enum isa_op)below(g, OP_MAX);
	while (isa_rows[op].kind < KIND_JMP_JEQ || isa_rows[op].kind > KIND_JMP_JSLE);
	*in = insn_of(op, below(g, VALUES), below(g, VALUES),
		      below(g, 3) ? (s32)below(g, 256) : (s32)operand(&g->state));
	return g->p.n++;
}

/* A loaded value decides. */
static void load_for_branch(struct gen *g)
{
	u32 x = open_reg(g);

	make_address(g, x);
	load(g, x, width(g), (s32)below(g, 32));
}

static void branch(struct gen *g)
{
	u32 at, over;

	if (below(g, 3) == 0)
		load_for_branch(g);
	at = jump_if(g);
	statements(g, below(g, 3));
	if (below(g, 2)) {
		patch(g, at);
		return;
	}
	over = g->p.n;
	must(g, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	patch(g, at);
	statements(g, 1 + below(g, 2));
	patch(g, over);
}

/* Where counting begins behind the end, or before 0: few rounds, or one. */
static s32 odd_start(struct gen *g, bool is_signed)
{
	static const s32 starts[] = { -3, -1, 1000, 0xfffffff, 0x10000000, 0x7fffffff };

	return starts[below(g, is_signed ? 3 : ARRAY_LEN(starts))];
}

/* Counts in C from START, which the slot before FIRST sets, by STEP, N times. */
static void loop_end(struct gen *g, u32 c, u32 first, s32 start, s32 step, s32 n)
{
	u8 alu = below(g, 3) ? BPF_ALU64 : BPF_ALU, jmp = below(g, 3) ? BPF_JMP : BPF_JMP32;
	u32 old = open_reg(g), form = below(g, 4);
	s32 end = start + step * n;

	if (form != 1 && below(g, 3) == 0)
		g->p.v[first - 1].imm = odd_start(g, form > 2);

	if (form == 0)
		must(g, alu | BPF_MOV | BPF_X, old, c, 0, 0);
	must(g, alu | BPF_ADD | BPF_K, c, 0, 0, step);
	switch (form) {
	case 0: must(g, jmp | BPF_JLT | BPF_K, old, 0, 0, end - step); break;
	case 1: must(g, jmp | BPF_JNE | BPF_K, c, 0, 0, end); break;
	case 2: must(g, jmp | BPF_JLT | BPF_K, c, 0, 0, end); break;
	default: must(g, jmp | BPF_JSLE | BPF_K, c, 0, 0, end - 1);
	}
	g->p.v[g->p.n - 1].off = (s16)(first - g->p.n);
}

/* The same with the test first and a jump back. */
static u32 loop_begin(struct gen *g, u32 c, s32 end)
{
	must(g, BPF_JMP | BPF_K | (below(g, 2) ? BPF_JGE : BPF_JEQ), c, 0, 0, end);
	return g->p.n - 1;
}

static void loop(struct gen *g)
{
	u32 c = 6 + g->depth, first, out_at = 0, test = 0;
	s32 start = (s32)below(g, 3), step = 1 + (s32)below(g, 3), n = 1 + (s32)below(g, 4);
	bool before = below(g, 4) == 0, leaves = below(g, 3) == 0;

	if (g->depth == DEPTH)
		return;
	must(g, BPF_ALU64 | BPF_MOV | BPF_K, c, 0, 0, start);
	g->locked |= 1u << c;
	g->depth++;
	first = g->p.n;
	if (before)
		test = loop_begin(g, c, start + step * n);
	statements(g, 1 + below(g, 4));
	if (leaves)
		out_at = jump_if(g);
	statements(g, below(g, 3));
	if (before) {
		must(g, BPF_ALU64 | BPF_ADD | BPF_K, c, 0, 0, step);
		must(g, BPF_JMP | BPF_JA, 0, 0, (s32)(first - g->p.n - 1), 0);
		patch(g, test);
	} else {
		loop_end(g, c, first, start, step, n);
	}
	if (leaves)
		patch(g, out_at);
	g->depth--;
	g->locked &= ~(1u << c);
}

/* r1..r5 are gone afterwards. */
static void call(struct gen *g)
{
	if (g->nr_calls == ARRAY_LEN(g->calls))
		return;
	g->calls[g->nr_calls++] = g->p.n;
	must(g, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	for (u32 r = 1; r <= 5; r++) {
		if (below(g, 2))
			must(g, BPF_ALU64 | BPF_MOV | BPF_X, r,
			     below(g, 2) ? 0 : 6 + below(g, 3), 0, 0);
		else
			must_imm(g, r, operand(&g->state));
	}
}

static void statement(struct gen *g)
{
	switch (below(g, 16)) {
	case 0: case 1: case 2: access_memory(g); break;
	case 3: access_stack(g); break;
	case 4: case 5: branch(g); break;
	case 6: case 7: loop(g); break;
	case 8: call(g); break;
	case 9: access_frame(g); break;
	default: compute(g);
	}
}

static void statements(struct gen *g, u32 n)
{
	while (n-- > 0 && g->left) {
		g->left--;
		statement(g);
	}
}

/* ---- programs ------------------------------------------------------------------------- */

/* Code that knows no address knows it as that of a map's value. */
static void memory_to_base(struct gen *g)
{
	if (!native_apart) {
		must_imm(g, BASE, (u64)memory);
		return;
	}
	must(g, BPF_LD | BPF_DW | BPF_IMM, BASE, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0);
	must(g, 0, 0, 0, 0, 0);
}

static void begin(struct gen *g)
{
	must(g, BPF_STX | BPF_MEM | BPF_DW, 10, 1, -128, 0);
	for (s32 i = 0; i < 8; i++) {
		must_imm(g, 0, operand(&g->state));
		must(g, BPF_STX | BPF_MEM | BPF_DW, 10, 0, -8 * (i + 1), 0);
	}
	for (u32 r = 0; r < VALUES; r++)
		must_imm(g, r, operand(&g->state));
	memory_to_base(g);
	for (u32 r = 0; r < VALUES; r++)	/* not known beforehand */
		if (below(g, 2))
			must(g, BPF_LDX | BPF_MEM | width(g), r, BASE, 8 * (s32)r, 0);
}

static void finish(struct gen *g)
{
	for (s32 r = 0; r < VALUES; r++)
		must(g, BPF_STX | BPF_MEM | BPF_DW, 10, (u32)r, -136 - 8 * r, 0);
	must(g, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -128, 0);
	for (s32 i = 0; i < OUT_WORDS; i++) {
		s32 from = i < VALUES ? -136 - 8 * i : -8 * (i - VALUES + 1);

		must(g, BPF_LDX | BPF_MEM | BPF_DW, 0, 10, from, 0);
		must(g, BPF_STX | BPF_MEM | BPF_DW, 1, 0, 8 * i, 0);
	}
	must(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (u32 i = 0; i < g->nr_calls; i++)
		g->p.v[g->calls[i]].imm = (s32)(g->p.n - g->calls[i] - 1);
	if (!g->nr_calls)
		return;
	must(g, BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0);
	must(g, BPF_ALU64 | BPF_MUL | BPF_X, 0, 2, 0, 0);
	must(g, BPF_ALU64 | BPF_XOR | BPF_X, 0, 3, 0, 0);
	must(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void fill_memory(void)
{
	u64 state = 0x9e3779b97f4a7c15;

	for (u32 i = 0; i < ARENA; i++)
		memory[i] = (u8)(i % 3 ? next_random(&state) >> 20 : 0);
}

/* Where results differ, or -1; ARENA and on: memory. */
static int differs(struct gen *g)
{
	struct vm_bind bind = world_bind(&world, g->p.v, g->p.n, NULL);
	struct native native;
	struct vm_code *code;
	struct skep_err err;

	if (vm_code_new(&code, &bind, VM_FAST, "case", &err) ||
	    native_make(&native, &world, tier, g->p.v, g->p.n, &err))
		fail_msg("%s", skep_err_text(&err));
	memset(out, 0, sizeof(out));
	fill_memory();
	vm_run_fast(code, &world.run, out[0]);
	memcpy(after[0], memory, ARENA);
	fill_memory();
	native_run(&native, 1, out[1]);
	memcpy(after[1], memory, ARENA);
	vm_code_free(code);
	jit_free(native.code);
	for (int i = 0; i < OUT_WORDS; i++)
		if (out[0][i] != out[1][i])
			return i;
	for (int i = 0; i < ARENA; i++)
		if (after[0][i] != after[1][i])
			return ARENA + i;
	return -1;
}

static void shrink(struct gen *g)
{
	for (u32 at = 0, n; at < g->p.n; at += n) {
		struct bpf_insn was[2] = { g->p.v[at], g->p.v[at + 1] };

		n = isa_slots(&g->p.v[at]);
		if (g->keep[at])
			continue;
		for (u32 i = 0; i < n; i++)
			g->p.v[at + i] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA };
		if (differs(g) < 0)
			memcpy(&g->p.v[at], was, n * sizeof(*was));
	}
}

static void same(struct gen *g, u64 seed)
{
	int i = differs(g);

	if (i < 0)
		return;
	shrink(g);
	show(&g->p);
	i = differs(g);
	if (i >= ARENA)
		fail_msg("seed 0x%" PRIx64 ": byte %d of memory", seed, i - ARENA);
	fail_msg("seed 0x%" PRIx64 ": word %d: 0x%" PRIx64 " in the interpreter, 0x%" PRIx64
		 " native", seed, i, out[0][i], out[1][i]);
}

static void nested(void **unused UNUSED)
{
	const char *seed = getenv("JIT_SEED"), *runs = getenv("JIT_RUNS");
	u64 first = seed ? strtoull(seed, NULL, 0) : 1;
	u64 n = runs ? strtoull(runs, NULL, 0) : RUNS;

	for (u64 i = 0; i < n; i++) {
		struct gen g = { .state = (first + i) * 0x9e3779b97f4a7c15 | 1 };

		g.left = 4 + below(&g, 50);
		begin(&g);
		while (g.left && g.p.n < PROGRAM_MAX / 2)
			statements(&g, g.left);
		finish(&g);
		same(&g, first + i);
	}
}

static int begin_fast(void **state)
{
	tier = JIT_FAST;
	return 0;
}

static u8 *map_base;

static int begin_apart(void **state)
{
	tier = JIT_OPT;
	map_base = world.maps[0].mem.base;
	world.maps[0].mem.base = (u8 *)memory;
	native_apart = apart_available();
	apart_n = 0;
	return 0;
}

static int begin_opt(void **state)
{
	tier = JIT_OPT;
	return 0;
}

static int end_apart(void **state)
{
	world.maps[0].mem.base = map_base;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "nested (one pass)", nested, begin_fast, NULL, NULL },
		{ "nested (optimised)", nested, begin_opt, NULL, NULL },
		{ "nested (optimised, apart)", nested, begin_apart, end_apart, NULL },
	};
	int r;

	if (!jit_available()) {
		printf("1..0 # SKIP no native code for this processor\n");
		return 0;
	}
	if (getenv("JIT_TEST"))
		cmocka_set_test_filter(getenv("JIT_TEST"));
	world_init(&world);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	world_free(&world);
	return r;
}
