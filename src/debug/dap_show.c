/* SPDX-License-Identifier: BSD-2-Clause */
/* dap_show.c: requests that show where the program stands: frames, variables, code. */
#include "debug/dap_in.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- addresses and sources ------------------------------------------------------ */

/* The program's number above the bytes of its instructions. */
enum { PROG_SHIFT = 32, INSN_BYTES = 8 };

static u64 address(u32 prog, u32 insn)
{
	return (u64)(prog + 1) << PROG_SHIFT | (u64)insn * INSN_BYTES;
}

void dap_address(char text[32], u32 prog, u32 insn)
{
	snprintf(text, 32, "0x%" PRIx64, address(prog, insn));
}

bool dap_address_of(const struct dap *s, const char *text, s64 off, struct dbg_loc *loc)
{
	char *end;
	u64 a = strtoull(text, &end, 0) + (u64)off;

	if (*end || !(a >> PROG_SHIFT) || (a >> PROG_SHIFT) > s->d->img->nr_progs)
		return false;
	*loc = (struct dbg_loc){ (u32)(a >> PROG_SHIFT) - 1, (u32)(a & UINT32_MAX) / INSN_BYTES };
	return loc->insn < s->d->img->progs[loc->prog].nr_insns;
}

/* Where FILE is in the list of sources that have no file here; from 1. */
static u32 source_number(struct dap *s, const char *file)
{
	u32 n = 0;

	for (u32 i = 0; i < s->d->img->nr_progs; i++)
		for (u32 k = 0; k < s->d->img->progs[i].nr_lines; k++, n++)
			if (!strcmp(image_line_file(&s->d->img->progs[i].lines[k]), file))
				return n + 1;
	return 0;
}

static const char *source_file(struct dap *s, u64 number)
{
	for (u32 i = 0; i < s->d->img->nr_progs; i++) {
		if (number <= s->d->img->progs[i].nr_lines)
			return number ? image_line_file(
				&s->d->img->progs[i].lines[number - 1]) : NULL;
		number -= s->d->img->progs[i].nr_lines;
	}
	return NULL;
}

static void source_as(struct dap *s, struct json *j, const char *file, const char *key)
{
	const char *slash = strrchr(file, '/');
	char *full = realpath(file, NULL);

	json_obj(j, key);
	json_str(j, "name", slash ? slash + 1 : file);
	json_str(j, "path", full ? full : file);
	if (!full)
		json_u64(j, "sourceReference", source_number(s, file));
	json_obj_end(j);
	free(full);
}

void dap_source_of(struct dap *s, struct json *j, const char *file)
{
	source_as(s, j, file, "source");
}

int dap_source(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	const struct json_node *src = args && args->kind == JSON_OBJECT ?
		json_member(args, "source") : NULL;
	u64 n = dap_u64(args, "sourceReference", dap_u64(src, "sourceReference", 0));
	int r = dap_not_launched(s, err);
	const char *file = r ? NULL : n ? source_file(s, n) : dap_str(src, "path");
	struct strbuf text = { 0 };
	u32 last;

	if (r)
		return r;
	if (!file)
		return err_set(err, ERR_DEBUG_PLACE, NULL, "there is no such source");
	last = dbg_source_lines(s->d, file);
	for (u32 i = 0; i < s->d->img->nr_progs; i++)
		for (u32 k = 0; k < s->d->img->progs[i].nr_lines; k++) {
			const struct image_line *l = &s->d->img->progs[i].lines[k];

			if (l->line > last && !strcmp(image_line_file(l), file))
				last = l->line;
		}
	for (u32 i = 1; i <= last && i < 1 << 20; i++) {
		const char *line = dbg_source_line(s->d, file, i);

		sb_printf(&text, "%s\n", line ? line : "");
	}
	json_str(b, "content", sb_text(&text));
	sb_free(&text);
	return 0;
}

/* ---- frames ------------------------------------------------------------------------- */

