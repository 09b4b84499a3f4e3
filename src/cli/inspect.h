/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect.h: the parts of `skep inspect`. */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "cli/cli.h"

/* Rows of cells, printed with columns as wide as they need. */
struct table {
	struct arena arena;
	VEC(const char *) cells;
	u32 columns;
};

void table_cell(struct table *t, const char *text);
/* Appends the table, nothing when it is empty, and frees it. */
void table_print(struct strbuf *out, struct table *t);

/* ---- inspect_types.c ------------------------------------------------------ */

/* ALL: also the relocations that went well. */
void inspect_types_text(struct strbuf *out, const struct image *img, bool all);
void inspect_types_json(struct json *j, const struct image *img);
void inspect_core_json(struct json *j, const struct image *img, const struct image_prog *p);

#endif
