/* SPDX-License-Identifier: BSD-2-Clause */
/* player_in.h: between the files of players. */
#ifndef REPLAY_PLAYER_IN_H
#define REPLAY_PLAYER_IN_H

#include "base/vec.h"
#include "model/tape.h"
#include "replay/player.h"

struct option { char *name, *value; };

/* A program of the recording. */
struct listed { bool there, loaded; u32 type; };

struct player {
	struct player_opts opts;
	struct record_reader *r;
	struct record_item item;	/* the next one, when HAVE */
	bool have;
	struct skep_object *recorded, *obj;	/* what the recording holds; what runs */
	VEC(struct option) options;
	VEC(struct listed) progs;	/* by image index of the recording */
	VEC(void *) owned;		/* instructions and initial values of its image */
	const void *socks;
	u64 socks_bytes;
	struct tape tape;
	struct object_replay replay;
	VEC(u32) maps;			/* the backend's, by the recording's number */
	VEC(struct record_call) calls;	/* of the run at hand */
	size_t at;			/* calls before were answered */
	u8 *used;			/* of calls, once they come in another order */
	bool strict;			/* in the order of the recording so far */
	struct player_run *run;		/* the one at hand, or NULL */
	struct player_run ready;	/* of a session: that it is of */
	VEC(u32) next;			/* programs that go on after it */
	struct test_run t;
	struct skb_owner owner;
	VEC(struct record_map) ends;	/* what maps were */
};

/* ---- player_open.c ------------------------------------------------------------- */

/* The recording is wrong where the item at hand stands. */
int player_bad(const struct player *p, struct skep_err *err, const char *what);
/* The next item, which stays the next one until it is taken: 1, 0 or -errno. */
int player_peek(struct player *p, struct skep_err *err);
static inline void player_take(struct player *p) { p->have = false; }
/* The program of the object that runs for program INDEX of the recording, or NULL. */
struct skep_prog *player_prog(const struct player *p, u32 index);

/* ---- player.c ------------------------------------------------------------------ */

/* Answers for helpers: struct tape. */
u64 player_call(struct tape *t, struct run *run, u32 id, const u64 args[5]);
bool player_knows(struct tape *t, u32 fact, void *out, u64 bytes);

#endif
