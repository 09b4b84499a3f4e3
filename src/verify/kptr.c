/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kptr.c: pointers to objects in map values and objects (__kptr). bpf_kptr_xchg changes them:
 * what goes in is given up, what comes out is owed. A load gives a pointer that a
 * read section keeps, or one that is only good for reading.
 */
#include "verify/call.h"
#include "verify/fields.h"
#include "verify/kobject.h"

enum { KPTR_BYTES = 8 };

static struct why why_of(const struct call *c, const struct reg *r, unsigned i)
{
	return (struct why){ .reg = i + 1, .ptr = r, .a = i + 1, .b = i, .s = "kptr",
			     .t = c->row->name };
}

/* ---- what is where ------------------------------------------------------- */

/* The type of struct LOCAL of the program: the kernel's when that has one of the name,
 * else the program's. */
static bool find_type(struct verifier *v, u32 local, u32 at, struct kptr_at *k)
{
	const char *name = btf_type_name(v->img->btf, local);

	if (!v->opts->vmlinux) {
		not_judged(v, at, "pointers in map values without the kernel's types");
		return false;
	}
	k->btf = v->opts->vmlinux;
	k->id = btf_find(k->btf, name, BTF_KIND_STRUCT);
	if (k->id)
		return true;
	k->btf = v->img->btf;
	k->id = local;
	return local;
}

/* Types of the kernel that map values may own, and that are freed only when no read
 * section can see them (Linux 6.18). */
static bool kept_by_sections(const struct verifier *v, const struct kptr_at *k)
{
	static const char *const names[] = { "task_struct", "cgroup", "bpf_cpumask",
					     "bpf_crypto_ctx" };

	if (k->btf == v->img->btf)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(btf_type_name(k->btf, k->id), names[i]))
			return true;
	return false;
}

/* The type of a pointer that owns: something gives such an object back when the value goes. */
static bool find_owned(struct verifier *v, u32 local, u32 at, struct kptr_at *k)
{
	if (!find_type(v, local, at, k))
		return false;
	if (kept_by_sections(v, k))
		return true;
	not_judged(v, at, "pointers in map values that own a struct %s",
		   btf_type_name(k->btf, k->id));
	return false;
}

/* ---- loads and stores ---------------------------------------------------- */

static bool load_kptr(struct verifier *v, const struct state *s, const struct access *a,
		      u32 type, struct reg *value)
{
	struct kptr_at k;
	unsigned flags = REG_OR_NULL | REG_UNTRUSTED;

	if (!find_owned(v, type, a->insn, &k))
		return false;
	if (in_read_section(s))
		flags = REG_OR_NULL | REG_RCU;
	if (flags & REG_RCU && k.btf == v->img->btf)
		flags |= REG_ALLOC | REG_NON_OWN;
	reg_set_btf(v, value, k.btf, k.id, flags);
	return true;
}

static bool overlaps(const struct access *a, const struct reg *ptr, u32 at)
{
	s64 low = (s64)a->off + ptr->off;

	return low + ptr->val.smin < (s64)at + KPTR_BYTES &&
	       low + (s64)ptr->val.umax + (s64)a->size > (s64)at;
}

/* ---- those that nobody owns, and those of each cpu ------------------------- */

/* The other tagged pointer that the access touches, or NULL. */
static const struct field *tagged(struct verifier *v, const struct access *a,
				  const struct reg *ptr, const struct image_map *map)
{
	const struct fields *f = fields_of_map(v, map);

	for (u32 i = 0; i < f->n; i++)
		if ((f->v[i].kind == FIELD_KPTR_UNTRUSTED || f->v[i].kind == FIELD_KPTR_PERCPU) &&
		    overlaps(a, ptr, f->v[i].off))
			return &f->v[i];
	return NULL;
}

bool kptr_stores(struct verifier *v, const struct access *a, const struct reg *ptr,
		 const struct image_map *map)
{
	const struct field *f = a->kind & ACCESS_WRITE ? tagged(v, a, ptr, map) : NULL;

	return f && f->kind == FIELD_KPTR_UNTRUSTED;
}

