/* SPDX-License-Identifier: BSD-2-Clause */
/* arith.c: every arithmetic instruction that clang makes, both widths. */
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define BINARY(name, op) \
	u64 name##64(u64 a, u64 b) { return a op b; } \
	u32 name##32(u32 a, u32 b) { return a op b; } \
	u64 name##64_7(u64 a) { return a op 7; } \
	u32 name##32_7(u32 a) { return a op 7; } \
	u64 name##64_neg(u64 a) { return a op 0xffffffff81234567ull; } \
	u32 name##32_neg(u32 a) { return a op 0x81234567u; }
BINARY(add, +)
BINARY(sub, -)
BINARY(mul, *)
BINARY(div, /)
BINARY(mod, %)
BINARY(and, &)
BINARY(or, |)
BINARY(xor, ^)

#define SHIFT(name, T, op) \
	T name(T a, T b) { return a op b; } \
	T name##_9(T a) { return a op 9; }
SHIFT(lsh64, u64, <<)
SHIFT(lsh32, u32, <<)
SHIFT(rsh64, u64, >>)
SHIFT(rsh32, u32, >>)
SHIFT(arsh64, s64, >>)
SHIFT(arsh32, s32, >>)

u64 neg64(u64 a) { return -a; }
u32 neg32(u32 a) { return -a; }
u64 swap64(u64 a) { return __builtin_bswap64(a); }
u32 swap32(u32 a) { return __builtin_bswap32(a); }
unsigned short swap16(unsigned short a) { return __builtin_bswap16(a); }
s64 wide8(s64 a) { return (signed char)a; }
s64 wide16(s64 a) { return (short)a; }
s64 wide32(s64 a) { return (s32)a; }
s32 sub8(s32 a) { return (signed char)a; }
s32 sub16(s32 a) { return (short)a; }
u64 imm_big(void) { return 0x123456789abcdef0ull; }
u64 imm_top(void) { return 0x8000000000000000ull; }
u64 imm_32(void) { return 0xffffffffull; }
u64 imm_neg(void) { return -5; }
u32 imm_sub(void) { return 0x80000000u; }
