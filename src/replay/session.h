/* SPDX-License-Identifier: BSD-2-Clause */
/* session.h: between the files of sessions. */
#ifndef REPLAY_SESSION_H
#define REPLAY_SESSION_H

#include "base/strbuf.h"
#include "base/vec.h"
#include "isa/isa.h"
#include "model/tape.h"
#include "replay/replay.h"
#include "replay/kept.h"

/* What a helper answered that depends on the machine, or what the machine did. */
struct answer {
	u32 id;			/* BPF_FUNC_*, or enum tape_fact */
	u64 ret;
	u64 out, out_bytes;	/* in replay.outs */
};

/* A state that was kept on the way. */
struct point {
	struct kept *state;
	u64 time;
	size_t answers;		/* given before */
};

/* An element of a map before an instruction that may change it. */
struct before {
	bool on;
	s64 map;		/* number, or -1 */
	bool found;
	u64 count;
	u8 *value;		/* where it lies, of a store */
	u64 bytes;
	struct strbuf key, old;
};

struct replay {
	struct skep_prog *prog;
	struct backend *b;
	struct test_run input, result;
	struct replay_opts opts;
	struct vm_machine *m;
	struct run *run;
	bool real_clock;	/* the engine's is made to stand still meanwhile */
	struct os_fiber *fiber;
	struct kept *start;
	VEC(struct point) points;	/* by time */
	u64 point_bytes;

	/* the run */
	bool live;		/* it has stopped in the middle */
	bool inside;		/* it runs, and has called who asked to be called */
	bool put_back;		/* it was put back, and not entered since: no step was told */
	u64 time;		/* of the machine */
	bool ended;		/* of the machine */
	bool begun;		/* the fiber has been started since the start was put back */
	u64 length;
	bool known;		/* LENGTH is */
	int status;
	struct skep_err err;
	bool differs;		/* the tape does not fit: what is in err says how */

	/* why it stops next */
	u64 stop_at;
	bool abandon;
	u64 next_point;		/* when a state is wanted */
	bool want_point;
	replay_stop_fn stop;
	void *stop_arg;
	unsigned stop_events;
	bool may_cut, cut;	/* opts.interrupted may stop it; has */
	bool hit;		/* one of them has come, or STOP said so */
	bool collect;		/* it does not stop: the last time is wanted */
	u64 collected;		/* that was a hit; REPLAY_END: none */
	u64 collect_before;

	/* what the session shows */
	u64 now;
	struct replay_insn *window;	/* [REPLAY_WINDOW] by time */
	u64 win_from;		/* the earliest in it */

	/* answers */
	struct tape asked;	/* instead of the machine */
	struct tape *before_asked;	/* who was, when no session is open */
	bool in_call;		/* of a helper whose answer is kept: not what it asks */
	VEC(struct answer) answers;
	size_t at_answer;
	struct strbuf outs;
	u8 *taped;		/* of a tape: the helpers that are in it (record_taped) */
	u64 taped_bytes;

	/* events */
	u64 told;		/* before this time all were */
	struct before before;
	u32 last_prog, last_insn, last_frame;	/* of the instruction that was begun last */
	const struct vm_code *last_code;
	bool began;
	struct replay_event event;	/* that stopped it */
	bool has_event;
	struct strbuf event_text[4];	/* what it points to */
	void *recorded;		/* what the session was opened from, and lives on */
	void (*recorded_free)(void *recorded);
};

/* ---- session.c ------------------------------------------------------------------------ */

/* S lives on P, which goes by GIVE_BACK when it is closed. */
void replay_owns(struct replay *s, void *p, void (*give_back)(void *p));

/* ---- events.c ------------------------------------------------------------------------ */

bool session_wants(const struct replay *s, unsigned kinds);
/* Tells EV, whose prog, insn and at are set here. */
void session_tell(struct replay *s, struct replay_event *ev);
/* After the instruction before STEP; and before STEP itself. */
void events_step(struct replay *s, const struct vm_step *step);
void events_begin(struct replay *s, const struct vm_step *step);
/* A helper is about to be called, and has answered. */
void events_before_call(struct replay *s, const struct vm_called *c);
void events_after_call(struct replay *s, const struct vm_called *c, u64 ret, bool taped);
/* The run has ended. */
void events_end(struct replay *s);
void events_free(struct replay *s);

/* ---- answers.c ------------------------------------------------------------------------- */

/* S->asked knows what the machine said the first time, from now on. */
void answers_open(struct replay *s);
/* What the helper answers: what it did the first time. */
u64 answer_call(struct replay *s, const struct vm_called *c, bool *taped);
void answers_of_tape(struct replay *s, const struct replay_tape *t);

#endif
