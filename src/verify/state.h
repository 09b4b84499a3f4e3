/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.h: everything inside the verifier: what it knows at one point of a
 * program (struct state), and the job that explores the points (struct
 * verifier). Prototypes stand by the file that owns them.
 *
 * A step over an instruction is three things: what must hold is asked by
 * check_* functions, each of which calls reject() and nothing else; what
 * changes is done by the step_* functions, which never refuse. After a
 * rejection the access counts as good, so that further mistakes come out.
 */
#ifndef VERIFY_STATE_H
#define VERIFY_STATE_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "isa/isa.h"
#include "model/access.h"
#include "model/tables.h"
#include "verify/def.h"
#include "verify/facts.h"
#include "verify/scalar.h"
#include "verify/verify.h"

enum {
	MAX_FRAMES = 8,		/* nested calls, the program's own included */
	MAX_FUNCS = 256,
	STACK_BYTES = 512,	/* of a call chain */
	SLOT_BYTES = 8,
	MAX_SLOTS = STACK_BYTES / SLOT_BYTES,
	FRAME_SLOTS = 4,	/* frames have room for a multiple of it */
	MAX_VAR_OFF = 1 << 29,	/* offsets and sizes are below it */
	MAX_PKT_OFF = 0xffff,
	MAX_PENDING = 8192,	/* branches to come back to, as in the kernel */
	REG_FP = 10,
	NR_REGS = 11,
};

/* ---- registers ----------------------------------------------------------- */

enum reg_type {
	REG_NONE,		/* never written */
	REG_SCALAR,
	REG_ANY,		/* after a join of different things: may be
				   overwritten, and nothing else */
	REG_CTX,
	REG_MAP,		/* the map itself */
	REG_MAP_VALUE,
	REG_MAP_KEY,
	REG_STACK,
	REG_PACKET_META,
	REG_PACKET,
	REG_PACKET_END,
	REG_FLOW_KEYS,
	REG_SOCKET,		/* struct bpf_sock */
	REG_SOCK_COMMON,
	REG_TCP_SOCK,
	REG_XDP_SOCK,
	REG_TP_BUFFER,
	REG_BTF,		/* an object of the kernel's types */
	REG_MEM,		/* a number of bytes */
	REG_BUF,		/* an iterator's read-only or read-write buffer */
	REG_ARENA,
	REG_FUNC,		/* a subprogram, for callbacks */
	REG_DYNPTR,		/* a constant one: a callback's argument */
	REG_TYPES
};

enum reg_flag {
	REG_OR_NULL	= 1 << 0,	/* may be NULL until compared */
	REG_RDONLY	= 1 << 1,
	REG_RECORD	= 1 << 2,	/* of a ring buffer */
	REG_USER	= 1 << 3,	/* address of user space */
	REG_PERCPU	= 1 << 4,
	REG_UNTRUSTED	= 1 << 5,	/* read with faults caught, never passed on */
	REG_TRUSTED	= 1 << 6,
	REG_RCU		= 1 << 7,	/* good until the read section ends */
	REG_ALLOC	= 1 << 8,	/* an object of the program's own types */
	REG_NON_OWN	= 1 << 9,	/* owned by a list or tree, or by a map value, and good
				   until a lock is given back */
	REG_LINKED	= 1 << 10,	/* the id is shared with an added constant */
	REG_FRESH	= 1 << 11,	/* memory that is only written to */
	REG_SLICE	= 1 << 12,	/* MEM: of a packet, by a dynptr */
	REG_NARROW	= 1 << 13,	/* LINKED: it is the low half of the sum alone */
	REG_LINKS	= REG_LINKED | REG_NARROW,
	REG_SHOWN	= 1 << 14,	/* MEM: a parameter, perhaps a packet that is only read */
};

/* Ranges of packet pointers that compared as beyond the end (see step_jump.c). */
enum { RANGE_BEYOND = -1, RANGE_AT_END = -2 };

