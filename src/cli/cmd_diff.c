/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_diff.c: `skep diff`: what is different between two builds of programs: verdicts,
 * size, what the verifier takes, and over captures each packet's answer and the time.
 */
#include "cli/run.h"
#include "cli/verify_out.h"
#include "obj/obj.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIFFERENCES_SHOWN = 5, TIMED_MAX = 64 << 20, ROUNDS = 7, ROUNDS_NS = 2000000000 };

struct side {
	struct object_list objs;
	struct verify_opts opts;
	struct target target;
	bool tried;
	struct skep_object *loaded;	/* a twin, for runs */
	double ns;		/* for a packet, the best of some rounds */
};

struct diff {
	const char *only;	/* --prog, or NULL */
	struct side old, new;
	struct str_list captures;
	struct arena arena;
	struct strbuf out;
	u32 changed;
};

/* ---- programs ---------------------------------------------------------------- */

static struct skep_prog *find(const struct side *s, const char *name)
{
	for (size_t i = 0; i < s->objs.n; i++) {
		struct skep_prog *p = skep_object_prog(s->objs.v[i], name);

		if (p)
			return p;
	}
	return NULL;
}

static const struct image_prog *image_of(const struct skep_prog *p)
{
	return &p->obj->img->progs[p->index];
}

/* Its verdict; a program that is not there has none. */
static int judge(struct diff *d, struct side *s, const struct skep_prog *p,
		 struct verify_result *r, struct skep_err *err)
{
	*r = (struct verify_result){ 0 };
	if (!p)
		return 0;
	s->opts.caps = VERIFY_CAP_ALL;
	if (verify_types(&s->opts, &s->target, &s->tried, p->obj->img, image_of(p), err))
		return err->code;
	return verify_prog(r, &d->arena, p->obj->img, image_of(p), &s->opts, err);
}

/* "184 -> 190 (+3.3 %)"; "184" when both are the same. */
static void number(struct table *t, u64 old, u64 new)
{
	char text[64];

	if (old == new)
		snprintf(text, sizeof(text), "%" PRIu64, old);
	else if (old)
		snprintf(text, sizeof(text), "%" PRIu64 " -> %" PRIu64 " (%+.1f %%)", old, new,
			 ((double)new / (double)old - 1) * 100);
	else
		snprintf(text, sizeof(text), "%" PRIu64 " -> %" PRIu64, old, new);
	table_cell(t, text);
}

static const char *word(const struct skep_prog *p, const struct verify_result *r)
{
	return p ? verdict_word(r->verdict) : "none";
}

static void row(struct diff *d, struct table *t, const struct skep_prog *old,
		const struct verify_result *ro, const struct skep_prog *new,
		const struct verify_result *rn)
{
	const char *a = word(old, ro), *b = word(new, rn);
	char text[64];

	table_cell(t, skep_prog_name(old ? old : new));
	if (strcmp(a, b)) {
		snprintf(text, sizeof(text), "%s -> %s", a, b);
		d->changed++;
	} else {
		snprintf(text, sizeof(text), "%s", a);
	}
	table_cell(t, text);
	number(t, old ? image_of(old)->nr_insns : 0, new ? image_of(new)->nr_insns : 0);
	number(t, ro->visited, rn->visited);
	number(t, ro->states, rn->states);
	number(t, ro->stack_bytes, rn->stack_bytes);
}

static int compare_prog(struct diff *d, struct table *t, struct skep_prog *old,
			struct skep_prog *new, struct skep_err *err)
{
	struct verify_result ro, rn;
	struct strbuf reasons = { 0 };
	int r = judge(d, &d->old, old, &ro, err);

	if (!r)
		r = judge(d, &d->new, new, &rn, err);
	if (r)
		return r;
	row(d, t, old, &ro, new, &rn);
	if (new && rn.verdict == VERDICT_REJECTED && !(old && ro.verdict == VERDICT_REJECTED)) {
		verify_reasons(&reasons, new->obj->img, image_of(new), &rn);
		report_text(&reasons);
	}
	sb_free(&reasons);
	return 0;
}

/* Calls FN for the programs of both sides, those that only the new one has last. */
static int each(struct diff *d, struct table *t,
		int (*fn)(struct diff *d, struct table *t, struct skep_prog *old,
			  struct skep_prog *new, struct skep_err *err),
		struct skep_err *err)
{
	int r = 0;

	for (u32 side = 0; side < 2; side++) {
		const struct side *s = side ? &d->new : &d->old;

		for (size_t i = 0; i < s->objs.n; i++)
			for (struct skep_prog *p = NULL;
			     !r && (p = skep_object_next_prog(s->objs.v[i], p));) {
				const char *name = skep_prog_name(p);

				if ((d->only && strcmp(d->only, name)) ||
				    (side && find(&d->old, name)))
					continue;
				r = fn(d, t, side ? NULL : p, find(&d->new, name), err);
			}
	}
	return r;
}

