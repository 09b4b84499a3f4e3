/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btf_header_test.c: headers that btf_header_c writes, judged by the compiler:
 * clang compiles them with a variable of every struct and union, and the types
 * that it then describes are compared with those that the header was made
 * from: every size, offset and bit field. bpftool's header goes the same way.
 * Its raw text is compared with ours line by line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/os.h"
#include "base/vec.h"
#include "obj/obj.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define VMLINUX "/sys/kernel/btf/vmlinux"
#define LAYOUT TEST_DIR "/btf/layout.c"

enum { VARIABLES = 1000 };	/* of a source */

static char dir[] = "/tmp/btf_header.XXXXXX";

static void need(bool there, const char *what)
{
	if (there)
		return;
	print_message("# %s\n", what);
	skip();
}

static const char *clang(void)
{
	const char *cc = getenv("CLANG");

	need(cc && *cc, "no clang");
	return cc;
}

static int run(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void open_types(struct btf_file *f, const char *path)
{
	struct skep_err err = { 0 };

	if (obj_open_btf(f, path, NULL, &err))
		fail_msg("%s", err.text);
}

/* ---- layouts as text ------------------------------------------------------------ */

static void describe(struct strbuf *out, const struct btf *btf, u32 id);

/* Anonymous types belong to the layout; others are named alone. */
static void describe_type(struct strbuf *out, const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));
	const char *name = btf_str(btf, t->name_off);

	while (btf_kind(t) == BTF_KIND_ARRAY) {
		const struct btf_array *a = (const void *)(t + 1);

		sb_printf(out, "[%u]", a->nelems);
		t = btf_type(btf, id = btf_skip_mods(btf, a->type));
		name = btf_str(btf, t->name_off);
	}
	/* pahole describes float as an integer of that name */
	sb_printf(out, "%u/%llu ",
		  btf_kind(t) == BTF_KIND_FLOAT ? BTF_KIND_INT : btf_kind(t),
		  (unsigned long long)btf_bytes(btf, id));
	if ((btf_kind(t) == BTF_KIND_STRUCT || btf_kind(t) == BTF_KIND_UNION) && !*name)
		describe(out, btf, btf_skip_mods(btf, id));
}

static void describe(struct strbuf *out, const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf_type(btf, id);

	sb_printf(out, "%u {", t->size);
	for (u32 i = 0; i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);

		if (!strncmp(m.name, "__pad", 5) && m.name[5] >= '0' && m.name[5] <= '9')
			continue;
		sb_printf(out, " %s@%u:%u ", m.name, m.bit_off, m.bit_size);
		if (!m.bit_size)	/* compilers describe their types differently */
			describe_type(out, btf, m.type_id);
	}
	sb_puts(out, "}");
}

typedef VEC(char *) lines_t;

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Clang may describe a type twice. */
static void unique(lines_t *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (n && !strcmp(l->v[n - 1], l->v[i]))
			free(l->v[i]);
		else
			l->v[n++] = l->v[i];
	l->n = n;
}

static void sort(lines_t *l)
{
	qsort(l->v, l->n, sizeof(*l->v), by_text);
	unique(l);
}

/* Appends every named struct and union, its version taken off. */
static void add_layouts(lines_t *all, const struct btf *btf)
{
	for (u32 id = 1; id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);
		const char *name = btf_type_name(btf, id), *cut = strstr(name, "___");
		struct strbuf out = { 0 };

		if ((btf_kind(t) != BTF_KIND_STRUCT && btf_kind(t) != BTF_KIND_UNION) || !*name)
			continue;
		if (!cut || strspn(cut + 3, "0123456789") != strlen(cut + 3))
			cut = name + strlen(name);
		sb_printf(&out, "%s %.*s ", btf_kind(t) == BTF_KIND_UNION ? "union" : "struct",
			  (int)(cut - name), name);
		describe(&out, btf, id);
		*vec_push(all) = out.s;
	}
}

/* All, in order of text. */
static lines_t layouts(const struct btf *btf)
{
	lines_t all = { 0 };

	add_layouts(&all, btf);
	sort(&all);
	return all;
}

static void free_lines(lines_t *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	vec_free(l);
}

/* Number of layouts that only one of the two has; the first few are printed. */
static u32 compare(lines_t want, lines_t got, u32 show)
{
	u32 bad = 0;

	for (size_t i = 0, k = 0; i < want.n || k < got.n;) {
		int order = i == want.n ? 1 : k == got.n ? -1 : strcmp(want.v[i], got.v[k]);

		if (order && bad++ < show)
			print_message("# %s %.300s\n", order < 0 ? "want" : "got",
				      order < 0 ? want.v[i] : got.v[k]);
		i += order <= 0;
		k += order >= 0;
	}
	return bad;
}

/* ---- headers ----------------------------------------------------------------------- */

static void write_header(const struct btf *btf, const char *path)
{
	struct strbuf out = { 0 };
	struct skep_err err = { 0 };
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	if (btf_header_c(&out, btf, NULL, 0, "t", &err))
		fail_msg("%s", err.text);
	assert_int_equal(fwrite(out.s, 1, out.n, f), out.n);
	fclose(f);
	sb_free(&out);
}

/* To OUT a variable of each of the next structs and unions that the header IN defines, no
 * more than VARIABLES; how many there were. */
