/* SPDX-License-Identifier: BSD-2-Clause */
/* control.c: every condition in both widths, loops, calls of each kind. */
typedef unsigned int u32;
typedef unsigned long long u64;

static u64 (*helper)(u64) = (void *)5;
static u64 (*helper_high)(u64, u64) = (void *)181;
extern int kfunc(int a);
void out(int n);

#define COND(name, T, op) \
	void name(T a, T b) { if (a op b) out(1); out(2); } \
	void name##_5(T a) { if (a op 5) out(1); out(2); } \
	void name##_neg(T a) { if (a op (T)-70000) out(1); out(2); }
#define CONDS(n, U, S) \
	COND(eq##n, U, ==) COND(ne##n, U, !=) COND(and##n, U, &) \
	COND(gt##n, U, >) COND(ge##n, U, >=) COND(lt##n, U, <) \
	COND(le##n, U, <=) COND(sgt##n, S, >) COND(sge##n, S, >=) \
	COND(slt##n, S, <) COND(sle##n, S, <=)
CONDS(32, u32, int)
CONDS(64, u64, long long)

static __attribute__((noinline)) u64 local(u64 a, u64 b)
{
	return helper(a) ^ helper_high(b, a);
}

u64 calls(u64 a)
{
	return local(a, 1) + local(2, a) + (u64)kfunc((int)a);
}

u64 loop(u64 *p, u64 n)
{
	u64 sum = 0;

#pragma clang loop unroll(disable)
	for (u64 i = 0; i < n; i++) {
		asm volatile("" ::: "memory");
		sum += p[i] ? p[i] : helper(sum);
	}
	return sum;
}

u64 choose(u64 n)
{
	switch (n) {
	case 1: return helper(7);
	case 100: return helper(9);
	case 5000: return helper_high(3, n);
	}
	return 0;
}

void *address(void) { return (void *)local; }
