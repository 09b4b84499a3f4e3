/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * private.h: between jit.c, which finds functions and has memory, and what
 * writes code for a processor.
 */
#ifndef JIT_PRIVATE_H
#define JIT_PRIVATE_H

#include "base/vec.h"
#include "jit/jit.h"

/* A function of the program: slots [start, end). */
struct jit_unit {
	u32 start, end;
	bool entered;		/* from outside: C may call it */
	bool frame;		/* r10 is read */
	bool calls;		/* functions of the program, or for good */
	bool may_goto;
	u8 saved;		/* bit N: r6 + N is written */
	u8 params;		/* bit N: rN is read at the start, as far as is known */
	u8 *inner;		/* code that calls among functions reach */
	u8 *outer;		/* code that C calls, when entered */
};

struct jit_code {
	u8 *mem;		/* executable */
	size_t mem_bytes;	/* mapped */
	u32 bytes;		/* code */
	u32 nr_insns;
	enum jit_tier tier;
	const struct jit_arch *arch;
	bool runs;		/* it is for this processor */
	/* where the code of each slot begins in mem, ascending; a slot may have
	   several places, or none */
	VEC(struct jit_place) marks;
	VEC(struct jit_step) steps;
	struct jit_unit *units;	/* sorted */
	u32 nr_units;
};

static inline void jit_mark(struct jit_code *c, u32 slot, const u8 *at)
{
	struct jit_place *last = c->marks.n ? &c->marks.v[c->marks.n - 1] : NULL;

	if (last && last->off == (u32)(at - c->mem))
		last->slot = slot;
	else if (!last || last->slot != slot)
		*vec_push(&c->marks) = (struct jit_place){ (u32)(at - c->mem), slot };
}

/* Code of U that is called begins at P: the caller's stack ends DIST above BASE. */
static inline void jit_begin(struct jit_code *c, const struct jit_unit *u, const u8 *p, u8 base,
			     u32 dist)
{
	*vec_push(&c->steps) = (struct jit_step){ (u32)(p - c->mem), u->start, true, base,
						  JIT_NO_REG, dist, 0 };
}

/* From P on it ends there, and SAVED is kept AT below that. */
static inline void jit_step(struct jit_code *c, const u8 *p, u8 base, u32 dist, u8 saved, u32 at)
{
	u32 slot = c->steps.v[c->steps.n - 1].slot;

	*vec_push(&c->steps) = (struct jit_step){ (u32)(p - c->mem), slot, false, base, saved,
						  dist, at };
}

/* A program on its way. */
struct jit_build {
	const struct jit_bind *bind;
	struct jit_code *code;
	const char *where;
	struct skep_err *err;
	const u8 *ops;		/* enum isa_op of each slot, nr_insns */
	u32 *offsets;		/* in one pass: code of each slot, in mem */
	u8 *limit;		/* of mem: code that reaches it must be made again */
	u32 cpu;		/* what the processor can, JIT_X64_ or JIT_A64_ */
	bool stops;		/* functions may end with run.stop set */
};

/* An address as code has it: VALUE, or what is DISP from the run, and VALUE more. */
struct jit_ref { bool entry; s32 disp; u64 value; };

/* VALUE, which is WHAT at SLOT. */
static inline struct jit_ref jit_ref(const struct jit_build *b, enum jit_what what, u32 slot,
				     u64 value)
{
	struct jit_ref r = { .value = value };

	if (b->bind->entry && value) {
		r.entry = true;
		r.disp = JIT_ENTRY(b->bind->entry(b->bind->arg, what, slot, value, &r.value));
	}
	return r;
}

/* What the jump or call at slot AT takes from run.left; 0: nothing. */
u32 jit_cost(const struct jit_build *b, u32 at);

/* Bytes before the first function: who checks calls by pointers (-fsanitize=function,
 * control-flow integrity) looks in front of what is called. */
enum { JIT_LEAD = 16 };

/* Bytes that the code of any one instruction needs at most, with what begins
 * and ends a function. */
enum { JIT_INSN_BYTES = 176 };

/* ---- processors: arch.c ------------------------------------------------ */

struct jit_arch {
	const char *name;	/* as `uname -m` has it */
	/* Writes all code to code->mem, fills offsets, bytes and addresses of units.
	   0, ERR_UNSUPPORTED, or 1: there is not enough room, to be called again
	   with more. */
	int (*write)(struct jit_build *b);
	/* The same by the optimising compiler; 2: it gives up. NULL: there is none. */
	int (*optimise)(struct jit_build *b);
	bool entries;		/* both heed jit_bind.entry */
	const char *cpu;	/* names of the bits below */
};

/* What not every processor of its kind can. */
enum { JIT_X64_BMI2 = 1 << 0 };
enum { JIT_A64_LSE = 1 << 0 };	/* atomic instructions of ARMv8.1 */

const struct jit_arch *jit_arch_find(const char *name);	/* or NULL */
const struct jit_arch *jit_arch_host(void);		/* or NULL */
void jit_arch_names(struct strbuf *out);		/* of all, for messages */

int jit_x64_write(struct jit_build *b);
int jit_x64_optimise(struct jit_build *b);
int jit_a64_write(struct jit_build *b);

/* jit_compile() for any processor, which can CPU. */
int jit_compile_arch(struct jit_code **out, const struct jit_bind *bind, enum jit_tier tier,
		     const struct jit_arch *arch, u32 cpu, const char *where,
		     struct skep_err *err);

/* CODE, which was made with jit_bind.entry, runs here from now on. -1: the system gives no
 * executable memory. */
int jit_settle(struct jit_code *code);

/* The function that begins at slot AT. */
struct jit_unit *jit_unit_at(const struct jit_code *code, u32 at);

#endif
