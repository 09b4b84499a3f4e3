/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_endless.c: loops around what ends by itself: calls with a body, iterators,
 * budgets of may_goto. Each of their runs ends; that there is another is up to a number
 * that a later pass of the next run brings back to what it was. (The kernel takes a
 * pass of one run for one of another.)
 */
#define NAKED __attribute__((naked))
#define NOINLINE __attribute__((noinline))
#define K __attribute__((section(".ksyms")))
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;

/* 10 becomes 20; 30 does in two passes. */
#define TURN(at) "r1 = *(u64 *)(" at " + 0); r3 = 20; if r1 == 10 goto 1f;" \
	"if r1 == 40 goto 1f; if r1 != 30 goto 2f; r3 = 40; 1: *(u64 *)(" at " + 0) = r3; 2:"
/* Where 20 comes out all begins again with 30; or ends after three times. */
#define AROUND(run, again) "r6 = 0; r1 = 10; *(u64 *)(r10 - 8) = r1; 1: " run \
	"r1 = *(u64 *)(r10 - 8); if r1 != 20 goto 2f; r1 = 30; *(u64 *)(r10 - 8) = r1;" \
	again " goto 1b; 2: r0 = 0; exit;"
#define AGAIN ""
#define THRICE "r6 += 1; if r6 == 3 goto 2f;"
#define TWO_PASSES "r2 = %[f] ll; r1 = 2; r3 = r10; r3 += -8; r4 = 0; call 181;"

static NOINLINE NAKED int turn(void)
{
	asm volatile(TURN("r2") "r0 = 0; exit;" ::: "r0");
}
// rejected 0154, kernel ok: around bpf_loop
SEC("tc") NAKED int loops(void)
{
	asm volatile(AROUND(TWO_PASSES, AGAIN) :: [f]"i"(turn) : "r0");
}
// ok: three times
SEC("tc") NAKED int three_loops(void)
{
	asm volatile(AROUND(TWO_PASSES, THRICE) :: [f]"i"(turn) : "r0");
}
static NOINLINE NAKED int turn_by_budget(void)
{
	asm volatile("r4 = r1; 9: .8byte 0x00000000000800e5;" TURN("r4")
		"goto 9b; r0 = 0; exit;" ::: "r0");
}
// rejected 0156, kernel ok: around a function with may_goto
SEC("tc") NAKED int budgets(void)
{
	asm volatile(AROUND("r1 = r10; r1 += -8; call %[f];", AGAIN)
		:: [f]"i"(turn_by_budget) : "r0");
}
// ok: three times
SEC("tc") NAKED int three_budgets(void)
{
	asm volatile(AROUND("r1 = r10; r1 += -8; call %[f];", THRICE)
		:: [f]"i"(turn_by_budget) : "r0");
}

/* Either stays at 10, or goes on to 20: complete states of one run lead to another. */
#define MEET "r3 = 1; r4 = 2; if r3 != 1 goto +0; if r4 != 2 goto +0; r3 = 1; r4 = 2;" \
	"r5 = 3; if r3 != 1 goto +0; if r4 != 2 goto +0; r3 = 1; r4 = 2;"
static NOINLINE NAKED int stay_or_turn(void)
{
	asm volatile("r6 = r2; r1 = *(u64 *)(r6 + 0); if r1 != 10 goto 1f; call 7;"
		"r0 &= 1; if r0 != 0 goto 2f; 1: r1 = 10; *(u64 *)(r6 + 0) = r1;" MEET
		"r0 = 0; exit; 2: r1 = 20; *(u64 *)(r6 + 0) = r1; r0 = 0; exit;" ::: "r0");
}
// rejected 0154, kernel ok: around bpf_loop, by a state that is complete
SEC("tc") NAKED int complete(void)
{
	asm volatile(AROUND(TWO_PASSES, AGAIN) :: [f]"i"(stay_or_turn) : "r0");
}
// ok: three times
SEC("tc") NAKED int three_complete(void)
{
	asm volatile(AROUND(TWO_PASSES, THRICE) :: [f]"i"(stay_or_turn) : "r0");
}
#define STAY_OR_TURN(v) asm volatile("if %[n] != 10 goto 1f; call 7; r0 &= 1;" \
	"if r0 != 0 goto 2f; 1: %[n] = 10;" MEET "goto 3f; 2: %[n] = 20; 3:" \
	: [n]"+r"(v) :: "r0", "r1", "r2", "r3", "r4", "r5")
static __attribute__((always_inline)) int iterate(int times)
{
	long n = 10;

	asm volatile("" : "+r"(n));
	for (int i = 0; i != times; i++) {
		struct iter_num it;

		bpf_iter_num_new(&it, 0, 2);
again:
		if (bpf_iter_num_next(&it)) {
			STAY_OR_TURN(n);
			asm goto("if %0 != 77 goto %l[again]" :: "r"(n) :: again);
		}
		bpf_iter_num_destroy(&it);
		if (n != 20)
			break;
		n = 30;
		asm volatile("" : "+r"(n));
		if (times < 0)
			i = 0;
	}
	return 0;
}
// rejected 0154, kernel ok: around an iterator
SEC("tc") int iterators(void *ctx) { return iterate(-1); }
// ok: three times
SEC("tc") int three_iterators(void *ctx) { return iterate(3); }
char _license[] SEC("license") = "GPL";
