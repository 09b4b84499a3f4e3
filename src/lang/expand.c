/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expand.c: a script without what stands for something else: imports become what they
 * import, macros their bodies, parameters their values. What is left are probes,
 * functions, maps, settings and C.
 */
#include "lang/cdecl.h"
#include "lang/expand.h"

void expand_children(struct node *n, void (*fn)(void *arg, struct node **at), void *arg)
{
	struct node **parts[] = { &n->type, &n->a, &n->b, &n->c };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (*parts[i])
			fn(arg, parts[i]);
	for (struct node **at = &n->list; *at; at = &(*at)->next)
		fn(arg, at);
}

/* ---- statements ----------------------------------------------------------------- */

static void flatten(struct expand *x, struct node **at);

static void drop_value(struct expand *x, struct node *block)
{
	struct node **end = &block->list;

	if (!block->a)
		return;
	while (*end)
		end = &(*end)->next;
	*end = node_new(x->s, N_EXPR, block->a->at);
	(*end)->a = block->a;
	block->a = NULL;
	node_measure(*end);
	flatten(x, end);
	node_measure(block);
}

/* A block or if as a statement, nobody takes its value. */
static void flatten(struct expand *x, struct node **at)
{
	struct node *n = (*at)->kind == N_EXPR ? (*at)->a : NULL;

	if (!n || (n->kind != N_BLOCK && n->kind != N_IF))
		return;
	expand_replace(at, n);
	for (; n && n->kind == N_IF; n = n->c)
		drop_value(x, n->b);
	if (n)
		drop_value(x, n);
}

/* What only the parser knows to be wrong before macros are expanded. */
static void check(struct expand *x, const struct node *n)
{
	if (n->kind == N_FORMAP && n->b->kind != N_MAP)
		diag_error(x->s, n->b->at, "expected a map, or a range: 'FROM..TO'");
	if (n->kind != N_CALL || !strcmp(n->text, "container_of"))
		return;
	for (const struct node *i = n->list; i; i = i->next)
		if (i->kind == N_TYPE)
			diag_error(x->s, i->at, "When used as a call argument, `typeof` builtin "
				   "only valid for macro calls that are expecting a type "
				   "parameter");
}

/* ---- the walk ------------------------------------------------------------------- */

struct step {
	struct expand *x;
	u32 depth;
};

static void expand_child(void *arg, struct node **at)
{
	const struct step *step = arg;

	expand_node(step->x, at, step->depth);
}

static void too_deep(struct expand *x, const struct node *n)
{
	if (!x->stop)
		diag_error(x->s, n->at, "this nests deeper than %d levels", LANG_DEPTH);
	x->stop = true;
}

static bool is_call_of(const struct node *n, const char *name)
{
	return n->kind == N_CALL && !strcmp(n->text, name);
}

/* ---- #define -------------------------------------------------------------------- */

static const struct source *body_of(struct expand *x, const struct node *n,
				    const struct cmacro *m)
{
	struct source *src = arena_copy(&x->s->arena, m->body, sizeof(*src));

	src->via = arena_copy(&x->s->arena, &n->at, sizeof(n->at));
	return src;
}

/* Does text of macro NAME come from calls of it so deep that they surely never end? An argument
 * may have calls of the same macro. */
static bool is_endless(const struct source *src, const char *name)
{
	u32 n = 0;

	for (; src && src->via; src = src->via->src)
		n += !strcmp(src->name, name);
	return n > CALLS_MAX;
}

/* N calls M: its body with the arguments, each in parentheses. */
static const struct source *call_of(struct expand *x, const struct node *n,
				    const struct cmacro *m)
{
	const char *args[PARAMS_MAX];
	u32 nr = 0;

	for (const struct node *a = n->list; a; a = a->next, nr++)
		if (nr < PARAMS_MAX)
			args[nr] = arena_printf(&x->s->arena, "(%.*s)",
						(int)(a->at.to - a->at.from),
						a->at.src->text + a->at.from);
	return cpp_call(x->s, m, args, nr, n->at);
}

/* N, a name that the C part defines, is what that says, when it is an expression. */
static bool expand_define(struct expand *x, struct node **at, u32 depth)
{
	struct node *n = *at, *body;
	struct cmacro *m = cpp_macro(x->s, n->text);
	const struct source *src;

	if (!m || m->params != (n->kind == N_CALL) || !m->at.src)
		return false;
	if (m->busy || is_endless(n->at.src, m->name)) {
		diag_error(x->s, n->at, "Macro recursion: %s", n->text);
		return true;
	}
	src = m->params ? call_of(x, n, m) : body_of(x, n, m);
	body = src ? parse_expression(x->s, src) : NULL;
	if (src && !body)
		diag_error(x->s, n->at, "unable to expand macro as an expression: %.200s",
			   src->text);
	if (!body)
		return true;
	if (x->nodes++ == EXPAND_NODES)
		diag_error(x->s, n->at, "macros make more than a million parts of this script");
	x->stop |= x->nodes > EXPAND_NODES;
	expand_replace(at, body);
	m->busy = !m->params;		/* arguments may call it, too */
	expand_node(x, at, depth + 1);
	m->busy = false;
	return true;
}

/* In a list of statements what was imported there is gone. */
static void drop_imports(struct node *block)
{
	struct node **at = &block->list;

	while (*at)
		if ((*at)->kind == N_IMPORT)
			*at = (*at)->next;
		else
			at = &(*at)->next;
}

void expand_node(struct expand *x, struct node **at, u32 depth)
{
	struct step step = { x, depth + 1 };
	struct node *n = *at;

	if (depth > LANG_DEPTH)
		too_deep(x, n);
	if (x->stop)
		return;
	if (n->kind == N_POS) {
		param_positional(x, at);
		return;
	}
	if (is_call_of(n, "getopt")) {
		param_getopt(x, at);
		return;
	}
	if (is_call_of(n, "str"))
		param_str(x, n);
	if (n->kind == N_ATTACH)
		param_attach(x, n);
	if (n->kind == N_BLOCK)
		drop_imports(n);
	expand_children(n, expand_child, &step);
	if ((n->kind == N_CALL || n->kind == N_IDENT) && macro_expand(x, at, depth))
		return;
	if ((n->kind == N_IDENT || n->kind == N_CALL) && expand_define(x, at, depth))
		return;
	check(x, n);
	flatten(x, at);
	node_measure(*at);
	if ((*at)->high > LANG_DEPTH)
		too_deep(x, *at);
}

void expand_script(struct script *s, const struct expand_opts *o)
{
	struct expand x = { .s = s, .o = o };
	struct node **at = &s->list;

	expand_imports(&x);
	cpp_run(s, s->list, o->dirs, o->nr_dirs);
	macro_collect(&x);
	param_collect(&x);
	while (*at) {
		if ((*at)->kind == N_MACRO || (*at)->kind == N_IMPORT) {
			*at = (*at)->next;
			continue;
		}
		if ((*at)->kind == N_PROBE || (*at)->kind == N_EITHER)
			expand_node(&x, at, 0);
		at = &(*at)->next;
	}
	for (struct node *n = s->list; n && !s->nr_errors; n = n->next)
		if (n->kind == N_FN && !n->num)
			macro_call_unused(&x, n);
	param_finish(&x);
	vec_free(&x.macros);
	vec_free(&x.imported);
	vec_free(&x.args);
}
