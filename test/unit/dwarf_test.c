/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_test.c: BTF from DWARF against pahole's: every named type of either,
 * spelled out with sizes, members, offsets and bits, must be in the other as
 * often. The programs are in test/btf/dwarf; skep itself is one too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "sym/dwarf.h"
#include "unit/btf_spell.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- programs ------------------------------------------------------------------ */

static void spell_file(struct lines *out, const char *path)
{
	spell_picked(out, path, TYPES);
}

static char dir[] = "/tmp/skep-dwarf-XXXXXX";

static const char *in_dir(char *path, const char *name)
{
	snprintf(path, 256, "%s/%s", dir, name);
	return path;
}

static bool shell(const char *fmt, ...)
{
	struct strbuf s = { 0 };
	va_list ap;
	char *text;
	int ret;

	va_start(ap, fmt);
	ret = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (ret < 0)
		return false;
	sb_printf(&s, "( %s ) >/dev/null 2>&1", text);
	free(text);
	ret = system(s.s);
	sb_free(&s);
	return ret == 0;
}

static void convert(const char *program, const char *to)
{
	struct dwarf_report rep;
	struct skep_err err;
	struct strbuf out = { 0 };
	FILE *f;

	if (dwarf_to_btf(&out, program, &rep, &err)) {
		print_message("# %s", err.text);
		if (err.code == -ENOTSUP) {
			print_message("# libdw is not there\n");
			skip();
		}
		fail();
	}
	f = fopen(to, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(out.s, 1, out.n, f), out.n);
	fclose(f);
	sb_free(&out);
}

static void compare_picked(const char *ours, const char *theirs, enum pick pick,
			   size_t least, bool fewer)
{
	struct lines a = { 0 }, b = { 0 };

	spell_picked(&a, ours, pick);
	spell_picked(&b, theirs, pick);
	assert_true(a.n >= least && b.n >= least);
	assert_int_equal(compare_lines(&a, &b, fewer), 0);
	free_lines(&a);
	free_lines(&b);
}

static void convert_both(const char *program, char *ours, char *theirs)
{
	convert(program, in_dir(ours, "ours"));
	if (!shell("command -v pahole")) {
		print_message("# pahole is not there\n");
		skip();
	}
	assert_true(shell("pahole --btf_gen_floats --btf_encode_detached %s %s",
			  in_dir(theirs, "theirs"), program));
}

static void compare_with_pahole(const char *program)
{
	char ours[256], theirs[256];

	convert_both(program, ours, theirs);
	compare_picked(ours, theirs, TYPES, 11, false);
}

static void build(char *program, const char *cc, const char *flags)
{
	if (!cc || !*cc || !shell("command -v %s", cc)) {
		print_message("# %s is not there\n", cc && *cc ? cc : "clang");
		skip();
	}
	in_dir(program, "program");
	if (!shell("%s %s -o %s " TEST_DIR "/btf/dwarf/a.c " TEST_DIR "/btf/dwarf/b.c",
		   cc, flags, program)) {
		print_message("# %s does not know %s\n", cc, flags);
		skip();
	}
}

static const char *clang(void)
{
	return getenv("CLANG") ? getenv("CLANG") : "clang-19";
}

static void test_gcc(void **state)
{
	static const char *const flags[] = {
		"-g -O0", "-g -O2", "-gdwarf-4", "-gdwarf-3 -gstrict-dwarf", "-gdwarf-2",
	};
	char program[256];

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		print_message("# gcc %s\n", flags[i]);
		build(program, "gcc", flags[i]);
		compare_with_pahole(program);
	}
}

static void test_clang(void **state)
{
	static const char *const flags[] = { "-g -O0", "-g -O2", "-gdwarf-4" };
	char program[256];

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		print_message("# clang %s\n", flags[i]);
		build(program, clang(), flags[i]);
		compare_with_pahole(program);
	}
}

/* Of static functions of one name pahole may take one that was inlined everywhere
 * for the one that has the symbol; so only the names must be there. */
static void compare_func_names(const char *ours, const char *theirs, u32 least)
{
	struct btf_file a, b;
	struct skep_err err;
	u32 n = 0;

	if (btf_open_file(&a, ours, NULL, &err) || btf_open_file(&b, theirs, NULL, &err))
		fail_msg("%s", err.text);
	btf_index(a.btf, &a.arena);
	for (u32 id = 1; id < b.btf->nr_types; id++) {
		const char *name = btf_type_name(b.btf, id);

		if (btf_kind(btf_type(b.btf, id)) != BTF_KIND_FUNC)
			continue;
		n++;
		if (!btf_find(a.btf, name, BTF_KIND_FUNC))
			fail_msg("only pahole has function %s", name);
	}
	assert_true(n >= least);
	btf_close_file(&a);
	btf_close_file(&b);
}

