/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracefs.h: files of the tracing file system: which tracepoints there are, their numbers
 * and records. Where it is not mounted it is mounted for nobody else. Writes nothing.
 */
#ifndef KERNEL_TRACEFS_H
#define KERNEL_TRACEFS_H

#include "base/err.h"
#include "base/strbuf.h"

/* A file of it: a descriptor or -errno. */
int tracefs_open(const char *path);
/* Appends all of file PATH: 0 or -errno. */
int tracefs_read(struct strbuf *out, const char *path);
/* The number of tracepoint CATEGORY/NAME, or -errno. */
s64 tracefs_event_id(const char *category, const char *name);
/* Adds those tracepoints' names that resemble CATEGORY/NAME to ERR. */
void tracefs_suggest(const char *category, const char *name, struct skep_err *err);
/* Calls FN for each tracepoint whose category and name match the patterns (* ? [), in
 * order of names: how many, or -errno. */
typedef void tracefs_event_fn(void *arg, const char *category, const char *name);
int tracefs_each_event(const char *category, const char *name, tracefs_event_fn *fn, void *arg);

#endif