/*
 * A register, or a stack slot that holds one. VAL is a number's value; for
 * pointers it is the variable part of the offset, to which OFF is added.
 * Registers with one ID are equal (numbers: but for OFF with REG_LINKED) or
 * come from one pointer: what a comparison tells about one holds for all.
 */
struct reg {
	struct scalar val;
	u8 type;		/* enum reg_type */
	u8 frame;		/* STACK: whose; MAP_KEY, DYNPTR, MEM: of the callback
				   that was given it */
	u16 flags;		/* enum reg_flag */
	s32 off;		/* bytes; LINKED numbers: the added constant */
	u32 id;			/* 0: none */
	u32 ref;		/* reference that it needs; 0: none */
	u32 def;		/* def.c: where the number came from */
	u32 at;			/* 1 + instruction that made it; copies keep it. Of what was
				   a pointer, with AT_MOVED or AT_GONE: 1 + the call that it
				   is of no use since. For messages only */
	union {
		s32 range;	/* PACKET*: bytes from VAL that exist, or RANGE_* */
		u32 map;	/* MAP, MAP_VALUE, MAP_KEY: index in image maps */
		u32 bytes;	/* MEM, BUF */
		u32 btf_id;	/* BTF */
		u32 func;	/* FUNC: index in funcs */
		u32 dynptr;	/* DYNPTR: enum dynptr_kind */
	};
	u32 uid;		/* MAP*: which of the maps in a map; 0: static.
				   MEM from a dynptr: its id. DYNPTR: struct
				   dynptr_at.frame. PACKET*: 1 + the
				   comparison that RANGE is from, for messages */
	const struct btf *btf;	/* of btf_id */
	/* invariants: the number is what location SEED held at the head of a loop,
	   plus STEP_MIN .. STEP_MAX; 0: no relation is known. See inv_trips.c */
	u32 seed;
	s32 step_min, step_max;
	u32 buffer;		/* MEM: dynptr.c's stack_part, which it may lie in; 0: none.
				   BTF: what it goes with: an iterator (1 + its place), or
				   BUFFER_REF and a reference; so of an iterator's slots */
};

#define BUFFER_REF 0x80000000u

enum { AT_MOVED = 1 << 30, AT_GONE = 1 << 29 };	/* the packet moved; it was given back */

static inline bool reg_is_ptr(const struct reg *r)
{
	return r->type > REG_ANY;
}

/* What a join could not tell is perhaps one, and what must not be read any more was one:
 * on the stack neither must be taken for a number. */
static inline bool reg_may_be_ptr(const struct reg *r)
{
	return r->type != REG_SCALAR;
}

/* It was a pointer, and something made it useless: AT says what. */
static inline bool reg_gone(const struct reg *r)
{
	return r->at & (AT_MOVED | AT_GONE);
}

static inline bool reg_is_packet(const struct reg *r)
{
	return r->type == REG_PACKET || r->type == REG_PACKET_META;
}

/* The number 0, which NULL is. */
static inline bool reg_is_null(const struct reg *r)
{
	return r->type == REG_SCALAR && scalar_is_const(&r->val) && !scalar_value(&r->val);
}

/* What is known of each byte of a stack slot. */
enum slot_kind {
	SLOT_NONE,		/* never written */
	SLOT_SPILL,		/* part of slot.reg */
	SLOT_MISC,		/* some number */
	SLOT_ZERO,
	SLOT_DYNPTR,		/* half of a struct bpf_dynptr */
	SLOT_ITER,		/* of an open-coded iterator */
	SLOT_IRQ,		/* a saved interrupt state */
};

static inline bool slot_kind_is_object(u8 kind) { return kind >= SLOT_DYNPTR; }

/*
 * Eight bytes of stack. A spilled register of N bytes fills kind[0..N-1], low
 * bytes first, as memory does on little-endian machines.
 */
struct slot {
	u8 kind[SLOT_BYTES];	/* enum slot_kind */
	u32 def;		/* who wrote it, for liveness: see def.c */
	struct reg reg;		/* with SLOT_SPILL; dynptr and iterator state
				   with those kinds */
};

