/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_stop_test.c: what native code asks the engine for while it runs: budgets,
 * calls that stop a program, places that no run comes to, loads that may fault, and
 * stacks that begin as 0. What it is bound to stands here, so that what it says can
 * be compared word by word.
 */
#include "base/os.h"
#include "isa/isa.h"
#include "jit_apart.h"
#include "model/rewrite.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SLOTS = 9000, BASE = 4096 };	/* what site() gives is BASE + slot */
enum { BODY_LOOKUP = BPF_FUNC_map_lookup_elem, BODY_PLAIN = 101, BODY_STOPS, BODY_FRAMES,
       BODY_COSTS };	/* the last never stops */

static enum jit_tier tier;
static bool apart;		/* no address is in the code */
static struct { u64 table[APART_MAX]; struct run run; } of_run;
static struct run *const run = &of_run.run;

struct prog { struct bpf_insn v[SLOTS]; u32 n; bool sites, counts, ends, clear_stack, frames; };
static struct prog prog;

static void add(u8 code, u32 dst, u32 src, s32 off, s32 imm)
{
	assert_true(prog.n < SLOTS);
	prog.v[prog.n++] = (struct bpf_insn){ code, (u8)(dst & 15), (u8)(src & 15), (s16)off,
					      imm };
}

static void mov(u32 dst, s32 imm) { add(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm); }
static void end(void) { add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

static void mov64(u32 dst, u64 v)
{
	add(BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (s32)v);
	add(0, 0, 0, 0, (s32)(v >> 32));
}

static void begin(void)
{
	memset(run, 0, sizeof(*run));
	run->left = 1 << 20;
	prog.n = 0;
	prog.sites = true;
	prog.counts = prog.ends = prog.clear_stack = prog.frames = false;
}

/* ---- what it is bound to ---------------------------------------------------- */

static u64 site(void *arg UNUSED, u32 at, bool calls)
{
	const struct bpf_insn *in = &prog.v[at];

	return calls && in->code == (BPF_JMP | BPF_CALL) && !in->src_reg &&
	       in->imm != BODY_STOPS ? 0 : BASE + at;
}

/* Leaves other numbers where C passes arguments (AArch64 has eight), and gives one. */
static u64 junk(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6, u64 r7, u64 r8)
{
	return r1 + r2 + r3 + r4 + r5 + r6 + r7 + r8;
}
static u64 (*volatile scribble)(u64, u64, u64, u64, u64, u64, u64, u64) = junk;

static u64 body_plain(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *r)
{
	assert_ptr_equal(r, run);
	return scribble(r1, r2, r3, r4, r5, 0, 0, 0);
}

static u64 body_stops(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *r)
{
	r->stop = r1 == 1;
	return scribble(r1, r2, r3, r4, r5, 0, 0, 0);
}

/* How many frames there are; R1 lies in the innermost, and all words up from there are R2
 * or 0. */
static u64 body_frames(u64 r1, u64 r2, u64 r3 UNUSED, u64 r4 UNUSED, u64 r5 UNUSED,
		       struct run *r)
{
	const struct run_frame *f = r->frames;
	u64 n = 0, low = f->low, end = (u64)(f + 1) + RUN_STACK_BYTES;

	assert_true(low <= r1 && r1 < end && end - low <= RUN_STACK_BYTES);
	for (u64 at = low; at < end; at += 8)
		assert_true(*(u64 *)at == 0 || *(u64 *)at == r2);
	assert_true(*(u64 *)r1 == r2);
	for (; f; f = f->outer) {
		assert_true(!f->outer || f->outer > f);
		n++;
	}
	return n;
}

/* A map of 8 values for each of 2 cpus, or one for both. */
static u64 values[2][8];
static u32 cpus_apart, lookups;

static u64 body_lookup(u64 map, u64 key, u64 r3 UNUSED, u64 r4 UNUSED, u64 r5 UNUSED,
		       struct run *r)
{
	u32 i = *(u32 *)(uintptr_t)key;

	assert_int_equal(map, BASE);
	lookups++;
	return i < 8 ? (uintptr_t)&values[cpus_apart ? r->cpu : 0][i] : 0;
}

static bool lookup(void *arg UNUSED, u32 at UNUSED, u64 map, struct map_inline *out)
{
	assert_int_equal(map, BASE);
	*out = (struct map_inline){ .base = (u8 *)values, .nr = 8, .stride = 8,
				    .cpu_step = cpus_apart ? sizeof(values[0]) : 0 };
	return true;
}

static u64 address(void *arg UNUSED, u32 at UNUSED) { return BASE; }

static helper_fn body(void *arg UNUSED, u32 at)
{
	if (prog.v[at].imm == BODY_LOOKUP)
		return body_lookup;
	return prog.v[at].imm == BODY_STOPS ? body_stops :
	       prog.v[at].imm == BODY_FRAMES ? body_frames : body_plain;
}

#define PROBE(name, ctype) \
	static u64 name(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, struct run *r) \
	{ \
		ctype v = 0; \
\
		assert_ptr_equal(r, run); \
		scribble(r2, r3, r4, r5, r1, 7, 8, 9); \
		if (r1 >= BASE) \
			memcpy(&v, (const void *)(uintptr_t)r1, sizeof(v)); \
		return (u64)(s64)v; \
	}

PROBE(probe8, u8)
PROBE(probe16, u16)
PROBE(probe32, u32)
PROBE(probe64, u64)
PROBE(probes8, s8)
PROBE(probes16, s16)
PROBE(probes32, s32)

static helper_fn probe(u32 bytes, bool sign)
{
	switch (bytes) {
	case 1: return sign ? probes8 : probe8;
	case 2: return sign ? probes16 : probe16;
	case 4: return sign ? probes32 : probe32;
	default: return probe64;
	}
}

static u32 cost(void *arg UNUSED, u32 at)
{
	return prog.v[at].imm == BODY_PLAIN ? 0 : 10;
}

static u32 code_bytes;		/* of the last program */

static u64 execute(u64 r1)
{
	const struct jit_bind bind = {
		.insns = prog.v, .nr_insns = prog.n, .body = body, .probe = probe,
		.site = prog.sites ? site : NULL, .counts = prog.counts, .ends = prog.ends,
		.cost = cost, .lookup = lookup, .address = address,
		.clear_stack = prog.clear_stack ? ~0ull : 0, .frames = prog.frames,
	};
	struct jit_code *code;
	struct skep_err err;
	u64 ret;

	apart_run = (u64 *)run;
	apart_n = 0;
	if (apart ? apart_make(&code, &bind, tier, &err) :
	    jit_compile(&code, &bind, tier, "case", &err))
		fail_msg("%s", skep_err_text(&err));
	jit_bytes(code, &code_bytes);
	ret = jit_func(code)(r1, 0, 0, 0, 0, run);
	jit_free(code);
	return ret;
}

/* ---- budgets ------------------------------------------------------------------- */

static void endless(u32 slots)
{
	u32 first;

	begin();
	prog.counts = true;
	mov(0, 0);
	first = prog.n;
	for (u32 i = 1; i < slots; i++)
		add(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1);
	add(BPF_JMP32 | BPF_JA, 0, 0, 0, (s32)first - (s32)prog.n - 1);
	end();
}

static void budget(void **unused UNUSED)
{
	static const u32 sizes[] = { 1, 2, 3, 100, 4096, 5000, 8192, 8900 };

	for (u32 i = 0; i < ARRAY_LEN(sizes); i++) {
		endless(sizes[i]);
		run->left = 10 * sizes[i];
		assert_int_equal(execute(0), 0);
		assert_true(run->stop);
		assert_int_equal((uintptr_t)run->at, BASE + sizes[i]);
		assert_int_equal(run->left, -(s64)sizes[i]);
	}
}

/* Enough is enough, to the instruction. */
static void enough(void **unused UNUSED)
{
	for (u32 left = 29; left <= 31; left++) {
		begin();
		prog.counts = true;
		run->left = left;
		mov(6, 11);
		mov(0, 5);
		add(BPF_ALU64 | BPF_ADD | BPF_K, 6, 0, 0, -1);
		add(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 2);
		add(BPF_JMP | BPF_JNE | BPF_K, 6, 0, -3, 1);
		end();
		/* the condition is paid for where it does not jump, too */
		assert_int_equal(execute(0), left < 30 ? 0 : 25);
		assert_int_equal(run->stop, left < 30);
		assert_int_equal(run->left, (s64)left - 30);
	}
}

/* A function that is stopped ends its callers, whatever they do then. */
static void callers(void **unused UNUSED)
{
	for (u32 left = 0; left < 6 * JIT_CALL_COST; left += 7) {
		u32 calls = left / JIT_CALL_COST;

		begin();
		prog.counts = true;
		run->left = left;
		mov(6, 1000);
		add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 2);	/* 1: f */
		add(BPF_ALU64 | BPF_ADD | BPF_X, 0, 6, 0, 0);
		end();
		mov(7, 100);						/* 4 */
		add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 2);	/* 5: g */
		add(BPF_ALU64 | BPF_ADD | BPF_X, 0, 7, 0, 0);
		end();
		mov(6, 7);						/* 8 */
		mov(7, 7);
		mov(0, 5);
		end();
		assert_int_equal(execute(0), calls >= 2 ? 1105 : 0);
		assert_int_equal(run->stop, calls < 2);
		if (calls < 2)
			assert_int_equal((uintptr_t)run->at, BASE + (calls ? 5 : 1));
		else
			assert_int_equal(run->left, left - 2 * JIT_CALL_COST);
	}
}

