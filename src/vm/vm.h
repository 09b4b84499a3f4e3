/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.h: two interpreters made from insn.def.
 *
 * The fast one trusts its program: it is for verified programs only. The
 * checked one looks every access up in a region table (context, packet, stack,
 * map values, records), counts instructions and checks helper arguments
 * against helper.def: the only engine that may run an unverified program.
 *
 * vm knows no map and no helper: both come through struct vm_bind.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "base/arena.h"
#include "base/err.h"
#include "base/keep.h"
#include "model/image.h"
#include "model/mapmem.h"
#include "model/run.h"
#include "model/tables.h"
#include <linux/bpf.h>

/* A map as the engine needs it. */
struct vm_map {
	void *map;		/* struct map, opaque here */
	u32 type;		/* BPF_MAP_TYPE_* */
	u32 key_size, value_size;
	u32 timer_at;		/* 1 + offset of a struct bpf_timer in the value */
	u32 work_at;		/* the same of a struct bpf_wq */
	/* of arenas: their window's address, for each page of it (and 16 before it and
	   after) whether that is known to be there, and whether the page at ADDR is */
	u64 window;
	const u8 *known;
	bool (*there)(void *map, u64 addr);
	const u32 *kptrs;	/* offsets of pointers to objects in the value */
	u32 nr_kptrs;
	struct map_mem mem;
};

/* Log 2 of the bytes of an arena's page; pages of vm_map.known before the window's. */
enum { VM_ARENA_PAGE = 12, VM_ARENA_GUARD = 16 };

/* What a program is bound to. Arrays must live as long as the code. */
struct vm_bind {
	const struct bpf_insn *insns;	/* passed isa_check */
	u32 nr_insns;
	u32 prog_type;
	const struct vm_map *maps;	/* by BPF_PSEUDO_MAP_IDX */
	u32 nr_maps;
	const struct image_extern *externs;	/* by BPF_PSEUDO_KFUNC_CALL, _BTF_ID */
	u32 nr_externs;
	helper_fn (*helper)(u32 id, u32 prog_type);
	/* what is called instead of BODY, that of helper ID; NULL: nothing else */
	helper_fn (*instead)(struct tape *t, u32 id, helper_fn body);
	struct tape *tape;
	/* of kernel functions; NULL: none has a body */
	helper_fn (*kfunc)(const char *name, u32 prog_type);
	const struct ctx_desc *ctx;	/* NULL: the context has no fields */
	const void *user;		/* for the caller: whose program this is */
	/* fast mode: INSNS are those of a struct rewrite (model/rewrite.h) */
	const u32 *origin;		/* [nr_insns] slots that messages name, or NULL */
	bool stale_stack;		/* the stack is cleared before each run */
	bool noted;			/* it notes where it is: vm_spots; compiled, by
					   all calls in run.at: vm_native_at */
};

enum vm_mode { VM_CHECKED, VM_FAST };

/*
 * Decodes a program for one mode. WHERE prefixes messages. A call that BIND has no
 * body for is a fault where it is reached. Errors: UNSUPPORTED (callx,
 * address-space cast), RUN.
 */
int vm_code_new(struct vm_code **out, const struct vm_bind *bind,
		enum vm_mode mode, const char *where, struct skep_err *err);
void vm_code_free(struct vm_code *code);
const void *vm_code_user(const struct vm_code *code);

/* ---- compiled programs ----------------------------------------------------- */

/* What somebody has compiled a program's code (mode VM_FAST) to. */
struct vm_native {
	helper_fn fn;		/* the program, as C calls it */
	void *entry;		/* where tail calls jump to */
	u64 start, bytes;	/* where it lies, with its functions */
	void *arg;
	s64 (*slot)(void *arg, u64 addr);	/* that has ADDR, or -1 */
	/* It does not count what it executes: not more than so much, so it runs only
	   with a budget that has it. 0: it takes from run.left */
	u64 bound;
};

