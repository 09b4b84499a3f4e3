/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile.c: the whole way from text to object: parse, expand, resolve attach points, make
 * a program of each block and layout of arguments, type, lower.
 */
#include "lang/cdecl.h"
#include "lang/cfile.h"
#include "lang/sema.h"
#include "kernel/kernel.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* ---- this machine ------------------------------------------------------------ */

/* "0-3,8": one more than the last number. */
static u32 possible_cpus(void)
{
	char text[256] = "";
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	u32 n = 0;

	if (f && !fgets(text, sizeof(text), f))
		*text = 0;
	if (f)
		fclose(f);
	for (char *s = text; *s;)
		if (isdigit((unsigned char)*s))
			n = (u32)strtoul(s, &s, 10) + 1;
		else
			s++;
	return n ? n : 1;
}

static void name_space(struct lang *l)
{
	enum { FIRST = 0xEFFFFFFC };	/* the inode of the name space that began */
	struct stat st;

	if (!stat("/proc/self/ns/pid", &st) && st.st_ino != FIRST) {
		l->own_ns.dev = st.st_dev;
		l->own_ns.ino = st.st_ino;
	}
}

bool lang_has_iterators(struct lang *l)
{
	if (l->opts->user)
		return true;
	return lang_kernel(l) && btf_find(l->kernel, "bpf_iter_num_new", BTF_KIND_FUNC);
}

/* ---- which programs there are ------------------------------------------------ */

/* ARGS by name; by number what is the same for all places but USDT's. */
enum asks { ASKS_PROBE = 1, ASKS_ARGS = 2, ASKS_NUMBERS = 4 };

static unsigned asks(const struct node *n);

static unsigned asks_list(const struct node *n)
{
	unsigned r = 0;

	for (; n; n = n->next)
		r |= asks(n);
	return r;
}

static unsigned asks(const struct node *n)
{
	unsigned r = 0;

	if (!n)
		return 0;
	if (n->kind == N_IDENT || n->kind == N_CALL) {
		if (!strcmp(n->text, "probe") || !strcmp(n->text, "func") ||
		    !strcmp(n->text, "probetype"))
			r |= ASKS_PROBE;
		if (!strcmp(n->text, "args") || !strcmp(n->text, "ctx"))
			r |= ASKS_ARGS;
		if (!strcmp(n->text, "retval") || func_arg_number(n->text) >= 0)
			r |= ASKS_NUMBERS;
	}
	return r | asks(n->a) | asks(n->b) | asks(n->c) | asks_list(n->list);
}

/* Is the kernel told when a program is loaded where it goes? */
static bool own_program(const struct place *p)
{
	return p->kind == LP_RAWTP || p->kind == LP_FENTRY || p->kind == LP_FEXIT ||
	       p->kind == LP_ITER || probe_flags(p->kind) & PF_OURS;
}

static bool fits(const struct prog *g, const struct place *p, unsigned asked)
{
	return g->place->kind == p->kind && !own_program(p) && !(asked & ASKS_PROBE) &&
	       (!(asked & (ASKS_ARGS | ASKS_NUMBERS)) || g->place->layout == p->layout);
}

/* A C name of the event, and a number that makes it unique. */
static const char *prog_name(struct lang *l, const struct place *p)
{
	const char *last = strrchr(p->text, ':');
	char *name = arena_printf(l->arena, "%s_%zu", last && !isdigit((unsigned char)last[1]) ?
				  last + 1 : p->provider, l->progs.n + 1);

	for (char *s = name; *s; s++)
		if (!isalnum((unsigned char)*s))
			*s = '_';
	return isdigit((unsigned char)*name) ? arena_printf(l->arena, "p_%s", name) : name;
}

/* Its places are everybody's: copies of them would be as many as their square. */
static struct node *copy_probe(struct lang *l, const struct node *n)
{
	struct node alone = *n, *copy;

	alone.list = NULL;
	copy = node_copy(l->script, &alone);
	copy->list = n->list;
	return copy;
}

