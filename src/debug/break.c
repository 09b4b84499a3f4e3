/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * break.c: breakpoints, watches and catchpoints. A watch stops where the value of its
 * expression differs from what it was when the program stood last: the same question
 * forwards and backwards, so that no history is needed.
 */
#include "debug/debug.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { WATCH_BYTES = 4096 };

struct dbg_bp *dbg_bp(struct debug *d, u32 number)
{
	for (size_t i = 0; i < d->bps.n; i++)
		if (d->bps.v[i].number == number)
			return &d->bps.v[i];
	return NULL;
}

void dbg_delete(struct debug *d, struct dbg_bp *bp)
{
	size_t i = (size_t)(bp - d->bps.v);

	free(bp->spec);
	free(bp->cond);
	free(bp->locs);
	free(bp->old);
	free(bp->old_text);
	free(bp->name);
	memmove(bp, bp + 1, (d->bps.n - i - 1) * sizeof(*bp));
	d->bps.n--;
}

static struct dbg_bp *add(struct debug *d, enum dbg_bp_kind kind, const char *spec, bool once)
{
	struct dbg_bp *bp = vec_push(&d->bps);

	*bp = (struct dbg_bp){ .number = d->next_bp++, .kind = kind, .once = once,
		.enabled = true, .spec = mem_strdup(spec) };
	return bp;
}

/* Where "if" stands as a word in TEXT, or its end. */
static const char *find_if(const char *text)
{
	for (const char *p = text; (p = strstr(p, "if")); p += 2)
		if ((p == text || isspace((u8)p[-1])) && (isspace((u8)p[2]) || p[2] == '('))
			return p;
	return text + strlen(text);
}

static char *trimmed(const char *from, const char *to)
{
	char *s;

	while (from < to && isspace((u8)*from))
		from++;
	while (to > from && isspace((u8)to[-1]))
		to--;
	s = mem_alloc((size_t)(to - from) + 1);
	memcpy(s, from, (size_t)(to - from));
	return s;
}

/* ---- frames for expressions where a stop is looked for --------------------------- */

/* The innermost frame at AT, in memory of the caller. */
static struct dbg_frame *frame_at(struct debug *d, const struct replay_insn *at,
				  struct dbg_frame *frames)
{
	dbg_frames_of(d, at, frames, DBG_FRAMES_MAX);
	return frames;
}

/* What conditions leave is not kept for each instruction. */
static void tidy(struct debug *d)
{
	if (d->at && d->scratch.used > 1 << 20)
		arena_free(&d->scratch);
}

/* ---- conditions ---------------------------------------------------------------------- */

/* What no values would make right. */
static bool bad_condition(const struct skep_err *err)
{
	return err->id == ERR_DEBUG_EXPR && !strstr(err->text, EXPR_BY_ZERO);
}

int dbg_condition(struct debug *d, struct dbg_bp *bp, const char *cond, struct skep_err *err)
{
	struct dbg_frame f[DBG_FRAMES_MAX];
	struct value_env env;
	struct replay_insn at;
	u64 n;

	/* names must be known where it stops; values need not: registers are 0 here */
	if (*cond && bp->kind == DBG_WATCH) {
		env = dbg_env_here(d);
		if (expr_number(&n, &env, cond, err) && bad_condition(err))
			return err->code;
	} else if (*cond && bp->nr_locs) {
		struct skep_prog prog = { .index = bp->locs[0].prog };

		at = (struct replay_insn){ .prog = &prog, .insn = bp->locs[0].insn };
		env = dbg_env(d, frame_at(d, &at, f));
		if (expr_number(&n, &env, cond, err) && bad_condition(err))
			return err->code;
	}
	free(bp->cond);
	bp->cond = *cond ? mem_strdup(cond) : NULL;
	return 0;
}

/* It is passed once more: false when that is one of those to be ignored. */
static bool counted(struct dbg_bp *bp)
{
	bp->hits++;
	if (!bp->ignore)
		return true;
	bp->ignore--;
	return false;
}

