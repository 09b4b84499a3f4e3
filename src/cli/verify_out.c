/* SPDX-License-Identifier: BSD-2-Clause */
/* verify_out.c: see verify_out.h. */
#include "cli/verify_as.h"
#include <stdio.h>
#include <stdlib.h>

static const char *id_text(char buf[16], enum reject_id id)
{
	snprintf(buf, 16, "SKEP-E%04d", (int)id);
	return buf;
}

/* ---- JSON ---------------------------------------------------------------- */

static void json_place(struct json *j, const struct image_prog *p, u32 insn)
{
	const struct image_line *line = image_line(p, insn);

	json_u64(j, "insn", insn);
	if (!line)
		return;
	json_str(j, "file", image_line_file(line));
	json_u64(j, "line", line->line);
	if (line->col)
		json_u64(j, "col", line->col);
}

static void json_note(struct json *j, const struct image_prog *p,
		      const struct verify_error *e, u32 i)
{
	json_obj(j, NULL);
	json_str(j, "text", e->notes[i]);
	if (e->note_insns[i] != VERIFY_NOWHERE)
		json_place(j, p, e->note_insns[i]);
	json_obj_end(j);
}

static void json_error(struct json *j, const struct image_prog *p, const struct verify_error *e)
{
	char id[16];

	json_obj(j, NULL);
	json_str(j, "id", id_text(id, e->id));
	json_str(j, "text", e->text);
	json_place(j, p, e->insn);
	json_arr(j, "notes");
	for (u32 i = 0; i < e->nr_notes; i++)
		json_note(j, p, e, i);
	json_arr_end(j);
	if (e->help)
		json_str(j, "help", e->help);
	json_str(j, "kernel", e->kernel);
	json_obj_end(j);
}

static void json_errors(struct json *j, const char *key, const struct image_prog *p,
			const struct verify_error *v, u32 n)
{
	json_arr(j, key);
	for (u32 i = 0; i < n; i++)
		json_error(j, p, &v[i]);
	json_arr_end(j);
}

static void json_construct(struct json *j, const struct image_prog *p,
			   const struct verify_result *r)
{
	if (r->verdict != VERDICT_NOT_JUDGED)
		return;
	json_obj(j, "construct");
	json_str(j, "text", r->construct);
	json_place(j, p, r->construct_insn);
	json_obj_end(j);
}

static void json_program(struct json *j, const struct judged *d)
{
	const struct image_prog *p = d->prog;
	const struct progtype_row *type = progtype_row(p->type);

	json_obj(j, NULL);
	json_str(j, "object", d->img->file);
	json_str(j, "name", p->name);
	json_str(j, "section", p->section);
	json_str(j, "type", type ? type->name : "unknown");
	if (d->as)
		json_str(j, "as", d->as->name);
	json_str(j, "verdict", verdict_word(d->r.verdict));
	if (d->as)
		json_bool(j, "asked", !as_unasked(d));
	if (d->kernel)
		json_str(j, "kernel_verdict", d->kernel);
	json_u64(j, "insns", p->nr_insns);
	json_u64(j, "visited", d->r.visited);
	json_u64(j, "states", d->r.states);
	json_u64(j, "peak_states", d->r.peak_states);
	json_u64(j, "stack", d->r.stack_bytes);
	json_u64(j, "us", d->r.ns / 1000);
	json_errors(j, "errors", p, d->r.errors, d->r.nr_errors);
	json_errors(j, "warnings", p, d->r.warnings, d->r.nr_warnings);
	json_construct(j, p, &d->r);
	json_obj_end(j);
}

static void json_map(struct json *j, const struct wrong_map *w)
{
	const struct maptype_row *type = maptype_row(w->map->type);

	json_obj(j, NULL);
	json_str(j, "object", w->img->file);
	json_str(j, "name", w->map->name);
	json_str(j, "type", type ? type->name : "unknown");
	json_str(j, w->help ? "warning" : "error", w->text);
	json_obj_end(j);
}

void verify_json(struct strbuf *out, const struct judged_list *all, const struct map_list *maps)
{
	struct json j = { .out = out, .pretty = true };

	json_obj(&j, NULL);
	json_arr(&j, "maps");
	for (size_t i = 0; i < maps->n; i++)
		json_map(&j, &maps->v[i]);
	json_arr_end(&j);
	json_arr(&j, "programs");
	for (size_t i = 0; i < all->n; i++)
		json_program(&j, &all->v[i]);
	json_arr_end(&j);
	json_obj_end(&j);
	sb_putc(out, '\n');
}

/* ---- SARIF --------------------------------------------------------------- */

static void sarif_text(struct json *j, const char *key, const char *text)
{
	json_obj(j, key);
	json_str(j, "text", text);
	json_obj_end(j);
}

