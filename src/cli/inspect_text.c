/* SPDX-License-Identifier: BSD-2-Clause */
/* inspect_text.c: what is in an object, for people. */
#include "cli/inspect.h"

/* ---- columns -------------------------------------------------------------------- */

enum {
	VALUE_COLUMNS = 40,	/* of a variable's value; the rest is in the JSON */
	LINE_COLUMNS = 78,
};

/* A cell has one line: "struct { int a; }". */
void table_cell(struct table *t, const char *text)
{
	char *cell = arena_strdup(&t->arena, text), *to = cell;

	for (const char *from = cell; *from;) {
		if (*from != '\n' && *from != '\t') {
			*to++ = *from++;
			continue;
		}
		from += strspn(from, "\n\t");
		*to++ = ' ';
	}
	*to = 0;
	*vec_push(&t->cells) = cell;
}

static void cell_u64(struct table *t, u64 n)
{
	*vec_push(&t->cells) = arena_printf(&t->arena, "%llu", (unsigned long long)n);
}

void table_print(struct strbuf *out, struct table *t)
{
	size_t *width = arena_news(&t->arena, t->columns, size_t);

	for (size_t i = 0; i < t->cells.n; i++)
		width[i % t->columns] = max_u64(width[i % t->columns], strlen(t->cells.v[i]));
	for (size_t i = 0; i < t->cells.n; i++) {
		bool last = i % t->columns == t->columns - 1;

		sb_puts(out, t->cells.v[i]);
		if (last) {
			while (out->n && out->s[out->n - 1] == ' ')
				out->s[--out->n] = 0;
			sb_putc(out, '\n');
		} else {
			sb_printf(
				out, "%*s",
				(int)(width[i % t->columns] - strlen(t->cells.v[i]) + 2),
				"");
		}
	}
	vec_free(&t->cells);
	arena_free(&t->arena);
}

/* ---- tables --------------------------------------------------------------------- */

static void progs_text(struct strbuf *out, const struct inspect *o, const struct image *img)
{
	static const char *const head[] = { "program", "section", "type", "insns", "subprograms" };
	struct table t = { .columns = ARRAY_LEN(head) };

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		table_cell(&t, head[i]);
	for (u32 i = 0; i < img->nr_progs; i++) {
		const struct image_prog *p = &img->progs[i];

		if (!inspect_wants(o, p))
			continue;
		table_cell(&t, p->name);
		table_cell(&t, p->section);
		table_cell(&t, inspect_prog_type(p));
		cell_u64(&t, p->nr_insns);
		cell_u64(&t, p->nr_funcs ? p->nr_funcs - 1 : 0);
	}
	table_print(out, &t);
}

static void maps_text(struct strbuf *out, const struct image *img)
{
	static const char *const head[] = { "map", "type", "key", "value", "max_entries", "flags" };
	struct table t = { .columns = ARRAY_LEN(head) };
	struct strbuf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		table_cell(&t, head[i]);
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct image_map *m = &img->maps[i];

		table_cell(&t, m->name);
		table_cell(&t, inspect_map_type(m));
		inspect_type(&text, img, m->key_type, m->key_size);
		table_cell(&t, sb_text(&text));
		inspect_type(&text, img, m->value_type, m->value_size);
		table_cell(&t, sb_text(&text));
		cell_u64(&t, m->max_entries);
		inspect_flags(&text, m->map_flags);
		if (m->pinning)
			sb_puts(&text, text.n ? ",pinned by name" : "pinned by name");
		table_cell(&t, sb_text(&text));
	}
	sb_free(&text);
	table_print(out, &t);
}

static void var_cells(struct table *t, const struct image *img, const struct image_map *m,
		      const struct inspect_var *v)
{
	struct strbuf text = { 0 };
	struct json j = { .out = &text };

	table_cell(t, v->name);
	table_cell(t, m->name);
	inspect_type(&text, img, v->type, v->bytes);
	table_cell(t, sb_text(&text));
	sb_reset(&text);
	inspect_value(&j, NULL, img, m, v);
	if (text.n > VALUE_COLUMNS)
		memcpy(text.s + VALUE_COLUMNS, "...", 4);
	table_cell(t, sb_text(&text));
	table_cell(t, v->settable ? "before loading" : "");
	sb_free(&text);
}

static bool has_vars(const struct image *img)
{
	struct inspect_var v;

	for (u32 m = 0; m < img->nr_maps; m++)
		if (inspect_var(&v, img, &img->maps[m], 0))
			return true;
	return false;
}

static void vars_text(struct strbuf *out, const struct image *img)
{
	static const char *const head[] = { "variable", "section", "type", "value", "settable" };
	struct table t = { .columns = ARRAY_LEN(head) };
	struct inspect_var v;

	for (size_t h = 0; h < ARRAY_LEN(head); h++)
		table_cell(&t, head[h]);
	for (u32 m = 0; m < img->nr_maps; m++)
		for (u32 i = 0; inspect_var(&v, img, &img->maps[m], i); i++)
			var_cells(&t, img, &img->maps[m], &v);
	table_print(out, &t);
}

/* ---- the manifest ------------------------------------------------------------------ */

/* "  calls   a, b, c", broken where the line is full. */
struct list { struct strbuf *out; const char *label; size_t column; };

static void list_add(struct list *l, const char *text)
{
	size_t n = strlen(text);

	if (!l->column) {
		sb_printf(l->out, "  %-8s%s", l->label, text);
		l->column = 10 + n;
	} else if (l->column + 2 + n > LINE_COLUMNS) {
		sb_printf(l->out, ",\n%10s%s", "", text);
		l->column = 10 + n;
	} else {
		sb_printf(l->out, ", %s", text);
		l->column += 2 + n;
	}
}

