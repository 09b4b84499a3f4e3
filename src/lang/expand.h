/* SPDX-License-Identifier: BSD-2-Clause */
/* expand.h: what the files of expand_script share. */
#ifndef LANG_EXPAND_H
#define LANG_EXPAND_H

#include "base/vec.h"
#include "lang/ast.h"

enum {
	EXPAND_NODES = 1 << 20,	/* that macros may make */
};

struct macro_call {	/* that is being expanded, and by which one */
	const struct node *macro;
	const struct macro_call *up;
};

struct expand {
	struct script *s;
	const struct expand_opts *o;
	VEC(const struct node *) macros;	/* by name */
	VEC(const char *) imported;		/* real paths */
	VEC(const char *) args;			/* those that are $1 ... */
	const struct macro_call *call;
	u32 nodes, names;
	bool stop;		/* too much or too deep, which has been told */
};

/* ---- expand.c ------------------------------------------------------------------- */

/* Calls FN for each child of N, and N's list; FN may replace what is there. */
void expand_children(struct node *n, void (*fn)(void *arg, struct node **at), void *arg);
/* Puts NEW where *AT is. */
static inline void expand_replace(struct node **at, struct node *new)
{
	new->next = (*at)->next;
	*at = new;
}
/* All that is in *AT, which nests DEPTH deep. */
void expand_node(struct expand *x, struct node **at, u32 depth);

/* ---- import.c ------------------------------------------------------------------- */

/* Puts what is imported into the script, before whoever imports it. */
void expand_imports(struct expand *x);

/* ---- macro.c -------------------------------------------------------------------- */

void macro_collect(struct expand *x);
/* Makes c of function FN, which nobody calls. */
void macro_call_unused(struct expand *x, struct node *fn);
/* CALL or IDENT *AT, whose arguments are expanded: is it a macro's? Then it is replaced. */
bool macro_expand(struct expand *x, struct node **at, u32 depth);

/* ---- fn.c ----------------------------------------------------------------------- */

/* FN is of macros, too: what a copy of its body is made with. */
struct fn_copy { struct bind *bind; const struct node *fn; u32 number; };
struct node *macro_copy(const struct fn_copy *c, const struct node *n);
void fn_check(struct expand *x, const struct node *fn);
/* FNCALL with ARGS, which leave their list. */
struct node *fn_call(struct expand *x, const struct fn_copy *c, struct node *args, struct span at);

/* ---- param.c -------------------------------------------------------------------- */

void param_collect(struct expand *x);
void param_positional(struct expand *x, struct node **at);
/* str($1): the text, whatever it looks like. */
void param_str(struct expand *x, struct node *call);
void param_getopt(struct expand *x, struct node **at);
/* $1 in the name of a probe. */
void param_attach(struct expand *x, struct node *attach);
/* All of the script has been seen: what was given and not asked for. */
void param_finish(struct expand *x);

#endif