/* An object of the type, NULL, or what may be either. */
static void store_untrusted(struct verifier *v, struct state *s, const struct access *a,
			    const struct field *f)
{
	const struct reg *r = a->store < 0 ? NULL : state_reg(s, (unsigned)a->store);
	struct kptr_at k;

	if (!r) {
		if (a->imm)
			reject(v, REJECT_KPTR_IMM, a->insn, &(struct why){ .a = f->off });
		return;
	}
	reg_mark(v, r);
	if (reg_is_null(r) || !find_type(v, f->type, a->insn, &k))
		return;
	if (r->type != REG_BTF || r->btf != k.btf || r->btf_id != k.id || r->off ||
	    !scalar_is_const(&r->val) || scalar_value(&r->val) ||
	    (r->flags & (REG_USER | REG_PERCPU)))
		reject(v, REJECT_KPTR_STORE, a->insn, &(struct why){
			.reg = (u32)a->store, .ptr = r, .s = btf_type_name(k.btf, k.id) });
}

static bool load_tagged(struct verifier *v, const struct state *s, const struct access *a,
			const struct field *f, struct reg *value)
{
	struct kptr_at k = { v->img->btf, f->type, false };
	unsigned flags = REG_OR_NULL | REG_UNTRUSTED;

	if (f->kind == FIELD_KPTR_UNTRUSTED && !find_type(v, f->type, a->insn, &k))
		return false;
	if (f->kind == FIELD_KPTR_PERCPU && in_read_section(s))
		flags = REG_OR_NULL | REG_RCU | REG_ALLOC | REG_PERCPU;
	reg_set_btf(v, value, k.btf, k.id, flags);
	return true;
}

static bool tagged_access(struct verifier *v, struct state *s, const struct access *a,
			  const struct reg *ptr, const struct field *f, struct reg *value)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .a = f->off,
			   .off = (s64)a->off + ptr->off, .size = a->size };
	unsigned kind = isa_rows[v->points[a->insn].op].kind;

	if (a->is_helper)
		reject(v, REJECT_KPTR_HELPER, a->insn, &why);
	else if (kind != KIND_LDX && kind != KIND_ST && kind != KIND_STX)
		reject(v, REJECT_KPTR_MODE, a->insn, &why);
	else if (a->size != KPTR_BYTES)
		reject(v, REJECT_KPTR_SIZE, a->insn, &why);
	else if (!scalar_is_const(&ptr->val) ||
		 why.off + (s64)scalar_value(&ptr->val) != (s64)f->off)
		reject(v, REJECT_KPTR_PART, a->insn, &why);
	else if (value)
		return load_tagged(v, s, a, f, value);
	else if (f->kind == FIELD_KPTR_UNTRUSTED)
		store_untrusted(v, s, a, f);
	else
		reject(v, REJECT_KPTR_ACCESS, a->insn, &why);
	return false;
}

bool kptr_access(struct verifier *v, struct state *s, const struct access *a,
		 const struct reg *ptr, const struct image_map *map, struct reg *value)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .s = "kptr",
			   .off = (s64)a->off + ptr->off, .size = a->size };

	const struct field *other = tagged(v, a, ptr, map);

	if (other)
		return tagged_access(v, s, a, ptr, other, value);
	for (u32 i = 0; i < map->nr_kptrs; i++) {
		if (!overlaps(a, ptr, map->kptrs[i]))
			continue;
		why.a = map->kptrs[i];
		if (!value)	/* it is written, or given to a helper */
			reject(v, REJECT_KPTR_ACCESS, a->insn, &why);
		else if (!scalar_is_const(&ptr->val) || a->size != KPTR_BYTES ||
			 why.off + (s64)scalar_value(&ptr->val) != why.a)
			reject(v, REJECT_KPTR_PART, a->insn, &why);
		else
			return load_kptr(v, s, a, map->kptr_types[i], value);
	}
	return false;
}

/* ---- bpf_kptr_xchg ------------------------------------------------------- */

/* The pointer among the fields of a value or an object, at OFF: not one that a map's value
 * itself has, which the image knows. */
