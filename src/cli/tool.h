/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tool.h: commands in bpftool's grammar, "skep KIND COMMAND WORDS": which commands there
 * are, help, what is printed where. Each command is a row; it may be shortened to what
 * it begins with, and the first row that begins so is meant.
 */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "cli/map_view.h"
#include <inttypes.h>

struct tool_job {
	const struct tool *tool;
	struct words w;
	struct map_form form;
	struct strbuf out;
	struct json j;
	struct skep_err err;
};

struct tool_row {
	const char *name, *usage;
	/* >= 0 the exit status; else job->err says why */
	int (*run)(struct tool_job *job);
};

struct tool {
	const char *kind;	/* "cgroup" */
	const struct tool_row *rows;	/* ends with a NULL name */
	const char *notes;	/* behind the commands in its help */
};

int tool_main(const struct tool *tool, const struct command *cmd, int argc, char **argv);

int tool_help(struct tool_job *job);		/* of a row "help" */
int tool_finish(struct tool_job *job);		/* prints what is in OUT */
int tool_done(struct tool_job *job);		/* there is nothing to say */
int tool_end_of_words(struct tool_job *job);	/* error: USAGE */
/* The next word, which is WHAT; NULL, with the error, when there is none. */
const char *tool_word(struct tool_job *job, const char *what);
/* The kernel answered CODE to WHAT. Error: HOOK. */
int tool_refused(struct tool_job *job, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The program that words name: a descriptor. */
int tool_prog(struct tool_job *job);

/* What is printed of each thing: a member in JSON, or TEXT as printf has it. */
void tool_str(struct tool_job *job, const char *key, const char *format, const char *v)
	__attribute__((format(printf, 3, 0)));
void tool_u64(struct tool_job *job, const char *key, const char *format, u64 v)
	__attribute__((format(printf, 3, 0)));

#endif