/* Where loops are known to end, may_goto and bodies are paid for, jumps back are not. */
/* may_goto and a call of body ID, which cost both, until nothing is left. */
static void ends_with(s32 id)
{
	for (u32 left = 40; left <= 60; left++) {
		u32 each = JIT_CALL_COST + 10, stopped = left % each >= JIT_CALL_COST ? 4 : 1;

		begin();
		prog.counts = prog.ends = true;
		run->left = left;
		mov(6, 0);
		add(BPF_JMP | 0xe0, 0, 0, 3, 0);	/* 1: may_goto */
		mov(1, 0);
		add(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0);
		add(BPF_JMP | BPF_CALL, 0, 0, 0, id);	/* 4 */
		add(BPF_JMP | BPF_JA, 0, 0, -5, 0);
		end();
		assert_int_equal(execute(0), 0);
		assert_true(run->stop);
		assert_int_equal((uintptr_t)run->at, BASE + stopped);
	}
}

static void ends(void **unused UNUSED)
{
	ends_with(BODY_STOPS);
	ends_with(BODY_COSTS);
}

/* ---- calls and traps ----------------------------------------------------------- */

static void call_stops(void **unused UNUSED)
{
	for (u32 r1 = 0; r1 < 2; r1++) {
		begin();
		add(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
		for (u32 r = 2; r <= 5; r++)
			mov(r, 0);
		add(BPF_JMP | BPF_CALL, 0, 0, 0, BODY_PLAIN);
		add(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
		for (u32 r = 2; r <= 5; r++)
			mov(r, (s32)r);
		add(BPF_JMP | BPF_CALL, 0, 0, 0, BODY_STOPS);
		add(BPF_ALU64 | BPF_ADD | BPF_X, 0, 6, 0, 0);
		end();
		assert_int_equal(execute(r1), r1 ? 0 : 2 + 3 + 4 + 5);
		assert_int_equal(run->stop, r1);
		assert_int_equal((uintptr_t)run->at, BASE + 11);
	}
}

static void trap(void **unused UNUSED)
{
	for (u32 r1 = 0; r1 < 2; r1++) {
		begin();
		mov(0, 3);
		add(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1, 0);
		add(REWRITE_TRAP, 0, 0, 0, 0);
		end();
		assert_int_equal(execute(r1), r1 ? 0 : 3);
		assert_int_equal(run->stop, r1);
		assert_int_equal((uintptr_t)run->at, r1 ? BASE + 2 : 0);
	}
}

/* ---- loads that may fault ---------------------------------------------------------- */

static const u64 somewhere[] = { 0x8877665544332211, 0xfedcba9876543210, 0x80c0e0f0f8fcfeff };

static u64 loaded(u32 bytes, bool sign, const u8 *at)
{
	u64 v = 0;
	u32 shift = 64 - 8 * bytes;

	memcpy(&v, at, bytes);
	v <<= shift;
	return sign ? (u64)((s64)v >> shift) : v >> shift;
}

/* rDST = what is at rSRC + off; the sum of all registers, each times another number. */
static void probe_pair(u32 size, bool sign, u32 dst, u32 src, bool there)
{
	static const u8 sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	u64 regs[10], want = 0;
	s32 off = (s32)(dst * 7 + src) % 9 - 4;
	const u8 *at = (const u8 *)somewhere + 8;

	begin();
	for (u32 r = 0; r < 10; r++) {
		regs[r] = 0x1234567890abcdefull * (r + 1);
		mov64(r, regs[r]);
	}
	regs[src] = there ? (uintptr_t)at - (u64)(s64)off : 8;
	mov64(src, regs[src]);
	add(BPF_LDX | sizes[size] | (sign ? REWRITE_PROBE_SX : REWRITE_PROBE), dst, src, off, 0);
	regs[dst] = there ? loaded(1u << size, sign, at) : 0;
	for (u32 r = 0; r < 10; r++) {
		if (r)
			add(BPF_ALU64 | BPF_ADD | BPF_X, 0, r, 0, 0);
		add(BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 3);
		want = (want + regs[r]) * 3;
	}
	end();
	if (execute(0) != want)
		fail_msg("r%u = *(%c%u *)(r%u %+d), %s", dst, sign ? 's' : 'u', 8u << size, src,
			 off, there ? "memory" : "none");
}

static void probes(void **unused UNUSED)
{
	for (u32 size = 0; size < 4; size++)
		for (u32 pair = 0; pair < 100; pair++)
			for (u32 how = 0; how < 4; how++)
				if (size < 3 || !(how & 1))
					probe_pair(size, how & 1, pair / 10, pair % 10, how & 2);
}

/* A distance that no sum takes at once. */
static void far_probe(void **unused UNUSED)
{
	for (s32 off = -32768; off <= 32767; off += 65535) {
		begin();
		mov64(1, (uintptr_t)somewhere - (u64)(s64)off);
		add(BPF_LDX | BPF_DW | REWRITE_PROBE, 1, 1, off, 0);
		add(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0);
		end();
		assert_true(execute(0) == somewhere[0]);
	}
}

/* ---- the stack -------------------------------------------------------------------------- */

/* Fills the stack of one function; the next one adds up what is there. */
static void stack(void **unused UNUSED)
{
	begin();
	prog.clear_stack = true;
	add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 2);
	add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 2 + 64);
	end();
	for (s32 at = 8; at <= 512; at += 8)			/* 3 */
		add(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -at, at);
	end();
	assert_int_equal(prog.n, 68);
	mov(0, 5);						/* 68 */
	for (s32 at = 8; at <= 512; at += 8) {
		add(BPF_LDX | BPF_MEM | BPF_DW, 1, 10, -at, 0);
		add(BPF_ALU64 | BPF_OR | BPF_X, 0, 1, 0, 0);
	}
	end();
	assert_int_equal(execute(0), 5);
}

