/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_third_paths.c: ways that were not followed, and counted as followed. */
#define NAKED __attribute__((naked))

/* A branch whose two sides are alike; behind it a state is stored. */
#define BRANCHES(n) ".rept " n "; r1 = 1; r2 = 2; r3 = 3; r4 = 4; call 7; goto +0; goto +0;" \
	"if r0 > 5 goto +0; .endr;"
// rejected 0156: what comes after the last branch that there is room for
SEC("tc") NAKED int behind_the_last(void)
{
	asm volatile(BRANCHES("8200") "r1 = 0; r0 = *(u64 *)(r1 + 0); r0 = 0; exit;" ::: "r0");
}
// ok: as many as there is room for
SEC("tc") NAKED int all_followed(void)
{
	asm volatile(BRANCHES("8190") "r0 = 0; exit;" ::: "r0");
}
char _license[] SEC("license") = "GPL";
