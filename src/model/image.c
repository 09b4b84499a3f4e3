/* SPDX-License-Identifier: BSD-2-Clause */
/* image.c: questions to an image. Never changes one. */
#include "model/image.h"
#include "base/os.h"
#include "base/sha256.h"
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

/* How many of N records, sorted by the slot they begin with, start at or before
 * INSN; BYTES is that of a record. */
static u32 started(const void *records, u32 n, size_t bytes, u32 insn)
{
	u32 lo = 0, hi = n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		const u32 *first = (const u32 *)((const u8 *)records + mid * bytes);

		if (*first <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

_Static_assert(!offsetof(struct image_line, insn) && !offsetof(struct image_func, insn) &&
	       !offsetof(struct image_core, insn), "started() reads it there");

const struct image_line *image_line(const struct image_prog *prog, u32 insn)
{
	u32 n = started(prog->lines, prog->nr_lines, sizeof(*prog->lines), insn);

	/* a record does not reach into the next function */
	if (!n || prog->lines[n - 1].insn < image_func(prog, insn)->insn)
		return NULL;
	return &prog->lines[n - 1];
}

const struct image_func *image_func(const struct image_prog *prog, u32 insn)
{
	u32 n = started(prog->funcs, prog->nr_funcs, sizeof(*prog->funcs), insn);

	return n ? &prog->funcs[n - 1] : NULL;
}

const struct image_core *image_core(const struct image_prog *prog, u32 insn)
{
	u32 n = started(prog->cores, prog->nr_cores, sizeof(*prog->cores), insn);

	return n && prog->cores[n - 1].insn == insn ? &prog->cores[n - 1] : NULL;
}

void image_note(struct image *img, const char *fmt, ...)
{
	const char **notes;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (u32 i = 0; i < img->nr_notes; i++)
		if (!strcmp(img->notes[i], text))
			return;
	notes = arena_news(&img->arena, img->nr_notes + 1, const char *);
	for (u32 i = 0; i < img->nr_notes; i++)
		notes[i] = img->notes[i];
	notes[img->nr_notes++] = arena_strdup(&img->arena, text);
	img->notes = notes;
}

static bool names_map(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       (insn->src_reg == BPF_PSEUDO_MAP_IDX || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE);
}

static bool is_two_slots(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

bool image_uses_map(const struct image_prog *p, u32 map)
{
	for (u32 i = 0; i < p->nr_insns; i += 1 + is_two_slots(&p->insns[i]))
		if (names_map(&p->insns[i]) && (u32)p->insns[i].imm == map)
			return true;
	return false;
}

void image_tag(u8 tag[8], const struct image_prog *p)
{
	struct bpf_insn *v = mem_alloc(p->nr_insns * sizeof(*v) + 1);
	u8 hash[32];

	memcpy(v, p->insns, p->nr_insns * sizeof(*v));
	for (u32 i = 0; i < p->nr_insns; i += 1 + is_two_slots(&v[i])) {
		if (!names_map(&v[i]))
			continue;
		/* the kernel has descriptors there, which it leaves out, with the second
		   word of the two */
		v[i].src_reg = v[i].src_reg == BPF_PSEUDO_MAP_IDX ? BPF_PSEUDO_MAP_FD :
								     BPF_PSEUDO_MAP_VALUE;
		v[i].imm = 0;
		if (i + 1 < p->nr_insns)
			v[i + 1].imm = 0;
	}
	sha256(hash, v, p->nr_insns * sizeof(*v));
	memcpy(tag, hash, 8);
	free(v);
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
