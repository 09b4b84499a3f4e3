/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h: a record that a program left in a ring buffer or perf event array,
 * as a reader of the map gets it.
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include "base/base.h"

struct map_event {
	u32 cpu;		/* slot of the program; 0 for ring buffers */
	u32 bytes;
	const u8 *data;		/* aligned to 8; gone after the call */
};

/* Anything but 0 ends the reading, after this record. */
typedef int (*map_event_fn)(void *arg, const struct map_event *e);

#endif
