/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_usdt.c: programs on static probes of programs. The BPF side is libbpf's
 * usdt.bpf.h as it is installed: a program gets the number of a record by its cookie,
 * and the record, of map __bpf_usdt_specs, says where each argument is. Here these
 * records are made, one for each text of arguments, and a uprobe is put on each place.
 *
 * An argument in memory that the code reaches relative to its own place, -4@NAME(%rip),
 * becomes memory relative to the register ip, which is the probe's address when a program
 * looks. Records have had a form for base and index only since libbpf 1.7; objects that
 * were made with older headers cannot read such arguments, which is said.
 */
#include "kernel/uprobe.h"
#include "model/uapi.h"
#include "sym/usdt.h"
#include <elf.h>
#include <stdlib.h>

#define SPECS "__bpf_usdt_specs"

enum { SPEC_CONST, SPEC_REG, SPEC_MEM, SPEC_INDEX };	/* BPF_USDT_ARG_* */
enum { X86_IP = 16 * 8 };

/* As usdt.bpf.h has it. WHAT: kind in 8 bits, then the index register's place in 12, its
 * scale in 4. */
struct arg_spec {
	u64 value;
	u32 what;
	s16 reg;
	bool is_signed;
	s8 shift;		/* 64 - bits of the value */
};
struct spec {
	struct arg_spec args[USDT_ARGS_MAX];
	u64 cookie;
	s16 nr_args;
};
_Static_assert(sizeof(struct arg_spec) == 16 && sizeof(struct spec) == 208, "BPF ABI");

struct probe {
	struct link_job *j;
	const struct sym_file *f;
	const struct sym_place *place;
	u32 map;		/* of the records */
	bool has_index;		/* those have a form for base and index */
	VEC(u64) offs;
	VEC(u64) refs;
	VEC(u64) cookies;	/* numbers of records */
	VEC(const char *) args;	/* texts that have one, from number FIRST on */
	u32 first;		/* the first of this program */
	const char *near[64];	/* names that were seen, for messages */
	u32 nr_near;
};

/* ---- records --------------------------------------------------------------- */

/* The map of records; UINT32_MAX: the program reads no arguments. */
static u32 find_map(const struct link_job *j)
{
	for (u32 i = 0; i < j->k->maps.n; i++)
		if (!strcmp(j->k->maps.v[i].def->name, SPECS) &&
		    j->k->maps.v[i].def->value_size == sizeof(struct spec))
			return i;
	return UINT32_MAX;
}

/* Does the object's type of an argument have the member of an index register? */
static bool knows_index(const struct image *img)
{
	u32 id = img->btf ? btf_find(img->btf, "__bpf_usdt_arg_spec", BTF_KIND_STRUCT) : 0;
	const struct btf_type *t = id ? btf_type(img->btf, id) : NULL;

	for (u32 i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf_member(img->btf, t, i).name, "idx_reg_off"))
			return true;
	return false;
}

static int no_argument(const struct probe *p, const struct usdt_note *n, const char *why)
{
	int r = err_set(p->j->err, ERR_USDT, p->f->path, "probe %s:%s: %s", n->provider, n->name,
			why);

	err_note(p->j->err, "its arguments are: %s", n->args);
	return r;
}

static int from_symbol(const struct probe *p, const struct usdt_note *n, const struct usdt_arg *a,
		       struct arg_spec *s)
{
	u64 addr;

	if (!sym_value(p->f, a->symbol, &addr)) {
		int r = no_argument(p, n, "a variable that it names has no symbol in the file");

		err_note(p->j->err, "'%s' is not in its symbol tables; a file with debug "
			 "information may have it", a->symbol);
		return r;
	}
	s->what = SPEC_MEM;
	s->reg = X86_IP;
	s->value = addr + (u64)a->value - n->pc;
	return 0;
}

static int make_arg(const struct probe *p, const struct usdt_note *n, const struct usdt_arg *a,
		    struct arg_spec *s)
{
	static const u8 kinds[] = { [USDT_CONST] = SPEC_CONST, [USDT_REG] = SPEC_REG,
		[USDT_MEM] = SPEC_MEM, [USDT_INDEX] = SPEC_INDEX };

	*s = (struct arg_spec){ .value = (u64)a->value, .reg = (s16)a->reg,
		.is_signed = a->is_signed, .shift = (s8)(64 - 8 * a->bytes) };
	switch (a->kind) {
	case USDT_FLOAT:
		return no_argument(p, n, "an argument is in a floating point register, which "
				   "programs cannot read");
	case USDT_SYMBOL:
		return from_symbol(p, n, a, s);
	case USDT_INDEX:
		if (!p->has_index)
			return no_argument(p, n, "an argument has a base and an index register, "
					   "which the usdt.bpf.h that the object was made with "
					   "cannot read");
		s->what = SPEC_INDEX | (u32)a->index << 8 | (u32)a->scale << 20;
		return 0;
	case USDT_CONST:
	case USDT_REG:
	case USDT_MEM:
		s->what = kinds[a->kind];
	}
	return 0;
}

