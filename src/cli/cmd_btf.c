/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_btf.c: type information in files, in bpftool's grammar:
 *
 *	skep btf dump [file] FILE [format raw|c] [root_id ID]...
 *	skep btf gen PROGRAM -o OUT
 *
 * FILE is raw BTF or an ELF file with a section .BTF, PROGRAM a compiled program
 * with debug information.
 */
#include "cli/cli.h"
#include "obj/obj.h"
#include "sym/dwarf.h"
#include <ctype.h>

#define SYS_BTF "/sys/kernel/btf/"
#define SYS_VMLINUX SYS_BTF "vmlinux"

struct dump {
	const char *path, *base;
	VEC(u32) roots;		/* only these types */
	bool json, c;
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
	struct json j = { .out = &out };

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
	struct skep_err err = { 0 };

	if (btf_header_c(&out, btf, d->roots.v, d->roots.n, d->path, &err)) {
		sb_free(&out);
		return report(&err);
	}
	return finish(&out);
}

static int dump_types(const struct dump *d, const struct btf *btf)
{
	for (size_t i = 0; i < d->roots.n; i++)
		if (d->roots.v[i] >= btf->nr_types) {
			return usage_error("%s has no type %u; there are 1..%u", d->path,
					   d->roots.v[i], btf->nr_types - 1);
		}
	if (d->c)
		return dump_c(d, btf);
	return d->json ? dump_json(d, btf) : dump_text(d, btf);
}

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

static int dump_file(const struct dump *d)
{
	struct btf_file base = { 0 }, f = { 0 };
	struct skep_err err = { 0 };
	int status;

	if ((d->base && obj_open_btf(&base, d->base, NULL, &err)) ||
	    open_types(&f, d->path, base.btf, &err))
		status = report(&err);
	else
		status = dump_types(d, f.btf);
	btf_close_file(&f);
	btf_close_file(&base);
	return status;
}

static bool is_module(const char *path)
{
	return !strncmp(path, SYS_BTF, strlen(SYS_BTF)) && strcmp(path, SYS_VMLINUX);
}

static bool parse_root(struct dump *d, const struct command *cmd, const char *word)
{
	char *end;
	unsigned long id = strtoul(word, &end, 10);

	if (!isdigit((unsigned char)*word) || *end || !id || id > UINT32_MAX) {
		usage_error("'%s' is no type id", word);
		return false;
	}
	*vec_push(&d->roots) = (u32)id;
	return true;
}

/* WORDS[*I] and its value; moves *I behind them. */
static bool parse_word(struct dump *d, const struct command *cmd,
		       const char **words, size_t n, size_t *i)
{
	const char *word = words[*i], *value = *i + 1 < n ? words[*i + 1] : "";

	*i += 2;
	if (!strcmp(word, "root_id"))
		return parse_root(d, cmd, value);
	if (strcmp(word, "format")) {
		usage_error("'%s' after the file; expected 'format' or 'root_id'", word);
		return false;
	}
	d->c = !strcmp(value, "c");
	if (!d->c && strcmp(value, "raw")) {
		usage_error("format '%s'; there are raw and c", value);
		return false;
	}
	*i += d->c && *i < n && !strcmp(words[*i], "unsorted");	/* it always is */
	return true;
}

/* What follows "dump"; N words. False after a usage error. */
static bool parse_dump(struct dump *d, const struct command *cmd,
		       const char **words, size_t n)
{
	size_t i = n && !strcmp(words[0], "file");

	if (i == n) {
		usage_error("which file? give raw BTF or an object");
		return false;
	}
	d->path = words[i++];
	while (i < n)
		if (!parse_word(d, cmd, words, n, &i))
			return false;
	return true;
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

static int gen_types(const struct command *cmd, const struct str_list *words,
		     const char *to)
{
	struct dwarf_report rep;
	struct skep_err err = { 0 };
	struct strbuf out = { 0 };
	int status = EXIT_YES;

	if (words->n != 2)
		return usage_error(words->n < 2 ? "types of which program?" :
				   "one program at a time");
	if (!to)
		return usage_error("where to? give -o FILE");
	if (output_check(to, words->v[1], &err) ||
	    dwarf_to_btf(&out, words->v[1], &rep, &err) || write_file(&out, to, &err))
		status = report(&err);
	else
		note_report(&rep, words->v[1]);
	sb_free(&out);
	return status;
}

int cmd_btf(const struct command *cmd, int argc, char **argv)
{
	struct dump d = { 0 };
	const char *to = NULL;
	const struct opt opts[] = {
		{ "base", 'B', OPT_STR, "FILE", "the BTF that FILE goes on after", &d.base },
		{ "base-btf", 0, OPT_STR, "FILE", "the same, bpftool's name for it", &d.base },
		{ "json", 'j', OPT_FLAG, NULL, "format raw as one JSON document", &d.json },
		{ "output", 'o', OPT_STR, "FILE", "where gen writes to", &to },
		{ 0 },
	};
	struct opt_result res;
	int status = EXIT_NO_ANSWER;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (!res.operands.n)
		usage_error("what? `skep btf dump FILE` prints types");
	else if (!strcmp(res.operands.v[0], "gen"))
		status = d.json || d.base ? usage_error("--json and --base are for dump") :
					    gen_types(cmd, &res.operands, to);
	else if (strcmp(res.operands.v[0], "dump"))
		usage_error("no '%s'; there are dump and gen", res.operands.v[0]);
	else if (to)
		usage_error("-o is for gen; dump writes to standard output");
	else if (parse_dump(&d, cmd, res.operands.v + 1, res.operands.n - 1)) {
		if (!d.base && is_module(d.path))
			d.base = SYS_VMLINUX;
		status = dump_file(&d);
	}
	vec_free(&d.roots);
	vec_free(&res.operands);
	return status;
}
