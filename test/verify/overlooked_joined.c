/* SPDX-License-Identifier: BSD-2-Clause */
/* overlooked_joined.c: programs with more paths than can be followed, which other programs
 * here do not ask: found by breaking the verifier (test/break). */
#include "joined.h"
long store[4];

__attribute__((noinline)) int writes(__u32 *p)
{
	if (p)
		*p = 0x41414141;
	return p ? *p : 0;
}
__attribute__((noinline)) int reads(__u32 *p)
{
	return p ? *p : 0;
}
#define PACKET(then) PATHS "r1 = *(u32 *)(r9 + 76); r2 = *(u32 *)(r9 + 80); r3 = r1; r3 += 8;" \
	"if r3 > r2 goto 9f; call " then "; 9: r0 = 0; exit;"
/* Keeps both in the object. */
SEC("tc") int called(void *ctx)
{
	__u32 n = 1;

	return reads(&n) + writes(&n) > 1 ? 0 : 1;
}
// rejected 0208: a function that writes is given a packet that is only read
SEC("lwt_in") NAKED int writes_packet(void)
{
	asm volatile(PACKET("%[f]") :: TABLE, [f]"i"(writes) : "r0");
}
// ok, kernel rejected: one that reads
SEC("lwt_in") NAKED int reads_packet(void)
{
	asm volatile(PACKET("%[f]") :: TABLE, [f]"i"(reads) : "r0");
}

#define MAKE(at) "r1 = %[store] ll; r2 = 32; r3 = 0; r4 = r10; r4 += -" #at "; call 197;"
#define SLICE(at) "r1 = r10; r1 += -" #at "; r2 = 0; r3 = 8; call 203; if r0 == 0 goto 9f;"
#define WRITE(at) "r1 = 0; *(u64 *)(r10 - " #at ") = r1;"
#define PERHAPS(first, second) PATHS MAKE(16) "r6 = 0; call 7; if r0 > 5 goto 6f;" first \
	"goto 7f; 6:" second "7:" WRITE(16) \
	"if r6 == 0 goto 9f; r1 = 0; *(u64 *)(r6 + 0) = r1; 9: r0 = 0; exit;"
#define STORE [store]"i"(&store)

// rejected 0155, kernel none: a slice or NULL, which a joined state does not tell apart
SEC("tc") NAKED int perhaps_there(void)
{
	asm volatile(PATHS MAKE(16) "call 7; if r0 > 5 goto 6f;" SLICE(16) "goto 7f; 6: r0 = 0;"
		     "7: r6 = r0; if r6 == 0 goto 9f; r1 = 0; *(u64 *)(r6 + 0) = r1; 9: r0 = 0;"
		     "exit;"
		     :: TABLE, STORE : "r0");
}
// rejected 0155: a slice or NULL, of a dynptr that is written over
SEC("tc") NAKED int perhaps(void)
{
	asm volatile(PERHAPS(SLICE(16) "r6 = r0;", "") :: TABLE, STORE : "r0");
}
// rejected 0155: the other way round
SEC("tc") NAKED int or_perhaps(void)
{
	asm volatile(PERHAPS("", SLICE(16) "r6 = r0;") :: TABLE, STORE : "r0");
}

/* R6 counts by STEP in a loop and in the one around it. */
#define NESTED(step) PATHS "r6 = 0; r1 = 0x800000000 ll; 6: r6 += " #step "; r8 = 0;" \
	"7: r6 += " #step "; r8 += 1; if r8 < 2 goto 7b; if r6 < r1 goto 6b; r0 = 0; exit;"
// rejected 0155, kernel none: steps that are too long together
SEC("tc") NAKED int long_steps(void)
{
	asm volatile(NESTED(0x1fff0000) :: TABLE : "r0");
}
/* R6 counts, and never gets as far, as it is cut on its way over the stack. */
#define CUT(stored, loaded) PATHS "r6 = 0; r1 = 0x200000000 ll; 6: r6 += 0x1000000;" \
	"*(" stored " *)(r10 - 8) = r6; r6 = *(" loaded " *)(r10 - 8); if r6 < r1 goto 6b;" \
	"r0 = 0; exit;"
// rejected 0155: what was stored
SEC("tc") NAKED int cut(void)
{
	asm volatile(CUT("u32", "u32") :: TABLE : "r0");
}
// rejected 0155: what is loaded
SEC("tc") NAKED int cut_load(void)
{
	asm volatile(CUT("u64", "u32") :: TABLE : "r0");
}
// ok, kernel none: nothing
SEC("tc") NAKED int whole(void)
{
	asm volatile(CUT("u64", "u64") :: TABLE : "r0");
}
