/* SPDX-License-Identifier: BSD-2-Clause */
/* mem.h: between the files that judge memory (private to verify). */
#ifndef VERIFY_MEM_H
#define VERIFY_MEM_H

#include "verify/state.h"

/*
 * Checks access A through PTR by what PTR points at, and makes it. Returns true
 * when VALUE was filled in; else a load gives some number.
 */
bool region_access(struct verifier *v, struct state *s, const struct access *a,
		   const struct reg *ptr, struct reg *value);
void mem_unknown(struct verifier *v, const struct access *a, struct reg *value);
/* A pointer is stored in WHERE: for the privileged. */
void check_leak(struct verifier *v, struct state *s, const struct access *a,
		const char *where);
/* arena.c */
bool arena_access(struct verifier *v, struct state *s, const struct access *a,
		  const struct reg *ptr, struct reg *value);
/* mapobj.c: of the kernel's struct behind a map. */
bool map_object_access(struct verifier *v, struct state *s, const struct access *a,
		       const struct reg *ptr, struct reg *value);

#endif
