/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * macro.c: macro name($v, @m, e) { ... }. A call becomes a copy of the body, in which
 * parameters are what the caller gave: $v and @m his variable and map, e a copy of his
 * expression or type. Variables that the body makes get names that nobody else has; maps
 * must be given. The copy's source is the macro's, and knows the call.
 */
#include "lang/expand.h"
#include <stdlib.h>

/* A call that is being expanded, of a macro or function (fn.c). */
struct bind {
	struct expand *x;
	const struct node *macro, *args;
	const struct source *src;	/* the macro's, of this call */
	u32 number;
};

/* ---- the table ------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
	int order = strcmp(x->text, y->text);

	if (order || x == y)
		return order;
	return x->at.from < y->at.from ? -1 : 1;	/* as they stand */
}

static bool same_params(const struct node *a, const struct node *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->kind != b->kind)
			return false;
	return !a && !b;
}

static void check_params(struct expand *x, const struct node *macro)
{
	for (const struct node *p = macro->list; p; p = p->next)
		for (const struct node *q = macro->list; q != p; q = q->next)
			if (!strcmp(p->text, q->text))
				diag_error(x->s, p->at, "%s for macro argument has already been "
					   "used: %s", p->kind == N_VAR ? "Variable" :
					   p->kind == N_MAP ? "Map" : "Ident", p->text);
}

