/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sema_field.c: members of C's structs and unions, arguments of probes by name, elements
 * of arrays. Arrays of char are strings to the language.
 */
#include "lang/sema.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum ty_space sem_space(const struct sema *s)
{
	const struct place *p = s->p->place;

	if (probe_flags(p->kind) & PF_USER)
		return SPACE_USER;
	if (p->kind == LP_TRACEPOINT && !strncmp(p->text, "tracepoint:syscalls:", 20))
		return SPACE_USER;
	return SPACE_KERNEL;
}

/* ---- members ----------------------------------------------------------------- */

struct search {
	struct lang *l;
	const struct btf *btf;
	enum ty_space space;
	const char *name;
	struct field_place *out;
	char path[256];
	size_t n;
	u32 depth;
};

static bool search(struct search *f, u32 id, u32 bit)
{
	const struct btf_type *t = btf_type(f->btf, id);
	const size_t n = f->n;

	if (f->depth > 32)
		return false;
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(f->btf, t, i);
		const u32 to = btf_skip_mods(f->btf, m.type_id);
		const u32 kind = btf_kind(btf_type(f->btf, to));
		bool found;

		f->n = n + (size_t)snprintf(f->path + n, sizeof(f->path) - n, ":%u", i);
		if (f->n >= sizeof(f->path))
			return false;
		if (!strcmp(m.name, f->name)) {
			f->out->ty = ty_btf(&f->l->types, f->btf, m.type_id, f->space);
			f->out->bit_size = m.bit_size;
			f->out->off = (bit + m.bit_off) / 8;
			f->out->bit_off = (bit + m.bit_off) % 8;
			return true;
		}
		if (*m.name || (kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION))
			continue;
		f->depth++;
		found = search(f, to, bit + m.bit_off);
		f->depth--;
		if (found)
			return true;
	}
	return false;
}

bool field_find(struct lang *l, const struct ty *of, const char *name, struct field_place *out)
{
	struct search f = { .l = l, .btf = of->btf, .space = of->space, .name = name, .out = out,
			    .path = "0", .n = 1 };

	if (of->kind != TY_CSTRUCT || !search(&f, of->id, 0))
		return false;
	out->path = arena_strdup(l->arena, f.path);
	return true;
}

static void hint_fields(struct sema *s, const struct ty *of, const char *name)
{
	const struct btf_type *t = btf_type(of->btf, of->id);
	const char **names = mem_alloc((btf_vlen(t) + 1) * sizeof(*names)), *near;
	struct strbuf b = { 0 };
	u32 n = 0;

	for (u32 i = 0; i < btf_vlen(t); i++)
		if (*btf_member(of->btf, t, i).name)
			names[n++] = btf_member(of->btf, t, i).name;
	near = err_nearest(name, names, n);
	if (near)
		sb_printf(&b, "did you mean %s? ", near);
	sb_puts(&b, "it has:");
	for (u32 i = 0; i < n && i < 24; i++)
		sb_printf(&b, " %s", names[i]);
	if (n > 24)
		sb_printf(&b, " and %u more", n - 24);
	diag_hint(s->l->script, "%s", sb_text(&b));
	sb_free(&b);
	free(names);
}

static bool is_char(const struct ty *t)
{
	return t->kind == TY_INT && t->bytes == 1;
}

/* What a member's value is to a script. */
static const struct ty *value_of(struct sema *s, const struct ty *t)
{
	if (t && t->kind == TY_ARRAY && is_char(t->of) && t->n)
		return ty_str(&s->l->types, t->n);
	return t;
}

/* ---- arguments of probes ----------------------------------------------------- */

const struct place_arg *place_arg_find(const struct place *p, const char *name)
{
	for (u32 i = 0; i < p->nr_args; i++)
		if (!strcmp(p->args[i].name, name))
			return &p->args[i];
	return NULL;
}

bool sem_no_args_here(struct sema *s, const struct node *n)
{
	if (s->p->place->kind != LP_URETPROBE)
		return false;
	sem_error(s, n->at, "The args builtin can only be used with 'uprobes', tracepoints, "
		  "'fentry' and 'fexit' probes, and iterators: when a function returns, its "
		  "arguments are gone");
	if (s->report)
		diag_hint(s->l->script, "keep them where it begins: uprobe:... { @a[tid] = "
			  "args.%s; }", n->kind == N_IDENT ? "NAME" : n->text);
	return true;
}

static void hint_args(struct sema *s, const struct place *p, const char *name)
{
	const char **names = mem_alloc((p->nr_args + 1) * sizeof(*names)), *near;
	struct strbuf b = { 0 };

	for (u32 i = 0; i < p->nr_args; i++)
		names[i] = p->args[i].name;
	near = err_nearest(name, names, p->nr_args);
	if (near)
		sb_printf(&b, "did you mean args.%s? ", near);
	if (!p->nr_args && probe_flags(p->kind) & PF_USER && p->at[0] &&
	    isdigit((u8)strrchr(p->at, ':')[1]))
		sb_puts(&b, "arguments are known where a function begins");
	else if (!p->nr_args && probe_flags(p->kind) & PF_USER)
		sb_puts(&b, "arguments are known from debug information, of which the file has "
			"none for this function: compile it with -g, or use arg0 ... arg5");
	else
		sb_puts(&b, p->nr_args ? "arguments:" : "it has no arguments");
	for (u32 i = 0; i < p->nr_args; i++)
		sb_printf(&b, " %s", names[i]);
	diag_hint(s->l->script, "%s", sb_text(&b));
	sb_free(&b);
	free(names);
}

