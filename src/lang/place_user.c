/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place_user.c: functions and static probes of programs and libraries. A file is named by
 * a path, as a program of PATH or as a library.
 */
#include "base/hash.h"
#include "lang/place.h"
#include "sym/insn.h"
#include "sym/lines.h"
#include "sym/names.h"
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

struct file { struct sym_file f; char *path; };

/* FILE, TEXT names it. False: said. */
static bool open_file(struct at *a, const char *text, struct file *file)
{
	struct skep_err err;
	const u32 pid = a->l->opts->nr_pids ? a->l->opts->pids[0] : 0;

	file->path = sym_find_file(text, pid);
	if (!file->path) {
		place_missing(a, arena_printf(a->l->arena,
					      "uprobe target file '%s' does not exist or "
					      "is not executable",
					      text));
		return false;
	}
	if (sym_open(&file->f, file->path, &err)) {
		diag_error(a->l->script, a->node->at, "%.*s", (int)strcspn(err.text, "\n"),
			   err.text);
		free(file->path);
		return false;
	}
	return true;
}

static void close_file(struct file *file)
{
	sym_close(&file->f);
	free(file->path);
}

struct matches {
	struct at *a;
	const struct file *file;
	const char *pattern;
	struct strtab seen;
	u32 found;
	const char *near[512];
	u32 nr_near;
};

static void add_function(struct at *a, const struct file *file, const char *name)
{
	struct place *p = place_add(a, arena_printf(a->l->arena, "%s:%s:%s", probe_name(a->kind),
						    file->path, name),
				    arena_printf(a->l->arena, "%s:%s", file->path, name));

	p->func = arena_strndup(a->l->arena, name, strcspn(name, "+@"));
}

static int match(void *arg, const struct sym *s)
{
	struct matches *m = arg;
	u32 index;

	if (fnmatch(m->pattern, s->name, 0) || s->old)
		return 0;
	if (strtab_get(&m->seen, s->name, &index))	/* two tables may have the same */
		return 0;
	strtab_put(&m->seen, arena_strdup(m->a->l->arena, s->name), 1);
	add_function(m->a, m->file, s->name);
	m->found++;
	return 0;
}

/* The instructions around a place that begins none; NAMED: it was given by a function. */
static void hint_begins(struct at *a, const struct sym_insn *i, bool named)
{
	const char *fn = named ? i->func.name : NULL;
	const unsigned long long from = fn ? i->func_off : 0, prev = i->prev - from,
		next = i->next - from;

	if (i->kind == SYM_INSN_INSIDE && fn)
		diag_hint(a->l->script, "instructions begin at %s+%llu and %s+%llu", fn, prev, fn,
			  next);
	else if (i->kind == SYM_INSN_INSIDE)
		diag_hint(a->l->script, "instructions begin at 0x%llx and 0x%llx", prev, next);
}

/* FN is at OFF of FILE: does an instruction begin there? Else that is said. */
static bool is_beginning(struct at *a, const struct file *file, const char *fn, u64 off)
{
	struct sym_insn i;

	if (sym_address(&file->f, off) < 0) {
		place_missing(a, arena_printf(a->l->arena, "Could not resolve address: %s:0x%llx",
					      file->path, (unsigned long long)off));
		return false;
	}
	i = sym_insn_at(&file->f, off);
	if (i.kind == SYM_INSN_BEGINS)
		return true;
	diag_error(a->l->script, a->node->at, "Could not add %s %s: %s of %s", probe_name(a->kind),
		   i.kind == SYM_INSN_INSIDE ? "into middle of instruction" :
		   "where it is not known whether an instruction begins", fn, file->path);
	hint_begins(a, &i, strchr(fn, '+'));
	return false;
}

/* FN is S with an offset: where that is in FILE; false: nowhere, which is said. */
static bool with_offset(struct at *a, const struct file *file, const char *fn,
			const struct sym *s, u64 *off)
{
	const char *plus = strchr(fn, '+');
	const s64 at = sym_offset(&file->f, s->addr);
	char *end;

	*off = strtoull(plus + 1, &end, 0);
	if (end == plus + 1 || *end)
		diag_error(a->l->script, a->node->at, "%s: %s is no offset", probe_name(a->kind),
			   plus + 1);
	else if (a->kind == LP_URETPROBE && *off)
		diag_error(a->l->script, a->node->at, "uretprobe does not take an offset: "
			   "functions return as a whole");
	else if (*off && s->bytes && *off >= s->bytes)
		diag_error(a->l->script, a->node->at, "Offset outside the function bounds ('%s' "
			   "size is %llu)", s->name, (unsigned long long)s->bytes);
	else
		return *off += (u64)at, true;
	return false;
}

