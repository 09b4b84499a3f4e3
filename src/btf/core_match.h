/* SPDX-License-Identifier: BSD-2-Clause */
/* core_match.h: what the files of CO-RE matching share. Nobody else includes it. */
#ifndef BTF_CORE_MATCH_H
#define BTF_CORE_MATCH_H

#include "btf/core.h"

enum {
	CORE_STEPS_MAX = 64,	/* numbers in an access string */
	CORE_NEST_MAX = 32,	/* types below one another in a comparison */
	CORE_WORK_MAX = 1 << 20,	/* comparisons for one relocation */
};

/* One step of a path: element IDX of an array (NAME NULL), or member IDX of the
 * struct TYPE_ID; for an enumeration, enumerator IDX. */
struct core_step {
	u32 type_id;		/* without modifiers */
	u32 idx;
	const char *name;
};

/* A path from a type to a part of it. Unnamed members have no step. */
struct core_path {
	const struct btf *btf;
	u32 root;		/* as the relocation names it */
	struct core_step steps[CORE_STEPS_MAX];
	u32 n;
	u64 bit_off;		/* from the root's beginning */
};

static inline bool core_is_field(u32 kind) { return kind <= CORE_FIELD_RSHIFT; }
static inline bool core_is_enum(u32 kind)
{
	return kind == CORE_ENUMVAL_EXISTS || kind == CORE_ENUMVAL_VALUE;
}

static inline bool btf_is_composite(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_STRUCT || btf_kind(t) == BTF_KIND_UNION;
}
static inline bool btf_is_any_enum(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_ENUM || btf_kind(t) == BTF_KIND_ENUM64;
}
static inline u32 btf_int_word(const struct btf_type *t)
{
	return *(const u32 *)(t + 1);
}

/* ---- core_path.c -------------------------------------------------------- */

/* Reads the access string of RELO; *WHY says what is wrong with it. */
bool core_path_parse(struct core_path *path, const struct btf *btf,
		     const struct btf_core_relo *relo, const char **why);
/*
 * Finds the same path by name from type ROOT of BTF: 1 found, 0 not there,
 * -E2BIG when types cost more than CORE_WORK_MAX comparisons or a path has
 * too many steps.
 */
int core_path_match(struct core_path *out, const struct core_path *local,
		    const struct btf *btf, u32 root, u32 kind);
/* Name of enumerator I of T, its value. */
const char *core_enum_name(const struct btf *btf, const struct btf_type *t, u32 i);
u64 core_enum_value(const struct btf_type *t, u32 i);

/* ---- core.c ------------------------------------------------------------------- */

/* Tells USED of each path in the target's own types that a record fits, once each. */
typedef void core_used_fn(void *arg, const struct core_path *path, u32 kind);
void core_set_used(struct core *c, core_used_fn *used, void *arg);

/* ---- core_compat.c ------------------------------------------------------- */

/* Both are of one kind; any enumeration goes with any other. */
bool core_kinds_fit(const struct btf_type *a, const struct btf_type *b);
/* Names without flavours are equal. */
bool core_names_fit(const char *a, const char *b);
/* May a field of type A be read as the local field of type B? */
bool core_fields_fit(const struct btf *local, u32 a, const struct btf *target, u32 b);
/* TYPE_EXISTS: 1 yes, 0 no, -E2BIG. */
int core_types_fit(const struct btf *local, u32 a, const struct btf *target, u32 b);
/* TYPE_MATCHES, which also looks at members. */
int core_types_match(const struct btf *local, u32 a, const struct btf *target, u32 b);

#endif
