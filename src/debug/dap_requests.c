/* SPDX-License-Identifier: BSD-2-Clause */
/* dap_requests.c: requests that set things up, move the program and end it. */
#include "debug/dap_in.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the session -------------------------------------------------------------- */

int dap_not_launched(struct dap *s, struct skep_err *err)
{
	return s->d ? 0 : err_set(err, ERR_DEBUG_STATE, NULL, "nothing is launched");
}

static void filter(struct json *j, const char *name, const char *label, bool on,
		   const char *description)
{
	json_obj(j, NULL);
	json_str(j, "filter", name);
	json_str(j, "label", label);
	json_str(j, "description", description);
	json_bool(j, "default", on);
	json_bool(j, "supportsCondition", !on);
	if (!on)
		json_str(j, "conditionDescription", "a verdict: XDP_DROP");
	json_obj_end(j);
}

int dap_initialize(struct dap *s, const struct json_node *args, struct json *b,
		   struct skep_err *err)
{
	static const char *const can[] = {
		"supportsConfigurationDoneRequest", "supportsFunctionBreakpoints",
		"supportsConditionalBreakpoints", "supportsEvaluateForHovers",
		"supportsStepBack", "supportsTerminateRequest", "supportsDisassembleRequest",
		"supportsSteppingGranularity", "supportsInstructionBreakpoints",
		"supportsDataBreakpoints", "supportsExceptionFilterOptions",
		"supportsValueFormattingOptions", "supportsHitConditionalBreakpoints",
	};

	s->lines_from_0 = !dap_bool(args, "linesStartAt1", true);
	s->columns_from_0 = !dap_bool(args, "columnsStartAt1", true);
	for (size_t i = 0; i < ARRAY_LEN(can); i++)
		json_bool(b, can[i], true);
	json_arr(b, "exceptionBreakpointFilters");
	filter(b, "fault", "Faults", true, "Stop where the program does what it must not");
	filter(b, "verdict", "Verdicts", false, "Stop where the program ends");
	json_arr_end(b);
	return 0;
}

int dap_launch(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	struct debug *d;
	int r;

	if (s->d)
		return err_set(err, ERR_DEBUG_STATE, NULL, "there is a program already");
	r = s->host->launch(s->host->arg, args, &s->said, &d, err);
	if (r)
		return r;
	s->d = d;
	s->packet = dap_u64(args, "packet", 1);
	s->stop_on_entry = dap_bool(args, "stopOnEntry", false);
	s->after = AFTER_INITIALIZED;
	return 0;
}

int dap_configured(struct dap *s, const struct json_node *args, struct json *b,
		   struct skep_err *err)
{
	int r = dap_not_launched(s, err);

	if (!r)
		s->after = AFTER_RUN;
	return r;
}

int dap_terminate(struct dap *s, const struct json_node *args, struct json *b,
		  struct skep_err *err)
{
	s->after = AFTER_END;
	return 0;
}

int dap_disconnect(struct dap *s, const struct json_node *args, struct json *b,
		   struct skep_err *err)
{
	s->quit = true;
	return 0;
}

int dap_threads(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	char name[200] = "program";

	if (s->d && s->d->s)
		snprintf(name, sizeof(name), "%.100s, %s %" PRIu64,
			 s->d->img->progs[s->d->setup->prog].name,
			 s->d->run.data ? "packet" : "run", s->d->input);
	json_arr(b, "threads");
	json_obj(b, NULL);
	json_u64(b, "id", 1);
	json_str(b, "name", name);
	json_obj_end(b);
	json_arr_end(b);
	return 0;
}

/* ---- moves ------------------------------------------------------------------------- */

static int move(struct dap *s, enum dbg_move how, bool back, struct skep_err *err)
{
	int r = dap_not_launched(s, err);

	if (!r && (s->ended || !s->d->s))
		r = err_set(err, ERR_DEBUG_STATE, NULL, "the program is not being run");
	if (r)
		return r;
	s->move = how;
	s->back = back;
	s->after = AFTER_MOVE;
	return 0;
}

