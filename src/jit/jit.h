/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * jit.h: native code for verified programs. In: instructions that only load
 * and store plain memory, with what their references mean. Out: functions to
 * call. Knows no map, no helper and no context: all come as addresses.
 *
 * Never compile what has no verdict: native code checks nothing.
 */
#ifndef JIT_JIT_H
#define JIT_JIT_H

#include "base/err.h"
#include "base/strbuf.h"
#include "isa/isa.h"
#include "model/mapmem.h"
#include "model/run.h"

/* What there is an address of in code: what struct jit_bind gives, and what it has. */
enum jit_what { JIT_ADDRESS, JIT_BODY, JIT_SITE, JIT_PROBE, JIT_TAIL, JIT_PACKET,
		JIT_VALUES, JIT_LOOKUP,		/* base and fn of struct map_inline */
		JIT_WINDOW, JIT_KNOWN, JIT_ARENA, JIT_ARENA_AT,	/* struct jit_arena */
		JIT_WHATS
};

/* What the instructions of a program are bound to. */
struct jit_bind {
	const struct bpf_insn *insns;	/* passed isa_check, verified */
	u32 nr_insns;
	void *arg;			/* for the next ones */
	/* The address that the 64-bit immediate at slot AT stands for: of a map, a
	   value, a body. Not asked for plain numbers and functions. */
	u64 (*address)(void *arg, u32 at);
	/* The body that the call at slot AT calls. */
	helper_fn (*body)(void *arg, u32 at);
	/* Which registers it reads, bit N: rN; NULL: any of r1..r5. */
	u32 (*params)(void *arg, u32 at);
	/* How the lookup at slot AT in MAP, a value of address(), may be compiled; false: it is
	   a call. NULL: all are. */
	bool (*lookup)(void *arg, u32 at, u64 map, struct map_inline *out);
	/* Where a tail call goes on: the entry (jit_entry) of the program in slot
	   INDEX of MAP, after counting it; NULL = there is none, or too many. */
	void *(*tail)(struct run *run, struct map *map, u32 index);
	/* SIZE bytes (1, 2, 4) at OFF of the packet, in host order; below 0: it is
	   not there. */
	s64 (*packet)(struct run *run, s32 off, u32 size);

	/* ---- what model/rewrite.h adds */

	/* The body of REWRITE_PROBE loads of BYTES: gives what is at r1, or 0. */
	helper_fn (*probe)(u32 bytes, bool sign);
	/* The program's arena, whose address is WINDOW; 0: it has none. KNOWN: a byte for
	   each page of 4096 of it, and 16 before and after, that is not 0 when the page is
	   there. What else there is the body of REWRITE_ARENA knows: it gets the offset in
	   the window, which may be outside, bytes, ARENA, and what is found where nothing
	   is there; and gives an address. */
	struct jit_arena {
		u64 window, known, arena;
		helper_fn at;
	} arena;
	/* What run.at is to be where the code at slot AT stops, before its instruction, or
	   CALLS; 0: a call that never sets run.stop. NULL: nothing does. */
	u64 (*site)(void *arg, u32 at, bool calls);
	/* Jumps back take what they jump over from run.left, calls of functions
	   JIT_CALL_COST; below 0 the program ends, with run.stop set. */
	bool counts;
	/* Not the jumps back, then, but each may_goto, as much as a call, and calls of
	   bodies, what COST gives (0 nothing): all other loops are known to end. */
	bool ends;
	u32 (*cost)(void *arg, u32 at);
	u64 clear_stack;	/* of every function's stack begins as 0: bit N, the 8 bytes
				   from -8 (N + 1) on; more may */
	/* Functions note in run.frames where their stacks are, and what is so shown begins
	   as 0. Who calls the program, or a function of it, clears run.frames or keeps it. */
	bool frames;

	/* ---- for code that is written somewhere */

	/* NULL: addresses stand in the code. Else there is none in it: it finds VALUE, which
	   is WHAT at slot AT, by adding *MORE (an s32) to an entry, this one, of a table
	   that lies below the run (JIT_ENTRY). */
	u32 (*entry)(void *arg, enum jit_what what, u32 at, u64 value, u64 *more);
};

