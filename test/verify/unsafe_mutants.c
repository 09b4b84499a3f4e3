/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_mutants.c: what mutants showed on which this verifier and the kernel's do not
 * agree, made small; next to each that is safe one that is not.
 */
#define NAKED __attribute__((naked))
#define K __attribute__((section(".ksyms")))
struct iter_num { __u64 opaque[1]; };
extern int bpf_iter_num_new(struct iter_num *it, int a, int b) K;
extern int *bpf_iter_num_next(struct iter_num *it) K;
extern void bpf_iter_num_destroy(struct iter_num *it) K;
char bytes[64], cpus[4096];
const char constants[64] = "constants";
char _license[] SEC("license") = "GPL";

/* Not to be followed: r1 is a number that is none of an address. */
#define WRONG "r1 = 1; r0 = *(u64 *)(r1 + 0);"
#define RANDOM "call 7; r6 = r0; r6 <<= 32; r6 |= r0;"
#define END "1: r0 = 0; exit;" ::: "r0"

/* ---- loops that end, as these numbers get smaller ------------------------------ */

// ok, kernel rejected: a number that is divided again and again
SEC("kprobe") NAKED int quotients(void)
{
	asm volatile(RANDOM "2: r6 /= 1000; if r6 > 3 goto 2b;" END);
}
// rejected 0154: by 1
SEC("kprobe") NAKED int by_1(void)
{
	asm volatile(RANDOM "2: r6 /= 1; if r6 > 3 goto 2b;" END);
}
// ok, kernel rejected: a shift by 64 is one by 0
SEC("kprobe") NAKED int by_64(void)
{
	asm volatile("call 7; r6 = r0; 2: r6 >>= 32; if r6 == 0 goto 1f; r4 = 64;"
		     "r6 >>= r4; goto 2b;" END);
}
// rejected 0154: a shift by 64 goes on for ever
SEC("kprobe") NAKED int for_ever(void)
{
	asm volatile("call 7; r6 = r0; 2: r4 = 64; r6 >>= r4; if r6 != 0 goto 2b;" END);
}

/* ---- ways that no run takes ---------------------------------------------------- */

// ok, kernel rejected: what is less than a number less itself
SEC("kprobe") NAKED int less_itself(void)
{
	asm volatile("call 7; r6 = r0; r6 -= r6; call 7; if r0 >= r6 goto 1f;" WRONG END);
}
// rejected 0120: what is at least that
SEC("kprobe") NAKED int at_least_itself(void)
{
	asm volatile("call 7; r6 = r0; r6 -= r6; call 7; if r0 < r6 goto 1f;" WRONG END);
}
// ok, kernel rejected: 0 that is shifted by who knows what
SEC("kprobe") NAKED int shifted_zero(void)
{
	asm volatile("call 7; w0 &= 15; w6 = 0; w6 <<= w0; if w6 == 0 goto 1f;" WRONG END);
}
// ok, kernel rejected: a quotient by more than half of all numbers is 0 or 1
SEC("kprobe") NAKED int big_divisor(void)
{
	asm volatile(RANDOM "r1 = -0x5c0ce17f; r6 /= r1;"
		     "if r6 < 2 goto 1f;" WRONG END);
}
// rejected 0120: and not always 0
SEC("kprobe") NAKED int big_divisor_1(void)
{
	asm volatile(RANDOM "r1 = -0x5c0ce17f; r6 /= r1;"
		     "if r6 < 1 goto 1f;" WRONG END);
}
// ok, kernel rejected: no number from 16 to 25 has all four low bits
SEC("kprobe") NAKED int no_such_number(void)
{
	asm volatile(RANDOM "r6 &= 0x1fff0; if r6 < 16 goto 1f; r6 |= 15; if r6 > 25 goto 1f;"
		     WRONG END);
}
// rejected 0120: from 16 to 31 one does
SEC("kprobe") NAKED int such_a_number(void)
{
	asm volatile(RANDOM "r6 &= 0x1fff0; if r6 < 16 goto 1f; r6 |= 15; if r6 > 31 goto 1f;"
		     WRONG END);
}
/* The kernel takes the low half of an address for the address, which is not 0. */
// rejected 0120, kernel ok: the low half of an address may be 0
SEC("kprobe") NAKED int low_half(void)
{
	asm volatile("r6 = %[b] ll; if w6 != 0 goto 1f;" WRONG
		     "1: r0 = 0; exit;" :: [b]"i"(bytes) : "r0");
}
// ok: the whole is not 0
SEC("kprobe") NAKED int whole(void)
{
	asm volatile("r6 = %[b] ll; if r6 != 0 goto 1f;" WRONG
		     "1: r0 = 0; exit;" :: [b]"i"(bytes) : "r0");
}

