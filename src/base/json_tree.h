/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json_tree.h: JSON text as a tree whose values know their line and column.
 * Takes several documents one after the other, as commands in a row write
 * them, and keeps members that come twice.
 */
#ifndef BASE_JSON_TREE_H
#define BASE_JSON_TREE_H

#include "base/arena.h"
#include "base/err.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_node {
	enum json_kind kind;
	u32 line, col;			/* from 1 */
	const char *key;		/* of a member, else NULL */
	const char *text;		/* of a string, without escapes; of a number,
					   true and false as it stands there */
	struct json_node *next;		/* of the same array or object; document */
	struct json_node *child;	/* the first; NULL = empty */
};

/* The first of the documents in N bytes of DATA, in memory of A; NULL when
 * there are none. Errors: JSON, at WHERE:LINE:COL. */
int json_tree(struct json_node **root, struct arena *a, const void *data, size_t n,
	      const char *where, struct skep_err *err);

/* The first member KEY of object O, or NULL. */
const struct json_node *json_member(const struct json_node *o, const char *key);
/* "an array" */
const char *json_kind_name(const struct json_node *v);
/* False when V is no integer of 0..MAX. */
bool json_number(const struct json_node *v, u64 max, u64 *out);

#endif