enum { JIT_CALL_COST = 16 };

/* Where entry N is from the run, an u64. */
#define JIT_ENTRY(n) (-8 * ((s32)(n) + 1))

struct jit_code;

/* Whether there is native code for this machine. */
bool jit_available(void);
/* Whether the optimising compiler is for it, too. */
bool jit_optimises(void);

enum jit_tier {
	JIT_FAST,	/* one pass: some 20 ns for each instruction */
	JIT_OPT,	/* optimised: a microsecond each */
};

/*
 * Compiles a program. WHERE prefixes messages. Errors: UNSUPPORTED (no code for
 * this processor, or for an instruction), JIT_MEM (the system gives no executable
 * memory).
 */
int jit_compile(struct jit_code **out, const struct jit_bind *bind, enum jit_tier tier,
		const char *where, struct skep_err *err);
/* The same for any PROCESSOR, named as `uname -m` does ("aarch64"), at its oldest:
 * code to be looked at or written somewhere. Error for names without code:
 * UNSUPPORTED. */
int jit_cross(struct jit_code **out, const struct jit_bind *bind, const char *processor,
	      const char *where, struct skep_err *err);
/* The same for BIND with ENTRY, by the optimising compiler where there is one, for
 * processors of the kind that can CPU (jit_cpu). */
int jit_write(struct jit_code **out, const struct jit_bind *bind, const char *processor,
	      u32 cpu, const char *where, struct skep_err *err);
/* What the processor at hand can besides what all of its kind can, a bit each; the names
 * of bits of PROCESSOR, separated by spaces. */
u32 jit_cpu(void);
/* The processor at hand, as `uname -m` has it; "" when there is no code for it. */
const char *jit_host(void);
void jit_cpu_names(struct strbuf *out, const char *processor, u32 cpu);
/* What it was compiled by: in one pass what the optimising compiler gives up on, and
 * where there is none (on aarch64). */
enum jit_tier jit_tier(const struct jit_code *code);
void jit_free(struct jit_code *code);	/* NULL is fine */

const char *jit_processor(const struct jit_code *code);

/* The program as C calls it: with r1..r5 and the run; gives r0. What a 64-bit
 * immediate of kind function stands for is such an address, too. NULL: it is for
 * another processor than this one. */
helper_fn jit_func(const struct jit_code *code);
/* Where a tail call jumps to: only for jit_bind.tail. */
void *jit_entry(const struct jit_code *code);
/* Where both are in its bytes, whatever the processor. */
u32 jit_start(const struct jit_code *code);
/* The same of its function at SLOT, as C calls it; false: C never does. */
bool jit_func_start(const struct jit_code *code, u32 slot, u32 *off);

/* ---- for people and their tools ---------------------------------------- */

/* The machine code and its size in bytes. */
const u8 *jit_bytes(const struct jit_code *code, u32 *bytes);
/* Where the code of slots begins in it, by ascending offset; code of a slot may be in
 * several places, or nowhere. */
struct jit_place { u32 off, slot; };
const struct jit_place *jit_places(const struct jit_code *code, u32 *n);
/* How debuggers find the caller, by ascending offset. Registers have DWARF's numbers. */
struct jit_step {
	u32 off;		/* from here to the next step's */
	u32 slot;		/* of the first instruction of the function that this is in */
	bool begins;		/* a piece of code that is called: nothing is saved yet */
	u8 base, saved;		/* a register that is saved from here on, or JIT_NO_REG */
	u32 dist;		/* the caller's stack ends so many bytes above BASE, */
	u32 at;			/* and SAVED is so many below that */
};
enum { JIT_NO_REG = 0xff };
/* Ends of functions, where the frame is taken down, have no steps. */
const struct jit_step *jit_steps(const struct jit_code *code, u32 *n);
/* The slot whose code has ADDR, or -1. */
s64 jit_slot(const struct jit_code *code, u64 addr);

#endif