/* Is there a function of the language? It may be called although a macro has its name. */
static bool is_function(const char *name)
{
	static const char *const names[] = {
#define FUNC(name, ...) #name,
#include "lang/func.def"
#undef FUNC
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Scripts go on working when the language gets a function of the same name. */
static void warn_hidden(struct expand *x, const struct node *fn)
{
	struct span head = fn->at;

	if (!is_function(fn->text))
		return;
	head.to = fn->type ? fn->type->at.to : head.to;
	diag_warn(x->s, head, "%s is a function of the language: calls in this script are of this "
		  "one", fn->text);
	diag_hint(x->s, "give it another name");
}

void macro_collect(struct expand *x)
{
	for (const struct node *n = x->s->list; n; n = n->next)
		if (n->kind == N_MACRO || n->kind == N_FN) {
			*vec_push(&x->macros) = n;
			if (n->kind == N_MACRO) {
				check_params(x, n);
			} else {
				fn_check(x, n);
				warn_hidden(x, n);
			}
		}
	if (x->macros.n)
		qsort(x->macros.v, x->macros.n, sizeof(*x->macros.v), by_text);
	for (size_t i = 0; i < x->macros.n; i++)
		for (size_t k = i + 1; k < x->macros.n &&
		     !strcmp(x->macros.v[i]->text, x->macros.v[k]->text); k++)
			if (x->macros.v[k]->kind == N_FN || x->macros.v[i]->kind == N_FN ||
			    same_params(x->macros.v[i]->list, x->macros.v[k]->list))
				diag_error(x->s, x->macros.v[k]->at, "Redefinition of %s: %s",
					   x->macros.v[k]->kind == N_FN ? "function" : "macro",
					   x->macros.v[k]->text);
}

/* The first of the macros called NAME; *N of them. */
static const struct node **find_macros(struct expand *x, const char *name, size_t *n)
{
	size_t lo = 0, hi = x->macros.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (strcmp(x->macros.v[mid]->text, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (hi = lo; hi < x->macros.n && !strcmp(x->macros.v[hi]->text, name); hi++)
		;
	*n = hi - lo;
	return hi > lo ? x->macros.v + lo : NULL;
}

/* ---- which one is called -------------------------------------------------------- */

static u32 count(const struct node *list)
{
	u32 n = 0;

	for (; list; list = list->next)
		n++;
	return n;
}

static bool fits(const struct node *param, const struct node *arg)
{
	if (param->kind == N_IDENT)
		return true;
	if (param->kind == N_LET)
		return arg->kind != N_TYPE;
	return param->kind == arg->kind && !(arg->kind == N_MAP && arg->a);
}

/* How well: 0 not at all, else one more for each that is a variable or map. */
static u32 how_well(const struct node *macro, const struct node *args)
{
	const struct node *p = macro->list;
	u32 n = 1;

	for (; p && args; p = p->next, args = args->next) {
		if (!fits(p, args))
			return 0;
		n += p->kind != N_IDENT;
	}
	return p || args ? 0 : n;
}

static const struct node *best(const struct node **m, size_t n, const struct node *args)
{
	const struct node *found = NULL;
	u32 well = 0;

	for (size_t i = 0; i < n; i++) {
		u32 k = how_well(m[i], args);

		if (k > well) {
			well = k;
			found = m[i];
		}
	}
	return found;
}

/* The one with the nearest number of arguments. */
static const struct node *closest(const struct node **m, size_t n, u32 nr_args)
{
	const struct node *found = m[0];
	u32 least = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		u32 k = count(m[i]->list);
		u32 far = k > nr_args ? k - nr_args : nr_args - k;

		if (far <= least) {
			least = far;
			found = m[i];
		}
	}
	return found;
}

static const char *kind_of_arg(const struct node *arg)
{
	return arg->kind == N_VAR ? "a variable" : arg->kind == N_MAP && !arg->a ? "a map" :
	       arg->kind == N_TYPE ? "a type" : "an expression";
}

static void say_no_match(struct expand *x, const struct node *call, const struct node *macro)
{
	const struct node *p = macro->list, *arg = call->kind == N_CALL ? call->list : NULL;
	u32 want = count(p), got = count(arg);

	diag_error(x->s, call->at, "Call to %s() has arguments that do not match any definition.",
		   call->text);
	if (want != got) {
		diag_error(x->s, macro->at, "The closest definition of %s() has a different "
			   "number of arguments. Expected: %u but got %u", call->text, want, got);
		return;
	}
	while (p && fits(p, arg)) {
		p = p->next;
		arg = arg->next;
	}
	if (!p)
		return;
	diag_error(x->s, arg->at, "Mismatched arg. %s() expects %s for arg %s but got %s.",
		   call->text, p->kind == N_VAR ? "a variable" : "a map", p->text,
		   kind_of_arg(arg));
	diag_error(x->s, p->at, "This is the argument in the closest definition.");
}

/* ---- the body ------------------------------------------------------------------- */

static struct node *subst(struct bind *b, const struct node *n);

/* What the caller gave for parameter TEXT of KIND; NULL: it is none. */
static const struct node *arg_for(const struct bind *b, enum node_kind kind, const char *text)
{
	const struct node *arg = b->args;

	if (b->macro->kind == N_FN)	/* has variables for them */
		return NULL;
	for (const struct node *p = b->macro->list; p; p = p->next, arg = arg->next)
		if (p->kind == kind && !strcmp(p->text, text))
			return arg;
	return NULL;
}

static void say_type_arg(struct bind *b, const struct node *arg)
{
	diag_error(b->x->s, arg->at, "When used as a call argument, `typeof` builtin only valid "
		   "for macro calls that are expecting a type parameter");
}

static void subst_var(struct bind *b, struct node *n)
{
	const struct node *arg = arg_for(b, N_VAR, n->text);

	n->text = arg ? arg->text :
		  arena_printf(&b->x->s->arena, "%s#%u", n->text, b->number);
}

static void subst_map(struct bind *b, struct node *n)
{
	const struct node *arg = arg_for(b, N_MAP, n->text);

	if (arg)
		n->text = arg->text;
	else if (b->macro->kind == N_MACRO)
		diag_error(b->x->s, n->at, "Unhygienic access to map: %s. Maps must be passed into "
			   "the macro as arguments", n->text);
}

static void say_bad_type(struct bind *b, const struct node *n, const char *param)
{
	diag_error(b->x->s, n->at, "Invalid replacement for macro '%s' type parameter '%s' which "
		   "makes up the type '%s'", b->macro->text, param, n->text);
}

static struct node **last(struct node **at)
{
	while (*at)
		at = &(*at)->next;
	return at;
}

/* N becomes the type ARG; what is behind N's name stays behind all of it. */
static void become(struct bind *b, struct node *n, const struct node *arg)
{
	struct node *behind = n->list;

	n->text = arg->text;
	n->num = arg->num;
	n->a = node_copy(b->x->s, arg->a);
	n->list = node_copy_list(b->x->s, arg->list);
	*last(&n->list) = behind;
}

/* "struct NAME", of which NAME is a parameter. */
static void subst_tag(struct bind *b, struct node *n, const char *name)
{
	const struct node *arg = arg_for(b, N_IDENT, name);
	const char *word = NULL;

	if (!arg)
		return;
	if (arg->kind == N_TYPE && !arg->list && !arg->num)
		word = !arg->a ? arg->text : arg->a->kind == N_IDENT ? arg->a->text : NULL;
	if (!word || strchr(word, ' '))
		say_bad_type(b, n, name);
	else
		n->text = arena_printf(&b->x->s->arena, "%.*s%s", (int)(name - n->text), n->text,
				       word);
}

static void subst_type(struct bind *b, struct node *n)
{
	const char *space = n->text ? strchr(n->text, ' ') : NULL;
	const struct node *arg;

	if (space) {
		if (strncmp(n->text, "unsigned", 8) && strncmp(n->text, "long", 4))
			subst_tag(b, n, space + 1);
		return;
	}
	if (!n->text) {
		if (n->a && n->a->kind == N_TYPE)	/* typeof(t) */
			become(b, n, n->a);
		return;
	}
	arg = arg_for(b, N_IDENT, n->text);
	if (arg && arg->kind == N_TYPE)
		become(b, n, arg);
	else if (arg)
		say_bad_type(b, n, n->text);
}

/* Where a type may stand instead of an expression. */
static bool takes_type(const struct node *n)
{
	return n->kind == N_SIZEOF || n->kind == N_OFFSETOF || n->kind == N_TYPEINFO ||
	       n->kind == N_TYPE;
}

/* A.B.C as a list of N_FIELD at *END; NULL when it is not of names alone. */
static struct node **put_path(struct bind *b, struct node **end, const struct node *n)
{
	struct node *field;

	if (n->kind == N_FIELD && n->a)
		end = put_path(b, end, n->a);
	else if (n->kind != N_IDENT)
		return NULL;
	if (!end)
		return NULL;
	field = node_new(b->x->s, N_FIELD, n->at);
	field->text = n->text;
	field->high = 1;
	*end = field;
	return &field->next;
}

/* offsetof(T, f), of which f is a parameter. */
static void subst_path(struct bind *b, struct node *n)
{
	const struct node *f = n->list, *arg;
	struct node *path = NULL;

	if (!f || f->kind != N_FIELD)
		return;
	arg = arg_for(b, N_IDENT, f->text);
	if (!arg)
		return;
	if (!put_path(b, &path, arg)) {
		diag_error(b->x->s, arg->at, "FieldAccess expressions must be made up entirely of "
			   "idents (e.g. a.b.c) to replace the second argument in `offsetof`");
		return;
	}
	*last(&path) = f->next;
	n->list = path;
}

static void subst_child(void *arg, struct node **at)
{
	expand_replace(at, subst(arg, *at));
}

static void subst_children(struct bind *b, struct node *n)
{
	expand_children(n, subst_child, b);
	if (n->a && n->a->kind == N_TYPE && !takes_type(n))
		say_type_arg(b, n->a);
	if ((n->b && n->b->kind == N_TYPE) || (n->c && n->c->kind == N_TYPE))
		say_type_arg(b, n->b && n->b->kind == N_TYPE ? n->b : n->c);
	if (n->kind != N_CALL && n->kind != N_TYPE)
		for (const struct node *i = n->list; i; i = i->next)
			if (i->kind == N_TYPE)
				say_type_arg(b, i);
	if (n->kind != N_TYPE && takes_type(n) && n->a && n->a->kind == N_TYPE) {
		n->type = n->a;
		n->a = NULL;
	}
}

static bool too_many(struct bind *b, const struct node *n)
{
	if (b->x->nodes++ == EXPAND_NODES)
		diag_error(b->x->s, n->at, "macros make more than a million parts of this script");
	if (b->x->nodes > EXPAND_NODES)
		b->x->stop = true;
	return b->x->stop;
}

/* A list that subst_child can walk while it replaces what is in it. */
static struct node *shallow_copy(struct bind *b, const struct node *n)
{
	struct node *copy = arena_copy(&b->x->s->arena, n, sizeof(*n));
	struct node **end = &copy->list;

	for (const struct node *i = n->list; i; i = i->next) {
		*end = arena_copy(&b->x->s->arena, i, sizeof(*i));
		end = &(*end)->next;
	}
	*end = NULL;
	copy->next = NULL;
	copy->at.src = b->src;
	return copy;
}

static void copy_child(void *arg, struct node **at);

/* As the caller wrote it. */
static struct node *copy_arg(struct bind *b, const struct node *n)
{
	const struct source *src = b->src;
	struct node *copy;

	if (too_many(b, n))
		return node_new(b->x->s, N_BLOCK, n->at);
	b->src = n->at.src;
	copy = shallow_copy(b, n);
	b->src = src;
	expand_children(copy, copy_child, b);
	return copy;
}

static void copy_child(void *arg, struct node **at)
{
	expand_replace(at, copy_arg(arg, *at));
}

static struct node *subst(struct bind *b, const struct node *n)
{
	struct node *copy;
	const struct node *arg;

	if (too_many(b, n))
		return node_new(b->x->s, N_BLOCK, n->at);
	arg = n->kind == N_IDENT ? arg_for(b, N_IDENT, n->text) : NULL;
	if (arg)
		return copy_arg(b, arg);
	copy = shallow_copy(b, n);
	if (n->kind == N_OFFSETOF)
		subst_path(b, copy);
	if (n->kind == N_LET && arg_for(b, N_VAR, n->a->text))
		diag_error(b->x->s, copy->at, "Variable declaration shadows macro arg %s",
			   n->a->text);
	subst_children(b, copy);
	if (n->kind == N_VAR)
		subst_var(b, copy);
	else if (n->kind == N_MAP)
		subst_map(b, copy);
	else if (n->kind == N_TYPE)
		subst_type(b, copy);
	node_measure(copy);
	return copy;
}

/* ---- expansion ------------------------------------------------------------------ */

static bool is_recursive(struct expand *x, const struct node *call, const struct node *macro)
{
	struct strbuf chain = { 0 };
	const struct macro_call *c = x->call;
	const char *names[64];
	u32 n = 0;

	while (c && c->macro != macro)
		c = c->up;
	if (!c)
		return false;
	names[n++] = macro->text;
	for (const struct macro_call *i = x->call; n < 63; i = i->up) {
		names[n++] = i->macro->text;
		if (i == c)
			break;
	}
	while (n--)
		sb_printf(&chain, "%s%s", names[n], n ? " > " : "");
	diag_error(x->s, call->at, "Recursive %s call detected. Call chain: %s",
		   macro->kind == N_FN ? "function" : "macro", sb_text(&chain));
	sb_free(&chain);
	return true;
}

/* The macro's source, as it is for this call. */
static const struct source *source_for(struct expand *x, const struct node *macro,
				       const struct node *call)
{
	struct source *src = arena_copy(&x->s->arena, macro->at.src, sizeof(*src));

	src->via = arena_copy(&x->s->arena, &call->at, sizeof(call->at));
	return src;
}

static void expand_to(struct expand *x, struct node **at, const struct node *macro, u32 depth)
{
	struct bind b = { x, macro, (*at)->kind == N_CALL ? (*at)->list : NULL,
			  source_for(x, macro, *at), ++x->names };
	struct macro_call call = { macro, x->call };
	const struct fn_copy c = { &b, macro, b.number };
	struct node *body = macro->kind == N_FN ?
			    fn_call(x, &c, (*at)->kind == N_CALL ? (*at)->list : NULL, (*at)->at) :
			    subst(&b, macro->b);

	if (macro->kind == N_MACRO && !body->list && body->a)
		body = body->a;
	expand_replace(at, body);
	x->call = &call;
	expand_node(x, at, depth + 1);
	x->call = call.up;
}

struct node *macro_copy(const struct fn_copy *c, const struct node *n)
{
	return subst(c->bind, n);
}

void macro_call_unused(struct expand *x, struct node *fn)
{
	struct bind b = { x, fn, NULL, fn->at.src, ++x->names };
	const struct fn_copy c = { &b, fn, b.number };
	struct macro_call call = { fn, x->call };

	fn->c = fn_call(x, &c, NULL, fn->at);
	x->call = &call;
	expand_node(x, &fn->c, 1);
	x->call = call.up;
}

bool macro_expand(struct expand *x, struct node **at, u32 depth)
{
	struct node *n = *at;
	const struct node *args = n->kind == N_CALL ? n->list : NULL, *macro;
	size_t nr;
	const struct node **m = find_macros(x, n->text, &nr);

	if (!nr || (n->kind == N_IDENT && m[0]->kind == N_FN))
		return false;
	macro = best(m, nr, args);
	if (!macro && is_function(n->text))
		return false;
	if (!macro)
		say_no_match(x, n, closest(m, nr, count(args)));
	else if (!is_recursive(x, n, macro))
		expand_to(x, at, macro, depth);
	if (macro && macro->kind == N_FN)	/* the table's, which nobody else changes */
		((struct node *)(uintptr_t)macro)->num++;
	return true;
}
