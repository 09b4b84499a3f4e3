/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.c: a chain of blocks, each at least twice as big as its request, so
 * that small jobs touch one page and big ones few blocks. What is big itself has a
 * block of its size.
 */
#include "base/arena.h"
#include "base/os.h"
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
	struct arena_block *prev;
	max_align_t data[];
};

enum { BLOCK_BYTES = 4096 - 64, BIG_BYTES = 1 << 18, ALIGN_BYTES = 16 };

static void arena_grow(struct arena *a, size_t size)
{
	size_t bytes = size > BLOCK_BYTES / 2 ? size * 2 : (size_t)BLOCK_BYTES;
	struct arena_block *b;

	if (size >= BIG_BYTES)
		bytes = size;
	else if (a->block && bytes < 1 << 16)
		bytes = bytes * 4;
	b = mem_alloc(sizeof(*b) + bytes + ALIGN_BYTES);
	b->prev = a->block;
	a->block = b;
	a->next = (u8 *)round_up((uintptr_t)b->data, ALIGN_BYTES);
	a->end = (u8 *)b->data + bytes;
}

void arena_reserve(struct arena *a, size_t bytes)
{
	arena_grow(a, bytes > BIG_BYTES ? bytes : BIG_BYTES);
	os_mem_huge(a->next, (size_t)(a->end - a->next));
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p;

	size = round_up(size ? size : 1, ALIGN_BYTES);
	if (!a->next || (size_t)(a->end - a->next) < size)
		arena_grow(a, size);
	p = a->next;
	a->next += size;
	a->used += size;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 4)
		mem_out(SIZE_MAX);
	return arena_alloc(a, bytes);
}

void *arena_copy(struct arena *a, const void *data, size_t size)
{
	void *p = arena_alloc(a, size);

	if (size)
		memcpy(p, data, size);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p;

	n = strnlen(s, n);
	p = arena_alloc(a, n + 1);
	memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void arena_free(struct arena *a)
{
	while (a->block) {
		struct arena_block *b = a->block;

		a->block = b->prev;
		free(b);
	}
	a->next = a->end = NULL;
	a->used = 0;
}