/* ---- packets --------------------------------------------------------------------- */

static struct skep_prog *load(struct side *s, const struct skep_prog *p, struct skep_err *err)
{
	const struct prog_set only = { &p->index, 1 };
	const struct skep_load_opts opts = { .size = sizeof(opts), .rand_seed = 1,
					     .clock = SKEP_CLOCK_RUN };

	skep_object_close(s->loaded);
	s->ns = 0;
	s->loaded = object_twin(p->obj);
	return object_load(s->loaded, &opts, &only, err) ? NULL : &s->loaded->progs[p->index];
}

static int run(struct skep_prog *p, const struct packet *packet, struct skep_run *r,
	       struct skep_err *err)
{
	*r = (struct skep_run){ .size = sizeof(*r), .data = packet->data,
				.data_bytes = packet->bytes, .now_ns = packet->time_ns };
	return skep_prog_run(p, r, err);
}

static bool same_packet(const struct skep_run *a, const struct skep_run *b)
{
	return a->data_out_bytes == b->data_out_bytes && (!a->data_out_bytes ||
	       !memcmp(a->data_out, b->data_out, a->data_out_bytes));
}

struct over {
	struct skep_prog *old, *new;
	u64 packets, differ;
	struct arena arena;
	VEC(struct skep_packet) timed;	/* the first of them, TIMED_MAX bytes */
	size_t timed_bytes;
};

/* What is different, of verdict, interface and content. */
static void put_difference(struct strbuf *out, const struct over *o, const struct skep_run *a,
			   const struct skep_run *b)
{
	char ta[16], tb[16];

	sb_puts(out, verdict_text(skep_prog_type(o->old), a->retval, ta));
	if (a->retval != b->retval)
		sb_printf(out, " -> %s", verdict_text(skep_prog_type(o->new), b->retval, tb));
	if (a->redirect_ifindex != b->redirect_ifindex)
		sb_printf(out, ", interface %u -> %u", a->redirect_ifindex, b->redirect_ifindex);
	if (!same_packet(a, b))
		sb_puts(out, ", and what is left of the packet differs");
	sb_putc(out, '\n');
}

static int one_packet(struct diff *d, struct over *o, const char *path, const struct packet *p,
		      struct skep_err *err)
{
	struct skep_run a, b;
	int r = run(o->old, p, &a, err);

	if (!r)
		r = run(o->new, p, &b, err);
	if (r)
		return r;
	if (o->timed_bytes + p->bytes <= TIMED_MAX) {
		*vec_push(&o->timed) = (struct skep_packet){
			.data = arena_copy(&o->arena, p->data, p->bytes), .bytes = p->bytes,
			.wire_bytes = p->wire_bytes };
		o->timed_bytes += p->bytes;
	}
	o->packets++;
	if (a.retval == b.retval && a.redirect_ifindex == b.redirect_ifindex && same_packet(&a, &b))
		return 0;
	if (o->differ++ < DIFFERENCES_SHOWN) {
		sb_printf(&d->out, "  %s: packet %" PRIu64 ": ", path, p->number);
		put_difference(&d->out, o, &a, &b);
	}
	return 0;
}

static int one_capture(struct diff *d, struct over *o, const char *path, struct skep_err *err)
{
	struct capture *in;
	struct packet p;
	int r = capture_open(&in, path, err), more = 1;

	while (!r && (more = capture_next(in, &p, err)) > 0)
		r = one_packet(d, o, path, &p, err);
	capture_close(in);
	return r ? r : more < 0 ? more : 0;
}

/* One round over copies of the packets: ns for one, or an error. */
static int time_side(struct side *s, struct skep_prog *p, const struct over *o,
		     struct skep_err *err)
{
	const struct skep_run run = { .size = sizeof(run) };
	struct arena arena = ARENA_INIT;
	size_t n = o->timed.n;
	struct skep_packet *v = arena_copy(&arena, o->timed.v, n * sizeof(*v));
	u64 from;
	double ns;
	int r;

	for (size_t i = 0; i < n; i++)
		v[i].data = arena_copy(&arena, v[i].data, v[i].bytes);
	from = os_clock_thread_ns();
	r = skep_prog_run_packets(p, &run, v, &n, err);
	ns = n ? (double)(os_clock_thread_ns() - from) / (double)n : 0;
	if (!s->ns || ns < s->ns)
		s->ns = ns;
	arena_free(&arena);
	return r;
}

/* In turns, so that a machine that slows down slows both; slow programs have fewer. */
static int time_both(struct diff *d, const struct over *o, struct skep_err *err)
{
	const u64 from = os_clock_ns();
	int r = 0;

	for (u32 i = 0; !r && i < ROUNDS && (!i || os_clock_ns() - from < ROUNDS_NS); i++) {
		r = time_side(&d->old, o->old, o, err);
		if (!r)
			r = time_side(&d->new, o->new, o, err);
	}
	return r;
}

