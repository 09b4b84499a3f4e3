/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scope.c: which variable each "$x" is and which map each "@x". A variable belongs to the
 * block that assigns it first. A loop over a map is a function of its own: variables from
 * outside that it uses are marked, so that lower.c keeps them in memory.
 */
#include "base/hash.h"
#include "lang/sema.h"
#include <stdlib.h>

struct scope {
	struct lang *l;
	struct prog *p;
	/* that are seen, innermost last; BEFORE: 1 + the place of what it hides, or 0 */
	VEC(struct seen { struct var *v; u32 before; }) vars;
	struct strtab names;	/* 1 + the place in vars; 0: no longer seen */
	u32 depth;		/* functions around */
	u32 loops;
	u32 maps;		/* that were met */
};

static void walk(struct scope *c, struct node *n);

static void walk_list(struct scope *c, struct node *n)
{
	for (; n; n = n->next)
		walk(c, n);
}

static struct var *find(const struct scope *c, const char *name)
{
	u32 at;

	return strtab_get(&c->names, name, &at) && at ? c->vars.v[at - 1].v : NULL;
}

/* Variables from AT on are seen no longer. */
static void forget(struct scope *c, size_t at)
{
	for (; c->vars.n > at; c->vars.n--) {
		const struct seen *s = &c->vars.v[c->vars.n - 1];

		strtab_put(&c->names, s->v->name, s->before);
	}
}

static struct var *add(struct scope *c, struct node *n)
{
	struct var *v = arena_new(c->l->arena, struct var);
	u32 before = 0;

	*v = (struct var){ .name = n->text, .first = n, .depth = c->depth, .next = c->p->vars };
	c->p->vars = v;
	strtab_get(&c->names, v->name, &before);
	*vec_push(&c->vars) = (struct seen){ v, before };
	strtab_put(&c->names, v->name, (u32)c->vars.n);
	return v;
}

static void use(struct scope *c, struct node *n, struct var *v)
{
	n->sem = v;
	v->captured |= v->depth < c->depth;
}

static void read_var(struct scope *c, struct node *n)
{
	struct var *v = find(c, n->text);

	if (!v) {
		diag_error(c->l->script, n->at, "Undefined or undeclared variable: %s", n->text);
		v = add(c, n);
	}
	v->used = true;
	use(c, n, v);
}

static void write_var(struct scope *c, struct node *n)
{
	struct var *v = find(c, n->text);

	if (!v)
		v = add(c, n);
	v->sets++;
	use(c, n, v);
}

struct map_var *lang_map(struct lang *l, struct node *n)
{
	struct map_var *m;
	u32 at;

	if (strtab_get(&l->map_names, n->text, &at))
		return l->maps.v[at];
	m = arena_new(l->arena, struct map_var);
	*m = (struct map_var){ .name = n->text, .first = n, .index = (u32)l->maps.n };
	*vec_push(&l->maps) = m;
	strtab_put(&l->map_names, m->name, m->index);
	return m;
}

static void use_map(struct scope *c, struct node *n)
{
	enum { MAPS_MAX = 64 };		/* of one program: the kernel's */
	struct map_var *m = lang_map(c->l, n);

	n->sem = m;
	if (m->last_user == c->p)
		return;
	m->last_user = c->p;
	if (++c->maps != MAPS_MAX + 1)
		return;
	diag_error(c->l->script, n->at, "a BPF program may use %d maps, and this is the next",
		   MAPS_MAX);
	diag_hint(c->l->script, "keys in one map: @m[1], @m[2]");
}

static void block(struct scope *c, struct node *n)
{
	const size_t seen = c->vars.n;

	walk_list(c, n->list);
	if (n->a)
		walk(c, n->a);
	forget(c, seen);
}

/* Parts, then the block with a variable of its own. */
static void loop(struct scope *c, struct node *n, bool function)
{
	const size_t seen = c->vars.n;
	const u32 loops = c->loops;

	if (n->b)
		walk(c, n->b);
	walk_list(c, n->list);
	c->depth += function;
	c->loops = function ? 1 : loops + 1;
	if (n->a) {
		struct var *v = add(c, n->a);

		v->sets = 2;
		n->a->sem = v;
	}
	walk(c, n->c);
	c->loops = loops;
	c->depth -= function;
	forget(c, seen);
}

