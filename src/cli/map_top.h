/* SPDX-License-Identifier: BSD-2-Clause */
/* map_top.h: `skep map top`. */
#ifndef CLI_MAP_TOP_H
#define CLI_MAP_TOP_H

#include "cli/map_view.h"

struct top_opts {
	bool json, pretty;
	u64 rounds;		/* 0: until somebody ends it */
	double interval;	/* seconds between two */
	bool prog_stats;	/* the kernel counts runs of its programs meanwhile */
	const char *pin_dir;	/* whose files; NULL: the user's own folder */
};

/* Of the maps that W names, or all. >= 0: the exit status; else ERR says why. */
int map_top(const struct top_opts *o, struct words *w, struct skep_err *err);

#endif
