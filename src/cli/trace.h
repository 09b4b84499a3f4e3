/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.h: the parts of `skep trace`. */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "cli/cli.h"
#include "lang/run.h"

struct trace_opts {
	const char *script, *stage, *format, *buffer, *command, *output, *emit_elf, *filter, *on;
	const char *functions;	/* a file of the kernel's functions, or NULL */
	struct str_list pids, include_dirs, includes, dwarf_pids;
	bool fmt, dry_run, list, quiet, verbose, unsafe, keep, info, test, version;
	bool debuginfo, no_feature, no_warnings, usdt_files, aot, bench;
};

/* Compiles SRC and does with it what O says; messages are printed: the exit status. DIRS:
 * where import and #include look. */
int trace_script(struct script *s, const struct source *src, const struct trace_opts *o,
		 const struct str_list *args, const struct str_list *dirs);
/* --info */
int trace_info(void);
/* -l [PATTERN] */
int trace_list(const struct trace_opts *o, const struct str_list *patterns);

#endif
