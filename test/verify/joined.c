/* SPDX-License-Identifier: BSD-2-Clause */
/* joined.c: programs with more paths than can be followed: what joined states find out of
 * functions must hold for what is looked at afterwards. */
#include "joined.h"
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __type(key, int);
	__type(value, int); } progs SEC(".maps");

// ok, kernel rejected: many paths
SEC("xdp") NAKED int many(void)
{
	asm volatile(PATHS "r0 = 2; exit;" :: TABLE : "r0");
}
__attribute__((noinline)) int by_number(int i)
{
	table[i] = 1;
	return 0;
}
// rejected 0113: a global function behind many paths
SEC("xdp") NAKED int calls_global(void)
{
	asm volatile(PATHS "r1 = 1; call by_number; r0 = 2; exit;" :: TABLE : "r0");
}
NOINLINE NAKED int tails(void)
{
	asm volatile("r2 = %[progs] ll; r3 = 0; call 12; r0 = 0; exit;" :: [progs]"i"(&progs)
		: "r0");
}
// rejected 0160: a tail call behind many paths
SEC("xdp") NAKED int calls_tail(void)
{
	asm volatile("r2 = 0; *(u64 *)(r10 - 304) = r2;" PATHS "r1 = r9; call %[f]; r0 = 2; exit;"
		:: TABLE, [f]"i"(tails) : "r0");
}
NOINLINE NAKED int deep(void)
{
	asm volatile("r1 = 0; *(u64 *)(r10 - 304) = r1; r0 = 0; exit;" ::: "r0");
}
// rejected 0158: a deep stack behind many paths
SEC("xdp") NAKED int calls_deep(void)
{
	asm volatile("r2 = 0; *(u64 *)(r10 - 304) = r2;" PATHS "call %[f]; r0 = 2; exit;"
		:: TABLE, [f]"i"(deep) : "r0");
}
// ok, kernel rejected: by turns, once
SEC("xdp") NAKED int one_turn(void)
{
	asm volatile(TURNS("r0 = 2; exit;") :: TABLE, SECTION : "r0");
}
// ok, kernel rejected: iterators in iterators behind many paths
SEC("xdp") NAKED int iterators(void)
{
	asm volatile(PATHS OVER(8, OVER(16, "")) "r0 = 2; exit;" :: TABLE, ITER : "r0");
}
// ok, kernel rejected: a loop of 256 trips in an iterator
SEC("xdp") NAKED int short_in_iterator(void)
{
	asm volatile(PATHS OVER(8, "r6 = 0; 9: r6 += 1; if r6 < 256 goto 9b;")
		     "r0 = 2; exit;" :: TABLE, ITER : "r0");
}
// ok, kernel rejected: may_goto behind many paths
SEC("xdp") NAKED int may_goto(void)
{
	asm volatile(PATHS "6:" MAY_GOTO("0002") "call 7; goto 6b; r0 = 2; exit;" :: TABLE : "r0");
}
NOINLINE NAKED int tick(void)
{
	asm volatile("r6 = 0; 9: r6 += 1; if r6 < 256 goto 9b; r0 = 0; exit;" ::: "r0");
}
// ok, kernel rejected: a timer's callback behind many paths
SEC("xdp") NAKED int timer(void)
{
	asm volatile(PATHS TIMER "r0 = 2; exit;" :: TABLE, [timers]"i"(&timers), [tick]"i"(tick)
		     : "r0");
}
// ok, kernel rejected: one that is set in a loop
SEC("xdp") NAKED int timer_in_loop(void)
{
	asm volatile(PATHS "r7 = 0; 6:" TIMER "r7 += 1; if r7 < 9 goto 6b; r0 = 2; exit;"
		     :: TABLE, [timers]"i"(&timers), [tick]"i"(tick) : "r0");
}
NOINLINE NAKED int first_byte(void)
{
	asm volatile("r0 = *(u32 *)(r1 + 0); r0 = 0; exit;" ::: "r0");
}
__attribute__((noinline)) NAKED int by_table(int i)
{
	asm volatile("r1 = %[table] ll; call %[f]; exit;" :: TABLE, [f]"i"(first_byte) : "r0");
}
// rejected 0127: the context behind many paths, a map value in another function
SEC("xdp") NAKED int two_kinds(void)
{
	asm volatile(PATHS "r1 = r9; call %[f]; r1 = 1; call by_table; r0 = 2; exit;"
		     :: TABLE, [f]"i"(first_byte) : "r0");
}
