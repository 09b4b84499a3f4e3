/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_test.c: native code against the interpreter: every row of insn.def with
 * every pair of registers, all of which must be the same afterwards; memory by
 * every register, offset and width; random programs with branches; what the
 * machine code is found by. JIT_SEED and JIT_RUNS give other random programs
 * and more of them, JIT_AGAINST=checked compares with the checked interpreter,
 * JIT_TEST=pattern runs only the tests of that name ("*one pass*").
 */
#include "jit_prog.h"
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* Slots that begin() and add_results() add. */
enum { VALUES_SLOTS = 3 + 8 * 3 + 2 * 10 + 1, RESULTS_SLOTS = 4 + 10 + 1 + 2 * 10 + 2 * 8 + 1 };

enum { REGS = 10, RUNS = 4000, MEM_BYTES = 64, OUT_WORDS = REGS + 8 };

static struct world world;
static enum jit_tier tier;	/* under test */
static enum vm_mode against = VM_FAST;
static u64 result[OUT_WORDS];	/* where programs leave their registers */
static u64 out[2][OUT_WORDS];	/* what two engines left there */

/* ---- programs ----------------------------------------------------------------- */

/* Registers, and the 64 bytes under the frame pointer. */
static void add_values(struct prog *p, u64 *state)
{
	for (u32 i = 0; i < 8; i++) {
		add_imm(p, 0, operand(state));
		add(p, BPF_STX | BPF_MEM | BPF_DW, 10, 0, -8 * (s32)(i + 1), 0);
	}
	for (u32 r = 0; r < REGS; r++)
		add_imm(p, r, operand(state));
}

/* All of them to memory, whose address begin() kept. */
static void add_results(struct prog *p)
{
	for (u32 r = 0; r < REGS; r++)
		add(p, BPF_STX | BPF_MEM | BPF_DW, 10, r, -256 - 8 * (s32)r, 0);
	add(p, BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -248, 0);
	for (u32 r = 0; r < REGS; r++) {
		add(p, BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -256 - 8 * (s32)r, 0);
		add(p, BPF_STX | BPF_MEM | BPF_DW, 1, 0, 8 * (s32)r, 0);
	}
	for (u32 i = 0; i < 8; i++) {
		add(p, BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -8 * (s32)(i + 1), 0);
		add(p, BPF_STX | BPF_MEM | BPF_DW, 1, 0, 8 * (s32)(REGS + i), 0);
	}
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void begin(struct prog *p, u64 *state)
{
	p->n = 0;
	add_imm(p, 1, (u64)result);
	add(p, BPF_STX | BPF_MEM | BPF_DW, 10, 1, -248, 0);
	add_values(p, state);
}

static void interpret(struct vm_code *code)
{
	const struct vm_region region = { .start = (u64)result, .bytes = sizeof(result),
					  .writable = true, .name = "result" };
	u64 ret;

	if (against == VM_FAST) {
		vm_run_fast(code, &world.run, result);
		return;
	}
	vm_region_add(world.machine, &region);
	if (vm_run(world.machine, code, &world.run, 100000, &ret))
		fail_msg("%s", vm_fault(world.machine)->text);
	vm_region_del(world.machine, region.start);
}

/* Runs P in the interpreter and natively: the word of out that differs, or -1. */
static int differs(const struct prog *p)
{
	struct vm_bind bind = world_bind(&world, p->v, p->n, NULL);
	struct native native;
	struct vm_code *code;
	struct skep_err err;

	if (vm_code_new(&code, &bind, against, "case", &err) ||
	    native_make(&native, &world, tier, p->v, p->n, &err))
		fail_msg("%s", skep_err_text(&err));
	memset(result, 0, sizeof(result));
	interpret(code);
	memcpy(out[0], result, sizeof(result));
	memset(result, 0, sizeof(result));
	native_run(&native, 1, result);
	memcpy(out[1], result, sizeof(result));
	vm_code_free(code);
	jit_free(native.code);
	for (int i = 0; i < OUT_WORDS; i++)
		if (out[0][i] != out[1][i])
			return i;
	return -1;
}

/* Leaves out of P what is not needed for a difference. */
static void shrink(struct prog *p)
{
	for (u32 at = VALUES_SLOTS, n; at + RESULTS_SLOTS < p->n; at += n) {
		struct bpf_insn was[2] = { p->v[at], p->v[at + 1] };

		n = isa_slots(&p->v[at]);
		for (u32 i = 0; i < n; i++)
			p->v[at + i] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA };
		if (differs(p) < 0)
			memcpy(&p->v[at], was, n * sizeof(*was));
	}
}

