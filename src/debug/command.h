/* SPDX-License-Identifier: BSD-2-Clause */
/* command.h: between the files of the debugger's commands. */
#ifndef DEBUG_COMMAND_H
#define DEBUG_COMMAND_H

#include "debug/debug.h"
#include <stdio.h>
#include <stdlib.h>

struct cmd_args {
	const char *name;	/* of the command */
	char *text;		/* what follows it, without blanks around */
	char fmt[16];		/* behind a slash: "8xb" */
};

typedef int cmd_fn(struct debug *d, struct cmd_args *a, struct skep_err *err);

#define COMMAND(name, abbr, fn, repeats, usage, help) cmd_fn cmd_##fn;
#include "debug/command.def"
#undef COMMAND

struct cmd_row {
	const char *name, *abbr;
	cmd_fn *fn;
	int repeats;
	const char *usage, *help;
};

/* The subcommands of info. */
struct info_row { const char *name; cmd_fn *fn; };
cmd_fn info_args, info_breakpoints, info_display, info_frame, info_functions, info_line,
	info_locals, info_maps, info_packet, info_program, info_registers, info_variables;

void say(struct debug *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A number that ARGS are, or DEFAULT when they are empty. */
int cmd_number(const struct cmd_args *a, u64 otherwise, u64 *n, struct skep_err *err);
int bad_command(struct skep_err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "37\ttext" of FRAME's line. */
void tell_line(struct debug *d, const struct dbg_frame *f);
void tell_displays(struct debug *d);
/* The packet's headers and first bytes. */
void packet_text(struct strbuf *out, const u8 *p, u32 bytes);

#endif
