/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c: makes sure that a struct btf needs no further tests. Pass 2 checks
 * each record by itself; pass 3 follows chains and "contains" edges, to refuse
 * what has no end and members that do not fit. Each pass is linear.
 */
#include "btf/parse.h"
#include "base/os.h"
#include <stdlib.h>

enum {
	MAX_NAME = 4096,	/* bytes; keeps checks linear */
	MAX_NEST = 64,		/* kernel: 32 */
};

#define type_err(p, id, fmt, ...) \
	err_set((p)->err, ERR_BTF, (p)->where, "type %u at 0x%x (%s) " fmt, id, \
		btf_own_off((p)->btf, (id) - (p)->btf->first_id), kind_name((p)->btf, id), \
		##__VA_ARGS__)

static const char *kind_name(const struct btf *btf, u32 id)
{
	u32 kind = btf_kind(btf_type(btf, id));

	return kind ? btf_kinds[kind].name : "void";
}

/* ---- pass 2: each record by itself ------------------------------------ */

static int check_name(struct parse *p, u32 id, u32 off, bool wanted)
{
	const u8 *s = (const u8 *)btf_str(p->btf, off);
	size_t n;

	if (off >= p->btf->string_bytes)
		return type_err(p, id, "has a name at 0x%x; strings have 0x%x bytes",
				off, p->btf->string_bytes);
	if (wanted && !*s)
		return type_err(p, id, "has no name");
	if (btf_kind(btf_type(p->btf, id)) == BTF_KIND_DECL_TAG)
		return 0;	/* any text, of any length */
	for (n = 0; s[n]; n++)
		if (s[n] < ' ' || s[n] == 0x7f || n >= MAX_NAME)
			return type_err(p, id, "has a name with byte 0x%02x at position %zu",
					s[n], n);
	return 0;
}

static int check_id(struct parse *p, u32 id, u32 ref)
{
	if (ref >= p->btf->nr_types)
		return type_err(p, id, "refers to type %u; there are %u", ref,
				p->btf->nr_types);
	return 0;
}

/* REF must be something that a value, a parameter or a pointer can have. */
static int check_ref(struct parse *p, u32 id, u32 ref)
{
	int ret = check_id(p, id, ref);
	u32 kind = ret ? 0 : btf_kind(btf_type(p->btf, ref));

	if (kind == BTF_KIND_VAR || kind == BTF_KIND_DATASEC ||
	    kind == BTF_KIND_DECL_TAG || kind == BTF_KIND_FUNC)
		return type_err(p, id, "refers to type %u (%s), which is none",
				ref, kind_name(p->btf, ref));
	return ret;
}

static int check_int(struct parse *p, u32 id, const struct btf_type *t)
{
	u32 v = *(const u32 *)(t + 1);
	u32 bits = BTF_INT_BITS(v), off = BTF_INT_OFFSET(v);

	if (t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8 &&
	    t->size != 16)
		return type_err(p, id, "has %u bytes", t->size);
	if (!bits || bits + off > t->size * 8)
		return type_err(p, id, "has %u bits at %u in %u bytes", bits,
				off, t->size);
	return 0;
}

static int check_members(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_member *m = (const void *)(t + 1);
	int ret = 0;

	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		ret = check_name(p, id, m[i].name_off, false);
		if (!ret)
			ret = check_ref(p, id, m[i].type);
	}
	return ret;
}

static int check_params(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_param *a = (const void *)(t + 1);
	int ret = 0;

	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		ret = check_name(p, id, a[i].name_off, false);
		if (!ret)
			ret = check_ref(p, id, a[i].type);
	}
	return ret;
}

/* Names of enumerators; the records are 8 bytes, of enum64 12. */
static int check_enum(struct parse *p, u32 id, const struct btf_type *t)
{
	size_t each = btf_kinds[btf_kind(t)].each;
	const u8 *e = (const u8 *)(t + 1);
	int ret = 0;

	if (t->size != 1 && t->size != 2 && t->size != 4 && t->size != 8)
		return type_err(p, id, "has %u bytes", t->size);
	for (u32 i = 0; i < btf_vlen(t) && !ret; i++)
		ret = check_name(p, id, *(const u32 *)(e + i * each), true);
	return ret;
}