/* The same by instructions, when the client wants those. */
static enum dbg_move granular(const struct json_node *args, enum dbg_move line,
			      enum dbg_move insn)
{
	const char *g = dap_str(args, "granularity");

	return g && !strcmp(g, "instruction") ? insn : line;
}

int dap_go(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	json_bool(b, "allThreadsContinued", true);
	return move(s, MOVE_CONTINUE, false, err);
}

int dap_next(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	return move(s, granular(args, MOVE_NEXT, MOVE_NEXTI), false, err);
}

int dap_step_in(struct dap *s, const struct json_node *args, struct json *b,
		struct skep_err *err)
{
	return move(s, granular(args, MOVE_STEP, MOVE_STEPI), false, err);
}

/* Out of the outermost function is to the end. */
int dap_step_out(struct dap *s, const struct json_node *args, struct json *b,
		 struct skep_err *err)
{
	int r = move(s, MOVE_FINISH, false, err);

	if (!r && dbg_frames(s->d) && !s->d->frames[0].real && !s->d->frames[0].inlined)
		s->move = MOVE_CONTINUE;
	if (!r)
		s->d->selected = 0;
	return r;
}

int dap_step_back(struct dap *s, const struct json_node *args, struct json *b,
		  struct skep_err *err)
{
	return move(s, granular(args, MOVE_NEXT, MOVE_STEPI), true, err);
}

int dap_reverse(struct dap *s, const struct json_node *args, struct json *b,
		struct skep_err *err)
{
	return move(s, MOVE_CONTINUE, true, err);
}

/* It has stopped already when this is answered: see look(). */
int dap_pause(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	return dap_not_launched(s, err);
}

/* ---- breakpoints ------------------------------------------------------------------------ */

/* Those that were set for OF are gone. */
static void drop(struct dap *s, const char *of)
{
	size_t n = 0;

	for (size_t i = 0; i < s->bps.n; i++) {
		struct dbg_bp *bp;

		if (strcmp(s->bps.v[i].of, of)) {
			s->bps.v[n++] = s->bps.v[i];
			continue;
		}
		bp = dbg_bp(s->d, s->bps.v[i].number);
		if (bp)
			dbg_delete(s->d, bp);
		free(s->bps.v[i].of);
	}
	s->bps.n = n;
}

static void keep(struct dap *s, u32 number, const char *of)
{
	vec_push(&s->bps);
	s->bps.v[s->bps.n - 1].number = number;
	s->bps.v[s->bps.n - 1].of = mem_strdup(of);
}

static void put_place(struct dap *s, struct json *b, const struct dbg_bp *bp)
{
	const struct dbg_loc *l = bp->locs;
	const struct image_line *line = l ?
		image_line(&s->d->img->progs[l->prog], l->insn) : NULL;
	char at[32];

	if (line) {
		json_u64(b, "line", line->line - s->lines_from_0);
		dap_source_of(s, b, image_line_file(line));
	}
	if (l) {
		dap_address(at, l->prog, l->insn);
		json_str(b, "instructionReference", at);
	}
}

/* The answer for one breakpoint, which was set with R. */
static void put_bp(struct dap *s, struct json *b, int r, const struct dbg_bp *bp,
		   const struct skep_err *err)
{
	json_obj(b, NULL);
	json_bool(b, "verified", !r);
	if (!r) {
		json_u64(b, "id", bp->number);
		put_place(s, b, bp);
	} else {
		dap_message(b, "message", err);
	}
	json_obj_end(b);
}

/* What node O says besides its place. */
static int options(struct dap *s, const struct json_node *o, struct dbg_bp *bp,
		   struct skep_err *err)
{
	const char *cond = dap_str(o, "condition"), *hits = dap_str(o, "hitCondition");
	int r = cond && *cond ? dbg_condition(s->d, bp, cond, err) : 0;

