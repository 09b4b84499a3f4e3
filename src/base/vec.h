/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vec.h: growing arrays on the heap.
 *
 *	struct { struct foo *v; size_t n, cap; } foos = { 0 };
 *	*vec_push(&foos) = foo;
 *	vec_free(&foos);
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/os.h"
#include <stdlib.h>

#define VEC(type) struct { type *v; size_t n, cap; }

/* A pointer to a new, uninitialised last element. */
#define vec_push(a) \
	((a)->n == (a)->cap ? \
	 (void)((a)->v = vec_grow((a)->v, &(a)->cap, sizeof(*(a)->v))) : (void)0, \
	 &(a)->v[(a)->n++])

#define vec_free(a) (free((a)->v), (a)->v = NULL, (a)->n = (a)->cap = 0)

/* V with twice the room (at least 8 elements of SIZE bytes); updates *CAP. */
void *vec_grow(void *v, size_t *cap, size_t size);

#endif
