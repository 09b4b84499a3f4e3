/* SPDX-License-Identifier: BSD-2-Clause */
/* place.c: from lines and functions to instructions and back, by BTF's line records. */
#include "debug/debug.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- lines ---------------------------------------------------------------- */

static u32 record_of(const struct image_prog *p, u32 insn)
{
	const struct image_line *l = image_line(p, insn);

	return l ? (u32)(l - p->lines) : UINT32_MAX;
}

static bool same_line(const struct image_line *a, const struct image_line *b)
{
	return a->line == b->line && !strcmp(a->file, b->file);
}

bool dbg_line_starts(const struct image_prog *p, u32 insn)
{
	u32 i = record_of(p, insn);

	if (i == UINT32_MAX || p->lines[i].insn != insn)
		return false;
	return !i || !same_line(&p->lines[i], &p->lines[i - 1]) ||
	       image_func(p, insn)->insn == insn;
}

void dbg_line_range(const struct image_prog *p, u32 insn, u32 *low, u32 *high)
{
	u32 i = record_of(p, insn), k = i;

	*low = 0, *high = p->nr_insns;
	if (i == UINT32_MAX)
		return;
	while (i && !dbg_line_starts(p, p->lines[i].insn))
		i--;
	*low = p->lines[i].insn;
	while (k + 1 < p->nr_lines && !dbg_line_starts(p, p->lines[k + 1].insn))
		k++;
	if (k + 1 < p->nr_lines)
		*high = p->lines[k + 1].insn;
}

/* The first instruction of the line behind the one that begins at FROM, before anything
 * else than straight code; or FROM. */
static u32 next_line(const struct image_prog *p, u32 from)
{
	for (u32 i = from; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		u8 class = BPF_CLASS(p->insns[i].code);

		if (i > from && dbg_line_starts(p, i))
			return i;
		if (class == BPF_JMP || class == BPF_JMP32)
			return from;
	}
	return from;
}

u32 dbg_body(struct debug *d, const struct image_prog *p, u32 entry)
{
	const struct image_line *l = image_line(p, entry);
	const struct image_func *in = image_func(p, entry);
	const struct locals_scope *s = d->locals ? locals_func(d->locals, in->name) : NULL;

	if (!s || !l || in->insn != entry || l->line != s->line)
		return entry;
	return next_line(p, entry);
}

bool dbg_stop_line(struct debug *d, const struct image_prog *p, u32 insn)
{
	return dbg_line_starts(p, insn) && dbg_body(d, p, insn) == insn;
}

/* ---- sources --------------------------------------------------------------- */

