/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_verify.c: `skep verify`: are the programs of objects safe? Reasons go to
 * stderr, a line for each program to stdout. Loads nothing, unless the kernel is
 * asked, too.
 */
#include "cli/verify_out.h"
#include "cli/verify_as.h"
#include "model/dates.h"
#include "obj/obj.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct verify_cmd {
	const char *prog, *on, *policy, *caps;
	const char *sarif, *save, *compare, *log, *level_text;
	struct strbuf log_text;
	bool json, kernel;
	bool several;		/* objects: the table says which */
	struct arena arena;	/* of the results */
	struct judged_list all;
	struct map_list maps;	/* that the kernel would not make */
	struct str_list any;	/* VAR=any of --set */
	const char *as_names;
	struct as_list as;	/* kernels of --as, or of a folder of types */
	struct verify_opts opts;
	struct target target;	/* its types are opened when a program needs them */
	bool types_tried;
	VEC(struct verify_failed) failed;	/* files that --sarif tells of, too */
	/* counts */
	u32 rejected, not_judged, differ, changed, unanswered;
};

/* ---- reasons ------------------------------------------------------------- */

static void print_reasons(const struct image *img, const struct image_prog *p,
			  const struct verify_result *r)
{
	struct strbuf out = { 0 };

	verify_reasons(&out, img, p, r);
	report_text(&out);
	sb_free(&out);
}

/* ---- the kernel's verdict ------------------------------------------------ */

/* "ok", "rejected" or "no answer"; *REASON is its message. */
static const char *ask_kernel(struct skep_object *obj, u32 prog, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	const struct prog_set only = { &prog, 1 };
	struct skep_object *twin = object_twin(obj);
	int rc = object_load(twin, &opts, &only, err);
	char about[256];

	skep_object_close(twin);
	if (!rc)
		return "ok";
	snprintf(about, sizeof(about), "rejects '%s'", obj->img->progs[prog].name);
	/* programs that it goes on in are loaded, too, and may be those refused */
	return err->id == ERR_KERNEL_REJECTED && strstr(err->text, about) ? "rejected" :
									      "no answer";
}

static const char *compare_kernel(struct verify_cmd *c, struct skep_object *obj, u32 i,
				  const struct verify_result *r)
{
	struct skep_err err = { 0 };
	const char *verdict = ask_kernel(obj, i, &err);

	if (!strcmp(verdict, "no answer") ||
	    (r->verdict != VERDICT_NOT_JUDGED && strcmp(verdict, verdict_word(r->verdict)))) {
		fprintf(stderr, "%s", skep_err_text(&err));
		c->differ += r->verdict != VERDICT_NOT_JUDGED && strcmp(verdict, "no answer");
		c->unanswered += !strcmp(verdict, "no answer");
	}
	return verdict;
}

/* ---- the table ----------------------------------------------------------- */

