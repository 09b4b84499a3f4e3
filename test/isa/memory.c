/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.c: loads, stores, globals, the stack, packet access, atomics. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct record { u8 a; u16 b; u32 c; u64 d; signed char e; short f; int g; };

u64 loads(struct record *r) { return r->a + r->b + r->c + r->d; }
long long signed_loads(struct record *r) { return (long long)r->e * r->f * r->g; }

void stores(struct record *r, u64 v)
{
	r->a = (u8)v;
	r->b = (u16)v;
	r->c = (u32)v;
	r->d = v;
}

void constants(struct record *r)
{
	r->a = 255;
	r->b = 0x1234;
	r->c = 0x81234567;
	r->d = -1ull;
}

u64 far(u8 *p) { return p[32767] + p[-32768]; }

static u64 counter;
u64 *count(void) { return &counter; }

u64 load_byte(void *skb, u64 off) asm("llvm.bpf.load.byte");
u64 load_half(void *skb, u64 off) asm("llvm.bpf.load.half");
u64 load_word(void *skb, u64 off) asm("llvm.bpf.load.word");
u64 packet(void *skb)
{
	u64 len = load_byte(skb, 14) & 15;

	return load_half(skb, 12) + load_word(skb, len + 14);
}

void add64(u64 *p, u64 v) { __sync_fetch_and_add(p, v); }
void add32(u32 *p, u32 v) { __sync_fetch_and_add(p, v); }

u64 stack(u64 a)
{
	volatile u64 v[4] = { a, 1, 2, 3 };

	return v[a & 3];
}

#if __BPF_CPU_VERSION__ >= 3
#define ATOMICS(T, add, and, or, xor) \
	T add(T *p, T v) { return __sync_fetch_and_add(p, v); } \
	T and(T *p, T v) { return __sync_fetch_and_and(p, v); } \
	T or(T *p, T v) { return __sync_fetch_and_or(p, v); } \
	T xor(T *p, T v) { return __sync_fetch_and_xor(p, v); } \
	void and##_only(T *p, T v) { __sync_fetch_and_and(p, v); } \
	void or##_only(T *p, T v) { __sync_fetch_and_or(p, v); } \
	void xor##_only(T *p, T v) { __sync_fetch_and_xor(p, v); } \
	T add##_xchg(T *p, T v) { return __sync_lock_test_and_set(p, v); } \
	T add##_cas(T *p, T o, T v) { return __sync_val_compare_and_swap(p, o, v); }
ATOMICS(u64, fadd64, fand64, for64, fxor64)
ATOMICS(u32, fadd32, fand32, for32, fxor32)
#endif
