/* SPDX-License-Identifier: BSD-2-Clause */
/* native.c: the bodies as native code, in a shared object of their own. */
unsigned char mem[65536] __attribute__((aligned(64), visibility("hidden")));

unsigned char *bodies_mem(void);
unsigned char *bodies_mem(void) { return mem; }

#define BODY(name) \
	static __attribute__((always_inline)) inline unsigned long long body_##name(void); \
	unsigned run_##name(void); \
	unsigned run_##name(void) { \
		unsigned long long r = body_##name(); return (unsigned)(r ^ r >> 32); } \
	static inline unsigned long long body_##name(void)
#include "bodies.h"

/* Maps of ours, looked up in by the function that programs call. */
u64 (*bodies_lookup)(u64 map, u64 key, u64, u64, u64, void *run);
void *bodies_array, *bodies_hash, *bodies_run;

static inline u64 *lookup(void *map, const void *key)
{
	return (u64 *)bodies_lookup((u64)map, (u64)key, 0, 0, 0, bodies_run);
}

BODY(amap)
{
	u64 s = 0;

	for (u32 i = 0; i < 64; i++) {
		u32 key = mem[i];
		u64 *v = lookup(bodies_array, &key);

		if (v)
			s += *v + i;
	}
	return s;
}

BODY(hmap)
{
	u64 s = 0;

	for (u32 i = 0; i < 64; i++) {
		u64 key = mem[i];
		u64 *v = lookup(bodies_hash, &key);

		s += v ? *v + i : 1;
	}
	return s;
}
