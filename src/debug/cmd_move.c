/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_move.c: commands that run the program, and what people are told when it stops. */
#include "debug/command.h"
#include <inttypes.h>

/* ---- what is told ------------------------------------------------------------- */

static void put_args(struct strbuf *out, struct debug *d, const struct dbg_frame *f)
{
	const struct locals_var *vars[DBG_PLACES_MAX];
	const struct show_opts o = { .depth = 1, .limit = 20 };
	struct value_env env = dbg_env(d, f);
	u32 n = dbg_vars(f, true, vars, ARRAY_LEN(vars));

	for (u32 i = 0; i < n; i++) {
		struct value v = dbg_var_value(d, f, vars[i]);
		bool compound = v.kind != VALUE_GONE && (dtype_is_record(d->types, v.type) ||
			dtype_kind(d->types, v.type) == BTF_KIND_ARRAY);

		sb_printf(out, "%s%s=", i ? ", " : "", vars[i]->name);
		if (compound)
			sb_puts(out, "...");
		else
			value_show(out, &env, &v, &o);
	}
}

void dbg_frame_text(struct strbuf *out, struct debug *d, const struct dbg_frame *f, bool place)
{
	if (place) {
		dbg_place_text(out, f->prog, f->insn);
		sb_puts(out, " in ");
	}
	sb_printf(out, "%s (", f->name);
	put_args(out, d, f);
	sb_putc(out, ')');
	if (f->file)
		sb_printf(out, " at %s:%u", f->file, f->line);
}

static bool within_line(const struct dbg_frame *f)
{
	return !f->file || !dbg_line_starts(f->prog, f->insn);
}

void tell_line(struct debug *d, const struct dbg_frame *f)
{
	const char *text = f->file ? dbg_source_line(d, f->file, f->line) : NULL;

	if (text)
		say(d, "%u\t%s\n", f->line, text);
	else if (f->file)
		say(d, "%u\tin %s\n", f->line, f->file);
	if (!f->file) {
		struct strbuf insn = { 0 };

		dbg_insn_text(&insn, d->img, f->prog, f->insn);
		say(d, "%u:\t%s\n", f->insn, sb_text(&insn));
		sb_free(&insn);
	}
}

/* Whether people know already in which frame it stands. */
static bool same_frame(struct debug *d, const struct dbg_frame *f)
{
	bool same = d->told.name && !strcmp(d->told.name, f->name) &&
		d->told.real == f->real && d->told.inlined == f->inlined &&
		d->told.input == d->input;

	d->told.name = f->name;
	d->told.real = f->real;
	d->told.inlined = f->inlined;
	d->told.input = d->input;
	return same;
}

static void tell_place(struct debug *d, bool always)
{
	const struct dbg_frame *f = dbg_frames(d) ? &d->frames[0] : NULL;
	struct strbuf text = { 0 };

	if (!f)
		return;
	if (!same_frame(d, f) || always) {
		dbg_frame_text(&text, d, f, within_line(f) && f->insn);
		say(d, "%s\n", sb_text(&text));
	} else if (within_line(f) && f->insn && f->file) {
		dbg_place_text(&text, f->prog, f->insn);
		say(d, "%s\t", sb_text(&text));
	}
	tell_line(d, f);
	sb_free(&text);
}

static const char *input_word(const struct debug *d)
{
	return d->run.data ? "Packet" : "Run";
}

static void tell_end(struct debug *d)
{
	const struct test_run *t = replay_result(d->s);
	const struct skep_err *why;
	struct strbuf verdict = { 0 };

	if (replay_status(d->s, &why) < 0)
		sb_puts(&verdict, "stopped by a fault");
	else
		dbg_verdict_text(&verdict, d, t->retval);
	say(d, "[%s %" PRIu64 ": %s, %" PRIu64 " instructions]\n", input_word(d), d->input,
	    sb_text(&verdict), replay_length(d->s));
	sb_free(&verdict);
	d->told.name = NULL;
	d->said_end = d->input;
	d->expected = d->input + 1;
}

/* Which input this is, unless it is the next one of what was told last. */
static void tell_input(struct debug *d)
{
	if (d->input != d->expected && d->input != d->said_end)
		say(d, "[%s %" PRIu64 "]\n", input_word(d), d->input);
	d->expected = d->input;
}

