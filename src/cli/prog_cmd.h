/* SPDX-License-Identifier: BSD-2-Clause */
/* prog_cmd.h: the longer commands of `skep prog`; each gives an exit status, or an error
 * (below 0) that is in t->err. */
#ifndef CLI_PROG_CMD_H
#define CLI_PROG_CMD_H

#include "cli/prog_view.h"
#include "cli/tool.h"
#include <linux/bpf.h>

int prog_dump_command(struct tool *t);	/* prog_dump_cmd.c */
int prog_load_first(struct tool *t);	/* prog_load.c */
int prog_load_all(struct tool *t);
int prog_run(struct tool *t);		/* prog_run.c */
int prog_tracelog(struct tool *t);	/* prog_log.c */
int prog_profile(struct tool *t);	/* prog_profile.c */

#endif
