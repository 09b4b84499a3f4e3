/* SPDX-License-Identifier: BSD-2-Clause */
#include "lang/ast.h"
bool fmt_script(struct strbuf *out, struct script *s, const struct source *src) { return true; }
