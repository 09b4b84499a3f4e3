/* SPDX-License-Identifier: BSD-2-Clause */
/* joined.c: programs with more paths than can be followed: what joined states find out of
 * functions must hold for what is looked at afterwards. */
#define NOINLINE static __attribute__((noinline))
#define NAKED __attribute__((naked))
/* 2^30 paths, on each of which r7 is another number; beside them one that following paths
 * does not come to. */
#define PATHS "r9 = r1; call 7; if r0 == 5 goto 5f; call 7; r6 = r0; r7 = 1; .rept 30;" \
	"if r6 & 1 goto +1; r7 += 1; r7 *= 3; r6 >>= 1; .endr; r7 &= 7; r1 = %[table] ll;" \
	"r1 += r7; r0 = *(u8 *)(r1 + 0); r0 = 2; exit; 5:"
#define TABLE [table]"i"(&table)
char table[16];
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
char _license[] SEC("license") = "GPL";