/* What cannot be computed stops, too, as nobody can say that it is false. */
static bool holds(struct debug *d, const struct dbg_bp *bp, const struct replay_insn *at)
{
	struct dbg_frame f[DBG_FRAMES_MAX];
	struct value_env env;
	struct skep_err err;
	u64 n;

	if (!bp->cond)
		return true;
	env = dbg_env(d, frame_at(d, at, f));
	return expr_number(&n, &env, bp->cond, &err) || n;
}

int dbg_break_at(struct debug *d, const char *where, const char *cond, bool once,
		 struct dbg_bp **bp, struct skep_err *err)
{
	struct dbg_loc locs[DBG_PLACES_MAX];
	int n = dbg_places(d, where, locs, err), r;

	if (n < 0)
		return n;
	*bp = add(d, DBG_BREAK, where, once);
	(*bp)->nr_locs = (u32)n;
	(*bp)->locs = mem_alloc((u32)n * sizeof(*locs));
	memcpy((*bp)->locs, locs, (u32)n * sizeof(*locs));
	r = dbg_condition(d, *bp, cond, err);
	if (r)
		dbg_delete(d, *bp);
	return r;
}

int dbg_break(struct debug *d, const char *spec, bool once, struct dbg_bp **bp,
	      struct skep_err *err)
{
	const char *cond = find_if(spec);
	char *where = trimmed(spec, cond), *when = trimmed(cond + 2 * !!*cond, spec + strlen(spec));
	int r = dbg_break_at(d, where, when, once, bp, err);

	free(where);
	free(when);
	return r;
}

static bool is_at(const struct dbg_bp *bp, const struct replay_insn *at)
{
	for (u32 i = 0; i < bp->nr_locs; i++)
		if (bp->locs[i].insn == at->insn && bp->locs[i].prog == at->prog->index)
			return true;
	return false;
}

struct dbg_bp *dbg_hit(struct debug *d, const struct replay_insn *at, bool count)
{
	struct dbg_bp *first = NULL;

	for (size_t i = 0; i < d->bps.n; i++) {
		struct dbg_bp *bp = &d->bps.v[i];

		if (bp->kind != DBG_BREAK || !bp->enabled || !is_at(bp, at) || !holds(d, bp, at))
			continue;
		if (!count || counted(bp))
			first = first ? first : bp;
	}
	tidy(d);
	return first;
}

/* ---- watches --------------------------------------------------------------------------- */

/* How many bytes of V are its value. Bytes of a section or an element go on behind it. */
static u64 watch_bytes(const struct value_env *env, const struct value *v)
{
	u64 n = dtype_bytes(env->types, v->type) * (v->repeat ? v->repeat : 1);

	if (v->kind == VALUE_BYTES)
		n = n ? min_u64(n, v->nr_bytes) : v->nr_bytes;
	return min_u64(n, WATCH_BYTES);
}

/* The bytes of a watch's value now: how many; -1: it has none here. */
static s64 watch_value(struct debug *d, const struct dbg_bp *bp, const struct dbg_frame *f,
		       u8 *to, struct strbuf *text)
{
	const struct show_opts o = { .top = true };
	struct value_env env = dbg_env(d, f);
	struct skep_err err;
	struct value v;

	if (expr_eval(&v, &env, bp->spec, &err)) {
		/* what a map does not have is a state as well */
		if (text)
			sb_puts(text, err.id == ERR_DEBUG_GONE ? "<no such key>" : "<no value>");
		return err.id == ERR_DEBUG_GONE ? 0 : -1;
	}
	if (text)
		value_show(text, &env, &v, &o);
	if (v.kind == VALUE_GONE)
		return -1;
	return (s64)value_copy(&env, &v, to, watch_bytes(&env, &v));
}

static bool in_scope(const struct dbg_bp *bp, const struct dbg_frame *f)
{
	return !bp->local || (f && f->real == bp->real && f->func == bp->func &&
			      f->index == bp->prog);
}

static void note(struct debug *d, struct dbg_bp *bp, const struct dbg_frame *f)
{
	u8 now[WATCH_BYTES];
	struct strbuf text = { 0 };
	s64 n = in_scope(bp, f) ? watch_value(d, bp, f, now, &text) : -1;

	if (n >= 0) {
		free(bp->old);
		free(bp->old_text);
		bp->old = mem_alloc((size_t)n + 1);
		memcpy(bp->old, now, (size_t)n);
		bp->nr_old = (u32)n;
		bp->old_text = mem_strdup(sb_text(&text));
	}
	sb_free(&text);
}

