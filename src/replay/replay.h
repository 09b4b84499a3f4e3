/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.h: sessions: one run of a program of the embedded engine that can be stopped at any
 * instruction and put at any other, earlier ones too. The program runs in the checked
 * interpreter; addresses are those of this process and stay what they are for the whole
 * session, wherever it is put.
 *
 * TIME is counted in instructions. At time N the program has executed N instructions and
 * stands before the next one, callbacks and timers' callbacks before the run included; 0 is
 * the beginning. At the end (replay_ended) time is the number of all.
 *
 *	replay_open(&s, prog, &input, &opts, err);
 *	replay_goto(s, 1000, err);		forward
 *	replay_until(s, stop, arg, err);	forward until STOP says so, or the end
 *	replay_goto(s, 17, err);		backward
 *	regs = replay_insn(s)->regs;
 *	replay_close(s);
 *
 * How: what all begins with is kept: maps, packet, timers, objects, clocks. Going back
 * is running again from there, or from a point that was kept on the way, and helpers
 * whose answers depend on the machine answer what they did the first time. The states of
 * registers of the last REPLAY_WINDOW instructions are kept, so that single steps back
 * cost nothing; memory is put back when somebody looks (replay_live).
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "api/object.h"
#include "replay/record.h"
#include "vm/vm.h"

struct replay;

enum { REPLAY_WINDOW = 1 << 15, REPLAY_FRAMES_MAX = 64 };
#define REPLAY_END UINT64_MAX		/* a time: the end, whenever that is */

/* ---- events --------------------------------------------------------------------- */

enum replay_event_kind {
	REPLAY_CALL = 1 << 0,		/* a helper or kernel function has returned */
	REPLAY_CHANGE = 1 << 1,		/* a map's element is another, new or gone */
	REPLAY_FAULT = 1 << 2,		/* the program was stopped: the end */
	REPLAY_VERDICT = 1 << 3,	/* the program has ended: the end */
	REPLAY_ENTER = 1 << 4,		/* a program, subprogram or callback begins */
	REPLAY_LEAVE = 1 << 5,		/* one of these has ended */
};

/* What happened in the instruction before time AT. */
struct replay_event {
	enum replay_event_kind kind;
	u64 at;
	u32 prog;		/* image index, and slot: of the instruction that did it */
	u32 insn;
	union {
		struct {
			u32 id;			/* BPF_FUNC_*; 0: a kernel function */
			const char *name;	/* "map_update_elem" */
			u64 args[5], ret;
			bool taped;		/* it depends on the machine: the first run's */
		} call;
		struct {
			u32 map;		/* index in the image */
			const u8 *key;		/* key_size bytes; NULL: of a map without keys */
			const u8 *old_value, *new_value;	/* NULL: there is none; of
							   per-cpu maps this cpu's; of
							   maps of records what came in
							   is new, what was taken old */
			u64 old_bytes, new_bytes;
		} change;
		struct { u32 error; const char *text; } fault;	/* N of SKEP-EN */
		struct { u32 retval; } verdict;
		struct { u32 frame; } frame;
	};
};

/* Pointers in EV are good during the call. */
typedef void (*replay_event_fn)(void *arg, const struct replay_event *ev);

/* ---- sessions ------------------------------------------------------------------- */

/* Answers of helpers, in the order of the calls; TAPED as in struct record_taped. */
struct replay_tape {
	const struct record_call *calls;
	size_t nr_calls;
	const u8 *taped;
	u64 taped_bytes;
};

struct replay_opts {
	/* Tells all events of kinds EVENTS, each once: when time first comes there. */
	unsigned events;
	replay_event_fn event;
	void *arg;
	/* Of the kinds that are to stop the session, those for which this gives true do,
	   the first of an instruction's. NULL: all do. */
	bool (*stops)(void *arg, const struct replay_event *ev);
	/* Not 0: what goes on or back stops soon, wherever it is then, without an event.
	   NULL: never. */
	const volatile int *interrupted;
	/* Helpers answer from there instead (record.h): those of a run of a recording,
	   in their order. NULL: helpers are asked. A call that is not the next one of them
	   ends the run with RECORD_DIFFERS. */
	const struct replay_tape *tape;
};

/* Fills in what a session needs of OPTS, before the object is loaded with them: the
 * checked interpreter for all programs. */
void replay_load_opts(struct skep_load_opts *opts);

/*
 * PROG is loaded so; INPUT is what it is run with, once (repeat does not count): what it
 * points to must live as long. Nothing has run afterwards: time is 0. As long as the session
 * is open nobody else runs programs of the object or changes its maps; readers of maps see
 * them as they are at the session's time after replay_live(). Errors: USAGE (not in the
 * checked interpreter), NO_MEM.
 */