/* SYMBOL[+OFFSET] that is there. */
static void found_function(struct at *a, const struct file *file, const char *fn,
			   const struct sym *s)
{
	u64 off;

	if (!strchr(fn, '+') ||
	    (with_offset(a, file, fn, s, &off) && is_beginning(a, file, fn, off)))
		add_function(a, file, fn);
}

static void one_function(struct at *a, const struct file *file, const char *fn)
{
	struct skep_err err;
	struct sym s;
	char name[512];
	char *end;
	const u64 off = strtoull(fn, &end, 0);

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(fn, "+"), fn);
	if (end != fn && !*end) {		/* a place in the file */
		if (is_beginning(a, file, fn, off))
			add_function(a, file, fn);
		return;
	}
	if (!sym_find(&file->f, name, &s, &err)) {
		found_function(a, file, fn, &s);
		return;
	}
	place_missing(a, arena_printf(a->l->arena, "Could not resolve symbol: %s:%s", file->path,
				      name));
	if (a->missed && strstr(err.text, "did you mean")) {
		const char *at = strstr(err.text, "did you mean");

		diag_hint(a->l->script, "%.*s", (int)strcspn(at, "\n"), at);
	}
}

/* ---- lines of source --------------------------------------------------------- */

/* PATH@FILE:LINE[:COL]: is it of that form? FILE's "@" is the last one. */
static bool is_line(const struct at *a)
{
	return a->n >= 3 && a->n <= 4 && strchr(a->part[1], '@') && isdigit((u8)*a->part[2]);
}

static void no_line(struct at *a, const struct file *file, const struct sym_source *src,
		    const struct sym_lines *lines)
{
	if (!lines->has_file) {
		place_missing(a, arena_printf(a->l->arena, "No code of %s:%s is from a file '%s'",
					      probe_name(a->kind), file->path, src->file));
		return;
	}
	place_missing(a, arena_printf(a->l->arena, "No code of %s:%u%s in %s", src->file, src->line,
				      src->col ? " at that column" : "", file->path));
	if (!a->missed)
		return;
	if (lines->before && lines->behind)
		diag_hint(a->l->script, "the nearest lines with code are %u and %u", lines->before,
			  lines->behind);
	else if (lines->before || lines->behind)
		diag_hint(a->l->script, "the nearest line with code is %u",
			  lines->before + lines->behind);
}

static void add_line(struct at *a, const struct file *file, const struct sym_source *src, u64 addr)
{
	const u64 off = (u64)sym_offset(&file->f, addr);
	struct place *p;
	struct sym fn;

	p = place_add(a, arena_printf(a->l->arena, "%s:%s@%s:%u", probe_name(a->kind), file->path,
				      src->file, src->line),
		      arena_printf(a->l->arena, "%s:0x%llx", file->path, (unsigned long long)off));
	if (sym_at(&file->f, addr, &fn))
		p->func = arena_strdup(a->l->arena, fn.name);
}

static bool read_line(struct at *a, struct sym_source *src)
{
	char *end;

	src->line = (u32)strtoul(a->part[2], &end, 10);
	if (a->n == 4 && !*end)
		src->col = (u32)strtoul(a->part[3], &end, 10);
	if (!*end && src->line && *src->file)
		return true;
	diag_error(a->l->script, a->node->at, "%s probe type takes PATH@FILE:LINE or "
		   "PATH@FILE:LINE:COLUMN", probe_name(a->kind));
	return false;
}

