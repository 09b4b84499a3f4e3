/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sema.c: types. Each program is walked until no variable's and no map's type changes any
 * more; types only grow (none, small, large), so that ends. Then everything is walked once
 * more, and what does not fit is an error with its place.
 */
#include "lang/sema.h"
#include <inttypes.h>
#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 64 };

const struct ty *sem_error(struct sema *s, struct span at, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!s->report)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(s->l->script, at, "%s", text);
	return NULL;
}

const char *sem_name(struct lang *l, const struct ty *t)
{
	struct strbuf b = { 0 };
	char *text;

	if (!t)
		return "none";
	ty_name(&b, t);
	text = arena_strdup(l->arena, sb_text(&b));
	sb_free(&b);
	return text;
}

/* The smallest type that a number that stands there has. */
const struct ty *ty_literal(struct lang *l, u64 v, bool is_unsigned)
{
	const s64 n = (s64)v;

	if (is_unsigned)
		return ty_int(&l->types, 8, false);
	return ty_int(&l->types, n == (s8)n ? 1 : n == (s16)n ? 2 : n == (s32)n ? 4 : 8, true);
}

/* ---- types that hold others -------------------------------------------------- */

const struct ty *ty_stored(struct lang *l, const struct ty *t)
{
	const struct ty **of;
	const char **names;

	if (!t)
		return NULL;
	if (t->kind == TY_INT)
		return ty_int(&l->types, 8, t->is_signed);
	if (t->kind == TY_PTR && t->space == SPACE_BTF)
		return ty_ptr(&l->types, t->of, SPACE_KERNEL);
	if (t->kind != TY_TUPLE && t->kind != TY_RECORD)
		return t;
	of = arena_news(l->arena, t->nr_fields, const struct ty *);
	names = t->kind == TY_RECORD ? arena_news(l->arena, t->nr_fields, const char *) : NULL;
	for (u32 i = 0; i < t->nr_fields; i++) {
		of[i] = t->fields[i].ty->kind == TY_INT ? t->fields[i].ty :
			ty_stored(l, t->fields[i].ty);
		if (names)
			names[i] = t->fields[i].name;
	}
	return ty_tuple(&l->types, of, names, t->nr_fields);
}

/* Bytes of the smallest signed integer that holds all of a signed and an unsigned one. */
static u32 both_signs(const struct ty *a, const struct ty *b)
{
	const u32 u = 2 * (a->is_signed ? b : a)->bytes, s = (a->is_signed ? a : b)->bytes;

	return u > 8 ? 8 : u > s ? u : s;
}

/* A number that stands there takes the other's sign when it is not negative. */
static const struct ty *join_numbers(struct lang *l, const struct ty *a, const struct ty *b,
				     bool a_lit, bool b_lit)
{
	const u32 bytes = a->bytes > b->bytes ? a->bytes : b->bytes;

	if (a == b)
		return a;
	if (a->kind == TY_BOOL || b->kind == TY_BOOL)
		return a->kind == TY_BOOL ? b : a;
	if (a->is_signed == b->is_signed)
		return ty_int(&l->types, bytes, a->is_signed);
	if (a_lit || b_lit)
		return ty_int(&l->types, bytes, a_lit ? b->is_signed : a->is_signed);
	return ty_int(&l->types, both_signs(a, b), true);
}

static const struct ty *join_fields(struct lang *l, const struct ty *a, const struct ty *b)
{
	const struct ty **of = arena_news(l->arena, a->nr_fields, const struct ty *);
	const char **names = arena_news(l->arena, a->nr_fields, const char *);

	if (a->nr_fields != b->nr_fields)
		return NULL;
	for (u32 i = 0; i < a->nr_fields; i++) {
		const char *name = a->fields[i].name;
		u32 j = i;

		if (name)
			for (j = 0; j < b->nr_fields && strcmp(b->fields[j].name, name); j++)
				;
		of[i] = j < b->nr_fields ? ty_join(l, a->fields[i].ty, b->fields[j].ty, false,
						   false) : NULL;
		names[i] = name;
		if (!of[i])
			return NULL;
	}
	return ty_tuple(&l->types, of, a->kind == TY_RECORD ? names : NULL, a->nr_fields);
}

