/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manifest.c: what a program may do and what it needs, from the tables of the
 * model and the instructions that it can reach (those linked into it).
 */
#include "cli/inspect.h"
#include "model/dates.h"

static void needs_kernel(struct manifest *m, const char *since, const char *what,
			 const char *name)
{
	if (m->since && dates_code(since) <= dates_code(m->since))
		return;
	m->since = since;
	snprintf(m->why, sizeof(m->why), "%s%s%s", what, *name ? " " : "", name);
}

const char *helper_text(u32 id, char buf[64])
{
	const struct helper_row *row = helper_row(id);

	if (row)
		return row->name;
	snprintf(buf, 64, "#%u", id);
	return buf;
}

static void note_helper(struct manifest *m, u32 type, u32 id)
{
	const struct helper_row *row = helper_row(id);
	struct helpers *h = &m->helpers;
	u32 k = 0;

	while (k < h->n && h->id[k] != id)
		k++;
	if (k < h->n)
		return;
	if (h->n == ARRAY_LEN(h->id)) {
		h->more++;
		return;
	}
	h->id[h->n++] = id;
	m->effects |= helper_effects(id);
	m->caps |= helper_caps(id, type);
	if (!row)
		return;
	needs_kernel(m, row->since, "helper", row->name);
	if (row->gpl && !m->gpl)
		m->gpl = row->name;
}

static bool is_jump(u8 kind)
{
	return kind >= KIND_JMP_JEQ && kind <= KIND_JA32;
}

static void note_insn(struct manifest *m, const struct image *img, u32 type,
		      const struct bpf_insn *insn)
{
	enum isa_op op = isa_op(insn);
	struct date date;
	s64 delta;

	if (op == OP_BAD)
		return;
	date = dates_insn(op);
	if (date.since)
		needs_kernel(m, date.since, date.what, "");
	if (op == OP_MAY_GOTO)
		m->effects |= 1u << EFFECT_LOOP;
	if (is_jump(isa_rows[op].kind) && isa_target(insn, &delta) && delta < 0)
		needs_kernel(m, "5.3", "loops", "");
	if (op == OP_CALL && (u32)insn->imm != IMAGE_POISON)
		note_helper(m, type, (u32)insn->imm);
	if ((op == OP_LDDW_MAP_IDX || op == OP_LDDW_IDX_VAL) && (u32)insn->imm < img->nr_maps)
		m->maps[insn->imm] = true;
}

static void note_maps(struct manifest *m, const struct image *img)
{
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct maptype_row *row = maptype_row(img->maps[i].type);

		if (!m->maps[i])
			continue;
		if (img->maps[i].kind != IMAGE_MAP_USER)
			needs_kernel(m, "5.2", "global variables", "");
		else if (row)
			needs_kernel(m, row->since, "map type", row->name);
		m->caps |= maptype_caps(img->maps[i].type);
	}
}

void manifest_make(struct manifest *m, const struct image *img, const struct image_prog *p)
{
	const struct progtype_row *row = progtype_row(p->type);

	*m = (struct manifest){ .maps = mem_alloc(img->nr_maps * sizeof(*m->maps)) };
	if (row)
		needs_kernel(m, row->since, "program type", row->name);
	if (p->expected_attach && dates_attach(p->expected_attach).since)
		needs_kernel(m, dates_attach(p->expected_attach).since, "section", p->section);
	for (unsigned flag = SEC_SLEEPABLE; p->sec && flag <= SEC_FRAGS; flag <<= 1)
		if (p->sec->flags & flag)
			needs_kernel(m, dates_sec(flag).since, "section", p->section);
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i]))
		note_insn(m, img, p->type, &p->insns[i]);
	note_maps(m, img);
	m->effects |= flow_effects(p);
	if (p->sec && p->sec->flags & SEC_SLEEPABLE)
		m->effects |= 1u << EFFECT_SLEEP;
	m->caps |= progtype_caps(p->type);
}

void manifest_free(struct manifest *m)
{
	free(m->maps);
}
