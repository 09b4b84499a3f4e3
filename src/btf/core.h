/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h: CO-RE ("compile once, run everywhere"): what a relocation record of
 * an object means with the types of a target (a kernel), as libbpf decides it
 * (Documentation/bpf/llvm_reloc.rst). Knows types only: no instruction, no file.
 */
#ifndef BTF_CORE_H
#define BTF_CORE_H

#include "btf/btf.h"

/* enum bpf_core_relo_kind, which older headers lack in part. */
enum core_kind {
	CORE_FIELD_BYTE_OFFSET, CORE_FIELD_BYTE_SIZE, CORE_FIELD_EXISTS,
	CORE_FIELD_SIGNED, CORE_FIELD_LSHIFT, CORE_FIELD_RSHIFT,
	CORE_TYPE_ID_LOCAL, CORE_TYPE_ID_TARGET, CORE_TYPE_EXISTS,
	CORE_TYPE_SIZE, CORE_ENUMVAL_EXISTS, CORE_ENUMVAL_VALUE,
	CORE_TYPE_MATCHES,
	NR_CORE_KINDS
};

struct core_result {
	u64 local, target;	/* values */
	bool poison;		/* the target has no value */
	bool check;		/* the instruction must hold the local value */
	/* FIELD_BYTE_OFFSET of no bit field: bytes of the field, else 0; a load
	   whose width differs from the field's follows it when both are
	   pointers or unsigned numbers ("resize") */
	u32 local_bytes, target_bytes;
	bool resize;
	const char *reason;	/* poison: why; in the arena of core_new */
};

struct core;

/* Relocations of LOCAL's against TARGET; LOCAL itself when an object's own
 * types stand in for a kernel's. Memory from ARENA. */
struct core *core_new(struct arena *arena, const struct btf *local,
		      const struct btf *target, const char *target_name);
/* The types of one of TARGET's modules, which go on after TARGET's. */
struct core_module { const struct btf *btf; const char *name; };
/* Finds the modules, in the order in which they are looked through. */
typedef int core_modules_fn(void *arg, const struct core_module **out, u32 *n,
			    struct skep_err *err);
/* FIND is called at most once: when TARGET lacks a type that is asked for. */
void core_set_modules(struct core *c, core_modules_fn *find, void *arg);
/* Says which records core_resolve will be asked for, so that TARGET is gone
 * through once. No other may be. */
void core_want(struct core *c, const struct btf_core_relo *relos, u32 n);
/* Errors: CORE, those of finding modules. */
int core_resolve(struct core *c, const struct btf_core_relo *relo,
		 struct core_result *res, const char *where, struct skep_err *err);

/* ---- core_min.c: the part of a target's types that records need -------------------- */

struct core_min;
struct core_min *core_min_new(struct arena *arena, const struct btf *target, const char *name);
/* What the N records of LOCAL's need besides. WHERE and errors as in core_resolve. */
int core_min_add(struct core_min *m, const struct btf *local, const struct btf_core_relo *relos,
		 u32 n, const char *where, struct skep_err *err);
/* Appends these types as BTF of their own: structs have the members that are used, at their
 * places, and their full size. Records find the same in it as in TARGET. */
void core_min_write(struct core_min *m, struct strbuf *out);

/* "field_byte_offset"; NULL when KIND is none. */
const char *core_kind_name(u32 kind);
/* Appends "struct task_struct.pid (0:3:1)"; damaged records as they are. */
void core_describe(struct strbuf *out, const struct btf *btf,
		   const struct btf_core_relo *relo);

/* Length of NAME without flavour ("x___old" is a flavour of "x"). */
size_t core_essential(const char *name);

#endif
