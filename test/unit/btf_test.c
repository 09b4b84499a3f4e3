/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_test.c: type information: what is refused, what values and types look
 * like. Small sections are put together word by word; the rich types are those
 * of test/obj/types.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/os.h"
#include "btf/btf.h"
#include "btf/build.h"
#include "obj/obj.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define INFO(kind, vlen) ((u32)BTF_KIND_##kind << 24 | (vlen))
#define KFLAG (1u << 31)

/* Offsets into it: 1 "int", 5 "a", 7 "b", 9 "char", 14 "\1". */
static const char strings[] = "\0int\0a\0b\0char\0\1";

struct section { u8 bytes[65536]; size_t n; };

static void put(struct section *s, const void *data, size_t n)
{
	assert_true(s->n + n <= sizeof(s->bytes));
	memcpy(s->bytes + s->n, data, n);
	s->n += n;
}

/* A .BTF of N words of types, in the other byte order when SWAP. */
static void make(struct section *s, const u32 *words, size_t n, bool swap)
{
	struct btf_header h = {
		.magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(h),
		.type_len = (u32)n * 4, .str_off = (u32)n * 4,
		.str_len = sizeof(strings),
	};
	u32 *w = (u32 *)&h;

	if (swap) {
		h.magic = __builtin_bswap16(h.magic);
		for (size_t i = 1; i < sizeof(h) / 4; i++)
			w[i] = __builtin_bswap32(w[i]);
	}
	s->n = 0;
	put(s, &h, sizeof(h));
	for (size_t i = 0; i < n; i++) {
		u32 v = swap ? __builtin_bswap32(words[i]) : words[i];

		put(s, &v, sizeof(v));
	}
	put(s, strings, sizeof(strings));
}

static void expect_bad(const struct section *s, const char *text)
{
	struct arena arena = ARENA_INIT;
	struct skep_err err = { 0 };
	struct btf *btf = NULL;

	assert_int_equal(btf_parse(&btf, &arena, s->bytes, s->n, "t:.BTF", &err), -EINVAL);
	assert_null(btf);
	if (err.id != ERR_BTF || !strstr(err.text, text) ||
	    strncmp(err.text, "t:.BTF: error: ", 15))
		fail_msg("expected '%s', got %s", text, err.text);
	arena_free(&arena);
}

/* ---- where records begin ------------------------------------------------------ */

static u32 below(u64 *state, u32 n)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (u32)(*state >> 33) % n;
}

/* An enum whose values look like records: what a guess takes them for. */
static void put_enum(u32 *w, size_t *n, u64 *state)
{
	u32 vlen = 1 + below(state, 200), each = 1 + below(state, 3);

	w[(*n)++] = 0;
	w[(*n)++] = INFO(ENUM, vlen);
	w[(*n)++] = 4;
	for (u32 i = 0; i < vlen; i++) {
		w[(*n)++] = 5;
		w[(*n)++] = i % each ? 1 : INFO(CONST, 0) | (below(state, 8) ? 0 :
							     below(state, 99));
	}
}

static size_t random_words(u32 *w, size_t max, u64 *state)
{
	size_t n = 0;

	while (n < max - 500) {
		if (!below(state, 4)) {
			put_enum(w, &n, state);
			continue;
		}
		w[n++] = 0;
		w[n++] = INFO(PTR, 0);
		w[n++] = 0;
	}
	return n;
}

/* What one record after the other says: how many, and where the first bad one is. */
static u32 walk(const u32 *w, size_t n, size_t *bad)
{
	u32 types = 0;

	for (*bad = 0; *bad < n; types++) {
		const struct btf_type *t = (const void *)(w + *bad);

		if (n - *bad < 3 || !btf_kind(t) || btf_kind(t) > BTF_KIND_ENUM64 ||
		    btf_build_words(t) > n - *bad)
			return types;
		*bad += btf_build_words(t);
	}
	return types;
}

