/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.h: the debugger: a program of the embedded engine that stands at an instruction
 * and goes from there forwards and backwards, in source lines, functions and
 * instructions. In: an object, what it is run with (struct dbg_setup), commands; out:
 * texts, and for other front ends the same as data. Two of these stand on it: the
 * command line (command.def, in gdb's words) and the Debug Adapter Protocol (dap.h).
 *
 * Nothing here changes the program or its memory: each run can be had again.
 */
#ifndef DEBUG_DEBUG_H
#define DEBUG_DEBUG_H

#include "api/object.h"
#include "base/vec.h"
#include "debug/value.h"
#include "isa/isa.h"
#include "model/target.h"
#include "replay/replay.h"
#include "sym/locals.h"
#include "verify/verify.h"

/* ---- what is debugged ------------------------------------------------------ */

struct dbg_setup {
	struct skep_object *obj;	/* opened, not loaded */
	u32 prog;			/* index in its image */
	const void *elf;		/* the object's bytes, for DWARF; NULL: there are none */
	size_t elf_bytes;
	const char *name;		/* for messages */
	const char *recording;		/* or NULL */
	struct skep_load_opts load;
	u64 budget;			/* instructions of a run; 0: a million */
	void *arg;
	/* Loads maps and the like, after OBJ was loaded; or NULL. */
	int (*prepare)(void *arg, struct skep_object *obj, struct skep_err *err);
	/* Input NUMBER (from 1): 1, and T is filled in; 0: there are no more. */
	int (*input)(void *arg, u64 number, struct test_run *t, struct skep_err *err);
	/* How many inputs there are, and no more than MOST; MOST as well when they cannot be
	   counted without taking them. Or NULL. */
	int (*count)(void *arg, u64 most, u64 *n, struct skep_err *err);
	bool once;			/* inputs cannot be had again: a pipe's */
};

struct debug;
/* What a program of D prints (load.print): told once, however often its run is had again. */
void dbg_print(struct debug *d, const char *text, size_t n);

/* ---- where it stands -------------------------------------------------------- */

struct dbg_frame {
	const struct image_prog *prog;
	u32 index;			/* of prog in the image */
	u32 insn;			/* next, or the call that waits */
	u32 real;			/* the machine's frame: 0 is the outermost */
	u32 inlined;			/* inlined calls around it in that frame */
	bool callback;			/* a helper called it */
	const char *name, *file;	/* file NULL: no lines */
	u32 line;
	const struct locals_scope *func;	/* of DWARF, or NULL */
	u64 addr;			/* of insn as func has it */
	u64 regs[11];
	u32 known;			/* bits: registers that are known */
};

enum { DBG_FRAMES_MAX = 128, DBG_PLACES_MAX = 256 };

struct dbg_loc { u32 prog, insn; };

enum dbg_bp_kind { DBG_BREAK, DBG_WATCH, DBG_CATCH };

struct dbg_bp {
	u32 number;
	enum dbg_bp_kind kind;
	bool once, enabled;
	u64 hits, ignore;
	char *spec;			/* as it was written: "fw.c:37"; the expression */
	char *cond;			/* or NULL */
	struct dbg_loc *locs;
	u32 nr_locs;
	/* watches */
	bool local;			/* only in this frame of this function: */
	u32 real, prog;
	const struct locals_scope *func;
	u8 *old;			/* value when it stood here last, as bytes */
	u32 nr_old;
	char *old_text;
	/* catches */
	unsigned events;		/* enum replay_event_kind */
	char *name;			/* of a helper, map, verdict; NULL: any */
};

enum dbg_stop {
	DBG_NOT_RUN,
	DBG_AT_START,		/* start */
	DBG_STEPPED, DBG_FINISHED,
	DBG_BREAKPOINT, DBG_WATCHPOINT, DBG_CATCHPOINT,
	DBG_SCOPE_END,		/* of a watch */
	DBG_FAULT,		/* before the instruction that the engine stopped at */
	DBG_INTERRUPTED,
	DBG_BEGIN,		/* no earlier time */
	DBG_END,		/* this input's run has ended */
	DBG_NO_INPUT,		/* and it was the last */
};

struct dbg_var { char *name; struct value value; };

struct debug {
	const struct dbg_setup *setup;
	struct arena arena;		/* of values that are kept */
	struct arena scratch;		/* of one command */
	const struct image *img;
	struct types *types;
	struct locals *locals;		/* NULL: no DWARF, as no_locals says */
	struct skep_err no_locals;
	struct verify_result *verdicts;	/* by program, once asked for */
	bool *judged;
	struct target target;
	struct skep_object *obj;	/* loaded, of this session; NULL: of a recording, or none */
	struct replay *s;		/* NULL: nothing runs */
	u64 input;			/* that S is of */
	u64 printed;			/* time up to which its printk was told */
	bool passing;			/* it runs to leave what the next input finds */
	bool asked_program;		/* an expression has: it is no constant */
	bool stopped_here;		/* somebody saw it stand in this input */
	struct test_run run;
	u8 *packet;			/* of it, its own */
	bool last_seen;			/* it has stood at its last instruction already */
	enum dbg_stop stop;
	u32 stop_bp;			/* number */
	struct strbuf stop_text;	/* of watches, catches, faults */
	struct dbg_frame *frames;	/* of where it stands, innermost first; NULL: not made */
	u32 nr_frames, selected;
	const struct replay_insn *at;	/* while a stop is looked for, */
	u64 at_time;			/* and when that is */
	VEC(struct dbg_bp) bps;
	u32 next_bp;
	VEC(struct value) history;
	VEC(struct dbg_var) vars;
	VEC(char *) displays;		/* NULL: deleted; "FMT EXPR" */
	VEC(struct dbg_source { char *name; char **lines; u32 n; }) sources;
	struct show_opts show;
	const char *list_file;
	u32 list_line;			/* where list goes on; 0: around the stop */
	u64 x_addr;			/* where x goes on */
	char x_format, x_size;
	struct { const char *name; u32 real, inlined; u64 input; } told;	/* the frame that
					   people know it is in */
	u64 expected;			/* input that people know it is in */
	u64 said_end;			/* input of which the end was told last */
	char *last;			/* command that an empty line repeats */
	struct strbuf *out;		/* what commands say */
	/* Is called now and then while the program runs: it may set INTERRUPTED. NULL: nothing. */
	void (*look)(struct debug *d, void *arg);
	void *look_arg;
	u32 looks;
	volatile int interrupted;	/* set by who wants it to stop; cleared before a command */
	bool quit;
	int status;			/* exit status of the first wrong command */
	unsigned nesting;		/* of command files */
};

/* D is zeroed and gets SETUP, which lives as long. Notes what is missing to OUT. */
int debug_open(struct debug *d, const struct dbg_setup *setup, struct skep_err *err);
void debug_close(struct debug *d);
/* The verdict on program INDEX with facts; NULL: it cannot be asked for. */
const struct verify_result *debug_verdict(struct debug *d, u32 index);

/* ---- place.c: lines, functions, instructions ---------------------------------- */

/*
 * SPEC is LINE, FILE:LINE, FUNCTION, FILE:FUNCTION or *INSN; up to DBG_PLACES_MAX places:
 * how many, or an error: DEBUG_PLACE.
 */
int dbg_places(struct debug *d, const char *spec, struct dbg_loc *out, struct skep_err *err);
/* Is there the beginning of a line at INSN of P? */
bool dbg_line_starts(const struct image_prog *p, u32 insn);
/* The first statement of the function that begins at ENTRY, when its first instructions only
 * put its parameters where they belong (their line is that of its declaration); or ENTRY. */
u32 dbg_body(struct debug *d, const struct image_prog *p, u32 entry);
/* Does a line begin at INSN that steps stop at? */
bool dbg_stop_line(struct debug *d, const struct image_prog *p, u32 insn);
/* [*low, *high): the instructions of INSN's line around it. */
void dbg_line_range(const struct image_prog *p, u32 insn, u32 *low, u32 *high);
/* Line LINE of FILE, from the file itself or from BTF; NULL: nobody has it. */
const char *dbg_source_line(struct debug *d, const char *file, u32 line);
u32 dbg_source_lines(struct debug *d, const char *file);	/* 0: no such file */
/* Appends "firewall+12". */
void dbg_place_text(struct strbuf *out, const struct image_prog *p, u32 insn);
/* DWARF's address of INSN of P in function FUNC. */
u64 dbg_addr(const struct image_prog *p, u32 insn, const struct locals_scope *func);

/* ---- frame.c --------------------------------------------------------------------- */

/* The frame of instruction AT, and those that are inlined around it: how many, at most
 * DBG_FRAMES_MAX; only the registers of AT's. */
u32 dbg_frames_of(struct debug *d, const struct replay_insn *at, struct dbg_frame *out, u32 max);
/* All frames of where D stands, in d->frames; 0: it stands nowhere. */
u32 dbg_frames(struct debug *d);
/* The selected one; NULL with an error (DEBUG_STATE). */
struct dbg_frame *dbg_frame(struct debug *d, struct skep_err *err);
/* How many inlined calls are around INSN. */
u32 dbg_inlined(struct debug *d, const struct image_prog *p, u32 insn);
/* It stands elsewhere now. */
void dbg_moved(struct debug *d);

/* ---- names.c: the program's memory and names as values ----------------------------- */

/* For expressions in FRAME (NULL: globals only). */
struct value_env dbg_env(struct debug *d, const struct dbg_frame *frame);
/* The environment of the selected frame, if any. */
struct value_env dbg_env_here(struct debug *d);
/* The value of a variable of DWARF in the environment's frame. */
struct value dbg_var_value(struct debug *d, const struct dbg_frame *f,
			   const struct locals_var *var);
/* Variables of FRAME that are in scope, innermost first; PARAMS: only parameters, in order. */
u32 dbg_vars(const struct dbg_frame *f, bool params, const struct locals_var **out, u32 max);
/* Variable I of the program's data sections; false: there are no more. */
bool dbg_global(struct debug *d, u32 i, const char **name, struct value *out);
/* Elements of map MAP: FN with key and value until it gives false. */
typedef bool dbg_element_fn(void *arg, const struct value *key, const struct value *value);
int dbg_map_each(struct debug *d, u32 map, dbg_element_fn *fn, void *arg);
/* Appends where ADDR lies: "packet+14", or nothing. */
void dbg_where(struct debug *d, u64 addr, struct strbuf *out);

/* ---- break.c ------------------------------------------------------------------------ */

/* Is there an input NUMBER? Errors: DEBUG_INPUT. */
int dbg_has_input(struct debug *d, u64 number, struct skep_err *err);

/* Adds a breakpoint at SPEC ("if COND" may follow). 0, *BP is good until the next. */
int dbg_break_at(struct debug *d, const char *where, const char *cond, bool once,
		 struct dbg_bp **bp, struct skep_err *err);
int dbg_break(struct debug *d, const char *spec, bool once, struct dbg_bp **bp,
	      struct skep_err *err);
int dbg_watch(struct debug *d, const char *expr, struct dbg_bp **bp, struct skep_err *err);
/* WHAT is "fault", "verdict [NAME]", "helper [NAME]" or "map [NAME]". */
int dbg_catch(struct debug *d, const char *what, bool once, struct dbg_bp **bp,
	      struct skep_err *err);
int dbg_condition(struct debug *d, struct dbg_bp *bp, const char *cond, struct skep_err *err);
struct dbg_bp *dbg_bp(struct debug *d, u32 number);
void dbg_delete(struct debug *d, struct dbg_bp *bp);
/* Is one to stop before AT? The first of them, counted when COUNT. */
struct dbg_bp *dbg_hit(struct debug *d, const struct replay_insn *at, bool count);
/* Events that some catchpoint waits for, and the one that waits for EV. */
unsigned dbg_catches(const struct debug *d);
struct dbg_bp *dbg_caught(struct debug *d, const struct replay_event *ev);
bool dbg_watches(const struct debug *d);	/* is one enabled? */
/* Does the value of a watch differ from what it was? NULL: of none. COUNT: of one that is to
 * stop there, too, by its condition and how often it is to be ignored; these are counted. */
struct dbg_bp *dbg_watch_hit(struct debug *d, const struct replay_insn *at, bool count);
/* Watches have the values of here now; tells the change of BP in d->stop_text. */
void dbg_watch_note(struct debug *d, struct dbg_bp *bp);

/* ---- move.c: going on, forwards and backwards --------------------------------------- */

enum dbg_move {
	MOVE_CONTINUE, MOVE_STEP, MOVE_NEXT, MOVE_FINISH, MOVE_STEPI, MOVE_NEXTI, MOVE_UNTIL,
	MOVE_ADVANCE,
};

/*
 * Starts input NUMBER (those before it run first) and goes on to the first stop; or, with
 * STAY, stands at its beginning. Errors: as of object_load, replay_open.
 */
int dbg_run(struct debug *d, u64 number, bool stay, struct skep_err *err);
/* Goes on, and says in d->stop why it stopped. Until LOCS (MOVE_ADVANCE, NR). */
int dbg_move(struct debug *d, enum dbg_move how, bool back, const struct dbg_loc *locs, u32 nr,
	     struct skep_err *err);
/* To time AT. */
int dbg_goto(struct debug *d, u64 at, struct skep_err *err);
/* Stands it somewhere? Error: DEBUG_STATE. */
int dbg_stands(struct debug *d, struct skep_err *err);
void dbg_end(struct debug *d);	/* of the run */
/* "XDP_PASS", or a number. */
void dbg_verdict_text(struct strbuf *out, struct debug *d, u32 verdict);

/* ---- command.c, show.c ... ------------------------------------------------------------ */

/* Runs one line. What it says is in d->out; what is wrong, too, and in d->status. */
void dbg_command(struct debug *d, const char *line);
/* Lines of a file; false: it cannot be read (said). */
bool dbg_command_file(struct debug *d, const char *path);
/* What people are told of a stop, with its line. */
void dbg_tell_stop(struct debug *d);
/* "firewall (ctx=0x...) at fw.c:37" of FRAME; the place in it when it is no line's begin. */
void dbg_frame_text(struct strbuf *out, struct debug *d, const struct dbg_frame *f, bool place);
/* Appends message E as commands say it. */
void dbg_say_error(struct debug *d, const struct skep_err *e);
/* A register: its value, where that points, what the verifier knows. */
void dbg_register_text(struct strbuf *out, struct debug *d, const struct dbg_frame *f,
		       unsigned reg);
/* Instruction text with names: "call bpf_map_lookup_elem". */
void dbg_insn_text(struct strbuf *out, const struct image *img, const struct image_prog *p,
		   u32 insn);
/* The beginnings of words that fit what stands before the cursor; for editing lines. */
u32 dbg_complete(struct debug *d, const char *line, const char **out, u32 max);

#endif
