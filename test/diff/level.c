/* SPDX-License-Identifier: BSD-2-Clause */
/* level.c: see level.h. */
#include "diff/level.h"
#include "diff/gen.h"
#include "kernel/kernel.h"
#include "model/tables.h"
#include <stdio.h>

struct quirk_row {
	const char *name, *type, *program;
};

static const struct quirk_row quirks[NR_QUIRKS] = {
#define QUIRK(name, type, program, why) { #name, type, program },
#include "diff/quirk.def"
#undef QUIRK
};

static void read_helpers(struct gen_level *level, u32 type)
{
	for (u32 id = 1; id < LEVEL_HELPERS && helper_row(id); id++)
		level->helpers[type][id] = helper_offered(id, type) &&
					   kernel_has_helper(id, type) == 1;
}

static bool read_kfuncs(void)
{
	for (u32 i = 0; i < gen_scene.nr_externs; i++)
		if (kernel_has_kfunc(gen_scene.externs[i].name) != 1)
			return false;
	return true;
}

static bool assembled(struct diff_prog *p, const struct quirk_row *row, char *why, size_t n)
{
	struct isa_code code = { 0 };
	struct skep_err err;
	bool ok = !isa_asm(&code, row->program, strlen(row->program), row->name, &err);

	if (ok) {
		memcpy(p->v, code.v, code.n * sizeof(*code.v));
		p->n = (u32)code.n;
		p->type = progtype_find(row->type)->type;
		p->attach = 0;
	} else {
		snprintf(why, n, "quirk %s: %s", row->name, err.text);
	}
	vec_free(&code);
	return ok;
}

/* Does the kernel do otherwise? */
static bool read_quirk(bool *has, const struct quirk_row *row, struct world *w, char *why,
		       size_t n)
{
	static struct diff_prog p;
	struct diff_packet pkt = { .bytes = PACKET_BYTES };
	struct diff_result r;

	for (u32 i = 0; i < pkt.bytes; i++)
		pkt.data[i] = (u8)i;
	if (!assembled(&p, row, why, n))
		return false;
	world_run(w, &p, &pkt, &r);
	*has = r.outcome == DIFF_DIFFERS;
	if (*has || r.outcome == DIFF_SAME)
		return true;
	snprintf(why, n, "quirk %s: the kernel refuses its program (%d): %s", row->name,
		 r.kernel.error, r.kernel.line);
	return false;
}

bool level_read(struct gen_level *level, struct world *w, char *why, size_t n)
{
	memset(level, 0, sizeof(*level));
	level->kfuncs = read_kfuncs();
	for (u32 op = 0; op < OP_MAX; op++)
		level->rows[op] = kernel_has_insn((enum isa_op)op) == 1;
	for (u32 type = 1; type < LEVEL_TYPES; type++)
		if (gen_makes(type))
			read_helpers(level, type);
	for (u32 i = 0; i < NR_QUIRKS; i++)
		if (!read_quirk(&level->quirks[i], &quirks[i], w, why, n))
			return false;
	return true;
}

enum quirk quirk_find(const char *name)
{
	u32 i = 0;

	while (i < NR_QUIRKS && strcmp(quirks[i].name, name))
		i++;
	return (enum quirk)i;
}

static u32 count(const bool *v, u32 n)
{
	u32 sum = 0;

	while (n--)
		sum += v[n];
	return sum;
}

void level_print(const struct gen_level *level, struct strbuf *out)
{
	sb_printf(out, "-mcpu=v%d, %u kinds of instructions, %u helpers of program types, %s",
		  kernel_isa_level(), count(level->rows, OP_MAX),
		  count(level->helpers[0], LEVEL_TYPES * LEVEL_HELPERS),
		  level->kfuncs ? "kfuncs" : "no kfuncs");
	for (u32 i = 0; i < NR_QUIRKS; i++)
		if (level->quirks[i])
			sb_printf(out, ", %s", quirks[i].name);
}
