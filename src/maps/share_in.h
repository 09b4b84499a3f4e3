/* SPDX-License-Identifier: BSD-2-Clause */
/* share_in.h: what share.c, share_member.c and share_field.c have in common. */
#ifndef MAPS_SHARE_IN_H
#define MAPS_SHARE_IN_H

#include "maps/area.h"
#include "maps/share.h"

struct guard;

/* What a map in a file has besides; private to the process. */
struct share {
	int fd;
	u32 pid;		/* of the process that opened it */
	u32 me;			/* the member that it is */
	u32 mutex;		/* of its threads, around what FD's locks protect from
				   other processes */
	u32 torn;		/* part of the file was cut off */
	u32 page;
	struct share_state *state;	/* mapped */
	u64 state_bytes;
	u32 cpus;
	char *path;
	struct guard *guards[2];	/* of the state and the area */
};

/* ---- share_field.c --------------------------------------------------------------- */

/* Is there something in M that is good in this process only? SHARE_FIELD names it. */
int share_check(const struct map *m, const struct share_types *types, struct skep_err *err);

/* ---- share_member.c -------------------------------------------------------------- */

/* Takes part: finds a number, and puts in order what dead members left. Errors:
 * SHARE_MEMBERS. */
int share_join(struct map *m, struct skep_err *err);
/* Counts operations as long as this member lives and does not say otherwise. */
int share_watch(struct map *m, bool on);
/* Where cpu 0's counts begin in the state of a map for so many cpus. */
static inline u64 share_counts_at(u32 cpus)
{
	return round_up(sizeof(struct share_state) + cpus * sizeof(u32), 64);
}
/* The opposite; in a child of who joined it does nothing to the file. */
void share_leave(struct map *m);

#endif
