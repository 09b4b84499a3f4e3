/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usdt_test.c: notes of static probes and the forms of their arguments, places in
 * programs as section names have them, and symbols of the C library.
 */
#include "sym/usdt.h"
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- arguments ------------------------------------------------------------- */

static const struct {
	u16 machine;
	const char *text;
	struct usdt_arg a;
} forms[] = {
#define X86 EM_X86_64
#define ARM EM_AARCH64
	{ X86, "-4@%edi", { .kind = USDT_REG, .bytes = 4, .is_signed = true, .reg = 112 } },
	{ X86, "8@%rax", { .kind = USDT_REG, .bytes = 8, .reg = 80 } },
	{ X86, "2@%r8w", { .kind = USDT_REG, .bytes = 2, .reg = 72 } },
	{ X86, "1@%sil", { .kind = USDT_REG, .bytes = 1, .reg = 104 } },
	{ X86, "-1@%r15b", { .kind = USDT_REG, .bytes = 1, .is_signed = true, .reg = 0 } },
	{ X86, "1@%ah", { .kind = USDT_REG, .bytes = 1, .reg = 81 } },
	{ X86, "1@%dh", { .kind = USDT_REG, .bytes = 1, .reg = 97 } },
	{ X86, "%rsp", { .kind = USDT_REG, .bytes = 8, .reg = 152 } },
	{ X86, "-8@$-5", { .kind = USDT_CONST, .bytes = 8, .is_signed = true, .value = -5 } },
	{ X86, "4@$0x10", { .kind = USDT_CONST, .bytes = 4, .value = 16 } },
	{ X86, "8@$18446744073709551615", { .kind = USDT_CONST, .bytes = 8, .value = -1 } },
	{ X86, "8@-24(%rbp)", { .kind = USDT_MEM, .bytes = 8, .reg = 32, .value = -24 } },
	{ X86, "4@(%rsp)", { .kind = USDT_MEM, .bytes = 4, .reg = 152 } },
	{ X86, "8@8(%rax,%rcx,4)", { .kind = USDT_INDEX, .bytes = 8, .reg = 80, .index = 88,
		.scale = 2, .value = 8 } },
	{ X86, "8@(%rax,%rcx)", { .kind = USDT_INDEX, .bytes = 8, .reg = 80, .index = 88 } },
	{ X86, "-4@NBuffers(%rip)", { .kind = USDT_SYMBOL, .bytes = 4, .is_signed = true,
		.symbol = "NBuffers" } },
	{ X86, "4@8+state.12(%rip)", { .kind = USDT_SYMBOL, .bytes = 4, .value = 8,
		.symbol = "state.12" } },
	{ X86, "4@state-16(%rip)", { .kind = USDT_SYMBOL, .bytes = 4, .value = -16,
		.symbol = "state" } },
	{ X86, "4@state+16(%rip)", { .kind = USDT_SYMBOL, .bytes = 4, .value = 16,
		.symbol = "state" } },
	{ X86, "4@16(%rip)", { .kind = USDT_MEM, .bytes = 4, .reg = 128, .value = 16 } },
	{ X86, "8f@%xmm0", { .kind = USDT_FLOAT, .bytes = 8 } },
	{ ARM, "-4@w0", { .kind = USDT_REG, .bytes = 4, .is_signed = true, .reg = 0 } },
	{ ARM, "8@x30", { .kind = USDT_REG, .bytes = 8, .reg = 240 } },
	{ ARM, "8@sp", { .kind = USDT_REG, .bytes = 8, .reg = 248 } },
	{ ARM, "8@[sp, 16]", { .kind = USDT_MEM, .bytes = 8, .reg = 248, .value = 16 } },
	{ ARM, "-4@[x29,-20]", { .kind = USDT_MEM, .bytes = 4, .is_signed = true, .reg = 232,
		.value = -20 } },
	{ ARM, "4@[x1]", { .kind = USDT_MEM, .bytes = 4, .reg = 8 } },
	{ ARM, "4@[x1, x2]", { .kind = USDT_INDEX, .bytes = 4, .reg = 8, .index = 16 } },
	{ ARM, "8@[x1, x2, lsl 3]", { .kind = USDT_INDEX, .bytes = 8, .reg = 8, .index = 16,
		.scale = 3 } },
	{ ARM, "-4@-7", { .kind = USDT_CONST, .bytes = 4, .is_signed = true, .value = -7 } },
	{ ARM, "8@d0", { .kind = USDT_FLOAT, .bytes = 8 } },
};

static void test_forms(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const struct usdt_arg *want = &forms[i].a;
		const char *text = forms[i].text;
		struct skep_err err = { 0 };
		struct usdt_arg a;

		if (usdt_arg_next(&a, &text, forms[i].machine, &err) != 1)
			fail_msg("%s: %s", forms[i].text, err.text);
		if (a.kind != want->kind || a.bytes != want->bytes ||
		    a.is_signed != want->is_signed || a.reg != want->reg ||
		    a.index != want->index || a.scale != want->scale || a.value != want->value ||
		    strcmp(a.symbol, want->symbol))
			fail_msg("%s: kind %d, %d bytes, reg %d, index %d << %d, value %lld, '%s'",
				 forms[i].text, a.kind, a.bytes, a.reg, a.index, a.scale,
				 (long long)a.value, a.symbol);
		assert_int_equal(usdt_arg_next(&a, &text, forms[i].machine, &err), 0);
	}
}

