/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_atomic_test.c: native code of several threads on one word: no atomic operation
 * loses another's. Sums count, and each thread has a bit of its own, which it sets,
 * clears and turns.
 */
#include "isa/isa.h"
#include "jit/jit.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { THREADS = 4, TIMES = 150001, SLOTS = 40 };

struct prog { struct bpf_insn v[SLOTS]; u32 n; };

static enum jit_tier tier;
static u64 word[8] __attribute__((aligned(64)));
static pthread_barrier_t barrier;

static void add(struct prog *p, u8 code, u32 dst, u32 src, s32 off, s32 imm)
{
	assert_true(p->n < SLOTS);
	p->v[p->n++] = (struct bpf_insn){ code, (u8)(dst & 15), (u8)(src & 15), (s16)off, imm };
}

/* r6 the word, r7 what this thread adds or its bit, r8 how often. */
static void begin(struct prog *p)
{
	p->n = 0;
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, 7, 2, 0, 0);
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, 8, 0, 0, TIMES);
}

static void end(struct prog *p)
{
	add(p, BPF_ALU64 | BPF_ADD | BPF_K, 8, 0, 0, -1);
	add(p, BPF_JMP | BPF_JNE | BPF_K, 8, 0, 3 - (s32)p->n - 1, 0);
	add(p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	add(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* *(r6 + 8) OP= r7, or its complement. */
static void atomic(struct prog *p, u32 size, s32 op, bool complement)
{
	add(p, BPF_ALU64 | BPF_MOV | BPF_X, 3, 7, 0, 0);
	if (complement)
		add(p, BPF_ALU64 | BPF_XOR | BPF_K, 3, 0, 0, -1);
	add(p, (u8)(BPF_STX | BPF_ATOMIC | size), 6, 3, 8, op);
}

struct job { helper_fn fn; u64 value; };

static void *work(void *arg)
{
	const struct job *j = arg;

	pthread_barrier_wait(&barrier);
	j->fn((uintptr_t)word, j->value, 0, 0, 0, NULL);
	return NULL;
}

/* All threads run P, with BIT each a bit of its own; what the word is then. */
static u64 together(const struct prog *p, bool bit)
{
	const struct jit_bind bind = { .insns = p->v, .nr_insns = p->n };
	struct job jobs[THREADS];
	pthread_t threads[THREADS];
	struct jit_code *code;
	struct skep_err err;

	if (jit_compile(&code, &bind, tier, "case", &err))
		fail_msg("%s", skep_err_text(&err));
	memset(word, 0, sizeof(word));
	for (u32 i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ jit_func(code), bit ? 1ull << 8 * i : 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
	}
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	jit_free(code);
	assert_int_equal(word[0] | word[2], 0);
	return word[1];
}

static void sums(void **unused UNUSED)
{
	for (u32 how = 0; how < 4; how++) {
		struct prog p;

		begin(&p);
		atomic(&p, how & 1 ? BPF_W : BPF_DW, BPF_ADD | (how & 2 ? BPF_FETCH : 0), false);
		end(&p);
		assert_int_equal(together(&p, false), THREADS * TIMES);
	}
}

/* An odd number of turns leaves the bit set. */
static void turns(void **unused UNUSED)
{
	for (u32 how = 0; how < 4; how++) {
		struct prog p;

		begin(&p);
		atomic(&p, how & 1 ? BPF_W : BPF_DW, BPF_XOR | (how & 2 ? BPF_FETCH : 0), false);
		end(&p);
		assert_int_equal(together(&p, true), 0x01010101);
	}
}

/* Set, cleared, set: what others do to their bits must not undo it. */
static void bits(void **unused UNUSED)
{
	for (u32 how = 0; how < 4; how++) {
		u32 size = how & 1 ? BPF_W : BPF_DW, fetch = how & 2 ? BPF_FETCH : 0;
		struct prog p;

		begin(&p);
		atomic(&p, size, (s32)(BPF_OR | fetch), false);
		atomic(&p, size, (s32)(BPF_AND | fetch), true);
		atomic(&p, size, (s32)(BPF_OR | fetch), false);
		end(&p);
		assert_int_equal(together(&p, true), 0x01010101);
	}
}

static void compared(void **unused UNUSED)
{
	for (u32 how = 0; how < 2; how++) {
		u8 size = how ? BPF_W : BPF_DW;
		struct prog p;

		begin(&p);
		add(&p, BPF_LDX | BPF_MEM | size, 0, 6, 8, 0);
		add(&p, BPF_ALU64 | BPF_MOV | BPF_X, 4, 0, 0, 0);
		add(&p, BPF_ALU64 | BPF_MOV | BPF_X, 3, 0, 0, 0);
		add(&p, BPF_ALU64 | BPF_ADD | BPF_X, 3, 7, 0, 0);
		add(&p, BPF_STX | BPF_ATOMIC | size, 6, 3, 8, BPF_CMPXCHG);
		add(&p, BPF_JMP | BPF_JNE | BPF_X, 0, 4, -6, 0);
		end(&p);
		assert_int_equal(together(&p, false), THREADS * TIMES);
	}
}

/* Whoever exchanges 1 for 0 has the word to itself, and counts beside it. */
static void exchanged(void **unused UNUSED)
{
	for (u32 how = 0; how < 2; how++) {
		u8 size = how ? BPF_W : BPF_DW;
		struct prog p;

		begin(&p);
		add(&p, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 1);
		add(&p, BPF_STX | BPF_ATOMIC | size, 6, 3, 24, BPF_XCHG);
		add(&p, BPF_JMP | BPF_JNE | BPF_K, 3, 0, -3, 0);
		add(&p, BPF_LDX | BPF_MEM | size, 4, 6, 8, 0);
		add(&p, BPF_ALU64 | BPF_ADD | BPF_X, 4, 7, 0, 0);
		add(&p, BPF_STX | BPF_MEM | size, 6, 4, 8, 0);
		add(&p, BPF_STX | BPF_ATOMIC | size, 6, 3, 24, 0x110);	/* store_release */
		end(&p);
		assert_int_equal(together(&p, false), THREADS * TIMES);
	}
}

static int begin_fast(void **state UNUSED) { tier = JIT_FAST; return 0; }
static int begin_opt(void **state UNUSED) { tier = JIT_OPT; return 0; }

#define BOTH(test) \
	{ #test " (one pass)", test, begin_fast, NULL, NULL }, \
	{ #test " (optimised)", test, begin_opt, NULL, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(sums), BOTH(turns), BOTH(bits), BOTH(compared), BOTH(exchanged),
	};

	if (!jit_available()) {
		printf("1..0 # SKIP no native code for this processor\n");
		return 0;
	}
	if (getenv("JIT_TEST"))
		cmocka_set_test_filter(getenv("JIT_TEST"));
	pthread_barrier_init(&barrier, NULL, THREADS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
