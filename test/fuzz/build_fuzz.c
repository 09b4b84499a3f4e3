/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build_fuzz.c: finding equal types. The input is raw BTF, or 's', the length of
 * a base (2 bytes), the base and the BTF that goes on after it. It is taken once
 * and twice: what comes out is BTF, has no more types than went in, and making
 * equal types one again finds none.
 */
#include "btf/build.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* FROM, TIMES over, after BASE; equal types once. */
static struct btf *merge(struct arena *arena, const struct btf *base,
			 const struct btf *from, u32 times)
{
	u32 *ids = arena_news(arena, from->nr_types, u32), *map, n;
	struct strbuf out = { 0 };
	struct skep_err err;
	struct btf_build b;
	struct btf *btf;

	btf_build_open_split(&b, arena, base);
	while (times--)
		btf_build_add(&b, from, ids);
	n = btf_build_next(&b);
	map = arena_news(arena, n, u32);
	btf_build_dedup(&b, map);
	must(btf_build_next(&b) <= n);
	for (u32 i = 0; i < n; i++)
		must(map[i] < btf_build_next(&b));
	btf_build_write(&b, &out);
	if (btf_parse_split(&btf, arena, base, (u8 *)out.s, out.n, "merged", &err)) {
		fputs(err.text, stderr);
		abort();
	}
	sb_free(&out);
	btf_build_free(&b);
	return btf;
}

/* Variables are never merged, nor are their tags. */
static bool has_vars(const struct btf *btf)
{
	for (u32 id = 1; id < btf->nr_types; id++)
		if (btf_kind(btf_type(btf, id)) == BTF_KIND_VAR)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	struct arena arena = ARENA_INIT;
	struct btf *base = NULL, *btf, *once, *twice;
	struct skep_err err = { 0 };
	size_t n = 0;

	if (bytes > 3 && data[0] == 's') {
		n = min_u64((u64)data[1] | (u64)data[2] << 8, bytes - 3);
		if (btf_parse(&base, &arena, data + 3, n, "base", &err))
			base = NULL;
		n += 3;
	}
	if (!btf_parse_split(&btf, &arena, base, data + n, bytes - n, "fuzz", &err)) {
		once = merge(&arena, base, btf, 1);
		twice = merge(&arena, base, btf, 2);
		must(has_vars(btf) || once->nr_types == twice->nr_types);
		must(merge(&arena, NULL, once, 1)->nr_types <= once->nr_types);
	}
	arena_free(&arena);
	return 0;
}
