/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tool.h: commands in bpftool's grammar: a word for what they are about (prog, link,
 * struct_ops), a table of commands that may be shortened, options that all of them have,
 * output as text or JSON. In: operands as words. Out: an exit status. Which commands there
 * are stands in cmd_*.c; called as `bpftool`, skep is that command (bpftool.c).
 */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include "cli/user_view.h"

struct tool;

struct tool_command {
	const char *name, *usage;
	int (*run)(struct tool *t);	/* >= 0 the exit status; else t->err says why */
};

struct tool_kind {
	const char *name, *things;	/* "prog", "programs" */
	const struct tool_command *commands;
	u32 nr_commands;
	const char *words;	/* what the usages' words stand for: lines */
	const char *letters;	/* the options, of those that there are: "jpf"; U: --on */
};

struct tool {
	const struct tool_kind *kind;
	struct words w;
	struct map_form form;
	struct live_pins pins;	/* with form.pins, after tool_pins */
	bool debug;		/* -d: what the kernel's verifier says */
	bool no_pin;		/* -L: load, and pin nothing */
	bool no_mount;		/* -n */
	bool ignored;		/* what bpftool needs and skep does by itself */
	const char *base;	/* -B: the BTF before that of a file; or NULL */
	const char *output;	/* -o: where to; or NULL */
	const char *on;		/* --on: whose things are shown; NULL: the kernel's */
	struct strbuf out;
	struct json j;
	struct skep_err err;
};

/* ---- tool.c --------------------------------------------------------------------- */

/* The command that CMD, ARGC and ARGV name, of those of KIND. */
int tool_main(const struct tool_kind *kind, const struct command *cmd, int argc, char **argv);
/* Prints how each is used. */
int tool_help(struct tool *t);
/* A line of that; a line of what OPT_COMMANDS prints. */
void tool_usage(struct strbuf *out, const char *kind, int width, const char *name,
		const char *usage);
void tool_listed(struct strbuf *out, const char *name, const char *usage);

/* The end of a command: what was collected goes out; nothing is to say. */
int tool_finish(struct tool *t);
int tool_done(struct tool *t);
/* An array where there may be several things. */
void tool_begin(struct tool *t, bool one);
int tool_end(struct tool *t, bool one);
/* Shows what the embedded engine has of KIND, of what the words that are left name. */
int tool_show_user(struct tool *t, enum user_kind kind);
/* No word is left. Error: USAGE. */
int tool_no_more(struct tool *t);
/* The word that comes next, which is WHAT. Error: USAGE. */
int tool_word(struct tool *t, const char *what, const char **out);
/* Pins FD, which is WHAT, at the path that comes next and last. */
int tool_pin(struct tool *t, int fd, const char *what);
/* Reads the pins when they are asked for. */
void tool_pins(struct tool *t);

/* ---- bpftool.c -------------------------------------------------------------------- */

/* Was it called as ARGV0 says by the name bpftool? */
bool bpftool_is(const char *argv0);
/* Then this is it: of the N COMMANDS that skep has. */
int bpftool_main(const struct command *commands, size_t n, int argc, char **argv);

#endif