static void put_frame(struct dap *s, struct json *b, u32 i)
{
	const struct dbg_frame *f = &s->d->frames[i];
	const struct image_line *l = image_line(f->prog, f->insn);
	bool first = !i || s->d->frames[i - 1].real != f->real;
	char at[32];

	json_obj(b, NULL);
	json_u64(b, "id", i + 1);
	json_str(b, "name", f->name);
	if (f->file)
		dap_source_of(s, b, f->file);
	json_u64(b, "line", f->file ? f->line - s->lines_from_0 : 0);
	json_u64(b, "column", f->file && first && l && l->col ? l->col - s->columns_from_0 : 0);
	dap_address(at, f->index, f->insn);
	json_str(b, "instructionPointerReference", at);
	json_obj_end(b);
}

int dap_stack(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	u64 from = dap_u64(args, "startFrame", 0), n = dap_u64(args, "levels", 0);
	u32 all = s->d ? dbg_frames(s->d) : 0;

	json_arr(b, "stackFrames");
	for (u64 i = from; i < all && (!n || i - from < n); i++)
		put_frame(s, b, (u32)i);
	json_arr_end(b);
	json_u64(b, "totalFrames", all);
	return dap_not_launched(s, err);
}

/* ---- variables ------------------------------------------------------------------------ */

static u64 new_ref(struct dap *s, enum dap_kind kind, u32 frame)
{
	*vec_push(&s->refs) = (struct dap_ref){ .kind = kind, .frame = frame };
	return s->refs.n;
}

static void scope(struct dap *s, struct json *b, const char *name, const char *hint,
		  enum dap_kind kind, u32 frame, bool costs)
{
	json_obj(b, NULL);
	json_str(b, "name", name);
	if (hint)
		json_str(b, "presentationHint", hint);
	json_u64(b, "variablesReference", new_ref(s, kind, frame));
	json_bool(b, "expensive", costs);
	json_obj_end(b);
}

int dap_scopes(struct dap *s, const struct json_node *args, struct json *b, struct skep_err *err)
{
	u64 frame = dap_u64(args, "frameId", 0);
	int r = dap_not_launched(s, err);

	if (!r && (!frame || frame > dbg_frames(s->d)))
		r = err_set(err, ERR_DEBUG_STATE, NULL, "there is no such frame");
	if (r)
		return r;
	json_arr(b, "scopes");
	scope(s, b, "Locals", "locals", DAP_LOCALS, (u32)frame - 1, false);
	scope(s, b, "Arguments", "arguments", DAP_ARGS, (u32)frame - 1, false);
	scope(s, b, "Globals", NULL, DAP_GLOBALS, (u32)frame - 1, false);
	scope(s, b, "Maps", NULL, DAP_MAPS, (u32)frame - 1, true);
	scope(s, b, "Registers", "registers", DAP_REGISTERS, (u32)frame - 1, false);
	json_arr_end(b);
	return 0;
}

struct writer {
	struct dap *s;
	struct json *b;
	struct value_env env;
	u32 frame;
	struct show_opts show;
	u64 from, n, at;	/* of what is asked for: N 0 is all */
	u32 map;		/* whose elements they are */
};

static bool compound(const struct writer *w, const struct value *v)
{
	if (v->kind == VALUE_MAP)
		return true;
	if (v->kind != VALUE_MEM && v->kind != VALUE_BYTES)
		return false;
	return v->repeat || dtype_is_record(w->env.types, v->type) ||
	       dtype_kind(w->env.types, v->type) == BTF_KIND_ARRAY;
}

/* A pointer to a struct opens as that. */
static bool opens(const struct writer *w, const struct value *v, struct value *in)
{
	struct dtype inner;
	struct skep_err err;
	struct value n;

	*in = *v;
	if (v->kind == VALUE_GONE || compound(w, v))
		return v->kind != VALUE_GONE;
	if (dtype_kind(w->env.types, v->type) != BTF_KIND_PTR ||
	    !dtype_inner(w->env.types, dtype_plain(w->env.types, v->type), &inner) ||
	    !dtype_is_record(w->env.types, inner) || !dtype_bytes(w->env.types, inner) ||
	    value_load(&w->env, v, &n, &err) || !n.number)
		return false;
	return !value_deref(&w->env, &n, in, &err);
}

