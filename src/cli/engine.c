/* SPDX-License-Identifier: BSD-2-Clause */
/* engine.c: which interpreter runs a program, and what the verifier says to that. */
#include "cli/run.h"

static const char *engine_of(const struct skep_prog *p) { return p->fast ? "fast" : "checked"; }

static const char *verdict_of(const struct skep_prog *p)
{
	static const char *const words[] = { [SKEP_UNVERIFIED] = "not verified",
		[SKEP_VERIFIED] = "verified", [SKEP_NOT_JUDGED] = "not judged" };

	return words[p->verdict];
}

static void note(const struct skep_prog *p, bool verbose)
{
	const struct image *img = p->obj->img;
	struct strbuf out = { 0 };
	char where[512];

	if (p->note) {
		image_where(where, sizeof(where), img, &img->progs[p->index], p->note_insn);
		sb_printf(&out, "%s: note: '%s' is %s and runs in the checked interpreter: %s\n",
			  where, skep_prog_name(p), verdict_of(p), p->note);
	} else if (verbose) {
		sb_printf(&out, "note: '%s' is %s and runs in the %s interpreter\n",
			  skep_prog_name(p), verdict_of(p), engine_of(p));
	}
	write_text(stderr, out.s, out.n);
	sb_free(&out);
}

void engine_notes(const struct skep_object *obj, bool verbose)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0)
			note(&obj->progs[i], verbose);
}

void engine_json(struct json *j, const struct skep_prog *prog)
{
	json_str(j, "verdict", verdict_of(prog));
	json_str(j, "engine", engine_of(prog));
}

bool engine_refused(const struct skep_prog *prog)
{
	if (!prog || !prog->obj->nr_reasons)
		return false;
	fflush(stdout);
	write_text(stderr, prog->obj->reasons.s, prog->obj->reasons.n);
	return true;
}