static void cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void cell(struct table *t, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

static void head(const struct verify_cmd *c, struct table *t)
{
	static const char *const names[] = { "object", "program", "section", "insns", "verdict",
					     "visited", "states", "stack", "us", "kernel" };
	u32 first = c->several ? 0 : 1;

	t->columns = (c->kernel ? 10 : 9) - first;
	for (u32 i = 0; i < t->columns; i++)
		table_cell(t, names[first + i]);
}

static void row(const struct verify_cmd *c, struct table *t, const struct judged *d)
{
	const struct image_prog *p = d->prog;
	const struct verify_result *r = &d->r;

	if (c->several)
		table_cell(t, d->img->file);
	table_cell(t, p->name);
	table_cell(t, p->section);
	cell(t, "%u", p->nr_insns);
	table_cell(t, verdict_word(r->verdict));
	cell(t, "%llu", (unsigned long long)r->visited);
	cell(t, "%u", r->states);
	cell(t, "%u", r->stack_bytes);
	cell(t, "%llu", (unsigned long long)r->ns / 1000);
	if (c->kernel)
		table_cell(t, d->kernel);
}

static void print_values(const struct judged *d)
{
	struct strbuf out = { 0 };

	verify_values(&out, d);
	report_text(&out);
	sb_free(&out);
}

static int judge(struct verify_cmd *c, struct judged *d)
{
	struct skep_err err = { 0 };

	if (verify_types(&c->opts, &c->target, &c->types_tried, d->img, d->prog, &err) ||
	    verify_any_find(&c->opts, &c->arena, d->img, &c->any, &err) ||
	    verify_prog(&d->r, &c->arena, d->img, d->prog, &c->opts, &err))
		return report(&err);
	return 0;
}

/* Kernels FIRST to LAST, of which the newer are asked first: what holds for an older one,
 * too, is not found again. */
static int verify_as(struct verify_cmd *c, struct skep_object *obj, u32 i, size_t first,
		     size_t last)
{
	struct judged d = { .img = obj->img, .prog = &obj->img->progs[i] };
	int status = 0;

	for (size_t k = last + 1; k-- > first && !status;) {
		bool known = d.as && verify_holds(&d.r, &c->opts, c->as.v[k].code);

		d.as = &c->as.v[k];
		if (!known) {
			c->opts.as = d.as->code;
			status = judge(c, &d);
		}
		c->rejected += d.r.verdict == VERDICT_REJECTED;
		c->not_judged += d.r.verdict == VERDICT_NOT_JUDGED;
		*vec_push(&c->all) = d;
	}
	return status;
}

static int verify_one(struct verify_cmd *c, struct skep_object *obj, u32 i)
{
	struct judged d = { .img = obj->img, .prog = &obj->img->progs[i] };

	if (judge(c, &d))
		return EXIT_NO_ANSWER;
	if (c->log)
		write_text(stdout, c->log_text.s, c->log_text.n);
	else
		print_reasons(d.img, d.prog, &d.r);
	print_values(&d);
	c->rejected += d.r.verdict == VERDICT_REJECTED;
	c->not_judged += d.r.verdict == VERDICT_NOT_JUDGED;
	if (c->kernel)
		d.kernel = compare_kernel(c, obj, i, &d.r);
	*vec_push(&c->all) = d;
	return 0;
}

/* ---- what is printed ----------------------------------------------------- */

static void print_table(const struct verify_cmd *c, struct strbuf *out)
{
	struct table t = { 0 };

	head(c, &t);
	for (size_t i = 0; i < c->all.n; i++)
		row(c, &t, &c->all.v[i]);
	table_print(out, &t);
}

static int compare(struct verify_cmd *c, struct strbuf *out, struct skep_err *err)
{
	struct os_file f;
	struct strbuf text = { 0 };
	int rc = os_file_read(&f, c->compare, err);

	if (rc)
		return rc;
	sb_add(&text, (const char *)f.data, f.size);
	os_file_close(&f);
	rc = verify_compare(out, &c->all, (char *)sb_text(&text), c->compare, &c->changed, err);
	sb_free(&text);
	return rc;
}

/* Writes what verify_figures makes, where it is asked for. */
static int write_file(const struct verify_cmd *c, const char *path,
		      void (*make)(struct strbuf *, const struct judged_list *),
		      struct skep_err *err)
{
	struct strbuf b = { 0 };
	int rc;

	if (!path)
		return 0;
	make(&b, &c->all);
	rc = verify_write(path, &b, err);
	sb_free(&b);
	return rc;
}

static int write_sarif(const struct verify_cmd *c, struct skep_err *err)
{
	struct strbuf b = { 0 };
	int rc;

	if (!c->sarif)
		return 0;
	verify_sarif(&b, &c->all, c->failed.v, c->failed.n);
	rc = verify_write(c->sarif, &b, err);
	sb_free(&b);
	return rc;
}

static bool any_unasked(const struct judged_list *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (as_unasked(&all->v[i]))
			return true;
	return false;
}

/* Values that a kernel's types decide, without the types of each kernel. */
static bool rests_on_types(const struct judged_list *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].prog->nr_cores && !all->v[i].as->btf)
			return true;
	return false;
}

