/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unsafe_sixth_joins.c: what a join of paths cannot tell is no number: of a slot that holds a
 * number on most paths and an address on the last, a loader without CAP_PERFMON gets
 * neither. Paths are too many to follow to the one that has the address.
 */
#define MAYBE(n) "if r7 & " #n " goto +1; r8 += " #n ";"
#define MANY "r6 = r1; r7 = *(u32 *)(r1 + 0); r8 = 0;" \
	MAYBE(1) MAYBE(2) MAYBE(4) MAYBE(8) MAYBE(16) MAYBE(32) MAYBE(64) MAYBE(128) \
	MAYBE(256) MAYBE(512) MAYBE(1024) MAYBE(2048) MAYBE(4096) MAYBE(8192) MAYBE(16384) \
	MAYBE(32768) MAYBE(65536) MAYBE(131072) MAYBE(262144) MAYBE(524288)
/* fp - 8: 7, or WHAT on the path that comes last. */
#define SLOT(what) "r1 = 7; *(u64 *)(r10 - 8) = r1; if r8 != 0 goto +1;" \
	"*(u64 *)(r10 - 8) = " what ";"
#define NAKED __attribute__((naked))
#define DOES(text) { asm volatile(text ::: "memory"); }

// rejected 0155, kernel none, caps bpf: a helper writes a part of it
SEC("tc") NAKED int part(void *ctx)
DOES(MANY SLOT("r10")
     "r1 = r6; r2 = 0; r3 = r10; r3 += -8; r4 = 4; call 26; r0 = *(u32 *)(r10 - 4); exit")
// rejected 0155, kernel none, caps bpf: a number is added to it
SEC("tc") NAKED int sum(void *ctx)
DOES(MANY SLOT("r10")
     "r2 = 1; lock *(u64 *)(r10 - 8) += r2; r0 = *(u64 *)(r10 - 8); exit")
// rejected 0155, kernel none, caps bpf: it is exchanged
SEC("tc") NAKED int exchange(void *ctx)
DOES(MANY SLOT("r10") "r2 = 1; r2 = xchg_64(r10 - 8, r2); r0 = 0; exit")
// ok, kernel none, caps bpf: a helper writes a part of a number
SEC("tc") NAKED int number_part(void *ctx)
DOES(MANY SLOT("r8")
     "r1 = r6; r2 = 0; r3 = r10; r3 += -8; r4 = 4; call 26; r0 = *(u32 *)(r10 - 4); exit")
// ok, kernel none, caps bpf: a number is added to a number
SEC("tc") NAKED int number_sum(void *ctx)
DOES(MANY SLOT("r8")
     "r2 = 1; lock *(u64 *)(r10 - 8) += r2; r0 = *(u64 *)(r10 - 8); exit")
// ok, kernel none: the same of addresses, by who may know them
SEC("tc") NAKED int knows(void *ctx)
DOES(MANY SLOT("r10")
     "r2 = 1; lock *(u64 *)(r10 - 8) += r2; r0 = *(u64 *)(r10 - 8); exit")
char _license[] SEC("license") = "GPL";
