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