/* Both over all packets, when both are accepted and take packets. */
static int compare_runs(struct diff *d, struct table *t, struct skep_prog *old,
			struct skep_prog *new, struct skep_err *err)
{
	struct over o = { .arena = ARENA_INIT };
	struct skep_err again = { 0 };
	bool cut;
	int r = 0;

	(void)t;
	if (!old || !new)
		return 0;
	o.old = load(&d->old, old, err);
	o.new = o.old ? load(&d->new, new, err) : NULL;
	if (!o.new) {
		sb_printf(&d->out, "%s: not run: %s", skep_prog_name(old), skep_err_text(err));
		return 0;
	}
	for (size_t i = 0; !r && i < d->captures.n; i++)
		r = one_capture(d, &o, d->captures.v[i], err);
	cut = r && o.packets && err->id == ERR_PCAP_CUT;
	if (cut)
		err_note(err, "what differs is told of the packets before");
	if (!r || cut)
		r = time_both(d, &o, cut ? &again : err) ? again.code : r;
	vec_free(&o.timed);
	arena_free(&o.arena);
	if (r && !cut)
		return r;
	if (o.differ > DIFFERENCES_SHOWN)
		sb_printf(&d->out, "  ... and %" PRIu64 " more\n", o.differ - DIFFERENCES_SHOWN);
	sb_printf(&d->out, "%s: %" PRIu64 " of %" PRIu64 " packets differ; "
		  "%.0f -> %.0f ns/packet\n",
		  skep_prog_name(old), o.differ, o.packets, d->old.ns, d->new.ns);
	d->changed += o.differ > 0;
	return r;
}

/* ---- the command -------------------------------------------------------------------- */

static int open_side(struct side *s, const char *path, const struct load_opts *load,
		     struct skep_err *err)
{
	const struct str_list one = { &path, 1, 1 };

	s->target.opts = (struct target_opts){ .btf = load->btf, .modules = load->modules.v,
					       .nr_modules = load->modules.n };
	return input_objects(&s->objs, &one, load, err);
}

static void close_side(struct side *s)
{
	skep_object_close(s->loaded);
	input_close(&s->objs);
	target_close(&s->target);
}

static int compare(struct diff *d, struct skep_err *err)
{
	static const char *const names[] = { "program", "verdict", "insns", "visited", "states",
					     "stack" };
	struct table t = { .columns = ARRAY_LEN(names) };
	int r;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		table_cell(&t, names[i]);
	r = each(d, &t, compare_prog, err);
	table_print(&d->out, &t);
	if (!r && d->captures.n)
		r = each(d, NULL, compare_runs, err);
	return r;
}

static int sort_operands(struct diff *d, const struct str_list *operands, const char *sides[2],
			 struct skep_err *err)
{
	u32 n = 0;

	for (size_t i = 0; i < operands->n; i++) {
		enum input_kind kind;

		if (input_kind(&kind, operands->v[i], err))
			return err->code;
		if (kind == INPUT_CAPTURE)
			*vec_push(&d->captures) = operands->v[i];
		else if (n++ < 2)
			sides[n - 1] = operands->v[i];
	}
	if (n != 2)
		return err_set(err, ERR_USAGE, NULL, "an old and a new object or C file are "
			       "needed, not %u", n);
	return 0;
}

static int run_diff(struct diff *d, const struct str_list *operands,
		    const struct load_opts *load)
{
	const char *sides[2];
	struct skep_err err = { 0 };
	int r;

	if (sort_operands(d, operands, sides, &err) || open_side(&d->old, sides[0], load, &err) ||
	    open_side(&d->new, sides[1], load, &err))
		return report(&err);
	if (d->only && !find(&d->old, d->only) && !find(&d->new, d->only))
		return no_program(&d->new.objs, d->only, &err), report(&err);
	r = compare(d, &err);
	if (print_out(&d->out))
		return EXIT_NO_ANSWER;
	if (r)		/* below what there is without it */
		return report(&err);
	return d->changed ? EXIT_NO : EXIT_YES;
}

int cmd_diff(const struct command *cmd, int argc, char **argv)
{
	struct diff d = { .arena = ARENA_INIT };
	struct load_opts load = { 0 };
	const struct opt opts[] = {
		{ "prog", 0, OPT_STR, "NAME", "only the program NAME", &d.only },
		LOAD_OPTS(&load),
		{ 0 }
	};
	struct opt_result res;
	int status;

	if (!opts_parse(&res, cmd, opts, argc, argv))
		return load_opts_free(&load), res.status;
	status = run_diff(&d, &res.operands, &load);
	close_side(&d.old);
	close_side(&d.new);
	vec_free(&d.captures);
	sb_free(&d.out);
	arena_free(&d.arena);
	vec_free(&res.operands);
	load_opts_free(&load);
	return status;
}