static void expect_records(const struct section *s, const u32 *w, size_t n)
{
	struct arena arena = ARENA_INIT;
	struct skep_err err = { 0 };
	struct btf *btf;
	size_t bad;
	u32 types = walk(w, n, &bad), off = 0;
	char text[64];
	int r = btf_parse(&btf, &arena, s->bytes, s->n, "t", &err);

	snprintf(text, sizeof(text), "type %u at 0x%zx ", types + 1, bad * 4);
	if (bad < n && (!r || !strstr(err.text, text)))
		fail_msg("not '%s': %s", text, r ? err.text : "accepted");
	for (u32 i = 0; !r && i < types; i++) {
		assert_int_equal(btf_own_off(btf, i), off);
		assert_int_equal(btf_own_kind(btf, i), btf_kind(btf_own(btf, i)));
		off += 4 * btf_build_words(btf_own(btf, i));
	}
	if (bad == n)
		assert_int_equal(r ? 0 : btf->nr_types, r ? 0 : types + 1);
	arena_free(&arena);
}

/* Long sections are gone through from several places at once, and damaged ones, too. */
static void test_scan(void **state)
{
	static struct section s;
	static u32 w[15000];
	u64 rnd = 7;

	for (u32 i = 0; i < 2000; i++) {
		size_t n = random_words(w, 600 + below(&rnd, 14000), &rnd);

		if (i % 2)
			w[below(&rnd, (u32)n)] = below(&rnd, 2) ? below(&rnd, 32) << 24 :
						 INFO(ENUM, below(&rnd, 3000));
		make(&s, w, n, i % 4 > 1);
		expect_records(&s, w, n);
	}
}

/* ---- what is refused --------------------------------------------------------- */

#define INT_TYPE 1, INFO(INT, 0), 4, 32		/* type 1: int */

static void test_bad_types(void **state)
{
	static const struct { const char *text; u32 n, w[24]; } cases[] = {
		{ "type 1 at 0x0 has kind 0", 3, { 0, 0, 0 } },
		{ "type 1 at 0x0 has kind 20", 3, { 0, 20u << 24, 0 } },
		{ "type 1 at 0x0 ends behind", 2, { 0, INFO(PTR, 0) } },
		{ "type 1 at 0x0 ends behind", 3, { 0, INFO(STRUCT, 1), 4 } },
		{ "refers to type 7; there are 2", 3, { 0, INFO(PTR, 0), 7 } },
		{ "name at 0x99", 3, { 0x99, INFO(PTR, 0), 0 } },
		{ "byte 0x01 at position 0", 3, { 14, INFO(TYPEDEF, 0), 0 } },
		{ "has no name", 3, { 0, INFO(TYPEDEF, 0), 0 } },
		{ "has 3 bytes", 4, { 1, INFO(INT, 0), 3, 24 } },
		{ "has 40 bits at 0 in 4 bytes", 4, { 1, INFO(INT, 0), 4, 40 } },
		{ "has 2 members", 3, { 0, INFO(PTR, 2), 0 } },
		{ "type 1 at 0x0 (typedef) leads back", 3, { 5, INFO(TYPEDEF, 0), 1 } },
		{ "leads back to itself", 6, { 0, INFO(PTR, 0), 2, 0, INFO(CONST, 0), 1 } },
		{ "contains itself", 6, { 5, INFO(STRUCT, 1), 4, 7, 1, 0 } },
		{ "contains itself", 12, { 5, INFO(STRUCT, 1), 4, 7, 2, 0,
		  0, INFO(ARRAY, 0), 0, 1, 1, 1 } },
		{ "has elements of type 0, which has no size", 6,
		  { 0, INFO(ARRAY, 0), 0, 0, 0, 1 } },
		{ "has 4294967295 elements of 17179869180 bytes", 16,
		  { INT_TYPE, 0, INFO(ARRAY, 0), 0, 1, 1, ~0u,
		    0, INFO(ARRAY, 0), 0, 2, 1, ~0u } },
		{ "has 'a' at bit 8 with 32 bits", 10,
		  { INT_TYPE, 0, INFO(STRUCT, 1), 4, 5, 1, 8 } },
		{ "has 'a' at bit 4294967288", 10,
		  { INT_TYPE, 0, INFO(STRUCT, 1), 4, 5, 1, ~7u } },
		{ "has member 'a' of type 0", 6, { 0, INFO(STRUCT, 1), 4, 5, 0, 0 } },
		{ "which is no prototype", 7, { INT_TYPE, 5, INFO(FUNC, 0), 1 } },
		{ "which is no variable", 10,
		  { INT_TYPE, 5, INFO(DATASEC, 1), 4, 1, 0, 4 } },
		{ "refers to type 1 (variable)", 7,
		  { 5, INFO(VAR, 0), 0, 0, 0, INFO(PTR, 0), 1 } },
		{ "has 3 bytes", 5, { 0, INFO(ENUM, 1), 3, 5, 1 } },
		{ "has 5 bytes", 3, { 1, INFO(FLOAT, 0), 5 } },
	};
	static struct section s;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make(&s, cases[i].w, cases[i].n, false);
		expect_bad(&s, cases[i].text);
		make(&s, cases[i].w, cases[i].n, true);
		expect_bad(&s, cases[i].text);
	}
}