/* CODE runs as N from now on, whose memory is the caller's. */
void vm_code_native(struct vm_code *code, const struct vm_native *n);
/* What compilers cannot take of it, or NULL. */
const char *vm_native_lacks(const struct vm_code *code);
/* For struct jit_bind, whose words these are: */
u64 vm_native_address(const struct vm_code *code, u32 at);
helper_fn vm_native_body(const struct vm_code *code, u32 at);
u32 vm_native_params(const struct vm_code *code, u32 at);
void *vm_native_tail(struct run *run, struct map *map, u32 index);
s64 vm_native_packet(struct run *run, s32 off, u32 size);
helper_fn vm_native_probe(u32 bytes, bool sign);
/* Of the program's arena, or NULL: it has none; the body of REWRITE_ARENA. */
const struct vm_map *vm_native_arena(const struct vm_code *code);
helper_fn vm_native_arena_at(void);
u64 vm_native_site(struct vm_code *code, u32 at, bool calls);
/* For code that was bound before: what vm_native_site gives is OFF from here. */
u64 vm_native_sites(struct vm_code *code);
u64 vm_native_site_off(u32 at);
u32 vm_native_cost(const struct vm_code *code, u32 at);
/* ASKS tells of bodies that ask run.readable. */
bool vm_native_frames(const struct vm_code *code, bool (*asks)(helper_fn fn));

/* ---- runs ---------------------------------------------------------------- */

enum vm_fault_kind {
	VM_FAULT_NONE,
	VM_FAULT_MEM,		/* access outside every region */
	VM_FAULT_ARG,		/* a helper's argument */
	VM_FAULT_BUDGET,	/* instruction budget used up */
	VM_FAULT_FRAMES,	/* more than 8 frames */
	VM_FAULT_HELPER,	/* no such helper for this program */
	VM_FAULT_END,		/* ran past the last instruction */
	VM_FAULT_STOPPED,	/* by who steps through it */
};

struct vm_fault {
	enum vm_fault_kind kind;
	const void *user;	/* vm_bind.user of the program that faulted */
	u32 insn;		/* slot */
	u32 helper;		/* BPF_FUNC_* for kinds ARG and HELPER */
	char text[256];		/* "bytes 26..29 of the packet are read, only
				   0..13 exist": no place, no punctuation */
};

/* A region that is neither packet, stack, context nor map value: memory that a
 * helper lent to the program (a ring buffer record), or that a field of the
 * context points to. */
struct vm_region {
	u64 start, bytes;
	bool writable;
	const char *name;	/* "record" */
	enum lent_kind kind;
	u32 more;		/* times that it must be given back, besides once */
	/* not NULL: a program that ends without giving it back is at fault, and
	   this is called with START */
	void (*drop)(void *mem);
	bool passing;		/* goes with the end of the program */
	const struct ctx_desc *desc;	/* only these fields may be read; NULL: all of it */
	u64 from;		/* the region that it comes from and goes with; 0 = none */
};

/* Budgets when nobody says otherwise. FAST: as many as the verifier lets a nest of
 * loops have trips. */
#define VM_BUDGET_CHECKED 1000000ull
#define VM_BUDGET_FAST (1ull << 32)

enum {
	VM_CALL_COST = 16,	/* of the budget, in fast code */
	VM_FRAMES_MAX = 8, VM_STACK_BYTES = 512, VM_TAIL_CALLS_MAX = 33,
};

/* Executions on one thread. */
struct vm_machine;
struct vm_machine *vm_machine_new(void);
void vm_machine_free(struct vm_machine *m);
/* Lends memory to the programs of M until taken back; -ENOENT. */
void vm_region_add(struct vm_machine *m, const struct vm_region *r);
int vm_region_del(struct vm_machine *m, u64 start);

/* The budget for CODE when ASKED is asked for, or 0: nothing in particular. */
u64 vm_budget(const struct vm_code *code, u64 asked);
/*
 * Runs CODE with r1 = RUN as context; at most BUDGET instructions. Gives r0; after a
 * fault RUN->stop is set. One machine runs one program at a time.
 *
 * Checked code counts its instructions in RUN->insns. Fast code leaves 0 there: of
 * its budget it takes what each jump back jumps over, and VM_CALL_COST for each
 * function that is called, so that it ends, if not to the instruction.
 */
u64 vm_exec(struct vm_machine *m, const struct vm_code *code, struct run *run,
	    u64 budget);
/*
 * For many runs of a compiled program: readies M, or false. Then each is a call of
 * NATIVE.fn with the run as first and last argument after run.left was set to BUDGET and
 * run.frames cleared, and vm_many_end when run.stop is set afterwards. A run that leaves
 * M otherwise, as with a tail call, does not leave CODE at vm_many_ready: vm_many_end and
 * vm_many before the next.
 */