static void place_line(struct at *a)
{
	char *at = strrchr(a->part[1], '@');
	struct sym_source src = { .file = at + 1 };
	struct file file = { .path = NULL };
	struct sym_lines lines;
	struct skep_err err;

	*at = 0;
	if (a->kind != LP_UPROBE) {
		diag_error(a->l->script, a->node->at, "only uprobe takes lines of source");
		return;
	}
	if (!read_line(a, &src) || !open_file(a, a->part[1], &file))
		return;
	if (sym_lines_find(&lines, &file.f, &src, &err))
		diag_error(a->l->script, a->node->at, "%.*s", (int)strcspn(err.text, "\n"),
			   err.text);
	else if (!lines.n)
		no_line(a, &file, &src, &lines);
	for (u32 i = 0; i < lines.n; i++)
		add_line(a, &file, &src, lines.addrs[i]);
	free(lines.addrs);
	close_file(&file);
}

/* ---- functions --------------------------------------------------------------- */

/* ---- names of C++ ------------------------------------------------------------ */

static bool is_cpp(const struct at *a)
{
	return a->n == 4 && !strcmp(a->part[2], "cpp");
}

/* Where the parameters of NAME, "a::b(int) const", begin; else its end. */
static size_t before_params(const char *name)
{
	const char *last = strrchr(name, ')'), *at = last;
	u32 depth = 0;

	for (; at && at >= name; at--) {
		depth += *at == ')';
		depth -= *at == '(';
		if (!depth)
			return (size_t)(at - name);
	}
	return strlen(name);
}

/* Behind what templates have before their name, "void ": N bytes of NAME. */
static const char *behind_result(const char *name, size_t n)
{
	const char *at = name;
	s32 depth = 0;

	for (size_t i = 0; i < n; i++) {
		depth += name[i] == '<' || name[i] == '(';
		depth -= name[i] == '>' || name[i] == ')';
		if (name[i] == ' ' && !depth && strncmp(name + i - (i < 8 ? i : 8), "operator", 8))
			at = name + i + 1;
	}
	return at;
}

/* Is NAME, as C++ has it, meant by PATTERN, with or without parameters? */
static bool cpp_fits(const char *pattern, char *name)
{
	const size_t n = before_params(name);
	const char *from = behind_result(name, n);

	if (!fnmatch(pattern, name, 0) || !fnmatch(pattern, from, 0))
		return true;
	name[n] = 0;
	return !fnmatch(pattern, name, 0) || !fnmatch(pattern, from, 0);
}

static int match_cpp(void *arg, const struct sym *s)
{
	struct matches *m = arg;
	char *name = s->old ? NULL : sym_demangle(s->name), *whole;
	struct place *p;
	u32 index;

	name = name || s->old ? name : mem_strdup(s->name);	/* main: of C */
	if (!name || strtab_get(&m->seen, s->name, &index)) {
		free(name);
		return 0;
	}
	whole = arena_strdup(m->a->l->arena, name);
	if (cpp_fits(m->pattern, name)) {
		strtab_put(&m->seen, arena_strdup(m->a->l->arena, s->name), 1);
		p = place_add(m->a, arena_printf(m->a->l->arena, "%s:%s:cpp:%s",
						 probe_name(m->a->kind), m->file->path, whole),
			      arena_printf(m->a->l->arena, "%s:%s", m->file->path, s->name));
		p->func = whole;
		m->found++;
	} else if (m->nr_near < ARRAY_LEN(m->near)) {
		m->near[m->nr_near++] = arena_strdup(m->a->l->arena, name);
	}
	free(name);
	return 0;
}

static void place_cpp(struct at *a)
{
	struct file file = { .path = NULL };
	struct matches m = { .a = a, .file = &file, .pattern = a->part[3],
			     .seen.arena = a->l->arena };
	const char *near;

	if (!open_file(a, a->part[1], &file))
		return;
	sym_each(&file.f, match_cpp, &m);
	if (!m.found) {
		place_missing(a, arena_printf(a->l->arena, "No matches for %s:%s:cpp:%s",
					      probe_name(a->kind), file.path, m.pattern));
		near = err_nearest(m.pattern, m.near, m.nr_near);
		if (near && a->missed)
			diag_hint(a->l->script, "did you mean cpp:\"%s\"?", near);
	}
	close_file(&file);
}