/* Registers and memory must be equal in the end. */
static void same(struct prog *p)
{
	int i = differs(p);

	if (i < 0)
		return;
	shrink(p);
	show(p);
	i = differs(p);
	fail_msg("%s %d: 0x%" PRIx64 " in the interpreter, 0x%" PRIx64 " native",
		 i < REGS ? "register" : "word", i < REGS ? i : i - REGS, out[0][i], out[1][i]);
}

/* ---- every row, every pair of registers ---------------------------------------- */

static bool is_div(enum isa_op op)
{
	enum isa_kind k = isa_rows[op].kind;

	return k == KIND_ALU_DIV || k == KIND_ALU_SDIV || k == KIND_ALU_MOD || k == KIND_ALU_SMOD;
}

static void arithmetic_pair(enum isa_op op, u32 dst, u32 src, u64 *state)
{
	struct prog p;

	begin(&p, state);
	if (is_div(op) && next_random(state) % 2)
		add_imm(&p, src, next_random(state) % 2 ? 0 : (u64)-1);
	p.v[p.n++] = insn_of(op, dst, src, (s32)operand(state));
	add_results(&p);
	same(&p);
}

static void arithmetic(void **unused UNUSED)
{
	u64 state = 0x9e3779b97f4a7c15;

	for (enum isa_op op = 0; op < OP_MAX; op++)
		if (isa_rows[op].kind <= KIND_BSWAP && isa_rows[op].kind != KIND_AS_CAST)
			for (u32 pair = 0; pair < REGS * REGS; pair++)
				arithmetic_pair(op, pair / REGS, pair % REGS, &state);
}

/* A jump that sets r0 of the result to whether it was taken. */
static void condition_pair(enum isa_op op, u32 dst, u32 src, u64 *state)
{
	u32 mark = (dst + 1) % REGS;
	struct prog p;

	begin(&p, state);
	if (next_random(state) % 4 == 0)
		add(&p, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
	p.v[p.n] = insn_of(op, dst, src, (s32)operand(state));
	p.v[p.n++].off = 1;
	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, mark, 0, 0, 77);
	add_results(&p);
	same(&p);
}

static void conditions(void **unused UNUSED)
{
	u64 state = 0x2545f4914f6cdd1d;

	for (enum isa_op op = 0; op < OP_MAX; op++)
		if (isa_rows[op].kind >= KIND_JMP_JEQ && isa_rows[op].kind <= KIND_JMP_JSLE)
			for (u32 pair = 0; pair < REGS * REGS; pair++)
				condition_pair(op, pair / REGS, pair % REGS, &state);
}

static bool is_memory(enum isa_op op)
{
	enum isa_kind k = isa_rows[op].kind;

	return (k >= KIND_LDX && k <= KIND_ATOMIC_STREL) && k != KIND_LDDW;
}

static bool is_load(enum isa_op op)
{
	enum isa_kind k = isa_rows[op].kind;

	return k == KIND_LDX || k == KIND_LDXSX || k == KIND_ATOMIC_LDACQ;
}

/* The base register holds what was in memory afterwards. */
static bool overwrites(enum isa_op op, u32 dst, u32 src)
{
	switch ((enum isa_kind)isa_rows[op].kind) {
	case KIND_ATOMIC_FADD: case KIND_ATOMIC_FXOR: case KIND_ATOMIC_FOR:
	case KIND_ATOMIC_FAND: case KIND_ATOMIC_XCHG: return dst == src;
	case KIND_ATOMIC_CMPXCHG: return dst == 0;
	default: return is_load(op) && dst == src;
	}
}

/* Base register + off is in the 64 bytes, which is all that addresses show. */
static void memory_pair(enum isa_op op, u32 dst, u32 src, u64 *state)
{
	u32 base = is_load(op) ? src : dst, width = isa_rows[op].width / 8;
	s32 at = -64 + (s32)(next_random(state) % (64 / width) * width);
	s32 shift = next_random(state) % 2 ? 0 : (s32)(next_random(state) % 1000);
	struct prog p;

	begin(&p, state);
	add(&p, BPF_ALU64 | BPF_MOV | BPF_X, base, 10, 0, 0);
	add(&p, BPF_ALU64 | BPF_ADD | BPF_K, base, 0, 0, shift + (next_random(state) % 4 ? 0 : at));
	p.v[p.n] = insn_of(op, dst, src, (s32)operand(state));
	p.v[p.n].off = (s16)(at - p.v[p.n - 1].imm);
	p.n++;
	if (!overwrites(op, dst, src))
		add(&p, BPF_ALU64 | BPF_SUB | BPF_X, base, 10, 0, 0);
	if (!is_load(op) && dst == src) {	/* an address was stored */
		add(&p, BPF_ALU64 | BPF_MOV | BPF_K, base, 0, 0, 0);
		add(&p, BPF_STX | BPF_MEM | BPF_DW, 10, base, at & -8, 0);
	}
	add_results(&p);
	same(&p);
}