/* Gives -AT from r10, where V lies, to who looks at frames. */
static void look(s32 at, s32 v)
{
	add(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -at, v);
	add(BPF_ALU64 | BPF_MOV | BPF_X, 1, 10, 0, 0);
	add(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -at);
	mov(2, v);
	add(BPF_JMP | BPF_CALL, 0, 0, 0, BODY_FRAMES);
}

/* Each function shows its frame while it runs, cleared as far as it is shown, and the
 * caller's is the innermost again when it has ended. */
static void frames(void **unused UNUSED)
{
	static const s32 ats[] = { 8, 16, 120, 136, 512 };

	for (u32 i = 0; i < ARRAY_LEN(ats); i++) {
		begin();
		prog.frames = true;
		look(ats[i], 1);
		add(BPF_ALU64 | BPF_MOV | BPF_X, 6, 0, 0, 0);
		add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 9);	/* 6: f */
		add(BPF_ALU64 | BPF_LSH | BPF_K, 6, 0, 0, 4);
		add(BPF_ALU64 | BPF_OR | BPF_X, 6, 0, 0, 0);
		look(8, 1);
		add(BPF_ALU64 | BPF_LSH | BPF_K, 6, 0, 0, 4);
		add(BPF_ALU64 | BPF_OR | BPF_X, 0, 6, 0, 0);
		end();
		assert_int_equal(prog.n, 17);
		prog.v[6].imm = (s32)prog.n - 7;
		add(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 1);	/* f calls g, no more */
		end();
		look(ats[i], 2);					/* g */
		end();
		assert_int_equal(execute(0), tier == JIT_FAST || !jit_optimises() ?
				 0x131 : 0x121);
	}
}

