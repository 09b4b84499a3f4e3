/* SPDX-License-Identifier: BSD-2-Clause */
/* kobject.h: pointers to objects of the kernel's types (private to verify). */
#ifndef VERIFY_KOBJECT_H
#define VERIFY_KOBJECT_H

#include "verify/state.h"

/* What lies at an offset of a struct. */
enum walk {
	WALK_BAD,
	WALK_NUMBER,
	WALK_OBJECT,	/* a pointer to struct ID */
	WALK_ADDRESS,	/* a pointer to something else */
};

struct walk_at {
	const char *field;	/* of OBJECT: the innermost member */
	u32 id;
	unsigned flags;		/* REG_UNTRUSTED, REG_USER, REG_PERCPU, REG_RCU */
};

/* walk.c: SIZE bytes at OFF of struct ID. */
enum walk btf_walk(const struct btf *btf, u32 id, u64 off, u32 size, struct walk_at *at);

/* Does struct WANT lie at OFF of struct ID, or is it ID itself? */
bool btf_holds(const struct btf *btf, u32 id, u64 off, u32 want);

/* Is a read section open, as far as this program type needs one? */
bool in_read_section(const struct state *s);
/* A REG_BTF pointer to struct ID. */
void reg_set_btf(struct verifier *v, struct reg *r, const struct btf *btf, u32 id,
		 unsigned flags);
/* May it be passed on to the kernel? */
bool kobject_trusted(const struct reg *r);
bool kobject_access(struct verifier *v, struct state *s, const struct access *a,
		    const struct reg *ptr, struct reg *value);
/* attach.c: may a program be attached there at all? */
void attach_check(struct verifier *v);
/* Finds v->attach_proto: the function, tracepoint or hook in the kernel's types or
 * those of its modules. */
void attach_find(struct verifier *v);
/* What a program of some types may return (Linux 6.18); false: anything. */
bool attach_limits(const struct verifier *v, s64 *min, s64 *max);
/* Contexts whose fields are arguments of a function of the kernel. */
bool traces_types(const struct verifier *v);
bool traced_access(struct verifier *v, struct state *s, const struct access *a,
		   struct reg *value);
/* The address of a variable of the kernel. */
void kobject_lddw(struct verifier *v, u32 at, struct reg *dst);

#endif