/* Is a name in the expression one of FRAME's variables? Then it goes with that. */
static bool names_local(const struct dbg_frame *f, const char *expr)
{
	const struct locals_var *vars[DBG_PLACES_MAX];

	for (int params = 0; f && params < 2; params++) {
		u32 n = dbg_vars(f, params, vars, ARRAY_LEN(vars));

		for (u32 i = 0; i < n; i++) {
			size_t len = strlen(vars[i]->name);

			for (const char *p = expr; (p = strstr(p, vars[i]->name)); p += len)
				if ((p == expr || !(isalnum((u8)p[-1]) ||
						    strchr("_.>", p[-1]))) &&
				    !isalnum((u8)p[len]) && p[len] != '_')
					return true;
		}
	}
	return f && strchr(expr, '$');
}

int dbg_watch(struct debug *d, const char *expr, struct dbg_bp **bp, struct skep_err *err)
{
	struct value_env env = dbg_env_here(d);
	const struct dbg_frame *f = dbg_frames(d) ? &d->frames[d->selected] : NULL;
	struct value v;
	int r;

	d->asked_program = false;
	r = expr_eval(&v, &env, expr, err);
	if (r && err->id != ERR_DEBUG_GONE)
		return r;
	if (!r && v.kind == VALUE_MAP)
		return err_set(err, ERR_DEBUG_EXPR, NULL, "'%s' is a map: watch an element "
			       "(%s[KEY]), or catch map %s", expr, expr, expr);
	if (!r && !d->asked_program && !strchr(expr, '$'))
		return err_set(err, ERR_DEBUG_EXPR, NULL, "Cannot watch constant value `%s'.",
			       expr);
	*bp = add(d, DBG_WATCH, expr, false);
	if (names_local(f, expr)) {
		(*bp)->local = true;
		(*bp)->real = f->real;
		(*bp)->func = f->func;
		(*bp)->prog = f->index;
	}
	note(d, *bp, f);
	return 0;
}

static bool changed(struct debug *d, const struct dbg_bp *bp, const struct dbg_frame *f)
{
	u8 now[WATCH_BYTES];
	s64 n = watch_value(d, bp, f, now, NULL);

	return n >= 0 && bp->old && ((u64)n != bp->nr_old || memcmp(now, bp->old, (size_t)n));
}

struct dbg_bp *dbg_watch_hit(struct debug *d, const struct replay_insn *at, bool count)
{
	struct dbg_frame f[DBG_FRAMES_MAX];
	struct dbg_bp *hit = NULL;
	bool have = false;

	for (size_t i = 0; (!hit || count) && i < d->bps.n; i++) {
		struct dbg_bp *bp = &d->bps.v[i];

		if (bp->kind != DBG_WATCH || !bp->enabled)
			continue;
		if (!have)
			frame_at(d, at, f);
		have = true;
		if (bp->local && at->frame < bp->real)
			hit = hit ? hit : bp;
		else if (in_scope(bp, f) && changed(d, bp, f) &&
			 (!count || (holds(d, bp, at) && counted(bp))))
			hit = hit ? hit : bp;
	}
	tidy(d);
	return hit;
}

bool dbg_watches(const struct debug *d)
{
	for (size_t i = 0; i < d->bps.n; i++)
		if (d->bps.v[i].kind == DBG_WATCH && d->bps.v[i].enabled)
			return true;
	return false;
}

void dbg_watch_note(struct debug *d, struct dbg_bp *bp)
{
	const struct dbg_frame *f = dbg_watches(d) && dbg_frames(d) ? &d->frames[0] : NULL;
	char *old = bp && bp->old_text ? mem_strdup(bp->old_text) : NULL;

	for (size_t i = 0; i < d->bps.n; i++)
		if (d->bps.v[i].kind == DBG_WATCH)
			note(d, &d->bps.v[i], f);
	if (!bp)
		return;
	sb_reset(&d->stop_text);
	sb_printf(&d->stop_text, "Old value = %s\nNew value = %s\n", old ? old : "<none>",
		  bp->old_text ? bp->old_text : "<none>");
	free(old);
}

