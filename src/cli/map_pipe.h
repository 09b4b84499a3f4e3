/* SPDX-License-Identifier: BSD-2-Clause */
/* map_pipe.h: records of maps: `skep map event_pipe` reads them, `push` writes samples. */
#ifndef CLI_MAP_PIPE_H
#define CLI_MAP_PIPE_H

#include "cli/map_view.h"
#include "kernel/perfbuf.h"
#include <linux/bpf.h>

struct pipe_opts {
	bool json, pretty;
	bool one;		/* of a perf event array: CPU's events by slot INDEX alone */
	u32 cpu, index;
	u64 events;		/* 0: until somebody ends it */
};

/* Takes M, a perf event array or a ring buffer. >= 0: the exit status; else ERR says why. */
int map_pipe(const struct pipe_opts *o, struct live_map *m, struct skep_err *err);

/*
 * Puts the sample that words stand for, "value [hex] BYTE..." or "value file FILE" (- is
 * standard input), into V, a user ring buffer, whose programs drain it. Errors: USAGE,
 * MAP_DATA, MAP_UPDATE, FILE_*.
 */
int map_push_sample(const struct map_view *v, struct words *w, struct skep_err *err);

#endif