static void let(struct scope *c, struct node *n)
{
	struct var *v;

	if (n->b)
		walk(c, n->b);
	if (n->type && n->type->a)	/* typeof */
		walk(c, n->type->a);
	v = find(c, n->a->text);
	if (v && v->depth == c->depth)
		diag_error(c->l->script, n->a->at, "Variable %s was already declared. Variable "
			   "shadowing is not allowed.", n->a->text);
	v = add(c, n->a);
	v->sets = n->b ? 1 : 2;
	v->declared = n->type != NULL;
	n->a->sem = v;
}

static void assign(struct scope *c, struct node *n)
{
	walk(c, n->b);
	if (!n->a)
		return;
	if (n->a->kind != N_VAR) {
		walk(c, n->a);
		return;
	}
	if (n->op)
		read_var(c, n->a);
	write_var(c, n->a);
}

static void unary(struct scope *c, struct node *n)
{
	walk(c, n->a);
	if (n->a->kind == N_VAR && (n->op == OP_INC || n->op == OP_DEC))
		((struct var *)n->a->sem)->sets += 2;
	if (n->a->kind == N_VAR && n->op == OP_ADDR)
		((struct var *)n->a->sem)->captured = true;
}

static void call(struct scope *c, struct node *n)
{
	if (!strcmp(n->text, "find") && n->list && n->list->next && n->list->next->next &&
	    n->list->next->next->kind == N_VAR) {
		struct node *to = n->list->next->next;

		walk(c, n->list);
		walk(c, n->list->next);
		write_var(c, to);
		((struct var *)to->sem)->sets += 2;
		return;
	}
	walk_list(c, n->list);
}

/* Its body sees variables of its own alone, whose names nobody else has. */
static void fncall(struct scope *c, struct node *n)
{
	const size_t seen = c->vars.n;
	const u32 loops = c->loops;

	walk_list(c, n->list);
	c->loops = 0;
	walk(c, n->b);
	c->loops = loops;
	if (n->a)
		walk(c, n->a);
	forget(c, seen);
}

static void give_back(struct scope *c, struct node *n)
{
	if (n->a)
		walk(c, n->a);
	if (n->b)
		write_var(c, n->b);
}

static void jump(struct scope *c, struct node *n)
{
	if (!c->loops)
		diag_error(c->l->script, n->at, "%s statement outside of a loop",
			   n->kind == N_BREAK ? "break" : "continue");
}

static void walk(struct scope *c, struct node *n)
{
	switch (n->kind) {
	case N_VAR:
		read_var(c, n);
		break;
	case N_MAP:
		use_map(c, n);
		if (n->a)
			walk(c, n->a);
		break;
	case N_CALL:
		call(c, n);
		break;
	case N_BLOCK:
		block(c, n);
		break;
	case N_FNCALL:
		fncall(c, n);
		break;
	case N_RETURN:
		give_back(c, n);
		break;
	case N_LET:
		let(c, n);
		break;
	case N_ASSIGN:
		assign(c, n);
		break;
	case N_UNARY:
		unary(c, n);
		break;
	case N_FORMAP:
		loop(c, n, true);
		break;
	case N_FORRANGE:
		loop(c, n, false);
		break;
	case N_WHILE:
	case N_UNROLL:
		walk(c, n->a);
		c->loops++;
		walk(c, n->b);
		c->loops--;
		break;
	case N_BREAK:
	case N_CONTINUE:
		jump(c, n);
		break;
	default:
		if (n->a)
			walk(c, n->a);
		if (n->b)
			walk(c, n->b);
		if (n->c)
			walk(c, n->c);
		if (n->type && n->type->a)
			walk(c, n->type->a);
		walk_list(c, n->list);
	}
}

void scope_run(struct lang *l, struct prog *p)
{
	struct arena tmp = ARENA_INIT;
	struct scope c = { .l = l, .p = p, .names.arena = &tmp };

	if (p->probe->a)
		walk(&c, p->probe->a);
	block(&c, p->probe->b);
	vec_free(&c.vars);
	arena_free(&tmp);
}
