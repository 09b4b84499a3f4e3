/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_code.c: commands about code: source lines, instructions, frames. */
#include "debug/command.h"
#include <ctype.h>
#include <inttypes.h>

enum { LIST_LINES = 10 };

/* ---- list ------------------------------------------------------------------------ */

static void list(struct debug *d, const char *file, u32 from, u32 to)
{
	u32 last = 0;

	from = from ? from : 1;
	for (u32 n = from; n <= to; n++) {
		const char *text = dbg_source_line(d, file, n);

		if (!text)
			continue;
		if (last && n > last + 1)
			say(d, "...\n");	/* the file is not here: lines with code alone */
		say(d, "%u\t%s\n", n, text);
		last = n;
	}
	d->list_file = file;
	d->list_line = to + 1;
}

static u32 last_line(struct debug *d, const char *file)
{
	u32 n = dbg_source_lines(d, file);

	for (u32 i = 0; i < d->img->nr_progs; i++)
		for (u32 k = 0; k < d->img->progs[i].nr_lines; k++) {
			const struct image_line *l = &d->img->progs[i].lines[k];

			if (l->line > n && !strcmp(image_line_file(l), file))
				n = l->line;
		}
	return n;
}

/* Where list without a place begins: at the frame, or at the program. */
static void list_here(struct debug *d, const char **file, u32 *line)
{
	const struct dbg_frame *f = dbg_frames(d) ? &d->frames[d->selected] : NULL;
	const struct image_line *l = image_line(&d->img->progs[d->setup->prog], 0);

	*file = f ? f->file : l ? image_line_file(l) : NULL;
	*line = f ? f->line : l ? l->line : 1;
}

/* Lines around that of the first place of SPEC, or of FILE and LINE. */
static int list_place(struct debug *d, const char *spec, const char **file, u32 *line,
		      struct skep_err *err)
{
	struct dbg_loc locs[DBG_PLACES_MAX];
	const struct image_line *l;
	char *end;
	unsigned long n = strtoul(spec, &end, 10);
	int r;

	if (!*end && n && n <= UINT32_MAX) {
		*line = (u32)n;
		return 0;
	}
	r = dbg_places(d, spec, locs, err);
	if (r < 0)
		return r;
	l = image_line(&d->img->progs[locs[0].prog], locs[0].insn);
	if (!l)
		return err_set(err, ERR_DEBUG_PLACE, NULL, "no line is known there");
	*file = image_line_file(l);
	*line = l->line;
	return 0;
}

static int list_range(struct debug *d, const char *text, const char *file, struct skep_err *err)
{
	unsigned from, to;
	char more;

	if (sscanf(text, "%u , %u %c", &from, &to, &more) != 2 || from > to ||
	    to - from > 100000 || to > INT32_MAX)
		return bad_command(err, "list takes FIRST,LAST; not '%s'", text);
	list(d, file, from, to);
	return 0;
}

int cmd_code_list(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	const char *file = d->list_file;
	u32 line = d->list_line, around = LIST_LINES / 2;
	bool back = !strcmp(a->text, "-"), on = !*a->text && d->list_line;
	int r = 0;

	if (!file || *a->text)
		list_here(d, &file, back ? &(u32){ 0 } : &line);
	if (!file)
		return err_set(err, ERR_DEBUG_PLACE, NULL, "the object has no line information "
			       "(.BTF.ext): compile with -g");
	if (strchr(a->text, ','))
		return list_range(d, a->text, file, err);
	if (back)
		line = d->list_line > 2 * LIST_LINES ? d->list_line - 2 * LIST_LINES : 1;
	else if (*a->text)
		r = list_place(d, a->text, &file, &line, err);
	if (r)
		return r;
	if (!back && !on)
		line = line > around ? line - around : 1;
	if (line > last_line(d, file))
		return err_set(err, ERR_DEBUG_PLACE, NULL,
			       "Line number %u out of range; \"%s\" has %u lines.", line, file,
			       last_line(d, file));
	list(d, file, line, line + LIST_LINES - 1);
	return 0;
}

