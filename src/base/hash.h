/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.h: hashing of bytes, and a table from names to indexes. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/arena.h"

/* 64 well-mixed bits of N bytes; the same on every machine of one byte order. */
u64 hash_bytes(const void *data, size_t n, u64 seed);

/*
 * Names to numbers; keys are not copied. Memory from an arena. Each table has
 * a seed of its own, so that nobody can choose names that collide.
 */
struct strtab {
	struct arena *arena;
	struct strtab_slot { const char *key; u32 val; } *slots;
	u32 n, cap;	/* cap is a power of two, 0 when empty */
	u64 seed;	/* set with the first slots */
};

/* Adds or replaces. */
void strtab_put(struct strtab *t, const char *key, u32 val);
/* False when KEY is not there. */
bool strtab_get(const struct strtab *t, const char *key, u32 *val);

#endif
