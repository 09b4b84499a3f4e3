/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_btf.c: type information in files and in the running kernel, in bpftool's grammar:
 * which there is, types as text, JSON and C; BTF of a program's DWARF. A file is raw BTF,
 * an ELF file with a section .BTF, or C, which is compiled. What types of the kernel are
 * whose is in btf_list.c.
 */
#include "cli/btf_view.h"
#include "cli/prog_cmd.h"
#include "obj/obj.h"
#include "sym/dwarf.h"
#include <ctype.h>
#include <unistd.h>

#define SYS_BTF "/sys/kernel/btf/"
#define SYS_VMLINUX SYS_BTF "vmlinux"

struct dump {
	struct tool *t;
	const char *path;	/* of a file, or NULL: */
	u32 id;			/* of the kernel's */
	char name[32];		/* what messages call it */
	VEC(u32) roots;		/* only these types */
	bool c;
};

/* Calls PRINT for each type that is wanted, until it says no. */
static void each_type(const struct dump *d, const struct btf *btf,
		      bool (*print)(void *to, const struct btf *btf, u32 id), void *to)
{
	bool more = true;

	for (size_t i = 0; i < d->roots.n && more; i++)
		more = print(to, btf, d->roots.v[i]);
	for (u32 id = btf->first_id; !d->roots.n && id < btf->nr_types && more; id++)
		more = print(to, btf, id);
}

/* What was collected goes out in pieces, so that memory stays small. */
static bool flush(struct strbuf *out, size_t above)
{
	bool ok = out->n <= above || write_text(stdout, out->s, out->n);

	if (out->n > above)
		sb_reset(out);
	return ok;
}

static int finish(struct strbuf *out)
{
	int status = print_out(out);

	sb_free(out);
	return status;
}

static bool print_text(void *to, const struct btf *btf, u32 id)
{
	btf_raw_text(to, btf, id);
	return flush(to, 1 << 16);
}

static int dump_text(const struct dump *d, const struct btf *btf)
{
	struct strbuf out = { 0 };

	each_type(d, btf, print_text, &out);
	return finish(&out);
}

static bool print_json(void *to, const struct btf *btf, u32 id)
{
	struct json *j = to;

	btf_raw_json(j, btf, id);
	return flush(j->out, 1 << 16);
}

/* {"types": [...]} */
static int dump_json(const struct dump *d, const struct btf *btf)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out, .pretty = d->t->form.pretty, .tool = true };

	json_obj(&j, NULL);
	json_arr(&j, "types");
	each_type(d, btf, print_json, &j);
	json_arr_end(&j);
	json_obj_end(&j);
	sb_putc(&out, '\n');
	return finish(&out);
}

static int dump_c(const struct dump *d, const struct btf *btf)
{
	struct strbuf out = { 0 };
	int r = btf_header_c(&out, btf, d->roots.v, d->roots.n, d->name, &d->t->err);

	if (r)
		sb_free(&out);
	return r ? r : finish(&out);
}

static int dump_types(const struct dump *d, const struct btf *btf)
{
	for (size_t i = 0; i < d->roots.n; i++)
		if (d->roots.v[i] >= btf->nr_types)
			return err_set(&d->t->err, ERR_USAGE, d->path, "there is no type %u, only "
				       "1..%u", d->roots.v[i], btf->nr_types - 1);
	if (d->c && d->t->form.json)
		return err_set(&d->t->err, ERR_USAGE, NULL, "C is no JSON: -j is for format raw");
	if (d->c)
		return dump_c(d, btf);
	return d->t->form.json ? dump_json(d, btf) : dump_text(d, btf);
}

/* ---- where they are from -------------------------------------------------------------- */

/* A C file is compiled first. */
static int open_types(struct btf_file *f, const char *path, const struct btf *base,
		      struct skep_err *err)
{
	enum input_kind kind = INPUT_OTHER;
	struct os_file o;
	int r;

	if (strcmp(path, "-") && !input_kind(&kind, path, err) && kind == INPUT_C) {
		r = input_compile(&o, path, NULL, err);
		return r ? r : obj_read_btf(f, &o, path, base, err);
	}
	return obj_open_btf(f, path, base, err);
}

static bool is_module(const char *path)
{
	return !strncmp(path, SYS_BTF, strlen(SYS_BTF)) && strcmp(path, SYS_VMLINUX);
}

