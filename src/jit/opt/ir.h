/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir.h: a function of a program as the optimising compiler sees it: blocks of
 * values, each assigned once (SSA). One value is one struct ir; operands are
 * pointers. Values are 64 bits wide; an operation of width 32 looks at the low
 * halves and gives a number below 2^32, as BPF's do.
 *
 *	value.c   values are made
 *	build.c   instructions to blocks and values
 *	slots.c   stack slots that nothing else points to become values
 *	merge.c   words that helpers get are stored at once
 *	fold.c    simpler values, the same value once; compare.c: comparisons;
 *	          rotate.c, bytes.c, divide.c: what several together compute
 *	select.c  short branches become conditional moves
 *	alone.c   atomic operations that nobody else may look at
 *	address.c what a machine's addresses and operands in memory take in
 *	order.c   layout, what is never used, who is used where
 *	hold.c    numbers that stay in registers through loops
 *
 * and then a processor's folder makes code of it.
 */
#ifndef JIT_OPT_IR_H
#define JIT_OPT_IR_H

#include "base/arena.h"
#include "base/vec.h"
#include "jit/private.h"

/*
 *	X(name, flags)	PURE: depends on its operands alone. COMM: operands may change
 *			places. EFFECT: stays, in order. END: of a block. FREE: made
 *			anew where it is needed, holds no register.
 */
#define IR_OPS(X) \
	X(CONST, PURE | FREE)	/* imm */ \
	X(FP, PURE | FREE)	/* the frame pointer + imm */ \
	X(FUNC, PURE | FREE)	/* address of the function at slot imm */ \
	X(ENTRY, PURE | FREE)	/* what lies `entry` from the run: an address, imm now */ \
	X(PARAM, 0)		/* imm: 1..5 = r1..r5, 6 = the run */ \
	X(PHI, 0)		/* an operand for each predecessor, in order; imm: at most */ \
	X(ADD, PURE | COMM)	/* b may be a late SELECT of 1 and 0 */ \
	X(SUB, PURE) X(MUL, PURE | COMM) \
	X(AND, PURE | COMM) X(OR, PURE | COMM) X(XOR, PURE | COMM) \
	X(SHL, PURE) X(SHR, PURE) X(SAR, PURE)	/* counts modulo the width */ \
	X(ROL, PURE)		/* by imm */ \
	X(UDIV, PURE) X(UMOD, PURE) X(SDIV, PURE) X(SMOD, PURE)	/* BPF's, of 0 and -1 */ \
	X(MULHI, PURE | COMM)	/* upper 64 of the 128 bits of a product */ \
	X(NEG, PURE) \
	X(ZEXT, PURE)		/* the low w bits: 8, 16, 32 */ \
	X(SEXT, PURE)		/* from imm bits to w */ \
	X(BSWAP, PURE)		/* w: 16, 32, 64; the rest 0 */ \
	X(LEA, PURE)		/* a + (index << scale) + imm, in width w */ \
	X(SELECT, PURE)		/* a CC b ? c : d, compared in width w */ \
	X(LOAD, 0)		/* w bits at address; sign: extended */ \
	X(STORE, EFFECT)	/* value b to w bits at address; cc: an operation
				   (enum ir_op), what is there op b */ \
	X(ATOMIC, EFFECT)	/* what was there; cc: enum isa_kind. With the run as last
				   operand no lock where run.alone says so */ \
	X(CALL, EFFECT)		/* body imm with operands as r1.. and the run last;
				   cc: the body lies `entry` from the run */ \
	X(LOCAL, EFFECT)	/* the function at slot imm, the same way */ \
	X(PACKET, EFFECT)	/* operands run, offset; w bits; ends the function; imm, cc
				   as of CALL */ \
	X(TAIL, EFFECT)		/* ctx, map, index, run: goes on there, or gives -1;
				   imm, cc as of CALL */ \
	X(JMP, EFFECT | END) \
	X(BR, EFFECT | END)	/* a CC b, compared in width w: to succ[0] */ \
	X(MAY_GOTO, EFFECT | END)	/* count used up: to succ[0] */ \
	X(RET, EFFECT | END)	/* a */ \
	X(STOP, EFFECT)		/* operand run; cc: enum ir_stop */ \
	X(TRAP, EFFECT | END)	/* operand run: says where, and ends the function */