int replay_open(struct replay **out, struct skep_prog *prog, const struct test_run *input,
		const struct replay_opts *opts, struct skep_err *err);
/*
 * The same of run RUN (from 1) of the recording PATH, whose object and earlier runs it makes
 * first. OPTS->tape does not count. Errors also: as of record_next, RECORD_RUN (there is no
 * such run), RECORD_DIFFERS.
 */
int replay_open_recorded(struct replay **out, const char *path, u64 run,
			 const struct replay_opts *opts, struct skep_err *err);
/* The same of a recording that is in memory, which stays the caller's; NAME for messages. */
int replay_open_recorded_mem(struct replay **out, const void *data, u64 bytes, const char *name,
			     u64 run, const struct replay_opts *opts, struct skep_err *err);
/*
 * *S, a session of a run of a recording, becomes one of the run behind it, which finds what
 * that run leaves: quicker than opening it. RECORD_RUN: there is none, or another error: *S
 * is NULL then.
 */
int replay_next_recorded(struct replay **s, const struct replay_opts *opts, struct skep_err *err);
struct skep_prog *replay_prog(const struct replay *s);	/* that the session is of */
/* All is as at time 0 afterwards, so that another session may begin. */
void replay_close(struct replay *s);	/* NULL is fine */

/* ---- where it is ------------------------------------------------------------------ */

/* The instruction that is next. */
struct replay_insn {
	const struct vm_code *code;
	struct skep_prog *prog;
	u32 insn;		/* slot in prog's image */
	u32 frame;		/* 0: the outermost */
	u64 regs[11];		/* r0..r10 */
};

u64 replay_time(const struct replay *s);
/* While the program runs, for what it calls: the time of the instruction at hand. */
u64 replay_running(const struct replay *s);
bool replay_ended(const struct replay *s);
/* When it ends: 0 while nobody has been there. */
u64 replay_length(const struct replay *s);
/* NULL at the end. Good until the session is put elsewhere. */
const struct replay_insn *replay_insn(struct replay *s);
/* The callers, innermost first, from the present instruction on: how many, at most MAX.
 * Only of those before it the slot (of the call) counts. -1 in *CALL: one was called by a
 * helper. */
struct replay_frame { struct skep_prog *prog; u32 insn; u32 frame; bool callback; u64 fp; };
u32 replay_frames(struct replay *s, struct replay_frame *out, u32 max);

/*
 * Puts memory, maps and the packet back to what they are at the session's time, which steps
 * back leave to whoever looks. The machine that runs (NULL at the end), for vm_where; it is
 * good until the session is put elsewhere.
 */
struct vm_machine *replay_live(struct replay *s);
/* BYTES of the program's memory at ADDR (stack, packet, map values, context as the program
 * sees it): 0, or -EFAULT: the program may not read all of them. */
int replay_read(struct replay *s, u64 addr, void *to, u64 bytes);
/* The packet; NULL at the end, and before its context is made (timers). */
const struct run *replay_run(struct replay *s);
/* At the end: what came of it (good until the session is put elsewhere), and the status of
 * test_run with its message. */
const struct test_run *replay_result(const struct replay *s);
int replay_status(const struct replay *s, const struct skep_err **err);

/* ---- where it goes ------------------------------------------------------------------ */

/* To time AT, or to the end when that comes before. 0 or -errno (NO_MEM). What stopped the
 * program is no error: replay_status has it. */
int replay_goto(struct replay *s, u64 at, struct skep_err *err);

/* Is it to stop before this instruction? */
typedef bool (*replay_stop_fn)(void *arg, const struct replay_insn *at, u64 time);

/*
 * Forward, at least one instruction, until STOP (NULL: never) or an event of kinds EVENTS:
 * 1 when one of them stopped it (after an event time is its AT), 0 at the end. Errors as
 * above. STOP may look at memory (replay_read) but not put the session elsewhere.
 */
int replay_until(struct replay *s, replay_stop_fn stop, void *arg, unsigned events,
		 struct skep_err *err);
/* Backward, at least one instruction: to the last earlier time where STOP would have stopped,
 * or that an event is of: 1; 0 at the beginning. */
int replay_back_until(struct replay *s, replay_stop_fn stop, void *arg, unsigned events,
		      struct skep_err *err);
/* The event that stopped the last of these two, or NULL. Its pointers are good until the
 * session is put elsewhere. */
const struct replay_event *replay_stopped_by(const struct replay *s);

#endif