static void sarif_rule(struct json *j, const struct reject_row *row)
{
	char id[16];

	json_obj(j, NULL);
	json_str(j, "id", id_text(id, row->id));
	json_str(j, "name", row->name);
	sarif_text(j, "shortDescription", row->text);
	if (row->help)
		sarif_text(j, "help", row->help);
	json_obj_end(j);
}

static void sarif_driver(struct json *j)
{
	json_obj(j, "tool");
	json_obj(j, "driver");
	json_str(j, "name", "skep");
	json_str(j, "version", SKEP_VERSION);
	json_arr(j, "rules");
	for (unsigned id = 0; id < 1000; id++)
		if (reject_row(id))
			sarif_rule(j, reject_row(id));
	json_arr_end(j);
	json_obj_end(j);
	json_obj_end(j);
}

/* A location: in the source, or in the object when there is no line. */
static void sarif_place(struct json *j, const struct judged *d, u32 insn, const char *text)
{
	const struct image_line *line = insn == VERIFY_NOWHERE ? NULL : image_line(d->prog, insn);

	json_obj(j, NULL);
	json_obj(j, "physicalLocation");
	json_obj(j, "artifactLocation");
	json_str(j, "uri", line ? image_line_file(line) : d->img->file);
	json_obj_end(j);
	if (line) {
		json_obj(j, "region");
		json_u64(j, "startLine", line->line);
		if (line->col)
			json_u64(j, "startColumn", line->col);
		json_obj_end(j);
	}
	json_obj_end(j);
	if (text)
		sarif_text(j, "message", text);
	json_obj_end(j);
}

static void sarif_result(struct json *j, const struct judged *d, const struct verify_error *e,
			 const char *level)
{
	char id[16];

	json_obj(j, NULL);
	json_str(j, "ruleId", id_text(id, e->id));
	json_str(j, "level", level);
	sarif_text(j, "message", e->text);
	json_arr(j, "locations");
	sarif_place(j, d, e->insn, NULL);
	json_arr_end(j);
	json_arr(j, "relatedLocations");
	for (u32 i = 0; i < e->nr_notes; i++)
		sarif_place(j, d, e->note_insns[i], e->notes[i]);
	json_arr_end(j);
	json_obj_end(j);
}

static bool same_line(const struct judged *a, const struct verify_error *ea,
		      const struct judged *b, const struct verify_error *eb)
{
	const struct image_line *la = image_line(a->prog, ea->insn);
	const struct image_line *lb = image_line(b->prog, eb->insn);

	return ea->id == eb->id && la && lb && la->line == lb->line &&
	       !strcmp(la->file, lb->file);
}

/* Programs share lines (inline functions): each line gets a reason once. */
static bool told_before(const struct judged_list *all, size_t n, const struct verify_error *e)
{
	for (size_t i = 0; i < n; i++)
		for (u32 k = 0; k < all->v[i].r.nr_errors; k++)
			if (same_line(&all->v[i], &all->v[i].r.errors[k], &all->v[n], e))
				return true;
	return false;
}

static void sarif_program(struct json *j, const struct judged_list *all, size_t n)
{
	const struct judged *d = &all->v[n];

	for (u32 i = 0; i < d->r.nr_errors; i++)
		if (!told_before(all, n, &d->r.errors[i]))
			sarif_result(j, d, &d->r.errors[i], "error");
	for (u32 i = 0; i < d->r.nr_warnings; i++)
		sarif_result(j, d, &d->r.warnings[i], "warning");
}

static void sarif_begin(struct json *j)
{
	json_obj(j, NULL);
	json_str(j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_str(j, "version", "2.1.0");
	json_arr(j, "runs");
	json_obj(j, NULL);
	sarif_driver(j);
	json_arr(j, "results");
}

static void sarif_end(struct json *j)
{
	json_arr_end(j);
	json_obj_end(j);
	json_arr_end(j);
	json_obj_end(j);
	sb_putc(j->out, '\n');
}

static void sarif_failed(struct json *j, const struct verify_failed *f)
{
	char id[16];

	json_obj(j, NULL);
	json_str(j, "ruleId", id_text(id, (enum reject_id)f->id));
	json_str(j, "level", "error");
	sarif_text(j, "message", f->text);
	json_arr(j, "locations");
	json_obj(j, NULL);
	json_obj(j, "physicalLocation");
	json_obj(j, "artifactLocation");
	json_str(j, "uri", f->file);
	json_obj_end(j);
	json_obj_end(j);
	json_obj_end(j);
	json_arr_end(j);
	json_obj_end(j);
}

void verify_sarif(struct strbuf *out, const struct judged_list *all,
		  const struct verify_failed *failed, size_t nr_failed)
{
	struct json j = { .out = out, .pretty = true };

	sarif_begin(&j);
	for (size_t i = 0; i < nr_failed; i++)
		sarif_failed(&j, &failed[i]);
	for (size_t i = 0; i < all->n; i++)
		sarif_program(&j, all, i);
	sarif_end(&j);
}

/* ---- figures ------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void verify_figures(struct strbuf *out, const struct judged_list *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct judged *d = &all->v[i];

		sb_printf(out, "%s\t%s\t%s\t%u\t%llu\t%u\t%u\n", base_name(d->img->file),
			  d->prog->name, verdict_word(d->r.verdict), d->prog->nr_insns,
			  (unsigned long long)d->r.visited, d->r.states, d->r.stack_bytes);
	}
}

enum { FIGURES = 7, VERDICT = 2, VISITED = 4, STATES = 5 };

/* Cuts LINE at its tabs. */
static bool split(char *line, char *field[FIGURES])
{
	u32 n = 0;

	while (n < FIGURES && (field[n] = strsep(&line, "\t")))
		n++;
	return n == FIGURES && !line;
}

static const struct judged *find(const struct judged_list *all, char *field[FIGURES])
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(base_name(all->v[i].img->file), field[0]) &&
		    !strcmp(all->v[i].prog->name, field[1]))
			return &all->v[i];
	return NULL;
}

