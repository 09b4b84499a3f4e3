/* SPDX-License-Identifier: BSD-2-Clause */
/* verify_as.c: see verify_as.h. */
#include "cli/verify_as.h"
#include "model/dates.h"
#include "obj/obj.h"
#include <stdlib.h>

/* ---- which kernels ----------------------------------------------------------- */

static int as_add(struct as_list *kernels, const char *name, const char *btf,
		  struct skep_err *err)
{
	u32 code = dates_code(name);

	if (!code)
		return err_set(err, ERR_USAGE, btf, "'%s' is no version of Linux, such as 6.1",
			       name);
	if (code < dates_code(DATES_OLDEST))
		return err_set(err, ERR_USAGE, btf, "Linux %s: what " DATES_OLDEST " to "
			       DATES_NEWEST " judge is known", name);
	if (code > dates_code(DATES_NEWEST)) {
		err_set(err, ERR_USAGE, btf, "Linux %s is newer than this skep, which knows "
			"what " DATES_OLDEST " to " DATES_NEWEST " judge", name);
		err_help(err, "what " DATES_NEWEST " accepts newer kernels hardly ever refuse%s",
			 btf ? "" : ": --as " DATES_NEWEST);
		return err->code;
	}
	for (size_t i = 0; i < kernels->n; i++)
		if (!strcmp(kernels->v[i].name, name))
			return err_set(err, ERR_USAGE, btf, "Linux %s is given twice", name);
	*vec_push(kernels) = (struct as_kernel){ name, code, btf };
	return 0;
}

int as_parse(struct as_list *kernels, struct arena *arena, const char *list,
	     struct skep_err *err)
{
	char *text = arena_strdup(arena, list), *name;
	int r = 0;

	while (!r && (name = strsep(&text, ","))) {
		name += strspn(name, " ");
		if (strstr(name, ".."))
			r = err_set(err, ERR_USAGE, NULL, "'%s' is no version of Linux; --as takes "
				    "a list: 5.15,6.1,6.18", name);
		else
			r = as_add(kernels, name, NULL, err);
	}
	return r;
}

static int by_version(const void *a, const void *b)
{
	const struct as_kernel *ka = a, *kb = b;

	return ka->code != kb->code ? (ka->code > kb->code) - (ka->code < kb->code) :
				      strcmp(ka->name, kb->name);
}

/* Types that nobody asks for are read, too: a file that is not whole is a slip. */
static int check_types(const char *path, struct skep_err *err)
{
	struct btf_file f;
	int r = obj_open_btf(&f, path, NULL, err);

	if (!r)
		btf_close_file(&f);
	return r;
}

int as_folder(struct as_list *kernels, struct arena *arena, const char *dir,
	      struct skep_err *err)
{
	size_t n = 0;
	char **names = os_dir_names(dir, &n);
	int r = names ? 0 : err_set(err, ERR_FILE_OPEN, dir, "%s", strerror(errno));

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);
		char *name = arena_strdup(arena, names[i]);

		if (len > 4 && !strcmp(names[i] + len - 4, ".btf"))
			name[len - 4] = 0;
		if (!r && dates_code(name))
			r = as_add(kernels, name, arena_printf(arena, "%s/%s", dir, names[i]), err);
		if (!r && dates_code(name))
			r = check_types(kernels->v[kernels->n - 1].btf, err);
		free(names[i]);
	}
	free(names);
	if (!r && !kernels->n)
		r = err_set(err, ERR_FILE_KIND, dir, "no file with the types of a kernel: its "
			    "name begins with the version, as in 6.1.btf");
	if (kernels->n)
		qsort(kernels->v, kernels->n, sizeof(*kernels->v), by_version);
	return r;
}

/* ---- reasons -------------------------------------------------------------------- */

bool as_unasked(const struct judged *d)
{
	return d->as->code < dates_code(DATES_ASKED) && d->r.verdict == VERDICT_OK;
}

static bool same_prog(const struct judged *a, const struct judged *b)
{
	return !strcmp(a->img->file, b->img->file) && !strcmp(a->prog->name, b->prog->name);
}

/* The verdict of kernel K on the program of LIKE, or NULL. */
static const struct judged *find(const struct judged_list *all, const struct judged *like,
				 const struct as_kernel *k)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].as == k && same_prog(&all->v[i], like))
			return &all->v[i];
	return NULL;
}

/* What D has of a reason like E of OTHER, or NULL. */
static const struct verify_error *same_reason(const struct judged *d, const struct verify_error *e,
					      bool warning)
{
	const struct verify_error *v = warning ? d->r.warnings : d->r.errors;
	u32 n = warning ? d->r.nr_warnings : d->r.nr_errors;

	for (u32 i = 0; i < n; i++)
		if (v[i].id == e->id && v[i].insn == e->insn && !strcmp(v[i].text, e->text))
			return &v[i];
	return NULL;
}

struct reason {
	const struct judged_list *all;
	const struct as_list *kernels;
	const struct verify_opts *opts;
	const struct judged *d;		/* the last kernel's that has it */
	const struct verify_error *e;
	bool warning;
};