static void test_self(void **state)
{
	char path[256], ours[256], theirs[256];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = 0;
	if (!shell("pahole --btf_encode_detached %s/self %s", dir, path)) {
		print_message("# pahole cannot read this program (or is not there)\n");
		skip();
	}
	convert_both(path, ours, theirs);
	compare_picked(ours, theirs, TYPES, 11, false);
	compare_func_names(ours, theirs, 300);
}

/*
 * Functions. pahole takes one of each name, and of those that the compiler changed
 * none whose symbol has another name (f.isra.0); skep takes all that have code.
 * Every function is "static" for pahole; skep says what the program says.
 */
static void test_funcs(void **state)
{
	static const char *const flags[] = { "-g -O0", "-g -O1", "-g -O2", "-gdwarf-4 -O2" };
	char program[256], ours[256], theirs[256];
	struct btf_file f;
	struct skep_err err;

	for (size_t i = 0; i < 2 * ARRAY_LEN(flags); i++) {
		const char *cc = i & 1 ? clang() : "gcc";

		print_message("# %s %s\n", cc, flags[i / 2]);
		build(program, cc, flags[i / 2]);
		convert_both(program, ours, theirs);
		compare_picked(ours, theirs, FUNCS, 2, i >= 2);
		if (btf_open_file(&f, ours, NULL, &err))
			fail_msg("%s", err.text);
		for (u32 id = 0; (id = btf_find_next(f.btf, "local", BTF_KIND_FUNC, id));)
			assert_int_equal(btf_vlen(btf_type(f.btf, id)), BTF_FUNC_STATIC);
		assert_int_equal(btf_vlen(btf_type(f.btf, btf_find(f.btf, "main",
				 BTF_KIND_FUNC))), BTF_FUNC_GLOBAL);
		btf_close_file(&f);
	}
}

/* Tags, and the variables that pahole takes: those of section .data..percpu. */
static void test_tags(void **state)
{
	char object[256], ours[256], theirs[256];

	in_dir(object, "tags.o");
	if (!shell("%s -g -O1 -c -o %s " TEST_DIR "/btf/dwarf/tags.c", clang(), object)) {
		print_message("# %s is not there or knows no tags\n", clang());
		skip();
	}
	convert_both(object, ours, theirs);
	compare_picked(ours, theirs, FUNCS, 3, false);
	compare_picked(ours, theirs, VARS, 12, false);
	compare_picked(ours, theirs, TYPES, 20, false);
}

/* Of a struct that points to different ones of one name gcc makes one unit. */
static void drop(struct lines *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (strstr(l->v[i], " differs_too "))
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	}
	l->n = n;
}

/* Types in units of their own, references between units, two files: the judge is
 * what plain debug information gives. */
static void test_units(void **state)
{
	static const char *const flags[] = {
		"-g -fdebug-types-section", "-gdwarf-4 -fdebug-types-section",
		"-g -gsplit-dwarf",
	};
	char program[256], ours[256], path[256];
	struct lines plain = { 0 };

	build(program, "gcc", "-g");
	convert(program, in_dir(ours, "ours"));
	spell_file(&plain, ours);
	drop(&plain);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct lines l = { 0 };

		print_message("# gcc %s\n", flags[i]);
		build(program, "gcc", flags[i]);
		convert(program, in_dir(path, "ours"));
		spell_file(&l, path);
		drop(&l);
		assert_int_equal(l.n, plain.n);
		for (size_t k = 0; k < l.n; k++)
			assert_string_equal(l.v[k], plain.v[k]);
		free_lines(&l);
	}
	build(program, "gcc", "-g -O2 -flto");
	convert(program, in_dir(path, "ours"));
	free_lines(&plain);
}

/* Anything but a crash, a hang or an error without a text. */
static void test_damage(void **state)
{
	char program[256], damaged[256];
	struct skep_err err;
	struct os_file f;
	u32 x = 1, refused = 0;

	build(program, "gcc", "-g");
	in_dir(damaged, "damaged");
	if (os_file_read(&f, program, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < 400; i++) {
		u8 *copy = mem_alloc(f.size);
		struct strbuf out = { 0 };
		struct dwarf_report rep;
		FILE *to = fopen(damaged, "wb");

		memcpy(copy, f.data, f.size);
		for (int k = 0; k < 1 << i % 6; k++) {
			x = x * 1664525 + 1013904223;
			/* debug information is in the second half */
			copy[f.size / 2 + (x >> 8) % (f.size / 2)] = (u8)(x >> 3);
		}
		assert_non_null(to);
		fwrite(copy, 1, f.size, to);
		fclose(to);
		free(copy);
		memset(&err, 0, sizeof(err));
		if (dwarf_to_btf(&out, damaged, &rep, &err)) {
			if (err.code == -ENOTSUP)
				skip();
			assert_true(err.code < 0 && strstr(err.text, "error: "));
			refused++;
		}
		sb_free(&out);
	}
	assert_true(refused > 10);
	os_file_close(&f);
}

static int setup(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return shell("rm -r %s", dir) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gcc),
		cmocka_unit_test(test_clang),
		cmocka_unit_test(test_funcs),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