static void place_program(struct lang *l, struct node *probe, struct place *p, unsigned asked,
			  size_t first)
{
	struct prog *g;

	if (asked & ASKS_ARGS || p->kind == LP_ITER ||
	    (asked & ASKS_NUMBERS && p->kind == LP_FEXIT))
		place_args(l, p);
	for (size_t i = first; i < l->progs.n; i++)
		if (fits(l->progs.v[i], p, asked)) {
			*vec_push(&l->progs.v[i]->places) = p;
			return;
		}
	g = arena_new(l->arena, struct prog);
	g->probe = l->progs.n == first ? probe : copy_probe(l, probe);
	g->place = p;
	g->name = prog_name(l, p);
	*vec_push(&g->places) = p;
	*vec_push(&l->progs) = g;
}

static bool wanted(const struct lang *l, const struct place *p)
{
	if (l->opts->filter && p->kind != LP_BEGIN && p->kind != LP_END &&
	    regexec(&l->filter, p->text, 0, NULL, 0))
		return false;
	return (p->kind != LP_TEST || l->opts->keep_tests) &&
	       (p->kind != LP_BENCH || l->opts->keep_benches);
}

static void probe(struct lang *l, struct node *n)
{
	const unsigned asked = asks(n->a) | asks(n->b);
	const size_t first = l->progs.n;
	struct node *own = copy_probe(l, n);
	struct places all = { 0 };

	for (struct node *at = n->list; at; at = at->next)
		place_resolve(l, at, &all);
	for (size_t i = 0; i < all.n; i++)
		if (wanted(l, all.v[i]) && ++l->nr_places <= l->config.max_probes)
			place_program(l, l->progs.n == first ? n : own, all.v[i], asked, first);
	free(all.v);
}

static void check_limits(struct lang *l)
{
	if (l->nr_places > l->config.max_probes) {
		diag_error(l->script, (struct span){ 0 },
			   "Can't attach to %u probes because it exceeds "
			   "the current limit of %llu probes.",
			   l->nr_places, (unsigned long long)l->config.max_probes);
		diag_hint(l->script, "config = { max_probes = %u }", l->nr_places);
	} else if (l->progs.n > l->config.max_bpf_progs) {
		diag_error(l->script, (struct span){ 0 },
			   "Your program needs %zu BPF programs, and "
			   "the limit is %llu",
			   l->progs.n, (unsigned long long)l->config.max_bpf_progs);
		diag_hint(l->script, "config = { max_bpf_progs = %zu }", l->progs.n);
	}
}

/* ---- --probe-filter ---------------------------------------------------------- */

static void open_filter(struct lang *l)
{
	const char *text = l->opts->filter;
	const int r = text ? regcomp(&l->filter, text, REG_EXTENDED | REG_NOSUB) : 0;
	char why[200];

	l->has_filter = text && !r;
	if (!r)
		return;
	regerror(r, &l->filter, why, sizeof(why));
	diag_error(l->script, (struct span){ 0 }, "--probe-filter: '%s' is no regular expression: "
		   "%s", text, why);
}

/* Begin and end alone are nothing to run. */
static void check_filter(struct lang *l)
{
	bool others = false;

	for (size_t i = 0; i < l->progs.n; i++)
		others |= l->progs.v[i]->place->kind != LP_BEGIN &&
			  l->progs.v[i]->place->kind != LP_END;
	if (l->opts->filter && !others)
		diag_error(l->script, (struct span){ 0 }, "no probe fits --probe-filter '%s'",
			   l->opts->filter);
}

/* ---- the whole --------------------------------------------------------------- */

static void c_part(struct lang *l)
{
	for (struct node *n = l->script->list; n; n = n->next)
		if (n->kind == N_CPART) {
			l->c = arena_new(l->arena, struct cdecl);
			cdecl_parse(l->script, n, lang_kernel(l), l->c);
			return;
		}
}

