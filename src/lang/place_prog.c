/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_prog.c: functions of BPF programs that the kernel has now, fentry:bpf:NAME and
 * fentry:bpf:ID:NAME: a program's first function and those that it calls, by the types
 * that it was loaded with. Programs are only looked at.
 */
#include "kernel/live.h"
#include "lang/place.h"
#include "model/uapi.h"
#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>

struct search {
	struct at *a;
	const char *pattern;
	u32 id;			/* 0: any program */
	u32 found;
	struct lang_bpf now;	/* the program that is looked at */
	const char *near[256];
	u32 nr_near;
};

static void add_function(struct search *s, const char *name)
{
	struct lang *l = s->a->l;
	struct place *p;

	if (fnmatch(s->pattern, name, 0)) {
		if (s->nr_near < ARRAY_LEN(s->near))
			s->near[s->nr_near++] = arena_strdup(l->arena, name);
		return;
	}
	p = place_add(s->a, arena_printf(l->arena, "%s:bpf:%u:%s", probe_name(s->a->kind),
					 s->now.prog, name), name);
	p->func = arena_strdup(l->arena, name);
	p->bpf = s->now;
	s->found++;
}

/* All functions of program FD, which has types. */
static void look_into(struct search *s, int fd, u32 btf_id)
{
	struct live_code code = { 0 };
	struct skep_err err;
	struct btf *btf;

	if (live_btf(&btf, s->a->l->arena, btf_id, NULL, &err))
		return;
	s->now.btf = btf;
	if (!live_code_read(&code, fd, &err))
		for (u32 i = 0; i < code.nr_funcs; i++) {
			const u32 id = code.funcs[i].type_id;

			if (id < btf->nr_types && btf_kind(btf_type(btf, id)) == BTF_KIND_FUNC)
				add_function(s, btf_type_name(btf, id));
		}
	live_code_free(&code);
}

/* The kernel traces no program by one of the same type: those that trace are left out. */
static void one_program(struct search *s, u32 id)
{
	struct live_prog p = { 0 };
	struct skep_err err;
	const int fd = live_open(LIVE_PROG, id, &err);

	if (fd < 0)
		return;
	if (!live_prog_read(&p, fd, &err)) {
		s->now.prog = id;
		if (p.btf_id && p.type != BPF_PROG_TYPE_TRACING && p.type != BPF_PROG_TYPE_EXT)
			look_into(s, fd, p.btf_id);
		close(fd);
	}
}

static int all_programs(struct search *s)
{
	u32 id = 0;
	int r;

	while (!(r = live_next(LIVE_PROG, &id)))
		one_program(s, id);
	return r == -ENOENT ? 0 : r;
}

static void nothing_found(struct search *s, int r)
{
	struct at *a = s->a;
	const char *near = err_nearest(s->pattern, s->near, s->nr_near);

	if (r) {
		place_missing(a, arena_printf(a->l->arena, "BPF programs cannot be looked up: %s",
					      strerror(-r)));
		return;
	}
	place_missing(a, arena_printf(a->l->arena,
				      "%s: no BPF program that runs has a function %s%s",
				      probe_name(a->kind), s->pattern, s->id ?
				      arena_printf(a->l->arena, " and the number %u", s->id) : ""));
	if (near && a->missed)
		diag_hint(a->l->script, "did you mean %s:bpf:%s?", probe_name(a->kind), near);
	else if (a->missed)
		diag_hint(a->l->script, "skep trace -l '%s:bpf:*' lists those that can be traced",
			  probe_name(a->kind));
}

void place_prog_function(struct at *a)
{
	struct search s = { .a = a, .pattern = a->part[a->n - 1] };
	char *end = NULL;
	int r = 0;

	if (a->n == 4)
		s.id = (u32)strtoul(a->part[2], &end, 10);
	if (a->n < 3 || a->n > 4 || !*s.pattern || (end && (*end || !s.id))) {
		diag_error(a->l->script, a->node->at, "%s:bpf takes FUNCTION or ID:FUNCTION",
			   probe_name(a->kind));
		return;
	}
	if (s.id)
		one_program(&s, s.id);
	else
		r = all_programs(&s);
	if (!s.found)
		nothing_found(&s, r);
}
