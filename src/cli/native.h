/* SPDX-License-Identifier: BSD-2-Clause */
/* native.h: native code of loaded programs, shown. */
#ifndef CLI_NATIVE_H
#define CLI_NATIVE_H

#include "api/object.h"
#include "base/json.h"

/*
 * Appends PROG's native code beside its instructions and source lines, to OUT or, when J is
 * not NULL, as members "processor", "tier" and "code" there. Error: RUN, with
 * the reason why there is none.
 */
int native_show(struct strbuf *out, struct json *j, const struct skep_prog *prog,
		struct skep_err *err);
/* What --jit NAME asks for: EXIT_YES, or the exit status of a usage error. */
int native_tier(enum skep_jit *tier, const char *name);

#endif