/* Between two inputs there is no instruction to stand before: the one behind it has ended. */
static void tell_interrupt(struct debug *d)
{
	say(d, "\nProgram received signal SIGINT, Interrupt.\n");
	if (dbg_frames(d))
		tell_place(d, true);
	else if (d->s && d->said_end != d->input)
		tell_end(d);
}

void dbg_tell_stop(struct debug *d)
{
	bool between = d->stop == DBG_INTERRUPTED && !dbg_frames(d);

	if (d->stop != DBG_END && d->stop != DBG_NO_INPUT && !between)
		tell_input(d);
	switch (d->stop) {
	case DBG_BREAKPOINT:
		say(d, "\nBreakpoint %u, ", d->stop_bp);
		tell_place(d, true);
		break;
	case DBG_WATCHPOINT:
		say(d, "\nWatchpoint %u: %s\n\n%s", d->stop_bp,
		    dbg_bp(d, d->stop_bp) ? dbg_bp(d, d->stop_bp)->spec : "",
		    sb_text(&d->stop_text));
		tell_place(d, true);
		break;
	case DBG_SCOPE_END:
		say(d, "\nWatchpoint %u deleted because the program has left the block in\n"
		    "which its expression is valid.\n", d->stop_bp);
		tell_place(d, true);
		break;
	case DBG_CATCHPOINT:
		say(d, "\nCatchpoint %u (%s), ", d->stop_bp, sb_text(&d->stop_text));
		tell_place(d, true);
		break;
	case DBG_FAULT:
		say(d, "\nProgram received fault %s\n", sb_text(&d->stop_text));
		tell_place(d, true);
		break;
	case DBG_INTERRUPTED:
		tell_interrupt(d);
		break;
	case DBG_BEGIN:
		say(d, "\nNo more reverse-execution history.\n");
		tell_place(d, true);
		break;
	case DBG_END:
		tell_end(d);
		return;
	case DBG_NO_INPUT:
		if (d->said_end != d->input)
			tell_end(d);
		say(d, "[The input has ended]\n");
		return;
	default:
		tell_place(d, d->stop == DBG_AT_START || d->stop == DBG_FINISHED);
		break;
	}
	tell_displays(d);
}

/* ---- what a function returned ------------------------------------------------------ */

/* The type that the function at the stop that is left returns; void: none. */
static struct dtype return_type(const struct debug *d, const struct dbg_frame *f)
{
	const struct image_func *in = image_func(f->prog, f->insn);
	const struct btf_type *func;

	if (f->inlined || !in->type_id || !d->img->btf)
		return (struct dtype){ 0, 0 };
	func = btf_type(d->img->btf, in->type_id);
	return types_of(d->types, TYPES_IMAGE, btf_type(d->img->btf, func->type)->type);
}

static void tell_returned(struct debug *d, struct dtype ty)
{
	const struct show_opts o = { .top = true };
	struct value_env env = dbg_env_here(d);
	struct value v;

	if (!dbg_frames(d) || !(d->frames[0].known & 1) || !dtype_bytes(d->types, ty))
		return;
	v = value_number(ty, value_extend(d->types, ty, d->frames[0].regs[0]));
	*vec_push(&d->history) = v;
	say(d, "Value returned is $%zu = ", d->history.n);
	value_show(d->out, &env, &v, &o);
	sb_putc(d->out, '\n');
}

/* ---- moves --------------------------------------------------------------------------- */

static int repeat(struct debug *d, struct cmd_args *a, enum dbg_move how, bool back,
		  struct skep_err *err)
{
	bool lines = how == MOVE_STEP || how == MOVE_NEXT || how == MOVE_UNTIL;
	u64 n;
	int r = cmd_number(a, 1, &n, err);

	if (!r && lines && dbg_frames(d) && !d->frames[0].file)
		say(d, "Single stepping until exit from function %s,\n"
		    "which has no line number information.\n", d->frames[0].name);
	for (u64 i = 0; !r && i < n; i++) {
		r = dbg_move(d, how, back, NULL, 0, err);
		if (d->stop != DBG_STEPPED && !(d->stop == DBG_AT_START && i + 1 < n))
			break;
		if (d->interrupted && i + 1 < n) {
			d->stop = DBG_INTERRUPTED;
			break;
		}
	}
	if (!r)
		dbg_tell_stop(d);
	return r;
}