int info_line(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct dbg_loc locs[DBG_PLACES_MAX];
	struct dbg_frame *f;
	char here[32];
	int n;

	if (!*a->text) {
		f = dbg_frame(d, err);
		if (!f)
			return err->code;
		snprintf(here, sizeof(here), "*%u", f->insn);
	}
	n = dbg_places(d, *a->text ? a->text : here, locs, err);
	for (int i = 0; i < n; i++) {
		const struct image_prog *p = &d->img->progs[locs[i].prog];
		const struct image_line *l = image_line(p, locs[i].insn);
		struct strbuf text = { 0 };
		u32 low, high;

		dbg_line_range(p, locs[i].insn, &low, &high);
		dbg_place_text(&text, p, low);
		say(d, "Line %u of \"%s\" is at %s, instructions %u to %u.\n", l ? l->line : 0,
		    l ? image_line_file(l) : "?", sb_text(&text), low, high - 1);
		sb_free(&text);
	}
	return n < 0 ? n : 0;
}

/* ---- instructions ------------------------------------------------------------------ */

static const char *called(const struct bpf_insn *insn)
{
	const struct helper_row *h;

	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return NULL;
	h = helper_row((u32)insn->imm);
	return h ? h->name : NULL;
}

static bool loads_map(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       (insn->src_reg == BPF_PSEUDO_MAP_IDX || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE);
}

void dbg_insn_text(struct strbuf *out, const struct image *img, const struct image_prog *p,
		   u32 at)
{
	const struct bpf_insn *insn = &p->insns[at];
	const char *helper = called(insn);
	u32 map = (u32)insn->imm;
	s64 delta;

	isa_disasm(out, p->insns, p->nr_insns, at);
	if (helper)
		sb_printf(out, "\t# bpf_%s", helper);
	else if (loads_map(insn) && map < img->nr_maps)
		sb_printf(out, "\t# map %s", img->maps[map].name);
	else if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_KFUNC_CALL &&
		 map < img->nr_externs)
		sb_printf(out, "\t# %s", img->externs[map].name);
	else if (isa_target(insn, &delta)) {
		sb_puts(out, "\t# ");
		dbg_place_text(out, p, (u32)((s64)at + 1 + delta));
	}
}

static void dump(struct debug *d, u32 prog, u32 from, u32 to, bool lines)
{
	const struct image_prog *p = &d->img->progs[prog];
	const struct dbg_frame *f = dbg_frames(d) ? &d->frames[d->selected] : NULL;

	for (u32 i = from; i < to; i += isa_slots(&p->insns[i])) {
		const struct image_line *l = image_line(p, i);
		const char *text = lines && l && l->insn == i ?
			dbg_source_line(d, image_line_file(l), l->line) : NULL;
		struct strbuf insn = { 0 };

		if (text)
			say(d, "%s%u\t%s\n", i > from ? "\n" : "", l->line, text);
		dbg_insn_text(&insn, d->img, p, i);
		say(d, "%s %4u <+%u>:\t%s\n", f && f->index == prog && f->insn == i ? "=>" : "  ",
		    i, i - from, sb_text(&insn));
		sb_free(&insn);
	}
}

int cmd_code_disassemble(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct dbg_loc locs[DBG_PLACES_MAX] = { { d->setup->prog, 0 } };
	const struct image_prog *p;
	const struct image_func *in;
	u32 end;
	int n = 1;

	if (*a->text)
		n = dbg_places(d, a->text, locs, err);
	else if (dbg_frames(d))
		locs[0] = (struct dbg_loc){ d->frames[d->selected].index,
					    d->frames[d->selected].insn };
	if (n < 0)
		return n;
	p = &d->img->progs[locs[0].prog];
	in = image_func(p, locs[0].insn);
	end = p->nr_insns;
	for (u32 i = 0; i < p->nr_funcs; i++)
		if (p->funcs[i].insn > in->insn && p->funcs[i].insn < end)
			end = p->funcs[i].insn;
	say(d, "Dump of code for function %s:\n", in->name);
	dump(d, locs[0].prog, in->insn, end, strpbrk(a->fmt, "sm"));
	say(d, "End of dump.\n");
	return 0;
}

