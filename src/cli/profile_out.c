/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile_out.c: a profile (profile.h) as text: source with the share of time and the count
 * of each line, helpers, maps; as JSON; and by function, as folded stacks or a flame graph.
 */
#include "cli/profile.h"
#include "cli/run_job.h"
#include "lang/flame.h"
#include <inttypes.h>
#include <stdlib.h>

/* An instruction, and where it is from. */
struct place {
	const char *file;	/* "" without lines: then by instruction alone */
	u32 line, prog, insn;
	const char *text;
};

/* What places have together: a line, a helper, a map. */
struct sum { u64 samples, count; };

struct profile_calls { const char *name; struct sum sum; u32 maps; };

struct work {
	const struct run_profile *p;
	VEC(struct place) places;	/* sorted */
	VEC(struct profile_calls) helpers;
	struct sum *maps;		/* [nr_maps of the image] */
	bool no_lines;			/* of some program that ran */
};

bool profile_is_alone(const struct run_opts *o)
{
	return o->profile && !*o->profile && o->format &&
	       (!strcmp(o->format, "folded") || !strcmp(o->format, "flame") ||
		!strcmp(o->format, "json"));
}

static u64 samples_at(const struct profile_prog *q, u32 insn)
{
	return q->own[insn] + q->called[insn];
}

static double share(const struct run_profile *p, u64 samples)
{
	u64 all = p->sampled->inside;

	return all ? 100.0 * (double)samples / (double)all : 0;
}

/* Of one of COUNT in each pass. */
static double ns_each(const struct run_profile *p, const struct sum *s)
{
	u64 n = s->count * p->passes;

	return n ? profile_ns(p, s->samples) / (double)n : 0;
}

/* ---- gathering -------------------------------------------------------------------- */

static int place_order(const void *a, const void *b)
{
	const struct place *pa = a, *pb = b;
	int r = strcmp(pa->file, pb->file);

	if (r)
		return r;
	if (*pa->file && pa->line != pb->line)
		return pa->line < pb->line ? -1 : 1;
	if (pa->prog != pb->prog)
		return pa->prog < pb->prog ? -1 : 1;
	return (pa->insn > pb->insn) - (pa->insn < pb->insn);
}

static const char *callee(const struct image *img, const struct bpf_insn *in)
{
	const struct helper_row *row;

	if (in->code != (BPF_JMP | BPF_CALL) || in->src_reg == BPF_PSEUDO_CALL)
		return NULL;
	if (in->src_reg == BPF_PSEUDO_KFUNC_CALL)
		return (u32)in->imm < img->nr_externs ? img->externs[in->imm].name : NULL;
	row = helper_row((u32)in->imm);
	return row ? row->name : NULL;
}

static struct profile_calls *calls_of(struct work *w, const char *name)
{
	for (size_t i = 0; i < w->helpers.n; i++)
		if (!strcmp(w->helpers.v[i].name, name))
			return &w->helpers.v[i];
	*vec_push(&w->helpers) = (struct profile_calls){ .name = name };
	return &w->helpers.v[w->helpers.n - 1];
}

static void add_call(struct work *w, const struct profile_prog *q, u32 i)
{
	const struct image *img = w->p->timed->img;
	const char *name = callee(img, &q->prog->insns[i]);
	struct profile_calls *c = name ? calls_of(w, name) : NULL;

	if (!c)
		return;
	c->sum.samples += samples_at(q, i);
	c->sum.count += q->counts[i];
	if (q->map[i] == PROFILE_NO_MAP)
		return;
	w->maps[q->map[i]].samples += samples_at(q, i);
	w->maps[q->map[i]].count += q->counts[i];
}

static void add_prog(struct work *w, u32 prog)
{
	const struct profile_prog *q = &w->p->progs[prog];

	for (u32 i = 0; i < q->prog->nr_insns; i += isa_slots(&q->prog->insns[i])) {
		const struct image_line *l = image_line(q->prog, i);

		if (!q->counts[i] && !samples_at(q, i) && !q->counts[0])
			continue;	/* of a program that did not run at all */
		w->no_lines |= !l;
		*vec_push(&w->places) = (struct place){ l ? image_line_file(l) : "",
			l ? l->line : 0, prog, i, l ? l->text : NULL };
		add_call(w, q, i);
	}
}

static int calls_order(const void *a, const void *b)
{
	const struct profile_calls *ca = a, *cb = b;

	if (ca->sum.samples != cb->sum.samples)
		return ca->sum.samples < cb->sum.samples ? 1 : -1;
	return strcmp(ca->name, cb->name);
}