static void memory(void **unused UNUSED)
{
	u64 state = 0x853c49e6748fea9b;

	for (enum isa_op op = 0; op < OP_MAX; op++)
		for (u32 pair = 0; is_memory(op) && pair < REGS * REGS; pair++)
			memory_pair(op, pair / REGS, pair % REGS, &state);
}

/* ---- random programs --------------------------------------------------------------- */

static enum isa_op random_op(u64 *state)
{
	for (;;) {
		enum isa_op op = (enum isa_op)(next_random(state) % OP_MAX);

		if (isa_rows[op].kind <= KIND_JA && isa_rows[op].kind != KIND_AS_CAST)
			return op;
		if (is_memory(op))
			return op;
	}
}

static void random_insn(struct prog *p, u32 left, u64 *state)
{
	enum isa_op op = random_op(state);
	u32 dst = (u32)(next_random(state) % REGS), src = (u32)(next_random(state) % REGS);
	u32 width = isa_rows[op].width / 8;
	struct bpf_insn in = insn_of(op, dst, src, (s32)operand(state));

	if (is_memory(op)) {
		in.off = (s16)(-64 + (s32)(next_random(state) % (64 / width) * width));
		if (is_load(op))
			in.src_reg = 10;
		else
			in.dst_reg = 10;
	}
	if (isa_rows[op].kind >= KIND_JMP_JEQ && isa_rows[op].kind <= KIND_JA)
		in.off = (s16)(next_random(state) % (left < 12 ? left + 1 : 12));
	p->v[p->n++] = in;
}

/* Three times from slot FIRST on, counted on the stack. */
static void add_loop(struct prog *p, u32 first)
{
	add(p, BPF_LDX | BPF_MEM | BPF_DW, 9, 10, -72, 0);
	add(p, BPF_ALU64 | BPF_ADD | BPF_K, 9, 0, 0, 1);
	add(p, BPF_STX | BPF_MEM | BPF_DW, 10, 9, -72, 0);
	add(p, BPF_JMP | BPF_JLT | BPF_K, 9, 0, (s32)first - (s32)p->n - 1, 3);
}

static void random_programs(void **unused UNUSED)
{
	const char *seed = getenv("JIT_SEED"), *runs = getenv("JIT_RUNS");
	u64 state = seed ? strtoull(seed, NULL, 0) : 0x1234567;
	u64 n = runs ? strtoull(runs, NULL, 0) : RUNS;
	const char *longest = getenv("JIT_LEN");
	u64 max_len = longest ? strtoull(longest, NULL, 0) : 200;

	for (u64 i = 0; i < n; i++) {
		struct prog p;
		u32 first, len = 1 + (u32)(next_random(&state) % max_len);

		begin(&p, &state);
		add(&p, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -72, 0);
		first = p.n;
		while (len-- > 0)
			random_insn(&p, len, &state);
		add_loop(&p, first);
		add_results(&p);
		same(&p);
	}
}

/* ---- places, memory ------------------------------------------------------------------ */

static void places(void **unused UNUSED)
{
	struct native native;
	struct skep_err err;
	struct prog p = { .n = 0 };
	const struct jit_place *at;
	const u8 *mem;
	u32 bytes, n;

	add_imm(&p, 0, 7);
	add(&p, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 3);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	assert_int_equal(native_make(&native, &world, tier, p.v, p.n, &err), 0);
	mem = jit_bytes(native.code, &bytes);
	at = jit_places(native.code, &n);
	for (u32 i = 0; i < n; i++) {
		assert_in_range(at[i].off, i ? at[i - 1].off + 1 : 0, bytes - 1);
		assert_int_equal(jit_slot(native.code, (u64)mem + at[i].off), at[i].slot);
	}
	assert_int_equal(jit_slot(native.code, (u64)mem + bytes), -1);
	assert_int_equal(jit_slot(native.code, (u64)mem - 1), -1);
	assert_int_equal(native_run(&native, 1, NULL), 3);
	jit_free(native.code);
}