void place_user_function(struct at *a)
{
	struct file file = { .path = NULL };
	struct matches m = { .a = a, .file = &file };
	const char *fn = a->n > 2 ? a->part[a->n - 1] : "";

	if (is_line(a)) {
		place_line(a);
		return;
	}
	if (is_cpp(a)) {
		place_cpp(a);
		return;
	}
	if (a->n != 3 || !*fn) {
		diag_error(a->l->script, a->node->at, "%s probe type takes PATH:FUNCTION",
			   probe_name(a->kind));
		return;
	}
	if (!open_file(a, a->part[1], &file))
		return;
	m.pattern = fn;
	m.seen.arena = a->l->arena;
	if (place_is_pattern(fn)) {
		sym_each(&file.f, match, &m);
		if (!m.found)
			place_missing(a, arena_printf(a->l->arena, "No matches for %s:%s:%s",
						      probe_name(a->kind), file.path, fn));
	} else {
		one_function(a, &file, fn);
	}
	close_file(&file);
}

/* ---- static probes ----------------------------------------------------------- */

enum { X86_IP = 128 };

/* Arguments that code reaches from its own place are reached from the register ip. */
static bool fix_argument(const struct matches *m, const struct usdt_note *n, struct usdt_arg *u)
{
	u64 addr;

	if (u->kind == USDT_FLOAT)
		return false;
	if (u->kind != USDT_SYMBOL)
		return true;
	if (!sym_value(&m->file->f, u->symbol, &addr))
		return false;
	u->kind = USDT_MEM;
	u->reg = X86_IP;
	u->value = (s64)(addr + (u64)u->value - n->pc);
	return true;
}

static void arguments(struct matches *m, struct place *p, const struct usdt_note *n)
{
	struct lang *l = m->a->l;
	struct usdt_arg *v = arena_news(l->arena, USDT_ARGS_MAX, struct usdt_arg);
	const char *text = n->args;
	struct skep_err err;
	u32 i = 0;

	while (i < USDT_ARGS_MAX && usdt_arg_next(&v[i], &text, m->file->f.machine, &err) > 0 &&
	       fix_argument(m, n, &v[i]))
		i++;
	p->usdt = v;
	p->nr_usdt = i;
}

static int match_usdt(void *arg, const struct usdt_note *n)
{
	struct matches *m = arg;
	struct at *a = m->a;
	const char *ns = a->n == 4 ? a->part[2] : "*", *name = a->part[a->n - 1];
	struct place *p;
	s64 off, ref = 0;

	if (m->nr_near < ARRAY_LEN(m->near))
		m->near[m->nr_near++] = arena_strdup(a->l->arena, n->name);
	if (fnmatch(*ns ? ns : "*", n->provider, 0) || fnmatch(name, n->name, 0))
		return 0;
	off = sym_offset(&m->file->f, n->pc);
	if (n->semaphore)
		ref = sym_offset(&m->file->f, n->semaphore);
	if (off < 0 || ref < 0)
		return 0;
	p = place_add(
		a, arena_printf(a->l->arena, "usdt:%s:%s:%s", m->file->path, n->provider, n->name),
		arena_printf(a->l->arena, "%s:0x%llx", m->file->path, (unsigned long long)off));
	p->section = "uprobe";
	p->func = arena_strdup(a->l->arena, n->name);
	p->ref = (u64)ref;
	arguments(m, p, n);
	p->layout = hash_bytes(n->args, strlen(n->args), 1) ^
		    (strstr(n->args, "(%rip)") ? n->pc : 0);
	m->found++;
	return 0;
}

void place_usdt(struct at *a)
{
	struct file file = { .path = NULL };
	struct matches m = { .a = a, .file = &file };
	struct skep_err err;
	const char *near;

	if (a->n < 3 || a->n > 4) {
		diag_error(a->l->script, a->node->at, "usdt probe type takes PATH:NAME or "
			   "PATH:NAMESPACE:NAME");
		return;
	}
	if (!open_file(a, a->part[1], &file))
		return;
	if (usdt_each(&file.f, match_usdt, &m, &err))
		diag_error(a->l->script, a->node->at, "%s", err.text);
	else if (!m.found) {
		place_missing(a, arena_printf(a->l->arena, "usdt probe '%s' not found in %s",
					      a->part[a->n - 1], file.path));
		near = err_nearest(a->part[a->n - 1], m.near, m.nr_near);
		if (near && a->missed)
			diag_hint(a->l->script, "did you mean %s?", near);
	}
	close_file(&file);
}
