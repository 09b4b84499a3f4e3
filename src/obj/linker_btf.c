/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linker_btf.c: one .BTF and one .BTF.ext for linked objects: types merged,
 * variables at their new places, records at their new instructions. Objects
 * without BTF add nothing.
 */
#include "btf/build.h"
#include "obj/linker_priv.h"
#include <stdlib.h>

struct types {
	struct linker *l;
	struct btf_build b;
	u32 **ids;	/* [input][type] number while building */
	u32 *map;	/* that -> final number */
};

struct datasec {
	const char *name;
	u32 bytes;
	VEC(struct btf_var_secinfo) vars;
};

/* ---- sections of variables ----------------------------------------------------- */

/* The bytes of the joined section NAME: 0 for .ksyms and .kconfig. */
static u32 bytes_of(const struct linker *l, const char *name)
{
	for (size_t i = 0; i < l->secs.n; i++)
		if (!strcmp(l->secs.v[i].name, name))
			return (u32)l->secs.v[i].size;
	return 0;
}

/* Whether another definition than IN's holds for its variable TYPE. */
static bool lost(const struct linker *l, const struct linker_obj *in, const struct btf *btf,
		 u32 type)
{
	const struct btf_type *t = btf_type(btf, type);
	u32 at, own;

	if (btf_kind(t) != BTF_KIND_VAR ||
	    ((const struct btf_var *)(t + 1))->linkage == BTF_VAR_STATIC ||
	    !strtab_get(&l->globals, btf_type_name(btf, type), &at) ||
	    !strtab_get(&in->o.globals, btf_type_name(btf, type), &own))
		return false;
	return l->syms.v[at].from != in || l->syms.v[at].y.st_shndx == SHN_UNDEF;
}

/* Whether nothing says where in section SEC of its object the variable TYPE lies. */
static bool no_place(const struct linker_obj *in, const struct btf *btf, u32 type, u32 sec)
{
	const struct btf_type *t = btf_type(btf, type);
	u32 own;

	return btf_kind(t) == BTF_KIND_VAR &&
	       ((const struct btf_var *)(t + 1))->linkage != BTF_VAR_STATIC &&
	       (!strtab_get(&in->o.globals, btf_type_name(btf, type), &own) ||
		in->o.syms[own].sec != sec);
}

static bool defines_var(const struct btf *btf, const char *name)
{
	u32 id = 0;

	while ((id = btf_find_next(btf, name, BTF_KIND_VAR, id)))
		if (((const struct btf_var *)(btf_type(btf, id) + 1))->linkage ==
		    BTF_VAR_GLOBAL_ALLOCATED)
			return true;
	return false;
}

/* Variables of which another definition holds become that one's. */
static void join_lost(struct types *t, u32 k)
{
	struct linker_obj *in = &t->l->in[k];
	const struct btf *btf = in->o.img->btf;

	for (u32 id = 1; id < btf->nr_types; id++) {
		const char *name = btf_type_name(btf, id);
		const struct btf *other;
		u32 at;

		if (!lost(t->l, in, btf, id) || !strtab_get(&t->l->globals, name, &at))
			continue;
		other = t->l->syms.v[at].from->o.img->btf;
		if (other && other != btf && defines_var(other, name))
			btf_build_extern(&t->b, t->ids[k][id]);
	}
}

static bool has_var(const struct datasec *d, u32 type)
{
	for (size_t i = 0; i < d->vars.n; i++)
		if (d->vars.v[i].type == type)
			return true;
	return false;
}

static u32 sec_named(const struct obj *o, const char *name)
{
	for (u32 i = 1; i < o->nr_secs; i++)
		if (!strcmp(o->secs[i].name, name))
			return i;
	return 0;
}

static int add_vars(struct types *t, u32 k, u32 id, struct datasec *d)
{
	struct linker_obj *in = &t->l->in[k];
	const struct btf *btf = in->o.img->btf;
	const struct btf_type *sec = btf_type(btf, id);
	const struct btf_var_secinfo *v = (const void *)(sec + 1);
	u32 i = sec_named(&in->o, d->name);
	u32 place = i ? (u32)in->place[i] : 0;

	for (u32 n = 0; n < btf_vlen(sec); n++) {
		struct btf_var_secinfo var = v[n];

		var.type = t->map[t->ids[k][v[n].type]];
		var.offset += place;
		if (d->bytes ? lost(t->l, in, btf, v[n].type) || no_place(in, btf, v[n].type, i) :
			       has_var(d, var.type))
			continue;
		if (d->bytes && !in_bounds(var.offset, var.size, d->bytes))
			return err_set(t->l->err, ERR_BTF, in->o.file,
				       "variable '%s' of %u bytes at 0x%x lies outside '%s'",
				       btf_type_name(btf, v[n].type), var.size, v[n].offset,
				       d->name);
		*vec_push(&d->vars) = var;
	}
	return 0;
}

