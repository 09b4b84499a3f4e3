/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_type.c: the names of types in expressions. */
#include "debug/expr_in.h"

static const struct { const char *name; u32 kind; } tags[] = {
	{ "struct", BTF_KIND_STRUCT }, { "union", BTF_KIND_UNION }, { "enum", BTF_KIND_ENUM },
};

static u32 find_tag(const struct btf *btf, const char *name, u32 kind)
{
	u32 id = btf_find(btf, name, kind);

	return id || kind != BTF_KIND_ENUM ? id : btf_find(btf, name, BTF_KIND_ENUM64);
}

struct words { unsigned is_signed, is_unsigned, is_short, is_long, is_int, is_char; };

static bool base_word(struct words *w, const char *s)
{
	unsigned *to = !strcmp(s, "signed") ? &w->is_signed :
		!strcmp(s, "unsigned") ? &w->is_unsigned : !strcmp(s, "short") ? &w->is_short :
		!strcmp(s, "long") ? &w->is_long : !strcmp(s, "int") ? &w->is_int :
		!strcmp(s, "char") ? &w->is_char : NULL;

	if (to)
		++*to;
	return to;
}

static enum basic basic_of(const struct words *w)
{
	if (w->is_char)
		return w->is_unsigned ? BASIC_UCHAR : w->is_signed ? BASIC_SCHAR : BASIC_CHAR;
	if (w->is_short)
		return w->is_unsigned ? BASIC_USHORT : BASIC_SHORT;
	if (w->is_long > 1)
		return w->is_unsigned ? BASIC_ULLONG : BASIC_LLONG;
	if (w->is_long)
		return w->is_unsigned ? BASIC_ULONG : BASIC_LONG;
	return w->is_unsigned ? BASIC_UINT : BASIC_INT;
}

/* struct NAME; NULL name: the word was no tag. 1: it is one, and NAME unknown. */
static int tagged(struct parser *ps, const char *tag, u32 *id)
{
	char name[NAME_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (strcmp(tag, tags[i].name))
			continue;
		*id = ps_word(ps, name) ? find_tag(ps->env->types->btf, name, tags[i].kind) : 0;
		return *id ? 0 : 1;
	}
	return 1;
}

/* A name that the program has hides a type of the same name. */
static bool is_variable(struct parser *ps, const char *name)
{
	struct value v;
	struct skep_err err;

	return ps->env->name && ps->env->name(ps->env->arg, name, false, &v, &err) <= 0;
}

/* One word of a type; false: it is none. */
static bool type_word(struct parser *ps, const char *s, struct words *w, struct dtype *ty,
		      bool *named)
{
	u32 id;

	if (!strcmp(s, "const") || !strcmp(s, "volatile") || !strcmp(s, "restrict"))
		return true;
	if (*named)
		return false;
	if (base_word(w, s))
		return true;
	if (memcmp(w, &(struct words){ 0 }, sizeof(*w)))
		return false;
	*named = true;
	if (!strcmp(s, "void"))
		return *ty = (struct dtype){ 0, 0 }, true;
	if (!strcmp(s, "_Bool") || !strcmp(s, "bool"))
		return *ty = types_basic(ps->env->types, BASIC_BOOL), true;
	if (!strcmp(s, "float") || !strcmp(s, "double"))
		return *ty = types_basic(ps->env->types, *s == 'f' ? BASIC_FLOAT : BASIC_DOUBLE),
		       true;
	if (!strcmp(s, "struct") || !strcmp(s, "union") || !strcmp(s, "enum"))
		return !tagged(ps, s, &ty->id);
	id = btf_find(ps->env->types->btf, s, BTF_KIND_TYPEDEF);
	ty->id = id;
	return id && !is_variable(ps, s);
}

/* A type name; PS stays where it is when there is none. */
bool ps_type_name(struct parser *ps, struct dtype *ty)
{
	const char *start = ps->p, *last = ps->p;
	char name[NAME_BYTES];
	struct words w = { 0 };
	bool named = false, any = false;

	*ty = (struct dtype){ 0, 0 };
	while (ps_word(ps, name) && type_word(ps, name, &w, ty, &named)) {
		last = ps->p;
		any = any || named || (strcmp(name, "const") && strcmp(name, "volatile"));
	}
	ps->p = any ? last : start;
	if (!any)
		return false;
	if (!named)
		*ty = types_basic(ps->env->types, basic_of(&w));
	for (;;) {
		if (ps_take(ps, "*"))
			ty->ptrs++;
		else if (!ps_take(ps, "const") && !ps_take(ps, "volatile") &&
			 !ps_take(ps, "restrict"))
			return true;
	}
}

bool expr_type(struct dtype *out, const struct value_env *env, const char *text)
{
	struct skep_err err;
	struct parser ps = { .env = env, .text = text, .p = text, .err = &err };

	if (!ps_type_name(&ps, out))
		return false;
	ps_space(&ps);
	return !*ps.p;
}
