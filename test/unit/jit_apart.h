/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit_apart.h: code without an address in it (jit_bind.entry), which runs where it was made:
 * the table below the run is filled while it is compiled. What lies at an address is told by
 * an entry and a distance, so that both are looked at.
 */
#ifndef JIT_APART_H
#define JIT_APART_H

#include "jit/private.h"
#include <stdio.h>
#include <stdlib.h>

enum { APART_MAX = 512, APART_MORE = 64 };

/* The run; APART_MAX words lie below it. Entries that are used. */
static u64 *apart_run;
static u32 apart_n;

/* How far VALUE is from what its entry has; ARG: jit_bind.arg. */
static inline u64 apart_some(void *arg UNUSED, enum jit_what what, u32 at UNUSED, u64 value)
{
	return what == JIT_ADDRESS || what == JIT_SITE || what == JIT_VALUES ?
		value % APART_MORE : 0;
}

static u64 (*apart_more)(void *arg, enum jit_what what, u32 at, u64 value) = apart_some;

static inline u32 apart_entry(void *arg, enum jit_what what, u32 at, u64 value, u64 *more)
{
	*more = apart_more(arg, what, at, value);
	value -= *more;
	for (u32 i = 0; i < apart_n; i++)
		if (*(u64 *)((u8 *)apart_run + JIT_ENTRY(i)) == value)
			return i;
	if (apart_n == APART_MAX) {
		puts("Bail out! the table is full");
		exit(1);
	}
	*(u64 *)((u8 *)apart_run + JIT_ENTRY(apart_n)) = value;
	return apart_n++;
}

static inline bool apart_available(void)
{
	return jit_arch_host() && jit_arch_host()->entries;
}

/* As jit_compile. */
static inline int apart_make(struct jit_code **out, const struct jit_bind *bind,
			     enum jit_tier tier, struct skep_err *err)
{
	struct jit_bind b = *bind;
	int r;

	b.entry = apart_entry;
	r = jit_compile_arch(out, &b, tier, jit_arch_host(), jit_cpu(), "case", err);
	return r || !jit_settle(*out) ? r : err_set(err, ERR_JIT_MEM, "case", "no memory");
}

#endif
