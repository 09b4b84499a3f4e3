/* SPDX-License-Identifier: BSD-2-Clause */
/* map_pipe.h: `skep map event_pipe`. */
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

#endif