static int make_spec(const struct probe *p, const struct usdt_note *n, struct spec *s)
{
	const char *text = n->args;
	struct usdt_arg a;
	int r;

	memset(s, 0, sizeof(*s));
	s->cookie = p->j->w->cookie;
	while ((r = usdt_arg_next(&a, &text, p->f->machine, p->j->err)) > 0) {
		if (s->nr_args == USDT_ARGS_MAX)
			return no_argument(p, n, "it has more than 12 arguments");
		r = make_arg(p, n, &a, &s->args[s->nr_args++]);
		if (r)
			return r;
	}
	if (r)
		err_note(p->j->err, "%s: probe %s:%s has these arguments: %s", p->f->path,
			 n->provider, n->name, n->args);
	return r;
}

/* Arguments that are relative to the place are the place's own. */
static bool can_share(const char *args) { return !strstr(args, "(%rip)"); }

/* The number of the record for N's arguments, which is made when it is new. */
static int spec_of(struct probe *p, const struct usdt_note *n, u64 *number)
{
	struct link_job *j = p->j;
	struct spec s;
	u32 key;
	int r;

	for (size_t i = 0; i < p->args.n; i++)
		if (can_share(n->args) && !strcmp(p->args.v[i], n->args)) {
			*number = p->first + i;
			return 0;
		}
	r = make_spec(p, n, &s);
	if (r)
		return r;
	key = j->k->usdt_specs;
	*number = key;
	if (p->map != UINT32_MAX) {
		r = j->k->b.ops->map_update(&j->k->b, p->map, &key, &s, BPF_ANY);
		if (r == -E2BIG)
			return no_argument(p, n, "there are more places and forms of arguments "
					   "than " SPECS " has elements; define "
					   "BPF_USDT_MAX_SPEC_CNT before including usdt.bpf.h");
		if (r)
			return link_refused(j, r, "probes: map " SPECS " takes no record");
	}
	j->k->usdt_specs++;
	*vec_push(&p->args) = n->args;
	return 0;
}

/* ---- places ---------------------------------------------------------------- */

static int add_place(void *arg, const struct usdt_note *n)
{
	struct probe *p = arg;
	s64 off, ref = 0;
	u64 number;
	int r;

	if (strcmp(n->provider, p->place->provider) || strcmp(n->name, p->place->symbol)) {
		if (p->nr_near < ARRAY_LEN(p->near) && !strcmp(n->provider, p->place->provider))
			p->near[p->nr_near++] = n->name;
		return 0;
	}
	off = sym_offset(p->f, n->pc);
	if (n->semaphore)
		ref = sym_offset(p->f, n->semaphore);
	if (off < 0 || ref < 0)
		return no_argument(p, n, "it is at an address that the file does not have");
	r = uprobe_check(p->j, p->f, (u64)off);
	if (!r)
		r = spec_of(p, n, &number);
	if (r)
		return r;
	*vec_push(&p->offs) = (u64)off;
	*vec_push(&p->refs) = (u64)ref;
	*vec_push(&p->cookies) = number;
	return 0;
}

static int no_probe(const struct probe *p)
{
	int r = err_set(p->j->err, ERR_ATTACH_FIND, p->f->path, "there is no probe '%s:%s'",
			p->place->provider, p->place->symbol);
	const char *near = err_nearest(p->place->symbol, p->near, p->nr_near);

	if (near)
		err_help(p->j->err, "did you mean '%s:%s'?", p->place->provider, near);
	else
		err_help(p->j->err, "`readelf -n FILE` lists the probes of a file");
	return r;
}

static int attach(struct probe *p, const char *path)
{
	int r = 0;

	if (p->j->p->expected_attach == UAPI_TRACE_UPROBE_MULTI)
		return uprobe_multi(p->j, path, p->offs.v, p->refs.v, p->cookies.v,
				    (u32)p->offs.n, false);
	for (size_t i = 0; !r && i < p->offs.n; i++)
		r = uprobe_perf(p->j, path, p->offs.v[i], p->refs.v[i], p->cookies.v[i], false);
	return r;
}

static int in_file(struct probe *p, const char *path)
{
	int r;

	p->map = find_map(p->j);
	p->has_index = knows_index(p->j->img);
	p->first = p->j->k->usdt_specs;
	r = usdt_each(p->f, add_place, p, p->j->err);
	if (!r && !p->offs.n)
		r = no_probe(p);
	if (!r)
		r = attach(p, path);
	vec_free(&p->offs);
	vec_free(&p->refs);
	vec_free(&p->cookies);
	vec_free(&p->args);
	return r;
}

int link_usdt(struct link_job *j)
{
	struct sym_place place;
	struct sym_file f;
	struct probe p = { .j = j, .f = &f, .place = &place };
	char *path;
	int r;

	if (link_kernel_before(j, "5.15"))
		return link_refused(j, -EOPNOTSUPP, "probe %s", j->w->at);
	if (!sym_place_parse(&place, j->w->at, true))
		return link_bad_where(j, "'%s' is not PATH:PROVIDER:NAME", j->w->at);
	r = uprobe_open(j, &f, place.path, &path);
	if (!r) {
		r = in_file(&p, path);
		if (!r)
			link_says(j, "%s:%s:%s", path, place.provider, place.symbol);
		sym_close(&f);
		free(path);
	}
	sym_place_free(&place);
	return r;
}
