/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reloc_fuzz.c: a module's types onto another kernel's. The input is the length
 * of a distilled base and that of the module's BTF (2 bytes each), those two, and
 * the kernel's BTF. What comes out is the same number of types after the kernel's.
 */
#include "btf/btf.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

struct input { const u8 *at; size_t left; };

/* The next BTF, at most N bytes of it, after BASE. */
static struct btf *next(struct input *in, size_t n, struct arena *arena,
			const struct btf *base)
{
	struct skep_err err;
	struct btf *btf;

	n = min_u64(n, in->left);
	if (btf_parse_split(&btf, arena, base, in->at, n, "fuzz", &err))
		return NULL;
	in->at += n;
	in->left -= n;
	return btf;
}

static void relocate(struct arena *arena, const struct btf *split, const struct btf *kernel)
{
	struct skep_err err = { 0 };
	struct strbuf out = { 0 };
	struct btf *btf;

	if (btf_relocate(&btf, arena, split, kernel, "fuzz", &err)) {
		if (!err.code || !strstr(err.text, "error: "))
			abort();
		return;
	}
	if (btf->nr_types - btf->first_id != split->nr_types - split->first_id ||
	    btf->base != kernel)
		abort();
	for (u32 id = btf->first_id; id < btf->nr_types; id++)
		btf_raw_text(&out, btf, id);
	sb_free(&out);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	struct arena arena = ARENA_INIT;
	struct btf *old, *split = NULL, *kernel = NULL;
	struct input in = { data + 4, bytes - 4 };

	if (bytes < 4)
		return 0;
	old = next(&in, data[0] | (size_t)data[1] << 8, &arena, NULL);
	if (old)
		split = next(&in, data[2] | (size_t)data[3] << 8, &arena, old);
	if (split)
		kernel = next(&in, in.left, &arena, NULL);
	if (kernel)
		relocate(&arena, split, kernel);
	arena_free(&arena);
	return 0;
}
