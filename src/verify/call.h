/* SPDX-License-Identifier: BSD-2-Clause */
/* call.h: between the files that judge calls (private to verify). */
#ifndef VERIFY_CALL_H
#define VERIFY_CALL_H

#include "verify/state.h"

/* A call of a helper while its arguments are looked at. */
struct call {
	u32 insn;
	const struct helper_row *row;
	const struct reg *map;	/* the ARG_MAP before, or NULL */
	struct reg map_reg;	/* what MAP points to */
	u32 release;		/* reference that the call gives back; 0: none */
	s64 func;		/* ARG_FUNC: index in funcs; -1: none */
	bool timer;		/* MAP_REG is the map of an ARG_TIMER */
	u64 const_size;		/* greatest size argument */
	bool sure;		/* the result cannot be NULL */
};

/* Checks argument I (from 0) in register I + 1 and makes its effects. */
void arg_check(struct verifier *v, struct state *s, struct call *c, unsigned i);
/* What r0 is after the call. */
void ret_set(struct verifier *v, struct state *s, const struct call *c);

/* The definition of the map that R is, or is a value of. */
const struct image_map *map_of(const struct verifier *v, const struct reg *r);

/* step.c: before anything is executed, as the kernel does. */
void check_map_value(struct verifier *v, u32 at);

/* kfunc.c */
enum step step_call_kfunc(struct verifier *v, struct state *s, u32 at);
bool kfunc_iterates(const struct verifier *v, u32 at);
/* call.c: nothing but INSIDE may be called while a lock is held. */
void check_locked(struct verifier *v, struct state *s, u32 at, bool inside);

/* callback.c: the call's function may run; what it returns to. */
void callback_enter(struct verifier *v, struct state *s, const struct call *c);
enum step callback_exit(struct verifier *v, struct state *s, u32 at);

/* global.c: functions that are judged by their types, once. */
enum step call_global(struct verifier *v, struct state *s, u32 at, u32 func);
/* The registers of the first frame of S for global function FUNC. */
void global_args(struct verifier *v, struct state *s, u32 func);

/* subprog.c */
bool check_refs(struct verifier *v, struct state *s, u32 at, enum reject_id id);

#endif