static void gather(struct work *w)
{
	w->maps = mem_alloc((w->p->timed->img->nr_maps + 1) * sizeof(*w->maps));
	for (u32 i = 0; i < w->p->nr_progs; i++)
		add_prog(w, i);
	if (w->places.n)
		qsort(w->places.v, w->places.n, sizeof(*w->places.v), place_order);
	if (w->helpers.n)
		qsort(w->helpers.v, w->helpers.n, sizeof(*w->helpers.v), calls_order);
}

static void work_free(struct work *w)
{
	vec_free(&w->places);
	vec_free(&w->helpers);
	free(w->maps);
}

/* How many places from I on are of one line, or of a program without lines. */
static size_t group(const struct work *w, size_t i)
{
	const struct place *v = w->places.v;
	size_t n = 1;

	while (i + n < w->places.n && !strcmp(v[i + n].file, v[i].file) &&
	       v[i + n].line == v[i].line && (*v[i].file || v[i + n].prog == v[i].prog))
		n++;
	return n;
}

/* A line counts as often as that of its places which ran most in a program (coverage.c). */
static struct sum sum_of(const struct work *w, const struct place *v, size_t n)
{
	struct sum s = { 0 };
	u64 most = 0;

	for (size_t i = 0; i < n; i++) {
		const struct profile_prog *q = &w->p->progs[v[i].prog];
		const struct image_line *l = image_line(q->prog, v[i].insn);

		s.samples += samples_at(q, v[i].insn);
		if (i && v[i].prog != v[i - 1].prog)
			most = 0;
		if (*v->file && l->insn != v[i].insn)
			continue;
		if (q->counts[v[i].insn] > most) {
			s.count += q->counts[v[i].insn] - most;
			most = q->counts[v[i].insn];
		}
	}
	return s;
}

/* ---- the table ---------------------------------------------------------------------- */

static void put_numbers(struct strbuf *out, const struct run_profile *p, const struct sum *s)
{
	if (s->samples)
		sb_printf(out, "%6.1f%%", share(p, s->samples));
	else
		sb_puts(out, "      -");
	sb_printf(out, " %12" PRIu64, s->count);
	if (s->samples && s->count)
		sb_printf(out, " %9.1f", ns_each(p, s));
	else
		sb_puts(out, "         -");
}

static void put_insns(struct strbuf *out, const struct work *w, const struct place *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct profile_prog *q = &w->p->progs[v[i].prog];
		struct sum s = { samples_at(q, v[i].insn), q->counts[v[i].insn] };
		const char *name = callee(w->p->timed->img, &q->prog->insns[v[i].insn]);

		put_numbers(out, w->p, &s);
		sb_printf(out, "  %9s%u: ", "", v[i].insn);
		isa_disasm(out, q->prog->insns, q->prog->nr_insns, v[i].insn);
		if (name)
			sb_printf(out, "  // %s", name);
		sb_putc(out, '\n');
	}
}

static void put_lines(struct strbuf *out, const struct work *w, bool insns)
{
	const char *file = NULL;

	sb_puts(out, "   time        count   ns each  source\n");
	for (size_t i = 0, n; i < w->places.n; i += n) {
		const struct place *v = &w->places.v[i];
		struct sum s;

		n = group(w, i);
		s = sum_of(w, v, n);
		if (!*v->file) {
			sb_printf(out, "%28s  %s, which has no lines\n", "",
				  w->p->progs[v->prog].prog->name);
			put_insns(out, w, v, n);
			continue;
		}
		if (!file || strcmp(file, v->file))
			sb_printf(out, "%28s  %s\n", "", v->file);
		file = v->file;
		put_numbers(out, w->p, &s);
		sb_printf(out, "  %5u: %s\n", v->line, v->text + strspn(v->text, " \t"));
		if (insns)
			put_insns(out, w, v, n);
	}
}

static void put_helpers(struct strbuf *out, const struct work *w)
{
	if (w->helpers.n)
		sb_puts(out, "   time        calls   ns each  helper\n");
	for (size_t i = 0; i < w->helpers.n; i++) {
		const struct profile_calls *c = &w->helpers.v[i];

		put_numbers(out, w->p, &c->sum);
		sb_printf(out, "  %s\n", c->name);
	}
}