/* Do the kernel's types ID go on after those of the kernel itself? */
static bool is_split(u32 id)
{
	struct skep_err unused;
	struct live_types t;
	int fd = live_open(LIVE_BTF, id, &unused);
	bool is = fd >= 0 && !live_types_read(&t, fd, &unused) && t.kernel &&
		  strcmp(t.name, "vmlinux");

	if (fd >= 0)
		close(fd);
	return is;
}

static int dump_live(const struct dump *d, const struct btf *base)
{
	struct arena arena = ARENA_INIT;
	struct btf *btf;
	int r = live_btf(&btf, &arena, d->id, base, &d->t->err);

	if (!r)
		r = dump_types(d, btf);
	arena_free(&arena);
	return r;
}

static int dump_file(const struct dump *d, const struct btf *base)
{
	struct btf_file f = { 0 };
	int r = open_types(&f, d->path, base, &d->t->err);

	if (!r)
		r = dump_types(d, f.btf);
	btf_close_file(&f);
	return r;
}

static int dump_from(const struct dump *d)
{
	const char *path = d->t->base;
	struct btf_file base = { 0 };
	int r = 0;

	if (!path && (d->path ? is_module(d->path) : is_split(d->id)))
		path = SYS_VMLINUX;
	if (path)
		r = obj_open_btf(&base, path, NULL, &d->t->err);
	if (!r)
		r = d->path ? dump_file(d, base.btf) : dump_live(d, base.btf);
	btf_close_file(&base);
	return r;
}

/* ---- words ----------------------------------------------------------------------------- */

static int no_types(struct dump *d, const char *what, u32 id)
{
	return err_set(&d->t->err, ERR_LIVE, NULL, "%s %u was loaded without types (BTF)", what,
		       id);
}

static int of_prog(struct dump *d)
{
	struct prog_list l = { 0 };
	int r = prog_list_parse(&l, &d->t->w, &d->t->err);

	if (!r && l.n > 1)
		r = err_set(&d->t->err, ERR_LIVE, NULL, "%zu programs are called so; give an id",
			    l.n);
	if (!r) {
		d->id = l.v[0].btf_id;
		r = d->id ? 0 : no_types(d, "program", l.v[0].id);
	}
	prog_list_free(&l);
	return r;
}

/* [key | value | kv | all]: which types of a map. */
static void take_part(struct dump *d, const struct live_map *m)
{
	const bool all = word_take(&d->t->w, "all");
	const bool kv = !all && word_take(&d->t->w, "kv");
	const bool key = !all && !kv && word_take(&d->t->w, "key");
	const bool value = !all && !kv && !key && word_take(&d->t->w, "value");

	if (!all && !value && m->key_type)
		*vec_push(&d->roots) = m->key_type;
	if (!all && !key && m->value_type)
		*vec_push(&d->roots) = m->value_type;
}

static int of_map(struct dump *d)
{
	struct map_list l = { 0 };
	int r = map_list_parse(&l, &d->t->w, &d->t->err);

	if (!r && (l.n > 1 || l.v[0].file))
		r = err_set(&d->t->err, ERR_LIVE, NULL, "%s", l.n > 1 ? "several maps are called "
			    "so; give an id" : "that is a map of the embedded engine");
	if (!r) {
		d->id = l.v[0].btf_id;
		take_part(d, &l.v[0]);
		r = !d->id ? no_types(d, "map", l.v[0].id) : 0;
	}
	map_list_free(&l);
	return r;
}

/* The source, which is a file when no word says what it is. */
static int parse_source(struct dump *d)
{
	struct words *w = &d->t->w;
	const char *word = word_next(w);
	const bool more = word_peek(w);
	int r = 0;

	if (word && more && !strcmp(word, "id"))
		r = word_u32(w, "the id", &d->id, &d->t->err);
	else if (word && more && !strcmp(word, "prog"))
		r = of_prog(d);
	else if (word && more && !strcmp(word, "map"))
		r = of_map(d);
	else if (word && !strcmp(word, "file"))
		r = tool_word(d->t, "the file", &d->path);
	else if (word)
		d->path = word;
	else
		r = err_set(&d->t->err, ERR_USAGE, NULL, "types of what? id N, prog PROG, map MAP "
			    "or file FILE");
	snprintf(d->name, sizeof(d->name), "BTF %u", d->id);
	return r;
}

static int parse_root(struct dump *d)
{
	u32 id;
	int r = word_u32(&d->t->w, "the type's id", &id, &d->t->err);

	if (!r && !id)
		r = err_set(&d->t->err, ERR_USAGE, NULL, "type 0 is void");
	if (!r)
		*vec_push(&d->roots) = id;
	return r;
}

