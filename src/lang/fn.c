/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fn.c: fn name($a : T, ...) : R { ... }. A call becomes the function's body where it is
 * called, with variables of its own: BPF's own calls take five numbers, and its verifier
 * looks at such a body for each call anyway. So functions may take and give texts and
 * structs, and use what their probe has. What is checked here is the shape: who returns.
 * A function that nobody calls is checked as if one did.
 */
#include "lang/expand.h"

static bool is_void(const struct node *type)
{
	return type && type->text && !strcmp(type->text, "void") && !type->list;
}

/* ---- returns -------------------------------------------------------------------- */

static bool returns(const struct node *n);

/* Is a return among the statements of BLOCK, on every way through them? */
static bool block_returns(const struct node *block)
{
	for (const struct node *n = block ? block->list : NULL; n; n = n->next)
		if (returns(n))
			return true;
	return false;
}

static bool returns(const struct node *n)
{
	switch (n->kind) {
	case N_RETURN: return true;
	case N_BLOCK: return block_returns(n);
	case N_IF: return n->c && block_returns(n->b) && returns(n->c);
	default: return false;
	}
}

void fn_check(struct expand *x, const struct node *fn)
{
	for (const struct node *p = fn->list; p; p = p->next)
		for (const struct node *q = fn->list; q != p; q = q->next)
			if (!strcmp(p->a->text, q->a->text))
				diag_error(x->s, p->at, "Variable for function argument has "
					   "already been used: %s", p->a->text);
	if (!is_void(fn->type) && !block_returns(fn->b))
		diag_error(x->s, fn->at, "Function %s is of type %s, cannot return void", fn->text,
			   fn->type->text ? fn->type->text : "typeof()");
}

/* ---- the call ------------------------------------------------------------------- */

/* let $a#N : T = ARG of each parameter. ARGS NULL: of nobody's call. */
static struct node *parameters(struct expand *x, const struct fn_copy *c, struct node *args)
{
	struct node *list = NULL, **end = &list, *next;

	for (const struct node *p = c->fn->list; p; p = p->next, args = next) {
		struct node *let = macro_copy(c, p);

		next = args ? args->next : NULL;
		if (args) {
			args->next = NULL;
			let->b = args;
			let->at = args->at;
		}
		node_measure(let);
		*end = let;
		end = &let->next;
	}
	return list;
}

/* The variable that takes what is returned. */
static struct node *result(struct expand *x, const struct fn_copy *c, struct span at)
{
	struct node *v = node_new(x->s, N_VAR, at);

	v->text = arena_printf(&x->s->arena, "$return#%u", c->number);
	node_measure(v);
	return v;
}

static void take_results(struct expand *x, const struct fn_copy *c, struct node *n);

static void take_list(struct expand *x, const struct fn_copy *c, struct node *n)
{
	for (; n; n = n->next)
		take_results(x, c, n);
}

/* Returns of the body lead out of the call. */
static void take_results(struct expand *x, const struct fn_copy *c, struct node *n)
{
	if (!n)
		return;
	if (n->kind == N_RETURN) {
		n->text = c->fn->text;
		if (!is_void(c->fn->type))
			n->b = result(x, c, n->at);
	}
	take_results(x, c, n->a);
	take_results(x, c, n->b);
	take_results(x, c, n->c);
	take_list(x, c, n->list);
}

struct node *fn_call(struct expand *x, const struct fn_copy *c, struct node *args, struct span at)
{
	struct node *n = node_new(x->s, N_FNCALL, at), *let, **end = &n->list;

	n->text = c->fn->text;
	n->list = parameters(x, c, args);
	n->b = macro_copy(c, c->fn->b);
	take_results(x, c, n->b);
	if (!is_void(c->fn->type)) {
		let = node_new(x->s, N_LET, c->fn->at);
		let->a = result(x, c, c->fn->at);
		let->type = macro_copy(c, c->fn->type);
		node_measure(let);
		while (*end)
			end = &(*end)->next;
		*end = let;
		n->a = result(x, c, at);
	}
	node_measure(n);
	return n;
}
