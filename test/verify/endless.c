/* SPDX-License-Identifier: BSD-2-Clause */
/* endless.c: what joined states do not accept, and paths do not come to: each takes a
 * million instructions. */
#include "joined.h"

// rejected 0155: by turns, for ever
SEC("xdp") NAKED int turns(void)
{
	asm volatile(TURNS("") :: TABLE, SECTION : "r0");
}
// rejected 0155: a loop of 2^24 trips in an iterator
SEC("xdp") NAKED int long_in_iterator(void)
{
	asm volatile(PATHS OVER(8, "r6 = 0; 9: r6 += 1; if r6 < 16777216 goto 9b;")
		     "r0 = 2; exit;" :: TABLE, ITER : "r0");
}
// rejected 0155: a way round beside may_goto
SEC("xdp") NAKED int beside_may_goto(void)
{
	asm volatile(PATHS "6: call 7; if r0 == 1 goto 6b;" MAY_GOTO("0001")
		     "goto 6b; r0 = 2; exit;" :: TABLE : "r0");
}
NOINLINE NAKED int tick_bad(void)
{
	asm volatile("r0 = 1; exit;" ::: "r0");
}
// rejected 0155: one that returns 1
SEC("xdp") NAKED int timer_bad(void)
{
	asm volatile(PATHS TIMER "r0 = 2; exit;" :: TABLE, [timers]"i"(&timers),
		     [tick]"i"(tick_bad) : "r0");
}