static void print_as(struct verify_cmd *c, struct strbuf *out)
{
	struct strbuf notes = { 0 };

	as_reasons(&notes, &c->all, &c->as, &c->opts);
	if (c->json)
		verify_json(out, &c->all, &c->maps);
	else
		as_table(out, &c->all, &c->as);
	if (rests_on_types(&c->all))
		sb_puts(&notes, "note: CO-RE relocations are those for one kernel; --btf DIR with "
			"the types of each judges them, too\n");
	if (!c->json && any_unasked(&c->all))
		sb_puts(&notes, "note: ?: known from documents; no kernel before " DATES_ASKED
			" was asked\n");
	report_text(&notes);
	sb_free(&notes);
}

static int print_all(struct verify_cmd *c)
{
	struct strbuf out = { 0 };
	struct skep_err err = { 0 };
	int status;

	if (c->as.n)
		print_as(c, &out);
	else if (c->json)
		verify_json(&out, &c->all, &c->maps);
	else if (!c->compare && !c->log)
		print_table(c, &out);
	if ((c->compare && compare(c, &out, &err)) ||
	    write_sarif(c, &err) || write_file(c, c->save, verify_figures, &err))
		status = report(&err);
	else
		status = print_out(&out);
	sb_free(&out);
	return status;
}

static void check_maps(struct verify_cmd *c, const struct object_list *objs)
{
	size_t first = c->maps.n;

	for (size_t n = 0; n < objs->n; n++)
		verify_maps(&c->maps, &c->arena, objs->v[n]->img);
	for (size_t i = first; i < c->maps.n; i++) {
		verify_print_map(&c->maps.v[i]);
		c->rejected += !c->maps.v[i].help;
	}
}

/* Kernels FIRST to LAST of c->as, when there are some. */
static int verify_all(struct verify_cmd *c, const struct object_list *objs, size_t first,
		      size_t last)
{
	int status = 0;

	c->several = objs->n > 1;
	for (size_t n = 0; n < objs->n && !status; n++)
		for (u32 i = 0; i < objs->v[n]->img->nr_progs && !status; i++) {
			if (c->prog && strcmp(c->prog, objs->v[n]->img->progs[i].name))
				continue;
			status = c->as.n ? verify_as(c, objs->v[n], i, first, last) :
					   verify_one(c, objs->v[n], i);
		}
	return status;
}

static int answer(const struct verify_cmd *c)
{
	if (c->compare)
		return c->changed ? EXIT_NO : EXIT_YES;
	if (c->rejected || c->differ)
		return EXIT_NO;
	return c->not_judged || c->unanswered || c->failed.n ? EXIT_NO_ANSWER : EXIT_YES;
}

/* ---- the command --------------------------------------------------------- */

/* That there is something to judge: silence is no verdict. */
static int check_progs(const struct verify_cmd *c, const struct object_list *objs,
		       struct skep_err *err)
{
	u32 found = 0;

	for (size_t n = 0; n < objs->n; n++)
		found += c->prog ? skep_object_prog(objs->v[n], c->prog) != NULL :
				   objs->v[n]->img->nr_progs;
	if (found)
		return 0;
	return c->prog ? no_program(objs, c->prog, err) :
			 err_set(err, ERR_PROG_NONE, objs->v[0]->img->file, "it has no program");
}

/* That what is written is none of what is read. A baseline may be: it is read before. */
static int check_files(const struct verify_cmd *c, const struct load_opts *load,
		       const struct str_list *paths, struct skep_err *err)
{
	struct str_list in = { 0 }, out = { 0 };
	int r;

	for (size_t i = 0; i < paths->n; i++)
		*vec_push(&in) = paths->v[i];
	for (size_t i = 0; i < load->modules.n; i++)
		*vec_push(&in) = load->modules.v[i];
	if (load->btf)
		*vec_push(&in) = load->btf;
	if (load->kconfig)
		*vec_push(&in) = load->kconfig;
	if (c->save)
		*vec_push(&out) = c->save;
	if (c->sarif)
		*vec_push(&out) = c->sarif;
	r = outputs_check(&out, &in, err);
	vec_free(&in);
	vec_free(&out);
	return r;
}

/* Notes why PATHS cannot be opened, "PATH: error: TEXT [ID]", and leaves that one out; false:
 * it is none of them. */
