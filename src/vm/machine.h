/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h: the inside of vm: decoded code, machine state, and the checks
 * that the checked interpreter makes. Prototypes stand under their file.
 */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include "base/vec.h"
#include "isa/isa.h"
#include "vm/vm.h"

/*
 * One slot of decoded code. Slots correspond one to one to those of the
 * program, so jumps keep their distances; a 64-bit immediate has its upper
 * half in the imm of the next slot.
 */
struct vm_insn {
	const void *label;	/* of the interpreter's operation */
	u8 dst, src;
	s16 off;
	s32 imm;		/* helper calls: index into code->calls */
};

/* Operations of decoded code besides those of enum isa_op: of fast mode alone,
 * but for the first. */
enum vm_op {
	VM_OP_END = OP_MAX,	/* past the last instruction */
	VM_OP_TAIL_CALL,
	VM_OP_CALL_KEEPS,	/* a call that calls back, takes or gives back what is
				   kept account of, or takes a lock */
	VM_OP_NO_BODY,		/* a call of what is not there, or a kernel's variable */
	VM_OP_TRAP, VM_OP_ARENA,
	VM_OP_PROBE8, VM_OP_PROBE16, VM_OP_PROBE32, VM_OP_PROBE64,
	VM_OP_PROBESX8, VM_OP_PROBESX16, VM_OP_PROBESX32,
	VM_OPS
};
_Static_assert(VM_OPS <= 256, "operations fit a byte");

enum { VM_REGS = 12 };		/* r0..r10 and REWRITE_REG */

struct vm_call {
	helper_fn fn;
	const struct helper_row *row;	/* NULL: no such helper */
	u32 id;
	const struct image_extern *ext;	/* reaching it is a fault: no kernel here */
};

struct vm_code {
	struct arena arena;
	struct vm_bind bind;
	enum vm_mode mode;
	struct vm_insn *insns;	/* nr_insns, then one that stops past the end */
	u8 *ops;		/* checked mode: enum isa_op of each, for stepping */
	struct vm_counts counts;	/* .at NULL: nobody counts */
	u32 nr_insns;
	struct vm_call *calls;
	u32 nr_calls;
	struct vm_native native;	/* .fn NULL: it is interpreted */
	struct vm_site *sites;	/* for it: nr_insns, or NULL */
	const char *no_native;	/* what compilers cannot take; or NULL */
	const struct vm_map **sorted;	/* bind.maps with values, by address */
	u32 nr_sorted;
	const struct vm_map *pages;	/* the arena of bind.maps, or NULL */
};

/* A caller, saved while its callee runs. */
struct vm_frame {
	const struct vm_insn *ip;	/* the call; NULL: a helper calls back */
	const struct vm_insn *helper;	/* the call of that */
	const struct vm_code *code;
	u64 saved[4];			/* r6..r9 */
	u64 may_goto;			/* iterations left in this frame */
	u32 limit;		/* the caller's */
};

/* The stack grows downward; frame F owns the VM_STACK_BYTES bytes below
 * stack + sizeof(stack) - F * VM_STACK_BYTES. */
/* A region, and the call that asked for it when the program owes it. */
struct vm_lent {
	struct vm_region r;
	const void *user;
	u32 insn;
};

/*
 * A tail call in a subprogram leaves the frames below to the programs before,
 * and the next program may have as many as any.
 */
enum { FRAMES_ALL = VM_FRAMES_MAX + VM_TAIL_CALLS_MAX * (VM_FRAMES_MAX - 1) };

struct vm_machine {
	u8 stack[FRAMES_ALL * VM_STACK_BYTES] __attribute__((aligned(16)));
	/* Whose program may start without vm_machine_start, as the last run of
	   it left everything as it found it; NULL = nobody's. */
	const struct vm_code *ready;
	u64 r[VM_REGS];		/* registers of the outermost frame */
	u8 *dirty;		/* lowest byte of stack that may be nonzero */
	struct vm_frame frames[FRAMES_ALL];
	u32 depth;		/* frames in use - 1 */
	u32 limit;		/* frames that the program may have in use */
	u32 tail_calls;
	u64 budget, left;	/* instructions */
	const struct vm_code *code;
	struct run *run;
	u64 ctx;		/* what r1 is at the start of a program */
	const struct vm_insn *at;	/* the call whose arguments are checked; where the
					   program is, in code that notes that */
	u32 *lock;		/* the spin lock that the program holds, or NULL */
	const struct vm_insn *lock_at;	/* the call that took it */
	VEC(struct vm_lent) lent;	/* sorted by start */
	u32 owed;		/* those of them that do not outlive the program */
	u64 nowhere[2];		/* what a page of an arena that is not there is */
	struct vm_region gone;	/* the last one that the program gave back */
	u64 charged;		/* of the budget, for work of helpers */
	bool native;		/* compiled code runs, or what it has called */
	const struct vm_foreign *foreign;	/* memory and helpers are there; or NULL */
	vm_step_fn step;	/* called before each instruction; NULL: none */
	vm_call_fn call;	/* for calls of helpers in such runs; NULL: none */
	void *step_arg;
	struct vm_fault fault;
};