static int check_datasec(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = (const void *)(t + 1);
	int ret = 0;

	for (u32 i = 0; i < btf_vlen(t) && !ret; i++) {
		u32 kind;

		ret = check_id(p, id, v[i].type);
		if (ret)
			break;
		kind = btf_kind(btf_type(p->btf, v[i].type));
		if (kind != BTF_KIND_VAR && kind != BTF_KIND_FUNC)
			ret = type_err(p, id, "holds type %u, which is no variable",
				       v[i].type);
		else if (t->size && !in_bounds(v[i].offset, v[i].size, t->size))
			ret = type_err(p, id, "of %u bytes has a variable at %u of %u bytes",
				       t->size, v[i].offset, v[i].size);
	}
	return ret;
}

static int check_array(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_array *a = (const void *)(t + 1);
	int ret = check_ref(p, id, a->type);

	return ret ? ret : check_ref(p, id, a->index_type);
}

static int check_func(struct parse *p, u32 id, const struct btf_type *t)
{
	if (btf_kind(btf_type(p->btf, t->type)) != BTF_KIND_FUNC_PROTO)
		return type_err(p, id, "has type %u, which is no prototype", t->type);
	return 0;
}

static int check_kind(struct parse *p, u32 id, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return check_int(p, id, t);
	case BTF_KIND_ARRAY:
		return check_array(p, id, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(p, id, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return check_enum(p, id, t);
	case BTF_KIND_FUNC:
		return check_func(p, id, t);
	case BTF_KIND_FUNC_PROTO:
		return check_params(p, id, t);
	case BTF_KIND_DATASEC:
		return check_datasec(p, id, t);
	case BTF_KIND_FLOAT:
		return t->size == 2 || t->size == 4 || t->size == 8 ||
		       t->size == 12 || t->size == 16 ? 0 :
		       type_err(p, id, "has %u bytes", t->size);
	default:
		return 0;
	}
}

static int check_type(struct parse *p, u32 id)
{
	const struct btf_type *t = btf_type(p->btf, id);
	const struct kind_row *k = &btf_kinds[btf_kind(t)];
	int ret = check_name(p, id, t->name_off, k->flags & K_NAME);

	if (!ret && !(k->flags & K_VLEN) && btf_vlen(t))
		ret = type_err(p, id, "has %u members", btf_vlen(t));
	if (!ret && (k->flags & K_REF))
		ret = btf_kind(t) == BTF_KIND_DECL_TAG ?
			check_id(p, id, t->type) : check_ref(p, id, t->type);
	return ret ? ret : check_kind(p, id, t);
}

/* ---- pass 3: chains and sizes ------------------------------------------ */

/* The type that T leads to when declarations are read outwards, or 0. */
static u32 chain_next(const struct btf_type *t)
{
	if (!(btf_kinds[btf_kind(t)].flags & K_CHAIN))
		return 0;
	return btf_kind(t) == BTF_KIND_ARRAY ?
		((const struct btf_array *)(t + 1))->type : t->type;
}

/*
 * Every type has at most one successor here, so walks that stop at what an
 * earlier walk saw are linear in all, and meeting the own mark is a cycle.
 */
static int check_chains(struct parse *p)
{
	struct btf *btf = p->btf;
	u32 first = btf->first_id, n = btf->nr_types - first;
	u32 *mark = mem_alloc((n + 1) * sizeof(*mark));
	int ret = 0;

	for (u32 start = first; start < btf->nr_types && !ret; start++) {
		u32 id = start;

		if (mark[start - first])
			continue;
		/* the base's chains end, and none of them leads back here */
		while (id >= first && !mark[id - first]) {
			mark[id - first] = start;
			id = chain_next(btf_type(btf, id));
		}
		if (id >= first && mark[id - first] == start)
			ret = type_err(p, id, "leads back to itself");
	}
	free(mark);
	return ret;
}

/* Child I that ID contains by value. False when there are no more. */
static bool child(const struct btf *btf, u32 id, u32 i, u32 *out)
{
	const struct btf_type *t = btf_type(btf, id);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (i < btf_vlen(t))
			*out = ((const struct btf_member *)(t + 1))[i].type;
		return i < btf_vlen(t);
	case BTF_KIND_DATASEC:
		if (i < btf_vlen(t))
			*out = ((const struct btf_var_secinfo *)(t + 1))[i].type;
		return i < btf_vlen(t);
	case BTF_KIND_ARRAY:
		*out = ((const struct btf_array *)(t + 1))->type;
		return i == 0;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
		*out = t->type;
		return i == 0;
	default:
		return false;
	}
}

