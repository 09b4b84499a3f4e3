/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer.h: the timers of an engine (struct bpf_timer in map values). The value
 * holds a handle; what it stands for lies here, where programs cannot reach it.
 * Who owns the timers asks for those that are due and runs their callbacks. All of
 * this may be called by several threads, each with a cpu of its own.
 */
#ifndef CALL_TIMER_H
#define CALL_TIMER_H

#include "base/keep.h"
#include "model/run.h"

struct timers *timers_new(void);
void timers_free(struct timers *t);	/* NULL is fine */

/* What a callback gets: bpf's (map, key, value). */
struct timer_call {
	struct map *map;
	u64 func;	/* as of bpf_timer_set_callback */
	u8 *value;
	u64 at;		/* ns of the monotonic or virtual clock */
};

/* The earliest timer that is due at NOW stops waiting, and its callback runs on CPU;
 * false: none is. It is over with the next call of this for CPU, or timers_done. */
bool timers_take(struct timers *t, u32 cpu, u64 now, struct timer_call *call);
void timers_done(struct timers *t, u32 cpu);
u32 timers_waiting(const struct timers *t);
/* The element with this handle is gone: struct map's timer_gone, ARG is T. */
void timers_gone(void *arg, u64 handle);
/* Tells what runs change (base/keep.h); T may be NULL. */
void timers_keep(struct timers *t, keep_fn keep, void *arg);

#endif