/* Bytes of the number or pointer that was stored whole; 0: none. */
static inline u32 kinds_spilled(const u8 kind[SLOT_BYTES])
{
	u32 n = 0;

	while (n < SLOT_BYTES && kind[n] == SLOT_SPILL)
		n++;
	return n;
}

static inline u32 slot_spilled(const struct slot *t)
{
	return kinds_spilled(t->kind);
}

/* Why a frame is there. */
enum frame_kind { FRAME_PROG, FRAME_CALL, FRAME_CALLBACK, FRAME_ASYNC };

struct frame {
	u32 func;		/* index in funcs */
	u32 callsite;		/* slot of the call; of the program's frame 0 */
	u8 kind;		/* enum frame_kind */
	u8 cap;			/* slots that there is room for */
	u8 nr_slots;		/* in use; the others are SLOT_NONE */
	bool exits_to_caller;	/* CALLBACK: r0's range was checked */
	u32 callback;		/* CALLBACK: helper or kfunc, an index of its own */
	s64 ret_min, ret_max;	/* CALLBACK: what r0 must be within */
	u32 depth;		/* how often bodies of a call here were entered */
	u32 serial;		/* of its own: each call of a function has another */
	u32 left;		/* how often calls that enter bodies were left here */
	u32 fell;		/* how often may_goto fell through here: of its budget */
	/* packed states have what stands above: see pack.h */
	struct reg regs[NR_REGS];
	struct slot slots[];	/* slot i holds bytes -8(i+1) .. -8i-1 from fp */
};

enum ref_kind { REF_PTR = 1, REF_LOCK = 2, REF_RES_LOCK = 4, REF_IRQ = 8 };

/* Something that must be given back. */
struct ref {
	u32 id;
	u32 insn;		/* that acquired it */
	u8 kind;		/* enum ref_kind */
	u8 frame;		/* that acquired it: callbacks give back their own */
	u32 map, uid;		/* LOCK: where it is */
};

/* A branch that a path took: kept only when a rejection is to be explained. */
struct branch {
	const struct branch *up;
	u32 at;			/* the jump */
	u32 to;			/* where the path went */
	u32 made;		/* 1 + what made the pointer that was compared with
				   NULL; 0: another comparison */
	bool null;		/* ... and it is NULL here */
	bool checks;		/* a packet pointer was compared with data_end: ... */
	u32 packet;		/* ... the id of it */
};

struct state {
	struct frame *frames[MAX_FRAMES];
	u32 nr_frames;		/* the current one is the last */
	u32 insn;		/* slot that comes next */
	struct ref *refs;
	u32 nr_refs, cap_refs;
	u32 rcu, preempt;	/* depth of read and no-preemption sections */
	u32 irq;		/* id of the last saved interrupt state, 0: none */
	u32 may_goto;		/* passes through may_goto on this path */
	bool sleepable;
	const struct branch *path;

	struct inv_node *origin;	/* invariants: head of the innermost loop around */
};

static inline struct frame *state_frame(const struct state *s)
{
	return s->frames[s->nr_frames - 1];
}

static inline struct reg *state_reg(const struct state *s, unsigned r)
{
	return &state_frame(s)->regs[r];
}

/* ---- the job ------------------------------------------------------------- */

struct func {			/* a subprogram */
	u32 start, end;		/* slots */
	const char *name;
	u32 type_id;		/* BTF FUNC, or 0 */
	bool global;		/* verified alone, by its types */
	bool has_ld_abs, tail_calls, moves_packet, might_sleep;
	bool is_async;		/* a timer calls it */
	bool called_back;	/* a call does, and waits for it */
	u8 shown;		/* global: parameters, by bits, that may be packets that
				   are only read; and of these when it was judged */
	u8 judged_shown;
	u8 callers, judged;	/* global: 1 << state.sleepable of those that call it; which
				   of these it was judged for */
	u32 stack_bytes;	/* lowest byte that was touched */
};