/*
 * __uint(max_entries, 0xffffffff) is an array of that many int: such types are
 * fine as long as nothing has them as its value.
 */
#define ARRAY_BYTES_MAX (1ll << 48)

static int size_array(struct parse *p, u32 id, const struct btf_type *t)
{
	const struct btf_array *a = (const void *)(t + 1);
	s64 each = btf_size(p->btf, a->type), all;

	if (each < 0)
		return type_err(p, id, "has elements of type %u, which has no size",
				a->type);
	if (__builtin_mul_overflow(each, (s64)a->nelems, &all) || all > ARRAY_BYTES_MAX)
		return type_err(p, id, "has %u elements of %lld bytes", a->nelems,
				(long long)each);
	return 0;
}

/* Only numbers have parts of bytes. */
static bool takes_bits(const struct btf *btf, u32 id)
{
	switch (btf_kind(btf_type(btf, btf_skip_mods(btf, id)))) {
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return true;
	default:
		return false;
	}
}

static int size_struct(struct parse *p, u32 id, const struct btf_type *t)
{
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(p->btf, t, i);
		s64 size = btf_size(p->btf, m.type_id);
		u64 bits = m.bit_size ? m.bit_size : (u64)size * 8;

		if (size < 0)
			return type_err(p, id, "has member '%s' of type %u, which has no size",
					m.name, m.type_id);
		if (!in_bounds(m.bit_off, bits, (u64)t->size * 8))
			return type_err(p, id, "of %u bytes has '%s' at bit %u with %llu bits",
					t->size, m.name, m.bit_off,
					(unsigned long long)bits);
		if (m.bit_size > 128 || (m.bit_size ? !takes_bits(p->btf, m.type_id) :
							m.bit_off % 8))
			return type_err(p, id, "has member '%s' at bit %u, %u bits",
					m.name, m.bit_off, m.bit_size);
	}
	return 0;
}

/* All that ID contains was checked, so that btf_size is right for it. */
static int size_one(struct parse *p, u32 id)
{
	const struct btf_type *t = btf_type(p->btf, id);

	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		return size_array(p, id, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return size_struct(p, id, t);
	default:
		return 0;
	}
}

/*
 * Depth first over "contains", on a stack of frames: a type met while it is
 * in work contains itself. state[] keeps the depth below a finished type, so
 * that the limit holds for every path.
 */
static int resolve(struct parse *p, u32 start)
{
	enum { IN_WORK = 255 };
	struct { u32 id, next; u8 depth; } stack[MAX_NEST + 1], *f = stack;
	const u32 first = p->btf->first_id;
	int ret;

	*f = (typeof(*f)){ .id = start };
	p->state[start - first] = IN_WORK;
	for (;;) {
		u32 c = 0;

		if (!child(p->btf, f->id, f->next, &c)) {
			ret = size_one(p, f->id);
			if (ret)
				return ret;
			p->state[f->id - first] = f->depth + 1;
			if (f == stack)
				return 0;
			f--;
			f->depth = (u8)max_u64(f->depth, f[1].depth + 1);
			f->next++;
		} else if (c < first) {
			f->next++;
		} else if (p->state[c - first] == IN_WORK) {
			return type_err(p, c, "contains itself");
		} else if (p->state[c - first]) {
			f->depth = (u8)max_u64(f->depth, p->state[c - first]);
			f->next++;
		} else {
			if (f == stack + MAX_NEST)
				return type_err(p, start, "nests deeper than %d levels",
						MAX_NEST);
			p->state[c - first] = IN_WORK;
			*++f = (typeof(*f)){ .id = c };
		}
		if (f->depth > MAX_NEST)
			return type_err(p, f->id, "nests deeper than %d levels", MAX_NEST);
	}
}

int btf_check(struct parse *p)
{
	struct btf *btf = p->btf;
	u32 first = btf->first_id;
	int ret = 0;

	for (u32 id = first; id < btf->nr_types && !ret; id++)
		ret = check_type(p, id);
	if (!ret)
		ret = check_chains(p);
	if (ret)
		return ret;
	p->state = mem_alloc(btf->nr_types - first + 1);
	for (u32 id = first; id < btf->nr_types && !ret; id++)
		if (!p->state[id - first])
			ret = resolve(p, id);
	free(p->state);
	return ret;
}
