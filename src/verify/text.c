/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text.c: a verdict for people: reasons as compilers print them, and which programs
 * cannot be judged without a kernel's types.
 */
#include "isa/isa.h"
#include "model/tables.h"
#include "verify/verify.h"

static void source_line(struct strbuf *out, const struct image_line *line)
{
	const char *text = line->text;
	u32 indent = 0, col = line->col;

	if (!text || !*text)
		return;
	sb_printf(out, "%5u | %s\n", line->line, text);
	while (text[indent] && (text[indent] == ' ' || text[indent] == '\t'))
		indent++;
	if (!col)
		return;
	sb_puts(out, "      | ");
	for (u32 i = 0; i + 1 < col && text[i]; i++)
		sb_putc(out, text[i] == '\t' ? '\t' : ' ');
	sb_puts(out, "^\n");
}

void verify_error_text(struct strbuf *out, const struct image *img,
		       const struct image_prog *p, const struct verify_error *e,
		       const char *word)
{
	const struct image_line *line = image_line(p, e->insn);
	char where[512];

	image_where(where, sizeof(where), img, p, e->insn);
	sb_printf(out, "%s: %s: %s [SKEP-E%04d]\n", where, word, e->text, (int)e->id);
	if (line)
		source_line(out, line);
	for (u32 i = 0; i < e->nr_notes; i++) {
		if (e->note_insns[i] != VERIFY_NOWHERE) {
			image_where(where, sizeof(where), img, p, e->note_insns[i]);
			sb_printf(out, "%s: ", where);
		}
		sb_printf(out, "note: %s\n", e->notes[i]);
	}
	if (e->help)
		sb_printf(out, "help: %s\n", e->help);
	if (*e->kernel)
		sb_printf(out, "kernel: %s\n", e->kernel);
}

void verify_reasons(struct strbuf *out, const struct image *img, const struct image_prog *p,
		    const struct verify_result *r)
{
	char where[512];

	for (u32 i = 0; i < r->nr_errors; i++)
		verify_error_text(out, img, p, &r->errors[i], "error");
	for (u32 i = 0; i < r->nr_warnings; i++)
		verify_error_text(out, img, p, &r->warnings[i], "warning");
	if (r->verdict == VERDICT_OK && r->by_invariants) {
		image_where(where, sizeof(where), img, p, 0);
		sb_printf(out, "%s: note: '%s' is safe by what holds where its paths meet; "
			  "following them all takes longer than the kernel may have patience for "
			  "(--policy kernel)\n", where, p->name);
	}
	if (r->verdict != VERDICT_NOT_JUDGED)
		return;
	image_where(where, sizeof(where), img, p, r->construct_insn);
	sb_printf(out, "%s: note: '%s' is not judged: the verifier does not support it yet: %s\n",
		  where, p->name, r->construct);
}

/* ---- the kernel's types --------------------------------------------------- */

static bool kfunc_wants(const struct image *img, u32 index)
{
	const char *name = index < img->nr_externs ? img->externs[index].name : "";

	return kfunc_typed_row(name) || !kfunc_row(name);
}

static bool helper_wants(u32 id, u32 type)
{
	const struct helper_row *row = helper_proto(id, type);

	if (!row)
		return false;
	for (u32 i = 0; i < 5; i++)
		if (row->args[i] >= ARG_PERCPU_BTF)
			return true;
	return row->ret == RET_BTF || row->ret == RET_BTF_OR_NULL;
}

static bool insn_wants(const struct image *img, u32 type, const struct bpf_insn *in)
{
	u32 index = (u32)in->imm;

	switch (isa_op(in)) {
	case OP_CALL_KFUNC:
		return kfunc_wants(img, index);
	case OP_LDDW_BTF_ID:
		return index >= img->nr_externs || img->externs[index].kind != IMAGE_KFUNC ||
		       kfunc_wants(img, index);
	case OP_CALL:
		/* a pointer may be to an object of either side: in own objects, too */
		return index == BPF_FUNC_kptr_xchg || helper_wants(index, type);
	default:
		return false;
	}
}

/* Do tags of parameters say that they are objects of the kernel? */
static bool tags_want(const struct btf *btf)
{
	for (u32 id = 1; btf && id < btf->nr_types; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_DECL_TAG &&
		    (!strcmp(btf_type_name(btf, id), "arg:trusted") ||
		     !strcmp(btf_type_name(btf, id), "arg:untrusted")))
			return true;
	return false;
}

bool verify_wants_types(const struct image *img, const struct image_prog *p)
{
	for (u32 i = 0; i < img->nr_maps; i++)
		if (img->maps[i].nr_kptrs)
			return true;
	if ((p->sec && (p->sec->flags & SEC_ATTACH_BTF)) || tags_want(img->btf))
		return true;
	/* who knows what a map is reads maps themselves */
	if (img->btf && btf_find(img->btf, "bpf_map", BTF_KIND_STRUCT))
		return true;
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		if (insn_wants(img, p->type, &p->insns[i]))
			return true;
	return p->type == BPF_PROG_TYPE_TRACING || p->type == BPF_PROG_TYPE_LSM;
}