static void list_end(const struct list *l)
{
	if (l->column)
		sb_putc(l->out, '\n');
}

static void calls_text(struct strbuf *out, const struct manifest *m)
{
	struct list l = { out, "calls", 0 };
	char buf[64], more[40];

	for (u32 i = 0; i < m->helpers.n; i++)
		list_add(&l, helper_text(m->helpers.id[i], buf));
	if (m->helpers.more) {
		snprintf(more, sizeof(more), "and %u more", m->helpers.more);
		list_add(&l, more);
	}
	list_end(&l);
}

static void effects_text(struct strbuf *out, const struct manifest *m)
{
	struct list l = { out, "does", 0 };

	for (u32 e = 0; e < EFFECT_MAX; e++)
		if (m->effects & 1u << e)
			list_add(&l, effect_text((enum effect)e));
	if (!m->effects)
		list_add(&l, "nothing but compute and use its maps");
	list_end(&l);
}

static void kfuncs_text(struct strbuf *out, const struct image *img, const struct image_prog *p)
{
	struct list l = { out, "kfuncs", 0 };
	const char *name;
	u32 at = 0;

	while ((name = inspect_kfunc(img, p, &at)))
		list_add(&l, name);
	list_end(&l);
}

static void attach_text(struct strbuf *out, const struct image_prog *p)
{
	if (p->guessed)
		sb_printf(out, "  type    guessed from the section's name\n");
	if (p->target && *p->target)
		sb_printf(out, "  target  %s\n", p->target);
	if (!p->autoload)
		sb_printf(out, "  loaded  on demand only\n");
}

static void needs_text(struct strbuf *out, const struct manifest *m)
{
	struct list l = { out, "needs", 0 };
	char text[160];

	if (m->since) {
		snprintf(text, sizeof(text), "Linux %s (%s)", m->since, m->why);
		list_add(&l, text);
	}
	list_add(&l, "CAP_BPF");
	if (m->caps & NEED_NET_ADMIN)
		list_add(&l, "CAP_NET_ADMIN");
	if (m->caps & NEED_PERFMON)
		list_add(&l, "CAP_PERFMON");
	if (m->gpl) {
		snprintf(text, sizeof(text), "a GPL-compatible licence (%s)", m->gpl);
		list_add(&l, text);
	}
	list_end(&l);
}

static void manifest_text(struct strbuf *out, const struct image *img, const struct image_prog *p)
{
	struct manifest m;
	struct list maps = { out, "maps", 0 };

	manifest_make(&m, img, p);
	sb_printf(out, "\n%s\n", p->name);
	attach_text(out, p);
	effects_text(out, &m);
	calls_text(out, &m);
	kfuncs_text(out, img, p);
	for (u32 i = 0; i < img->nr_maps; i++)
		if (m.maps[i])
			list_add(&maps, img->maps[i].name);
	list_end(&maps);
	needs_text(out, &m);
	manifest_free(&m);
}

/* ---- source -------------------------------------------------------------------------- */

static bool same_line(const struct image_line *a, const struct image_line *b)
{
	return a && a->line == b->line && !strcmp(a->file, b->file);
}

static void source_text(struct strbuf *out, const struct inspect *o, const struct image_prog *p)
{
	const struct image_line *last = NULL;
	u32 func = 0;

	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		const struct image_line *l = image_line(p, i);

		for (; func < p->nr_funcs && p->funcs[func].insn == i; func++, last = NULL)
			sb_printf(out, "\n%s:\n", p->funcs[func].name);
		if (l && !same_line(last, l) && l->text[0])
			sb_printf(out, "%s:%u: %s\n", image_line_file(l), l->line, l->text);
		last = l;
		if (!o->verbose)
			continue;
		sb_printf(out, "%8u: ", i);
		isa_disasm(out, p->insns, p->nr_insns, i);
		sb_putc(out, '\n');
	}
	if (!p->nr_lines)
		sb_printf(out, "%s has no source lines: compile with -g\n", p->name);
}

void inspect_text(struct strbuf *out, const struct inspect *o, const struct image *img)
{
	sb_printf(out, "%s: %u program%s, %u map%s, ", img->file, img->nr_progs,
		  img->nr_progs == 1 ? "" : "s", img->nr_maps, img->nr_maps == 1 ? "" : "s");
	if (img->btf)
		sb_printf(out, "BTF with %u types, ", img->btf->nr_types - 1);
	else
		sb_puts(out, "no BTF, ");
	sb_printf(out, "licence %s\n", *img->license ? img->license : "not given");
	if (img->nr_progs)
		progs_text(out, o, img);
	if (img->nr_maps)
		maps_text(out, img);
	for (u32 i = 0; i < img->nr_maps; i++)
		inspect_slots_text(out, img, &img->maps[i]);
	if (has_vars(img))
		vars_text(out, img);
	inspect_types_text(out, img, o->verbose);
	if (o->sections)
		inspect_sections_text(out, img);
	for (u32 i = 0; i < img->nr_progs; i++)
		if (inspect_wants(o, &img->progs[i]))
			manifest_text(out, img, &img->progs[i]);
	for (u32 i = 0; o->source && i < img->nr_progs; i++)
		if (inspect_wants(o, &img->progs[i]))
			source_text(out, o, &img->progs[i]);
}