const struct ty *ty_join(struct lang *l, const struct ty *a, const struct ty *b, bool a_lit,
			 bool b_lit)
{
	if (a == b || !b)
		return a;
	if (!a)
		return b;
	if (ty_is_number(a) && ty_is_number(b))
		return join_numbers(l, a, b, a_lit, b_lit);
	if (a->kind == TY_PTR && ty_is_number(b))
		return a;
	if (b->kind == TY_PTR && ty_is_number(a))
		return b;
	if (a->kind != b->kind)
		return NULL;
	switch (a->kind) {
	case TY_STR:
	case TY_BUF:
		return a->bytes > b->bytes ? a : b;
	case TY_TUPLE:
	case TY_RECORD:
		return join_fields(l, a, b);
	case TY_PTR:
		return a->of->kind == TY_VOID ? b : a;
	case TY_SUM:
	case TY_AVG:
	case TY_MIN:
	case TY_MAX:
	case TY_STATS:
		return a->is_signed ? a : b;
	case TY_CSTRUCT:
		return a->btf == b->btf && a->id == b->id ? a : NULL;
	default:
		return NULL;
	}
}

/* ---- variables and maps ------------------------------------------------------ */

static bool is_literal(const struct node *n)
{
	return n && n->kind == N_INT;
}

/* A number that stands there: 5, -5. */
static bool is_number(const struct node *n)
{
	return is_literal(n) || (n && n->kind == N_UNARY && n->op == OP_NEG && is_literal(n->a));
}

/* Does what stands there, VALUE, go into a variable of a declared type? Else that is said. */
static bool has_room(struct sema *s, const struct node *n, const struct ty *is,
		     const struct node *value)
{
	const char *name = ((struct var *)n->sem)->name;
	s64 k;

	if (is->kind == TY_INT && is_number(value) && sem_const(s, value, &k) &&
	    !ty_holds(is, k) && !(value->is_unsigned && is->bytes == 8)) {
		sem_error(s, n->at, "Type mismatch for %s: trying to assign value '%lld' to a "
			  "variable of type '%s'; cast it: (%s)%lld", name, (long long)k,
			  sem_name(s->l, is), sem_name(s->l, is), (long long)k);
		return false;
	}
	if (is->kind == TY_STR && value && value->kind == N_STR && value->text_n >= is->bytes) {
		sem_error(s, n->at, "Type mismatch for %s: trying to assign value of type "
			  "'string[%u]' when variable already has a type '%s'", name,
			  (unsigned)value->text_n + 1, sem_name(s->l, is));
		return false;
	}
	return true;
}

void sem_var_value(struct sema *s, struct node *n, const struct ty *t, bool lit)
{
	struct var *v = n->sem;
	const struct ty *to = t;

	if (!t || (v->declared && v->ty && v->first != n))
		return;
	if (t->kind == TY_VOID || ty_is_agg(t)) {
		sem_error(s, n->at, "Value '%s' cannot be assigned to a scratch variable.",
			  sem_name(s->l, t));
		return;
	}
	if ((v->sets > 1 || v->captured) && t->kind != TY_INT)
		to = ty_stored(s->l, t);
	to = ty_join(s->l, v->ty, to, v->literal, lit);
	v->literal = lit && (!v->ty || v->literal);
	if (!to)
		sem_error(s, n->at, "Type mismatch for %s: trying to assign value of type '%s' "
			  "when variable already has a type '%s'", v->name, sem_name(s->l, t),
			  sem_name(s->l, v->ty));
	else if (to != v->ty)
		v->ty = to, s->changed = true;
	n->ty = v->ty;
}

