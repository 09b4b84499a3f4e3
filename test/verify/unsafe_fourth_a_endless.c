/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_fourth_a_endless.c: loops that go on when the budget of may_goto is used up: what
 * another function used of its own counts for nothing, nor does what was used on another
 * way.
 */
#define NAKED __attribute__((naked))
#define NOINLINE __attribute__((noinline))
#define K __attribute__((section(".ksyms")))
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;
#define MAY_GOTO(n) ".8byte 0x00000000000" n "00e5;"
/* States are stored here. */
#define MEET "r3 = 1; r4 = 2; if r3 != 1 goto +0; if r4 != 2 goto +0; r3 = 1; r4 = 2;" \
	"r5 = 3; if r3 != 1 goto +0; if r4 != 2 goto +0; r3 = 1; r4 = 2;"

static NOINLINE NAKED int falls_through(void)
{
	asm volatile("r0 = 0;" MAY_GOTO("1") "r0 = 1; exit;" ::: "r0");
}
// rejected 0156, kernel ok: the budget of a function that is called again and again
SEC("tc") NAKED int of_another(void)
{
	asm volatile("1: call %[f]; if r0 == 0 goto 9f;" MAY_GOTO("1") "goto 1b; goto 1b;"
		"9: r0 = 0; exit;" :: [f]"i"(falls_through) : "r0");
}
// ok: that ends with one's own
SEC("tc") NAKED int of_ones_own(void)
{
	asm volatile("1: call %[f]; if r0 == 0 goto 9f;" MAY_GOTO("1") "goto 1b;"
		"9: r0 = 0; exit;" :: [f]"i"(falls_through) : "r0");
}
/* 2 leads to itself by 3 when nothing is left, which 1 uses, too. */
#define TWO_WAYS(turn, last) "r6 = 0; 1:" MAY_GOTO("1") "goto 2f; goto 9f;" \
	"2: if r6 == 7 goto 9f; call 7; if r0 > 5 goto 3f; goto 1b;" \
	"3: r6 |= 1;" turn MAY_GOTO("1") "goto 2b;" last "9: r0 = 0; exit;"
// rejected 0154, kernel ok: used on the other way
SEC("tc") NAKED int other_way(void)
{
	asm volatile(TWO_WAYS(MEET, "goto 2b;") ::: "r0");
}
// ok: what leads out when nothing is left
SEC("tc") NAKED int out(void)
{
	asm volatile(TWO_WAYS(MEET, "") ::: "r0");
}
static __attribute__((always_inline)) int iterate(int out)
{
	long phase = 0, seen;

one:
	asm goto("may_goto %l[nine]" :::: nine);
two:
	asm goto("if %0 == 7 goto %l[nine]" :: "r"(phase) :: nine);
	if (bpf_get_prandom_u32() <= 5)
		goto one;
	phase |= 1;
	asm volatile("%0 = 0" : "=r"(seen), "+r"(phase));
	{
		struct iter_num it;

		bpf_iter_num_new(&it, 0, 3);
five:
		if (bpf_iter_num_next(&it)) {
			asm volatile("%0 = 1;" MEET : "=r"(seen) :: "r3", "r4", "r5");
			asm goto("goto %l[five]" :::: five);
		}
		bpf_iter_num_destroy(&it);
	}
	asm goto("may_goto %l[four]" :::: four);
	asm goto("goto %l[two]" :::: two);
four:
	if (!out)
		asm goto("if %0 == 1 goto %l[two]" :: "r"(seen) :: two);
nine:
	return 0;
}
// rejected 0154: with an iterator in it, whose passes are complete
SEC("tc") int around_iterator(void *ctx) { return iterate(0); }
// ok: that leads out
SEC("tc") int out_of_iterator(void *ctx) { return iterate(1); }
char _license[] SEC("license") = "GPL";
