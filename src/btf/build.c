/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c: merging BTF. Equality is found by refining classes: types start in
 * one class when their own words are equal, and part when what they refer to
 * parts, until nothing does. That is equality of the unfolded types, cycles
 * included, so nothing merges that differs anywhere. Takes checked BTF only.
 */
#include "btf/build.h"
#include <stdlib.h>

/* Real types settle in about 20 rounds; a chain that is made not to is left. */
enum { MAX_ROUNDS = 64, WORD = sizeof(u32) };

void btf_build_open(struct btf_build *b, struct arena *arena)
{
	*b = (struct btf_build){ .arena = arena, .names = { .arena = arena } };
	btf_build_str(b, "");
}

void btf_build_free(struct btf_build *b)
{
	sb_free(&b->types);
	sb_free(&b->strings);
	vec_free(&b->offs);
}

u32 btf_build_str(struct btf_build *b, const char *s)
{
	u32 off;

	if (strtab_get(&b->names, s, &off))
		return off;
	off = (u32)b->strings.n;
	sb_add(&b->strings, s, strlen(s) + 1);
	strtab_put(&b->names, s, off);
	return off;
}

/* ---- the words of a type ------------------------------------------------ */

/* Records behind the head: FIRST word, STRIDE words each; which of them are a
 * name and a type (-1: none). REF: the third word of the head is a type. */
struct shape { u8 first, stride; s8 name, type; bool ref; };

static struct shape shape_of(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (struct shape){ 3, 3, 0, 1, false };
	case BTF_KIND_ENUM:
		return (struct shape){ 3, 2, 0, -1, false };
	case BTF_KIND_ENUM64:
		return (struct shape){ 3, 3, 0, -1, false };
	case BTF_KIND_FUNC_PROTO:
		return (struct shape){ 3, 2, 0, 1, true };
	case BTF_KIND_DATASEC:
		return (struct shape){ 3, 3, -1, 0, false };
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
	case BTF_KIND_ARRAY:
		return (struct shape){ 3, 0, -1, -1, false };
	default:
		return (struct shape){ 3, 0, -1, -1, true };
	}
}

static u32 word_count(const struct btf_type *t)
{
	struct shape s = shape_of(t);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return 6;
	default:
		return 3 + s.stride * (s.stride ? btf_vlen(t) : 0);
	}
}

typedef u32 word_fn(void *arg, u32 word);

/* Replaces the names in W, a type, by NAME and types by TYPE (NULL: neither). */
static void walk_words(u32 *w, word_fn *name, word_fn *type, void *arg)
{
	const struct btf_type *t = (const void *)w;
	struct shape s = shape_of(t);
	u32 n = s.stride ? btf_vlen(t) : 0;

	if (name)
		w[0] = name(arg, w[0]);
	if (type && s.ref)
		w[2] = type(arg, w[2]);
	for (u32 i = 0; type && btf_kind(t) == BTF_KIND_ARRAY && i < 2; i++)
		w[3 + i] = type(arg, w[3 + i]);
	for (u32 i = 0; i < n; i++) {
		u32 *r = w + s.first + i * s.stride;

		if (name && s.name >= 0)
			r[s.name] = name(arg, r[s.name]);
		if (type && s.type >= 0)
			r[s.type] = type(arg, r[s.type]);
	}
}

/* ---- adding ----------------------------------------------------------------- */

struct copy { struct btf_build *b; const struct btf *from; const u32 *ids; };

static u32 copy_name(void *arg, u32 off)
{
	struct copy *c = arg;

	return btf_build_str(c->b, btf_str(c->from, off));
}

static u32 copy_id(void *arg, u32 id)
{
	return ((struct copy *)arg)->ids[id];
}

void btf_build_add(struct btf_build *b, const struct btf *from, u32 *ids)
{
	struct copy c = { b, from, ids };
	u32 next = (u32)b->offs.n + 1;

	ids[0] = 0;
	for (u32 id = 1; id < from->nr_types; id++)
		ids[id] = btf_kind(btf_type(from, id)) == BTF_KIND_DATASEC ? 0 : next++;
	for (u32 id = 1; id < from->nr_types; id++) {
		const struct btf_type *t = btf_type(from, id);

		if (!ids[id])
			continue;
		*vec_push(&b->offs) = (u32)b->types.n;
		sb_add(&b->types, t, word_count(t) * WORD);
		walk_words((u32 *)(void *)(b->types.s + b->offs.v[b->offs.n - 1]),
			   copy_name, copy_id, &c);
	}
}