int info_functions(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	for (u32 i = 0; i < d->img->nr_progs; i++)
		for (u32 k = 0; k < d->img->progs[i].nr_funcs; k++) {
			const struct image_prog *p = &d->img->progs[i];
			const struct image_line *l = image_line(p, p->funcs[k].insn);

			say(d, "%-24s %s %s*%u", p->funcs[k].name, k ? "subprogram" :
			    "program   ", k ? p->name : "", p->funcs[k].insn);
			if (l)
				say(d, "\t%s:%u", image_line_file(l), l->line);
			say(d, "\n");
		}
	return 0;
}

/* ---- frames -------------------------------------------------------------------------- */

/* Frames that stand in the middle of a line have a place, but not what is inlined around. */
static bool has_place(const struct debug *d, u32 i)
{
	const struct dbg_frame *f = &d->frames[i];

	if (i && d->frames[i - 1].real == f->real)
		return false;
	return i || !f->file || (f->insn && !dbg_line_starts(f->prog, f->insn));
}

static void tell_frame(struct debug *d, u32 i)
{
	struct strbuf text = { 0 };

	dbg_frame_text(&text, d, &d->frames[i], has_place(d, i));
	say(d, "#%-3u%s\n", i, sb_text(&text));
	sb_free(&text);
}

int cmd_show_backtrace(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	u64 n;
	int r = cmd_number(a, DBG_FRAMES_MAX, &n, err);

	if (r)
		return r;
	if (!dbg_frame(d, err))
		return err->code;
	for (u32 i = 0; i < d->nr_frames && i < n; i++) {
		tell_frame(d, i);
		if (d->frames[i].callback)
			say(d, "    <called by a helper>\n");
	}
	if (n < d->nr_frames)
		say(d, "(More stack frames follow...)\n");
	return 0;
}

static int select_frame(struct debug *d, s64 i, struct skep_err *err)
{
	if (!dbg_frame(d, err))
		return err->code;
	if (i < 0 || i >= d->nr_frames)
		return bad_command(err, i < 0 ?
			"Bottom (innermost) frame selected; you can't go down." :
			"Initial frame selected; you can't go up.");
	d->selected = (u32)i;
	d->list_line = 0;
	d->list_file = NULL;
	tell_frame(d, d->selected);
	tell_line(d, &d->frames[i]);
	return 0;
}

static int by(struct debug *d, struct cmd_args *a, int sign, struct skep_err *err)
{
	u64 n;
	int r = cmd_number(a, 1, &n, err);

	return r ? r : select_frame(d, (s64)d->selected + sign * (s64)min_u64(n, 1000), err);
}

int cmd_frame_up(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return by(d, a, 1, err);
}

int cmd_frame_down(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return by(d, a, -1, err);
}

int cmd_frame_select(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	u64 n;
	int r = cmd_number(a, d->selected, &n, err);

	if (!r && dbg_frames(d) && n >= d->nr_frames)
		r = bad_command(err, "No frame at level %s.", a->text);
	return r ? r : select_frame(d, (s64)n, err);
}

int info_frame(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	const struct dbg_frame *f = dbg_frame(d, err);
	struct strbuf text = { 0 };

	if (!f)
		return err->code;
	dbg_frame_text(&text, d, f, true);
	say(d, "Stack level %u: %s\n machine's frame %u, instruction %u, r10 = 0x%" PRIx64 "\n",
	    d->selected, sb_text(&text), f->real, f->insn, f->regs[10]);
	if (f->inlined)
		say(d, " inlined into frame %u\n", d->selected + 1);
	sb_free(&text);
	return 0;
}