static int var_order(const void *a, const void *b)
{
	const struct btf_var_secinfo *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int add_datasec(struct types *t, const char *name)
{
	struct datasec d = { .name = name, .bytes = bytes_of(t->l, name) };
	int ret = 0;

	for (u32 k = 0; k < t->l->n && !ret; k++) {
		u32 id;

		if (strtab_get(&t->l->in[k].o.datasecs, name, &id))
			ret = add_vars(t, k, id, &d);
	}
	if (d.vars.n && !ret) {
		qsort(d.vars.v, d.vars.n, sizeof(*d.vars.v), var_order);
		btf_build_datasec(&t->b, name, d.bytes, d.vars.v, (u32)d.vars.n);
	}
	vec_free(&d.vars);
	return ret;
}

static int add_datasecs(struct types *t)
{
	struct strtab done = { .arena = &t->l->arena };
	int ret = 0;
	u32 any;

	for (u32 k = 0; k < t->l->n; k++) {
		const struct btf *btf = t->l->in[k].o.img->btf;

		for (u32 id = 1; btf && id < btf->nr_types && !ret; id++) {
			const char *name = btf_type_name(btf, id);

			if (btf_kind(btf_type(btf, id)) != BTF_KIND_DATASEC ||
			    strtab_get(&done, name, &any))
				continue;
			strtab_put(&done, name, 1);
			ret = add_datasec(t, name);
		}
	}
	return ret;
}

/* ---- .BTF.ext ---------------------------------------------------------------------- */

struct records { struct strbuf all, group; u32 n; };

static void put(struct strbuf *b, u32 word)
{
	sb_add(b, &word, sizeof(word));
}

static void put_funcs(struct types *t, u32 k, const struct btf_ext_sec *x, u32 place,
		      struct records *r)
{
	for (u32 i = 0; i < x->nr_funcs; i++, r->n++) {
		put(&r->group, x->funcs[i].insn_bytes + place);
		put(&r->group, t->map[t->ids[k][x->funcs[i].type_id]]);
	}
}

static void put_lines(struct types *t, u32 k, const struct btf_ext_sec *x, u32 place,
		      struct records *r)
{
	for (u32 i = 0; i < x->nr_lines; i++, r->n++) {
		const struct btf_line *line = &x->lines[i];

		put(&r->group, line->insn_bytes + place);
		put(&r->group, btf_build_str(&t->b, line->file));
		put(&r->group, btf_build_str(&t->b, line->text));
		put(&r->group, line->line << 10 | line->col);
	}
}

static void put_cores(struct types *t, u32 k, const struct btf_ext_sec *x, u32 place,
		      struct records *r)
{
	for (u32 i = 0; i < x->nr_cores; i++, r->n++) {
		const struct btf_core_relo *c = &x->cores[i];

		put(&r->group, c->insn_bytes + place);
		put(&r->group, t->map[t->ids[k][c->type_id]]);
		put(&r->group, btf_build_str(&t->b, c->access));
		put(&r->group, c->kind);
	}
}

typedef void put_fn(struct types *, u32, const struct btf_ext_sec *, u32, struct records *);

/* All records of one kind, grouped by output section. */
static void join_records(struct types *t, put_fn *fn, u32 bytes, struct records *r)
{
	struct linker *l = t->l;

	put(&r->all, bytes);
	for (u32 s = 1; s <= l->secs.n; s++) {
		r->n = 0;
		sb_reset(&r->group);
		for (u32 k = 0; k < l->n; k++)
			for (u32 i = 1; i < l->in[k].o.nr_secs; i++)
				if (l->in[k].sec[i] == s && l->in[k].o.secs[i].ext)
					fn(t, k, l->in[k].o.secs[i].ext,
					   (u32)l->in[k].place[i], r);
		if (!r->n)
			continue;
		put(&r->all, btf_build_str(&t->b, l->secs.v[s - 1].name));
		put(&r->all, r->n);
		sb_add(&r->all, r->group.s, r->group.n);
	}
	if (r->all.n == sizeof(u32))
		sb_reset(&r->all);
	sb_free(&r->group);
}

static void write_ext(struct types *t)
{
	struct strbuf *out = &t->l->ext;
	struct records r[3] = { 0 };
	u32 off = 0;
	struct { u16 magic; u8 version, flags; u32 bytes; } head = {
		BTF_MAGIC, BTF_VERSION, 0, sizeof(head) + 6 * sizeof(u32),
	};

	join_records(t, put_funcs, 8, &r[0]);
	join_records(t, put_lines, 16, &r[1]);
	join_records(t, put_cores, 16, &r[2]);
	sb_add(out, &head, sizeof(head));
	for (u32 i = 0; i < 3; i++) {
		put(out, off);
		put(out, (u32)r[i].all.n);
		off += (u32)r[i].all.n;
	}
	for (u32 i = 0; i < 3; i++) {
		if (r[i].all.n)
			sb_add(out, r[i].all.s, r[i].all.n);
		sb_free(&r[i].all);
	}
}

/* ---- all ------------------------------------------------------------------------------- */

static bool has_ext(const struct linker *l)
{
	for (u32 k = 0; k < l->n; k++)
		if (l->in[k].o.ext)
			return true;
	return false;
}

int linker_types(struct linker *l)
{
	struct types t = { .l = l };
	bool any = false;
	int ret = 0;

	btf_build_open(&t.b, &l->arena);
	t.ids = arena_news(&l->arena, l->n, u32 *);
	for (u32 k = 0; k < l->n; k++) {
		const struct btf *btf = l->in[k].o.img->btf;

		if (!btf)
			continue;
		any = true;
		t.ids[k] = arena_news(&l->arena, btf->nr_types, u32);
		btf_build_add(&t.b, btf, t.ids[k]);
	}
	for (u32 k = 0; k < l->n; k++)
		if (t.ids[k])
			join_lost(&t, k);
	t.map = arena_news(&l->arena, t.b.offs.n + 1, u32);
	if (any) {
		btf_build_dedup(&t.b, t.map);
		ret = add_datasecs(&t);
		if (has_ext(l))
			write_ext(&t);
		btf_build_write(&t.b, &l->btf);
	}
	btf_build_free(&t.b);
	return ret;
}