static char **split(const struct os_file *f, u32 *n)
{
	VEC(char *) lines = { 0 };
	const u8 *p = f->data, *end = f->data + f->size;

	while (p < end) {
		const u8 *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		char *line = mem_alloc(len + 1);

		memcpy(line, p, len);
		for (size_t i = 0; i < len; i++)
			if (((u8)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
				line[i] = '?';
		*vec_push(&lines) = line;
		p = nl ? nl + 1 : end;
	}
	*n = (u32)lines.n;
	return lines.v;
}

static struct dbg_source *source(struct debug *d, const char *file)
{
	struct os_file f = { 0 };
	struct dbg_source *s;
	struct skep_err err;

	for (size_t i = 0; i < d->sources.n; i++)
		if (!strcmp(d->sources.v[i].name, file))
			return (struct dbg_source *)&d->sources.v[i];
	vec_push(&d->sources);
	s = (struct dbg_source *)&d->sources.v[d->sources.n - 1];
	*s = (struct dbg_source){ .name = mem_strdup(file) };
	if (os_file_read(&f, file, &err))
		return s;
	s->lines = split(&f, &s->n);
	os_file_close(&f);
	return s;
}

u32 dbg_source_lines(struct debug *d, const char *file)
{
	return source(d, file)->n;
}

/* What the compiler saw of the line, when it made code of it. */
static const char *line_in_btf(const struct debug *d, const char *file, u32 line)
{
	for (u32 i = 0; i < d->img->nr_progs; i++) {
		const struct image_prog *p = &d->img->progs[i];

		for (u32 k = 0; k < p->nr_lines; k++)
			if (p->lines[k].line == line && *p->lines[k].text &&
			    !strcmp(image_line_file(&p->lines[k]), file))
				return p->lines[k].text;
	}
	return NULL;
}

const char *dbg_source_line(struct debug *d, const char *file, u32 line)
{
	const char *compiled = line_in_btf(d, file, line);
	struct dbg_source *s;

	if (compiled)
		return compiled;
	s = source(d, file);
	return line && line <= s->n ? s->lines[line - 1] : NULL;
}

/* ---- functions ------------------------------------------------------------- */

u64 dbg_addr(const struct image_prog *p, u32 insn, const struct locals_scope *func)
{
	return func->ranges[0].low + 8ull * (insn - image_func(p, insn)->insn);
}

void dbg_place_text(struct strbuf *out, const struct image_prog *p, u32 insn)
{
	const struct image_func *f = image_func(p, insn);

	if (insn == f->insn)
		sb_puts(out, f->name);
	else
		sb_printf(out, "%s+%u", f->name, insn - f->insn);
}

/* ---- specifications -------------------------------------------------------- */

struct found {
	struct debug *d;
	struct dbg_loc *out;
	u32 n;
};

static void add(struct found *f, u32 prog, u32 insn)
{
	for (u32 i = 0; i < f->n; i++)
		if (f->out[i].prog == prog && f->out[i].insn == insn)
			return;
	if (f->n < DBG_PLACES_MAX)
		f->out[f->n++] = (struct dbg_loc){ prog, insn };
}

/* FILE ends in PART, at a folder's boundary. */
static bool ends_in(const char *file, const char *part)
{
	size_t n = strlen(file), k = strlen(part);

	return n >= k && !strcmp(file + n - k, part) && (n == k || file[n - k - 1] == '/');
}

/* PART names FILE: "" any; with fewer or more folders before it, as it was compiled in one
 * of them. */
static bool file_fits(const char *file, const char *part)
{
	return !*part || ends_in(file, part) || ends_in(part, file);
}

/* The lowest line from LINE on that has code in FILE. */
static u32 nearest_line(const struct debug *d, const char *file, u32 line)
{
	u32 best = 0;

	for (u32 i = 0; i < d->img->nr_progs; i++) {
		const struct image_prog *p = &d->img->progs[i];

		for (u32 k = 0; k < p->nr_lines; k++)
			if (p->lines[k].line >= line && (!best || p->lines[k].line < best) &&
			    file_fits(image_line_file(&p->lines[k]), file))
				best = p->lines[k].line;
	}
	return best;
}

/* Where LINE begins in each function of program PROG: once in each of its inlined copies. */
static void add_line(struct found *f, u32 prog, const char *file, u32 line)
{
	const struct image_prog *p = &f->d->img->progs[prog];
	const void *seen[DBG_PLACES_MAX];
	u32 n = 0;

	for (u32 k = 0; k < p->nr_lines; k++) {
		u32 insn = p->lines[k].insn, i = 0;
		const struct image_func *in = image_func(p, insn);
		const struct locals_scope *s = f->d->locals ?
			locals_func(f->d->locals, in->name) : NULL;
		const void *scope = in;

		if (p->lines[k].line != line || !dbg_line_starts(p, insn) ||
		    !file_fits(image_line_file(&p->lines[k]), file))
			continue;
		if (s) {
			s = locals_scope_at(s, dbg_addr(p, insn, s));
			while (s->kind == LOCALS_BLOCK && s->parent)
				s = s->parent;
			scope = s;
		}
		while (i < n && seen[i] != scope)
			i++;
		if (i < n || n == ARRAY_LEN(seen))
			continue;
		seen[n++] = scope;
		add(f, prog, insn);
	}
}

/* The slot of IN's program at DWARF's address ADDR; or one that is not there. */
static u32 slot_at(const struct image_func *in, u64 base, u64 addr)
{
	return addr >= base ? in->insn + (u32)((addr - base) / 8) : UINT32_MAX;
}

/* The beginning of the inlined call C, once more for each copy that unrolling a loop has made
 * of it: where a part of it begins as the first one does. */
static void add_copies(struct found *f, u32 prog, const struct locals_scope *c,
		       const struct image_func *in, u64 base)
{
	const struct image_prog *p = &f->d->img->progs[prog];
	const struct image_line *first;
	u64 low = c->ranges[0].low;

	for (u32 i = 1; i < c->nr_ranges; i++)
		low = min_u64(low, c->ranges[i].low);
	if (slot_at(in, base, low) >= p->nr_insns)
		return;
	first = image_line(p, slot_at(in, base, low));
	add(f, prog, slot_at(in, base, low));
	for (u32 i = 0; first && i < c->nr_ranges; i++) {
		u32 at = slot_at(in, base, c->ranges[i].low);
		const struct image_line *l = at < p->nr_insns ? image_line(p, at) : NULL;

		if (l && l->insn == at && c->ranges[i].low != low && l->line == first->line &&
		    l->col == first->col)
			add(f, prog, at);
	}
}

/* Inlined calls of NAME within S. */
static void add_inlined(struct found *f, u32 prog, const struct locals_scope *s,
			const char *name, const struct image_func *in, u64 base)
{
	for (const struct locals_scope *c = s->child; c; c = c->next) {
		if (c->kind == LOCALS_INLINED && c->nr_ranges && !strcmp(c->name, name))
			add_copies(f, prog, c, in, base);
		add_inlined(f, prog, c, name, in, base);
	}
}

static void add_function(struct found *f, u32 prog, const char *name)
{
	const struct image_prog *p = &f->d->img->progs[prog];

	for (u32 i = 0; i < p->nr_funcs; i++) {
		const struct locals_scope *s = f->d->locals ?
			locals_func(f->d->locals, p->funcs[i].name) : NULL;

		if (!strcmp(p->funcs[i].name, name))
			add(f, prog, dbg_body(f->d, p, p->funcs[i].insn));
		if (s && s->nr_ranges)
			add_inlined(f, prog, s, name, &p->funcs[i], s->ranges[0].low);
	}
}

static bool number(const char *s, u32 *n)
{
	char *end;
	unsigned long long v;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &end, 0);
	*n = (u32)v;
	return !*end && !errno && v <= UINT32_MAX;
}

static int no_function(struct debug *d, const char *name, struct skep_err *err)
{
	const char *names[DBG_PLACES_MAX], *near;
	u32 n = 0;
	int r;

	for (u32 i = 0; i < d->img->nr_progs; i++)
		for (u32 k = 0; k < d->img->progs[i].nr_funcs && n < ARRAY_LEN(names); k++)
			names[n++] = d->img->progs[i].funcs[k].name;
	near = err_nearest(name, names, n);
	r = err_set(err, ERR_DEBUG_PLACE, NULL, "Function \"%s\" not defined.", name);
	if (near)
		err_help(err, "did you mean '%s'?", near);
	return r;
}

static u32 default_prog(const struct debug *d)
{
	return d->nr_frames ? d->frames[d->selected].index : d->setup->prog;
}

/* *N: an instruction of the program; *FUNCTION+N: of a function. */
static int add_insn(struct found *f, const char *spec, struct skep_err *err)
{
	u32 prog = default_prog(f->d), n;
	const struct image_prog *p = &f->d->img->progs[prog];
	const char *plus = strchr(spec, '+');

	if (number(spec, &n) && n < p->nr_insns &&
	    (!n || isa_slots(&p->insns[n - 1]) == 1 || p->insns[n].code)) {
		add(f, prog, n);
		return 0;
	}
	for (u32 i = 0; plus && i < p->nr_funcs; i++)
		if (strlen(p->funcs[i].name) == (size_t)(plus - spec) &&
		    !memcmp(spec, p->funcs[i].name, (size_t)(plus - spec)) &&
		    number(plus + 1, &n) && n < p->nr_insns - p->funcs[i].insn) {
			add(f, prog, p->funcs[i].insn + n);
			return 0;
		}
	return err_set(err, ERR_DEBUG_PLACE, NULL, "'%s' has no instruction *%s, it has %u slots",
		       p->name, spec, p->nr_insns);
}

static int add_lines(struct found *f, const char *file, u32 line, struct skep_err *err)
{
	u32 real = nearest_line(f->d, file, line);
	bool any = false;

	for (u32 i = 0; i < f->d->img->nr_progs; i++)
		any = any || f->d->img->progs[i].nr_lines;
	if (!any)
		return err_set(err, ERR_DEBUG_PLACE, NULL,
			       "the object has no line information (.BTF.ext): compile with -g; "
			       "functions and *INSN can be named");
	for (u32 i = 0; real && i < f->d->img->nr_progs; i++)
		add_line(f, i, file, real);
	if (f->n)
		return 0;
	return err_set(err, ERR_DEBUG_PLACE, NULL, *file ? "No line %u in file \"%s\"." :
		       "No line %u in the current file.", line, file);
}

/* The file of lines that name none: that of the frame, or of the program. */
static const char *default_file(struct debug *d)
{
	const struct image_prog *p = &d->img->progs[d->setup->prog];
	const struct image_line *l = image_line(p, 0);

	if (d->nr_frames && d->frames[d->selected].file)
		return d->frames[d->selected].file;
	return l ? image_line_file(l) : "";
}

int dbg_places(struct debug *d, const char *spec, struct dbg_loc *out, struct skep_err *err)
{
	struct found f = { d, out, 0 };
	const char *colon = strrchr(spec, ':');
	const char *what = colon ? colon + 1 : spec;
	char file[1024] = "";
	u32 line;
	int r = 0;

	if (*spec == '*')
		r = add_insn(&f, spec + 1, err);
	else if (colon)
		snprintf(file, sizeof(file), "%.*s", (int)(colon - spec), spec);
	if (r || f.n)
		return r ? r : (int)f.n;
	if (number(what, &line))
		r = add_lines(&f, colon ? file : default_file(d), line, err);
	for (u32 i = 0; !f.n && !r && i < d->img->nr_progs; i++)
		add_function(&f, i, what);
	if (!r && !f.n)
		r = no_function(d, what, err);
	return r ? r : (int)f.n;
}