	if (!r && hits && *hits) {
		char *end;

		bp->ignore = strtoull(hits, &end, 10);
		if (*end || !bp->ignore)
			r = err_set(err, ERR_DEBUG_COMMAND, NULL,
				    "a hit condition is a number, not '%s'", hits);
		bp->ignore -= !r;
	}
	if (r)
		dbg_delete(s->d, bp);
	return r;
}

static void set_one(struct dap *s, const struct json_node *o, const char *spec, const char *of,
		    struct json *b)
{
	struct skep_err err = { 0 };
	struct dbg_bp *bp = NULL;
	int r = dbg_break_at(s->d, spec, "", false, &bp, &err);

	if (!r)
		r = options(s, o, bp, &err);
	if (!r)
		keep(s, bp->number, of);
	put_bp(s, b, r, bp, &err);
}

/* The elements of array KEY in ARGS. */
static const struct json_node *elements(const struct json_node *args, const char *key)
{
	const struct json_node *a = args && args->kind == JSON_OBJECT ? json_member(args, key) :
		NULL;

	return a && a->kind == JSON_ARRAY ? a->child : NULL;
}

int dap_set_breakpoints(struct dap *s, const struct json_node *args, struct json *b,
			struct skep_err *err)
{
	const struct json_node *source = args && args->kind == JSON_OBJECT ?
		json_member(args, "source") : NULL;
	const char *path = dap_str(source, "path");
	int r = dap_not_launched(s, err);
	struct strbuf spec = { 0 };

	path = path ? path : dap_str(source, "name");
	if (!r && !path)
		r = err_set(err, ERR_DAP, NULL, "setBreakpoints names no source");
	if (r)
		return r;
	drop(s, path);
	json_arr(b, "breakpoints");
	for (const struct json_node *o = elements(args, "breakpoints"); o; o = o->next) {
		sb_reset(&spec);
		sb_printf(&spec, "%s:%" PRIu64, path, dap_u64(o, "line", 0) + s->lines_from_0);
		set_one(s, o, spec.s, path, b);
	}
	json_arr_end(b);
	sb_free(&spec);
	return 0;
}

int dap_set_functions(struct dap *s, const struct json_node *args, struct json *b,
		      struct skep_err *err)
{
	int r = dap_not_launched(s, err);

	if (r)
		return r;
	drop(s, "<functions>");
	json_arr(b, "breakpoints");
	for (const struct json_node *o = elements(args, "breakpoints"); o; o = o->next)
		set_one(s, o, dap_str(o, "name") ? dap_str(o, "name") : "", "<functions>", b);
	json_arr_end(b);
	return 0;
}

int dap_set_instructions(struct dap *s, const struct json_node *args, struct json *b,
			 struct skep_err *err)
{
	int r = dap_not_launched(s, err);

	if (r)
		return r;
	drop(s, "<instructions>");
	json_arr(b, "breakpoints");
	for (const struct json_node *o = elements(args, "breakpoints"); o; o = o->next) {
		const char *ref = dap_str(o, "instructionReference");
		struct dbg_loc l;
		char spec[256] = "*?";

		if (ref && dap_address_of(s, ref, dap_s64(o, "offset", 0), &l)) {
			const struct image_prog *p = &s->d->img->progs[l.prog];
			const struct image_func *f = image_func(p, l.insn);

			snprintf(spec, sizeof(spec), "*%.200s+%u", f->name, l.insn - f->insn);
		}
		set_one(s, o, spec, "<instructions>", b);
	}
	json_arr_end(b);
	return 0;
}

static int catch_one(struct dap *s, const char *name, const char *cond, struct json *b)
{
	struct skep_err err = { 0 };
	struct dbg_bp *bp = NULL;
	char what[160];
	int r = 0;

	if (!strcmp(name, "fault")) {
		s->stops_at_faults = true;
		json_obj(b, NULL);
		json_bool(b, "verified", true);
		json_obj_end(b);
		return 0;
	}
	snprintf(what, sizeof(what), "%.20s %.100s", name, cond ? cond : "");
	r = dbg_catch(s->d, what, false, &bp, &err);
	if (!r)
		keep(s, bp->number, "<exceptions>");
	put_bp(s, b, r, bp, &err);
	return r;
}