enum ir_op {
	IR_NONE,
#define X(name, flags) IR_##name,
	IR_OPS(X)
#undef X
	IR_MAX
};

enum ir_flag { PURE = 1, COMM = 2, EFFECT = 4, END = 8, FREE = 16 };
extern const u8 ir_flags[IR_MAX];

/* Conditions; JSET: a & b is not 0. */
enum ir_cc { IR_EQ, IR_NE, IR_ULT, IR_ULE, IR_UGT, IR_UGE, IR_SLT, IR_SLE, IR_SGT, IR_SGE,
	     IR_SET, IR_CLEAR };

/* The function ends, when run.stop is set; or when nothing is left of run.left after
 * the slot's cost. */
enum ir_stop { STOP_ASKED, STOP_COST };

enum { IR_RUN = 6 };	/* the run among ir_func.params */

struct ir_block;

struct ir {
	u8 op, w, cc;
	u8 scale;		/* of an address: index << scale */
	bool sign;		/* LOAD */
	bool late;		/* LOAD, SELECT: its one user does it itself */
	bool held;		/* CONST: has a register while there are enough */
	bool seen;		/* for passes */
	u8 bits;		/* the value is below 2^bits */
	u8 reg;			/* while code is made */
	u16 n;			/* operands */
	u32 uses;
	struct ir *rep;		/* what it was replaced by, or NULL */
	struct ir **arg;	/* own, or n of them elsewhere */
	struct ir *own[4];
	/* ---- what fewer passes look at */
	u64 ones;		/* bits that may be 1: below 2^bits */
	u64 imm;		/* LOAD, STORE, ATOMIC: added to the address (s32) */
	struct ir *index;	/* of an address, or NULL */
	struct ir_block *block;
	u32 id, slot;		/* of the program, for line tables */
	u32 epoch;		/* writes to memory before it in its block */
	u32 stamp;
	/* ---- while code is made */
	bool in_mem;		/* its place in the frame has it now */
	bool home;		/* it is stored there where it is made */
	s32 place;		/* in the frame, or -1 */
	u32 first, last;	/* positions of its definition and of its last use */
	u32 *use;		/* positions, ascending */
	u32 nr_use, at_use;
	struct ir *phi;		/* one that gets this value at the end of a block */
	u8 phi_reg;		/* where a PHI is at the start of its block */
	s32 entry;		/* of ENTRY, CALL, TAIL, PACKET: distance from the run */
};

typedef VEC(struct ir *) ir_list;

struct ir_block {
	u32 id;			/* in layout order, after order.c */
	u32 start, end;		/* slots; of what build.c made */
	ir_list phis, nodes;	/* the last node is an END */
	struct ir_block **pred, *succ[2];
	u32 at_succ[2];		/* which predecessor of succ[] it is: order.c */
	u32 nr_pred, nr_succ, cap_pred;
	struct ir_block *idom;
	u32 dom_in, dom_out;	/* numbers of a walk over the dominator tree */
	u32 depth;		/* loops around */
	bool header;
	bool done;
	bool divides;		/* of a header: the processor's divisions are in its loop */
	u64 live_in;		/* build.c: registers; slots.c: slots */
	u64 use, def;
	struct ir **env;	/* at its end, by variable */
	/* ---- while code is made */
	u32 pos, edge;		/* positions of the first node and of the edges out */
	u32 loop_last;		/* of a header: last position of its loop */
	struct ir_block *loop;	/* header of the innermost loop around, or NULL */
	struct ir_block *outer;	/* of a header: that of the loop around it */
	u32 pressure;		/* of a header: values that live at once in its loop */
	u32 held;		/* of a header: numbers held in its loop */
	ir_list live;		/* into it, without phis */
	void *entry;		/* the processor's: where values are at its start */
	u8 *code;
};

typedef VEC(struct ir_block *) block_list;