static u32 add_variables(FILE *in, FILE *out)
{
	char line[4096], word[8], name[512];
	u32 n = 0;

	while (n < VARIABLES && fgets(line, sizeof(line), in))
		if (sscanf(line, "%7[a-z] %511[^ ;] {", word, name) == 2 &&
		    strstr(line, " {") && (!strcmp(word, "struct") || !strcmp(word, "union")))
			fprintf(out, "%s %s var%u;\n", word, name, n++);
	return n;
}

/* What clang makes of variables of the next types of HEADER, which IN reads, is added to
 * ALL; false: there are none. */
static bool compile_next(lines_t *all, const char *flags, FILE *in)
{
	FILE *out = fopen(in_dir("vars.c"), "w");
	struct btf_file f;
	u32 n;

	assert_non_null(out);
	n = add_variables(in, out);
	fclose(out);
	if (!n)
		return false;
	assert_int_equal(run("%s -target bpf -g %s -include-pch %s -c -o %s %s", clang(), flags,
			     in_dir("header.pch"), in_dir("vars.o"), in_dir("vars.c")), 0);
	open_types(&f, in_dir("vars.o"));
	add_layouts(all, f.btf);
	btf_close_file(&f);
	return true;
}

/* The layouts that clang gives to the types of HEADER. The time that it takes to describe
 * types goes with the square of their number, so it gets some at a time. */
static lines_t compiled(const char *header, const char *flags)
{
	lines_t all = { 0 };
	FILE *in = fopen(header, "r");

	assert_non_null(in);
	assert_int_equal(run("%s -target bpf -g %s -x c-header -o %s %s", clang(), flags,
			     in_dir("header.pch"), header), 0);
	while (compile_next(&all, flags, in))
		;
	fclose(in);
	sort(&all);
	return all;
}

static u32 round_trip(const char *path, lines_t *keep)
{
	struct btf_file f;
	lines_t want, got;
	u32 bad;

	open_types(&f, path);
	write_header(f.btf, in_dir("types.h"));
	want = layouts(f.btf);
	got = compiled(in_dir("types.h"), "-Wall -Wextra -Werror");
	assert_true(want.n > 10);
	bad = compare(want, got, 6);
	free_lines(&want);
	if (keep)
		*keep = got;
	else
		free_lines(&got);
	btf_close_file(&f);
	return bad;
}

static void test_layout(void **state)
{
	assert_int_equal(run("%s -target bpf -g -Wno-visibility -c -o %s %s", clang(),
			     in_dir("layout.o"), LAYOUT), 0);
	assert_int_equal(round_trip(in_dir("layout.o"), NULL), 0);
}

/* Compiled for this machine, described by pahole. */
static void test_layout_pahole(void **state)
{
	const char *cc = getenv("CC");

	need(!run("pahole --version >/dev/null 2>&1"), "no pahole");
	clang();
	assert_int_equal(run("%s -w -g -c -o %s %s && pahole --btf_encode_detached=%s %s",
			     cc && *cc ? cc : "gcc", in_dir("native.o"), LAYOUT,
			     in_dir("native.btf"), in_dir("native.o")), 0);
	assert_int_equal(round_trip(in_dir("native.btf"), NULL), 0);
}

static bool has_bpftool(void)
{
	return !run("bpftool version >/dev/null 2>&1");
}

static void test_vmlinux(void **state)
{
	lines_t ours, theirs;
	u32 bad;

	need(!access(VMLINUX, R_OK), "no " VMLINUX);
	assert_int_equal(round_trip(VMLINUX, &ours), 0);
	if (has_bpftool()) {
		assert_int_equal(run("bpftool btf dump file %s format c > %s", VMLINUX,
				     in_dir("theirs.h")), 0);
		theirs = compiled(in_dir("theirs.h"), "");
		/* which of bpftool 7.1 gives every enum four bytes */
		bad = compare(theirs, ours, 0) / 2;
		print_message("# %zu layouts, bpftool has %u of them otherwise\n",
			      ours.n, bad);
		assert_true(bad < ours.n / 10);
		free_lines(&theirs);
	}
	free_lines(&ours);
}

/* ---- raw text ------------------------------------------------------------------------ */

static void compare_raw(const char *path)
{
	struct btf_file f;
	FILE *out = fopen(in_dir("ours.raw"), "w");
	struct strbuf text = { 0 };

	need(has_bpftool(), "no bpftool");
	open_types(&f, path);
	for (u32 id = 1; id < f.btf->nr_types; id++)
		btf_raw_text(&text, f.btf, id);
	assert_int_equal(fwrite(text.s, 1, text.n, out), text.n);
	fclose(out);
	sb_free(&text);
	btf_close_file(&f);
	assert_int_equal(run("bpftool btf dump file %s > %s && cmp %s %s", path,
			     in_dir("theirs.raw"), in_dir("ours.raw"), in_dir("theirs.raw")), 0);
}

static void test_raw_vmlinux(void **state)
{
	need(!access(VMLINUX, R_OK), "no " VMLINUX);
	compare_raw(VMLINUX);
}

static void test_raw_objects(void **state)
{
	compare_raw(TEST_DIR "/obj/types.o");
	compare_raw(TEST_DIR "/obj/multi.o");
	compare_raw(TEST_DIR "/obj/core.o");
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	return run("rm -r %s", dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_layout_pahole),
		cmocka_unit_test(test_vmlinux),
		cmocka_unit_test(test_raw_vmlinux),
		cmocka_unit_test(test_raw_objects),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
