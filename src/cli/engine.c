/* SPDX-License-Identifier: BSD-2-Clause */
/* engine.c: what runs a program, and what the verifier says to that. */
#include "cli/run.h"
#include <inttypes.h>

struct how { const char *name, *text; };

static const struct how hows[] = {
	[SKEP_TIER_KERNEL] = { "kernel", "in the kernel" },
	[SKEP_TIER_CHECKED] = { "checked", "in the checked interpreter" },
	[SKEP_TIER_FAST] = { "fast", "in the fast interpreter" },
	[SKEP_TIER_JIT_FAST] = { "jit-fast", "as native code of one pass" },
	[SKEP_TIER_JIT_OPT] = { "jit-opt", "as optimised native code" },
	[SKEP_TIER_AOT] = { "aot", "as native code that was compiled before" },
};

int engine_jit(const struct command *cmd, const char *name, bool on_kernel, enum skep_jit *jit)
{
	static const char *const names[] = { [SKEP_JIT_OFF] = "off", [SKEP_JIT_FAST] = "fast",
		[SKEP_JIT_OPT] = "opt" };

	if (!name)
		return EXIT_YES;
	if (on_kernel)
		return usage_error("--jit is for the embedded engine: a kernel has its own");
	for (u32 i = SKEP_JIT_OFF; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i])) {
			*jit = (enum skep_jit)i;
			return EXIT_YES;
		}
	return usage_error("--jit takes off, fast or opt, not '%s'", name);
}

static struct skep_prog_engine engine_of(const struct skep_prog *p)
{
	struct skep_prog_engine e = { .size = sizeof(e), .tier = SKEP_TIER_CHECKED, .note = "" };

	skep_prog_engine(p, &e);
	return e;
}

const char *engine_text(const struct skep_prog *prog) { return hows[engine_of(prog).tier].text; }

static const char *verdict_of(const struct skep_prog *p)
{
	static const char *const words[] = { [SKEP_UNVERIFIED] = "not verified",
		[SKEP_VERIFIED] = "verified", [SKEP_NOT_JUDGED] = "not judged" };

	return words[p->verdict];
}

/* Why P runs as it does, when it is not what users ask for; or NULL. */
static const char *why(const struct skep_prog *p, const char *jit)
{
	const struct skep_prog_engine e = engine_of(p);

	if (p->note || *e.note)
		return p->note ? p->note : e.note;
	return e.tier == SKEP_TIER_CHECKED && jit && strcmp(jit, "off") ?
		"only what is verified is compiled" : NULL;
}

static void note(const struct skep_prog *p, bool verbose, const char *jit)
{
	const struct image *img = p->obj->img;
	const char *how = hows[engine_of(p).tier].text, *because = why(p, jit);
	struct strbuf out = { 0 };
	char where[512];

	if (p->note) {
		image_where(where, sizeof(where), img, &img->progs[p->index], p->note_insn);
		sb_printf(&out, "%s: ", where);
	}
	if (because || verbose)
		sb_printf(&out, "note: '%s' is %s and runs %s%s%s\n", skep_prog_name(p),
			  verdict_of(p), how, because ? ": " : "", because ? because : "");
	report_text(&out);
	sb_free(&out);
}

void engine_notes(const struct skep_object *obj, bool verbose, const char *jit)
{
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0)
			note(&obj->progs[i], verbose, jit);
}

void engine_json(struct json *j, const struct skep_prog *prog)
{
	json_str(j, "verdict", verdict_of(prog));
	json_str(j, "engine", hows[engine_of(prog).tier].name);
}

/* ---- --stats -------------------------------------------------------------- */

static void stats_line(struct strbuf *out, const struct skep_prog *p)
{
	const struct skep_prog_engine e = engine_of(p);
	const char *because = why(p, NULL);

	sb_printf(out, "  %s: %s, %u instructions", skep_prog_name(p), hows[e.tier].name, e.insns);
	if (e.code_bytes)
		sb_printf(out, ", %u bytes in %" PRIu64 " us", e.code_bytes, e.compile_ns / 1000);
	if (because)
		sb_printf(out, ": %s", because);
	sb_putc(out, '\n');
}

void engine_watch(const struct skep_object *obj, bool on)
{
	struct backend *b = obj->backend;

	for (u32 i = 0; on && b->ops->map_watch && i < obj->img->nr_maps; i++)
		b->ops->map_watch(b, i, true);
}

/* An array's lookups may be part of the code. */
static bool is_unseen(const struct skep_object *obj, const struct map_info *m)
{
	bool inlined = m->row->type == BPF_MAP_TYPE_ARRAY ||
		       m->row->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	for (u32 i = 0; inlined && i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0 &&
		    engine_of(&obj->progs[i]).tier == SKEP_TIER_JIT_OPT)
			return true;
	return false;
}

