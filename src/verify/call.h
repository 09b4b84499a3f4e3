/* SPDX-License-Identifier: BSD-2-Clause */
/* call.h: between the files that judge calls (private to verify). */
#ifndef VERIFY_CALL_H
#define VERIFY_CALL_H

#include "verify/state.h"

/* What a global function's parameter is of: any kind, for all that it knows. */
enum { DYNPTR_GIVEN = 32 };

/* A dynptr that is an argument. */
struct dynptr_at {
	u32 kind;		/* enum dynptr_kind, or GIVEN; 0: none */
	u32 id, ref;
	u8 frame;		/* of the callback that was given it, or what it is a clone
				   of; 0: none was */
};

/* What a pointer in a map value points at. */
struct kptr_at {
	const struct btf *btf;
	u32 id;			/* 0: not known */
	bool percpu;		/* one for each cpu */
};

/* A call of a helper while its arguments are looked at. */
struct call {
	u32 insn;
	const struct helper_row *row;
	const struct reg *map;	/* the ARG_MAP before, or NULL */
	struct reg map_reg;	/* what MAP points to */
	u32 release;		/* reference that the call gives back; 0: none */
	u32 ref;		/* that an argument needs; 0: none */
	s64 func;		/* ARG_FUNC: index in funcs; -1: none */
	bool timer;		/* MAP_REG is the map of an ARG_TIMER */
	u64 const_size;		/* greatest size argument */
	bool sure;		/* the result cannot be NULL */
	const char *fmt;	/* the ARG_STR */
	bool is_kfunc;
	struct kptr_at kptr;	/* the ARG_KPTR_SLOT */
	struct reg percpu;	/* the ARG_PERCPU_BTF */
	struct dynptr_at dynptr;	/* the last initialised one */
	struct dynptr_at into;	/* the first: what is written to, where the call writes */
	struct reg buffer;	/* of a slice, CONST_SIZE bytes; NONE: there is none */
	bool release_dynptr;	/* RELEASE is that of DYNPTR */
};

/* Checks argument I (from 0) in register I + 1 and makes its effects. */
void arg_check(struct verifier *v, struct state *s, struct call *c, unsigned i);
/* May the helper take the map among its arguments? */
void args_check_map(struct verifier *v, const struct call *c);
/* What r0 is after the call. */
void ret_set(struct verifier *v, struct state *s, const struct call *c);

/* The definition of the map that R is, or is a value of. */
const struct image_map *map_of(const struct verifier *v, const struct reg *r);

/* Does S hold a spin lock? */
bool lock_held(const struct state *s);

/* subprog.c: a copy of S leaves its function at AT: with r0 = 0, or any number
 * after another program ran, which may have moved the packet. */
void leave_function(struct verifier *v, struct state *s, u32 at, bool zero);

/* dynptr.c: arguments that are objects on the stack; false: it is none. */
bool arg_on_stack(struct verifier *v, struct state *s, struct call *c, unsigned i);
void arg_dynptr(struct verifier *v, struct state *s, struct call *c, unsigned i);
void arg_dynptr_out(struct verifier *v, struct state *s, struct call *c, unsigned i);
/* The same for parameter I of the global function NAME. */
void dynptr_arg(struct verifier *v, struct state *s, u32 at, unsigned i, const char *name);
/* The callback in FRAME returns: clones of its dynptr stand for nothing any more. */
void dynptr_leave(struct verifier *v, struct state *s, u32 frame);
/* Forgets the record's dynptrs and their slices. */
void dynptr_release(struct verifier *v, struct state *s, u32 ref);
/* r0 after a call that gives a part of c->dynptr. */
void ret_slice(struct verifier *v, struct state *s, const struct call *c, unsigned flags);
/* May packets be written by this type of program, or only read by pointers? */
bool writes_packet(const struct verifier *v);
/* Does the function of the kernel NAME, without "bpf_", write into the dynptr that is its
 * first argument; does writing into D move the packet? */
bool writes_dynptr(const char *name);
bool dynptr_moves_packet(const struct dynptr_at *d);

/* kptr.c: arguments of bpf_kptr_xchg, and what it gives; accesses of map values
 * that touch such a pointer: true when VALUE was set. */
void arg_kptr_slot(struct verifier *v, struct state *s, struct call *c, unsigned i);
void arg_kptr_object(struct verifier *v, struct state *s, struct call *c, unsigned i);
void ret_kptr(struct verifier *v, struct state *s, const struct call *c);
/* Does the access store a pointer where there is room for one that nobody owns? */
bool kptr_stores(struct verifier *v, const struct access *a, const struct reg *ptr,
		 const struct image_map *map);
bool kptr_access(struct verifier *v, struct state *s, const struct access *a,
		 const struct reg *ptr, const struct image_map *map, struct reg *value);

/* formats.c: of the helpers that print, after their arguments were checked. */
void check_format(struct verifier *v, struct state *s, const struct call *c);

/* objcall.c: a function of the kernel by its row of kfunc.def. */
enum step step_call_row(struct verifier *v, struct state *s, u32 at,
			const struct helper_row *row);