void sem_map_value(struct sema *s, struct node *n, const struct ty *t, bool lit)
{
	struct map_var *m = n->sem;
	const struct ty *to;

	m->wrong |= !t;		/* which is said where the value stands */
	if (!t)
		return;
	if (t->kind == TY_VOID) {
		sem_error(s, n->at, "Map value '%s' cannot be assigned to a map.",
			  sem_name(s->l, t));
		return;
	}
	to = ty_join(s->l, m->value, ty_stored(s->l, t), false, lit);
	if (!to)
		sem_error(s, n->at, "Type mismatch for %s: trying to assign value of type '%s' "
			  "when map already has a type '%s'", m->name, sem_name(s->l, t),
			  sem_name(s->l, m->value));
	else if (to != m->value)
		m->value = to, s->changed = true;
	n->ty = m->value;
}

void sem_key(struct sema *s, struct node *n)
{
	struct map_var *m = n->sem;
	const struct ty *t, *to;

	if (!n->a) {
		m->scalar = true;
		if (m->keyed)
			sem_error(s, n->at, "%s used as a map without an explicit key (scalar "
				  "map), previously used with an explicit key (non-scalar map)",
				  m->name);
		return;
	}
	m->keyed = true;
	if (m->scalar)
		sem_error(s, n->at, "%s used as a map with an explicit key (non-scalar map), "
			  "previously used without an explicit key (scalar map)", m->name);
	t = ty_stored(s->l, sem_expr(s, n->a));
	m->wrong |= !t;		/* as of values */
	if (!t)
		return;
	if (t->kind == TY_VOID || ty_is_agg(t)) {
		sem_error(s, n->a->at, "%s cannot be used as a map key", sem_name(s->l, t));
		return;
	}
	to = ty_join(s->l, m->key, t, false, is_literal(n->a));
	if (!to)
		sem_error(s, n->a->at, "Argument mismatch for %s: trying to access with "
			  "arguments: '%s' when map expects arguments: '%s'", m->name,
			  sem_name(s->l, t), sem_name(s->l, m->key));
	else if (to != m->key)
		m->key = to, s->changed = true;
}

/* ---- statements -------------------------------------------------------------- */

static void statement(struct sema *s, struct node *n);

/* What $x of type IS has after $x += E: 64 bits, as any result. */
static const struct ty *changed_by(struct sema *s, const struct node *n, const struct ty *is,
				   const struct ty *t)
{
	const bool lit = is_literal(n->b);

	return ty_int(&s->l->types, 8, is->is_signed || n->op == OP_SUB ||
		      (t->is_signed && !lit));
}

static void assign(struct sema *s, struct node *n)
{
	const struct ty *t = sem_expr(s, n->b);
	const struct var *v;

	if (!n->a)
		return;
	if (t && ty_is_agg(t) && n->b->kind == N_MAP)
		t = sem_number(s, n->b);
	if (n->op && n->a->kind == N_MAP) {	/* it begins with 0 */
		sem_key(s, n->a);
		sem_map_value(s, n->a, t && t->kind == TY_BOOL ? ty_int(&s->l->types, 8, true) : t,
			      is_literal(n->b));
		return;
	}
	if (n->a->kind == N_MAP) {
		sem_key(s, n->a);
		sem_map_value(s, n->a, t, is_literal(n->b));
		return;
	}
	v = n->a->sem;
	if (n->op && v->ty && v->ty->kind == TY_INT && t && ty_is_number(t))
		t = changed_by(s, n, v->ty, t);
	if (n->op || !v->declared || !v->ty || has_room(s, n->a, v->ty, n->b))
		sem_var_value(s, n->a, t, is_literal(n->b));
}

static void let(struct sema *s, struct node *n)
{
	struct var *v = n->a->sem;
	const struct ty *t = n->b ? sem_expr(s, n->b) : NULL, *is;

	if (n->type) {
		is = sem_type(s, n->type);
		if (is && !v->ty)
			v->ty = is, s->changed = true;
		if (is && t && has_room(s, n->a, is, n->b) &&
		    !ty_join(s->l, is, t, false, is_literal(n->b)))
			sem_error(s, n->at, "Type mismatch for %s: trying to assign value of type "
				  "'%s' when variable already has a type '%s'", v->name,
				  sem_name(s->l, t), sem_name(s->l, is));
		n->a->ty = v->ty;
		return;
	}
	if (t)
		sem_var_value(s, n->a, t, is_literal(n->b));
}

