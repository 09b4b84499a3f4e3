/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_btf.c: type information in files, in bpftool's grammar:
 *
 *	skep btf dump [file] FILE [format raw|c]
 *
 * FILE is raw BTF or an ELF file with a section .BTF.
 */
#include "cli/cli.h"
#include "obj/obj.h"

#define SYS_BTF "/sys/kernel/btf/"
#define SYS_VMLINUX SYS_BTF "vmlinux"

struct dump {
	const char *path, *base;
	bool json, c;
};

/* What was collected goes out in pieces, so that memory stays small. */
static bool flush(struct strbuf *out, size_t above)
{
	bool ok = out->n <= above || fwrite(out->s, 1, out->n, stdout) == out->n;

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

static int dump_text(const struct btf *btf)
{
	struct strbuf out = { 0 };
	bool ok = true;

	for (u32 id = btf->first_id; id < btf->nr_types && ok; id++) {
		btf_raw_text(&out, btf, id);
		ok = flush(&out, 1 << 16);
	}
	return finish(&out);
}

/* {"types": [...]} */
static int dump_json(const struct btf *btf)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out };
	bool ok = true;

	json_obj(&j, NULL);
	json_arr(&j, "types");
	for (u32 id = btf->first_id; id < btf->nr_types && ok; id++) {
		btf_raw_json(&j, btf, id);
		ok = flush(&out, 1 << 16);
	}
	json_arr_end(&j);
	json_obj_end(&j);
	sb_putc(&out, '\n');
	return finish(&out);
}

static int dump_c(const struct btf *btf, const char *path)
{
	struct strbuf out = { 0 };
	struct skep_err err = { 0 };

	if (btf_header_c(&out, btf, path, &err)) {
		sb_free(&out);
		return report(&err);
	}
	return finish(&out);
}

static int dump_file(const struct dump *d)
{
	struct btf_file base = { 0 }, f = { 0 };
	struct skep_err err = { 0 };
	int status;

	if ((d->base && obj_open_btf(&base, d->base, NULL, &err)) ||
	    obj_open_btf(&f, d->path, base.btf, &err))
		status = report(&err);
	else if (d->c)
		status = dump_c(f.btf, d->path);
	else
		status = d->json ? dump_json(f.btf) : dump_text(f.btf);
	btf_close_file(&f);
	btf_close_file(&base);
	return status;
}

static bool is_module(const char *path)
{
	return !strncmp(path, SYS_BTF, strlen(SYS_BTF)) && strcmp(path, SYS_VMLINUX);
}

/* What follows "dump"; N words. False after a usage error. */
static bool parse_dump(struct dump *d, const struct command *cmd,
		       const char **words, size_t n)
{
	if (n && !strcmp(words[0], "file")) {
		words++;
		n--;
	}
	if (!n) {
		usage_error(cmd, "which file? give raw BTF or an object");
		return false;
	}
	d->path = words[0];
	if (n == 3 && !strcmp(words[1], "format")) {
		d->c = !strcmp(words[2], "c");
		if (d->c || !strcmp(words[2], "raw"))
			return true;
		usage_error(cmd, "format '%s'; there are raw and c", words[2]);
		return false;
	}
	if (n != 1)
		usage_error(cmd, "'%s' after the file; expected 'format c' or 'format raw'",
			    words[1]);
	return n == 1;
}

int cmd_btf(const struct command *cmd, int argc, char **argv)
{
	struct dump d = { 0 };
	const struct opt opts[] = {
		{ "base", 'B', OPT_STR, "FILE", "the BTF that FILE goes on after", &d.base },
		{ "base-btf", 0, OPT_STR, "FILE", "the same, bpftool's name for it", &d.base },
		{ "json", 'j', OPT_FLAG, NULL, "format raw as one JSON document", &d.json },
		{ 0 },
	};
	struct opt_result res;
	int status = EXIT_NO_ANSWER;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return res.status;
	if (!res.operands.n)
		usage_error(cmd, "what? `skep btf dump FILE` prints types");
	else if (strcmp(res.operands.v[0], "dump"))
		usage_error(cmd, "no '%s'; there is dump", res.operands.v[0]);
	else if (parse_dump(&d, cmd, res.operands.v + 1, res.operands.n - 1)) {
		if (!d.base && is_module(d.path))
			d.base = SYS_VMLINUX;
		status = dump_file(&d);
	}
	vec_free(&res.operands);
	return status;
}