/* ---- catchpoints ------------------------------------------------------------------------- */

static const struct { const char *name; unsigned events; bool named; } catches[] = {
	{ "fault", REPLAY_FAULT, false }, { "verdict", REPLAY_VERDICT, true },
	{ "helper", REPLAY_CALL, true }, { "map", REPLAY_CHANGE, true },
};

/* Is there what NAME names? */
static int check_name(struct debug *d, unsigned events, const char *name, struct skep_err *err)
{
	const char *maps[256] = { NULL }, *near = NULL;
	u32 type = d->img->progs[d->setup->prog].type, n = 0;
	int r;

	if (events == REPLAY_CALL && (helper_id(name) || kfunc_row(name) ||
				      kfunc_typed_row(name)))
		return 0;
	if (events == REPLAY_VERDICT && verdict_value(type, name) >= 0)
		return 0;
	if (events == REPLAY_CHANGE && image_map_find(d->img, name) >= 0)
		return 0;
	for (; events == REPLAY_CHANGE && n < d->img->nr_maps && n < ARRAY_LEN(maps); n++)
		maps[n] = d->img->maps[n].name;
	near = err_nearest(name, maps, n);
	r = err_set(err, ERR_DEBUG_COMMAND, NULL, "no %s is called '%s'",
		    events == REPLAY_CALL ? "helper" : events == REPLAY_VERDICT ?
		    "verdict of this type of program" : "map", name);
	if (near)
		err_help(err, "did you mean '%s'?", near);
	return r;
}

int dbg_catch(struct debug *d, const char *what, bool once, struct dbg_bp **bp,
	      struct skep_err *err)
{
	char kind[16], name[128] = "";
	size_t i = 0;
	int r;

	if (sscanf(what, "%15s %127s", kind, name) < 1)
		kind[0] = 0;
	while (i < ARRAY_LEN(catches) && strcmp(catches[i].name, kind))
		i++;
	if (i == ARRAY_LEN(catches) || (*name && !catches[i].named))
		return err_set(err, ERR_DEBUG_COMMAND, NULL, "catch fault, catch verdict [NAME], "
			       "catch helper [NAME], catch map [NAME]; not '%s'", what);
	r = *name ? check_name(d, catches[i].events, name, err) : 0;
	if (r)
		return r;
	*bp = add(d, DBG_CATCH, what, once);
	(*bp)->events = catches[i].events;
	(*bp)->name = *name ? mem_strdup(name) : NULL;
	return 0;
}

unsigned dbg_catches(const struct debug *d)
{
	unsigned events = 0;

	for (size_t i = 0; i < d->bps.n; i++)
		if (d->bps.v[i].kind == DBG_CATCH && d->bps.v[i].enabled)
			events |= d->bps.v[i].events;
	return events;
}

static bool fits(const struct debug *d, const struct dbg_bp *bp, const struct replay_event *ev)
{
	const char *name = bp->name;

	if (!(bp->events & ev->kind))
		return false;
	if (!name)	/* variables of the program are watched, not caught */
		return ev->kind != REPLAY_CHANGE ||
		       d->img->maps[ev->change.map].kind == IMAGE_MAP_USER;
	switch (ev->kind) {
	case REPLAY_CALL:
		return ev->call.name && !strcmp(ev->call.name, strncmp(name, "bpf_", 4) ? name :
						name + 4);
	case REPLAY_CHANGE:
		return !strcmp(d->img->maps[ev->change.map].name, name);
	case REPLAY_VERDICT:
		return (u32)verdict_value(d->img->progs[d->setup->prog].type, name) ==
		       ev->verdict.retval;
	default:
		return true;
	}
}

struct dbg_bp *dbg_caught(struct debug *d, const struct replay_event *ev)
{
	for (size_t i = 0; i < d->bps.n; i++)
		if (d->bps.v[i].kind == DBG_CATCH && d->bps.v[i].enabled &&
		    fits(d, &d->bps.v[i], ev))
			return &d->bps.v[i];
	return NULL;
}
