/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame.c: the frames of a stopped program: those of the machine, and in each of them
 * the calls that the compiler has inlined, as DWARF tells.
 */
#include "debug/debug.h"
#include "vm/vm.h"
#include <stdlib.h>

static const struct locals_scope *func_scope(const struct debug *d, const struct image_prog *p,
					     u32 insn)
{
	const struct locals_scope *s = d->locals ?
		locals_func(d->locals, image_func(p, insn)->name) : NULL;

	return s && s->nr_ranges ? s : NULL;
}

/* The function that S is in: an inlined one or the real one. */
static const struct locals_scope *function_of(const struct locals_scope *s)
{
	while (s->kind == LOCALS_BLOCK && s->parent)
		s = s->parent;
	return s;
}

static const char *plain_file(const char *file)
{
	return file && !strncmp(file, "./", 2) ? file + 2 : file;
}

static u32 inlined_around(const struct locals_scope *s)
{
	u32 n = 0;

	for (; s; s = s->parent)
		n += s->kind == LOCALS_INLINED;
	return n;
}

u32 dbg_inlined(struct debug *d, const struct image_prog *p, u32 insn)
{
	const struct locals_scope *f = func_scope(d, p, insn);

	return f ? inlined_around(locals_scope_at(f, dbg_addr(p, insn, f))) : 0;
}

static void set_line(struct dbg_frame *f)
{
	const struct image_line *l = image_line(f->prog, f->insn);

	if (l) {
		f->file = image_line_file(l);
		f->line = l->line;
	}
}

/* F, whose prog and insn are set, becomes frames of its function and what is inlined. */
static u32 expand(struct debug *d, struct dbg_frame *f, u32 max)
{
	const struct locals_scope *real = func_scope(d, f->prog, f->insn), *s;
	struct dbg_frame *to = f;

	set_line(f);
	f->name = image_func(f->prog, f->insn)->name;
	if (!real)
		return 1;
	f->addr = dbg_addr(f->prog, f->insn, real);
	f->func = s = function_of(locals_scope_at(real, f->addr));
	f->inlined = inlined_around(s);
	if (s->kind == LOCALS_INLINED)
		f->name = s->name;
	while (s->kind == LOCALS_INLINED && s->parent && to + 1 < f + max) {
		to[1] = to[0];
		to[1].file = plain_file(s->call_file);
		to[1].line = s->call_line;
		s = function_of(s->parent);
		to++;
		to->func = s;
		to->inlined--;
		to->name = s->kind == LOCALS_INLINED ? s->name :
			image_func(f->prog, f->insn)->name;
	}
	return (u32)(to - f) + 1;
}

u32 dbg_frames_of(struct debug *d, const struct replay_insn *at, struct dbg_frame *out, u32 max)
{
	*out = (struct dbg_frame){ .prog = &d->img->progs[at->prog->index],
		.index = at->prog->index, .insn = at->insn, .real = at->frame, .known = 0x7ff };
	memcpy(out->regs, at->regs, sizeof(out->regs));
	return expand(d, out, max);
}

/* A frame that waits has r6..r9 of when it called, and its stack. */
static void waiting_regs(struct vm_machine *m, struct dbg_frame *f, u64 fp)
{
	f->regs[10] = fp;
	f->known = 1 << 10;
	if (m && vm_frame_saved(m, f->real, &f->regs[6]))
		f->known |= 0xf << 6;
}

u32 dbg_frames(struct debug *d)
{
	const struct replay_insn *at = d->s ? replay_insn(d->s) : NULL;
	struct replay_frame real[REPLAY_FRAMES_MAX];
	struct vm_machine *m;
	u32 n, k;

	if (!at)
		return 0;
	if (d->frames)
		return d->nr_frames;
	m = replay_live(d->s);
	d->frames = mem_alloc((DBG_FRAMES_MAX + 1) * sizeof(*d->frames));
	n = dbg_frames_of(d, at, d->frames, DBG_FRAMES_MAX);
	k = replay_frames(d->s, real, ARRAY_LEN(real));
	for (u32 i = 1; i < k && n < DBG_FRAMES_MAX; i++) {
		struct dbg_frame *f = &d->frames[n];

		*f = (struct dbg_frame){ .prog = &d->img->progs[real[i].prog->index],
			.index = real[i].prog->index, .insn = real[i].insn,
			.real = real[i].frame };
		f[-1].callback = real[i - 1].callback;
		waiting_regs(m, f, real[i].fp);
		n += expand(d, f, DBG_FRAMES_MAX - n);
	}
	d->nr_frames = n;
	d->selected = 0;
	return n;
}

struct dbg_frame *dbg_frame(struct debug *d, struct skep_err *err)
{
	if (!dbg_frames(d)) {
		err_set(err, ERR_DEBUG_STATE, NULL, d->s ? "No frame selected: the run has ended." :
			"The program is not being run.");
		return NULL;
	}
	return &d->frames[d->selected];
}

void dbg_moved(struct debug *d)
{
	free(d->frames);
	d->frames = NULL;
	d->nr_frames = d->selected = 0;
	d->list_line = 0;
	d->list_file = NULL;
}