enum point_flag {
	POINT_PRUNE	= 1 << 0,	/* states are stored and compared here */
	POINT_FORCE	= 1 << 1,	/* ... whatever else speaks against it */
	POINT_SEEN	= 1 << 2,	/* some path came here */
	POINT_LDDW2	= 1 << 3,	/* second slot of a wide instruction */
	POINT_CALL	= 1 << 4,	/* of a helper that the program may call */
};

struct point {			/* per instruction slot */
	u8 op;			/* enum isa_op */
	u8 flags;		/* enum point_flag */
	u16 live;		/* registers that are read before written: bits */
	u16 func;		/* index in funcs */
	u8 through;		/* enum reg_type of the pointer it accesses; 0: none yet */
	bool rewritten;		/* which the kernel rewrites */
	struct fact_access access;	/* what it touches */
};

struct kept;			/* explore.h: a stored state */
struct loop_back;		/* explore.h */
struct packed;			/* pack.h: a state that waits */
struct shared;			/* pack.c: a register of such states */
struct inv;			/* inv.h: the exploration by invariants */
struct collect;			/* facts.c */
struct inv_node;

/* A branch to come back to. */
struct pending {
	struct state *state;	/* NULL: it is PACKED */
	struct packed *packed;
	u32 nr_defs, nr_open;	/* watermarks: what came later is complete */
	u32 from;		/* the branch */
	size_t log;		/* what was logged before it */
};

struct verifier {
	const struct image *img;
	const struct image_prog *prog;
	const struct verify_opts *opts;
	struct verify_result *result;
	struct arena *arena;	/* of what the result holds */
	struct arena mem;	/* of everything else */
	struct skep_err *err;

	const struct bpf_insn *insns;
	u32 nr_insns;
	struct point *points;	/* [nr_insns] */
	struct func *funcs;	/* sorted by start */
	u32 nr_funcs;
	const struct access_desc *ctx;	/* of the context; NULL: nobody knows */
	const struct fields *fields;	/* fields.c: of the types that were asked for */
	u32 arena_map;		/* 1 + the arena among the maps; 0: none */
	const struct btf *attach_btf;	/* where ATTACH_PROTO is: the kernel's, a module's */
	const struct btf_type *attach_proto;	/* of what it is attached to; or NULL */
	u32 entry;		/* function that is being verified */
	bool entry_sleeps;	/* ... and whether it may */
	bool privileged;	/* VERIFY_CAP_PERFMON */
	u64 stale_slots;	/* as of verify_result: some path may */
	bool buffers;		/* some register has one */

	struct inv *inv;	/* while invariants runs; NULL: paths */
	struct collect *facts;	/* that are wanted, or NULL */
	bool crowded, was_crowded;	/* paths: a point has many stored states */
	bool full;		/* paths: no room for another branch, at FULL_AT */
	u32 full_at;