static u64 value_ref(struct writer *w, const struct value *v, const char *path)
{
	struct value in;
	struct dap_ref *ref;

	if (!opens(w, v, &in))
		return 0;
	if (in.kind == VALUE_BYTES)
		in.bytes = arena_copy(&w->s->stop, in.bytes, in.nr_bytes);
	new_ref(w->s, DAP_VALUE, w->frame);
	ref = &w->s->refs.v[w->s->refs.n - 1];
	ref->value = in;
	ref->path = path ? mem_strdup(path) : NULL;
	return w->s->refs.n;
}

/* Members value, type, variablesReference of V. */
static void put_value(struct writer *w, const char *key, const struct value *v, const char *path)
{
	struct show_opts o = w->show;
	struct strbuf text = { 0 };
	u64 ref = value_ref(w, v, path);

	o.limit = 64;
	o.depth = 3;
	if (v->kind == VALUE_MAP) {
		const struct maptype_row *row =
			maptype_row(w->s->d->img->maps[v->map].type);

		sb_puts(&text, row ? row->name : "map");	/* elements when it is opened */
	} else {
		value_show(&text, &w->env, v, &o);
	}
	json_str(w->b, key, sb_text(&text));
	sb_reset(&text);
	if (v->kind != VALUE_MAP) {
		dtype_text(&text, w->env.types, v->type, "");
		if (v->repeat)
			sb_printf(&text, "[%u]", v->repeat);
		json_str(w->b, "type", sb_text(&text));
	}
	sb_free(&text);
	json_u64(w->b, "variablesReference", ref);
	if (ref && v->kind != VALUE_MAP && w->s->refs.v[ref - 1].value.kind != VALUE_MAP) {
		u32 n = value_children(w->env.types, &w->s->refs.v[ref - 1].value);

		json_u64(w->b, dtype_is_record(w->env.types, w->s->refs.v[ref - 1].value.type) ?
			 "namedVariables" : "indexedVariables", n);
	}
}

static void put_variable(struct writer *w, const char *name, const struct value *v,
			 const char *path)
{
	u64 at = w->at++;

	if (at < w->from || (w->n && at - w->from >= w->n))
		return;
	json_obj(w->b, NULL);
	json_str(w->b, "name", name);
	put_value(w, "value", v, path);
	if (path)
		json_str(w->b, "evaluateName", path);
	json_obj_end(w->b);
}

static void put_locals(struct writer *w, bool params)
{
	const struct locals_var *vars[DBG_PLACES_MAX];
	const struct dbg_frame *f = &w->s->d->frames[w->frame];
	u32 n = dbg_vars(f, params, vars, ARRAY_LEN(vars));

	for (u32 i = 0; i < n; i++) {
		struct value v = dbg_var_value(w->s->d, f, vars[i]);

		put_variable(w, vars[i]->name, &v, vars[i]->name);
	}
}

static void put_globals(struct writer *w)
{
	const char *name;
	struct value v;

	for (u32 i = 0; dbg_global(w->s->d, i, &name, &v); i++)
		put_variable(w, name, &v, name);
}

static void put_maps(struct writer *w)
{
	for (u32 i = 0; i < w->s->d->img->nr_maps; i++) {
		const struct image_map *m = &w->s->d->img->maps[i];
		struct value v = { .kind = VALUE_MAP, .map = i };

		if (m->kind == IMAGE_MAP_USER)
			put_variable(w, m->name, &v, m->name);
	}
}

