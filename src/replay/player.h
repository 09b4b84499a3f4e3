/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * player.h: runs a recording again: in the object that it holds, or in another one whose
 * programs and maps have the same names. What was done to maps between two runs is done
 * again, and helpers whose answers were recorded give these.
 */
#ifndef REPLAY_PLAYER_H
#define REPLAY_PLAYER_H

#include "replay/replay.h"

struct player;

struct player_opts {
	enum skep_jit jit;
	bool kernel;		/* by its test runs: helpers ask it, not the recording */
	bool unverified;	/* in the checked interpreter, whatever the recording says */
	/* another object, not loaded, which stays the caller's; NULL: the recorded one */
	struct skep_object *with;
	u64 budget;		/* no run may take more; 0: what it was given */
	u32 repeat_max;		/* no run is repeated more often; 0: as often as it was */
};

/* Errors: as of record_open and record_next, RECORD_OBJECT; what loading finds. */
int player_open(struct player **out, const char *path, const struct player_opts *opts,
		struct skep_err *err);
/* The same of what is in memory, which stays the caller's. */
int player_open_mem(struct player **out, const void *data, u64 bytes, const char *name,
		    const struct player_opts *opts, struct skep_err *err);
void player_free(struct player *p);		/* NULL is fine */

struct skep_object *player_object(const struct player *p);	/* that runs */
/* Value of an option (record.h), or "". */
const char *player_option(const struct player *p, const char *name);

/* A run that was to be had again. */
struct player_run {
	u64 number;
	u32 prog;		/* image index in the recording */
	struct skep_prog *runs;
	struct record_result want, got;
	bool same;		/* and helpers were called as they were */
	bool refused;		/* the kernel does not run programs on such input: ERR says why */
	bool asked;		/* helpers had told things of that machine */
	struct skep_err err;	/* what stopped it; id 0: nothing */
	char differs[256];	/* what the first difference is, a sentence; "" */
};

/* The next run: 1; 0: there is none, and all was whole; -errno: RECORD_* or what the engine
 * says when it cannot run such things at all. */
int player_next(struct player *p, struct player_run *run, struct skep_err *err);

/* After the last run: each map that is not what it was in the end. How many. */
typedef void (*player_map_fn)(void *arg, const char *map, const struct record_map *want,
			      const struct record_map *got);
u32 player_maps(struct player *p, player_map_fn fn, void *arg);

#endif