enum { MAY_GOTO_MAX = 8 << 20 };	/* the kernel's BPF_MAX_LOOPS */

static inline u8 *vm_frame_top(struct vm_machine *m, u32 depth)
{
	return m->stack + sizeof(m->stack) - depth * VM_STACK_BYTES;
}

/* The frame at DEPTH may be written from here on. */
static inline void vm_frame_used(struct vm_machine *m, u32 depth)
{
	u8 *bottom = vm_frame_top(m, depth + 1);

	if (bottom < m->dirty)
		m->dirty = bottom;
}

/* What a program finds in its registers. In parts: compilers clear the whole
 * with a string instruction, which costs more than a short program. */
static inline void vm_regs_init(u64 *r, u64 r1, const u8 *r10)
{
	r[0] = 0;
	r[1] = r1;
	memset(r + 2, 0, 8 * sizeof(*r));
	r[10] = (u64)r10;
}

/* ---- frames -------------------------------------------------------------- */

/* Saves the caller at IP (a call) and enters the next frame. */
static inline void vm_frame_push(struct vm_machine *m, const struct vm_insn *ip,
				 const u64 *r)
{
	struct vm_frame *f = &m->frames[++m->depth];

	f->ip = ip;
	f->code = m->code;
	f->limit = m->limit;
	memcpy(f->saved, r + 6, sizeof(f->saved));
	f->may_goto = MAY_GOTO_MAX;
}

/* Back to the caller: its code, r6..r10; gives its call. */
static inline const struct vm_insn *vm_frame_pop(struct vm_machine *m, u64 *r)
{
	struct vm_frame *f = &m->frames[m->depth--];

	m->code = f->code;
	m->limit = f->limit;
	memcpy(r + 6, f->saved, sizeof(f->saved));
	r[10] = (u64)vm_frame_top(m, m->depth);
	return f->ip;
}

/* ---- run.c: what both interpreters share ----------------------------------- */

/* LD_ABS, LD_IND: r0 = big-endian packet data; false when outside the packet,
 * which ends the program with 0. */
bool vm_ld_packet(const struct run *run, u64 *r, const struct vm_insn *ip);
/* bpf_tail_call(r1, r2, r3): the program to go on with, or NULL with r0 set. */
const struct vm_code *vm_tail_target(struct vm_machine *m, u64 *r);
/* Bytes that the program may read at ADDR, 0 = none (run->readable):
 * in mem.c. */
u64 vm_readable(struct run *run, u64 addr);
/* Whether SIZE bytes at ADDR can be read, by a load that may fault. */
bool vm_probe_ok(struct vm_machine *m, u64 addr, u64 size);
/* The map that has ADDR in a value or between values, or NULL: in mem.c. */
const struct vm_map *vm_map_at(const struct vm_machine *m, u64 addr);

/* How many regions start at or before ADDR: the last of them may hold it. */
u32 vm_region_find(const struct vm_machine *m, u64 addr);
/* The region that begins at START, or one that the program owes; or NULL. */
struct vm_lent *vm_lent_at(const struct vm_machine *m, u64 start, bool owed);
/* Lends what DESC describes at AT; see run->lend_object. */
void vm_object_add(struct vm_machine *m, u64 at, const struct ctx_desc *desc, u64 from,
		   void (*drop)(void *mem));
/* The program has given L back: and with it what came from it. */
void vm_object_del(struct vm_machine *m, struct vm_lent *l);
/* Takes for helper work on BYTES as much from the budget as instructions that
 * would do it. */
static inline void vm_charge(struct vm_machine *m, u64 bytes)
{
	u64 n = min_u64(bytes / 64, m->left);

	m->left -= n;
	m->charged += n;
}

/* Readies M for a program of RUN with context CTX. Who changes anything of what
 * is set here for longer than a run takes back ready. */
static inline void vm_machine_start(struct vm_machine *m, const struct vm_code *code,
				    struct run *run, u64 ctx)
{
	m->ready = code;
	m->depth = 0;
	m->limit = VM_FRAMES_MAX;
	m->tail_calls = 0;
	m->frames[0].may_goto = MAY_GOTO_MAX;
	m->code = code;
	m->run = run;
	m->ctx = ctx;
	m->lock = NULL;
	m->gone.bytes = 0;
	m->native = false;
	m->fault.kind = VM_FAULT_NONE;
	run->engine = m;
	run->readable = vm_readable;
	run->stop = false;
	run->frames = NULL;
	run->key = NULL;
	run->key_bytes = 0;
}

/* The slot of the program that IP is of, which is in CODE. */
static inline u32 vm_slot(const struct vm_code *code, const struct vm_insn *ip)
{
	u32 at = (u32)(ip - code->insns);

	return code->bind.origin && at < code->nr_insns ? code->bind.origin[at] : at;
}

/* The fault, which was set, is at IP. */
static inline void vm_fault_place(struct vm_machine *m, const struct vm_insn *ip)
{
	m->fault.user = m->code->bind.user;
	m->fault.insn = vm_slot(m->code, ip);
}

/* For who looks at the machine in between: vm_spots. */
static inline void vm_note(struct vm_machine *m, const struct vm_insn *at)
{
	*(const struct vm_insn *volatile *)&m->at = at;
}