/* A register's value, where it points, and what the verifier knows of it. */
static void put_registers(struct writer *w)
{
	const struct dbg_frame *f = &w->s->d->frames[w->frame];

	for (unsigned reg = 0; reg <= 10; reg++) {
		struct strbuf text = { 0 };
		char name[8], path[8];

		snprintf(name, sizeof(name), "r%u", reg);
		snprintf(path, sizeof(path), "$r%u", reg);
		dbg_register_text(&text, w->s->d, f, reg);
		json_obj(w->b, NULL);
		json_str(w->b, "name", name);
		json_str(w->b, "value", sb_text(&text));
		json_u64(w->b, "variablesReference", 0);
		json_str(w->b, "evaluateName", path);
		json_obj_end(w->b);
		sb_free(&text);
	}
}

static bool put_element(void *arg, const struct value *key, const struct value *value)
{
	struct writer *w = arg;
	const struct show_opts o = { .format = w->show.format };
	struct strbuf name = { 0 }, path = { 0 };
	bool number = !key->repeat && dtype_is_integer(w->env.types, key->type);

	sb_putc(&name, '[');
	value_show(&name, &w->env, key, &o);
	sb_putc(&name, ']');
	if (number) {
		const struct show_opts plain = { .format = 'd' };

		sb_printf(&path, "%s[", w->s->d->img->maps[w->map].name);
		value_show(&path, &w->env, key, &plain);
		sb_putc(&path, ']');
	}
	put_variable(w, sb_text(&name), value, number ? sb_text(&path) : NULL);
	sb_free(&name);
	sb_free(&path);
	return w->at < w->from + (w->n ? w->n : 1000);
}

static void put_children(struct writer *w, const struct dap_ref *ref)
{
	const struct value v = ref->value;	/* refs may move */
	char *path = ref->path ? mem_strdup(ref->path) : NULL;
	u32 n = value_children(w->env.types, &v);

	for (u32 i = 0; i < n && i < 65536; i++) {
		const char *name;
		struct value c = value_child(w->env.types, &v, i, &name);
		struct strbuf own = { 0 }, full = { 0 };

		if (name && *name)
			sb_puts(&own, name);
		else
			sb_printf(&own, name ? "<anonymous %u>" : "[%u]", i);
		if (path && (!name || *name))
			sb_printf(&full, "(%s)%s%s", path, name ? "." : "", sb_text(&own));
		put_variable(w, sb_text(&own), &c, full.n ? full.s : name && path ? path : NULL);
		sb_free(&own);
		sb_free(&full);
	}
	free(path);
}

static void put_ref(struct writer *w, const struct dap_ref *ref)
{
	switch (ref->kind) {
	case DAP_LOCALS:
		put_locals(w, false);
		break;
	case DAP_ARGS:
		put_locals(w, true);
		break;
	case DAP_GLOBALS:
		put_globals(w);
		break;
	case DAP_MAPS:
		put_maps(w);
		break;
	case DAP_REGISTERS:
		put_registers(w);
		break;
	case DAP_VALUE:
		if (ref->value.kind == VALUE_MAP) {
			w->map = ref->value.map;
			dbg_map_each(w->s->d, w->map, put_element, w);
		} else {
			put_children(w, ref);
		}
		break;
	}
}

static bool wants_hex(const struct json_node *args)
{
	const struct json_node *f = args && args->kind == JSON_OBJECT ?
		json_member(args, "format") : NULL;

	return dap_bool(f, "hex", false);
}

int dap_variables(struct dap *s, const struct json_node *args, struct json *b,
		  struct skep_err *err)
{
	u64 ref = dap_u64(args, "variablesReference", 0);
	struct writer w = { .s = s, .b = b, .from = dap_u64(args, "start", 0),
		.n = dap_u64(args, "count", 0), .show.format = wants_hex(args) ? 'x' : 0 };
	int r = dap_not_launched(s, err);
	struct dap_ref at;

	if (!r && (!ref || ref > s->refs.n || s->refs.v[ref - 1].frame >= dbg_frames(s->d)))
		r = err_set(err, ERR_DEBUG_STATE, NULL,
			    "there is no such reference: the program has gone on");
	if (r)
		return r;
	at = s->refs.v[ref - 1];
	w.frame = at.frame;
	w.env = dbg_env(s->d, &s->d->frames[at.frame]);
	json_arr(b, "variables");
	put_ref(&w, &at);
	json_arr_end(b);
	return 0;
}