	VEC(struct pending) pending;
	struct kept **kept;	/* [nr_insns] lists */
	VEC(struct kept *) open;	/* stored on the current path */
	VEC(struct loop_back) loops;	/* by struct kept.time: where it leads back to */
	struct kept *oldest, *newest;	/* complete ones: kept.c */
	u32 nr_complete;
	struct kept *free_kept;
	size_t budget;		/* bytes of MEM, above which states are dropped */
	VEC(struct def) defs;
	VEC(u32) marks;		/* work list of def_mark */
	struct frame *free_frames[MAX_SLOTS / FRAME_SLOTS + 1];
	struct state *free_states;
	struct packed *free_packed[96];	/* by size: pack.c */
	struct shared **shared, *free_shared;	/* registers of packed states */
	u32 nr_shared, nr_shared_buckets;
	struct shared *last_shared[MAX_FRAMES][NR_REGS + MAX_SLOTS];	/* packed last */
	u32 next_id;		/* of registers and references */
	u32 next_frame;		/* struct frame.serial */
	u32 now;		/* states stored so far: a clock for liveness */
	u32 nr_kept, peak_kept;
	u64 visited;		/* by paths */
	u64 visited_joined;	/* by invariants, where they accepted */
	u64 limit;
	u64 last;		/* visited, when the search for more reasons ends */
	u32 max_errors;
	VEC(struct verify_error) errors;
	VEC(struct verify_error) warnings;
	VEC(u32) error_insns;
	VEC(struct verify_part) read;	/* constants */
	u32 step_jumps, step_insns;	/* since the last state was stored, on any path */
	u32 most_kept;		/* stored at one point */
	u32 log_from, log_width;	/* log.c */
	bool log_state, log_open;
	bool trace;		/* the second run: paths are kept */
	const struct state *at;	/* what step() is at, for messages */
	bool stop;		/* there is an answer, or no more room for errors */
	const char *construct;	/* what is not supported, or NULL */
	u32 construct_insn;
	u32 since, rules;	/* dated.c: see struct verify_result */
};

/* ---- reject.c ------------------------------------------------------------ */

/* Values that reject.def's texts mention; what a row does not use stays 0. */
struct why {
	u32 reg;		/* {reg}; REG is also for {type} when PTR is NULL */
	const struct reg *ptr;	/* {type} {off} {id} {range} {var} ... */
	s64 off;		/* {off} */
	s64 size;		/* {size} */
	s64 a, b;		/* {a} {b} */
	const char *s, *t;	/* {s} {t} */
	const char *want;	/* {want}; NULL: S */
};

/*
 * The one way to refuse: notes rejection ID of INSN, once for each source
 * line. Returns 0: the caller goes on as if all were well; v->stop is set when
 * enough was found. WHY may be NULL.
 */
int reject(struct verifier *v, enum reject_id id, u32 insn, const struct why *why);
/* What a privileged kernel lets pass: a warning for it, else a rejection. */
int reject_or_warn(struct verifier *v, enum reject_id id, u32 insn,
		   const struct why *why);