static void test_bad_header(void **state)
{
	static const struct { size_t at; u32 v; const char *text; } cases[] = {
		{ 0, 0x1234, "starts with 0x1234" },
		{ 0, BTF_MAGIC | 2 << 16, "BTF version 2" },
		{ 4, 23, "header length 23" },
		{ 4, 5000, "header length 5000" },
		{ 8, ~3u, "types at 0xfffffffc" },
		{ 12, 15, "types at 0x0, 15 bytes" },
		{ 16, 5000, "strings at 0x1388" },
		{ 20, 0, "NUL" },
		{ 20, ~0u, "strings at 0x10, 4294967295 bytes" },
	};
	static const u32 words[] = { INT_TYPE };
	static struct section s;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make(&s, words, ARRAY_LEN(words), false);
		memcpy(s.bytes + cases[i].at, &cases[i].v, 4);
		expect_bad(&s, cases[i].text);
	}
	s.n = 11;
	expect_bad(&s, "11 bytes are no BTF");
}

/* struct { struct { ... int } }, DEPTH of them, in the order that FORWARD says. */
static void nest(struct section *s, u32 depth, bool forward)
{
	static u32 w[65536];
	u32 n = 0;

	for (u32 i = 1; i <= depth; i++) {
		u32 inner = forward ? i + 1 : i == 1 ? depth + 1 : i - 1;
		u32 one[] = { 0, INFO(STRUCT, 1), 4, 5, inner, 0 };

		memcpy(w + n, one, sizeof(one));
		n += ARRAY_LEN(one);
	}
	memcpy(w + n, (u32[]){ INT_TYPE }, 16);
	make(s, w, n + 4, false);
}

static void test_depth(void **state)
{
	static struct section s;
	struct arena arena = ARENA_INIT;
	struct btf *btf;

	for (int forward = 0; forward < 2; forward++) {
		nest(&s, 40, forward);
		assert_int_equal(btf_parse(&btf, &arena, s.bytes, s.n, "t", NULL), 0);
		assert_int_equal(btf_size(btf, 1), 4);
		nest(&s, 70, forward);
		expect_bad(&s, "nests deeper than 64 levels");
		nest(&s, 2000, forward);
		expect_bad(&s, "nests deeper than 64 levels");
	}
	arena_free(&arena);
}

/* ---- what is understood -------------------------------------------------------- */

static void check_small(const struct btf *btf)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out };
	static const u8 data[8] = { 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };
	struct btf_member_info m;

	assert_int_equal(btf->nr_types, 5);
	assert_int_equal(btf_size(btf, 2), 8);
	assert_int_equal(btf_size(btf, 4), 8);
	assert_int_equal(btf_size(btf, 0), -ENOENT);
	assert_int_equal(btf_size(btf, 99), -ENOENT);
	assert_int_equal(btf_skip_mods(btf, 4), 2);
	assert_int_equal(btf_find(btf, "int", BTF_KIND_INT), 1);
	assert_int_equal(btf_find(btf, "int", BTF_KIND_FLOAT), 0);
	assert_null(btf_type(btf, 5));
	assert_string_equal(btf_str(btf, 12345678), "");
	m = btf_member(btf, btf_type(btf, 2), 1);
	assert_string_equal(m.name, "b");
	assert_int_equal(m.bit_off, 32);
	btf_show_json(&j, NULL, btf, 4, data, sizeof(data), 0);
	assert_string_equal(sb_text(&out), "{\"a\": 1, \"b\": -1}");
	sb_reset(&out);
	j = (struct json){ .out = &out };
	btf_show_json(&j, NULL, btf, 2, data, 7, 0);	/* b is not whole */
	assert_string_equal(sb_text(&out), "{\"a\": 1}");
	sb_free(&out);
}