/* "12 -> 14 (+16.7 %)", or the value when it is the same. */
static void cell_change(struct table *t, const char *old, u64 now)
{
	u64 was = strtoull(old, NULL, 10);
	char text[96];

	if (was == now)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)now);
	else
		snprintf(text, sizeof(text), "%llu -> %llu (%+.1f %%)", (unsigned long long)was,
			 (unsigned long long)now,
			 was ? 100.0 * ((double)now - (double)was) / (double)was : 100.0);
	table_cell(t, text);
}

static void row_change(struct table *t, char *field[FIGURES], const struct judged *d,
		       u32 *changed)
{
	const char *now = d ? verdict_word(d->r.verdict) : "gone";
	bool other = strcmp(field[VERDICT], now) != 0;
	char text[64];

	if (!other && strtoull(field[VISITED], NULL, 10) == d->r.visited &&
	    strtoull(field[STATES], NULL, 10) == d->r.states)
		return;
	*changed += other;
	snprintf(text, sizeof(text), "%s%s%s", field[VERDICT], other ? " -> " : "",
		 other ? now : "");
	table_cell(t, field[0]);
	table_cell(t, field[1]);
	table_cell(t, text);
	cell_change(t, field[VISITED], d ? d->r.visited : 0);
	cell_change(t, field[STATES], d ? d->r.states : 0);
}

static void head(struct table *t)
{
	static const char *const names[] = { "object", "program", "verdict", "visited", "states" };

	t->columns = ARRAY_LEN(names);
	for (u32 i = 0; i < t->columns; i++)
		table_cell(t, names[i]);
}

/* Programs that TEXT, which is changed, has no line of. */
static void rows_new(struct table *t, const struct judged_list *all, const bool *known,
		     u32 *changed)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct judged *d = &all->v[i];
		char text[64];

		if (known[i])
			continue;
		++*changed;
		snprintf(text, sizeof(text), "new -> %s", verdict_word(d->r.verdict));
		table_cell(t, base_name(d->img->file));
		table_cell(t, d->prog->name);
		table_cell(t, text);
		cell_change(t, "0", d->r.visited);
		cell_change(t, "0", d->r.states);
	}
}

int verify_compare(struct strbuf *out, const struct judged_list *all, char *text,
		   const char *path, u32 *changed, struct skep_err *err)
{
	struct table t = { 0 };
	char *line, *field[FIGURES], where[300];
	bool *known = mem_alloc(all->n + 1);
	const struct judged *d;
	u32 n = 0, lines = 0;

	head(&t);
	while ((line = strsep(&text, "\n"))) {
		n++;
		if (!*line)
			continue;
		if (!split(line, field)) {
			snprintf(where, sizeof(where), "%.250s:%u", path, n);
			table_print(out, &t);
			out->n = 0;
			free(known);
			return err_set(err, ERR_FILE_KIND, where,
				       "this is no line of what --save writes");
		}
		d = find(all, field);
		if (d)
			known[d - all->v] = true;
		row_change(&t, field, d, changed);
		lines++;
	}
	if (lines)
		rows_new(&t, all, known, changed);
	free(known);
	if (t.cells.n == t.columns)
		sb_puts(out, "nothing changed\n"), t.cells.n = 0;
	table_print(out, &t);
	return lines ? 0 : err_set(err, ERR_FILE_KIND, path, "it has no figures of --save");
}

int verify_write(const char *path, const struct strbuf *b, struct skep_err *err)
{
	struct os_out out;
	int rc = os_out_open(&out, path, err);

	if (rc)
		return rc;
	if (b->n)
		fwrite(b->s, 1, b->n, out.f);
	return os_out_commit(&out, err);
}