/* " (6.1 only)", " (5.15, 6.1)"; nothing when all kernels have it. */
static void put_kernels(struct strbuf *out, const struct reason *r)
{
	struct strbuf names = { 0 };
	u32 n = 0;

	for (size_t k = 0; k < r->kernels->n; k++) {
		const struct judged *d = find(r->all, r->d, &r->kernels->v[k]);

		if (d && same_reason(d, r->e, r->warning))
			sb_printf(&names, "%s%s", n++ ? ", " : "", d->as->name);
	}
	if (n < r->kernels->n)
		sb_printf(out, " (%s%s)", sb_text(&names), n == 1 ? " only" : "");
	sb_free(&names);
}

/* The rules that this kernel does not judge by yet, and that would let it pass. */
static void put_rules(struct strbuf *out, const struct reason *r)
{
	struct verify_opts opts = *r->opts;

	opts.as = r->d->as->code;
	for (u32 i = 0; i < RULE_MAX; i++) {
		struct arena arena = ARENA_INIT;
		struct judged again = *r->d;
		struct skep_err err;

		opts.grant = 1u << i;
		if (!(r->d->r.rules & opts.grant) || r->d->as->code >= rule_since(i))
			continue;
		if (!verify_prog(&again.r, &arena, again.img, again.prog, &opts, &err) &&
		    !same_reason(&again, r->e, false))
			sb_printf(out, "note: %s\n", rule_text(i));
		arena_free(&arena);
	}
}

static void put_reason(struct strbuf *out, const struct reason *r)
{
	struct strbuf text = { 0 };
	const char *s, *end, *rest;

	verify_error_text(&text, r->d->img, r->d->prog, r->e, r->warning ? "warning" : "error");
	s = sb_text(&text);
	end = strchr(s, '\n');
	sb_add(out, s, (size_t)(end - s));
	put_kernels(out, r);
	for (rest = end; strncmp(rest, "\nhelp: ", 7) && strncmp(rest, "\nkernel: ", 9) && rest[1];)
		rest = strchr(rest + 1, '\n');
	sb_add(out, end, (size_t)(rest + 1 - end));
	if (!r->warning)
		put_rules(out, r);
	sb_puts(out, rest + 1);
	sb_free(&text);
}

/* Newer kernels' come first in ALL: is it one of theirs? */
static bool told(const struct judged_list *all, size_t before, const struct reason *r)
{
	for (size_t i = 0; i < before; i++)
		if (same_prog(&all->v[i], r->d) && same_reason(&all->v[i], r->e, r->warning))
			return true;
	return false;
}

static void reasons_of(struct strbuf *out, struct reason *r, size_t at)
{
	const struct verify_result *v = &r->d->r;

	for (u32 i = 0; i < v->nr_errors + v->nr_warnings; i++) {
		r->warning = i >= v->nr_errors;
		r->e = r->warning ? &v->warnings[i - v->nr_errors] : &v->errors[i];
		if (!told(r->all, at, r))
			put_reason(out, r);
	}
	if (v->verdict == VERDICT_NOT_JUDGED)
		sb_printf(out, "%s: note: '%s' is not judged as %s: the verifier does not "
			  "support it yet: %s\n", r->d->img->file, r->d->prog->name,
			  r->d->as->name, v->construct);
}

void as_reasons(struct strbuf *out, const struct judged_list *all, const struct as_list *kernels,
		const struct verify_opts *opts)
{
	struct reason r = { .all = all, .kernels = kernels, .opts = opts };

	for (size_t i = 0; i < all->n; i++) {
		r.d = &all->v[i];
		reasons_of(out, &r, i);
	}
}

/* ---- the matrix ------------------------------------------------------------------- */

static void cell(struct table *t, const struct judged *d)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%s", d ? verdict_word(d->r.verdict) : "",
		 d && as_unasked(d) ? "?" : "");
	table_cell(t, text);
}

static void row(struct table *t, const struct judged_list *all, const struct as_list *kernels,
		const struct judged *first, bool several)
{
	char insns[16];

	snprintf(insns, sizeof(insns), "%u", first->prog->nr_insns);
	if (several)
		table_cell(t, first->img->file);
	table_cell(t, first->prog->name);
	table_cell(t, first->prog->section);
	table_cell(t, insns);
	for (size_t k = 0; k < kernels->n; k++)
		cell(t, find(all, first, &kernels->v[k]));
}

void as_table(struct strbuf *out, const struct judged_list *all, const struct as_list *kernels)
{
	static const char *const names[] = { "object", "program", "section", "insns" };
	struct table t = { 0 };
	bool several = false;

	for (size_t i = 1; i < all->n; i++)
		several = several || strcmp(all->v[i].img->file, all->v[0].img->file);
	t.columns = (u32)(kernels->n + 3 + several);
	for (u32 i = !several; i < ARRAY_LEN(names); i++)
		table_cell(&t, names[i]);
	for (size_t k = 0; k < kernels->n; k++)
		table_cell(&t, kernels->v[k].name);
	for (size_t i = 0; i < all->n; i++)
		if (find(all, &all->v[i], all->v[0].as) == &all->v[i])
			row(&t, all, kernels, &all->v[i], several);
	table_print(out, &t);
}