static void condition(struct sema *s, struct node *n)
{
	const struct ty *t = sem_number(s, n);

	if (t && !ty_is_number(t) && t->kind != TY_PTR)
		sem_error(s, n->at, "Invalid condition: %s", sem_name(s->l, t));
}

static void for_map(struct sema *s, struct node *n)
{
	struct map_var *m = n->b->sem;
	const struct ty *of[2];
	struct var *v = n->a->sem;

	n->b->ty = m->value;
	if (m->scalar)
		sem_error(s, n->b->at, "%s has no explicit keys (scalar map), and cannot be used "
			  "for iteration", m->name);
	if (m->key && m->value) {
		of[0] = m->key;
		of[1] = ty_is_agg(m->value) ? ty_int(&s->l->types, 8, true) : m->value;
		if (m->value->kind == TY_HIST || m->value->kind == TY_LHIST ||
		    m->value->kind == TY_TSERIES) {
			sem_error(s, n->b->at, "Loop expression does not support type: %s",
				  sem_name(s->l, m->value));
			return;
		}
		if (v->ty != ty_tuple(&s->l->types, of, NULL, 2)) {
			v->ty = ty_tuple(&s->l->types, of, NULL, 2);
			s->changed = true;
		}
	}
	n->a->ty = v->ty;
	sem_block(s, n->c);
}

static void for_range(struct sema *s, struct node *n)
{
	struct var *v = n->a->sem;

	for (struct node *e = n->list; e; e = e->next)
		condition(s, e);
	if (!v->ty)
		v->ty = ty_int(&s->l->types, 8, true), s->changed = true;
	n->a->ty = v->ty;
	sem_block(s, n->c);
}

static void unroll(struct sema *s, struct node *n)
{
	s64 v;

	sem_expr(s, n->a);
	if (!sem_const(s, n->a, &v))
		sem_error(s, n->a->at, "invalid unroll value: it must be a constant");
	else if (v < 1 || v > 100000)
		sem_error(s, n->a->at, "unroll %s value is 1 to 100000", v < 1 ? "minimum" :
			  "maximum");
	sem_block(s, n->b);
}

/* Return N of a function gives TO, or nothing: does T fit? */
static bool fits_result(struct sema *s, const struct node *n, const struct ty *t,
			const struct ty *to)
{
	if (!t || !to || t == to)
		return true;
	if (t->kind == TY_INT && to->kind == TY_INT)
		return is_literal(n->a) ? ty_holds(to, (s64)n->a->num) :
		       t->bytes <= to->bytes || n->a->kind != N_INT;
	return ty_join(s->l, to, ty_stored(s->l, t), false, is_literal(n->a)) != NULL;
}

static void give_back(struct sema *s, struct node *n)
{
	const struct ty *t = n->a ? sem_number(s, n->a) : NULL;
	const struct ty *to = n->b ? ((struct var *)n->b->sem)->ty : NULL;

	if (!n->text || (n->a && !t) || (n->b && !to))
		return;
	if (!n->a != !n->b || !fits_result(s, n, t, to))
		sem_error(s, n->at, "Function %s is of type %s, cannot return %s", n->text,
			  to ? sem_name(s->l, to) : "void", t ? sem_name(s->l, t) : "void");
}

const struct ty *sem_fncall(struct sema *s, struct node *n)
{
	for (struct node *let = n->list; let; let = let->next)
		statement(s, let);
	sem_block(s, n->b);
	return n->a ? sem_expr(s, n->a) : ty_void(&s->l->types);
}

static void statement(struct sema *s, struct node *n)
{
	switch (n->kind) {
	case N_EXPR:
		sem_expr(s, n->a);
		break;
	case N_ASSIGN:
		assign(s, n);
		break;
	case N_LET:
		let(s, n);
		break;
	case N_WHILE:
		condition(s, n->a);
		sem_block(s, n->b);
		break;
	case N_FORMAP:
		for_map(s, n);
		break;
	case N_FORRANGE:
		for_range(s, n);
		break;
	case N_UNROLL:
		unroll(s, n);
		break;
	case N_RETURN:
		give_back(s, n);
		break;
	case N_BREAK:
	case N_CONTINUE:
		break;
	default:
		sem_expr(s, n);
	}
}

