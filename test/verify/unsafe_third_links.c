/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_third_links.c: what a comparison of a sum tells of its addend, and the other
 * way round, in 32 and 64 bits.
 */
#define NAKED __attribute__((naked))
char bytes[64];
#define USE(reg, off) "r2 = %[b] ll; r2 += " reg "; r0 = *(u8 *)(r2 + " off "); 1: r0 = 0; exit;" \
	:: [b]"i"(bytes) : "r0"
/* r9 and r1: the length of the packet, 32 bits. */
#define LENGTH "r9 = *(u32 *)(r1 + 0); r1 = r9;"
/* ... 64 bits of which nothing is known */
#define RANDOM "call 7; r9 = r0; r9 <<= 3; r1 = r9;"

// ok: the sum of a small number
SEC("tc") NAKED int of_small(void)
{
	asm volatile(LENGTH "w9 += 1; if r1 > 39 goto 1f;" USE("r9", "0"));
}
// ok: a number is in the middle when the difference is small
SEC("tc") NAKED int in_the_middle(void)
{
	asm volatile(LENGTH "w9 -= 8; if r9 > 15 goto 1f;" USE("r1", "40"));
}
// rejected 0214: a byte behind what it may be
SEC("tc") NAKED int behind_the_middle(void)
{
	asm volatile(LENGTH "w9 -= 8; if r9 > 15 goto 1f;" USE("r1", "41"));
}
// rejected 0211: the sum is small by wrapping
SEC("tc") NAKED int wraps(void)
{
	asm volatile(LENGTH "w9 += 1; if r9 > 39 goto 1f;" USE("r1", "0"));
}
// rejected 0112: the sum is small, the addend has more bits
SEC("tc") NAKED int more_bits(void)
{
	asm volatile(RANDOM "w9 -= 8; if r9 > 15 goto 1f;" USE("r1", "0"));
}
// ok, kernel rejected: the sum of 32 bits of a small number of 64
SEC("tc") NAKED int of_small_64(void)
{
	asm volatile(RANDOM "w9 += 1; if r1 > 39 goto 1f;" USE("r9", "0"));
}
// ok: a difference of 64 bits
SEC("tc") NAKED int difference(void)
{
	asm volatile(LENGTH "r9 -= 1; if r1 > 39 goto 1f; if r1 == 0 goto 1f;" USE("r9", "0"));
}
// rejected 0212: of 0 it is negative
SEC("tc") NAKED int negative(void)
{
	asm volatile(LENGTH "r9 -= 1; if r1 > 39 goto 1f;" USE("r9", "0"));
}
// rejected 0211: the low half and a carry are no low half
SEC("tc") NAKED int carried(void)
{
	asm volatile(LENGTH "w9 -= 8; r9 += 9; if r1 > 7 goto 1f; r9 -= 8;" USE("r9", "0"));
}
// rejected 0211: what is kept on the stack in 32 bits is no 64
SEC("tc") NAKED int half_on_stack(void)
{
	asm volatile(RANDOM "*(u32 *)(r10 - 8) = r9; r3 = *(u32 *)(r10 - 8); w3 -= 8;"
		"if r3 > 15 goto 1f; r1 >>= 1;" USE("r1", "0"));
}
// ok: the copy of a sum of 32 bits, and a sum of 64 of that
SEC("tc") NAKED int copy_of_sum(void)
{
	asm volatile(LENGTH "w9 += 0; w3 = w9; r3 += 3; if r3 != 27 goto 1f;" USE("r9", "0"));
}
// ok: it is what is left of it
SEC("tc") NAKED int of_the_half(void)
{
	asm volatile(RANDOM "*(u32 *)(r10 - 8) = r9; r3 = *(u32 *)(r10 - 8); r4 = r3; w4 -= 8;"
		"if r4 > 15 goto 1f;" USE("r3", "40"));
}
// ok: a number that a move leaves as it is stays linked
SEC("tc") NAKED int kept_by_move(void)
{
	asm volatile(LENGTH "r9 &= 127; w3 = (s8)w9; if r3 > 39 goto 1f;" USE("r9", "0"));
}
// rejected 0214: one that it does not
SEC("tc") NAKED int changed_by_move(void)
{
	asm volatile(LENGTH "r9 &= 255; w3 = (s8)w9; w3 &= 63; if r3 > 39 goto 1f;" USE("r9", "0"));
}
// rejected 0120: what a number that is read no more excludes on one of two ways
SEC("tc") NAKED int dead_excludes(void)
{
	asm volatile("r8 = *(u32 *)(r1 + 0); r8 <<= 3; r3 = r8; r2 = r8; r4 = 1; r5 = 1; r4 = 2;"
		"r5 = 2; if r4 != 2 goto 1f; w2 += 255; if w2 & -16 goto 2f; 2: r4 = 3;"
		"if w3 s< 128 goto 1f; r1 = 0; r0 = *(u8 *)(r1 + 0); 1: r0 = 0; exit;" ::: "r0");
}
char _license[] SEC("license") = "GPL";
