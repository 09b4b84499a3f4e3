/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena_test.c: random programs that load, store and change memory of an arena, in pages
 * that are there and in pages that are not, give the same in the checked interpreter, the
 * fast one, both compilers and the kernel. ARENA_SEED and ARENA_RUNS choose other ones.
 */
#include "isa/isa.h"
#include "jit/jit.h"
#include "model/uapi.h"
#include "skep/skep.h"
#include "kernel_bpf.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <skep/insn.h>

enum { PAGE = 4096, PAGES = 8, LENGTH = 60, INSNS = 200, ENGINES = 4 };
enum { COUNTS, ARENA, MAPS };

static const struct skep_map_def maps[MAPS] = {
	[COUNTS] = { "counts", BPF_MAP_TYPE_ARRAY, 4, 64, 1, 0, NULL },
	[ARENA] = { "arena", UAPI_MAP_TYPE_ARENA, 0, 0, PAGES, BPF_F_MMAPABLE, NULL },
};
/* Pages that the process touches before the program runs: the others are not there. */
static const u8 there[] = { 0, 1, 3, 7 };

static u64 rng;

static u32 any(u32 below)
{
	rng = rng * 6364136223846793005u + 1442695040888963407u;
	return (u32)(rng >> 33) % below;
}

/* ---- programs ----------------------------------------------------------------------- */

static struct bpf_insn code[INSNS];
static u32 n;
static bool for_kernel;		/* nothing that its compilers lack */

static void put(u8 op, u32 dst, u32 src, s32 off, s32 imm)
{
	code[n++] = (struct bpf_insn){ op, dst & 15, src & 15, (s16)off, imm };
}

static u32 number(void) { return 1 + any(5); }
static u32 pointer(void) { return 6 + any(3); }

static void cast(u32 reg, s32 kind) { put(BPF_ALU64 | BPF_MOV | BPF_X, reg, reg, 1, kind); }

/* REG is an address in the arena's pages, or near them, a multiple of 8. */
static void place(u32 reg)
{
	static const s32 ends[] = { 0, PAGE, 2 * PAGE, 4 * PAGE, PAGES * PAGE };

	put(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_IDX_VALUE, 0, ARENA);
	put(0, 0, 0, 0, 0);
	put(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0,
	    any(2) ? (s32)any(PAGES * PAGE / 8) * 8 : ends[any(5)] - 16 + (s32)any(4) * 8);
	cast(reg, 1);
}

/* Most are near, as in structs. */
static s32 distance(u32 align)
{
	s32 off = any(8) ? (s32)any(64) - 32 : (s32)any(65535) - 32768;

	return off / (s32)align * (s32)align;
}

static void load(void)
{
	static const u8 ops[] = { BPF_MEM | BPF_B, BPF_MEM | BPF_H, BPF_MEM | BPF_W,
		BPF_MEM | BPF_DW, 0x80 | BPF_B, 0x80 | BPF_H, 0x80 | BPF_W };
	u32 to = number();

	put(BPF_LDX | ops[any(7)], to, pointer(), distance(1), 0);
	put(BPF_ALU64 | BPF_MUL | BPF_K, 9, 0, 0, 31);
	put(BPF_ALU64 | BPF_ADD | BPF_X, 9, to, 0, 0);
}

static void store(void)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	u8 size = sizes[any(4)];

	if (any(2))
		put(BPF_STX | BPF_MEM | size, pointer(), number(), distance(1), 0);
	else
		put(BPF_ST | BPF_MEM | size, pointer(), 0, distance(1), (s32)any(1 << 30));
}

static void atomic(void)
{
	static const s32 ops[] = { BPF_ADD, BPF_OR, BPF_AND, BPF_XOR, BPF_ADD | BPF_FETCH,
		BPF_OR | BPF_FETCH, BPF_AND | BPF_FETCH, BPF_XOR | BPF_FETCH, BPF_XCHG,
		BPF_CMPXCHG, BPF_CMPXCHG };
	u32 with = number(), op = any(11);

	/* those of bits that give a value no kernel for x86 has there */
	if (for_kernel && op > 4 && op < 8)
		op = 8;
	/* the kernel's half registers keep what they have where there is nothing */
	if (any(2))
		put(BPF_STX | BPF_ATOMIC | BPF_DW, pointer(), with, distance(8), ops[op]);
	else
		put(BPF_STX | BPF_ATOMIC | BPF_W, pointer(), with, distance(4), ops[any(4)]);
	put(BPF_ALU64 | BPF_XOR | BPF_X, 9, with, 0, 0);
	put(BPF_ALU64 | BPF_XOR | BPF_X, 9, 0, 0, 0);
}