static void put_maps(struct strbuf *out, const struct work *w)
{
	const struct skep_object *obj = w->p->counted;
	bool first = true;

	for (u32 i = 0; i < obj->img->nr_maps; i++) {
		struct map_info m;

		if (obj->backend->ops->map_info(obj->backend, i, &m) ||
		    (!w->maps[i].count && !m.lookups && !m.updates && !m.deletes) ||
		    obj->img->maps[i].kind != IMAGE_MAP_USER)
			continue;
		if (first)
			sb_puts(out, "   time        calls   ns each  map\n");
		first = false;
		put_numbers(out, w->p, &w->maps[i]);
		sb_printf(out, "  %s: %" PRIu64 " lookups, %" PRIu64 " found, %" PRIu64
			  " updates, %" PRIu64 " deletes\n", obj->img->maps[i].name, m.lookups,
			  m.hits, m.updates, m.deletes);
	}
}

static void put_head(struct strbuf *out, const struct run_profile *p)
{
	const struct sampled *s = p->sampled;

	sb_printf(out, "profile of %s %s: ", skep_prog_name(p->first), engine_text(p->first));
	sb_printf(out, "%" PRIu64 " samples, %" PRIu64 " of them in programs, of %" PRIu64
		  " passes over %" PRIu64 " packets", s->samples, s->inside, p->passes, p->packets);
	if (s->inside && p->runs)
		sb_printf(out, ", %.1f ns each", profile_ns(p, s->inside) /
			  (double)(p->runs * p->passes));
	sb_puts(out, "\ncounts are of one pass, in the checked interpreter\n");
}

static void put_table(struct strbuf *out, const struct work *w, bool insns)
{
	put_head(out, w->p);
	put_lines(out, w, insns);
	put_helpers(out, w);
	put_maps(out, w);
}

/* ---- JSON --------------------------------------------------------------------------- */

static void sum_json(struct json *j, const struct run_profile *p, const struct sum *s,
		     const char *count)
{
	json_u64(j, "samples", s->samples);
	json_num(j, "percent", share(p, s->samples), 2);
	json_u64(j, count, s->count);
	json_num(j, "ns_each", ns_each(p, s), 2);
}

static void insns_json(struct json *j, const struct work *w, const struct place *v, size_t n)
{
	struct strbuf text = { 0 };

	json_arr(j, "insns");
	for (size_t i = 0; i < n; i++) {
		const struct profile_prog *q = &w->p->progs[v[i].prog];
		struct sum s = { samples_at(q, v[i].insn), q->counts[v[i].insn] };

		json_obj(j, NULL);
		json_str(j, "program", q->prog->name);
		json_u64(j, "insn", v[i].insn);
		sb_reset(&text);
		isa_disasm(&text, q->prog->insns, q->prog->nr_insns, v[i].insn);
		json_str(j, "text", sb_text(&text));
		sum_json(j, w->p, &s, "count");
		json_obj_end(j);
	}
	json_arr_end(j);
	sb_free(&text);
}