static void test_bad_forms(void **state)
{
	static const char *const bad[] = {
		"3@%rax", "-4@%zax", "4@", "@%rax", "4@8(%rax", "4@(%rax,%rcx,3)", "4@x(%rax)",
		"4@a+b(%rip)", "4@$", "4@$x", "4@%rax)", "4@%fs:8", "16@%rax", "4@(%rip,%rax)",
		"99999999999999999999@%rax", "4@%", "4@%%rax", "0@%rax",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const char *text = bad[i];
		struct skep_err err = { 0 };
		struct usdt_arg a;

		if (usdt_arg_next(&a, &text, EM_X86_64, &err) >= 0)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(err.id, ERR_USDT);
	}
}

static void test_several(void **state)
{
	const char *text = "  8@%rdi -4@$7   2@-6(%rbp) ";
	struct usdt_arg a;

	assert_int_equal(usdt_arg_next(&a, &text, EM_X86_64, NULL), 1);
	assert_int_equal(usdt_arg_next(&a, &text, EM_X86_64, NULL), 1);
	assert_int_equal(a.value, 7);
	assert_int_equal(usdt_arg_next(&a, &text, EM_X86_64, NULL), 1);
	assert_int_equal(a.value, -6);
	assert_int_equal(usdt_arg_next(&a, &text, EM_X86_64, NULL), 0);
}

/* ---- notes ----------------------------------------------------------------- */

static void test_notes(void **state)
{
	static const u8 good[] = "\x10\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\x30\0\0\0\0\0\0\0"
				 "skep\0first\0008@%rdi";
	struct usdt_note n;

	assert_true(usdt_note_parse(&n, good, sizeof(good), true));
	assert_int_equal(n.pc, 0x10);
	assert_int_equal(n.base, 0x20);
	assert_int_equal(n.semaphore, 0x30);
	assert_string_equal(n.provider, "skep");
	assert_string_equal(n.name, "first");
	assert_string_equal(n.args, "8@%rdi");
	for (u32 bytes = 0; bytes < sizeof(good); bytes++)
		assert_false(usdt_note_parse(&n, good, bytes, true));
	assert_true(usdt_note_parse(&n, good + 4, sizeof(good) - 4, false));
	assert_int_equal(n.base, 0x20);
}

/* ---- places ---------------------------------------------------------------- */

static void test_places(void **state)
{
	static const struct { const char *text, *path, *symbol; u64 off; } good[] = {
		{ "/bin/sh:main", "/bin/sh", "main", 0 },
		{ "/bin/sh:main+0x10", "/bin/sh", "main", 16 },
		{ "libc.so.6:memcpy@GLIBC_2.2.5+4", "libc.so.6", "memcpy@GLIBC_2.2.5", 4 },
		{ "./a:b:f", "./a:b", "f", 0 },
		{ "/bin/sh:0x1234", "/bin/sh", "", 0x1234 },
		{ "/bin/sh:work*", "/bin/sh", "work*", 0 },
	};
	static const char *const bad[] = { "", ":", "/bin/sh", "/bin/sh:", ":main", "/bin/sh:f+",
		"/bin/sh:f+x", "/bin/sh:+4", "/bin/sh:@V" };
	struct sym_place p;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(sym_place_parse(&p, good[i].text, false));
		assert_string_equal(p.path, good[i].path);
		assert_string_equal(p.symbol, good[i].symbol);
		assert_int_equal(p.off, good[i].off);
		sym_place_free(&p);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (sym_place_parse(&p, bad[i], false))
			fail_msg("'%s' is taken", bad[i]);
	assert_true(sym_place_parse(&p, "/usr/bin/python3:python:gc__start", true));
	assert_string_equal(p.provider, "python");
	assert_string_equal(p.symbol, "gc__start");
	sym_place_free(&p);
	assert_false(sym_place_parse(&p, "python:gc__start", true));
	assert_false(sym_place_parse(&p, "/a::x", true));
}

/* ---- symbols --------------------------------------------------------------- */

static void test_symbols(void **state)
{
	char *path = sym_find_file("libc.so.6", 0);
	struct skep_err err = { 0 };
	struct sym now, old, at;
	struct sym_file f;

	if (!path)
		skip();
	assert_int_equal(sym_open(&f, path, &err), 0);
	assert_int_equal(sym_find(&f, "posix_spawn", &now, &err), 0);
	if (now.version) {	/* glibc has another from before */
		char name[64];

		snprintf(name, sizeof(name), "posix_spawn@@%s", now.version);
		assert_int_equal(sym_find(&f, name, &at, &err), 0);
		assert_int_equal(at.addr, now.addr);
		if (!sym_find(&f, "posix_spawn@GLIBC_2.2.5", &old, &err)) {
			assert_true(old.old);
			assert_int_not_equal(old.addr, now.addr);
			assert_int_equal(sym_find(&f, "posix_spawn@@GLIBC_2.2.5", &at, &err),
					 -ENOENT);
		}
	}
	assert_true(sym_at(&f, now.addr + 1, &at));
	assert_int_equal(at.addr, now.addr);
	assert_int_equal(sym_address(&f, (u64)sym_offset(&f, now.addr)), now.addr);
	assert_int_equal(sym_find(&f, "posix_spwan", &at, &err), -ENOENT);
	assert_non_null(strstr(err.text, "did you mean 'posix_spawn'?"));
	assert_int_equal(sym_find(&f, "environ", &at, &err), -ENOENT);
	assert_non_null(strstr(err.text, "'environ' is there and is no function"));
	assert_int_equal(sym_offset(&f, UINT64_MAX - 4), -1);
	sym_close(&f);
	free(path);
	assert_int_equal(sym_open(&f, "/proc/self/status", &err), -EINVAL);
	assert_int_equal(sym_open(&f, "/proc/self/none", &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms), cmocka_unit_test(test_bad_forms),
		cmocka_unit_test(test_several), cmocka_unit_test(test_notes),
		cmocka_unit_test(test_places), cmocka_unit_test(test_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