void sem_block(struct sema *s, struct node *n)
{
	for (struct node *i = n->list; i; i = i->next)
		statement(s, i);
}

/* ---- the whole --------------------------------------------------------------- */

static void check_prog(struct sema *s, struct prog *p)
{
	s->p = p;
	if (p->probe->a)
		condition(s, p->probe->a);
	sem_block(s, p->probe->b);
	if (p->probe->b->a)
		sem_expr(s, p->probe->b->a);
}

static void round_of(struct sema *s)
{
	s->changed = false;
	for (size_t i = 0; i < s->l->progs.n; i++)
		check_prog(s, s->l->progs.v[i]);
	for (size_t i = 0; i < s->l->unused.n; i++)
		check_prog(s, s->l->unused.v[i]);
}

/* A declared map says which of BPF's it is. */
static void map_decls(struct lang *l)
{
	static const struct { const char *name; u32 type; } types[] = {
		{ "hash", BPF_MAP_TYPE_HASH }, { "lruhash", BPF_MAP_TYPE_LRU_HASH },
		{ "percpuhash", BPF_MAP_TYPE_PERCPU_HASH },
		{ "percpulruhash", BPF_MAP_TYPE_LRU_PERCPU_HASH } };

	for (struct node *n = l->script->list; n; n = n->next) {
		struct map_var *m;
		size_t i;

		if (n->kind != N_MAPDECL)
			continue;
		for (i = 0; i < ARRAY_LEN(types) && strcmp(types[i].name, n->type->text); i++)
			;
		if (i == ARRAY_LEN(types)) {
			diag_error(l->script, n->type->at, "Invalid bpf map type: %s",
				   n->type->text);
			diag_hint(l->script, "Valid map types: lruhash, percpuhash, percpulruhash, "
				  "hash");
			continue;
		}
		m = lang_map(l, n);
		m->decl = n;
		m->decl_type = types[i].type;
		if (n->num > INT32_MAX)	/* what max_entries may be */
			diag_error(l->script, n->at, "a map of %" PRIu64 " elements is too large: "
				   "at most %d", n->num, INT32_MAX);
		m->decl_max = (u32)n->num;
	}
}

/* A map that nobody uses may be of any type. */
static void check_declared(struct lang *l, struct map_var *m)
{
	if (!m->decl || m->first != m->decl || m->value)
		return;
	diag_warn(l->script, m->decl->at, "Unused map: %s", m->name);
	m->value = m->key = ty_int(&l->types, 8, true);
	m->keyed = true;
}

static void check_defined(struct lang *l, const struct map_var *m)
{
	if (!m->value || (m->keyed && !m->key))
		diag_error(l->script, m->first->at, "Undefined map: %s", m->name);
}

/* Those that got what is wrong come last: they are when it was not said yet. */
static void check_maps(struct lang *l)
{
	for (size_t i = 0; i < l->maps.n; i++) {
		check_declared(l, l->maps.v[i]);
		if (!l->maps.v[i]->wrong)
			check_defined(l, l->maps.v[i]);
	}
	for (size_t i = 0; i < l->maps.n && !l->script->nr_errors; i++)
		check_defined(l, l->maps.v[i]);
}

void sema_run(struct lang *l)
{
	struct sema s = { .l = l };

	map_decls(l);
	for (size_t i = 0; i < l->progs.n; i++)
		scope_run(l, l->progs.v[i]);
	for (size_t i = 0; i < l->unused.n; i++)
		scope_run(l, l->unused.v[i]);
	if (l->script->nr_errors)
		return;
	for (u32 i = 0; i < ROUNDS_MAX && (!i || s.changed); i++)
		round_of(&s);
	s.report = true;
	round_of(&s);
	check_maps(l);
}
