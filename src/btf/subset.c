/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * subset.c: the types that some types are made of, as BTF of their own. What pointers
 * point to is left out: they become void *, as a value holds no more than a number.
 */
#include "btf/build.h"
#include <stdlib.h>

struct subset {
	const struct btf *from;
	u32 *ids;		/* of FROM: the new number; 0 not wanted */
	VEC(u32) wanted;	/* in the order of their new numbers, the first is 1 */
};

static u32 want(void *arg, u32 id)
{
	struct subset *s = arg;

	if (id && id < s->from->nr_types && !s->ids[id]) {
		*vec_push(&s->wanted) = id;
		s->ids[id] = (u32)s->wanted.n;
	}
	return id;
}

static void want_parts(struct subset *s, u32 id)
{
	const struct btf_type *t = btf_type(s->from, id);
	u32 bytes = btf_build_words(t) * 4, *w;

	if (btf_kind(t) == BTF_KIND_PTR)
		return;
	w = mem_alloc(bytes);
	memcpy(w, t, bytes);
	btf_build_walk(w, NULL, want, s);
	free(w);
}

void btf_subset(struct strbuf *out, const struct btf *from, u32 *roots, u32 n)
{
	struct subset s = { .from = from, .ids = mem_alloc(from->nr_types * sizeof(u32)) };
	struct arena arena = { 0 };
	struct btf_build b;

	for (u32 i = 0; i < n; i++)
		want(&s, roots[i]);
	for (size_t i = 0; i < s.wanted.n; i++)
		want_parts(&s, s.wanted.v[i]);
	btf_build_open(&b, &arena);
	for (size_t i = 0; i < s.wanted.n; i++)
		btf_build_copy(&b, from, s.wanted.v[i], s.ids);
	btf_build_write(&b, out);
	for (u32 i = 0; i < n; i++)
		roots[i] = roots[i] < from->nr_types ? s.ids[roots[i]] : 0;
	btf_build_free(&b);
	arena_free(&arena);
	vec_free(&s.wanted);
	free(s.ids);
}