/* ---- expressions ---------------------------------------------------------------------- */

/* A command of the debugger; the program may have gone on by it. */
static int command(struct dap *s, const char *text, struct json *b)
{
	struct debug *d = s->d;
	u64 time = d->s ? replay_time(d->s) : 0, input = d->input;

	dbg_command(d, text);
	d->quit = false;
	json_str(b, "result", sb_text(&s->said));
	json_u64(b, "variablesReference", 0);
	sb_reset(&s->said);
	if (!d->s || input != d->input || time != replay_time(d->s))
		s->after = AFTER_STOPPED;
	return 0;
}

int dap_evaluate(struct dap *s, const struct json_node *args, struct json *b,
		 struct skep_err *err)
{
	const char *text = dap_str(args, "expression"), *context = dap_str(args, "context");
	u64 frame = dap_u64(args, "frameId", 0);
	struct writer w = { .s = s, .b = b, .show.top = true,
			    .show.format = wants_hex(args) ? 'x' : 0 };
	struct value v;
	int r = dap_not_launched(s, err);

	if (!r && !text)
		r = err_set(err, ERR_DAP, NULL, "evaluate has no expression");
	if (r)
		return r;
	if (frame && frame <= dbg_frames(s->d))
		s->d->selected = (u32)frame - 1;
	if (context && !strcmp(context, "repl"))
		return command(s, text, b);
	w.frame = dbg_frames(s->d) ? s->d->selected : 0;
	w.env = dbg_env_here(s->d);
	r = expr_eval(&v, &w.env, text, err);
	if (!r)
		put_value(&w, "result", &v, text);
	return r;
}

/* ---- instructions -------------------------------------------------------------------------- */

static void put_insn(struct dap *s, struct json *b, u32 prog, s64 at)
{
	const struct image_prog *p = &s->d->img->progs[prog];
	bool there = at >= 0 && at < p->nr_insns &&
		(!at || p->insns[at].code || isa_slots(&p->insns[at - 1]) == 1);
	const struct image_line *l = there ? image_line(p, (u32)at) : NULL;
	struct strbuf text = { 0 };
	char where[32];

	json_obj(b, NULL);
	snprintf(where, sizeof(where), "0x%" PRIx64, address(prog, 0) + (u64)at * INSN_BYTES);
	json_str(b, "address", where);
	if (there)
		dbg_insn_text(&text, s->d->img, p, (u32)at);
	else
		sb_puts(&text, at >= 0 && at < p->nr_insns ? "(second half)" : "(no code)");
	json_str(b, "instruction", sb_text(&text));
	if (there) {
		sb_reset(&text);
		dbg_place_text(&text, p, (u32)at);
		json_str(b, "symbol", sb_text(&text));
	} else {
		json_str(b, "presentationHint", "invalid");
	}
	if (l && l->insn == at) {
		json_u64(b, "line", l->line - s->lines_from_0);
		source_as(s, b, image_line_file(l), "location");
	}
	json_obj_end(b);
	sb_free(&text);
}

int dap_disassemble(struct dap *s, const struct json_node *args, struct json *b,
		    struct skep_err *err)
{
	const char *ref = dap_str(args, "memoryReference");
	u64 n = min_u64(dap_u64(args, "instructionCount", 0), 65536);
	s64 from = dap_s64(args, "instructionOffset", 0);
	struct dbg_loc l;
	int r = dap_not_launched(s, err);

	if (!r && (!ref || !dap_address_of(s, ref, dap_s64(args, "offset", 0), &l)))
		r = err_set(err, ERR_DEBUG_PLACE, NULL, "there is no code at '%s'",
			    ref ? ref : "");
	if (r)
		return r;
	json_arr(b, "instructions");
	for (u64 i = 0; i < n; i++)
		put_insn(s, b, l.prog, (s64)l.insn + from + (s64)i);
	json_arr_end(b);
	return 0;
}