static bool leave_out(struct verify_cmd *c, struct str_list *paths, const struct skep_err *err)
{
	const char *text = skep_err_text(err), *mark = strstr(text, ": error: "), *id;
	size_t n = mark ? (size_t)(mark - text) : 0, len;

	for (size_t i = 0; mark && i < paths->n; i++) {
		const char *name = input_name(paths->v[i]);

		if (strncmp(name, text, strlen(name)) || (text[strlen(name)] != ':' &&
							  strlen(name) != n))
			continue;
		mark += strlen(": error: ");
		len = strcspn(mark, "\n");
		id = memmem(mark, len, " [SKEP-", strlen(" [SKEP-"));
		*vec_push(&c->failed) = (struct verify_failed){ arena_strdup(&c->arena, name),
			arena_strndup(&c->arena, mark, id ? (size_t)(id - mark) : len),
			(int)err->id };
		memmove(&paths->v[i], &paths->v[i + 1], (--paths->n - i) * sizeof(*paths->v));
		return true;
	}
	return false;
}

/* All that can be opened, when what cannot has a place in the document of --sarif. */
static int open_some(struct verify_cmd *c, struct object_list *objs, const struct load_opts *load,
		     const struct str_list *paths, struct skep_err *err)
{
	struct str_list left = { 0 };
	int r;

	for (size_t i = 0; i < paths->n; i++)
		*vec_push(&left) = paths->v[i];
	while ((r = input_objects(objs, &left, load, err)) && c->sarif &&
	       leave_out(c, &left, err)) {
		report(err);
		input_close(objs);
		*objs = (struct object_list){ 0 };
		if (!left.n)
			break;
	}
	vec_free(&left);
	return c->failed.n && !objs->n ? 0 : r;
}

static int open_objects(struct verify_cmd *c, struct object_list *objs, struct load_opts *load,
			const struct str_list *paths, struct skep_err *err)
{
	target_close(&c->target);
	c->types_tried = false;
	c->target = (struct target){ .opts = { .btf = load->btf, .modules = load->modules.v,
					       .nr_modules = load->modules.n } };
	if (open_some(c, objs, load, paths, err) ||
	    (objs->n && check_progs(c, objs, err)) ||
	    verify_any_check(objs, &c->any, err))
		return report(err);
	return 0;
}

/* Each kernel of a folder has objects of its own, made for its types. */
static int verify_folder(struct verify_cmd *c, struct object_list *objs, struct load_opts *load,
			 const struct str_list *paths, struct skep_err *err)
{
	int status = 0;

	for (size_t k = c->as.n; k-- > 0 && !status;) {
		load->btf = c->as.v[k].btf;
		status = open_objects(c, &objs[k], load, paths, err);
		if (!status && k + 1 == c->as.n)
			check_maps(c, &objs[k]);
		if (!status)
			status = verify_all(c, &objs[k], k, k);
	}
	return status;
}

static int verify_paths(struct verify_cmd *c, struct load_opts *load,
			const struct str_list *paths)
{
	bool folder = c->as.n && c->as.v[0].btf;
	struct object_list *objs = mem_alloc((c->as.n + 1) * sizeof(*objs));
	struct skep_err err = { 0 };
	int status = 0;

	if (c->prog)
		*vec_push(&load->progs) = c->prog;
	verify_any_take(&c->any, &load->set);
	if (check_files(c, load, paths, &err))
		status = report(&err);
	else if (folder)
		status = verify_folder(c, objs, load, paths, &err);
	else
		status = open_objects(c, objs, load, paths, &err);
	if (!status && !folder) {
		check_maps(c, objs);
		status = verify_all(c, objs, 0, c->as.n - 1);
	}
	if (!status)
		status = print_all(c);
	for (size_t k = 0; k <= c->as.n; k++)
		input_close(&objs[k]);
	free(objs);
	target_close(&c->target);
	return status ? status : answer(c);
}