static void lines_json(struct json *j, const struct work *w, bool insns)
{
	json_arr(j, "lines");
	for (size_t i = 0, n; i < w->places.n; i += n) {
		const struct place *v = &w->places.v[i];
		struct sum s;

		n = group(w, i);
		s = sum_of(w, v, n);
		json_obj(j, NULL);
		if (*v->file) {
			json_str(j, "file", v->file);
			json_u64(j, "line", v->line);
			json_str(j, "text", v->text + strspn(v->text, " \t"));
		} else {
			json_str(j, "program", w->p->progs[v->prog].prog->name);
		}
		sum_json(j, w->p, &s, "count");
		if (insns || !*v->file)
			insns_json(j, w, v, n);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void helpers_json(struct json *j, const struct work *w)
{
	json_arr(j, "helpers");
	for (size_t i = 0; i < w->helpers.n; i++) {
		json_obj(j, NULL);
		json_str(j, "name", w->helpers.v[i].name);
		sum_json(j, w->p, &w->helpers.v[i].sum, "calls");
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void maps_json(struct json *j, const struct work *w)
{
	const struct skep_object *obj = w->p->counted;

	json_arr(j, "maps");
	for (u32 i = 0; i < obj->img->nr_maps; i++) {
		if (obj->img->maps[i].kind != IMAGE_MAP_USER)
			continue;
		json_obj(j, NULL);
		json_str(j, "name", obj->img->maps[i].name);
		sum_json(j, w->p, &w->maps[i], "calls");
		engine_map_json(j, obj, i);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void put_json(struct json *j, const char *key, const struct work *w, bool insns)
{
	const struct run_profile *p = w->p;

	json_obj(j, key);
	json_str(j, "program", skep_prog_name(p->first));
	engine_json(j, p->first);
	json_u64(j, "packets", p->packets);
	json_u64(j, "passes", p->passes);
	json_u64(j, "samples", p->sampled->samples);
	json_u64(j, "samples_in_programs", p->sampled->inside);
	json_u64(j, "ns", p->ns);
	lines_json(j, w, insns);
	helpers_json(j, w);
	maps_json(j, w);
	json_obj_end(j);
}

void profile_json(struct json *j, const struct run_profile *p, bool insns)
{
	struct work w = { .p = p };

	gather(&w);
	put_json(j, "profile", &w, insns);
	work_free(&w);
}

/* ---- by function ------------------------------------------------------------------- */

struct chain { char *text; u64 samples; };
struct chains { struct chain *v; size_t n, cap; };	/* a VEC */

static const char *func_name(const struct run_profile *p, const struct sample_spot *at)
{
	const struct image_prog *prog = p->progs[at->prog].prog;
	const struct image_func *f = image_func(prog, at->insn);

	return f && f->insn ? f->name : prog->name;
}

/* "outer;inner;helper", the program first; helpers that call back are on the way. */
static char *chain_text(const struct run_profile *p, const struct sample_stack *st)
{
	struct strbuf out = { 0 };

	for (u32 i = st->depth; i-- > 0;) {
		const struct image_prog *prog = p->progs[st->at[i].prog].prog;
		const char *name = i || st->calls ?
			callee(p->timed->img, &prog->insns[st->at[i].insn]) : NULL;

		sb_printf(&out, "%s%s%s%s", out.n ? ";" : "", func_name(p, &st->at[i]),
			  name ? ";" : "", name ? name : "");
	}
	return out.s;
}

static int chain_order(const void *a, const void *b)
{
	return strcmp(((const struct chain *)a)->text, ((const struct chain *)b)->text);
}

static void put_folded(struct strbuf *out, const struct run_profile *p)
{
	struct chains c = { 0 };

	for (u32 i = 0; i < p->sampled->nr_stacks; i++)
		if (p->sampled->stacks[i].samples)
			*vec_push(&c) = (struct chain){ chain_text(p, &p->sampled->stacks[i]),
							p->sampled->stacks[i].samples };
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), chain_order);
	for (size_t i = 0; i < c.n; i++) {
		u64 samples = c.v[i].samples;

		for (; i + 1 < c.n && !strcmp(c.v[i].text, c.v[i + 1].text); i++) {
			samples += c.v[i + 1].samples;
			free(c.v[i].text);
		}
		sb_printf(out, "%s %" PRIu64 "\n", c.v[i].text, samples);
		free(c.v[i].text);
	}
	vec_free(&c);
}

static void put_flame(struct strbuf *out, const struct run_profile *p)
{
	struct strbuf folded = { 0 };
	struct flame_stats stats;
	char title[256];

	snprintf(title, sizeof(title), "%s %s", skep_prog_name(p->first), engine_text(p->first));
	put_folded(&folded, p);
	flame_html(out, title, sb_text(&folded), NULL, &stats);
	sb_free(&folded);
}

/* ---- all of it --------------------------------------------------------------------- */

/* What a reader should know. */
static void notes(const struct work *w)
{
	const struct sampled *s = w->p->sampled;

	if (w->no_lines)
		fputs("note: a program has no line information, and is shown by instruction; "
		      "`clang -g` puts it into objects\n", stderr);
	if (s->inside < 100)
		fprintf(stderr, "note: only %" PRIu64 " samples are of programs: more packets, or "
			"--repeat N, give more\n", s->inside);
	if (s->unknown)
		fprintf(stderr, "note: the callers of %" PRIu64 " samples are left out: there are "
			"too many different ones\n", s->unknown);
}

void profile_put(struct strbuf *out, const struct run_profile *p, const char *format, bool insns)
{
	struct work w = { .p = p };
	struct json j = { .out = out, .pretty = true };

	gather(&w);
	notes(&w);
	if (!format || !strcmp(format, "table")) {
		put_table(out, &w, insns);
	} else if (!strcmp(format, "json")) {
		put_json(&j, NULL, &w, insns);
		sb_putc(out, '\n');
	} else if (!strcmp(format, "folded")) {
		put_folded(out, p);
	} else {
		put_flame(out, p);
	}
	work_free(&w);
}