/* ---- iterators ------------------------------------------------------------------- */

// rejected 0154, kernel ok: a pass begins an iterator anew, each time
SEC("xdp") int anew(void)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 9);
again:
	while (bpf_iter_num_next(&it))
		;
	bpf_iter_num_destroy(&it);
	bpf_iter_num_new(&it, 0, 9);
	if (bpf_iter_num_next(&it))
		goto again;
	bpf_iter_num_destroy(&it);
	return 0;
}
// ok: twice one after the other
SEC("xdp") int twice(void)
{
	struct iter_num it;

	bpf_iter_num_new(&it, 0, 9);
	while (bpf_iter_num_next(&it))
		;
	bpf_iter_num_destroy(&it);
	bpf_iter_num_new(&it, 0, 9);
	while (bpf_iter_num_next(&it))
		;
	bpf_iter_num_destroy(&it);
	return 0;
}

/* ---- arguments that are not asked ---------------------------------------------- */

// ok: flags that were never set: the kernel's row has none
SEC("kprobe") NAKED int branches(void)
{
	asm volatile("r1 = r10; r1 += -64; r2 = 24; call 176;" END);
}
// rejected 0101: a size
SEC("kprobe") NAKED int no_size(void)
{
	asm volatile("r1 = r10; r1 += -64; call 176;" END);
}

/* ---- processors ---------------------------------------------------------------- */

// rejected 0214, kernel ok: as many processors as Linux can be built for
SEC("kprobe") NAKED int processors(void)
{
	asm volatile("call 8; r2 = %[b] ll; r2 += r0; r0 = *(u8 *)(r2 + 0); r0 = 0; exit;"
		     :: [b]"i"(cpus) : "r0");
}

/* ---- sizes with and without a sign --------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

// rejected 0206, kernel ok: before the context
SEC("tracepoint/syscalls/sys_enter_openat") NAKED int before_context(void)
{
	asm volatile("r0 = *(u64 *)(r1 - 40); r0 = 0; exit;" ::: "r0");
}
// ok: in it
SEC("tracepoint/syscalls/sys_enter_openat") NAKED int in_context(void)
{
	asm volatile("r0 = *(u64 *)(r1 + 40); r0 = 0; exit;" ::: "r0");
}
// rejected 0358, kernel ok: a record for which no room ever is
SEC("tc") NAKED int huge_record(void)
{
	asm volatile("r1 = %[r] ll; r2 = -1; r3 = 0; call 131; if r0 == 0 goto 1f; r1 = r0; r2 = 0;"
		     "call 133; 1: r0 = 0; exit;" :: [r]"i"(&ring) : "r0");
}
// ok: one of some bytes
SEC("tc") NAKED int record(void)
{
	asm volatile("r1 = %[r] ll; r2 = 64; r3 = 0; call 131; if r0 == 0 goto 1f; r1 = r0; r2 = 0;"
		     "call 133; 1: r0 = 0; exit;" :: [r]"i"(&ring) : "r0");
}

/* ---- no bytes, wherever -------------------------------------------------------- */

// ok, kernel rejected: no bytes at the end of the frame
SEC("tc") NAKED int nothing_at_the_end(void)
{
	asm volatile("r1 = r10; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call 28;" END);
}
// rejected 0204: four bytes there
SEC("tc") NAKED int four_at_the_end(void)
{
	asm volatile("r1 = r10; r2 = 4; r3 = 0; r4 = 0; r5 = 0; call 28;" END);
}
// ok, kernel rejected: no bytes into constants
SEC("kprobe") NAKED int nothing_into_constants(void)
{
	asm volatile("r1 = %[c] ll; r2 = 0; call 176; r0 = 0; exit;" :: [c]"i"(constants) : "r0");
}
// rejected 0218: perhaps some
SEC("kprobe") NAKED int some_into_constants(void)
{
	asm volatile("call 7; r0 &= 24; r1 = %[c] ll; r2 = r0; call 176; r0 = 0; exit;"
		     :: [c]"i"(constants) : "r0");
}