int dap_set_exceptions(struct dap *s, const struct json_node *args, struct json *b,
		       struct skep_err *err)
{
	int r = dap_not_launched(s, err);

	if (r)
		return r;
	drop(s, "<exceptions>");
	s->stops_at_faults = false;
	json_arr(b, "breakpoints");
	for (const struct json_node *o = elements(args, "filters"); o; o = o->next)
		catch_one(s, o->kind == JSON_STRING ? o->text : "", NULL, b);
	for (const struct json_node *o = elements(args, "filterOptions"); o; o = o->next)
		catch_one(s, dap_str(o, "filterId") ? dap_str(o, "filterId") : "",
			  dap_str(o, "condition"), b);
	json_arr_end(b);
	return 0;
}

/* Could PATH be watched, now? What it would be watched by is not kept. */
static int can_watch(struct dap *s, const char *path, struct skep_err *err)
{
	struct dbg_bp *bp;
	u32 next = s->d->next_bp;
	int r = *path ? dbg_watch(s->d, path, &bp, err) :
		err_set(err, ERR_DAP, NULL, "dataBreakpointInfo gives no name");

	if (r)
		return r;
	dbg_delete(s->d, bp);
	s->d->next_bp = next;
	return 0;
}

/* A variable's expression is what it is watched by. */
int dap_data_info(struct dap *s, const struct json_node *args, struct json *b,
		  struct skep_err *err)
{
	u64 ref = dap_u64(args, "variablesReference", 0);
	const char *name = dap_str(args, "name");
	struct skep_err why = { 0 };
	struct strbuf path = { 0 };
	int r = dap_not_launched(s, err);

	if (r)
		return r;
	if (ref && ref <= s->refs.n && s->refs.v[ref - 1].path && name)
		sb_printf(&path, *name == '[' ? "(%s)%s" : "(%s).%s", s->refs.v[ref - 1].path,
			  name);
	else if (name)
		sb_puts(&path, name);
	if (!can_watch(s, sb_text(&path), &why)) {
		json_str(b, "dataId", path.s);
		json_str(b, "description", path.s);
		json_arr(b, "accessTypes");
		json_str(b, NULL, "write");
		json_arr_end(b);
	} else {
		json_none(b, "dataId");
		dap_message(b, "description", &why);
	}
	sb_free(&path);
	return 0;
}

/* Reads stop nothing: who asks for these only is told so. */
static int data_options(struct dap *s, const struct json_node *o, struct dbg_bp *bp,
			struct skep_err *err)
{
	const char *access = dap_str(o, "accessType");

	if (!access || !strcmp(access, "write"))
		return options(s, o, bp, err);
	dbg_delete(s->d, bp);
	return err_set(err, ERR_DAP, NULL, "data is watched for writes only, not for '%s'", access);
}

int dap_set_data(struct dap *s, const struct json_node *args, struct json *b,
		 struct skep_err *err)
{
	int r = dap_not_launched(s, err);

	if (r)
		return r;
	drop(s, "<data>");
	json_arr(b, "breakpoints");
	for (const struct json_node *o = elements(args, "breakpoints"); o; o = o->next) {
		struct skep_err e = { 0 };
		struct dbg_bp *bp = NULL;
		const char *id = dap_str(o, "dataId");

		r = id ? dbg_watch(s->d, id, &bp, &e) :
			err_set(&e, ERR_DAP, NULL, "no dataId");
		if (!r)
			r = data_options(s, o, bp, &e);
		if (!r)
			keep(s, bp->number, "<data>");
		put_bp(s, b, r, bp, &e);
	}
	json_arr_end(b);
	return 0;
}
