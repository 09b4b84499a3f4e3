/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * choice.c: which program of the objects `skep run` runs, or which programs of
 * tc one after another.
 */
#include "cli/run.h"
#include "host/hosts.h"

/* Programs of devmaps and cpumaps take what others redirect there. */
static bool takes_packets(const struct skep_prog *p)
{
	u32 attach = p->obj->img->progs[p->index].expected_attach;

	if (attach == BPF_XDP_DEVMAP || attach == BPF_XDP_CPUMAP)
		return false;
	for (const struct host *const *h = host_all; *h; h++)
		if ((*h)->prog_type == skep_prog_type(p))
			return true;
	return false;
}

static void note_programs(struct choice *c, bool packets_only)
{
	for (size_t i = 0; i < c->objs.n; i++) {
		const struct image *img = c->objs.v[i]->img;

		if (!img->nr_progs)
			err_note(c->err, "%s has no program", img->file);
		for (u32 k = 0; k < img->nr_progs; k++) {
			const struct progtype_row *row = progtype_row(img->progs[k].type);

			if (packets_only && !takes_packets(&c->objs.v[i]->progs[k]))
				continue;
			err_note(c->err, "%s has '%s' in section '%s' (%s)", img->file,
				 img->progs[k].name, img->progs[k].section,
				 img->progs[k].sec ? row->name : "no known section name");
			if (!strcmp(img->progs[k].section, ".text"))
				err_help(c->err, "a program needs a section: SEC(\"xdp\") int "
					 "%s(struct xdp_md *ctx)", img->progs[k].name);
		}
	}
}

static int none_fits(struct choice *c, const char *name)
{
	if (name)
		return no_program(&c->objs, name, c->err);
	err_set(c->err, ERR_PROG_NONE, NULL,
		"no program takes packets; those of type xdp, tc, socket, "
		"cgroup_skb, lwt, flow_dissector, sk_lookup, sk_reuseport "
		"and sk_skb do (SEC(\"xdp\"), SEC(\"tc\") ...)");
	note_programs(c, false);
	return c->err->code;
}

/* The program called NAME; the only one that takes packets when that is NULL. */
static int find_program(struct choice *c, const char *name, struct skep_prog **prog)
{
	u32 found = 0;
	int r;

	for (size_t i = 0; i < c->objs.n; i++)
		for (u32 k = 0; k < c->objs.v[i]->img->nr_progs; k++) {
			struct skep_prog *p = &c->objs.v[i]->progs[k];

			if (name ? strcmp(name, skep_prog_name(p)) : !takes_packets(p))
				continue;
			*prog = p;
			found++;
		}
	if (!found)
		return none_fits(c, name);
	if (found == 1)
		return 0;
	r = err_set(c->err, ERR_PROG_MANY, NULL, "%u programs could take these packets", found);
	note_programs(c, true);
	if (name)
		err_help(c->err, "give one object");
	else
		err_help(c->err, "choose one with --prog NAME");
	return r;
}

/* P goes on where the one before answers TCX_NEXT. */
static int add_to_chain(struct choice *c, const struct skep_prog *p)
{
	if (skep_prog_type(p) != BPF_PROG_TYPE_SCHED_CLS ||
	    skep_prog_type(c->first) != BPF_PROG_TYPE_SCHED_CLS)
		return err_set(c->err, ERR_USAGE, NULL, "several --prog make a chain of tcx: "
			       "'%s' and '%s' are not both of type sched_cls",
			       skep_prog_name(c->first), skep_prog_name(p));
	if (p->obj != c->first->obj)
		return err_set(c->err, ERR_USAGE, NULL, "several --prog make a chain of tcx: "
			       "'%s' is of another object", skep_prog_name(p));
	if (!c->on_user)
		return err_set(c->err, ERR_USAGE, NULL, "several --prog make a chain of tcx, "
			       "which the kernel's test run does not know");
	for (size_t i = 0; i < c->chain.n; i++)
		if (c->chain.v[i] == p->index)
			return err_set(c->err, ERR_USAGE, NULL, "--prog '%s' is given twice",
				       skep_prog_name(p));
	*vec_push(&c->chain) = p->index;
	return 0;
}

int choice_make(struct choice *c)
{
	int r = find_program(c, c->names.n ? c->names.v[0] : NULL, &c->first);

	if (!r)
		*vec_push(&c->chain) = c->first->index;
	for (size_t i = 1; !r && i < c->names.n; i++) {
		struct skep_prog *p = NULL;

		r = find_program(c, c->names.v[i], &p);
		if (!r)
			r = add_to_chain(c, p);
	}
	return r;
}

int choice_load(struct choice *c, const struct skep_load_opts *opts)
{
	struct skep_object *obj = c->first->obj;
	const struct prog_set only = { c->chain.v, c->chain.n };
	int r = object_load(obj, opts, &only, c->err);

	for (size_t i = 1; !r && i < c->chain.n; i++)
		*vec_push(&c->next) = (u32)obj->progs[c->chain.v[i]].loaded;
	return r;
}

void choice_free(struct choice *c)
{
	vec_free(&c->chain);
	vec_free(&c->next);
	vec_free(&c->names);
}
