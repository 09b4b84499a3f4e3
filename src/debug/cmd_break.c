/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_break.c: commands about breakpoints. */
#include "debug/command.h"
#include <ctype.h>
#include <inttypes.h>

static void put_loc(struct strbuf *out, const struct debug *d, const struct dbg_loc *l)
{
	const struct image_prog *p = &d->img->progs[l->prog];
	const struct image_line *line = image_line(p, l->insn);

	dbg_place_text(out, p, l->insn);
	if (line)
		sb_printf(out, ": file %s, line %u.", image_line_file(line), line->line);
}

/* "Breakpoint 1 at firewall+12: file fw.c, line 37." */
static void tell_new(struct debug *d, const struct dbg_bp *bp)
{
	struct strbuf text = { 0 };

	if (bp->nr_locs == 1)
		put_loc(&text, d, bp->locs);
	else
		sb_printf(&text, "%s. (%u locations)", bp->spec, bp->nr_locs);
	say(d, "%s %u at %s\n", bp->once ? "Temporary breakpoint" : "Breakpoint", bp->number,
	    sb_text(&text));
	sb_free(&text);
}

static int add(struct debug *d, struct cmd_args *a, bool once, struct skep_err *err)
{
	char here[32], *spec = NULL;
	struct dbg_bp *bp;
	int r;

	if (!*a->text || !strncmp(a->text, "if ", 3)) {
		if (!dbg_frame(d, err))
			return err->code;
		snprintf(here, sizeof(here), "*%u ", d->frames[d->selected].insn);
		spec = mem_alloc(strlen(here) + strlen(a->text) + 1);
		strcpy(spec, here);
		strcat(spec, a->text);
	}
	r = dbg_break(d, spec ? spec : a->text, once, &bp, err);
	if (!r)
		tell_new(d, bp);
	free(spec);
	return r;
}

int cmd_break_add(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return add(d, a, false, err);
}

int cmd_break_once(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return add(d, a, true, err);
}

int cmd_break_watch(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct dbg_bp *bp;
	int r = *a->text ? dbg_watch(d, a->text, &bp, err) :
		bad_command(err, "Argument required (expression to compute).");

	if (!r)
		say(d, "Watchpoint %u: %s\n", bp->number, bp->spec);
	return r;
}

static int catches(struct debug *d, struct cmd_args *a, bool once, struct skep_err *err)
{
	struct dbg_bp *bp;
	int r = dbg_catch(d, a->text, once, &bp, err);

	if (!r)
		say(d, "Catchpoint %u (%s)\n", bp->number, bp->spec);
	return r;
}

int cmd_break_catch(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return catches(d, a, false, err);
}

int cmd_break_catch_once(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return catches(d, a, true, err);
}

/* ---- by their numbers -------------------------------------------------------------- */

/* The number at *TEXT, which moves behind it. */
static int numbered(struct debug *d, char **text, struct dbg_bp **bp, struct skep_err *err)
{
	char *end;
	unsigned long n = strtoul(*text, &end, 10);

	*bp = NULL;
	if (end == *text || (*end && !isspace((u8)*end)))
		return bad_command(err, "Bad breakpoint argument: '%s'", *text);
	*bp = dbg_bp(d, (u32)n);
	*text = end + strspn(end, " ");
	return *bp ? 0 : bad_command(err, "No breakpoint number %lu.", n);
}

typedef void bp_fn(struct debug *d, struct dbg_bp *bp);

/* All, or those whose numbers are given. */
static int each(struct debug *d, struct cmd_args *a, bp_fn *fn, struct skep_err *err)
{
	char *p = a->text;
	struct dbg_bp *bp;
	int r = 0;

	if (!*p) {
		for (size_t i = d->bps.n; i-- > 0;)
			fn(d, &d->bps.v[i]);
		return 0;
	}
	while (!r && *p) {
		r = numbered(d, &p, &bp, err);
		if (!r)
			fn(d, bp);
	}
	return r;
}

static void enable(struct debug *d, struct dbg_bp *bp) { bp->enabled = true; }
static void disable(struct debug *d, struct dbg_bp *bp) { bp->enabled = false; }

int cmd_break_delete(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	a->text += strncmp(a->text, "breakpoints", 11) ? 0 : 11;
	return each(d, a, dbg_delete, err);
}

int cmd_break_enable(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return each(d, a, enable, err);
}

int cmd_break_disable(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return each(d, a, disable, err);
}

int cmd_break_condition(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	char *p = a->text;
	struct dbg_bp *bp;
	int r = numbered(d, &p, &bp, err);

	if (!r && bp->kind == DBG_CATCH)
		r = bad_command(err, "%u is no breakpoint and no watchpoint", bp->number);
	if (!r)
		r = dbg_condition(d, bp, p, err);
	if (!r && !*p)
		say(d, "Breakpoint %u now unconditional.\n", bp->number);
	return r;
}

int cmd_break_ignore(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	char *p = a->text, *end;
	struct dbg_bp *bp;
	int r = numbered(d, &p, &bp, err);

	if (r)
		return r;
	bp->ignore = strtoull(p, &end, 0);
	if (!*p || *end)
		return bad_command(err, "ignore takes a breakpoint and how often");
	say(d, "Will ignore next %" PRIu64 " crossings of breakpoint %u.\n", bp->ignore,
	    bp->number);
	return 0;
}

/* ---- the list -------------------------------------------------------------------------- */

static void tell_row(struct debug *d, const struct dbg_bp *bp)
{
	static const char *const kinds[] = { "breakpoint", "watchpoint", "catchpoint" };
	struct strbuf where = { 0 };

	if (bp->kind != DBG_BREAK)
		sb_puts(&where, bp->spec);
	else if (bp->nr_locs == 1)
		put_loc(&where, d, bp->locs);
	else
		sb_printf(&where, "%s (%u locations)", bp->spec, bp->nr_locs);
	say(d, "%-7u %-14s %-4s %-3c %s\n", bp->number, kinds[bp->kind],
	    bp->once ? "del" : "keep", bp->enabled ? 'y' : 'n', sb_text(&where));
	if (bp->cond)
		say(d, "\tstop only if %s\n", bp->cond);
	if (bp->hits)
		say(d, "\tbreakpoint already hit %" PRIu64 " time%s\n", bp->hits,
		    bp->hits == 1 ? "" : "s");
	for (u32 i = 0; bp->nr_locs > 1 && i < bp->nr_locs; i++) {
		sb_reset(&where);
		put_loc(&where, d, &bp->locs[i]);
		say(d, "%u.%-28u %s\n", bp->number, i + 1, sb_text(&where));
	}
	sb_free(&where);
}

int info_breakpoints(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	if (!d->bps.n) {
		say(d, "No breakpoints or watchpoints.\n");
		return 0;
	}
	say(d, "%-7s %-14s %-4s %-3s %s\n", "Num", "Type", "Disp", "Enb", "What");
	for (size_t i = 0; i < d->bps.n; i++)
		tell_row(d, &d->bps.v[i]);
	return 0;
}
