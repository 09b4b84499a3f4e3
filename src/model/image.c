/* SPDX-License-Identifier: BSD-2-Clause */
/* image.c: questions to an image. Never changes one. */
#include "model/image.h"
#include <stdio.h>
#include <stdlib.h>

void image_free(struct image *img)
{
	struct arena arena;

	if (!img)
		return;
	/* the image lives in its own arena */
	arena = img->arena;
	arena_free(&arena);
}

const struct image_line *image_line(const struct image_prog *prog, u32 insn)
{
	u32 lo = 0, hi = prog->nr_lines;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (prog->lines[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* a record does not reach into the next function */
	if (!lo || prog->lines[lo - 1].insn < image_func(prog, insn)->insn)
		return NULL;
	return &prog->lines[lo - 1];
}

const struct image_func *image_func(const struct image_prog *prog, u32 insn)
{
	u32 lo = 0, hi = prog->nr_funcs;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (prog->funcs[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &prog->funcs[lo - 1] : NULL;
}

int image_map_find(const struct image *img, const char *name)
{
	for (u32 i = 0; i < img->nr_maps; i++)
		if (!strcmp(img->maps[i].name, name))
			return (int)i;
	return -1;
}

const char *image_line_file(const struct image_line *line)
{
	return strncmp(line->file, "./", 2) ? line->file : line->file + 2;
}

void image_where(char *buf, size_t size, const struct image *img,
		 const struct image_prog *prog, u32 insn)
{
	const struct image_line *l = image_line(prog, insn);

	if (l && l->line && l->col)
		snprintf(buf, size, "%s:%u:%u", image_line_file(l), l->line, l->col);
	else if (l && l->line)
		snprintf(buf, size, "%s:%u", image_line_file(l), l->line);
	else
		snprintf(buf, size, "%s:%s:%u", img->file, prog->name, insn);
}