static int parse_format(struct dump *d)
{
	const char *word;
	int r = tool_word(d->t, "the format", &word);

	if (r)
		return r;
	d->c = !strcmp(word, "c");
	if (!d->c && strcmp(word, "raw"))
		return err_set(&d->t->err, ERR_USAGE, NULL, "format '%s'; there are raw and c",
			       word);
	if (d->c)
		word_take(&d->t->w, "unsorted");	/* it always is */
	return 0;
}

static int parse_dump(struct dump *d)
{
	int r = parse_source(d);

	while (!r && word_peek(&d->t->w)) {
		if (word_take(&d->t->w, "format"))
			r = parse_format(d);
		else if (word_take(&d->t->w, "root_id"))
			r = parse_root(d);
		else
			r = err_set(&d->t->err, ERR_USAGE, NULL, "'%s' is nothing that a dump "
				    "takes; there are format raw|c and root_id N",
				    word_peek(&d->t->w));
	}
	return r;
}

static int no_output_option(struct tool *t)
{
	return t->output ? err_set(&t->err, ERR_USAGE, NULL, "-o is for gen; this goes to standard "
				   "output") : 0;
}

static int btf_dump(struct tool *t)
{
	struct dump d = { .t = t };
	int r = no_output_option(t);

	if (!r)
		r = parse_dump(&d);
	if (!r)
		r = dump_from(&d);
	vec_free(&d.roots);
	return r;
}

static int btf_show(struct tool *t)
{
	int r = no_output_option(t);

	return r ? r : btf_list(t);
}

/* ---- gen -------------------------------------------------------------------- */

static int write_file(const struct strbuf *b, const char *path, struct skep_err *err)
{
	struct os_out out;
	int ret = os_out_open(&out, path, err);

	if (ret)
		return ret;
	if (fwrite(b->s, 1, b->n, out.f) == b->n)
		return os_out_commit(&out, err);
	ret = err_set(err, ERR_FILE_WRITE, path, "%s", strerror(errno));
	os_out_abort(&out);
	return ret;
}

static void lost_of(struct strbuf *b, u32 n, const char *one, const char *many)
{
	if (n)
		sb_printf(b, "%s%u %s", b->n ? ", " : "", n, n == 1 ? one : many);
}

/* What became BTF and what did not. */
static void note_report(const struct dwarf_report *rep, const char *path)
{
	struct strbuf lost = { 0 };

	fprintf(stderr, "%s: %u types of %u compile unit%s\n", path, rep->types,
		rep->units, rep->units == 1 ? "" : "s");
	lost_of(&lost, rep->other_units, "unit that is not in C", "units that are not in C");
	lost_of(&lost, rep->lost_types, "type without a kind in BTF",
		"types without a kind in BTF");
	lost_of(&lost, rep->lost_parts, "part of a type", "parts of types");
	if (lost.n)
		fprintf(stderr, "note: left out: %s\n", lost.s);
	sb_free(&lost);
}

static int btf_gen(struct tool *t)
{
	struct dwarf_report rep;
	struct strbuf out = { 0 };
	const char *path;
	int r = tool_word(t, "the program whose types are wanted", &path);

	if (!r)
		r = tool_no_more(t);
	if (!r && !t->output)
		r = err_set(&t->err, ERR_USAGE, NULL, "where to? give -o FILE");
	if (!r && (t->form.json || t->base))
		r = err_set(&t->err, ERR_USAGE, NULL, "--json and --base are for dump");
	if (!r)
		r = output_check(t->output, path, &t->err);
	if (!r)
		r = dwarf_to_btf(&out, path, &rep, &t->err);
	if (!r)
		r = write_file(&out, t->output, &t->err);
	if (!r)
		note_report(&rep, path);
	sb_free(&out);
	return r;
}

int cmd_btf(const struct command *cmd, int argc, char **argv)
{
	static const struct tool_command rows[] = {
		{ "show", "[id N]", btf_show },
		{ "list", "[id N]", btf_show },
		{ "help", "", tool_help },
		{ "dump", "id N|prog PROG|map MAP [key|value|kv|all]|[file] FILE [format raw|c] "
		  "[root_id N]...", btf_dump },
		{ "gen", "PROGRAM -o FILE", btf_gen },
	};
	static const struct tool_kind kind = {
		"btf", "types", rows, ARRAY_LEN(rows),
		"PROG is id N, name NAME, tag TAG or pinned FILE; MAP is id N, name NAME or pinned "
		"FILE.\nFILE is raw BTF, an ELF file with a section .BTF, or C.\n",
		"jpBo",
	};

	return tool_main(&kind, cmd, argc, argv);
}
