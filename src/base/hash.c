/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.c: multiply-and-fold hashing, 8 bytes a step, after the principle of
 * wyhash and its relatives: the 128-bit product of two mixed words, folded.
 */
#include "base/hash.h"
#include "base/os.h"

static const u64 odd1 = 0x9e3779b97f4a7c15u, odd2 = 0xd6e8feb86659fd93u;

static u64 fold(u64 a, u64 b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (u64)p ^ (u64)(p >> 64);
}

static u64 load(const u8 *p, size_t n)
{
	u64 v = 0;

	memcpy(&v, p, n);
	return v;
}

u64 hash_bytes(const void *data, size_t n, u64 seed)
{
	const u8 *p = data;
	u64 h = seed ^ odd1 ^ n;

	for (; n >= 8; p += 8, n -= 8)
		h = fold(h ^ load(p, 8), odd2);
	if (n)
		h = fold(h ^ load(p, n), odd2);
	return fold(h ^ odd2, odd1);
}

static struct strtab_slot *strtab_slot(const struct strtab *t, const char *key)
{
	u32 i = (u32)hash_bytes(key, strlen(key), t->seed) & (t->cap - 1);

	while (t->slots[i].key && strcmp(t->slots[i].key, key))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

/* Not to be guessed by who writes the names: the time and our addresses. */
static u64 strtab_seed(const struct strtab *t)
{
	u64 entropy[2] = { os_clock_ns(), (uintptr_t)t };

	return hash_bytes(entropy, sizeof(entropy), (uintptr_t)&odd1);
}

static void strtab_grow(struct strtab *t)
{
	struct strtab old = *t;

	if (!old.cap)
		t->seed = strtab_seed(t);
	t->cap = old.cap ? old.cap * 2 : 16;
	t->slots = arena_news(t->arena, t->cap, struct strtab_slot);
	for (u32 i = 0; i < old.cap; i++)
		if (old.slots[i].key)
			*strtab_slot(t, old.slots[i].key) = old.slots[i];
}

void strtab_put(struct strtab *t, const char *key, u32 val)
{
	struct strtab_slot *s;

	if ((t->n + 1) * 4 > t->cap * 3)
		strtab_grow(t);
	s = strtab_slot(t, key);
	t->n += !s->key;
	s->key = key;
	s->val = val;
}

bool strtab_get(const struct strtab *t, const char *key, u32 *val)
{
	struct strtab_slot *s = t->cap ? strtab_slot(t, key) : NULL;

	if (!s || !s->key)
		return false;
	*val = s->val;
	return true;
}
