/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_disasm.c: instructions as text: of an object's programs, of raw bytes,
 * of classic BPF as `tcpdump -ddd` prints it.
 */
#include "cli/cli.h"
#include "cli/native.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include <ctype.h>
#include <linux/filter.h>

struct disasm {
	const char *prog;	/* only this one; NULL = all */
	bool json;
	bool lines;		/* source lines between instructions */
	bool plain;		/* text that `skep asm` takes, nothing else */
	const char *jit;	/* what programs are compiled to, too; or NULL */
	enum skep_jit tier;
	struct load_opts load;
	bool translate;		/* classic BPF as eBPF */
	bool refused;		/* a program, by the verifier: not shown */
	struct object_list objs;
	VEC(enum input_kind) kinds;	/* of the operands: pipes are looked into once */
};

/* ---- one program ------------------------------------------------------------ */

static void text_insn(struct strbuf *out, const struct disasm *d,
		      const struct bpf_insn *insns, u32 n, u32 at)
{
	if (d->plain)
		sb_puts(out, "\t");
	else
		sb_printf(out, "%8u:\t", at);
	isa_disasm(out, insns, n, at);
}

/* The name of what the instruction refers to, or NULL. */
static const char *target_name(const struct image *img, const struct image_prog *p, u32 at)
{
	const struct bpf_insn *insn = &p->insns[at];
	const struct helper_row *row;
	s64 to = (s64)at + 1 + insn->imm;

	switch (isa_op(insn)) {
	case OP_CALL:
		row = helper_row((u32)insn->imm);
		return row ? row->name : NULL;
	case OP_CALL_KFUNC:
	case OP_LDDW_BTF_ID:
		return (u32)insn->imm < img->nr_externs ? img->externs[insn->imm].name : NULL;
	case OP_CALL_LOCAL:
	case OP_LDDW_FUNC:
		return to >= 0 && to < p->nr_insns ? image_func(p, (u32)to)->name : NULL;
	case OP_LDDW_MAP_IDX:
	case OP_LDDW_IDX_VAL:
		return (u32)insn->imm < img->nr_maps ? img->maps[insn->imm].name : NULL;
	default:
		return NULL;
	}
}

static void text_target(struct strbuf *out, const struct image *img,
			const struct image_prog *p, u32 at)
{
	const char *name = target_name(img, p, at);
	const char *what = isa_op(&p->insns[at]) == OP_CALL ? "bpf_" : "";

	if (name)
		sb_printf(out, "\t// %s%s", what, name);
}

static void text_line(struct strbuf *out, const struct image_prog *p, u32 at)
{
	const struct image_line *l = image_line(p, at);

	if (l && l->insn == at && l->text[0])
		sb_printf(out, "; %s:%u: %s\n", image_line_file(l), l->line,
			  l->text + strspn(l->text, " \t"));
}

static void text_prog(struct strbuf *out, const struct disasm *d, const struct image *img,
		      const struct image_prog *p)
{
	u32 func = 0;

	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		if (!d->plain && func < p->nr_funcs && p->funcs[func].insn == i)
			sb_printf(out, "%s%s%s%s:\n", i ? "" : p->section, i ? "" : ": ",
				  p->funcs[func].name, i ? " (subprogram)" : "");
		func += func < p->nr_funcs && p->funcs[func].insn == i;
		if (d->lines)
			text_line(out, p, i);
		text_insn(out, d, p->insns, p->nr_insns, i);
		if (!d->plain)
			text_target(out, img, p, i);
		sb_putc(out, '\n');
	}
}

static void json_code(struct json *j, const struct bpf_insn *insns, u32 n,
		      const struct image_prog *p)
{
	struct strbuf text = { 0 };

	json_arr(j, "insns");
	for (u32 i = 0; i < n; i += isa_slots(&insns[i])) {
		const struct image_line *l = p ? image_line(p, i) : NULL;

		sb_reset(&text);
		isa_disasm(&text, insns, n, i);
		json_obj(j, NULL);
		json_u64(j, "insn", i);
		json_str(j, "text", sb_text(&text));
		if (l && l->insn == i) {
			json_str(j, "file", image_line_file(l));
			json_u64(j, "line", l->line);
		}
		json_obj_end(j);
	}
	json_arr_end(j);
	sb_free(&text);
}

void disasm_image(struct strbuf *out, const struct image *img)
{
	const struct disasm d = { .lines = true };

	for (u32 i = 0; i < img->nr_progs; i++)
		text_prog(out, &d, img, &img->progs[i]);
}

/* ---- objects ------------------------------------------------------------------- */

static int text_of(struct strbuf *out, const struct disasm *d, struct skep_prog *prog,
		   struct skep_err *err)
{
	const struct image *img = prog->obj->img;

