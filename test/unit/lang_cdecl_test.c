/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lang_cdecl_test.c: the C part of scripts. The compiler of this test is the judge: what
 * stands here as C stands in the script as text, and sizes, offsets and constants must be
 * the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "lang/cdecl.h"

#define BOTH(...) __VA_ARGS__ static const char text[] = #__VA_ARGS__;

BOTH(
	struct empty { };
	struct simple { char c; int i; short s; long l; };
	struct packed { char c; int i; long long l; } __attribute__((packed));
	struct __attribute__((packed)) packed_first { char c; long l; };
	struct aligned { char c; int i __attribute__((aligned(16))); } __attribute__((aligned(64)));
	struct part { char c; int i __attribute__((packed)); long l; };
	union both { char c[13]; int i; long l; };
	struct nested {
		char c;
		struct { short s; union { int i; char d; }; } in;
		struct simple simple;
		union both both[3];
		struct nested *next;
	};
	struct bits {
		unsigned int a:3, b:30;
		unsigned char c:7, d:2;
		long long e:40;
		int f:5;
		char last;
	};
	struct gaps { char a; int :0; char b; int :3; short c:9; int :17; char d; };
	struct packed_bits { int a:3; long long b:60; char c; int d:7; } __attribute__((packed));
	struct functions { int (*f)(int, struct simple *); void (*g[4])(void); char *(*h)(char); };
	struct arrays { int a[2][3]; char *b[5]; int (*c)[7]; char d[]; };
	enum colour { RED, GREEN = 5, BLUE, MINUS = -2, ALSO = BLUE | 0x10 };
	enum big { SMALL, HUGE_ONE = 0x1ffffffff };
	enum tiny { ONE_BYTE = 200 } __attribute__((packed));
	struct enums { char c; enum colour colour; enum tiny tiny; enum big big; };
	typedef struct { int x, y; } point_t;
	typedef point_t line_t[2];
	typedef unsigned long word, *word_p;
	struct typedefs { char c; line_t line; char d; word w; word_p p; const volatile int *q; };
	enum sizes { SIMPLE = sizeof(struct simple), LINE = sizeof(line_t), PTR = sizeof(word_p) };
	struct by_const { char a[SIMPLE]; char b[LINE > 3 ? 4 : 5][2]; int c[(1 << 3) - ~0]; };
	struct bools { _Bool b; _Bool c:1; int i; };
	struct wide { long double ld; double d; float f; };
)

struct world {
	struct script s;
	struct cdecl c;
	struct strbuf diags;
};

/* What SCRIPT's C part declares. */
static int declare(struct world *w, const char *script)
{
	memset(w, 0, sizeof(*w));
	script_open(&w->s);
	parse_script(&w->s, script_source(&w->s, "stdin", script, (u32)strlen(script)));
	if (!w->s.nr_errors)
		cdecl_parse(&w->s, w->s.list, NULL, &w->c);
	diag_print(&w->diags, &w->s);
	return w->s.nr_errors ? -1 : 0;
}

static void end(struct world *w)
{
	cdecl_free(&w->c);
	script_free(&w->s);
	sb_free(&w->diags);
}

static void same_size(struct world *w, const char *type, size_t bytes)
{
	u32 id = cdecl_type(&w->c, type);

	if (!id)
		fail_msg("%s is not there", type);
	if (btf_bytes(w->c.btf, id) != bytes)
		fail_msg("%s has %llu bytes, the compiler says %zu", type,
			 (unsigned long long)btf_bytes(w->c.btf, id), bytes);
}

/* The place in bits of MEMBER, also of one in structs without a name. */
static s64 find(const struct btf *btf, u32 id, const char *member, s64 at)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));

	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		s64 in;

		if (!strcmp(m.name, member))
			return at + m.bit_off;
		in = *m.name ? -1 : find(btf, m.type_id, member, at + m.bit_off);
		if (in >= 0)
			return in;
	}
	return -1;
}

static void same_place(struct world *w, const char *type, const char *member, s64 bits)
{
	s64 at = find(w->c.btf, cdecl_type(&w->c, type), member, 0);

	if (at != bits)
		fail_msg("%s.%s is at bit %lld, the compiler says %lld", type, member,
			 (long long)at, (long long)bits);
}

