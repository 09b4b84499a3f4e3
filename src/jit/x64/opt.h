/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opt.h: the back end of the optimising compiler for x86-64: registers are given
 * while code is written, block by block. A value that does not fit into registers
 * is kept in its place in the frame, and comes back where it is used next; where
 * blocks meet, moves at the ends of the blocks before make all agree with what the
 * first of them decided. A function is written twice: the first time tells how big
 * the frame is, which registers must be kept, which jumps are short and which
 * values should be in the frame from the start.
 */
#ifndef JIT_X64_OPT_H
#define JIT_X64_OPT_H

#include "jit/opt/ir.h"
#include "jit/x64/emit.h"

enum { NOREG = 0xff, REGS = 16, SCRATCH = R11, SCRATCH2 = R10, RUN_REG = RBX };

#define BIT(r) (1u << (r))
enum {
	CALLEE_SAVED = BIT(RBX) | BIT(RBP) | BIT(R12) | BIT(R13) | BIT(R14) | BIT(R15),
	CALLER_SAVED = BIT(RAX) | BIT(RCX) | BIT(RDX) | BIT(RSI) | BIT(RDI) | BIT(R8) | BIT(R9),
	ALL_REGS = CALLEE_SAVED | CALLER_SAVED,
	REGS_FREE = 13,
};

/* Where values are at the start of a block. */
struct entry {
	struct ir *reg[REGS];
	u16 in_mem;		/* also in the frame */
	bool set;
};

/* A distance to be filled in. */
enum { TO_BLOCK, TO_FUNC };
struct jump { u8 *at; bool is_short; u8 kind; struct ir_block *block; };
/* A way out of the function, from AT: nothing of the budget is left for what SLOT does;
 * or it was asked to stop. */
struct way_out { u8 *at; u32 slot; u8 run; bool asked; };
/* Code behind the function's: what a division gives by 0, or MINUS 1. */
struct aside { u8 *at, *back; bool minus, rest, wide; };
enum { ASIDE_BYTES = 16 };
/* Between functions: to the one at SLOT. */
struct link { u8 *at; u32 slot; };
typedef VEC(struct link) link_list;

struct ra {
	struct jit_build *b;
	struct ir_func *f;
	u8 *p;
	struct ir *reg[REGS];
	struct ir *left[REGS];	/* before a call: what moved away, and is there still */
	u32 pinned;		/* registers of the instruction at work */
	u32 used;		/* of CALLEE_SAVED, so far */
	struct ir *run;		/* in RUN_REG all the time, as entries are read from there;
				   or NULL: it is like other values */
	const struct ir *flags;	/* whose comparison the flags are of, or NULL */
	u32 wanted;		/* where PHIs of the blocks behind are to be */
	u32 pos;
	struct ir_block *block;
	u32 *calls, nr_calls;	/* positions */
	struct ir **at;		/* node of each position */
	VEC(u32) places;	/* last position of who had each place in the frame */
	VEC(u32) temps;		/* places for a moment */
	VEC(struct jump) jumps;
	VEC(struct aside) asides;
	VEC(struct way_out) outs;
	link_list *links;
	bool bmi2, fp_used, calls_made;
	/* from the first time */
	bool second, only_long, overflow, good;
	/* The program's stack ends at rsp + fp, and what lies above it at rsp + fp_at: a
	   struct run_frame lies below it, the count of may_goto above. */
	u32 saved, frame, fp, fp_at;
	u32 *offsets;		/* of blocks */
};

/* ---- regs.c ------------------------------------------------------------------ */

/* A register for V (or for a moment, V NULL) out of ALLOWED; HINT first. */
u32 ra_alloc(struct ra *a, u32 allowed, u32 hint, const struct ir *v);
/* V in a register, which stays pinned until ra_done. */
u32 ra_get(struct ra *a, struct ir *v);
/* V was made in R. */
void ra_set(struct ra *a, struct ir *v, u32 r);
/* Operands of the node that are not used any more free their registers. */
void ra_free_dead(struct ra *a, const struct ir *node, const struct ir *keep);
bool ra_dead(struct ra *a, struct ir *v);
/* R holds nothing any more: what was in it is elsewhere when it is needed. */
void ra_clear(struct ra *a, u32 r);
/* What R holds is forgotten. */
void ra_drop(struct ra *a, u32 r);
/* Before a call: what lives on is safe from it, EXTRA as well. */
void ra_before_call(struct ra *a, struct ir *const *extra, u32 nr_extra);
void ra_after_call(struct ra *a);
/* The register that V had best be made in. */
u32 ra_hint(struct ra *a, const struct ir *v);
/* The same, of the PHIs that V ends in; it may be taken. */
u32 ra_phi_hint(const struct ir *v);
bool ra_crosses(const struct ra *a, const struct ir *v);
struct x64_addr ra_place(struct ra *a, struct ir *v);
void ra_store(struct ra *a, struct ir *v);
/* V to R, from wherever it is; flags stay. */
void ra_load(struct ra *a, struct ir *v, u32 r);
struct x64_addr ra_fp(struct ra *a, s64 off);

/* ---- moves.c: all at once ------------------------------------------------------- */

struct move { u32 dst; struct ir *v; };	/* v to register dst */
/* Each V of M to its register, whatever the registers hold; flags stay. */
void ra_moves(struct ra *a, const struct move *m, u32 n);
/* The state of block TO that this edge is the first to decide. */
void ra_enter(struct ra *a, struct ir_block *to);
/* Code that makes the state what TO expects; writes nothing when DRY. Whether there is
 * any. */
bool ra_edge(struct ra *a, struct ir_block *to, bool dry);
/* Writes the same before the branch, if it changes nothing that the other way, to be
 * entered already, or the branch needs. */
bool ra_edge_early(struct ra *a, struct ir_block *to);
/* Marks what lives at the end of BLOCK. */
void ra_live_out(struct ir_block *block);
/* Begins BLOCK with the state that was decided. */
void ra_start(struct ra *a, struct ir_block *block);

/* ---- opt_alu.c, opt_mem.c: nodes by what they do -------------------------- */

static inline bool ra_wide(const struct ir *v) { return v->w == 64; }
/* A number that an instruction of V's width can have in itself. */
static inline bool ra_imm(const struct ir *v, const struct ir *x)
{
	return ir_is_const(x) && (v->w < 64 || fits32((s64)x->imm));
}

/* Operand I of V, a number, is no part of the instruction. */
bool ra_in_reg(const struct ir *v, u32 i);
/* The place that V, a load or store, reaches; its registers stay pinned. */
struct x64_addr ra_address(struct ra *a, struct ir *v);
/* Values that are reckoned. */
void ra_compute(struct ra *a, struct ir *v);
/* Operands 0 and 1 of a branch to registers; then the comparison, which writes to
 * none; and what is true when its condition is. */
void ra_compare_get(struct ra *a, struct ir *v);
void ra_compare(struct ra *a, const struct ir *v);
enum x64_cc ra_cc(u32 cc);
/* Loads, stores, atomics. */
void ra_memory(struct ra *a, struct ir *v);

#endif