/* No memory is an error, and never writable and executable at once. */
static void no_memory(void **unused UNUSED)
{
	const struct rlimit none = { 0, RLIM_INFINITY };
	struct rlimit before;
	struct native native;
	struct skep_err err;
	struct prog p = { .n = 0 };
	int r;

	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 3);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	getrlimit(RLIMIT_AS, &before);
	setrlimit(RLIMIT_AS, &none);
	r = native_make(&native, &world, tier, p.v, p.n, &err);
	setrlimit(RLIMIT_AS, &before);
	if (!r)	/* sanitizers have room of their own */
		jit_free(native.code);
	else
		assert_int_equal(err.id, ERR_JIT_MEM);
}

static bool writable_code(const u8 *mem)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long from, to;
		char perms[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) == 3 &&
		    (u64)mem >= from && (u64)mem < to)
			found = perms[1] == 'w' || perms[2] != 'x';
	}
	if (f)
		fclose(f);
	return found;
}

static void sealed(void **unused UNUSED)
{
	struct native native;
	struct skep_err err;
	struct prog p = { .n = 0 };
	u32 bytes;

	add(&p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 3);
	add(&p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	assert_int_equal(native_make(&native, &world, tier, p.v, p.n, &err), 0);
	assert_false(writable_code(jit_bytes(native.code, &bytes)));
	jit_free(native.code);
}

/* 64,000 instructions, more than the first guess of memory holds: divisions. */
static void large(void **unused UNUSED)
{
	enum { N = 64000 };
	struct bpf_insn *v = mem_alloc((N + 3) * sizeof(*v));
	struct native native;
	struct skep_err err;

	v[0] = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1 };
	v[1] = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 1 };
	for (u32 i = 2; i < N + 2; i++)
		v[i] = i % 2 ? (struct bpf_insn){ BPF_ALU64 | BPF_DIV | BPF_X, 0, 3, 1, 0 } :
		       (struct bpf_insn){ BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 2 };
	v[N + 2] = (struct bpf_insn){ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 };
	assert_int_equal(native_make(&native, &world, tier, v, N + 3, &err), 0);
	assert_int_equal(native_run(&native, 1, NULL), 1 + N);
	jit_free(native.code);
	free(v);
}

/* Conditions that lead over megabytes of code, there and back. */
static void far_jumps(void **unused UNUSED)
{
	enum { N = 32000 };
	struct bpf_insn *v = mem_alloc((N + 8) * sizeof(*v));
	struct native native;
	struct skep_err err;
	u32 n = 0;

	v[n++] = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_X, 7, 1, 0, 0 };
	v[n++] = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, 6, 0, 0, 3 };
	v[n++] = (struct bpf_insn){ BPF_JMP | BPF_JNE | BPF_X, 6, 7, N, 0 };
	for (u32 i = 0; i < N; i++)
		v[n++] = (struct bpf_insn){ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call };
	v[n++] = (struct bpf_insn){ BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, 8 };
	v[n++] = (struct bpf_insn){ BPF_ALU64 | BPF_SUB | BPF_K, 6, 0, 0, 1 };
	v[n] = (struct bpf_insn){ BPF_JMP | BPF_JNE | BPF_K, 6, 0, (s16)(1 - (s32)n), 0 };
	n++;
	v[n++] = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_X, 0, 7, 0, 0 };
	v[n++] = (struct bpf_insn){ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 };
	assert_int_equal(native_make(&native, &world, tier, v, n, &err), 0);
	assert_int_equal(native_run(&native, 1, (void *)1000), 1024);
	jit_free(native.code);
	free(v);
}

static int begin_fast(void **state)
{
	tier = JIT_FAST;
	return 0;
}

static int begin_opt(void **state)
{
	tier = JIT_OPT;
	return 0;
}

#define BOTH(test) \
	{ #test " (one pass)", test, begin_fast, NULL, NULL }, \
	{ #test " (optimised)", test, begin_opt, NULL, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(arithmetic), BOTH(conditions), BOTH(memory), BOTH(random_programs),
		BOTH(places), BOTH(no_memory), BOTH(sealed), BOTH(large), BOTH(far_jumps),
	};
	const char *engine = getenv("JIT_AGAINST");
	int r;

	if (engine && !strcmp(engine, "checked"))
		against = VM_CHECKED;
	if (getenv("JIT_TEST"))
		cmocka_set_test_filter(getenv("JIT_TEST"));
	if (!jit_available()) {
		printf("1..0 # SKIP no native code for this processor\n");
		return 0;
	}
	world_init(&world);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	world_free(&world);
	return r;
}