static void verify_free(struct verify_cmd *c)
{
	vec_free(&c->any);
	vec_free(&c->failed);
	vec_free(&c->as);
	vec_free(&c->all);
	vec_free(&c->maps);
	arena_free(&c->arena);
	sb_free(&c->log_text);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* --as LIST, or a folder of kernels' types for --btf. */
static int set_kernels(struct verify_cmd *c, const struct load_opts *load)
{
	struct skep_err err = { 0 };
	bool folder = load->btf && is_folder(load->btf);

	if (!c->as_names && !folder)
		return 0;
	if (c->kernel || c->log || c->save || c->compare || c->sarif)
		return usage_error("several kernels do not go together with --on, --log, --save, "
				   "--compare and --sarif");
	if (c->as_names && folder)
		return usage_error("--as and a folder of --btf both say which kernels");
	if (!c->policy)
		c->opts.policy = POLICY_KERNEL;
	if (folder ? as_folder(&c->as, &c->arena, load->btf, &err) :
		     as_parse(&c->as, &c->arena, c->as_names, &err))
		return report(&err);
	return 0;
}

static int set_opts(const struct command *cmd, struct verify_cmd *c)
{
	c->opts.caps = VERIFY_CAP_ALL;
	if (c->on && !strcmp(c->on, "both"))
		c->kernel = true;
	else if (c->on && strcmp(c->on, "user"))
		return usage_error("--on takes user or both");
	if (c->policy && !strcmp(c->policy, "kernel"))
		c->opts.policy = POLICY_KERNEL;
	else if (c->policy && strcmp(c->policy, "user"))
		return usage_error("--policy takes user or kernel");
	if (c->log && strcmp(c->log, "kernel"))
		return usage_error("--log takes kernel");
	if (c->level_text && !c->log)
		return usage_error("--log-level is for --log kernel");
	if (c->level_text && strcmp(c->level_text, "1") && strcmp(c->level_text, "2"))
		return usage_error("--log-level takes 1 or 2");
	if (c->log) {
		c->opts.log = &c->log_text;
		c->opts.log_level = c->level_text ? (unsigned)(*c->level_text - '0') : 1;
		c->opts.max_errors = 1;
	}
	if (c->json && c->compare)
		return usage_error("--json and --compare do not go together");
	if (c->json && c->log)
		return usage_error("--json and --log do not go together");
	if (c->caps && !strcmp(c->caps, "bpf"))
		c->opts.caps = 0;
	else if (c->caps && strcmp(c->caps, "all"))
		return usage_error("--caps takes all or bpf");
	return 0;
}

int cmd_verify(const struct command *cmd, int argc, char **argv)
{
	struct verify_cmd c = { .arena = ARENA_INIT };
	struct load_opts load = { 0 };
	const struct opt opts[] = {
		{ "prog", 0, OPT_STR, "NAME", "only the program NAME", &c.prog },
		{ "policy", 0, OPT_STR, "POLICY", "user, or kernel: its limits", &c.policy },
		{ "caps", 0, OPT_STR, "CAPS", "of the loader: all, or bpf alone", &c.caps },
		{ "as", 0, OPT_STR, "VERSIONS", "as these kernels judge: 5.15,6.1,6.18",
		  &c.as_names },
		{ "on", 0, OPT_STR, "ENGINE", "both: ask this kernel, too, and compare", &c.on },
		{ "json", 0, OPT_FLAG, NULL, "one JSON document instead of the table", &c.json },
		{ "sarif", 0, OPT_STR, "FILE", "write the reasons to FILE as SARIF 2.1.0",
		  &c.sarif },
		{ "save", 0, OPT_STR, "FILE", "write verdicts and figures to FILE", &c.save },
		{ "compare", 0, OPT_STR, "FILE", "show what changed since --save FILE",
		  &c.compare },
		{ "log", 0, OPT_STR, "kernel", "print the kernel's log instead of the table",
		  &c.log },
		{ "log-level", 0, OPT_STR, "N", "1: the path of the reason; 2: all paths",
		  &c.level_text },
		LOAD_OPTS(&load),
		{ 0 }
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return load_opts_free(&load), res.status;
	status = set_opts(cmd, &c);
	if (!status)
		status = set_kernels(&c, &load);
	if (!status && !res.operands.n)
		status = usage_error("an object or a C file is needed");
	if (!status)
		status = verify_paths(&c, &load, &res.operands);
	verify_free(&c);
	vec_free(&res.operands);
	load_opts_free(&load);
	return status;
}