/* Which bits of a value are those of a member that is all ones. */
#define FIRST_BIT(type, member) ({ \
	union { type v; u8 bytes[sizeof(type)]; } u_; \
	s64 i_ = 0; \
	memset(&u_, 0, sizeof(u_)); \
	u_.v.member = -1; \
	while (!(u_.bytes[i_ / 8] >> i_ % 8 & 1)) \
		i_++; \
	i_; })
#define SIZE(type) same_size(&w, #type, sizeof(type))
#define PLACE(type, member) same_place(&w, #type, #member, offsetof(type, member) * 8)
#define BITS(type, member) same_place(&w, #type, #member, FIRST_BIT(type, member))

static void test_sizes(void **state)
{
	struct world w;

	if (declare(&w, text))
		fail_msg("%s", sb_text(&w.diags));
	SIZE(struct simple); SIZE(struct packed); SIZE(struct packed_first);
	SIZE(struct aligned); SIZE(struct part); SIZE(union both); SIZE(struct nested);
	SIZE(struct bits); SIZE(struct gaps); SIZE(struct packed_bits);
	SIZE(struct functions); SIZE(struct arrays); SIZE(enum colour); SIZE(enum big);
	SIZE(enum tiny); SIZE(struct enums); SIZE(point_t); SIZE(line_t); SIZE(word_p);
	SIZE(struct typedefs); SIZE(struct by_const); SIZE(struct bools); SIZE(struct empty);
	SIZE(struct wide);
	end(&w);
}

static void test_places(void **state)
{
	struct world w;

	assert_int_equal(declare(&w, text), 0);
	PLACE(struct simple, i); PLACE(struct simple, s); PLACE(struct simple, l);
	PLACE(struct packed, l); PLACE(struct packed_first, l); PLACE(struct aligned, i);
	PLACE(struct part, i); PLACE(struct part, l); PLACE(struct nested, in);
	PLACE(struct nested, simple); PLACE(struct nested, both); PLACE(struct nested, next);
	PLACE(struct bits, last); PLACE(struct gaps, b); PLACE(struct gaps, d);
	PLACE(struct packed_bits, c); PLACE(struct functions, g); PLACE(struct functions, h);
	PLACE(struct arrays, b); PLACE(struct arrays, c); PLACE(struct arrays, d);
	PLACE(struct enums, tiny); PLACE(struct enums, big); PLACE(struct typedefs, w);
	PLACE(struct typedefs, q); PLACE(struct by_const, b); PLACE(struct by_const, c);
	PLACE(struct bools, i); PLACE(struct wide, f);
	end(&w);
}

static void test_bits(void **state)
{
	struct world w;

	assert_int_equal(declare(&w, text), 0);
	BITS(struct bits, a); BITS(struct bits, b); BITS(struct bits, c); BITS(struct bits, d);
	BITS(struct bits, e); BITS(struct bits, f); BITS(struct gaps, c);
	BITS(struct packed_bits, a); BITS(struct packed_bits, b); BITS(struct packed_bits, d);
	BITS(struct bools, c);
	end(&w);
}

static void same_constant(struct world *w, const char *name, s64 value)
{
	s64 v;

	if (!cdecl_constant(&w->c, name, &v))
		fail_msg("%s is no constant", name);
	if (v != value)
		fail_msg("%s is %lld, not %lld", name, (long long)v, (long long)value);
}
#define CONSTANT(name) same_constant(&w, #name, name)

static void test_constants(void **state)
{
	struct world w;

	assert_int_equal(declare(&w, text), 0);
	CONSTANT(RED); CONSTANT(GREEN); CONSTANT(BLUE); CONSTANT(MINUS); CONSTANT(ALSO);
	CONSTANT(SMALL); CONSTANT(HUGE_ONE); CONSTANT(ONE_BYTE); CONSTANT(SIMPLE);
	CONSTANT(LINE); CONSTANT(PTR);
	end(&w);
}

