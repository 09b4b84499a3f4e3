/* SPDX-License-Identifier: BSD-2-Clause */
/* unsafe_fourth_a_joins.c: programs with more paths than can be followed: what ways have
 * in common that differ in what they owe. */
#include "joined.h"

/* r0: a socket that was looked up, or NULL; r9 the context. */
#define SOCKET "r1 = 0; *(u64 *)(r10 - 8) = r1; *(u64 *)(r10 - 16) = r1; r1 = r9; r2 = r10;" \
	"r2 += -16; r3 = 12; r4 = -1; r5 = 0; call 84; r6 = r0; call 7;"
/* Gives back R0 where it is not NULL. */
#define GIVE_BACK "7: r1 = 1; if r0 == 0 goto 9f; r1 = r0; call 86; 9: r0 = 0; exit;"
#define FULL "if r6 == 0 goto 9f; r1 = r6; call 95;"

// rejected 0155: a socket, or what was made of it and may be NULL alone
SEC("tc") NAKED int made_of_it(void)
{
	asm volatile(PATHS SOCKET "if r0 > 5 goto 6f; r0 = r6; goto 7f; 6:" FULL GIVE_BACK
		:: TABLE : "r0");
}
// rejected 0155: the other way round
SEC("tc") NAKED int made_or_it(void)
{
	asm volatile(PATHS SOCKET "if r0 > 5 goto 6f;" FULL "goto 7f; 6: r0 = r6;" GIVE_BACK
		:: TABLE : "r0");
}
// rejected 0305: where paths can be followed
SEC("tc") NAKED int followed(void)
{
	asm volatile("r9 = r1;" SOCKET "if r0 > 5 goto 6f; r0 = r6; goto 7f; 6:" FULL GIVE_BACK
		::: "r0");
}
// ok, kernel rejected: the socket itself either way
SEC("tc") NAKED int itself(void)
{
	asm volatile(PATHS SOCKET "if r0 > 5 goto 6f; r0 = r6; goto 7f; 6:" FULL "r0 = r6;"
		GIVE_BACK :: TABLE : "r0");
}
