/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * list.c: skep trace -l: which probes there are, by the same way in which a script's
 * attach points are found.
 */
#include "lang/sema.h"
#include <fnmatch.h>
#include <stdlib.h>

/* What each kind is asked for when nobody says. */
static const struct { enum lang_probe kind; const char *all; } kinds[] = {
	{ LP_TRACEPOINT, "tracepoint:*:*" }, { LP_RAWTP, "rawtracepoint:*" },
	{ LP_KPROBE, "kprobe:*" }, { LP_FENTRY, "fentry:*" },
};

static const char *const fixed[] = {
	"begin", "end", "interval:us:", "interval:ms:", "interval:s:", "interval:hz:",
	"profile:us:", "profile:ms:", "profile:s:", "profile:hz:",
	"self:signal:", "test:", "bench:", "watchpoint:",
	"software:alignment-faults:", "software:bpf-output:", "software:context-switches:",
	"software:cpu-clock:", "software:cpu-migrations:", "software:dummy:",
	"software:emulation-faults:", "software:major-faults:", "software:minor-faults:",
	"software:page-faults:", "software:task-clock:",
	"hardware:branch-misses:", "hardware:bus-cycles:", "hardware:cache-misses:",
	"hardware:cache-references:", "hardware:cpu-cycles:", "hardware:instructions:",
	"hardware:ref-cycles:", "iter:task", "iter:task_file", "iter:task_vma",
};

static void print_args(struct lang *l, struct place *p, struct strbuf *out)
{
	place_args(l, p);
	for (u32 i = 0; i < p->nr_args; i++) {
		sb_puts(out, "    ");
		if (p->args[i].data_loc)
			sb_puts(out, "string");
		else
			ty_name(out, p->args[i].ty);
		sb_printf(out, " %s\n", p->args[i].name);
	}
	if (p->ret && probe_flags(p->kind) & PF_RET) {
		sb_puts(out, "    ");
		ty_name(out, p->ret);
		sb_puts(out, " retval\n");
	}
}

static u32 resolve(struct lang *l, const char *text, const char *match, bool args,
		   struct strbuf *out)
{
	struct node at = { .kind = N_ATTACH, .text = text };
	struct places all = { 0 };
	u32 n = 0;

	place_resolve(l, &at, &all);
	for (size_t i = 0; i < all.n; i++) {
		if (match && fnmatch(match, all.v[i]->text, 0))
			continue;
		sb_printf(out, "%s\n", all.v[i]->text);
		if (args)
			print_args(l, all.v[i], out);
		n++;
	}
	free(all.v);
	return n;
}

static u32 list_fixed(const char *match, struct strbuf *out)
{
	u32 n = 0;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (!fnmatch(match, fixed[i], 0)) {
			sb_printf(out, "%s\n", fixed[i]);
			n++;
		}
	return n;
}

/* The provider of PATTERN with its spelling as the whole name; NULL: none or a pattern. */
static bool names_kind(const char *pattern)
{
	const char *colon = strchr(pattern, ':');

	return colon && probe_kind(pattern, (size_t)(colon - pattern)) >= 0;
}

u32 lang_list(struct lang *l, const char *pattern, bool args, struct strbuf *out)
{
	const char *match = pattern && *pattern ? pattern : "*";
	u32 n;

	l->config.missing_probes = "ignore";
	if (names_kind(match)) {
		const char *colon = strchr(match, ':');
		const int kind = probe_kind(match, (size_t)(colon - match));

		const char *whole = arena_printf(l->arena, "%s%s",
						 probe_name((enum lang_probe)kind), colon);

		n = strchr(match, '*') ? list_fixed(whole, out) : 0;
		n = n ? n : resolve(l, match, NULL, args, out);
		return n ? n : list_fixed(whole, out);
	}
	if (!strchr(match, '*'))
		match = arena_printf(l->arena, "*%s*", match);
	n = list_fixed(match, out);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind != LP_FENTRY || strcmp(match, "*"))
			n += resolve(l, kinds[i].all, match, args, out);
	return n;
}
