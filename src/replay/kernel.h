/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel.h: recordings of programs that run in the kernel. In: an image and what the
 * verifier knows of its programs. Out: the same image with programs that tell what they saw,
 * for a loader; and, in the checked interpreter, the runs that they told of.
 *
 * What a program computes follows from what it got from outside: from loads through
 * pointers that are not to its own stack, from atomics there that fetch, and from helpers.
 * Everything else, registers and stack, is computed again. So the words of a run are, in the
 * order of execution:
 *
 *	SAW_VALUE	a load or an atomic: the register as it is afterwards
 *	SAW_CALL	a call: r0, unless the helper gives nothing; then for each argument
 *			that it writes to the memory there, filled up to 8 bytes
 *	SAW_LOOP	may_goto: 0 when it went on, 1 when the kernel ended the loop
 *	SAW_ENTER	the first instruction of a callback: 1, and the arguments that its
 *			helper gives it, without what the program gave to that. The call
 *			that has called back says 0 first.
 *			A tail call tells 0 behind it, when it led nowhere; else there are
 *			no more words. LD_ABS and LD_IND tell r0, or TELL_OUTSIDE.
 *	SAW_KEY		with CALL: its callbacks tell the key that they get, too, behind
 *			their arguments and filled up to 8 bytes
 *
 * Read-only variables do not change, and are not told.
 */
#ifndef REPLAY_KERNEL_H
#define REPLAY_KERNEL_H

#include "model/image.h"
#include "replay/record.h"
#include "verify/verify.h"

enum plan_saw {
	SAW_NOTHING, SAW_VALUE, SAW_CALL, SAW_LOOP, SAW_WHAT = 3,	/* one of these, and bits */
	SAW_ENTER = 4, SAW_KEY = 8,
};

/* ---- plan.c: what is told, where ------------------------------------------------- */

enum { PLAN_OUTS = 3 };		/* arguments that a call writes to, at most */

/* Memory that a call writes. */
struct plan_out {
	u8 reg;			/* that points to it */
	u8 size_reg;		/* that has its bytes; 0: these are */
	u32 bytes;
};

/* What LD_ABS tells where the packet has no such bytes, and the function ends. */
#define TELL_OUTSIDE UINT64_MAX

/* What a call tells. */
struct plan_call {
	bool has_ret;
	bool tail;		/* the run goes on in another program, or tells 0 */
	u8 func_reg;		/* the callback; 0: none */
	u8 ctx_reg;		/* what is handed to that */
	u8 cb_args;		/* arguments of a callback before that */
	u32 nr_outs;
	struct plan_out outs[PLAN_OUTS];
};

/* Of IN, a call of a helper or a kernel function; value_bytes of a map are those of map MAP of
 * IMG (or FACT_NO_MAP). NULL, or why it cannot be recorded. */
const char *plan_call(struct plan_call *out, const struct image *img,
		      const struct image_prog *prog, const struct bpf_insn *in, u32 map);
/* The register that the instruction at IN loads: -1: it loads nothing. */
s32 plan_loads(const struct bpf_insn *in);

/* A function of a program. */
struct plan_func {
	u32 start;		/* slot */
	u8 cb_args;		/* of a callback: as in struct plan_call */
	bool callback;
	bool any_key;		/* of a callback: of several maps whose keys differ in size */
	u32 key_bytes;		/* that its second argument points to; 0: it is no key */
	u8 spare;		/* r1..r5: an argument that it does not have; 0: the slot's
				   address comes with the fifth, as callbacks get it */
	u32 depth;		/* bytes of its stack */
};

struct plan {
	u8 *saw;		/* [nr_insns] enum plan_saw */
	struct plan_func *funcs;	/* [prog->nr_funcs] */
	u32 *maps;		/* [nr_insns] of a call: map that its argument is */
	const char *refused;	/* why nothing can be told, or NULL; at INSN */
	u32 insn;
};

/* R is the verdict OK of PROG, with facts. All of OUT lives in ARENA. */
void plan_make(struct plan *out, struct arena *arena, const struct image *img,
	       const struct image_prog *prog, const struct verify_result *r);

/* ---- instrument.c ------------------------------------------------------------------ */

enum {
	TELL_SLOT = 32 << 10,	/* of memory for a run */
	TELL_SLOTS = 4,		/* for each cpu: runs that are under way on it */
	TELL_RING = 16 << 20,
	TELL_BLOCK = 4 << 10,	/* that a call may write at once */
};

enum tell_flag {
	TELL_LEFT = 1,		/* a tail call is next: this is all, or MORE comes */
	TELL_MORE = 2,		/* the tail call behind what LEFT (that run has the same ns and
				   prog) led nowhere, and the run went on */
};

/* The beginning of a slot, and of what comes through the ring buffer. */
struct tell_head {
	u64 busy;		/* a run has it; the last slot, which runs share that find
				   none: always */
	u32 self;		/* number of the slot */
	u32 pos;		/* bytes of words behind this; more than fit: cut */
	u64 ret;
	u64 ns;			/* bpf_ktime_get_ns() at the beginning */
	u32 prog;		/* index in the image */
	u32 cpu;
	u32 waste;		/* nobody gets this */
	u32 flags;		/* enum tell_flag */
	u32 pad[4];
};
_Static_assert(sizeof(struct tell_head) == 64, "words follow");

enum { TELL_WORDS = TELL_SLOT - (int)sizeof(struct tell_head) };

/* Behind the slots. */
struct tell_tail {
	u64 no_slot;		/* runs that found none */
	u64 no_room;		/* whose words found no room in the ring buffer */
};

struct tell {
	struct image *img;	/* programs that tell, and the two maps; lives in ARENA */
	struct arena arena;
	struct plan *plans;	/* [nr_progs] of those that do */
	u32 slots, ring;	/* maps */
	u32 cpus, nr_slots;	/* the latter a power of two */
};

/* OUT->img is IMG with the two maps, whose programs are as they were. CPUS: numbers that a
 * cpu of this system may have. Lives no longer than IMG. */
void tell_begin(struct tell *out, const struct image *img, u32 cpus);
/* Program PROG tells from now on: R is its verdict OK with facts. NULL, or why it cannot, at
 * plans[PROG].insn; it is as it was then. */
const char *tell_prog(struct tell *t, const struct image *img, u32 prog,
		      const struct verify_result *r);
void tell_free(struct tell *t);
/* What map SLOTS must have before programs run: value_size bytes, to be freed. */
void *tell_slots(const struct tell *t);

#endif