/* ---- fast.c, checked.c -------------------------------------------------- */

/* Addresses of the operations, indexed by enum isa_op and enum vm_op. */
const void *const *vm_fast_labels(bool noted);
const void *const *vm_checked_labels(void);

/* Go on at IP of M's code, which is of that mode, until the present frame exits. */
u64 vm_go_fast(struct vm_machine *m, const struct vm_insn *ip, u64 *r);
u64 vm_go_checked(struct vm_machine *m, const struct vm_insn *ip, u64 *r);
u64 vm_go_foreign(struct vm_machine *m, const struct vm_insn *ip, u64 *r);

static inline u64 vm_go(struct vm_machine *m, const struct vm_insn *ip, u64 *r)
{
	return m->code->mode == VM_FAST ? vm_go_fast(m, ip, r) : vm_go_checked(m, ip, r);
}

/* ---- native.c ------------------------------------------------------------ */

/* Does CODE run compiled, with so much left of a budget? */
static inline bool vm_runs_native(const struct vm_code *code, u64 left)
{
	return code->native.fn && code->native.bound <= left;
}

/* Runs M's code, which is compiled, from its start. */
u64 vm_go_native(struct vm_machine *m);
/* Runs its function FUNC with R[1..5], outside an execution. */
u64 vm_func_native(struct vm_machine *m, u64 func, const u64 *r);
/* Compiled code has ended with run->stop set: why, if it was by itself. */
void vm_native_stopped(struct vm_machine *m);
/* run->callback while interpreted code runs, and while compiled code does. */
u64 vm_callback(struct run *run, u64 func, const u64 args[5]);
u64 vm_native_callback(struct run *run, u64 func, const u64 args[5]);

/* ---- exec.c ---------------------------------------------------------------- */

/* A tail call has led to M's code, which is for the other engine. */
u64 vm_go_other(struct vm_machine *m, u64 *r);
/* The program has ended with what it must give back. */
void vm_left(struct vm_machine *m);

/* ---- mem.c: every check of memory --------------------------------------- */

/*
 * A pointer through which SIZE bytes at ADDR can be read (or written), or NULL
 * after filling the fault. Context fields are no memory: see vm_ctx_load.
 */
void *vm_mem_slow(struct vm_machine *m, u64 addr, u64 size, bool write);

static inline void *vm_mem(struct vm_machine *m, u64 addr, u64 size, bool write)
{
	const struct packet_buf *p = &m->run->pkt;

	/* the packet first: it is what most programs touch most */
	if (likely(addr >= (u64)p->data && addr < (u64)p->data_end &&
		   size <= (u64)p->data_end - addr && !(write && m->run->pkt_read_only)))
		return (void *)addr;
	return vm_mem_slow(m, addr, size, write);
}


/* A pointer between the two address spaces of arenas, which are one here: in the window, or
 * NULL. */
static inline u64 vm_arena_cast(const struct vm_machine *m, u64 v)
{
	return (u32)v ? m->code->pages->window | (u32)v : 0;
}

/* BYTES at OFF of the window of MAP, an arena, or where nothing is kept (model/rewrite.h). */
void *vm_arena_slow(struct vm_machine *m, const struct vm_map *map, s64 off, u32 bytes);
static inline void *vm_arena_at(struct vm_machine *m, const struct vm_map *map, s64 off, u32 bytes)
{
	const u8 *known = map->known + VM_ARENA_GUARD;

	if (likely(known[off >> VM_ARENA_PAGE] && known[(off + bytes - 1) >> VM_ARENA_PAGE]))
		return (void *)(map->window + (u64)off);
	return vm_arena_slow(m, map, off, bytes);
}

/* True when ADDR lies in the context. */
static inline bool vm_is_ctx(const struct vm_machine *m, u64 addr)
{
	const struct ctx_desc *d = m->code->bind.ctx;

	return d && addr - (u64)m->run < d->size;
}
/* Loads or stores a context field; false after filling the fault. */
bool vm_ctx_load(struct vm_machine *m, u64 addr, u32 size, u64 *val);
bool vm_ctx_store(struct vm_machine *m, u64 addr, u32 size, u64 val);
/* Fills the fault's kind and text; the interpreter adds the place. */
void vm_fault_set(struct vm_machine *m, enum vm_fault_kind kind,
		  const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Of all interpreters: a call too deep, control where no code is, no instructions left. */
void vm_fault_frames(struct vm_machine *m);
void vm_fault_end(struct vm_machine *m);
void vm_fault_budget(struct vm_machine *m);

/* ---- args.c --------------------------------------------------------------- */

/* Checks the arguments R[1..5] of CALL; false after filling the fault. */
bool vm_check_args(struct vm_machine *m, const struct vm_call *call, const u64 *r);
/* Whether calls of ROW must be told to vm_keep_account, in fast mode. */
bool vm_keeps_account(const struct helper_row *row);
/* Notes what CALL gives back, and whether it takes or gives a lock. */
void vm_keep_account(struct vm_machine *m, const struct vm_call *call, const u64 *r);

#endif
