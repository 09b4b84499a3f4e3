/* SPDX-License-Identifier: BSD-2-Clause */
/* uprobe.h: what probes in programs share: finding files, places and the uprobe PMU. */
#ifndef KERNEL_UPROBE_H
#define KERNEL_UPROBE_H

#include "kernel/link_priv.h"
#include "sym/symbols.h"

/* The number of perf's uprobe PMU; 0: the kernel has none. */
u32 uprobe_pmu(void);
/* Opens the file that PATH means to the job's process: *FOUND is its path, for free(). */
int uprobe_open(struct link_job *j, struct sym_file *f, const char *path, char **found);
/* One place by an event of perf; REF is where a semaphore is in the file, or 0. */
int uprobe_perf(struct link_job *j, const char *path, u64 off, u64 ref, u64 cookie, bool ret);
/* N places by one link; REFS, COOKIES may be NULL. */
int uprobe_multi(struct link_job *j, const char *path, const u64 *offs, const u64 *refs,
		 const u64 *cookies, u32 n, bool ret);
/* Errors: ATTACH_INSN, ATTACH_RED_ZONE, when a probe at OFF of F would do harm. */
int uprobe_check(struct link_job *j, const struct sym_file *f, u64 off);

/* redzone.c */
bool redzone_is_at_risk(const struct link_job *j, const struct sym_file *f, u64 off);

#endif
