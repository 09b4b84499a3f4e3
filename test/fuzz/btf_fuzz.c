/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_fuzz.c: type information by itself: raw .BTF, or 's', the length of a
 * base (2 bytes), the base and the BTF that goes on after it. What is accepted
 * is found by name with and without index, dumped in every format and shown as
 * values; output must stay in proportion to the input.
 */
#include "btf/btf.h"
#include "btf/build.h"
#include <stdlib.h>

/* A header may expand types, but not without bound. */
enum { OUT_BASE = 64 << 20, OUT_EACH = 8192, SHOWN = 5 };

static const u8 zero[512];

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Records lie one behind the other, however they were found. */
static void check_records(const struct btf *btf)
{
	u32 off = 0;

	for (u32 i = 0; i < btf->nr_types - btf->first_id; i++) {
		must(btf_own_off(btf, i) == off);
		must(btf_own_kind(btf, i) == btf_kind(btf_own(btf, i)));
		off += 4 * btf_build_words(btf_own(btf, i));
	}
}

static void check_names(struct btf *btf, struct arena *arena)
{
	u32 n = (u32)min_u64(btf->nr_types, 256);
	u32 *found = arena_news(arena, n, u32);

	for (u32 id = 1; id < n; id++) {
		found[id] = btf_find(btf, btf_type_name(btf, id), 0);
		must(!*btf_type_name(btf, id) || (found[id] && found[id] <= id));
	}
	btf_index(btf, arena);
	for (u32 id = 1; id < n; id++)
		must(btf_find(btf, btf_type_name(btf, id), 0) == found[id]);
}

static void show(struct strbuf *out, const struct btf *btf, u32 id)
{
	struct json j = { .out = out };
	s64 size = btf_size(btf, id);

	btf_show_json(&j, NULL, btf, id, zero, (size_t)(size < 0 ? 0 :
		      min_u64((u64)size, sizeof(zero))), id % 2 ? BTF_SHOW_NET : 0);
	btf_decl_c(out, btf, id, "name");
	btf_def_c(out, btf, id);
}

static void print(const struct btf *btf, size_t bytes)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out };
	struct skep_err err = { 0 };

	for (u32 id = 0; id <= btf->nr_types; id++) {
		btf_raw_text(&out, btf, id);
		btf_raw_json(&j, btf, id);
		if (id < SHOWN)
			show(&out, btf, id);
		if (out.n > 1 << 20)
			sb_reset(&out);
	}
	sb_reset(&out);
	if (btf_header_c(&out, btf, NULL, 0, "fuzz", &err))
		must(err.id == ERR_LIMIT);
	must(out.n <= OUT_BASE + bytes * OUT_EACH);
	sb_free(&out);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t bytes)
{
	struct arena arena = ARENA_INIT;
	struct btf *base = NULL, *btf;
	struct skep_err err = { 0 };
	size_t n = 0;

	if (bytes > 3 && data[0] == 's') {
		n = min_u64((u64)data[1] | (u64)data[2] << 8, bytes - 3);
		if (btf_parse(&base, &arena, data + 3, n, "base", &err))
			base = NULL;
		n += 3;
	}
	if (!btf_parse_split(&btf, &arena, base, data + n, bytes - n, "fuzz", &err)) {
		check_records(btf);
		print(btf, bytes);
		check_names(btf, &arena);
	} else {
		must(err.code && strstr(err.text, "error: "));
	}
	arena_free(&arena);
	return 0;
}
