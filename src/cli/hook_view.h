/* SPDX-License-Identifier: BSD-2-Clause */
/* hook_view.h: what the commands share that show and change what is attached where. */
#ifndef CLI_HOOK_VIEW_H
#define CLI_HOOK_VIEW_H

#include "cli/tool.h"
#include <inttypes.h>

/* The next word, which is WHAT; NULL, with the error, when there is none. */
const char *hook_word(struct tool *t, const char *what);
/* The kernel answered CODE to what FMT says. Error: HOOK. */
int hook_refused(struct tool *t, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A member in JSON, or V as FORMAT has it. */
void hook_str(struct tool *t, const char *key, const char *format, const char *v)
	__attribute__((format(printf, 3, 0)));
void hook_u64(struct tool *t, const char *key, const char *format, u64 v)
	__attribute__((format(printf, 3, 0)));

#endif
