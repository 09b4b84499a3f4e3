/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.h: between the files that make intermediate code of a typed script. Numbers are
 * values of 64 bits, extended as their type says; everything else is memory: an address
 * in BPF's own (a stack slot, a map's value, a record), in the kernel or in a process.
 * Private to lower*.c.
 */
#ifndef LANG_LOWER_H
#define LANG_LOWER_H

#include "lang/sema.h"

struct val {
	const struct ty *ty;
	struct ir_insn *v;	/* the number, or the address */
	enum ty_space space;	/* of memory: SPACE_NONE is BPF's own */
};

struct loop {
	struct loop *outer;
	struct ir_block *next, *end;	/* NULL: the loop's body is a function */
	struct ir_insn *iter;		/* an open-coded iterator, or NULL */
	u32 walked;			/* rounds that the verifier goes through one by one, of
					   this loop and those around it; 0: none of this one */
};

/* A function that is called: its body stands here. */
struct inner {
	struct inner *outer;
	struct loop *loops;		/* those around the call */
	struct ir_block *end;
};

/* A stack slot for what lives no longer than a statement. */
struct temp { struct ir_insn *slot; u32 bytes; bool taken; };

/* A function that is built. */
struct low {
	struct lang *l;
	struct prog *p;
	struct ir_func *f;
	u32 depth;		/* 0: the program; else a callback in DEPTH - 1 */
	struct ir_insn *ctx;	/* the program's context */
	struct ir_insn *scratch;	/* memory of this cpu, or NULL */
	s32 scratch_caps;	/* GUARDED: where captured variables have its address */
	bool *wants_scratch;	/* somebody needed it */
	u32 *scratch_at;	/* bytes of it in use */
	u32 rooms_end;		/* of these, up to here variables of this function's blocks */
	u32 *scratch_max;
	u32 stack_used;
	VEC(struct temp) temps;
	struct ir_insn *own, *up;	/* captured variables: of this function, of the one
					   around: enum caps_at, then variables */
	struct loop *loops;
	struct inner *inner;	/* the innermost; NULL: the program's own code */
	struct ir_insn *record;	/* that is being filled, or NULL */
	struct ir_insn *iter_ptrs[4];	/* ITER: checked members of the context */
	struct ir_insn *unwind;	/* what dw_ustack works with, or NULL */
	struct node *at;	/* the statement */
};

/* What the memory for captured variables begins with. */
enum caps_at { CAPS_UP = 0, CAPS_CTX = 8, CAPS_RETURNED = 16, CAPS_VARS = 24 };
/* At CAPS_RETURNED: which was left from within a loop over a map. */
enum { RETURNED_PROGRAM = 1, RETURNED_FUNCTION = 2 };

/* ---- lower.c ----------------------------------------------------------------- */

void low_block(struct low *w, struct node *n);
void low_statement(struct low *w, struct node *n);
struct val low_fncall(struct low *w, struct node *n);
/* Ends the program, or the loop's function and then the program. */
void low_return(struct low *w);
static inline struct ir_insn *num(struct low *w, s64 v) { return ir_const(w->f, v); }
/* Blocks: A new one; what follows goes to B, and no more jumps go there but loops'. */
static inline struct ir_block *low_block_new(struct low *w) { return ir_block_new(w->f); }
void low_at(struct low *w, struct ir_block *b);
/* Adds 1 to counter I of the object. */
void low_count(struct low *w, u32 i);
struct ir_insn *low_counter(struct low *w, u32 i);
u32 low_ring(struct lang *l);			/* the ring buffer's number */
u32 low_stack_map(struct lang *l, u32 i, u32 level);	/* of unit.stacks */
/* The map of the object that is all zero and has at least BYTES. */
u32 low_zero_map(struct lang *l, u32 bytes);

/* ---- lower_frame.c ----------------------------------------------------------- */

enum { LOW_SCRATCH_LEVELS = 4 };	/* memories of a program that is guarded */

/* May a run of P begin in the middle of another one on the same cpu? Then its memory begins
 * with a word that says whether somebody is in it. */
bool low_is_guarded(const struct prog *p);
/* w->scratch; before the program ends it is given back. */
void low_get_scratch(struct low *w);
void low_release_scratch(struct low *w);
/* Is a loop over a map in N or what is next to it? */
bool low_has_callbacks(const struct node *n);
/* w->own, when the function needs it. */
void low_open_caps(struct low *w, bool callbacks);

/* ---- lower_core.c ------------------------------------------------------------ */

/* T, a struct of the kernel, in the object's BTF for CO-RE; 0: it is not there. */
u32 low_core_type(struct low *w, const struct ty *t);
/* The type of the kernel's variable NAME, of a struct its name alone, in the object's BTF. */
u32 low_kernel_var(struct lang *l, const char *name);

/* ---- lower_mem.c ------------------------------------------------------------- */

bool ty_is_mem(const struct ty *t);
/* Memory for T until the statement ends; for a variable, until the function does. */
struct ir_insn *low_temp(struct low *w, u32 bytes);
struct ir_insn *low_room(struct low *w, u32 bytes);
void low_temps_free(struct low *w, size_t slots, u32 scratch);
/* What is at ADDR + OFF in SPACE: a number, or memory as it is. */
struct val low_load(struct low *w, const struct ty *t, struct ir_insn *addr, s32 off,
		    enum ty_space space);
