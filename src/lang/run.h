/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h: a compiled script that runs: its programs loaded and attached, its records read,
 * its maps printed at the end.
 */
#ifndef LANG_RUN_H
#define LANG_RUN_H

#include "lang/lang.h"

struct trace_run {
	const struct lang_unit *unit;
	bool json, user, unsafe, quiet, no_warnings, dry_run, test, bench, verbose;
	u32 pid;		/* -p, one: 0 none */
	int pidfd;		/* -p and -c: readable when it has ended; -1 */
	u32 child;		/* -c: its number, for cpid; 0 none */
	int (*go)(void *arg, struct skep_err *err);	/* lets it begin, after all is attached */
	int (*go_on)(void *arg, struct skep_err *err);	/* dw_ustack: GO has stopped it before
				   its own code, with all libraries; NULL: never */
	void *go_arg;
	const u32 *dwarf_pids;	/* dw_ustack: processes that it is for, besides the child */
	u32 nr_dwarf_pids;
	struct strbuf *folded;	/* maps keyed by stacks go there at the end, or NULL */
	int out;		/* where results go: a descriptor */
	void (*say)(const struct strbuf *b);	/* messages; NULL: to stderr as they are */
	u64 flush;		/* 0: at once; else bytes that are kept (-B full) */
};

/* Runs until the script, the process or a signal ends it: the status to exit with, or
 * -errno with ERR. */
int trace_run(const struct trace_run *o, struct skep_err *err);

#endif