/* What passes ask about the processor. */
struct ir_target {
	u32 regs;		/* for values */
	/* Operand I of V, a number, must be in a register. */
	bool (*in_reg)(const struct ir *v, u32 i);
	/* Addresses have scaled indexes and 32-bit distances, operations a memory operand. */
	bool complex;
};

enum { NUMBERS_LOG = 8 };

struct ir_func {
	struct arena *arena;
	const struct jit_build *b;
	struct jit_unit *unit;
	struct ir_block *first;
	block_list blocks;	/* reachable ones, in reverse postorder */
	u32 nr_nodes;
	struct ir **all;	/* that are used: ir_collect */
	u32 nr_all;
	struct ir *params[7];
	bool has_calls, may_goto;
	bool leaks;		/* pointers to the stack are elsewhere than in helpers: slots.c */
	bool entries;		/* some of it is told by what lies below the run */
	u32 depth;		/* bytes of the stack that are memory: slots.c */
	u32 shown;		/* bytes of the stack that a struct run_frame tells of */
	const struct ir_target *target;
	void *table;		/* fold.c: values by what they compute */
	u32 nr_folds;
	bool decided;		/* fold.c: there is a branch whose way is known */
	struct ir *numbers[1 << NUMBERS_LOG];	/* some of them, to be used again */
};

/* ---- making values ---------------------------------------------------------- */

struct ir *ir_new(struct ir_func *f, enum ir_op op, u32 w, u32 n);
struct ir *ir_constant(struct ir_func *f, u64 v);	/* may be an old one */
struct ir *ir_free_value(struct ir_func *f, enum ir_op op, u64 imm);
/* The address VALUE, which is WHAT at SLOT, less *MORE, which is to be added. */
struct ir *ir_addr(struct ir_func *f, enum jit_what what, u32 slot, u64 value, u64 *more);
/* CALL is of the body at VALUE. */
void ir_calls(struct ir_func *f, struct ir *call, enum jit_what what, u64 value);

/* stamp is 0 everywhere, as passes want it that count there. */
void ir_unstamp(struct ir_func *f);

/* What V stands for now. */
static inline struct ir *ir_rep(struct ir *v)
{
	while (v && v->rep) {
		if (v->rep->rep)	/* the way is shorter the next time */
			v->rep = v->rep->rep;
		v = v->rep;
	}
	return v;
}

static inline bool ir_has_address(const struct ir *v)
{
	return v->op == IR_LOAD || v->op == IR_STORE;
}

static inline bool ir_is(const struct ir *v, enum ir_op op) { return v->op == op; }
static inline bool ir_is_const(const struct ir *v) { return v->op == IR_CONST; }
static inline bool ir_is_entry(const struct ir *v) { return v->op == IR_ENTRY; }
/* The same each time: held in registers through loops. */
static inline bool ir_is_fixed(const struct ir *v) { return ir_is_const(v) || ir_is_entry(v); }
static inline bool ir_pure(const struct ir *v) { return ir_flags[v->op] & PURE; }
static inline bool ir_remade(const struct ir *v) { return ir_flags[v->op] & FREE; }

/* A number that is made anew where it is needed, and in no register between. */
static inline bool ir_loose(const struct ir *v) { return ir_remade(v) && !v->held; }

enum { IR_OPERANDS = 8 };	/* of one node, at most */

static inline u32 ir_operand(struct ir *x, struct ir **out, u32 n)
{
	out[n++] = x->late ? x->arg[0] : x;
	if (x->late && x->index)
		out[n++] = x->index;
	return n;
}

/* What V reads when it is executed, with what its late loads read. */
static inline u32 ir_operands(const struct ir *v, struct ir **out)
{
	u32 n = 0;

	for (u32 i = 0; i < v->n; i++)
		if (v->arg[i]->late && v->arg[i]->op == IR_SELECT) {
			n = ir_operand(v->arg[i]->arg[0], out, n);
			n = ir_operand(v->arg[i]->arg[1], out, n);
		} else {
			n = ir_operand(v->arg[i], out, n);
		}
	if (v->index)
		out[n++] = v->index;
	return n;
}

static inline u64 ir_sext(u64 v, u32 from)
{
	return (u64)((s64)(v << (64 - from)) >> (64 - from));
}