/* May the program call NAME, which is for TYPES? */
void check_kfunc(struct verifier *v, u32 at, const char *name, u64 types);
/* Argument I of NAME, which reads at any address; and any such function. */
void check_unread(struct verifier *v, const struct state *s, u32 at, unsigned i,
		  const char *name);
void check_secret(struct verifier *v, u32 at, const char *name);
/* args.c: argument I is a constant string, or the context as the program got it. */
void check_string(struct verifier *v, struct state *s, struct call *c, unsigned i);
/* SIZE bytes at argument I, from 0, which are read and written. */
void check_buffer(struct verifier *v, struct state *s, const struct call *c, unsigned i,
		  u32 size);

/* typedcall.c: a function of the kernel by its prototype; about objects of the
 * program's own types, and casts. */
enum step step_call_typed(struct verifier *v, struct state *s, u32 at,
			  const struct kfunc_typed_row *row);
/* Its arguments from the FIRST on (from 0), and whether it may sleep here; false:
 * there is no more to say. */
bool check_typed_args(struct verifier *v, struct state *s, u32 at, u32 first);
enum step step_obj_new(struct verifier *v, struct state *s, u32 at);
enum step step_percpu_new(struct verifier *v, struct state *s, u32 at);
enum step step_percpu_drop(struct verifier *v, struct state *s, u32 at);
enum step step_obj_drop(struct verifier *v, struct state *s, u32 at);
enum step step_cast_ctx(struct verifier *v, struct state *s, u32 at);
enum step step_rdonly_cast(struct verifier *v, struct state *s, u32 at);
/* arena.c: instruction AT names a map, or an address in an arena; a cast. */
void arena_use(struct verifier *v, u32 at);
void arena_offset(struct verifier *v, u32 at);
void arena_cast(struct verifier *v, struct state *s, u32 at);
/* mapobj.c: may the program use the map at all? */
void check_map_use(struct verifier *v, u32 at);
/* May S, which perhaps sleeps though the program does not, be given it? */
void check_map_awake(struct verifier *v, const struct state *s, u32 at,
		     const struct image_map *map);
/* call.c: may the program sleep? */
bool prog_sleeps(const struct verifier *v);
/* step.c: before anything is executed, as the kernel does. */
void check_map_value(struct verifier *v, u32 at);

/* kfunc.c */
typedef enum step kfunc_fn(struct verifier *v, struct state *s, u32 at);
enum kfunc_result { GIVES_NOTHING, GIVES_NUMBER, GIVES_OWN };
struct kfunc {
	const char *name;
	kfunc_fn *fn;
	enum kfunc_result gives;
	bool iterates;
	u8 args;		/* that must be readable before FN looks: r1 .. */
	bool inside;		/* may be called with a lock held */
};
/* What instruction AT calls. */
const char *kfunc_name(const struct verifier *v, u32 at);
/* The first of NR slots that R points at, made where there are none; NULL: no such
 * place. The others have lower numbers. */
struct slot *slots_at(struct verifier *v, struct state *s, const struct reg *r, u32 nr);
/* The slots from T down, of the object that R points at, are written. */
void slots_overwrite(struct verifier *v, struct state *s, u32 at, const struct reg *r,
		     struct slot *t, u32 nr);
/* iter.c: NULL: NAME is no function of an iterator. */
const struct kfunc *iter_kfunc(const char *name);
void iter_leave_section(struct slot *t);	/* the read section ends */
/* REF is given back: those that go over its members have none any more. */
void iter_leave_owner(struct state *s, u32 ref);
/* The kind of one that keeps an address space locked, or NULL. */
const char *iter_locking(const struct state *s);
enum step step_call_kfunc(struct verifier *v, struct state *s, u32 at);
bool kfunc_moves_packet(const struct verifier *v, u32 at);
bool kfunc_iterates(const struct verifier *v, u32 at);
/* call.c: nothing but INSIDE may be called while a lock is held. */
void check_locked(struct verifier *v, struct state *s, u32 at, bool inside);

/* The callback of bpf_rbtree_add, as a number among those of helpers. */
enum { CALLBACK_LESS = 1 << 16 };
/* args.c: where the lock that R points at is. */
void lock_place(const struct reg *r, u32 *map, u32 *uid);
/* callback.c: the call's function may run; what it returns to. */
void callback_enter(struct verifier *v, struct state *s, const struct call *c);
/* What is open here so that nothing may sleep, in words, or NULL. */
const char *section_open(const struct verifier *v, const struct state *s);
/* Is the callback of ROW one that runs as work, and may sleep? */
bool callback_is_work(const struct helper_row *row);
enum step callback_exit(struct verifier *v, struct state *s, u32 at);

/* global.c: functions that are judged by their types, once. Fills in what functions
 * do, or those that they call: moves_packet, might_sleep. */
void global_effects(struct verifier *v);
enum step call_global(struct verifier *v, struct state *s, u32 at, u32 func);
/* The registers of the first frame of S for global function FUNC. */
void global_args(struct verifier *v, struct state *s, u32 func);

/* subprog.c: what must be given back before another program runs, or this one ends:
 * references; sections, too. */
void check_held(struct verifier *v, struct state *s, u32 at);
bool check_refs(struct verifier *v, struct state *s, u32 at, enum reject_id id);

#endif