/* V as a T at BASE + OFF of BPF's memory; CLEAN: bytes behind a string's end are 0. */
void low_store(struct low *w, struct val v, const struct ty *t, struct ir_insn *base, s32 off,
	       bool clean);
/* V, a number, as T is: cut and extended. */
struct ir_insn *low_convert(struct low *w, struct ir_insn *v, const struct ty *from,
			    const struct ty *to);
void low_copy(struct low *w, struct ir_insn *to, s32 off, struct ir_insn *from, s32 from_off,
	      u32 bytes);
void low_zero(struct low *w, struct ir_insn *base, s32 off, u32 bytes);
/* A string of up to BYTES with its NUL from ADDR in SPACE: what was read, with its NUL. */
struct ir_insn *low_read_str(struct low *w, struct ir_insn *base, s32 off, u32 bytes,
			     struct ir_insn *addr, enum ty_space space);
void low_read(struct low *w, struct ir_insn *to, u32 bytes, struct ir_insn *addr,
	      enum ty_space space);
void low_text(struct low *w, struct ir_insn *base, s32 off, const char *text, u32 n, u32 bytes);
/* 1 or 0 as a value: are the two equal? */
struct ir_insn *low_equal(struct low *w, struct val a, struct val b);
struct ir_insn *low_equal_text(struct low *w, struct val a, const char *text, u32 n);

/* ---- lower_expr.c ------------------------------------------------------------ */

struct val low_expr(struct low *w, struct node *n);
struct ir_insn *low_num(struct low *w, struct node *n);
struct ir_insn *low_below(struct low *w, struct ir_insn *v, u32 n);
/* N's value as a T at BASE + OFF. */
void low_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base, s32 off,
	      bool clean);
void low_cond(struct low *w, struct node *n, struct ir_block *yes, struct ir_block *no);
/* The operation of an operator that computes. */
enum ir_op low_op(enum node_op op, bool is_signed);
struct ir_insn *low_binary(struct low *w, enum node_op op, struct val a, struct val b,
			   const struct ty *t);
void low_assign_var(struct low *w, struct var *v, struct val x);
struct val low_read_var(struct low *w, struct var *v);

/* ---- lower_map.c ------------------------------------------------------------- */

void low_maps(struct lang *l);		/* those of the script */
struct val low_map_read(struct low *w, struct node *n);
struct ir_insn *low_map_number(struct low *w, struct node *n);	/* of an aggregation */
void low_map_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		  s32 off);
void low_map_assign(struct low *w, struct node *n);
/* @x++ and its like: the value before or after. */
struct ir_insn *low_map_step(struct low *w, struct node *n);
struct ir_insn *low_delete(struct low *w, struct node *n);
struct ir_insn *low_has_key(struct low *w, struct node *n);
struct ir_insn *low_find(struct low *w, struct node *n);
struct ir_insn *low_len(struct low *w, struct node *n);
void low_for_map(struct low *w, struct node *n);
struct ir_insn *low_map_key(struct low *w, struct map_var *m, struct node *key);

/* ---- lower_call.c ------------------------------------------------------------ */

struct val low_call(struct low *w, struct node *n);
/* Calls that fill memory: false, N is none of them. */
bool low_call_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		   s32 off, bool clean);
struct val low_arg_field(struct low *w, struct node *n);

/* ---- lower_out.c ------------------------------------------------------------- */

void low_output(struct low *w, struct node *n, int f);
struct ir_insn *low_skboutput(struct low *w, struct node *n);
void low_complain(struct low *w, const char *text);
void low_helper_error(struct low *w, struct ir_insn *code, const char *helper);

/* ---- lower_unwind.c ---------------------------------------------------------- */

/* The function that all uses of dw_ustack share. */
void low_unwinder(struct lang *l);
/* dw_ustack, N, of process PID: its stack's hash. FRAMES: memory of how many there are and
 * their addresses. The second keeps it for who prints it. */
struct ir_insn *low_unwind(struct low *w, const struct node *n, struct ir_insn *pid,
			   struct ir_insn **frames);
void low_unwind_keep(struct low *w, const struct node *n, struct ir_insn *id,
		     struct ir_insn *frames);

/* ---- lower_text.c ------------------------------------------------------------ */

/* Address and space of what N points to, or is. */
struct val low_pointed(struct low *w, struct node *n);
/* V, at most MAX: a length that the verifier believes. */
struct ir_insn *low_at_most(struct low *w, struct ir_insn *v, u32 max);
void low_str_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		  s32 off, bool clean);
void low_buf_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		  s32 off, bool clean);
void low_concat_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		     s32 off, bool clean);
struct ir_insn *low_strlen(struct low *w, struct node *n);
/* 0: equal; else 1. */
struct ir_insn *low_strncmp(struct low *w, struct node *n);
/* Where the second begins in the first string, -1: nowhere. */
struct ir_insn *low_strstr(struct low *w, struct node *n);
struct ir_insn *low_memcmp(struct low *w, struct node *n);

#endif
