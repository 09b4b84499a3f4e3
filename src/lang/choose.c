/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * choose.c: either { probes } or { probes } ...: of several groups of probes the first one
 * that can be attached here, all of it. In: the script, expanded. Out: the script with the
 * chosen groups' probes in their place. What is asked: whether an event is there, whether
 * this kernel has a function, and whether it lets this process trace that.
 */
#include "kernel/kernel.h"
#include "lang/sema.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- whether a place is one ---------------------------------------------------- */

/* Kprobes name functions that BTF need not have. */
static bool kernel_has_function(struct lang *l, const char *name)
{
	const struct btf *btf = lang_kernel(l);
	FILE *f;
	char line[512], is[384];
	bool found = btf && btf_find(btf, name, BTF_KIND_FUNC);

	f = found ? NULL : fopen("/proc/kallsyms", "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*x %*c %383s", is) == 1 && !strcmp(is, name);
	if (f)
		fclose(f);
	return found;
}

/* NULL: it can be attached to; else why not. */
static const char *why_not(struct lang *l, const struct place *p)
{
	const struct btf *btf = lang_kernel(l);
	int r;

	switch (p->kind) {
	case LP_FENTRY:
	case LP_FEXIT:
		r = kernel_traces(btf ? btf_find(btf, p->at, BTF_KIND_FUNC) : 0,
				  p->kind == LP_FEXIT);
		return !r ? NULL : arena_printf(l->arena, "%s: the kernel refuses it: %s", p->text,
						strerror(-r));
	case LP_KPROBE:
	case LP_KRETPROBE:
		return !p->func || kernel_has_function(l, p->func) ? NULL :
		       arena_printf(l->arena, "%s: there is no such function", p->text);
	default:
		return NULL;
	}
}

/* ---- groups -------------------------------------------------------------------- */

/* What was said since BEFORE is unsaid: the first error, or NULL. */
static const char *unsay(struct script *s, const struct script *before)
{
	struct diag **end = before->diags_end ? before->diags_end : &s->diags;
	const struct diag *d = *end;

	while (d && d->kind != DIAG_ERROR)
		d = d->next;
	*end = NULL;
	s->diags_end = end;
	s->last = before->last;
	s->nr_diags = before->nr_diags;
	s->nr_errors = before->nr_errors;
	return d ? d->text : NULL;
}

static const char *missing_attach(struct lang *l, struct node *at)
{
	const struct script before = *l->script;
	const char *how = l->config.missing_probes, *why;
	struct places all = { 0 };

	l->config.missing_probes = "error";
	place_resolve(l, at, &all);
	l->config.missing_probes = how;
	why = unsay(l->script, &before);
	for (size_t i = 0; !why && i < all.n; i++)
		why = why_not(l, all.v[i]);
	if (!why && !all.n)
		why = arena_printf(l->arena, "no %s", at->text);
	free(all.v);
	return why;
}

/* Why the group that begins with PROBE cannot be attached; NULL: it can. */
static const char *missing(struct lang *l, const struct node *probe)
{
	const char *why = NULL;

	for (; probe && !why; probe = probe->next)
		for (struct node *at = probe->list; at && !why; at = at->next)
			why = missing_attach(l, at);
	return why;
}

static struct node *chosen(struct lang *l, struct node *either)
{
	const char *why = NULL;

	for (struct node *n = either; n; n = n->a)
		if (!missing(l, n->list))
			return n->list;
	diag_error(l->script, either->at, "none of these can be attached here");
	for (struct node *n = either; n; n = n->a)
		if ((why = missing(l, n->list)))
			diag_hint(l->script, "%s", why);
	return NULL;
}

void lang_choose(struct lang *l)
{
	struct node **at = &l->script->list;

	while (*at) {
		struct node *rest = (*at)->next;

		if ((*at)->kind == N_EITHER) {
			*at = chosen(l, *at);
			while (*at)
				at = &(*at)->next;
			*at = rest;
		} else {
			at = &(*at)->next;
		}
	}
}