int cmd_move_step(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_STEP, false, err);
}

int cmd_move_next(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_NEXT, false, err);
}

int cmd_move_stepi(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_STEPI, false, err);
}

int cmd_move_nexti(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_NEXTI, false, err);
}

int cmd_back_step(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_STEP, true, err);
}

int cmd_back_next(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_NEXT, true, err);
}

int cmd_back_stepi(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_STEPI, true, err);
}

int cmd_back_nexti(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return repeat(d, a, MOVE_NEXTI, true, err);
}

int cmd_back_continue(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	int r = dbg_move(d, MOVE_CONTINUE, true, NULL, 0, err);

	if (!r)
		dbg_tell_stop(d);
	return r;
}

int cmd_move_continue(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct dbg_bp *bp = dbg_bp(d, d->stop_bp);
	u64 n;
	int r = cmd_number(a, 1, &n, err);

	if (r || (r = dbg_stands(d, err)))
		return r;
	if (bp && n > 1 && d->stop == DBG_BREAKPOINT) {
		bp->ignore = n - 1;
		say(d, "Will ignore next %" PRIu64 " crossings of breakpoint %u.  Continuing.\n",
		    n - 1, bp->number);
	}
	do
		r = dbg_move(d, MOVE_CONTINUE, false, NULL, 0, err);
	while (!r && n-- > 1 && d->stop == DBG_WATCHPOINT);
	if (!r)
		dbg_tell_stop(d);
	return r;
}

static int finish(struct debug *d, bool back, struct skep_err *err)
{
	struct dbg_frame *f = dbg_frame(d, err);
	struct strbuf text = { 0 };
	struct dtype ty;
	int r;

	if (!f)
		return err->code;
	ty = return_type(d, f);
	dbg_frame_text(&text, d, f, within_line(f));
	if (f->real || f->inlined)
		say(d, "Run %s #%u  %s\n", back ? "back to call of" : "till exit from", d->selected,
		    sb_text(&text));
	sb_free(&text);
	r = dbg_move(d, MOVE_FINISH, back, NULL, 0, err);
	if (r)
		return r;
	dbg_tell_stop(d);
	if (!back && d->stop == DBG_FINISHED)
		tell_returned(d, ty);
	return 0;
}

int cmd_move_finish(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return finish(d, false, err);
}

int cmd_back_finish(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return finish(d, true, err);
}

int cmd_move_advance(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct dbg_loc locs[DBG_PLACES_MAX];
	int n;

	if (!*a->text)
		return bad_command(err, "Argument required (a location).");
	if (!dbg_frame(d, err))
		return err->code;
	n = dbg_places(d, a->text, locs, err);
	if (n < 0)
		return n;
	n = dbg_move(d, MOVE_ADVANCE, false, locs, (u32)n, err);
	if (!n)
		dbg_tell_stop(d);
	return n;
}

int cmd_move_until(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct cmd_args none = { .name = a->name, .text = a->text + strlen(a->text) };

	return *a->text ? cmd_move_advance(d, a, err) : repeat(d, &none, MOVE_UNTIL, false, err);
}

int cmd_move_goto(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	struct value_env env = dbg_env_here(d);
	u64 at;
	int r = *a->text ? expr_number(&at, &env, a->text, err) :
		bad_command(err, "goto takes a time: instructions since the beginning");

	if (!r && at > INT64_MAX)
		r = bad_command(err, "there is no time before 0");
	if (!r)
		r = dbg_goto(d, at, err);
	if (!r)
		dbg_tell_stop(d);
	return r;
}

static int run(struct debug *d, struct cmd_args *a, bool stay, struct skep_err *err)
{
	u64 n;
	int r = cmd_number(a, 1, &n, err);

	if (!r && !n)
		r = bad_command(err, "packets are numbered from 1");
	d->told.name = NULL;
	d->said_end = 0;
	d->expected = n;
	if (!r)
		r = dbg_run(d, n, stay, err);
	if (!r)
		dbg_tell_stop(d);
	return r;
}

int cmd_move_run(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return run(d, a, false, err);
}

int cmd_move_start(struct debug *d, struct cmd_args *a, struct skep_err *err)
{
	return run(d, a, true, err);
}
