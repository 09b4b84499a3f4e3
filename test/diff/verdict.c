/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict.c: see verdict.h. */
#include "diff/verdict.h"
#include "diff/refusal.h"
#include "obj/obj.h"
#include <inttypes.h>
#include <stdio.h>
#include "unit/kernel_bpf.h"

enum judged (*verdict_judge)(const struct image *img, u32 prog, char *why, size_t n);
u32 verdict_as;

static const char *const judged_words[] = { "ok", "rejected", "none" };
static const char *const relation_words[] = { "agree", "accepts", "rejects", "open" };

void verdicts_open(struct verdicts *v, const char *path)
{
	*v = (struct verdicts){ .to = path ? fopen(path, "a") : NULL };
	if (path && !v->to)
		fail_msg("%s: cannot be written", path);
}

static struct image_map image_map(const struct diff_map *m)
{
	const struct map_attr *a = &m->attr;

	return (struct image_map){ .name = a->name, .type = a->type, .key_size = a->key_size,
		.value_size = a->value_size, .max_entries = a->max_entries,
		.map_flags = a->map_flags, .map_extra = a->map_extra,
		.kind = m->frozen ? IMAGE_MAP_RODATA : IMAGE_MAP_USER, .init = m->init };
}

struct image *verdict_image(const struct diff_scene *scene, const struct diff_prog *p,
			    struct skep_err *err)
{
	struct image_map maps[WORLD_MAPS];
	struct image *img;

	for (u32 i = 0; i < scene->nr_maps; i++)
		maps[i] = image_map(&scene->maps[i]);
	if (obj_from_insns(&img, p->type, "diff", p->v, p->n, maps, scene->nr_maps, "GPL", err))
		return NULL;
	img->externs = (struct image_extern *)scene->externs;
	img->nr_externs = scene->nr_externs;
	img->progs[0].expected_attach = p->attach;
	return img;
}

static enum judged ask(const struct diff_scene *scene, const struct diff_prog *p, char *why,
		       size_t n)
{
	struct skep_err err;
	struct image *img;
	enum judged j;

	if (!verdict_judge)
		return JUDGED_NONE;
	img = verdict_image(scene, p, &err);
	if (!img) {
		snprintf(why, n, "%.*s", (int)n - 1, err.text);
		return JUDGED_REJECTED;
	}
	j = verdict_judge(img, 0, why, n);
	image_free(img);
	return j;
}

static enum relation relation(const struct diff_verdict *kernel, enum judged ours)
{
	if (ours == JUDGED_NONE)
		return RELATION_OPEN;
	if (!kernel->error == (ours == JUDGED_OK))
		return RELATION_AGREE;
	return kernel->error ? RELATION_ACCEPTS : RELATION_REJECTS;
}

/* The name of the reason why. */
static const char *reason(struct verdicts *v, const struct diff_verdict *kernel)
{
	const struct refusal *r;

	if (!kernel->error) {
		v->accepted++;
		return "-";
	}
	v->refused++;
	r = refusal_of(kernel);
	if (!r && !v->unknown++)
		snprintf(v->unknown_line, sizeof(v->unknown_line), "%s", kernel->line);
	return r ? r->name : "?";
}

/* What the kernel refuses for reasons that are not the program's: its limits, its
 * mistakes, what it looks up by name. Formats of text are not judged. */
static bool excused(const char *reason)
{
	static const char *const names[] = { "no-jit", "bug", "large", "slow", "format",
					     "extern" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(reason, names[i]))
			return true;
	return false;
}

/* DIFF_SHOW: programs with different verdicts as text. */
static void show(const struct diff_prog *p, const char *source, const char *line, const char *why)
{
	struct strbuf text = { 0 };

	if (!getenv("DIFF_SHOW"))
		return;
	sb_printf(&text, "=== %s type %u\n-- kernel: %s\n-- ours: %s\n", source, p->type,
		  line, why);
	for (u32 i = 0; i < p->n; i += isa_slots(&p->v[i])) {
		sb_printf(&text, "%5u: ", i);
		isa_disasm(&text, p->v, p->n, i);
		sb_putc(&text, '\n');
	}
	fputs(sb_text(&text), stderr);
	sb_free(&text);
}

enum relation verdicts_add(struct verdicts *v, const char *source, u64 seed,
			   const struct diff_scene *scene, const struct diff_prog *p,
			   const struct diff_verdict *kernel)
{
	const char *name = reason(v, kernel);
	char why[200] = "", said[16] = "ok";
	enum judged ours = ask(scene, p, why, sizeof(why));
	enum relation rel = relation(kernel, ours);

	why[strcspn(why, "\n")] = '\0';	/* texts for people may end a line */
	if (!v->n[rel]++)
		v->first[rel] = seed;
	if (rel == RELATION_ACCEPTS && !excused(name))
		v->looser++;
	if (rel == RELATION_REJECTS || (rel == RELATION_ACCEPTS && !excused(name)))
		show(p, source, kernel->line, why);
	if (!v->to)
		return rel;
	if (kernel->error)
		snprintf(said, sizeof(said), "%d", kernel->error);
	fprintf(v->to, "%s\t0x%" PRIx64 "\t%u\t%u\t%s\t%s\t%u\t%u\t%u\t%s\t%s\t%s\t%s\n",
		source, seed, p->type, p->n, said, name, kernel->insns, kernel->states,
		kernel->peak, judged_words[ours], relation_words[rel], kernel->line, why);
	return rel;
}

void verdicts_close(struct verdicts *v, const char *what)
{
	print_message("# %s: the kernel accepts %" PRIu64 ", refuses %" PRIu64 " (%" PRIu64
		      " for reasons that refusal.def does not have%s%s)\n", what, v->accepted,
		      v->refused, v->unknown, v->unknown ? ": " : "", v->unknown_line);
	for (u32 i = 0; i < NR_RELATIONS; i++)
		if (v->n[i] && v->n[RELATION_OPEN] < v->accepted + v->refused)
			print_message("#   %s: %" PRIu64 ", first seed 0x%" PRIx64 "\n",
				      relation_words[i], v->n[i], v->first[i]);
	if (v->to)
		fclose(v->to);
}
