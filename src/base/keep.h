/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keep.h: how layers tell where they have what running programs change, for who keeps that
 * and puts it back: X_keep(x, keep, arg) calls KEEP for each piece. What is not told must
 * stay as it is between the two, but for memory that is nobody's any more.
 */
#ifndef BASE_KEEP_H
#define BASE_KEEP_H

#include "base/base.h"

enum keep_kind {
	KEEP_BYTES,
	KEEP_VEC,	/* a VEC at P whose elements have so many bytes: it may have moved */
	KEEP_AREA,	/* memory of os_map_lazy and its like, most of it never touched */
	KEEP_PAGES,	/* the same, and it matters which pages nobody has touched */
};

typedef void (*keep_fn)(void *arg, enum keep_kind kind, void *p, size_t bytes);

#endif