static void find_slot(struct verifier *v, struct call *c, const struct reg *r, s64 off,
		      struct why why)
{
	for (u32 n = 0; n < fields_at(v, r)->n; n++) {
		const struct field *f = &fields_at(v, r)->v[n];

		if (f->off != off)
			continue;
		why.a = off;
		if (f->kind == FIELD_KPTR_UNTRUSTED)
			reject(v, REJECT_KPTR_UNREF, c->insn, &why);
		else if (f->kind == FIELD_KPTR_PERCPU)
			c->kptr = (struct kptr_at){ v->img->btf, f->type, true };
		else if (f->kind == FIELD_KPTR)
			find_owned(v, f->type, c->insn, &c->kptr);
		if (f->kind >= FIELD_KPTR && f->kind <= FIELD_KPTR_PERCPU)
			return;
	}
	reject(v, REJECT_ARG_FIELD, c->insn, &why);
}

/* An object that the program owns. */
static bool is_own(const struct reg *r)
{
	return r->type == REG_BTF && (r->flags & REG_ALLOC) && r->ref &&
	       !(r->flags & (REG_OR_NULL | REG_PERCPU | REG_UNTRUSTED));
}

void arg_kptr_slot(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	const struct reg *r = state_reg(s, i + 1);
	const struct image_map *map = r->type == REG_MAP_VALUE ? map_of(v, r) : NULL;
	struct why why = why_of(c, r, i);
	s64 off = r->off + (s64)scalar_value(&r->val);

	if (!is_own(r) && (!map || (r->flags & REG_OR_NULL))) {
		why.s = "map_value";
		reject(v, REJECT_ARG_TYPE, c->insn, &why);
		return;
	}
	if (!scalar_is_const(&r->val)) {
		reject(v, REJECT_ARG_FIELD, c->insn, &why);
		return;
	}
	fields_at(v, r);	/* may it have any? */
	for (u32 n = 0; map && n < map->nr_kptrs; n++)
		if (off == map->kptrs[n]) {
			find_owned(v, map->kptr_types[n], c->insn, &c->kptr);
			return;
		}
	if (!map)		/* engines would not give it back with the object */
		v->points[c->insn].access.flags |= FACT_KERNEL;
	find_slot(v, c, r, off, why);
}

void arg_kptr_object(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	const struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i);

	why.s = "ptr_";
	if (r->type == REG_SCALAR && scalar_is_const(&r->val) && !scalar_value(&r->val)) {
		reg_mark(v, r);
		return;
	}
	if (c->kptr.percpu && r->type == REG_BTF && !(r->flags & REG_PERCPU)) {
		reject(v, REJECT_KPTR_PERCPU, c->insn, &why);
		return;
	}
	if (r->type != REG_BTF || (r->flags & (REG_UNTRUSTED | REG_USER | REG_NON_OWN)) ||
	    c->kptr.percpu != !!(r->flags & REG_PERCPU)) {
		reject(v, REJECT_ARG_TYPE, c->insn, &why);
		return;
	}
	if (r->flags & REG_OR_NULL)
		reject(v, REJECT_ARG_NULL, c->insn, &why);
	else if (!r->ref)
		reject(v, REJECT_RELEASE_NONE, c->insn, &why);
	else if (r->off || !scalar_is_const(&r->val) || scalar_value(&r->val))
		reject(v, REJECT_RELEASE_OFF, c->insn, &why);
	else if (r->btf != c->kptr.btf || r->btf_id != c->kptr.id)
		reject(v, REJECT_KPTR_TYPE, c->insn, &(struct why){
			.reg = i + 1, .ptr = r,
			.s = c->kptr.id ? btf_type_name(c->kptr.btf, c->kptr.id) : "" });
	c->release = r->ref;
}

void ret_kptr(struct verifier *v, struct state *s, const struct call *c)
{
	struct reg *r0 = state_reg(s, 0);

	if (!c->kptr.id) {
		reg_set_unknown(v, r0);		/* refused already */
		return;
	}
	reg_set_btf(v, r0, c->kptr.btf, c->kptr.id,
		    REG_OR_NULL | (c->kptr.btf == v->img->btf ? REG_ALLOC : 0) |
		    (c->kptr.percpu ? REG_PERCPU : 0));
	r0->ref = r0->id = ref_acquire(v, s, REF_PTR);
	ref_find(s, r0->ref)->insn = c->insn;
}
