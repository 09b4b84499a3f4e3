/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user_view.h: programs, maps and links of the embedded engine in this user's processes
 * (api/registry.h), in forms after bpftool's: `skep prog show --on user` and its like. An
 * id is PID.N.I: thing I of object N of process PID.
 */
#ifndef CLI_USER_VIEW_H
#define CLI_USER_VIEW_H

#include "cli/map_view.h"

enum user_kind { USER_PROG, USER_MAP, USER_LINK };

struct user_show {
	enum user_kind kind;
	bool json;
	struct strbuf *out;
	struct json *j;
};

/* Whose things `show` is about: ON NULL, or "kernel", or "user". Error: USAGE. */
int user_wanted(const char *on, bool *user, struct skep_err *err);
/* COMMAND ("dump") has no other form than for the kernel: is ON no engine, or the user's? */
int user_refused(const char *on, const char *command, struct skep_err *err);
/*
 * Appends those that W's words name, all when there is none: id ID, name NAME, tag TAG,
 * pid PID. As members of an array that is open, or lines. Errors: USAGE, USER_LIVE.
 */
int user_show(const struct user_show *s, struct words *w, struct skep_err *err);

#endif