static void test_both_orders(void **state)
{
	static const u32 words[] = {
		1, INFO(INT, 0), 4, BTF_INT_SIGNED << 24 | 32,
		5, INFO(STRUCT, 2), 8, 5, 1, 0, 7, 1, 32,
		0, INFO(CONST, 0), 2,
		7, INFO(TYPEDEF, 0), 3,
	};
	static struct section s;
	struct arena arena = ARENA_INIT;
	struct skep_err err;
	struct btf *btf;
	u32 len = 32;

	for (int swap = 0; swap < 2; swap++) {
		make(&s, words, ARRAY_LEN(words), swap);
		if (btf_parse(&btf, &arena, s.bytes, s.n, "t", &err))
			fail_msg("%s", err.text);
		check_small(btf);
	}
	/* the header of a newer kernel */
	make(&s, words, ARRAY_LEN(words), false);
	memmove(s.bytes + 32, s.bytes + 24, s.n - 24);
	s.n += 8;
	memcpy(s.bytes + 4, &len, 4);
	assert_int_equal(btf_parse(&btf, &arena, s.bytes, s.n, "t", &err), 0);
	check_small(btf);
	arena_free(&arena);
}

/* ---- .BTF.ext --------------------------------------------------------------------- */

/* Types 1 int, 2 int(void), 3 function a. */
static const u32 ext_types[] = {
	INT_TYPE, 0, INFO(FUNC_PROTO, 0), 1, 5, INFO(FUNC, 0), 2,
};

enum { EXT_WORDS = 6 + 6 + 9 };

/* Functions: one record of 12 bytes; lines: one of 16; both of section "a". */
static const u32 ext_words[EXT_WORDS] = {
	BTF_MAGIC | 1 << 16, 24, 0, 24, 24, 28,
	12, 5, 1, 8, 3, 0xabc,
	16, 7, 1, 16, 9, 1, 12 << 10 | 34,
};

static int parse_ext(struct btf_ext **ext, struct arena *arena, const u32 *words,
		     size_t bytes, struct skep_err *err)
{
	static struct section s;
	struct btf *btf;

	make(&s, ext_types, ARRAY_LEN(ext_types), false);
	assert_int_equal(btf_parse(&btf, arena, s.bytes, s.n, "t", err), 0);
	return btf_ext_parse(ext, arena, btf, (const u8 *)words, bytes, "t", err);
}

static void test_ext(void **state)
{
	struct arena arena = ARENA_INIT;
	struct skep_err err = { 0 };
	struct btf_ext *ext;
	u32 w[EXT_WORDS];

	memcpy(w, ext_words, sizeof(w));
	if (parse_ext(&ext, &arena, w, 24 + 24 + 28, &err))
		fail_msg("%s", err.text);
	assert_int_equal(ext->nr_secs, 2);
	assert_string_equal(ext->secs[0].name, "a");
	assert_int_equal(ext->secs[0].nr_funcs, 1);
	assert_int_equal(ext->secs[0].funcs[0].insn_bytes, 8);
	assert_int_equal(ext->secs[0].funcs[0].type_id, 3);
	assert_string_equal(ext->secs[1].name, "b");
	assert_string_equal(ext->secs[1].lines[0].file, "char");
	assert_string_equal(ext->secs[1].lines[0].text, "int");
	assert_int_equal(ext->secs[1].lines[0].line, 12);
	assert_int_equal(ext->secs[1].lines[0].col, 34);
	arena_free(&arena);
}

static void test_bad_ext(void **state)
{
	static const struct { u32 at, v; const char *text; } cases[] = {
		{ 0, 7, "do not start with" },
		{ 0, BTF_MAGIC | 9 << 16, "version 9" },
		{ 1, 12, "header length 12" },
		{ 1, 4096, "header length 4096" },
		{ 2, ~0u, "function records at 0xffffffff" },
		{ 5, 200, "line records at 0x18, 200 bytes" },
		{ 6, 4, "have 4 bytes; at least 8" },
		{ 6, 0, "have 0 bytes" },
		{ 7, 500, "name a section at 0x1f4" },
		{ 8, 0, "0 function records" },
		{ 8, 0x10000000, "268435456 function records" },
		{ 10, 1, "type 1, no function" },
		{ 10, 77, "type 77, no function" },
		{ 16, 77, "string at 0x4d" },
		{ 3, 28, "records" },
	};
	struct arena arena = ARENA_INIT;
	struct btf_ext *ext;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct skep_err err = { 0 };
		u32 w[EXT_WORDS];

		memcpy(w, ext_words, sizeof(w));
		w[cases[i].at] = cases[i].v;
		assert_int_equal(parse_ext(&ext, &arena, w, 24 + 24 + 28, &err), -EINVAL);
		if (err.id != ERR_BTF_EXT || !strstr(err.text, cases[i].text))
			fail_msg("expected '%s', got %s", cases[i].text, err.text);
	}
	arena_free(&arena);
}