	if (d->jit)
		return native_show(out, NULL, prog, err);
	text_prog(out, d, img, &img->progs[prog->index]);
	return 0;
}

static int json_of(struct json *j, const struct disasm *d, struct skep_prog *prog,
		   struct skep_err *err)
{
	const struct image *img = prog->obj->img;
	const struct image_prog *p = &img->progs[prog->index];
	int r = 0;

	json_obj(j, NULL);
	json_str(j, "file", img->file);
	json_str(j, "name", p->name);
	json_str(j, "section", p->section);
	json_code(j, p->insns, p->nr_insns, p);
	if (d->jit)
		r = native_show(NULL, j, prog, err);
	json_obj_end(j);
	return r;
}

/* Programs that the verifier refuses are told and left out. */
static void leave_out(struct disasm *d, struct skep_object *obj)
{
	report_text(&obj->reasons);
	d->refused = true;
	for (u32 i = 0; i < obj->nr_reasons; i++)
		for (u32 k = 0; k < obj->img->nr_progs; k++)
			if (!strcmp(obj->img->progs[k].name, obj->reason[i].program))
				obj->img->progs[k].autoload = false;
}

/* Verifies and compiles the programs that are shown. */
static int compile(struct disasm *d, struct skep_object *obj, struct skep_err *err)
{
	struct skep_load_opts opts = { .size = sizeof(opts) };
	struct skep_prog *prog = d->prog ? skep_object_prog(obj, d->prog) : NULL;
	const struct prog_set only = { &(u32){ prog ? prog->index : 0 }, 1 };
	int r;

	opts.jit = d->tier;
	r = object_load(obj, &opts, prog ? &only : NULL, err);
	if (!r || prog || !obj->nr_reasons)
		return r;
	leave_out(d, obj);
	return object_load(obj, &opts, NULL, err);
}

static bool is_shown(const struct disasm *d, const struct skep_prog *p)
{
	return d->prog ? !strcmp(d->prog, skep_prog_name(p)) : !d->jit || p->loaded >= 0;
}

static int show_object(struct strbuf *out, struct json *j, struct disasm *d,
		       struct skep_object *obj, struct skep_err *err)
{
	struct skep_prog *p = NULL;
	bool first = true;
	int r = d->jit ? compile(d, obj, err) : 0;

	while (!r && (p = skep_object_next_prog(obj, p))) {
		if (!is_shown(d, p))
			continue;
		if (!d->json)
			sb_puts(out, first ? "" : "\n");
		first = false;
		r = d->json ? json_of(j, d, p, err) : text_of(out, d, p, err);
	}
	return r;
}

/* The objects of the command line; one that --prog is not in shows nothing. */
static int open_objects(struct disasm *d, const struct str_list *operands, struct skep_err *err)
{
	struct str_list paths = { 0 };
	bool found = !d->prog;
	int r = 0;

	for (size_t i = 0; !r && i < operands->n; i++) {
		enum input_kind kind = INPUT_OTHER;

		r = input_kind(&kind, operands->v[i], err);
		*vec_push(&d->kinds) = kind;
		if (!r && (kind == INPUT_ELF || kind == INPUT_C))
			*vec_push(&paths) = operands->v[i];
	}
	if (d->prog)
		*vec_push(&d->load.progs) = d->prog;
	if (!r && d->translate && paths.n)
		r = err_set(err, ERR_USAGE, NULL, "--translate is for classic BPF: "
			    "'%s' is an object", paths.v[0]);
	if (!r && paths.n)
		r = input_objects(&d->objs, &paths, &d->load, err);
	vec_free(&paths);
	for (size_t i = 0; i < d->objs.n; i++)
		found = found || skep_object_prog(d->objs.v[i], d->prog);
	if (r || found)
		return r;
	return no_program(&d->objs, d->prog, err);
}

/* ---- classic BPF and raw bytes --------------------------------------------------- */

static void show_code(struct strbuf *out, struct json *j, const struct disasm *d,
		      const char *path, const struct bpf_insn *insns, u32 n)
{
	if (d->json) {
		json_obj(j, NULL);
		json_str(j, "file", path);
		json_code(j, insns, n, NULL);
		json_obj_end(j);
		return;
	}
	for (u32 i = 0; i < n; i += isa_slots(&insns[i])) {
		text_insn(out, d, insns, n, i);
		sb_putc(out, '\n');
	}
}

static void show_cbpf_text(struct strbuf *out, const struct isa_cbpf *prog)
{
	for (size_t i = 0; i < prog->n; i++) {
		cbpf_disasm(out, prog->v, i);
		sb_putc(out, '\n');
	}
}

