/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names_test.c: names of C++ and Rust in readable form, and names of this program's own
 * code by address. Names that refer to themselves must end.
 */
#include "base/strbuf.h"
#include "sym/names.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const struct { const char *from, *to; } names[] = {
	{ "_RNvC1a4main", "a::main" },
	{ "_RNvNtNtCs6GmmlP4bgsG_1r5inner4deep3gen", "r::inner::deep::gen" },
	{ "_RINvMNtCsgEmfK2I1SDS_4core5sliceSh11copy_withinjECsfEOYDRpO4Ta_11miniz_oxide",
	  "<[u8]>::copy_within::<usize>" },
	{ "_RINvMs2_NtCsgEmfK2I1SDS_4core3fmtNtB6_9Arguments3newKj4_Kj1_ECs6GmmlP4bgsG_1r",
	  "<core::fmt::Arguments>::new::<4, 1>" },
	{ "_RINvNtNtCs6GmmlP4bgsG_1r5inner4deep4gen2FG_URL0_eEAhj3_EB6_",
	  "r::inner::deep::gen2::<for<'a> unsafe fn(&'a str) -> [u8; 3]>" },
	{ "_RINvNtNtCs6GmmlP4bgsG_1r5inner4deep4gen2FKClElEB6_",
	  "r::inner::deep::gen2::<extern \"C\" fn(i32) -> i32>" },
	{ "_RINvNtNtCs6GmmlP4bgsG_1r5inner4deep4gen2TThEQStOnDNtCs1_1a1Ip4ItemhEL_EEB6_",
	  "r::inner::deep::gen2::<((u8,), &mut [u16], *mut i128, dyn a::I<Item = u8>)>" },
	{ "_RNvYNCNvCs6GmmlP4bgsG_1r4mains1_0NtNtCsgEmfK2I1SDS_4core3ops2Fn4call",
	  "<r::main::{closure#3} as core::ops::Fn>::call" },
	{ "_RINvC1a1fKb1_Kc41_Klnff_KpE", "a::f::<true, 'A', -255, _>" },
	{ "_RNvC1au7caf_dma", "a::punycode{caf_dma}" },
	{ "_RNvC1a4main.llvm.1234", "a::main" },
	{ "_ZN1r4main28_$u7b$$u7b$closure$u7d$$u7d$17h3a24743597b9608eE",
	  "r::main::{{closure}}" },
	{ "_ZN70_$LT$a..Empty$LT$T$GT$$u20$as$u20$core..iter..traits..iterator..It$GT$"
	  "4next17h0a8a1418091bd77fE",
	  "<a::Empty<T> as core::iter::traits::iterator::It>::next" },
};

static void test_rust(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *s = sym_demangle(names[i].from);

		assert_non_null(s);
		assert_string_equal(s, names[i].to);
		free(s);
	}
}

static void test_cxx(void **state)
{
	char *s = sym_demangle("_ZNK2ns5thingIiE4moveEPKcRS1_");

	(void)state;
	if (!s)
		skip();		/* no library of C++ here */
	assert_string_equal(s, "ns::thing<int>::move(char const*, ns::thing<int>&) const");
	free(s);
}

/* What is no name, names its own middle, or would be longer than anybody reads. */
static void test_bad(void **state)
{
	static const char *const bad[] = {
		"", "_", "_R", "_RB_", "_RNvB_1a", "_RNvC1a9main", "_RNvC1a", "_RNvC1a4main_",
		"_RINvC1a1fB_E", "_RINvC1a1fKB_E", "_RNvCs99999999999999999999_1a1b",
		"_RINvC1a1fRL9_hE", "_RINvC1a1fKl11111111111111111_E", "_ZN",
		"_RNvC1au5caf_dma", "main",
		"_ZN4294967295aE", "_ZN3abc17hE", "_RINvC1a1fFGzzzzz_EuE",
		"_RNvC99999999999999991a1b",
	};
	struct strbuf deep = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(sym_demangle(bad[i]));
	sb_puts(&deep, "_RINvC1a1f");
	for (u32 i = 0; i < 100000; i++)
		sb_putc(&deep, 'R');
	sb_puts(&deep, "hE");
	assert_null(sym_demangle(deep.s));
	sb_reset(&deep);	/* each pair is two of the one before: 2^40 of the first */
	sb_puts(&deep, "_RINvC1a1fTThhE");
	for (u32 i = 0, at = 9; i < 40; i++, at += 7)
		sb_printf(&deep, "TB%c_B%c_E", 'a' + (int)(at % 26), 'a' + (int)(at % 26));
	sb_puts(&deep, "EE");
	free(sym_demangle(deep.s));
	sb_free(&deep);
}

static int here(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}
static int (*volatile here_fn)(int) = here;

/* This program's own function, by its place in the file. */
static void test_place(void **state)
{
	const struct sym_names_opts o = { .lines = true };
	struct sym_names *n;
	struct sym_frame v[8];
	struct skep_err err;
	struct sym_file f;
	struct sym s;

	(void)state;
	assert_int_equal(here_fn(1), 2);
	assert_int_equal(sym_open(&f, "/proc/self/exe", &err), 0);
	assert_int_equal(sym_find(&f, "here", &s, &err), 0);
	assert_int_equal(sym_names_open(&n, "/proc/self/exe", -1, &o, &err), 0);
	assert_in_range(sym_names_at(n, (u64)sym_offset(&f, s.addr), false, v, 8), 1, 8);
	assert_string_equal(v[0].name, "here");
	assert_int_equal(v[0].off, 0);
	assert_int_equal(sym_names_at(n, (u64)sym_offset(&f, s.addr) + s.bytes, true, v, 8), 1);
	assert_string_equal(v[0].name, "here");
	assert_int_equal(v[0].off, s.bytes);
	assert_int_equal(sym_names_at(n, UINT64_MAX - 4, false, v, 8), 0);
	assert_int_equal(sym_names_at(n, 0, true, v, 8), 0);
	sym_names_close(n);
	sym_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rust), cmocka_unit_test(test_cxx),
		cmocka_unit_test(test_bad), cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