bool vm_many(struct vm_machine *m, const struct vm_code *code, struct run *run, u64 budget,
	     helper_fn *fn);
const struct vm_code *const *vm_many_ready(const struct vm_machine *m);
void vm_many_end(struct vm_machine *m);
/* The same as vm_exec: 0 and *RET, or -EFAULT and the machine's fault. */
int vm_run(struct vm_machine *m, const struct vm_code *code, struct run *run,
	   u64 budget, u64 *ret);
/*
 * Runs function FUNC of CODE (an address as BPF_PSEUDO_FUNC gives it) with ARGS
 * as its first three arguments, the second of KEY_BYTES readable bytes, outside
 * an execution: there is no context and no packet. Result and faults as vm_exec.
 */
u64 vm_exec_func(struct vm_machine *m, const struct vm_code *code, struct run *run,
		 u64 func, const u64 args[3], u32 key_bytes, u64 budget);
/* Whether FUNC is an instruction of CODE. */
bool vm_code_holds(const struct vm_code *code, u64 func);
const struct vm_fault *vm_fault(const struct vm_machine *m);

/* Instructions that the last vm_run executed. */
u64 vm_run_insns(const struct vm_machine *m);

/* ---- counting ------------------------------------------------------------ */

/* How often each slot of a program ran (AT), and how often something else than the next
 * one followed (AWAY): of conditions how often they held; and was where a run began. */
struct vm_counts { u64 *at, *away, *enter; };

/* From now on they are counted, from 0, in the checked interpreter; one thread at a time. */
void vm_count(struct vm_code *code);
/* .at NULL: they are not. */
struct vm_counts vm_code_counts(const struct vm_code *code);

/* ---- looking on ---------------------------------------------------------- */

/* An instruction that runs, or a call that has not come back. */
struct vm_spot { const void *user; u32 insn; };

/* Where the program of M is, the innermost first: at most MAX, and how many; 0: none runs.
 * For signal handlers that interrupt the thread of M. Code that is interpreted must be
 * noted, or counted. While a call makes its frame, or a function gives it back, the second
 * may be another call than that. */
u32 vm_spots(const struct vm_machine *m, struct vm_spot *out, u32 max);
bool vm_code_noted(const struct vm_code *code);
/* Where compiled code is that has set run.at to AT (jit_bind.site): its slot, and in *USER
 * whose it is. */
u32 vm_native_at(const void *at, const void **user);

/* ---- stepping ------------------------------------------------------------ */

/* An instruction that the checked interpreter is about to execute. */
struct vm_step {
	const struct vm_code *code;
	const void *user;	/* vm_bind.user of the program */
	u32 insn;		/* slot */
	u32 frame;		/* 0: the outermost, that of the program that was run */
	const u64 *regs;	/* r0..r10; what a call leaves in r1..r5 is stale */
};

/* False stops the run, which ends with a fault of kind STOPPED. Must not run
 * anything on the machine. */
typedef bool (*vm_step_fn)(void *arg, struct vm_machine *m, const struct vm_step *step);

/* FN is called before each instruction of runs that begin from now on, callbacks
 * and tail-called programs included; NULL: none is. Runs without cost nothing. */
void vm_step_set(struct vm_machine *m, vm_step_fn fn, void *arg);

/* A helper or kernel function that is about to be called; its arguments are good. */
struct vm_called {
	u32 id;			/* BPF_FUNC_*, 0 of a kernel function */
	const struct helper_row *row;	/* its name, and what its arguments are */
	helper_fn fn;
	const u64 *args;	/* r1..r5 */
	struct run *run;
};

/* Calls it, or says what it answers. */
typedef u64 (*vm_call_fn)(void *arg, struct vm_machine *m, const struct vm_called *c);

/* FN is asked for each of them in runs that are stepped, tail calls apart; NULL: each is
 * called. ARG is that of vm_step_set. */
void vm_call_set(struct vm_machine *m, vm_call_fn fn);

/* A function that waits for one that it called, and where. */
struct vm_caller {
	const struct vm_code *code;
	u32 insn;		/* slot of the call */
	u32 frame;
	bool helper;		/* the called one is the callback of a helper */
};