static int show_cbpf(struct strbuf *out, struct json *j, const struct disasm *d,
		     const char *path, const struct os_file *f, struct skep_err *err)
{
	struct isa_code code = { 0 };
	struct isa_cbpf prog = { 0 };
	int r = cbpf_parse(&prog, (const char *)f->data, f->size, path, err);

	if (!r)
		r = cbpf_check(prog.v, prog.n, path, err);
	if (!r && (d->translate || d->json)) {
		r = cbpf_translate(&code, prog.v, prog.n, path, err);
		if (!r)
			show_code(out, j, d, path, code.v, (u32)code.n);
	} else if (!r) {
		show_cbpf_text(out, &prog);
	}
	vec_free(&code);
	vec_free(&prog);
	return r;
}

static int show_raw(struct strbuf *out, struct json *j, const struct disasm *d,
		    const char *path, const struct os_file *f, struct skep_err *err)
{
	struct bpf_insn *insns;

	if (f->size % sizeof(*insns) || !f->size || f->size > 1u << 30)
		return err_set(err, ERR_FILE_KIND, path,
			       "neither an ELF object nor text, and %zu bytes are no "
			       "8-byte instructions", f->size);
	insns = mem_alloc(f->size);	/* aligned */
	memcpy(insns, f->data, f->size);
	show_code(out, j, d, path, insns, (u32)(f->size / sizeof(*insns)));
	free(insns);
	return 0;
}

/* Text, as of tcpdump -ddd: raw instructions hold bytes that do not print. */
static bool is_text(const struct os_file *f)
{
	for (size_t i = 0; i < f->size; i++)
		if (!isprint(f->data[i]) && !isspace(f->data[i]))
			return false;
	return f->size > 0;
}

static int show_file(struct strbuf *out, struct json *j, const struct disasm *d,
		     const char *path, struct skep_err *err)
{
	struct os_file f;
	int r = os_file_read(&f, path, err);

	if (r)
		return r;
	r = is_text(&f) ? show_cbpf(out, j, d, input_name(path), &f, err) :
			  show_raw(out, j, d, input_name(path), &f, err);
	os_file_close(&f);
	return r;
}

/* ---- the command -------------------------------------------------------------------- */

/* Objects stand where they were named; linked ones where the first was. */
static int show_operands(struct strbuf *out, struct json *j, struct disasm *d,
			 const struct str_list *operands, struct skep_err *err)
{
	int r = open_objects(d, operands, err);
	size_t at = 0;

	for (size_t i = 0; !r && i < operands->n; i++) {
		if (d->kinds.v[i] != INPUT_ELF && d->kinds.v[i] != INPUT_C)
			r = show_file(out, j, d, operands->v[i], err);
		else if (at < d->objs.n)
			r = show_object(out, j, d, d->objs.v[at++], err);
	}
	input_close(&d->objs);
	vec_free(&d->kinds);
	return r;
}

int cmd_disasm(const struct command *cmd, int argc, char **argv)
{
	struct disasm d = { 0 };
	const struct opt opts[] = {{"prog", 0, OPT_STR, "NAME",
				    "only the program NAME of an object", &d.prog},
				   {"lines", 'l', OPT_FLAG, NULL,
				    "show source lines between instructions", &d.lines},
				   {"plain", 'p', OPT_FLAG, NULL,
				    "only what `skep asm` takes back", &d.plain},
				   {"translate", 't', OPT_FLAG, NULL,
				    "show classic BPF as the eBPF it is translated to",
				    &d.translate},
				   {"jit", 0, OPT_STR, "TIER",
				    "show the native code beside it: fast or opt", &d.jit},
				   {"json", 'j', OPT_FLAG, NULL, "print JSON", &d.json},
				   LOAD_OPTS(&d.load),
				   {0}};
	struct strbuf out = { 0 };
	struct json j = { .out = &out, .pretty = true };
	struct opt_result res;
	struct skep_err err;
	int status = EXIT_YES, r = 0;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return load_opts_free(&d.load), res.status;
	if (d.translate && d.jit)
		status = usage_error("--translate is for classic BPF, --jit for objects");
	else if (!res.operands.n)
		status = usage_error("an object, a file of raw instructions or classic BPF "
				     "is needed");
	else if (d.jit)
		status = strcmp(d.jit, "off") ? native_tier(&d.tier, d.jit) :
			 usage_error("--jit takes fast or opt here: what is off shows nothing");
	if (d.json)
		json_arr(&j, NULL);
	if (!status)
		r = show_operands(&out, &j, &d, &res.operands, &err);
	if (d.json) {
		json_arr_end(&j);
		sb_putc(&out, '\n');
	}
	if (r)
		status = report(&err);
	else if (!status)
		status = print_out(&out);
	if (!status && d.refused)
		status = EXIT_NO;
	sb_free(&out);
	vec_free(&res.operands);
	load_opts_free(&d.load);
	return status;
}