/* ---- lookups that are no call ------------------------------------------------------------ */

/* Adds 1 to value KEY of a map that a register holds through a loop of 5; WORK is done where
 * the map has no such value. */
static void count_in_loop(s32 key, u32 work)
{
	begin();
	lookups = 0;
	memset(values, 0, sizeof(values));
	run->cpu = 1;
	add(BPF_LD | BPF_DW | BPF_IMM, 6, BPF_PSEUDO_MAP_IDX, 0, 0);
	add(0, 0, 0, 0, 0);
	mov(7, 5);
	mov(8, 0);
	add(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, key);		/* 4 */
	add(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0);
	add(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0);
	add(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
	add(BPF_JMP | BPF_CALL, 0, 0, 0, BODY_LOOKUP);
	add(BPF_JMP | BPF_JNE | BPF_K, 0, 0, (s32)work + 1, 0);
	for (u32 i = 0; i < work; i++)
		add(BPF_ALU64 | BPF_ADD | BPF_X, 8, 7, 0, 0);
	add(BPF_JMP | BPF_JA, 0, 0, 3, 0);
	add(BPF_LDX | BPF_MEM | BPF_DW, 1, 0, 0, 0);
	add(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, 1);
	add(BPF_STX | BPF_MEM | BPF_DW, 0, 1, 0, 0);
	add(BPF_ALU64 | BPF_ADD | BPF_K, 7, 0, 0, -1);
	add(BPF_JMP | BPF_JNE | BPF_K, 7, 0, 4 - (s32)prog.n - 1, 0);
	add(BPF_ALU64 | BPF_MOV | BPF_X, 0, 8, 0, 0);
	end();
}

static void lookup_inlined(void **unused UNUSED)
{
	u32 bytes;

	for (cpus_apart = 0; cpus_apart < 2; cpus_apart++) {
		count_in_loop(3, 1);
		assert_int_equal(execute(0), 0);
		assert_int_equal(values[cpus_apart][3], 5);
		assert_int_equal(lookups, tier == JIT_OPT && jit_optimises() ? 0 : 5);
		bytes = code_bytes;
		count_in_loop(7, 40);
		assert_int_equal(execute(0), 0);
		assert_int_equal(values[cpus_apart][7], 5);
		if (tier == JIT_OPT && jit_optimises())	/* what is done without a value is gone */
			assert_int_equal(code_bytes, bytes);
		count_in_loop(8, 2);
		assert_int_equal(execute(0), 2 * (5 + 4 + 3 + 2 + 1));
	}
}

static int begin_with(enum jit_tier t, bool is_apart)
{
	tier = t;
	apart = is_apart && apart_available();
	return 0;
}

static int begin_fast(void **state UNUSED) { return begin_with(JIT_FAST, false); }
static int begin_opt(void **state UNUSED) { return begin_with(JIT_OPT, false); }
static int begin_fast_apart(void **state UNUSED) { return begin_with(JIT_FAST, true); }
static int begin_opt_apart(void **state UNUSED) { return begin_with(JIT_OPT, true); }

#define BOTH(test) \
	{ #test " (one pass)", test, begin_fast, NULL, NULL }, \
	{ #test " (optimised)", test, begin_opt, NULL, NULL }, \
	{ #test " (one pass, apart)", test, begin_fast_apart, NULL, NULL }, \
	{ #test " (optimised, apart)", test, begin_opt_apart, NULL, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(budget), BOTH(enough), BOTH(callers), BOTH(ends), BOTH(call_stops), BOTH(trap),
		BOTH(probes), BOTH(far_probe), BOTH(stack), BOTH(frames),
		BOTH(lookup_inlined),
	};

	if (!jit_available()) {
		printf("1..0 # SKIP no native code for this processor\n");
		return 0;
	}
	if (getenv("JIT_TEST"))
		cmocka_set_test_filter(getenv("JIT_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
