/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_file_test.c: BTF that goes on after a base, longer headers, names with
 * and without index, CO-RE records, files: raw, ELF, the kernel's, damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/os.h"
#include "obj/obj.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VMLINUX "/sys/kernel/btf/vmlinux"
#define INFO(kind, vlen) ((u32)BTF_KIND_##kind << 24 | (vlen))
#define KFLAG (1u << 31)
#define BASE_STRINGS "\0int\0node\0"	/* 1 "int", 5 "node"; 11 bytes */
enum { OWN = 11 };			/* where the strings of a split BTF begin */

struct section { u8 bytes[1024]; size_t n; };

static void put(struct section *s, const void *data, size_t n)
{
	assert_true(s->n + n <= sizeof(s->bytes));
	memcpy(s->bytes + s->n, data, n);
	s->n += n;
}

/* EXTRA bytes of 0xff make the header longer than today's. */
static void make(struct section *s, const u32 *words, size_t n, const char *strings,
		 size_t string_bytes, u32 extra)
{
	struct btf_header h = {
		.magic = BTF_MAGIC, .version = 1, .hdr_len = (u32)sizeof(h) + extra,
		.type_len = (u32)n * 4, .str_off = (u32)n * 4,
		.str_len = (u32)string_bytes,
	};

	s->n = 0;
	put(s, &h, sizeof(h));
	for (u32 i = 0; i < extra; i++)
		put(s, "\xff", 1);
	put(s, words, n * 4);
	put(s, strings, string_bytes);
}

static const u32 base_words[] = {
	1, INFO(INT, 0), 4, BTF_INT_SIGNED << 24 | 32,		/* 1: int */
	5, INFO(STRUCT, 1), 4, 5, 1, 0,				/* 2: struct node */
	0, INFO(PTR, 0), 2,					/* 3: struct node * */
};

static const u32 own_words[] = {
	OWN, INFO(STRUCT, 2), 16, 5, 3, 0, OWN + 4, 2, 64,	/* 4: struct own */
	5, INFO(TYPEDEF, 0), 4,					/* 5: node */
	OWN + 4, INFO(FWD, 0) | KFLAG, 0,			/* 6: union more; */
	OWN, INFO(TYPE_TAG, 0) | KFLAG, 1,			/* 7: an attribute */
};

#define OWN_STRINGS "own\0more"

static struct btf *make_base(struct arena *arena)
{
	static struct section s;
	struct skep_err err = { 0 };
	struct btf *base;

	make(&s, base_words, ARRAY_LEN(base_words), BASE_STRINGS, sizeof(BASE_STRINGS), 0);
	if (btf_parse(&base, arena, s.bytes, s.n, "base", &err))
		fail_msg("%s", err.text);
	return base;
}

static int make_split(struct btf **out, struct arena *arena, const u32 *words, size_t n,
		      struct skep_err *err)
{
	static struct section s;

	make(&s, words, n, OWN_STRINGS, sizeof(OWN_STRINGS), 0);
	return btf_parse_split(out, arena, make_base(arena), s.bytes, s.n, "own", err);
}

/* ---- split -------------------------------------------------------------------- */

static void check_names(const struct btf *btf)
{
	assert_int_equal(btf_find(btf, "own", BTF_KIND_STRUCT), 4);
	assert_int_equal(btf_find(btf, "node", BTF_KIND_STRUCT), 2);
	assert_int_equal(btf_find(btf, "node", BTF_KIND_TYPEDEF), 5);
	assert_int_equal(btf_find(btf, "node", 0), 2);
	assert_int_equal(btf_find_next(btf, "node", 0, 1), 2);
	assert_int_equal(btf_find_next(btf, "node", 0, 2), 5);
	assert_int_equal(btf_find_next(btf, "node", 0, 5), 0);
	assert_int_equal(btf_find_next(btf, "node", 0, UINT32_MAX), 0);
	assert_int_equal(btf_find(btf, "nod", 0), 0);
	assert_int_equal(btf_find(btf, "", 0), 0);
	assert_int_equal(btf_find(btf, "more", BTF_KIND_FWD), 6);
}