/* Of M, in which a program runs that is asked about a step: the innermost first; how many,
 * at most MAX. The slot of a call of a callback is that of the helper, when it is known. */
u32 vm_callers(const struct vm_machine *m, struct vm_caller *out, u32 max);
/* The address where the stack of FRAME begins (r10). */
u64 vm_frame_base(struct vm_machine *m, u32 frame);
/* r6..r9 of FRAME of M, which waits for the one that it called; false: it does not. */
bool vm_frame_saved(const struct vm_machine *m, u32 frame, u64 regs[4]);

/* Tells what runs change of M (base/keep.h). */
void vm_keep(struct vm_machine *m, keep_fn keep, void *arg);
/* The program of M owes nothing to anybody, and is not called by a helper that has memory of
 * its own: in these moments alone what C functions have on the stack can be kept, too. */
bool vm_keepable(const struct vm_machine *m);

enum vm_where_kind {
	VM_NOWHERE, VM_CTX, VM_STACK, VM_PACKET, VM_PACKET_META, VM_MAP, VM_KEY, VM_LENT,
	VM_HELD,		/* an object of a map value */
};

/* The memory of the program that has an address. */
struct vm_where {
	enum vm_where_kind kind;
	u64 start, bytes;	/* STACK: of the frame; MAP: of the value */
	u32 frame;		/* STACK */
	const struct vm_map *map;	/* MAP */
	const struct vm_region *region;	/* LENT, until the program goes on */
};

/* Where ADDR lies while a program of M runs. */
struct vm_where vm_where(struct vm_machine *m, u64 addr);

/* BYTES at ADDR as the program of M, which stands between two instructions, would read them,
 * context fields too: 0, or -EFAULT. */
int vm_read(struct vm_machine *m, u64 addr, void *to, u64 bytes);

/* ---- runs whose memory is elsewhere (foreign.c) ---------------------------------- */

/*
 * Who has the record of runs of another machine. SLOT is of the program. Whoever finds that
 * the run is another one calls vm_foreign_fault() and gives -1, false, NULL or anything.
 */
struct vm_foreign {
	void *arg;
	/* 1: *VAL is what the register has afterwards; 0: it is memory of the stack, or of
	   a map of vm_bind; -1 */
	int (*load)(void *arg, struct vm_machine *m, u32 slot, u64 addr, u32 size, u64 *val);
	/* Of other memory than the stack. */
	bool (*store)(void *arg, struct vm_machine *m, u32 slot, u64 addr, u32 size, u64 val);
	/* Where an atomic finds SIZE bytes, and leaves what it makes of them. */
	void *(*atomic)(void *arg, struct vm_machine *m, u32 slot, u64 addr, u32 size);
	/* 1: the loop at may_goto goes on, 0: it ends, -1 */
	int (*loop)(void *arg, struct vm_machine *m, u32 slot);
	/* 1: LD_ABS or LD_IND gives *VAL; 0: there are no such bytes, and the function ends;
	   -1 */
	int (*packet)(void *arg, struct vm_machine *m, u32 slot, u64 *val);
	/* What a helper or kernel function answers to r1..r5 in R, or what the address of a
	   kernel's variable is. */
	u64 (*call)(void *arg, struct vm_machine *m, u32 slot, const u64 *r);
};

/* Runs of checked code that begin from now on are such; NULL: none is. Maps with values are
 * memory of theirs, without a body calls are no fault. F lives as long as M. */
void vm_foreign_set(struct vm_machine *m, const struct vm_foreign *f);
void vm_foreign_fault(struct vm_machine *m, const char *text);
/* Memory of the program's stack: SIZE bytes, or NULL and a fault is set. */
void *vm_stack_mem(struct vm_machine *m, u64 addr, u64 size);
bool vm_in_stack(const struct vm_machine *m, u64 addr);

/* Runs CODE (mode VM_FAST) on a machine of its own with r1 = CTX, whatever that is. */
u64 vm_run_fast(const struct vm_code *code, struct run *run, void *ctx);

/* SIZE bytes (1, 2, 4) of the packet at OFF, from network to host order, as
 * LD_ABS loads them; -1 when they are not there. */
s64 vm_packet_load(const struct run *run, s32 off, u32 size);

#endif