static void map_line(struct strbuf *out, const struct skep_object *obj, const struct map_info *m)
{
	bool unseen = is_unseen(obj, m);

	if (!m->lookups && !m->updates && !m->deletes && !unseen)
		return;
	sb_printf(out, "  %s: %" PRIu64 " lookups", m->name, m->lookups);
	if (m->lookups)
		sb_printf(out, ", %" PRIu64 " found (%.1f%%)", m->hits,
			  100.0 * (double)m->hits / (double)m->lookups);
	sb_printf(out, ", %" PRIu64 " updates, %" PRIu64 " deletes%s\n", m->updates, m->deletes,
		  unseen ? "; not counting lookups that are part of compiled code" : "");
}

static void map_stats(struct strbuf *out, const struct skep_object *obj)
{
	struct backend *b = obj->backend;
	struct map_info info;

	for (u32 i = 0; i < obj->img->nr_maps; i++)
		if (*obj->img->maps[i].name != '.' && !b->ops->map_info(b, i, &info))
			map_line(out, obj, &info);
}

void engine_stats(const struct skep_object *obj)
{
	u32 n[ARRAY_LEN(hows)] = { 0 };
	struct strbuf out = { 0 };

	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0) {
			n[engine_of(&obj->progs[i]).tier]++;
			stats_line(&out, &obj->progs[i]);
		}
	fprintf(stderr, "programs: %u jit-opt, %u jit-fast, %u fast, %u checked\n",
		n[SKEP_TIER_JIT_OPT], n[SKEP_TIER_JIT_FAST], n[SKEP_TIER_FAST],
		n[SKEP_TIER_CHECKED]);
	report_text(&out);
	sb_reset(&out);
	map_stats(&out, obj);
	if (out.n)
		fputs("maps: what was done with them\n", stderr);
	report_text(&out);
	sb_free(&out);
}

void engine_map_json(struct json *j, const struct skep_object *obj, u32 map)
{
	struct backend *b = obj->backend;
	struct map_info info;

	if (b->ops->map_info(b, map, &info) || !info.watched)
		return;
	json_obj(j, "operations");
	json_u64(j, "lookups", info.lookups);
	json_u64(j, "hits", info.hits);
	json_u64(j, "updates", info.updates);
	json_u64(j, "deletes", info.deletes);
	json_bool(j, "inlined_lookups", is_unseen(obj, &info));
	json_obj_end(j);
}

static void prog_json(struct json *j, const struct skep_prog *p)
{
	const struct skep_prog_engine e = engine_of(p);
	const char *because = why(p, NULL);

	json_obj(j, NULL);
	json_str(j, "name", skep_prog_name(p));
	engine_json(j, p);
	json_u64(j, "insns", e.insns);
	json_u64(j, "code_bytes", e.code_bytes);
	json_u64(j, "compile_ns", e.compile_ns);
	if (because)
		json_str(j, "note", because);
	json_obj_end(j);
}

void engine_stats_json(struct json *j, const struct skep_object *obj)
{
	json_arr(j, "programs");
	for (u32 i = 0; i < obj->img->nr_progs; i++)
		if (obj->progs[i].loaded >= 0)
			prog_json(j, &obj->progs[i]);
	json_arr_end(j);
}

static void reason_json(struct json *j, const struct skep_reason *r)
{
	char id[16];

	snprintf(id, sizeof(id), "SKEP-E%04d", r->id);
	json_obj(j, NULL);
	json_str(j, "id", id);
	json_str(j, "text", r->message);
	json_str(j, "program", r->program);
	json_u64(j, "insn", r->insn);
	if (r->file) {
		json_str(j, "file", r->file);
		json_u64(j, "line", r->line);
		if (r->column)
			json_u64(j, "col", r->column);
	}
	if (r->help)
		json_str(j, "help", r->help);
	json_str(j, "kernel", r->kernel);
	json_obj_end(j);
}

/* What stands for the results of a program that did not run. */
static void refused_json(const struct skep_prog *prog)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out, .pretty = true };

	json_obj(&j, NULL);
	json_str(&j, "object", prog->obj->img->file);
	json_str(&j, "program", skep_prog_name(prog));
	json_str(&j, "verdict", "rejected");
	json_arr(&j, "errors");
	for (u32 i = 0; i < prog->obj->nr_reasons; i++)
		reason_json(&j, &prog->obj->reason[i]);
	json_arr_end(&j);
	json_obj_end(&j);
	sb_putc(&out, '\n');
	print_out(&out);
	sb_free(&out);
}

bool engine_refused(const struct skep_prog *prog, bool json)
{
	if (!prog || !prog->obj->nr_reasons)
		return false;
	report_text(&prog->obj->reasons);
	if (json)
		refused_json(prog);
	return true;
}