static void test_split(void **state)
{
	struct arena arena = ARENA_INIT;
	struct strbuf out = { 0 };
	struct btf *btf;

	assert_int_equal(make_split(&btf, &arena, own_words, ARRAY_LEN(own_words), NULL), 0);
	assert_int_equal(btf->first_id, 4);
	assert_int_equal(btf->nr_types, 8);
	assert_int_equal(btf_size(btf, 5), 16);
	assert_int_equal(btf_size(btf, 2), 4);
	assert_int_equal(btf_size(btf, 6), -ENOENT);
	assert_int_equal(btf_kind(btf_type(btf, 0)), BTF_KIND_UNKN);
	assert_null(btf_type(btf, 8));
	assert_string_equal(btf_member(btf, btf_type(btf, 4), 0).name, "node");
	assert_string_equal(btf_member(btf, btf_type(btf, 4), 1).name, "more");
	check_names(btf);
	btf_index(btf, &arena);
	btf_index(btf, &arena);
	check_names(btf);
	btf_def_c(&out, btf, 4);
	assert_string_equal(out.s, "struct own {\n\tstruct node *node;\n\tstruct node more;\n};\n");
	sb_free(&out);
	arena_free(&arena);
}

static void test_bad_split(void **state)
{
	static const struct { const char *text; u32 n, w[6]; } cases[] = {
		{ "type 4 at 0x0 (typedef) refers to type 9; there are 5", 3,
		  { OWN, INFO(TYPEDEF, 0), 9 } },
		{ "type 4 at 0x0 (typedef) leads back to itself", 3, { OWN, INFO(TYPEDEF, 0), 4 } },
		{ "type 4 at 0x0 (struct) contains itself", 6,
		  { OWN, INFO(STRUCT, 1), 4, OWN, 4, 0 } },
		{ "name at 0x14; strings have 0x14 bytes", 3, { 20, INFO(TYPEDEF, 0), 1 } },
		{ "of 2 bytes has 'int' at bit 0 with 32 bits", 6,
		  { OWN, INFO(STRUCT, 1), 2, 1, 2, 0 } },
		{ "type 4 at 0x0 has kind 31", 3, { OWN, 31u << 24, 9 } },
	};
	struct arena arena = ARENA_INIT;
	struct btf *btf;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct skep_err err = { 0 };

		assert_int_equal(make_split(&btf, &arena, cases[i].w, cases[i].n, &err), -EINVAL);
		assert_null(btf);
		if (!strstr(err.text, cases[i].text))
			fail_msg("expected '%s', got %s", cases[i].text, err.text);
	}
	arena_free(&arena);
}

static void test_long_header(void **state)
{
	struct arena arena = ARENA_INIT;
	static struct section s;
	struct btf *btf;

	make(&s, base_words, ARRAY_LEN(base_words), BASE_STRINGS, sizeof(BASE_STRINGS), 8);
	assert_int_equal(btf_parse(&btf, &arena, s.bytes, s.n, "t", NULL), 0);
	assert_int_equal(btf_find(btf, "node", BTF_KIND_STRUCT), 2);
	arena_free(&arena);
}

/* ---- CO-RE records --------------------------------------------------------------- */

enum { CORE_WORDS = 8 + 3 + 8, CORE_TYPE = 12, CORE_ACCESS = 13 };

/* Two records of section "node": struct node with "int" for its path. */
static const u32 core_words[CORE_WORDS] = {
	BTF_MAGIC | BTF_VERSION << 16, 32, 0, 0, 0, 0, 0, 44,
	16, 5, 2,
	8, 2, 1, 0,
	24, 3, 5, 11,
};

