/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fifth_joins.c: programs with more paths than can be followed: pointers whose offsets
 * are widened to all numbers; slices of one dynptr or another. */
#include "joined.h"
long store[4];

/* R6 at the head: of the round before, further down than all that the loop compares with. */
#define DOWN(times, step, most) "r8 = 0; r6 = r10; r6 += -8; r7 = 0;" \
	"6: *(u64 *)(r6 - 8) = r7; r8 += 8; r3 = 0; r3 -= r8; r3 *= " #times "; r3 += " #step ";" \
	"r6 = r10; r6 += r3; r6 += -8; if r8 < " #most " goto 6b; r0 = 0; exit;"

// rejected 0155: far below the stack, by twice the number
SEC("tc") NAKED int twice(void)
{
	asm volatile(PATHS DOWN(2, 0, 8000) :: TABLE : "r0");
}
// rejected 0155: by three times and more
SEC("tc") NAKED int thrice(void)
{
	asm volatile(PATHS DOWN(3, -24, 8000) :: TABLE : "r0");
}
// ok: on the stack
SEC("tc") NAKED int on_it(void)
{
	asm volatile(DOWN(2, 0, 80) ::: "r0");
}
/* The number is known when the pointer is made. */
// ok, kernel rejected: on the stack, behind many paths
SEC("tc") NAKED int on_it_behind(void)
{
	asm volatile(PATHS "r8 = 0; r7 = 0; 6: r3 = 0; r3 -= r8; r3 *= 2; r6 = r10; r6 += r3;"
		"*(u64 *)(r6 - 8) = r7; r8 += 8; if r8 < 80 goto 6b; r0 = 0; exit;"
		:: TABLE : "r0");
}

/* ---- slices --------------------------------------------------------------------------- */

#define MAKE(at) "r1 = %[store] ll; r2 = 32; r3 = 0; r4 = r10; r4 += -" #at "; call 197;"
#define SLICE(at) "r1 = r10; r1 += -" #at "; r2 = 0; r3 = 8; call 203; if r0 == 0 goto 9f;"
#define WRITE(at) "r1 = 0; *(u64 *)(r10 - " #at ") = r1;"
#define SLICES(first, second, then) MAKE(16) MAKE(32) "call 7; if r0 > 5 goto 6f;" \
	SLICE(first) "goto 7f; 6:" SLICE(second) "7: r6 = r0;" then \
	"r1 = 0; *(u64 *)(r6 + 0) = r1; 9: r0 = 0; exit;"
#define STORE [store]"i"(&store)

// rejected 0155: of one dynptr or another, which are written over
SEC("tc") NAKED int of_two(void)
{
	asm volatile(PATHS SLICES(16, 32, WRITE(16) WRITE(32)) :: TABLE, STORE : "r0");
}
// rejected 0120: where paths can be followed
SEC("tc") NAKED int followed(void)
{
	asm volatile(SLICES(16, 32, WRITE(16) WRITE(32)) :: STORE : "r0");
}
// rejected 0155: of one that is written over
SEC("tc") NAKED int of_one(void)
{
	asm volatile(PATHS SLICES(16, 16, WRITE(16)) :: TABLE, STORE : "r0");
}
// ok, kernel rejected: of one, and the other is written over
SEC("tc") NAKED int other_gone(void)
{
	asm volatile(PATHS SLICES(16, 16, WRITE(32)) :: TABLE, STORE : "r0");
}
