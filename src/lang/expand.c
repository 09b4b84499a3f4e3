/* SPDX-License-Identifier: BSD-2-Clause */
#include "lang/ast.h"
void expand_script(struct script *s, const struct expand_opts *o) {}