static void move(void)
{
	u32 p = pointer(), v = number();

	switch (any(4)) {
	case 0:
		place(p);
		return;
	case 1:	/* on, by a number */
		put(BPF_ALU64 | BPF_AND | BPF_K, v, 0, 0, 0x1ff8);
		put(BPF_ALU64 | BPF_ADD | BPF_X, p, v, 0, 0);
		cast(p, 1 << 16);
		cast(p, 1);
		return;
	case 2:
		put(BPF_ALU64 | BPF_MOV | BPF_K, v, 0, 0, (s32)any(1u << 31));
		return;
	default:
		put(BPF_ALU64 | BPF_MOV | BPF_X, p, pointer(), 0, 0);
	}
}

static void step(void)
{
	switch (any(8)) {
	case 0: case 1: case 2: load(); return;
	case 3: case 4: store(); return;
	case 5: atomic(); return;
	case 6:	/* around the next one */
		put(BPF_JMP | BPF_JSGT | BPF_K, number(), 0, 1, (s32)any(1u << 31));
		put(BPF_LDX | BPF_MEM | BPF_DW, number(), pointer(), distance(8), 0);
		return;
	default: move();
	}
}

/* At the first run the program says where its arena is. */
static void program(void)
{
	n = 0;
	put(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_IDX_VALUE, 0, COUNTS);
	put(0, 0, 0, 0, 0);
	put(BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 8, 0);
	put(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 5, 0);
	put(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_IDX_VALUE, 0, ARENA);
	put(0, 0, 0, 0, 0);
	put(BPF_STX | BPF_MEM | BPF_DW, 1, 2, 8, 0);
	put(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	put(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (u32 r = 0; r <= 5; r++)
		put(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, (s32)any(1u << 31));
	put(BPF_ALU64 | BPF_MOV | BPF_K, 9, 0, 0, 0);
	for (u32 r = 6; r <= 8; r++)
		place(r);
	for (u32 i = 0; i < LENGTH && n < INSNS - 12; i++)
		step();
	put(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_IDX_VALUE, 0, COUNTS);
	put(0, 0, 0, 0, 0);
	put(BPF_STX | BPF_MEM | BPF_DW, 1, 9, 0, 0);
	put(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 2);
	put(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- runs ------------------------------------------------------------------------------ */

struct result {
	u64 sum;
	u8 pages[PAGES][PAGE];
	bool touched[PAGES];
};

static void run(struct skep_object *obj, u64 io[8])
{
	static const u8 packet[64];
	struct skep_run r = { .size = sizeof(r), .data = packet, .data_bytes = sizeof(packet) };
	struct skep_err err;
	u32 key = 0;

	if (skep_prog_run(skep_object_prog(obj, "p"), &r, &err))
		fail_msg("%s", skep_err_text(&err));
	assert_int_equal(skep_map_lookup(skep_object_map(obj, "counts"), &key, io), 0);
}

static struct skep_object *load_as(u32 engine)
{
	static const enum skep_jit jits[] = { SKEP_JIT_OFF, SKEP_JIT_OFF, SKEP_JIT_FAST,
					      SKEP_JIT_OPT };
	static const enum skep_tier tiers[] = { SKEP_TIER_CHECKED, SKEP_TIER_FAST,
						SKEP_TIER_JIT_FAST, SKEP_TIER_JIT_OPT };
	const struct skep_load_opts opts = { .size = sizeof(opts), .jit = jits[engine],
		.unverified = !engine, .cpus = 1 };
	struct skep_prog_engine e = { .size = sizeof(e) };
	struct skep_object *obj;
	struct skep_err err;

	if (skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "p", code, n, maps, MAPS, "GPL",
				   &err) || skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	assert_int_equal(skep_prog_engine(skep_object_prog(obj, "p"), &e), 0);
	assert_int_equal(e.tier, tiers[engine]);
	return obj;
}

/* What is in the pages that are there. */
static void fill(u8 *base)
{
	for (u32 i = 0; i < ARRAY_LEN(there); i++)
		for (u32 at = 0; at < PAGE; at++)
			base[there[i] * PAGE + at] = (u8)(at * 7 + i + at / 256);
}

static void run_as(u32 engine, struct result *out)
{
	struct skep_object *obj = load_as(engine);
	u64 io[8];
	u8 *base;

	run(obj, io);
	base = (u8 *)(uintptr_t)io[1];
	fill(base);
	run(obj, io);
	out->sum = io[0];
	for (u32 i = 0; i < PAGES; i++) {
		unsigned char is = 0;

		assert_int_equal(mincore(base + i * PAGE, 1, &is), 0);
		out->touched[i] = is & 1;
		if (is & 1)
			memcpy(out->pages[i], base + i * PAGE, PAGE);
	}
	skep_object_close(obj);
}

static u32 env(const char *name, u32 otherwise)
{
	return getenv(name) ? (u32)strtoul(getenv(name), NULL, 0) : otherwise;
}

static void same_everywhere(void **state)
{
	static struct result first, other;
	u32 runs = env("ARENA_RUNS", 400), engines = jit_available() ? ENGINES : 2, told = 0;

	if (jit_available() && !jit_optimises())
		engines = ENGINES - 1;
	rng = env("ARENA_SEED", 1);
	for (u32 i = 0; i < runs; i++) {
		program();
		memset(&first, 0, sizeof(first));
		run_as(0, &first);
		for (u32 p = 0; p < PAGES; p++)
			assert_int_equal(first.touched[p], p < 2 || p == 3 || p == 7);
		for (u32 e = 1; e < engines; e++) {
			memset(&other, 0, sizeof(other));
			run_as(e, &other);
			if (memcmp(&first, &other, sizeof(first)))
				fail_msg("program %u: engine %u differs: sum %llx, not %llx", i, e,
					 (unsigned long long)other.sum,
					 (unsigned long long)first.sum);
		}
		told += first.sum != 0;
	}
	assert_true(told > runs / 2);
}

/* ---- the kernel ----------------------------------------------------------------------- */

/* The program with descriptors; -errno. */
static int load_kernel(const int fds[MAPS])
{
	static char log[1 << 16];
	struct bpf_insn insns[INSNS];
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_XDP, .insns = (uintptr_t)insns,
		.insn_cnt = n, .license = (uintptr_t)"GPL", .log_level = 1,
		.log_size = sizeof(log), .log_buf = (uintptr_t)log };
	int fd;

	memcpy(insns, code, n * sizeof(*code));
	for (u32 i = 0; i < n; i++)
		if (insns[i].code == (BPF_LD | BPF_DW | BPF_IMM)) {
			insns[i].src_reg = BPF_PSEUDO_MAP_VALUE;
			insns[i].imm = fds[insns[i].imm];
		}
	fd = sys_bpf(BPF_PROG_LOAD, &a);
	if (fd < 0)
		fail_msg("the kernel refuses a program: %s", log);
	return fd;
}

static void run_kernel(int prog, int counts, u64 io[8])
{
	static u8 packet[64];
	union bpf_attr t = { .test = { .prog_fd = (u32)prog, .data_in = (uintptr_t)packet,
				       .data_size_in = sizeof(packet) } };
	u32 key = 0;

	assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &t), 0);
	assert_int_equal(kmap_op(BPF_MAP_LOOKUP_ELEM, counts, &key, io, 0), 0);
}

static int make_map(const struct skep_map_def *d)
{
	struct map_attr a = { .type = d->type, .key_size = d->key_size,
		.value_size = d->value_size, .max_entries = d->max_entries,
		.map_flags = d->map_flags };

	return kmap_create(&a);
}

static void run_in_kernel(struct result *out)
{
	const int fds[MAPS] = { make_map(&maps[COUNTS]), make_map(&maps[ARENA]) };
	u8 *base = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[ARENA], 0);
	int prog;
	u64 io[8];

	assert_true(base != MAP_FAILED);
	prog = load_kernel(fds);
	run_kernel(prog, fds[COUNTS], io);
	assert_int_equal(io[1], (uintptr_t)base);
	fill(base);
	run_kernel(prog, fds[COUNTS], io);
	out->sum = io[0];
	for (u32 i = 0; i < ARRAY_LEN(there); i++) {
		memcpy(out->pages[there[i]], base + there[i] * PAGE, PAGE);
		out->touched[there[i]] = true;
	}
	close(prog);
	munmap(base, PAGES * PAGE);
	close(fds[COUNTS]);
	close(fds[ARENA]);
}

static void same_in_kernel(void **state)
{
	static struct result ours, theirs;
	u32 runs = env("ARENA_RUNS", 400) / 2;

	need_kernel();
	for_kernel = true;
	rng = env("ARENA_SEED", 1) + 1000;
	for (u32 i = 0; i < runs; i++) {
		program();
		memset(&ours, 0, sizeof(ours));
		memset(&theirs, 0, sizeof(theirs));
		run_as(1, &ours);
		run_in_kernel(&theirs);
		if (memcmp(&ours, &theirs, sizeof(ours)))
			fail_msg("program %u: sum %llx, the kernel's is %llx", i,
				 (unsigned long long)ours.sum, (unsigned long long)theirs.sum);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(same_everywhere),
					    cmocka_unit_test(same_in_kernel) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
