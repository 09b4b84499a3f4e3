/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dedup.c: equal types become one. Types are the states of an automaton whose
 * edges are what they refer to, first reference, second reference and so on;
 * equal types are the states that minimising it makes one. Types that look
 * alike by themselves start in one block, and blocks part until each has all
 * its edges into one block: that is equality of the unfolded types, cycles
 * included, so nothing merges that differs anywhere. Blocks and sets of edges
 * split each other, the smaller half becoming new (A. Valmari, "Fast brief
 * practical DFA minimization", 2012), which takes m log m for m edges.
 *
 * Declarations are taken for the one type of their name first; those whose
 * name turns out to have unequal types are left alone, and it starts again.
 */
#include "btf/build.h"
#include <stdlib.h>

/* Names that part late make others part; after this no declaration is joined. */
enum { MAX_TRIES = 16, WORD = sizeof(u32) };

/* A set of numbers below n, in sets 0..nr-1; set s is elems[first[s]..end[s]),
 * of which the first marked[s] are marked. */
struct part {
	u32 *elems, *place;	/* place[elems[i]] == i */
	u32 *set;		/* of each number */
	u32 *first, *end, *marked;
	u32 *touched;		/* sets with marks */
	u32 nr, nr_touched, n;
};

/* One type under its name: structs, unions, enums and their declarations. */
struct named { u64 key; u32 id; bool decl; };
struct ranked { u64 rank; u32 id; };

struct dedup {
	struct btf_build *b;
	u32 n;			/* types, void and the base's included */
	u32 first;		/* the first that is not the base's */
	u32 *alias;		/* what stands for a type: itself or another */
	u64 *own;		/* hash of a type by itself */
	VEC(u32) scratch;	/* words of the type at hand */
	VEC(u32) head, tail, label;	/* of each edge */
	VEC(struct named) named;	/* by key */
	u32 *in, *in_edges;	/* edges to type i: in_edges[in[i]..in[i + 1]) */
	u32 *map;
};

/* ---- partitions --------------------------------------------------------------- */

static int ranked_order(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Numbers of one rank are one set at first; sorts R. */
static void part_open(struct part *p, struct ranked *r, u32 n)
{
	u32 *all = mem_alloc(((size_t)n + 1) * 7 * sizeof(u32));

	*p = (struct part){ .n = n };
	u32 **to[] = { &p->elems, &p->place, &p->set, &p->first, &p->end,
		       &p->marked, &p->touched };
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		*to[i] = all + i * (n + 1);
	qsort(r, n, sizeof(*r), ranked_order);
	for (u32 i = 0; i < n; i++) {
		if (!i || r[i].rank != r[i - 1].rank)
			p->first[p->nr++] = i;
		p->elems[i] = r[i].id;
		p->place[r[i].id] = i;
		p->set[r[i].id] = p->nr - 1;
		p->end[p->nr - 1] = i + 1;
	}
}

static void part_close(struct part *p)
{
	free(p->elems);
}

/* E must not be marked yet. */
static void mark(struct part *p, u32 e)
{
	u32 s = p->set[e], i = p->place[e], j = p->first[s] + p->marked[s];

	p->elems[i] = p->elems[j];
	p->place[p->elems[i]] = i;
	p->elems[j] = e;
	p->place[e] = j;
	if (!p->marked[s]++)
		p->touched[p->nr_touched++] = s;
}

/* Parts S into what is marked and what is not; the smaller is a new set. */
static void split_one(struct part *p, u32 s)
{
	u32 mid = p->first[s] + p->marked[s], z = p->nr;

	p->marked[s] = 0;
	if (mid == p->end[s])
		return;
	if (mid - p->first[s] <= p->end[s] - mid) {
		p->first[z] = p->first[s];
		p->end[z] = p->first[s] = mid;
	} else {
		p->end[z] = p->end[s];
		p->first[z] = p->end[s] = mid;
	}
	for (u32 i = p->first[z]; i < p->end[z]; i++)
		p->set[p->elems[i]] = z;
	p->nr++;
}

static void split(struct part *p)
{
	while (p->nr_touched)
		split_one(p, p->touched[--p->nr_touched]);
}

/* ---- types as states ------------------------------------------------------------ */

static const struct btf_type *type_at(const struct dedup *d, u32 id)
{
	if (id < d->first)
		return id ? btf_type(d->b->base, id) : NULL;
	return (const void *)(d->b->types.s + d->b->offs.v[id - d->first]);
}

struct edges { struct dedup *d; u32 from, n; };

static u32 add_edge(void *arg, u32 to)
{
	struct edges *e = arg;

	*vec_push(&e->d->head) = to;
	*vec_push(&e->d->tail) = e->from;
	*vec_push(&e->d->label) = e->n++;
	return 0;
}

/* The edges and the hash of each type. */
static void collect(struct dedup *d)
{
	for (u32 id = 1; id < d->n; id++) {
		const struct btf_type *t = type_at(d, id);
		struct edges e = { d, id, 0 };
		u32 n = btf_build_words(t);

		d->scratch.n = 0;
		for (u32 i = 0; i < n; i++)
			*vec_push(&d->scratch) = ((const u32 *)t)[i];
		btf_build_walk(d->scratch.v, NULL, add_edge, &e);
		d->own[id] = hash_bytes(d->scratch.v, n * WORD, d->b->names.seed);
		/* every variable is one of its own */
		if (btf_kind(t) == BTF_KIND_VAR)
			d->own[id] += id * 0x9e3779b97f4a7c15ull;
	}
}

/* Sorts edges by what they lead to, aliases followed. */
static void index_edges(struct dedup *d)
{
	u32 m = (u32)d->head.n, *at = mem_alloc(((size_t)d->n + 1) * sizeof(u32));

	memset(d->in, 0, ((size_t)d->n + 1) * sizeof(u32));
	for (u32 e = 0; e < m; e++)
		d->in[d->alias[d->head.v[e]] + 1]++;
	for (u32 id = 0; id < d->n; id++) {
		d->in[id + 1] += d->in[id];
		at[id] = d->in[id];
	}
	for (u32 e = 0; e < m; e++)
		d->in_edges[at[d->alias[d->head.v[e]]]++] = e;
	free(at);
}

/* Leaves in BLOCKS the coarsest partition in which equal edges lead to one block. */
static void refine(struct dedup *d, struct part *blocks)
{
	u32 m = (u32)d->head.n, n = d->n > m ? d->n : m;
	struct ranked *r = mem_alloc(((size_t)n + 1) * sizeof(*r));
	struct part cords;

	index_edges(d);
	for (u32 id = 0; id < d->n; id++)
		r[id] = (struct ranked){ d->own[id], id };
	part_open(blocks, r, d->n);
	for (u32 e = 0; e < m; e++)
		r[e] = (struct ranked){ d->label.v[e], e };
	part_open(&cords, r, m);
	free(r);
	for (u32 c = 0, b = 1; c < cords.nr; c++) {
		for (u32 i = cords.first[c]; i < cords.end[c]; i++)
			mark(blocks, d->tail.v[cords.elems[i]]);
		split(blocks);
		for (; b < blocks->nr; b++) {
			for (u32 i = blocks->first[b]; i < blocks->end[b]; i++) {
				u32 id = blocks->elems[i];

				for (u32 k = d->in[id]; k < d->in[id + 1]; k++)
					mark(&cords, d->in_edges[k]);
			}
			split(&cords);
		}
	}
	part_close(&cords);
}

/* ---- externs --------------------------------------------------------------------- */

static u32 linkage(const struct btf_type *t)
{
	return btf_kind(t) == BTF_KIND_VAR ?
		((const struct btf_var *)(t + 1))->linkage : btf_vlen(t);
}

/* 'v' or 'f' for what other files may mean by its name, else 0. */
static char global_kind(const struct btf_type *t)
{
	u32 kind = btf_kind(t);

	if (kind != BTF_KIND_VAR && kind != BTF_KIND_FUNC)
		return 0;
	if (linkage(t) == BTF_VAR_STATIC)	/* BTF_FUNC_STATIC alike */
		return 0;
	return kind == BTF_KIND_VAR ? 'v' : 'f';
}

static const char *name_at(const struct dedup *d, u32 off)
{
	return off < d->b->first_string ? btf_str(d->b->base, off) :
		d->b->strings.s + (off - d->b->first_string);
}

/* Externs become what they mean, else the first of their name. */
static void join_externs(struct dedup *d)
{
	struct strtab found = { .arena = d->b->arena };
	u32 to;

	for (int pass = 0; pass < 2; pass++)
		for (u32 id = 1; id < d->n; id++) {
			const struct btf_type *t = type_at(d, id);
			char kind = global_kind(t);
			bool is_extern = kind && linkage(t) == BTF_VAR_GLOBAL_EXTERN;
			const char *key;

			if (!kind || is_extern != pass)
				continue;
			key = arena_printf(d->b->arena, "%c%s", kind,
					   name_at(d, t->name_off));
			if (!strtab_get(&found, key, &to))
				strtab_put(&found, key, id);
			else if (is_extern && id >= d->first)
				d->alias[id] = to;
		}
}

/* ---- declarations ------------------------------------------------------------------ */

/* What a declaration and its type have in common; 0 for other kinds. */
static u64 named_key(const struct btf_type *t, bool *decl)
{
	u32 kind = btf_kind(t), what;

	*decl = kind == BTF_KIND_FWD;
	switch (kind) {
	case BTF_KIND_FWD:
		what = btf_kflag(t) ? 2 : 1;
		break;
	case BTF_KIND_STRUCT:
		what = 1;
		break;
	case BTF_KIND_UNION:
		what = 2;
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		*decl = !btf_vlen(t);
		what = 3;
		break;
	default:
		return 0;
	}
	return t->name_off ? (u64)t->name_off << 2 | what : 0;
}

static int named_order(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->decl != y->decl)
		return x->decl - y->decl;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void list_named(struct dedup *d)
{
	for (u32 id = 1; id < d->n; id++) {
		bool decl;
		u64 key = named_key(type_at(d, id), &decl);

		if (key)
			*vec_push(&d->named) = (struct named){ key, id, decl };
	}
	if (d->named.n)
		qsort(d->named.v, d->named.n, sizeof(*d->named.v), named_order);
}

/* Whether X and Y are equal as far as is known. */
static bool same(const struct dedup *d, const struct part *blocks, u32 x, u32 y)
{
	return blocks ? blocks->set[x] == blocks->set[y] : d->own[x] == d->own[y];
}

/*
 * For the types of one name, definitions first: declarations stand for the
 * definition as long as all are equal. True when some no longer do.
 */
static bool join_group(struct dedup *d, const struct part *blocks,
		       const struct named *g, size_t n)
{
	size_t defs = 0;
	bool one = true, changed = false;

	while (defs < n && !g[defs].decl)
		defs++;
	for (size_t i = 1; i < defs; i++)
		one = one && same(d, blocks, g[0].id, g[i].id);
	for (size_t i = defs; defs && i < n; i++) {
		u32 id = g[i].id;

		if (id < d->first)	/* the base stays as it is */
			continue;
		if (!blocks && one)
			d->alias[id] = g[0].id;
		else if (!one && d->alias[id] != id) {
			d->alias[id] = id;
			changed = true;
		}
	}
	return changed;
}

static bool join_declarations(struct dedup *d, const struct part *blocks)
{
	const struct named *v = d->named.v;
	bool changed = false;

	for (size_t i = 0, k; i < d->named.n; i = k) {
		for (k = i + 1; k < d->named.n && v[k].key == v[i].key; k++)
			;
		changed |= join_group(d, blocks, v + i, k - i);
	}
	return changed;
}

static void part_declarations(struct dedup *d)
{
	for (size_t i = 0; i < d->named.n; i++)
		d->alias[d->named.v[i].id] = d->named.v[i].id;
}

static void find_equal(struct dedup *d, struct part *blocks)
{
	join_declarations(d, NULL);
	refine(d, blocks);
	for (u32 i = 0; join_declarations(d, blocks); i++) {
		if (i == MAX_TRIES)
			part_declarations(d);
		part_close(blocks);
		refine(d, blocks);
	}
}

/* ---- renumbering --------------------------------------------------------------------- */

/* The first of each block stands for it; the base's stand for themselves. */
static void pick_first(struct dedup *d, const struct part *blocks)
{
	for (u32 s = 0; s < blocks->nr; s++) {
		u32 least = UINT32_MAX;

		for (u32 i = blocks->first[s]; i < blocks->end[s]; i++) {
			u32 id = blocks->elems[i];

			if (d->alias[id] == id && id < least)
				least = id;
		}
		for (u32 i = blocks->first[s]; i < blocks->end[s]; i++) {
			u32 id = blocks->elems[i];

			if (d->alias[id] == id && id >= d->first)
				d->alias[id] = least;
		}
	}
}

static u32 new_id(void *arg, u32 id)
{
	return ((struct dedup *)arg)->map[id];
}

static void renumber(struct dedup *d)
{
	struct strbuf types = { 0 };
	u32 next = d->first, k = 0;

	for (u32 id = 0; id < d->n; id++)
		if (d->alias[id] == id)
			d->map[id] = id < d->first ? id : next++;
	for (u32 id = 0; id < d->n; id++)
		d->map[id] = d->map[d->alias[d->alias[id]]];
	for (u32 id = d->first; id < d->n; id++) {
		u32 *w = (u32 *)(uintptr_t)type_at(d, id), off = (u32)types.n;

		if (d->alias[id] != id)
			continue;
		btf_build_walk(w, NULL, new_id, d);
		sb_add(&types, w, btf_build_words((const void *)w) * WORD);
		d->b->offs.v[k++] = off;
	}
	d->b->offs.n = k;
	sb_free(&d->b->types);
	d->b->types = types;
}

static void dedup(struct btf_build *b, u32 *map, bool all)
{
	struct dedup d = {
		.b = b, .n = btf_build_next(b), .first = b->first_id, .map = map,
	};
	struct part blocks;

	d.alias = mem_alloc(d.n * sizeof(u32));
	d.own = mem_alloc(d.n * sizeof(u64));
	for (u32 id = 0; id < d.n; id++)
		d.alias[id] = id;
	collect(&d);
	d.in = mem_alloc(((size_t)d.n + 1) * sizeof(u32));
	d.in_edges = mem_alloc((d.head.n + 1) * sizeof(u32));
	if (all) {
		join_externs(&d);
		list_named(&d);
	}
	find_equal(&d, &blocks);
	pick_first(&d, &blocks);
	renumber(&d);
	part_close(&blocks);
	free(d.alias);
	free(d.own);
	free(d.in);
	free(d.in_edges);
	vec_free(&d.scratch);
	vec_free(&d.head);
	vec_free(&d.tail);
	vec_free(&d.label);
	vec_free(&d.named);
}

void btf_build_dedup(struct btf_build *b, u32 *map)
{
	dedup(b, map, true);
}

void btf_build_dedup_part(struct btf_build *b, u32 *map)
{
	dedup(b, map, false);
}