static void test_macros(void **state)
{
	struct world w;
	s64 v;

	if (declare(&w, "#define A 3\n#define B (A << 2 /* c */ | 1) // d\n"
			"#define C \\\n  B + 0x10UL\n"
			"#define F(x) x\n#define S \"s\"\n#undef A\n#define A 4\n"
			"#ifdef NO\n#define D 1\n#elif defined(A) && !defined NO && A == 4\n"
			"#define D 2\n#else\n#define D 3\n#endif\n#if 0\n#error no\n#endif\n"
			"enum { E = C };\n"))
		fail_msg("%s", sb_text(&w.diags));
	same_constant(&w, "B", 17);
	same_constant(&w, "C", 33);
	same_constant(&w, "D", 2);
	same_constant(&w, "E", 33);
	assert_false(cdecl_constant(&w.c, "S", &v));
	assert_false(cdecl_constant(&w.c, "F", &v));
	assert_false(cdecl_constant(&w.c, "NO", &v));
	end(&w);
}

/* Types of the kernel that the script only names. */
static void test_kernel(void **state)
{
	struct btf_file kernel = { 0 };
	struct skep_err err;
	struct world w = { 0 };
	const char *script = "struct mine { char c; struct list_head list; "
			     "struct task_struct *t; struct nobody *n; };";
	const struct btf_type *t;
	u32 id;

	if (btf_open_file(&kernel, "/sys/kernel/btf/vmlinux", NULL, &err)) {
		print_message("no BTF of a kernel: %s", err.text);
		skip();
	}
	script_open(&w.s);
	parse_script(&w.s, script_source(&w.s, "stdin", script, (u32)strlen(script)));
	if (cdecl_parse(&w.s, w.s.list, kernel.btf, &w.c)) {
		diag_print(&w.diags, &w.s);
		fail_msg("%s", sb_text(&w.diags));
	}
	id = cdecl_type(&w.c, "struct mine");
	assert_int_equal(btf_bytes(w.c.btf, id), 40);
	same_place(&w, "struct mine", "list", 64);
	same_place(&w, "struct mine", "t", 192);
	t = btf_type(w.c.btf, btf_member(w.c.btf, btf_type(w.c.btf, id), 2).type_id);
	assert_string_equal(btf_type_name(w.c.btf, t->type), "task_struct");
	assert_int_equal(btf_kind(btf_type(w.c.btf, t->type)), BTF_KIND_STRUCT);
	end(&w);
	btf_close_file(&kernel);
}

/* What is refused, and where. */
static void test_errors(void **state)
{
	static const struct { const char *script, *message; } cases[] = {
		{ "struct a { struct b c; }", "stdin:1:21-22: ERROR: C: the size of member 'c' "
		  "is not known: its type 'b' is only declared" },
		{ "struct a { int x int y }", "stdin:1:18-21: ERROR: C: expected ';'" },
		{ "struct a { foo_t x; }", "stdin:1:12-17: ERROR: C: unknown type 'foo_t'" },
		{ "struct a { int x:33; }", "a bit field of this type has 1 to 32 bits" },
		{ "struct a { int x:0; }", "a bit field of this type has 1 to 32 bits" },
		{ "struct a { char *x:3; }", "a bit field is an integer" },
		{ "struct a { int x[-1]; }", "an array has 0 to" },
		{ "struct a { int x[1 << 30]; }", "at most 256 MiB" },
		{ "struct a { int x; }\nstruct a { int x; }",
		  "stdin:2:8-9: ERROR: C: 'a' is defined twice" },
		{ "enum a { X = 1 / 0 }", "division by zero" },
		{ "enum a { X = Y }", "no constant of this name" },
		{ "struct a { int x __attribute__((aligned(3))); }",
		  "an alignment is a power of two" },
		{ "#if 1\nstruct a { int x; }", "#if without #endif" },
		{ "#endif\n", "#endif without #if" },
		{ "#include \"/nowhere/x.h\"\n", "/nowhere/x.h" },
		{ "#include x\n", "#include needs" },
		{ "#error out\n", "#error out" },
		{ "#if (\n#endif\n", "#if: " },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;

		if (!declare(&w, cases[i].script))
			fail_msg("taken: %s", cases[i].script);
		if (!strstr(sb_text(&w.diags), cases[i].message))
			fail_msg("%s\nsays %s", cases[i].script, sb_text(&w.diags));
		end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_places),
		cmocka_unit_test(test_bits), cmocka_unit_test(test_constants),
		cmocka_unit_test(test_macros), cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
