/* SPDX-License-Identifier: BSD-2-Clause */
/* btf_view.h: types of the running kernel as `skep btf` sees them. */
#ifndef CLI_BTF_VIEW_H
#define CLI_BTF_VIEW_H

#include "cli/tool.h"

/* Which there are, or that of "id N", and what they are the types of. As a command of
 * prog_cmd.h. */
int btf_list(struct tool *t);

#endif