static int parse_core(struct btf_ext **ext, struct arena *arena, u32 at, u32 v,
		      struct skep_err *err)
{
	u32 w[CORE_WORDS];

	memcpy(w, core_words, sizeof(w));
	w[at] = v;
	return btf_ext_parse(ext, arena, make_base(arena), (u8 *)w, sizeof(w), "t", err);
}

static void test_core(void **state)
{
	struct arena arena = ARENA_INIT;
	struct skep_err err = { 0 };
	const struct btf_ext_sec *sec;
	struct btf_ext *ext;

	if (parse_core(&ext, &arena, 7, 44, &err))
		fail_msg("%s", err.text);
	sec = &ext->secs[0];
	assert_int_equal(ext->nr_secs, 1);
	assert_string_equal(sec->name, "node");
	assert_int_equal(sec->nr_cores, 2);
	assert_int_equal(sec->cores[0].insn_bytes, 8);
	assert_int_equal(sec->cores[0].type_id, 2);
	assert_string_equal(sec->cores[0].access, "int");
	assert_int_equal(sec->cores[1].kind, 11);
	assert_int_equal(parse_core(&ext, &arena, CORE_TYPE, 4, &err), -EINVAL);
	assert_non_null(strstr(err.text, "CO-RE record 0 of 'node' has type 4 of 4"));
	assert_int_equal(parse_core(&ext, &arena, CORE_ACCESS, 99, &err), -EINVAL);
	assert_non_null(strstr(err.text, "string at 0x63"));
	arena_free(&arena);
}

/* ---- files ------------------------------------------------------------------------- */

static void test_kernel(void **state)
{
	struct btf_file f, copy;
	struct skep_err err = { 0 };
	u32 id, n = 0;

	if (access(VMLINUX, R_OK)) {
		print_message("# no " VMLINUX "\n");
		skip();
	}
	if (btf_open_file(&f, VMLINUX, NULL, &err))
		fail_msg("%s", err.text);
	assert_true(f.file.mapped && f.file.sysfs);
	id = btf_find(f.btf, "task_struct", BTF_KIND_STRUCT);
	assert_true(id);
	btf_index(f.btf, &f.arena);
	assert_int_equal(btf_find(f.btf, "task_struct", BTF_KIND_STRUCT), id);
	/* all types of a name, in order, are those that a search without index meets */
	for (u32 i = 1; i < f.btf->nr_types; i++)
		n += !strcmp(btf_type_name(f.btf, i), "sk_buff");
	for (id = btf_find(f.btf, "sk_buff", 0); id; id = btf_find_next(f.btf, "sk_buff", 0, id))
		n--;
	assert_int_equal(n, 0);
	/* what was taken as it is stands every check */
	assert_int_equal(btf_parse(&copy.btf, &f.arena, f.file.data, f.file.size, "t", &err), 0);
	assert_int_equal(copy.btf->nr_types, f.btf->nr_types);
	btf_close_file(&f);
	assert_null(f.btf);
}

static void test_elf(void **state)
{
	struct btf_file f;
	struct skep_err err = { 0 };

	assert_int_equal(obj_open_btf(&f, TEST_DIR "/obj/types.o", NULL, &err), 0);
	assert_true(btf_find(f.btf, "ethhdr", BTF_KIND_STRUCT));
	btf_close_file(&f);
	assert_int_equal(obj_open_btf(&f, TEST_DIR "/obj/nobtf.o", NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no section .BTF"));
	assert_int_equal(obj_open_btf(&f, TEST_DIR "/obj/types.c", NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not with BTF's magic"));
	assert_int_equal(obj_open_btf(&f, "/nowhere/at-all", NULL, &err), -ENOENT);
	assert_null(f.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_bad_split),
		cmocka_unit_test(test_long_header),
		cmocka_unit_test(test_core),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_elf),
	};

	return cmocka_run_group_tests_name("btf files", tests, NULL, NULL);
}
