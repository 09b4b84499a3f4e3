/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procwatch.h: what processes map, fork and execute, as it happens, from the kernel's perf
 * events: so that somebody who comes later knows what a process had that is gone. All
 * processes that this one's name space of processes has; their numbers are those of it.
 */
#ifndef KERNEL_PROCWATCH_H
#define KERNEL_PROCWATCH_H

#include "base/err.h"

enum procwatch_kind {
	PROCWATCH_MAP,		/* FROM, BYTES, OFF, PATH: code is mapped */
	PROCWATCH_FORK,		/* PARENT: it has all that this one has */
	PROCWATCH_EXEC,		/* all that it had is gone */
	PROCWATCH_END,
	PROCWATCH_LOST,		/* LOST events found no room */
};

struct procwatch_event {
	enum procwatch_kind kind;
	u32 pid, parent;
	u64 from, bytes, off, dev, ino, lost;
	const char *path;	/* gone after the call; "[vdso]", "//anon" */
};

struct procwatch;
typedef void (*procwatch_fn)(void *arg, const struct procwatch_event *e);

/* Error: KERNEL. */
int procwatch_open(struct procwatch **out, struct skep_err *err);
void procwatch_close(struct procwatch *w);	/* NULL is fine */
int procwatch_fd(const struct procwatch *w);	/* readable when something happened */
/* Gives FN all that happened, cpu by cpu: of one process not always in its order. */
void procwatch_read(struct procwatch *w, procwatch_fn fn, void *arg);

#endif