u32 btf_build_datasec(struct btf_build *b, const char *name, u32 bytes,
		      const struct btf_var_secinfo *vars, u32 n)
{
	struct btf_type t = {
		.name_off = btf_build_str(b, name), .size = bytes,
		.info = (u32)BTF_KIND_DATASEC << 24 | n,
	};

	*vec_push(&b->offs) = (u32)b->types.n;
	sb_add(&b->types, &t, sizeof(t));
	sb_add(&b->types, vars, n * sizeof(*vars));
	return (u32)b->offs.n;
}

void btf_build_write(const struct btf_build *b, struct strbuf *out)
{
	struct btf_header h = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h),
		.type_len = (u32)b->types.n, .str_off = (u32)b->types.n,
		.str_len = (u32)b->strings.n,
	};

	sb_add(out, &h, sizeof(h));
	sb_add(out, b->types.s, b->types.n);
	sb_add(out, b->strings.s, b->strings.n);
}

/* ---- equal types -------------------------------------------------------------- */

struct dedup {
	struct btf_build *b;
	u32 n;			/* types, void included */
	u32 *alias;		/* what stands for a type: itself or another */
	u64 *own, *class, *next, *sorted;
	u64 hash;		/* of the type at hand */
	u32 *map;
};

static u32 *type_words(const struct dedup *d, u32 id)
{
	return (u32 *)(void *)(d->b->types.s + d->b->offs.v[id - 1]);
}

static u32 zero_word(void *arg, u32 word)
{
	return 0;
}

static void hash_own(struct dedup *d)
{
	VEC(u32) copy = { 0 };

	for (u32 id = 1; id < d->n; id++) {
		const u32 *w = type_words(d, id);
		u32 n = word_count((const void *)w);

		copy.n = 0;
		for (u32 i = 0; i < n; i++)
			*vec_push(&copy) = w[i];
		walk_words(copy.v, NULL, zero_word, NULL);
		d->own[id] = hash_bytes(copy.v, n * WORD, d->b->names.seed);
		/* every variable is one of its own */
		if (btf_kind((const void *)w) == BTF_KIND_VAR)
			d->own[id] += id * 0x9e3779b97f4a7c15ull;
	}
	vec_free(&copy);
}

static u32 mix_class(void *arg, u32 id)
{
	struct dedup *d = arg;
	u64 pair[2] = { d->hash, d->class[d->alias[id]] };

	d->hash = hash_bytes(pair, sizeof(pair), d->b->names.seed);
	return id;
}