static inline u64 ir_mask(u32 bits) { return bits >= 64 ? ~0ull : (1ull << bits) - 1; }

/* ---- passes, in order --------------------------------------------------------- */

/* Which of r1..r5 UNIT reads at its start, as a mask; given those of the functions
 * that it calls. */
u32 ir_params(struct ir_func *f);
/* Blocks and values of UNIT. 0 or ERR_UNSUPPORTED. */
int ir_build(struct ir_func *f);
void ir_free(struct ir_func *f);	/* but for its arena */
void ir_slots(struct ir_func *f);
void ir_merge(struct ir_func *f);
void ir_fold(struct ir_func *f);
void ir_select(struct ir_func *f);
void ir_alone(struct ir_func *f);
void ir_order(struct ir_func *f);
/* Parts of order: */
void ir_address(struct ir_func *f);
void ir_memory(struct ir_func *f);
void ir_hold(struct ir_func *f);

/* All of the above: 0 or the error. Then all that is used to f->all. */
int ir_compile(struct ir_func *f);
void ir_collect(struct ir_func *f);

/* Numbers the dominator tree; blocks must be in reverse postorder. */
void ir_dominators(struct ir_func *f);
static inline bool ir_dominates(const struct ir_block *a, const struct ir_block *b)
{
	return a->dom_in <= b->dom_in && b->dom_out <= a->dom_out;
}
/* Blocks that can be reached, in reverse postorder; the others' edges are gone. */
void ir_blocks(struct ir_func *f);
/* Phis that are all the same value are that value. */
void ir_phis(struct ir_func *f);
/* Sets bits of every value. */
void ir_bits(struct ir_func *f);

/* What V, with its operands as they are, is simpler; V itself when it is not.
 * In fold.c; makes new values at the end of the list that it works on. */
struct ir *ir_simplify(struct ir_func *f, struct ir *v);
struct ir *ir_emit(struct ir_func *f, struct ir *v);
/* In compare.c. V, a branch or choice, compares as simply as can be; what a choice is. */
void ir_compare(struct ir_func *f, struct ir *v);
struct ir *ir_choose(struct ir_func *f, struct ir *v);
/* Its comparison is true (1) or false (0), or it depends (-1). */
int ir_known(const struct ir *v);
/* Branches whose way is known are jumps. */
void ir_decide(struct ir_func *f);
enum ir_cc ir_negated(u32 cc);
/* X as one of whose bits only the low W matter. */
struct ir *ir_strip(struct ir *x, u32 w);
struct ir *ir_number(struct ir_func *f, u64 imm);
/* Recognised as something simpler, or NULL. */
struct ir *ir_rotate(struct ir_func *f, struct ir *v);
struct ir *ir_bytes(struct ir_func *f, struct ir *v);
struct ir *ir_divide(struct ir_func *f, struct ir *v);
/* A pure value of two operands, simplified, among those made now. */
struct ir *ir_two(struct ir_func *f, enum ir_op op, u32 w, struct ir *a, struct ir *b);
struct ir *ir_one(struct ir_func *f, enum ir_op op, u32 w, struct ir *a, u64 imm);

/* ---- induct.c ---- */

/* What PHI is at most, when it counts its loop; else all ones. */
u64 ir_phi_max(struct ir *phi);
/* Tests look at counters after they grew. */
void ir_induct(struct ir_func *f);

/* ---- slots.c ---- */

/* V is the frame pointer plus *OFF; IR_FAR: perhaps, at any distance. */
#define IR_FAR INT64_MIN
bool ir_fp_offset(const struct ir *v, s64 *off);

/* ---- inline.c ---- */

/* The call of BLOCK at SLOT as values, which end the block so far, or NULL: it has to be a
 * call. ARG: r1 and r2. */
struct ir *ir_inline(struct ir_func *f, struct ir_block *block, u32 slot,
		     struct ir *const arg[2]);
/* The same for calls that had to be until ir_phis, as whose map a loop goes around. */
void ir_inline_late(struct ir_func *f);

/* For people: the function as text. */
void ir_show(struct strbuf *out, const struct ir_func *f);

#endif