static const struct ty *arg_field(struct sema *s, struct node *n)
{
	const struct place_arg *a;

	if (sem_no_args_here(s, n))
		return NULL;
	for (size_t i = 0; i < s->p->places.n; i++) {
		const struct place *p = s->p->places.v[i];

		a = place_arg_find(p, n->text);
		if (a)
			continue;
		sem_error(s, n->at, "Can't find a field %s in the arguments of %s", n->text,
			  p->text);
		if (s->report)
			hint_args(s, p, n->text);
		return NULL;
	}
	a = place_arg_find(s->p->place, n->text);
	n->sem = (void *)(uintptr_t)a;
	if (a->data_loc)
		return ty_str(&s->l->types, (u32)s->l->config.max_strlen + 1);
	return value_of(s, a->ty);
}

static bool is_args(const struct node *n)
{
	return n->kind == N_IDENT && !strcmp(n->text, "args");
}

static bool is_config(const struct node *n)
{
	return (n->kind == N_IDENT || n->kind == N_CALL) && !n->list && !strcmp(n->text, "config");
}

/* config.NAME: a number or text that stands there. */
static const struct ty *setting(struct sema *s, struct node *n)
{
	const char *near;

	if (lang_config_value(s->l, n, n->text))
		return sem_expr(s, n);
	sem_error(s, n->at, "Unrecognized config variable: %s", n->text);
	near = lang_config_nearest(n->text);
	if (near && s->report)
		diag_hint(s->l->script, "did you mean config.%s?", near);
	return NULL;
}

const struct ty *sem_field(struct sema *s, struct node *n)
{
	struct field_place *f = arena_new(s->l->arena, struct field_place);
	const struct ty *a;

	if (is_args(n->a))
		return arg_field(s, n);
	if (is_config(n->a))
		return setting(s, n);
	a = sem_expr(s, n->a);
	if (!a)
		return NULL;
	if (a->kind == TY_RECORD) {
		for (u32 i = 0; i < a->nr_fields; i++)
			if (!strcmp(a->fields[i].name, n->text))
				return a->fields[i].ty;
		return sem_error(s, n->at, "Record does not contain a field named '%s'", n->text);
	}
	if (a->kind == TY_PTR && a->of->kind == TY_CSTRUCT)
		a = ty_btf(&s->l->types, a->of->btf, a->of->id, a->space == SPACE_CTX ? SPACE_BTF :
			   a->space);
	if (a->kind != TY_CSTRUCT)
		return sem_error(s, n->at, "Can not access field '%s' on type '%s'. Try "
				 "dereferencing it first, or casting it to a struct.", n->text,
				 sem_name(s->l, a));
	if (!field_find(s->l, a, n->text, f)) {
		sem_error(s, n->at, "%s does not have a field named '%s'", sem_name(s->l, a),
			  n->text);
		if (s->report)
			hint_fields(s, a, n->text);
		return NULL;
	}
	if (!f->ty)
		return sem_error(s, n->at, "field '%s' has a type that the language does not have",
				 n->text);
	n->sem = f;
	return value_of(s, f->ty);
}

const struct ty *sem_index(struct sema *s, struct node *n)
{
	const struct ty *a = sem_expr(s, n->a), *b = sem_number(s, n->b);
	s64 v;

	if (!a || !b)
		return NULL;
	if (!ty_is_number(b))
		return sem_error(s, n->b->at, "The array index operator [] only accepts positive "
				 "(unsigned) integer indices. Got: %s", sem_name(s->l, b));
	if (a->kind == TY_TUPLE || a->kind == TY_RECORD) {
		if (!sem_const(s, n->b, &v) || v < 0 || v >= a->nr_fields)
			return sem_error(s, n->b->at, "a tuple's index is a constant from 0 to %u",
					 a->nr_fields - 1);
		n->num = (u64)v;
		return a->fields[v].ty;
	}
	if (a->kind == TY_STR && sem_const(s, n->b, &v) && (v < 0 || v >= a->bytes))
		return sem_error(s, n->at, "the index %lld is out of bounds for array of size %u",
				 (long long)v, a->bytes);
	if (a->kind == TY_STR)
		return ty_int(&s->l->types, 1, true);
	if (a->kind != TY_ARRAY && a->kind != TY_PTR)
		return sem_error(s, n->at, "The array index operator [] can only be used on arrays "
				 "and pointers, found %s.", sem_name(s->l, a));
	if (a->kind == TY_ARRAY && sem_const(s, n->b, &v) && (v < 0 || (a->n && v >= a->n)))
		return sem_error(s, n->at, "the index %lld is out of bounds for array of size %u",
				 (long long)v, a->n);
	if (a->of->kind == TY_VOID)
		return sem_error(s, n->at, "Can not dereference void pointer");
	if (a->of->kind == TY_CSTRUCT)
		return ty_btf(&s->l->types, a->of->btf, a->of->id, a->space);
	return value_of(s, a->of);
}

const struct ty *sem_offsetof(struct sema *s, struct node *n)
{
	const struct ty *t = n->type ? sem_type(s, n->type) : sem_expr(s, n->a);
	struct field_place f;
	u32 off = 0;

	for (const struct node *e = n->list; t && e; e = e->next) {
		if (e->kind == N_INDEX) {
			s64 v;

			if (t->kind != TY_ARRAY || !sem_const(s, e->b, &v) || v < 0)
				return sem_error(s, e->at,
						 "offsetof: this is not an array's element");
			off += (u32)v * t->of->bytes;
			t = t->of;
			continue;
		}
		if (!field_find(s->l, t, e->text, &f))
			return sem_error(s, e->at, "%s does not have a field named '%s'",
					 sem_name(s->l, t), e->text);
		off += f.off;
		t = f.ty;
	}
	if (t) {
		n->num = off;
		n->sem = n;
	}
	return ty_int(&s->l->types, 8, false);
}