static int u64_order(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u32 count_classes(struct dedup *d)
{
	u32 n = 0;

	memcpy(d->sorted, d->class, d->n * sizeof(u64));
	qsort(d->sorted, d->n, sizeof(u64), u64_order);
	for (u32 i = 0; i < d->n; i++)
		n += !i || d->sorted[i] != d->sorted[i - 1];
	return n;
}

/* False when it did not end. */
static bool refine(struct dedup *d)
{
	u32 before = 0, now;

	memcpy(d->class, d->own, d->n * sizeof(u64));
	now = count_classes(d);
	for (u32 round = 0; now != before; round++) {
		if (round == MAX_ROUNDS)
			return false;
		for (u32 id = 1; id < d->n; id++) {
			d->hash = d->class[id];
			walk_words(type_words(d, id), NULL, mix_class, d);
			d->next[id] = d->hash;
		}
		memcpy(d->class + 1, d->next + 1, (d->n - 1) * sizeof(u64));
		before = now;
		now = count_classes(d);
	}
	return true;
}

static const char *key_of(struct dedup *d, char kind, u32 name)
{
	return arena_printf(d->b->arena, "%c%s", kind, d->b->strings.s + name);
}

static u32 linkage(const u32 *w)
{
	const struct btf_type *t = (const void *)w;

	return btf_kind(t) == BTF_KIND_VAR ? w[3] : btf_vlen(t);
}

/* 'v' or 'f' for what other files may mean by its name, else 0. */
static char global_kind(const u32 *w)
{
	u32 kind = btf_kind((const void *)w);

	if (kind != BTF_KIND_VAR && kind != BTF_KIND_FUNC)
		return 0;
	if (linkage(w) == BTF_VAR_STATIC)	/* BTF_FUNC_STATIC alike */
		return 0;
	return kind == BTF_KIND_VAR ? 'v' : 'f';
}

/* Externs become what they mean, else the first of their name. */
static void join_externs(struct dedup *d)
{
	struct strtab found = { .arena = d->b->arena };
	u32 to;

	for (int pass = 0; pass < 2; pass++)
		for (u32 id = 1; id < d->n; id++) {
			const u32 *w = type_words(d, id);
			char kind = global_kind(w);
			bool is_extern = kind && linkage(w) == BTF_VAR_GLOBAL_EXTERN;
			const char *key;

			if (!kind || is_extern != pass)
				continue;
			key = key_of(d, kind, w[0]);
			if (!strtab_get(&found, key, &to))
				strtab_put(&found, key, id);
			else if (is_extern)
				d->alias[id] = to;
		}
}

/* Declared structs become the struct, when all of that name are equal. */
static void join_forwards(struct dedup *d)
{
	struct strtab found = { .arena = d->b->arena };

	for (u32 id = 1; id < d->n; id++) {
		const u32 *w = type_words(d, id);
		u32 kind = btf_kind((const void *)w), to;
		const char *key;

		if ((kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION) || !w[0])
			continue;
		key = key_of(d, kind == BTF_KIND_UNION ? 'u' : 's', w[0]);
		if (!strtab_get(&found, key, &to))
			strtab_put(&found, key, id);
		else if (to && d->class[to] != d->class[id])
			strtab_put(&found, key, 0);
	}
	for (u32 id = 1; id < d->n; id++) {
		const u32 *w = type_words(d, id);
		u32 to;

		if (btf_kind((const void *)w) == BTF_KIND_FWD &&
		    strtab_get(&found, key_of(d, btf_kflag((const void *)w) ? 'u' : 's', w[0]), &to)
		    && to)
			d->alias[id] = to;
	}
}

/* ---- renumbering -------------------------------------------------------------- */

struct ranked { u64 class; u32 id; };

static int ranked_order(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* The first of each class stands for it. */
static void pick_first(struct dedup *d)
{
	struct ranked *r = mem_alloc(d->n * sizeof(*r));
	u32 first = 0, n = 0;

	for (u32 id = 1; id < d->n; id++)
		if (d->alias[id] == id)
			r[n++] = (struct ranked){ d->class[id], id };
	qsort(r, n, sizeof(*r), ranked_order);
	for (u32 i = 0; i < n; i++) {
		if (!i || r[i].class != r[i - 1].class)
			first = r[i].id;
		d->alias[r[i].id] = first;
	}
	free(r);
}

static u32 new_id(void *arg, u32 id)
{
	return ((struct dedup *)arg)->map[id];
}

static void renumber(struct dedup *d)
{
	struct strbuf types = { 0 };
	u32 n = 0;

	for (u32 id = 1; id < d->n; id++)
		if (d->alias[id] == id)
			d->map[id] = ++n;
	for (u32 id = 1; id < d->n; id++) {
		u32 to = d->alias[d->alias[id]];

		d->map[id] = d->map[to];
	}
	d->map[0] = 0;
	for (u32 id = 1, k = 0; id < d->n; id++) {
		u32 *w = type_words(d, id), off = (u32)types.n;

		if (d->alias[id] != id)
			continue;
		walk_words(w, NULL, new_id, d);
		sb_add(&types, w, word_count((const void *)w) * WORD);
		d->b->offs.v[k++] = off;
	}
	d->b->offs.n = n;
	sb_free(&d->b->types);
	d->b->types = types;
}

void btf_build_dedup(struct btf_build *b, u32 *map)
{
	struct dedup d = { .b = b, .n = (u32)b->offs.n + 1, .map = map };

	d.alias = mem_alloc(d.n * sizeof(u32));
	d.own = mem_alloc(d.n * 4 * sizeof(u64));
	d.class = d.own + d.n;
	d.next = d.class + d.n;
	d.sorted = d.next + d.n;
	for (u32 id = 0; id < d.n; id++)
		d.alias[id] = id;
	hash_own(&d);
	join_externs(&d);
	if (refine(&d)) {
		join_forwards(&d);
		if (refine(&d))
			pick_first(&d);
	}
	renumber(&d);
	free(d.alias);
	free(d.own);
}
