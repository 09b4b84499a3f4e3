/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_prune.c: a state that looks covered and is not: what a later pass adds. */
#define NAKED __attribute__((naked))
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
	__type(value, __u64); } numbers SEC(".maps");
#define LOOKUP "r1 = 0; *(u32 *)(r10 - 4) = r1; r2 = r10; r2 += -4; r1 = %[map] ll;" \
	"call 1; if r0 == 0 goto 8f; r8 = r0; r7 = 0;"
/* One pass adds r7 to a pointer, another makes it large: only both are unsafe. */
#define PASS "call 7; r0 &= 1; if r0 != 0 goto 1f; call 7; r0 &= 1; if r0 != 0 goto 2f;" \
	"3: r1 = 1; r1 = 2; r1 = 3; r1 = 4; if r1 != 0 goto +0; goto 5b;" \
	"2: r7 = 100000; goto 3b;" \
	"1: r2 = r8; r2 += r7; r0 = *(u8 *)(r2 + 0); goto 5b;"

// rejected 0112: a pass of may_goto makes large what an earlier one added
SEC("tc") NAKED int large_after_may_goto(void)
{
	asm volatile(LOOKUP "5: .8byte 0x00000000000100e5; goto 6f; goto 8f; 6:" PASS
		"8: r0 = 0; exit;" :: [map]"i"(&numbers) : "r0");
}

static __attribute__((noinline)) NAKED int add_or_enlarge(void)
{
	asm volatile("r6 = r2; call 7; r0 &= 1; if r0 != 0 goto 1f;"
		"call 7; r0 &= 1; if r0 != 0 goto 2f;"
		"3: r1 = 1; r1 = 2; r1 = 3; r1 = 4; if r1 != 0 goto +0; r0 = 0; exit;"
		"2: r1 = 100000; *(u64 *)(r6 + 0) = r1; goto 3b;"
		"1: r1 = *(u64 *)(r6 + 0); r2 = *(u64 *)(r6 + 8); r2 += r1;"
		"r0 = *(u8 *)(r2 + 0); r0 = 0; exit;" ::: "r0");
}
// rejected 0112: a pass of bpf_loop makes large what an earlier one added
SEC("xdp") NAKED int large_after_loop(void)
{
	asm volatile(LOOKUP "*(u64 *)(r10 - 8) = r8; *(u64 *)(r10 - 16) = r7; r1 = 100;"
		"r2 = %[pass] ll; r3 = r10; r3 += -16; r4 = 0; call 181; 8: r0 = 2; exit;"
		:: [map]"i"(&numbers), [pass]"i"(add_or_enlarge) : "r0");
}
static __attribute__((noinline)) NAKED int one_more(void)
{
	asm volatile("r6 = r2; r1 = *(u64 *)(r6 + 16); r2 = *(u64 *)(r6 + 0); r2 += r1;"
		"r0 = *(u8 *)(r2 + 0); r1 += 1; *(u64 *)(r6 + 16) = r1; r0 = 0; exit;" ::: "r0");
}
/* Five passes begin with FIRST, or with OTHER, which FIRST comes to, too. */
#define PASSES(first, other) \
	"r1 = " first "; *(u64 *)(r10 - 8) = r1; call 7; if r0 == 0 goto 1f;" \
	"r1 = " other "; *(u64 *)(r10 - 8) = r1; goto 2f; 1: 2: r1 = 0; *(u32 *)(r10 - 12) = r1;" \
	"r2 = r10; r2 += -12; r1 = %[map] ll; call 1; if r0 == 0 goto 9f;" \
	"*(u64 *)(r10 - 24) = r0;" \
	"r3 = r10; r3 += -24; r2 = %[pass] ll; r1 = 5; r4 = 0; call 181; 9: r0 = 2; exit;"
// rejected 0202: a pass with more to come is like the last but two of another call
SEC("xdp") NAKED int passes_left(void)
{
	asm volatile(PASSES("4", "0") :: [map]"i"(&numbers), [pass]"i"(one_more) : "r0");
}
// ok: there are as many to come
SEC("xdp") NAKED int passes_enough(void)
{
	asm volatile(PASSES("3", "0") :: [map]"i"(&numbers), [pass]"i"(one_more) : "r0");
}
/* r6 is an offset behind a loop whose passes bring it r9, which a pass makes r6 and
 * another leaves as it is; r8 is what r9 was. */
#define BRINGS(bad) \
	LOOKUP "r7 = r8; r6 = 4; r9 = 4; r8 = r9; call 7; if r0 == 0 goto 1f; goto 2f;" \
	"1: r9 = " bad "; r8 = r9; 2:" IDLE \
	"5: .8byte 0x00000000000100e5; goto 6f; goto 7f; 6:" \
	"call 7; if r0 == 0 goto 3f; r9 = r6; goto 4f; 3: 4:" IDLE "r6 = r9; r9 = r8; goto 5b;" \
	"7: r7 += r6; r0 = *(u8 *)(r7 + 0); 8: r0 = 2; exit;"
#define IDLE "r1 = 1; r1 = 2; r1 = 3; r1 = 4; r1 = 5; if r1 != 0 goto +0; if r1 != 0 goto +0;" \
	"r1 = 6; if r1 != 0 goto +0;"
// rejected 0202: what a pass leaves as it is comes to where another's number mattered
SEC("xdp") NAKED int brings_large(void)
{
	asm volatile(BRINGS("1000") :: [map]"i"(&numbers) : "r0");
}
// ok: it is small, too
SEC("xdp") NAKED int brings_small(void)
{
	asm volatile(BRINGS("5") :: [map]"i"(&numbers) : "r0");
}
