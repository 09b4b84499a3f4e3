/* SPDX-License-Identifier: BSD-2-Clause */
/* json_at.h: where a value stands in a JSON file. */
#ifndef CLI_JSON_AT_H
#define CLI_JSON_AT_H

#include "base/base.h"

/* One step from a value to a part of it. */
struct json_step {
	const char *key;	/* of an object's member; NULL: an array's element */
	size_t index;
};

/* The line and column, from 1, of what NR steps lead to in the N bytes of
 * TEXT; false when that is not found. */
bool json_at(const char *text, size_t n, const struct json_step *steps, u32 nr, u32 *line,
	     u32 *col);

#endif
