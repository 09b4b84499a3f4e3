/* SPDX-License-Identifier: BSD-2-Clause */
/* fields.h: parts of values and objects that only calls change (private to verify). */
#ifndef VERIFY_FIELDS_H
#define VERIFY_FIELDS_H

#include "verify/state.h"

enum field_kind {
	FIELD_LOCK, FIELD_RES_LOCK, FIELD_TIMER, FIELD_WORK, FIELD_TASK_WORK,
	FIELD_LIST, FIELD_LIST_NODE, FIELD_TREE, FIELD_TREE_NODE, FIELD_REFCOUNT,
	FIELD_KPTR, FIELD_KPTR_UNTRUSTED, FIELD_KPTR_PERCPU, FIELD_UPTR,
	FIELD_KINDS
};

enum { FIELDS_MAX = 11 };	/* as in the kernel */

struct field {
	u8 kind;		/* enum field_kind */
	u32 off, bytes;
	u32 type;		/* LIST, TREE: struct of the nodes; of pointers: to what */
	u32 node;		/* LIST, TREE: where the node lies in it */
};

struct fields {
	const struct fields *next;
	u32 type;		/* of the program's: a STRUCT, or a DATASEC */
	u32 n;
	bool more;		/* than there is room for, or of which nothing is certain:
				   then the program is not judged */
	struct field v[FIELDS_MAX];
};

/* Of the values of MAP; each type is looked through once. */
const struct fields *fields_of_map(struct verifier *v, const struct image_map *map);
/* The one of KIND at OFF, or NULL. */
const struct field *field_at(const struct fields *f, enum field_kind kind, s64 off);
/* The first of KIND, or NULL. */
const struct field *field_first(const struct fields *f, enum field_kind kind);
/* "bpf_list_head" */
const char *field_name(enum field_kind kind);
/* Of the object or map value that R points at. */
const struct fields *fields_at(struct verifier *v, const struct reg *r);

/* graph.c: a spin lock is given back: what lists and trees own is not there for the
 * program any more. */
void graph_unlock(struct verifier *v, struct state *s);
/* Is the function one that compares elements of a tree, or called by one? */
bool in_less(const struct state *s);
/* The function of NAME, or NULL. */
const struct kfunc *graph_kfunc(const char *name);

#endif