void lang_open(struct lang *l, struct script *script, struct lang_unit *unit,
	       const struct lang_opts *o)
{
	*l = (struct lang){ .script = script, .arena = &script->arena, .opts = o, .unit = unit };
	l->types.arena = l->arena;
	l->map_names.arena = l->arena;
	unit->arena = l->arena;
	l->cpus = possible_cpus();
	name_space(l);
}

static void to_object(struct lang *l, struct skep_err *err, int *r)
{
	ir_open(&l->ir, l->arena);
	l->ir.isa_level = l->opts->isa_level ? l->opts->isa_level : l->opts->user ? 4 :
			  (u32)(kernel_isa_level() >= 4 ? 4 : 3);
	l->ir.optimise = true;
	l->ir.license = l->config.license;
	*r = lower_run(l, err);
	if (!*r && !l->script->nr_errors)
		*r = ir_object(&l->unit->elf, &l->ir, err);
	if (!*r && !l->script->nr_errors)
		*r = cfile_link(l, &l->unit->elf, err);
}

/* A function that nobody calls is typed as if begin did; no code comes of it. */
static void unused_function(struct lang *l, struct node *fn)
{
	struct node *block = node_new(l->script, N_BLOCK, fn->at), *call = fn->c;
	struct prog *g = arena_new(l->arena, struct prog);
	struct place *p = arena_new(l->arena, struct place);

	if (!call)
		return;
	*p = (struct place){ .kind = LP_BEGIN, .text = "begin", .at = "", .node = fn };
	block->list = node_new(l->script, N_EXPR, fn->at);
	block->list->a = call;
	g->probe = node_new(l->script, N_PROBE, fn->at);
	g->probe->b = block;
	g->place = p;
	*vec_push(&l->unused) = g;
}

int lang_compile(struct lang *l, struct script *script, struct lang_unit *unit,
		 const struct source *src, const struct lang_opts *o, struct skep_err *err)
{
	const struct expand_opts e = { .args = o->args, .nr_args = o->nr_args, .dirs = o->dirs,
				       .nr_dirs = o->nr_dirs };
	int r = 0;

	lang_open(l, script, unit, o);
	parse_script(script, src);
	if (!script->nr_errors)
		expand_script(script, &e);
	if (!script->nr_errors)
		lang_config_read(l);
	if (!script->nr_errors)
		c_part(l);
	if (!script->nr_errors)
		cfile_open(l);
	if (!script->nr_errors)
		lang_choose(l);
	if (!script->nr_errors)
		open_filter(l);
	for (struct node *n = script->list; n && !script->nr_errors; n = n->next)
		if (n->kind == N_PROBE)
			probe(l, n);
		else if (n->kind == N_FN)
			unused_function(l, n);
	if (!script->nr_errors)
		check_filter(l);
	if (!script->nr_errors)
		check_limits(l);
	if (!script->nr_errors)
		place_raw_syscalls(l);
	if (!script->nr_errors)
		sema_run(l);
	unit->config = l->config;
	if (!script->nr_errors)
		to_object(l, err, &r);
	return script->nr_errors ? LANG_WRONG : r;
}

void lang_free(struct lang *l)
{
	if (!l->script)
		return;
	for (size_t i = 0; i < l->progs.n; i++)
		vec_free(&l->progs.v[i]->places);
	vec_free(&l->progs);
	vec_free(&l->unused);
	vec_free(&l->maps);
	vec_free(&l->constants);
	vec_free(&l->core_types);
	vec_free(&l->dwarf);
	cfile_close(l);
	if (l->has_filter)
		regfree(&l->filter);
	if (l->ir.arena)
		ir_close(&l->ir);
	if (l->kernel)
		btf_close_file(&l->kernel_file);
	vec_free(&l->unit->places);
	vec_free(&l->unit->maps);
	vec_free(&l->unit->records);
	vec_free(&l->unit->stacks);
	vec_free(&l->unit->texts);
	sb_free(&l->unit->elf);
}
