/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.h: memory with the life time of one job.
 *
 * An arena hands out zeroed memory that is freed all at once. Allocation
 * never fails: without memory the process aborts with a text (the one place
 * where it does; see mem_alloc in os.h). Sizes that come from input must be
 * checked against the input before they get here.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"
#include <stdarg.h>

struct arena_block;

struct arena {
	struct arena_block *block;	/* newest block; NULL when empty */
	u8 *next, *end;			/* free part of the newest block */
	size_t used;			/* bytes handed out */
};

#define ARENA_INIT { 0 }

/* The next BYTES are in one block, in large pages where the system has them: for a job that
 * is known to be big and looks at all of it again and again. */
void arena_reserve(struct arena *a, size_t bytes);
/* SIZE zeroed bytes, aligned to 16. Never NULL. */
void *arena_alloc(struct arena *a, size_t size);
/* N elements of SIZE zeroed bytes; the product is checked. */
void *arena_array(struct arena *a, size_t n, size_t size);
void *arena_copy(struct arena *a, const void *data, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Frees all blocks; the arena may be used again. */
void arena_free(struct arena *a);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_news(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))

#endif