/* ---- values and types of types.c ------------------------------------------------------ */

enum color { RED, GREEN = 5, BLUE };
struct value {
	u8 small;
	signed char minus;
	_Bool flag;
	char name[8];
	enum color color;
	u64 big;
	u32 a:3, b:7, c:22;
	int d:5;
	u32 addr;
	u8 addr6[16];
	u8 dest[6], source[6];
	u16 proto;
	u32 word;
	struct { int x, y; } point[2];
	u64 pointer, call, table[3], grid, node[2];
	double ratio;
};

static struct image *open_types(void)
{
	struct image *img = NULL;
	struct skep_err err;
	struct os_file f;

	if (os_file_read(&f, TEST_DIR "/obj/types.o", &err) ||
	    obj_open(&img, f.data, f.size, "types.o", &err))
		fail_msg("%s", err.text);
	os_file_close(&f);
	return img;
}

static void expect_json(const struct btf *btf, const char *name, u32 kind,
			const void *data, size_t bytes, unsigned flags,
			const char *want)
{
	struct strbuf out = { 0 };
	struct json j = { .out = &out };
	u32 id = btf_find(btf, name, kind);

	assert_true(id);
	btf_show_json(&j, NULL, btf, id, data, bytes, flags);
	assert_string_equal(sb_text(&out), want);
	sb_free(&out);
}

static void test_show(void **state)
{
	struct image *img = open_types();
	struct value v = {
		.small = 200, .minus = -3, .flag = true, .name = "eth0",
		.color = BLUE, .big = ~0ull, .a = 5, .b = 100, .c = 4000000, .d = -7,
		.addr = htonl(0x0a090001), .addr6 = { 0xfe, 0x80, [15] = 1 },
		.dest = { 2, 0, 0, 0, 0, 0xff }, .source = { 2, 1 }, .proto = 8,
		.word = 513, .point = { { 1, -2 }, { 3, 4 } },
		.pointer = 0xdeadbeef, .node = { 16, ~0ull }, .ratio = 2.5,
	};

	expect_json(img->btf, "value", BTF_KIND_STRUCT, &v, sizeof(v), 0,
		"{\"small\": 200, \"minus\": -3, \"flag\": true, "
		"\"name\": \"eth0\", \"color\": \"BLUE\", \"big\": \"SMALL\", "
		"\"a\": 5, \"b\": 100, \"c\": 4000000, \"d\": -7, "
		"\"addr\": \"10.9.0.1\", \"addr6\": \"fe80::1\", "
		"\"eth\": {\"h_dest\": \"02:00:00:00:00:ff\", "
		"\"h_source\": \"02:01:00:00:00:00\", \"h_proto\": 8}, "
		"\"word\": 513, \"bytes\": [1, 2, 0, 0], "
		"\"point\": [{\"x\": 1, \"y\": -2}, {\"x\": 3, \"y\": 4}], "
		"\"pointer\": \"0xdeadbeef\", \"call\": \"0x0\", "
		"\"table\": [\"0x0\", \"0x0\", \"0x0\"], \"grid\": \"0x0\", "
		"\"node\": {\"next\": \"0x10\", "
		"\"unknown\": \"0xffffffffffffffff\"}, \"ratio\": 2.500000}");
	/* not printable, no NUL: numbers; an enumerator that there is not */
	memcpy(v.name, "eth\1efgh", 8);
	v.color = (enum color)77;
	expect_json(img->btf, "value", BTF_KIND_STRUCT, &v, 20, 0,
		"{\"small\": 200, \"minus\": -3, \"flag\": true, "
		"\"name\": [101, 116, 104, 1, 101, 102, 103, 104], "
		"\"color\": 77}");
	image_free(img);
}