/* The program may do it, and hardly means to. */
void warn(struct verifier *v, enum reject_id id, u32 insn, const struct why *why);
/* The program uses CONSTRUCT, which cannot be judged yet: ends the job. */
void not_judged(struct verifier *v, u32 insn, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* "map_value": what the kernel calls the register's type. */
const char *reg_type_text(const struct reg *r);
/* The same with the kernel's prefixes: "rdonly_mem_or_null". */
void reg_type_log(struct strbuf *out, const struct reg *r);

/* ---- dated.c ------------------------------------------------------------- */

struct access;

/* What the kernel that is asked about does not have is refused. */
void dated_check(struct verifier *v);	/* all that does not depend on paths */
void dated_helper(struct verifier *v, u32 at, const struct helper_row *row);
void dated_kfunc(struct verifier *v, u32 at, const struct helper_row *row);
bool dated_member(struct verifier *v, const struct access *a, const char *structure, s64 off);
/* Control falls from AT to TO, which is on the way to AT already. */
void dated_loop_middle(struct verifier *v, u32 at, u32 to);
/* A store of a constant in the context; false: it is not there yet. */
bool dated_ctx_const(struct verifier *v, const struct access *a);
/* Does it judge by RULE? To be asked only where that makes a difference. */
bool dated_rule(struct verifier *v, enum rule rule);

/* ---- cfg.c, live.c: structure -------------------------------------------- */

/* Finds functions, checks that code is whole and reachable, marks points. */
int cfg_build(struct verifier *v);
/* Where control may go after instruction AT, inside its function: the number of
 * entries of NEXT, fall through first. */
unsigned cfg_next(const struct verifier *v, u32 at, u32 next[2]);
/* Fills point.live. */
void live_build(struct verifier *v);
u32 cfg_func_at(const struct verifier *v, u32 insn);	/* index; funcs[].start */

/* ---- state.c ------------------------------------------------------------- */

struct state *state_new(struct verifier *v);
struct state *state_copy(struct verifier *v, const struct state *from);
/* As state_copy, but registers and slots are the caller's to fill. */
struct state *state_new_like(struct verifier *v, const struct state *from);
void state_free(struct verifier *v, struct state *s);
void state_push_frame(struct verifier *v, struct state *s, u32 func, u32 callsite);
void state_pop_frame(struct verifier *v, struct state *s);
/* Makes room for NR slots of frame F of S, which may move. */
struct frame *state_grow(struct verifier *v, struct state *s, u32 f, u32 nr);
/* Calls FN for each register and spilled register of S, all frames. */
void state_each(struct state *s, void (*fn)(struct reg *r, void *arg), void *arg);

void reg_set_unknown(struct verifier *v, struct reg *r);	/* some number */
void reg_set_const(struct verifier *v, struct reg *r, u64 value);
void reg_set_scalar(struct verifier *v, struct reg *r, struct scalar val);
/* A pointer of TYPE without offset. */
void reg_set_ptr(struct reg *r, enum reg_type type, unsigned flags);
/* Forgets what the register was: neither readable nor usable. */
void reg_set_none(struct reg *r);
/* The pointer is of no use after instruction AT; WHY: AT_MOVED or AT_GONE. */
void reg_invalidate(struct verifier *v, struct reg *r, u32 at, u32 why);
/* Gives a number an id before it is copied, so that the copies stay equal. */
void reg_link(struct verifier *v, struct reg *r);
void reg_unlink(struct reg *r);
/* No id for each number of S whose id no other has; of more than 256 ids in a
 * state the rest stay, which only makes states cover less. */
void state_unlink_single(struct state *s);

u32 ref_acquire(struct verifier *v, struct state *s, enum ref_kind kind);
struct ref *ref_find(struct state *s, u32 id);
/* Gives back reference ID and forgets all registers that need it. */
void ref_release(struct verifier *v, struct state *s, u32 id);

/* ---- def.c: precision and liveness along one path ------------------------ */

u32 def_new(struct verifier *v, u32 a, u32 b);
void def_mark(struct verifier *v, u32 def);	/* the number matters */
bool def_marked(const struct verifier *v, u32 def);
bool def_marked_since(const struct verifier *v, u32 def, u32 time);
void def_read(struct verifier *v, u32 def);	/* a slot was read */
bool def_read_since(const struct verifier *v, u32 def, u32 time);
static inline void reg_mark(struct verifier *v, const struct reg *r)
{
	if (r->type == REG_SCALAR && r->def)
		def_mark(v, r->def);
}

/* ---- facts.c ------------------------------------------------------------- */

/* The instruction of A touches memory through R, too. */
void facts_note_access(const struct verifier *v, struct fact_access *a, const struct reg *r);
/* B holds for the instruction of A, too. */
void facts_join_access(struct fact_access *a, const struct fact_access *b);

void facts_begin(struct verifier *v);
/* S is about to step over instruction AT. */
void facts_note(struct verifier *v, const struct state *s, u32 at);
/* Another round of the last run begins: forgets the one before. */
void facts_round(struct verifier *v);
/* The program was accepted: what is known of it. */
const struct facts *facts_end(struct verifier *v);
void facts_free(struct verifier *v);

/* ---- step*.c ------------------------------------------------------------- */

enum step { STEP_NEXT, STEP_END };

/* One instruction of S; s->insn is the next one then. Branches that are to be
 * followed, too, were pushed. */
enum step step(struct verifier *v, struct state *s);
void step_alu(struct verifier *v, struct state *s, u32 insn);
void step_ptr(struct verifier *v, struct state *s, u32 insn, struct reg *dst,
	      const struct reg *ptr, const struct reg *num);
enum step step_jump(struct verifier *v, struct state *s, u32 insn);
void step_load(struct verifier *v, struct state *s, u32 insn);
void step_store(struct verifier *v, struct state *s, u32 insn);
void step_atomic(struct verifier *v, struct state *s, u32 insn);
void step_lddw(struct verifier *v, struct state *s, u32 insn);
void step_ld_abs(struct verifier *v, struct state *s, u32 insn);

int reject_unreadable(struct verifier *v, const struct state *s, u32 insn, unsigned r);
/* May register R be read? */
static inline int check_readable(struct verifier *v, const struct state *s, u32 insn,
				 unsigned r)
{
	u8 type = state_reg(s, r)->type;

	return type != REG_NONE && type != REG_ANY ? 0 : reject_unreadable(v, s, insn, r);
}

/* ---- mem.c, regions.c, stack.c ------------------------------------------- */

enum access_kind { ACCESS_READ = 1, ACCESS_WRITE = 2 };

/* An access of SIZE bytes through register REG at offset OFF. */
struct access {
	u32 insn;
	unsigned reg;		/* number, for messages */
	s32 off;
	u32 size;		/* bytes */
	u8 kind;		/* enum access_kind, both for atomics */
	bool is_helper;		/* by a helper, not an instruction */
	bool aligned;		/* must be, whatever the kind of memory */
	bool sign;		/* the load extends the sign */
	int store;		/* register that is stored, -1: an immediate or
				   an unknown number */
	s64 imm;
	bool has_imm;
};

/*
 * Checks the access and makes it: VALUE is what a load gives, or NULL. The
 * register is R of frame state_frame(s).
 */
void mem_access(struct verifier *v, struct state *s, const struct access *a,
		struct reg *value);
/* SIZE bytes at OFF of R, known MIN..MAX variable part, within LIMIT bytes? */
int check_range(struct verifier *v, const struct access *a, const struct reg *r,
		u64 limit, bool zero_ok);

void stack_access(struct verifier *v, struct state *s, const struct access *a,
		  const struct reg *ptr, struct reg *value);
/* The constant in SIZE bytes of stack at PTR, which counts as mattering then. */
bool stack_constant(struct verifier *v, struct state *s, const struct reg *ptr, u32 size,
		    u64 *value);
/* A helper reads or writes SIZE bytes; META: it only writes. */
void stack_helper_access(struct verifier *v, struct state *s, const struct access *a,
			 const struct reg *ptr, bool only_writes);

/* ---- dynptr.c ------------------------------------------------------------ */

/* Slot N of frame F of S is written: what it was a part of is no more. */
void slot_clear(struct verifier *v, struct slot *t);	/* it holds nothing any more */
/* Slots FROM..TO of frame F are written by other means than slices: those that may lie
 * there are of no use any more. */
void slices_overwrite(struct verifier *v, struct state *s, u32 f, u32 from, u32 to);
void object_overwrite(struct verifier *v, struct state *s, u32 insn, u32 f, u32 n);

/* ---- call.c, args.c, subprog.c ------------------------------------------- */

enum step step_call(struct verifier *v, struct state *s, u32 insn);
enum step step_call_local(struct verifier *v, struct state *s, u32 insn);
enum step step_exit(struct verifier *v, struct state *s, u32 insn);
/* After instruction AT, which may move the packet. */
void forget_packet(struct verifier *v, struct state *s, u32 at);

/* ---- explore.c, both.c, prune.c -------------------------------------------------- */

/* All paths from function FUNC. */
void explore(struct verifier *v, u32 func);
/* A second way to go on from here, at INSN; the caller changes the copy. NULL
 * when there are too many. */
struct state *explore_push(struct verifier *v, struct state *s, u32 insn);
/* Takes the last one back. */
void explore_unpush(struct verifier *v);
/* What the caller had to change in the pushed state is changed. */
void explore_settle(struct verifier *v);

enum covers { COVERS_PRUNE, COVERS_EXACT, COVERS_RANGE };
/* Does what was found out from the stored state hold for NEW? */
bool state_covers(struct verifier *v, const struct packed *packed,
		  const struct state *new, u32 insn, enum covers how);

#endif