static void test_show_net(void **state)
{
	struct image *img = open_types();
	u32 lpm[4] = { 24, htonl(0x0a090000), htonl(0x02000000), htonl(0x00ff0000) };

	expect_json(img->btf, "lpm", BTF_KIND_VAR, lpm, 16, BTF_SHOW_NET,
		"{\"prefixlen\": 24, \"addr\": \"10.9.0.0\", "
		"\"mac\": \"02:00:00:00:00:ff\"}");
	expect_json(img->btf, "lpm", BTF_KIND_VAR, lpm, 8, BTF_SHOW_NET,
		"{\"prefixlen\": 24, \"addr\": \"10.9.0.0\"}");
	expect_json(img->btf, ".data", BTF_KIND_DATASEC, "hello\0", 12, 0,
		"{\".data\": [{\"text\": \"hello\"}]}");
	image_free(img);
}

static void expect_decl(const struct btf *btf, u32 id, const char *name, const char *want)
{
	struct strbuf out = { 0 };

	btf_decl_c(&out, btf, id, name);
	assert_string_equal(sb_text(&out), want);
	sb_free(&out);
}

static void expect_def(const struct btf *btf, const char *name, u32 kind, const char *want)
{
	struct strbuf out = { 0 };

	btf_def_c(&out, btf, btf_find(btf, name, kind));
	assert_string_equal(sb_text(&out), want);
	sb_free(&out);
}

static void test_c(void **state)
{
	struct image *img = open_types();
	const struct btf *btf = img->btf;
	u32 handler = btf_find(btf, "handler", BTF_KIND_TYPEDEF);

	expect_def(btf, "value", BTF_KIND_STRUCT,
		"struct value {\n\t__u8 small;\n\tsigned char minus;\n\t_Bool flag;\n"
		"\tchar name[8];\n\tenum color color;\n\tenum big big;\n"
		"\t__u32 a:3;\n\t__u32 b:7;\n\t__u32 c:22;\n\tint d:5;\n"
		"\t__be32 addr;\n\tstruct in6_addr addr6;\n\tstruct ethhdr eth;\n"
		"\tunion {\n\t\t__u32 word;\n\t\t__u8 bytes[4];\n\t};\n"
		"\tstruct {\n\t\tint x;\n\t\tint y;\n\t} point[2];\n"
		"\tconst volatile __u16 *const restrict pointer;\n"
		"\thandler call;\n\tint (*table[3])(int, unsigned long);\n"
		"\tint (*grid)[2][3];\n\tstruct node node;\n\tdouble ratio;\n};\n");
	expect_def(btf, "big", BTF_KIND_ENUM64,
		"enum big {\n\tHUGE = 78187493520,\n\tSMALL = -1,\n};\n");
	expect_def(btf, "handler", BTF_KIND_TYPEDEF,
		"typedef int (*handler)(void *, const char *, ...);\n");
	expect_def(btf, "filter", BTF_KIND_FUNC, "int filter(struct __sk_buff *skb);\n");
	expect_decl(btf, handler, "h", "handler h");
	expect_decl(btf, btf_type(btf, handler)->type, "",
		    "int (*)(void *, const char *, ...)");
	expect_decl(btf, 0, "", "void");
	expect_decl(btf, 99999, "x", "");
	image_free(img);
}

/* A prototype whose parameters are of its own type twice: printing must end. */
static void test_c_ends(void **state)
{
	static const u32 words[] = {
		0, INFO(PTR, 0), 2,
		0, INFO(FUNC_PROTO, 2), 0, 5, 1, 7, 1,
	};
	static struct section s;
	struct arena arena = ARENA_INIT;
	struct strbuf out = { 0 };
	struct btf *btf;

	make(&s, words, ARRAY_LEN(words), false);
	assert_int_equal(btf_parse(&btf, &arena, s.bytes, s.n, "t", NULL), 0);
	btf_decl_c(&out, btf, 1, "p");
	assert_non_null(strstr(sb_text(&out), "..."));
	assert_true(out.n < 1 << 20);
	sb_free(&out);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_bad_types),
		cmocka_unit_test(test_bad_header),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_both_orders),
		cmocka_unit_test(test_ext),
		cmocka_unit_test(test_bad_ext),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_show_net),
		cmocka_unit_test(test_c),
		cmocka_unit_test(test_c_ends),
	};

	return cmocka_run_group_tests_name("btf", tests, NULL, NULL);
}
