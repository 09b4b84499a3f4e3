/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linker_test.c: several objects into one. The objects are in test/obj; that
 * the result has the sections, sizes and code of bpftool's was compared by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "unit/obj_file.h"
#include "obj/linker.h"
#include "obj/obj.h"
#include <stdlib.h>

static int link_files(struct os_file *out, const char *a, const char *b, struct skep_err *err)
{
	struct os_file f[2] = { load(a), load(b) };
	const struct linker_input in[] = {
		{ f[0].data, f[0].size, a }, { f[1].data, f[1].size, b },
	};
	int r = obj_link(out, in, 2, err);

	os_file_close(&f[0]);
	os_file_close(&f[1]);
	return r;
}

static const struct image_prog *prog_of(const struct image *img, const char *name)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		if (!strcmp(img->progs[i].name, name))
			return &img->progs[i];
	fail_msg("no program '%s'", name);
	return NULL;
}

static void test_link(void **state)
{
	const char *order[][2] = { { "link-a.o", "link-b.o" }, { "link-b.o", "link-a.o" } };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct skep_err err = { 0 };
		struct os_file f;
		struct image *img;
		const struct image_prog *p;

		if (link_files(&f, order[i][0], order[i][1], &err) ||
		    obj_open(&img, f.data, f.size, "linked.o", &err))
			fail_msg("%s", err.text);
		os_file_close(&f);
		assert_int_equal(img->nr_progs, 2);
		assert_int_equal(img->nr_maps, 3);
		assert_int_equal(img->maps[image_map_find(img, "m")].max_entries, 16);
		p = prog_of(img, "prog");
		assert_int_equal(p->nr_funcs, 4);
		assert_string_equal(p->funcs[1].name, "helper_b");
		/* the strong one: r0 = r1; r0 += 4 */
		assert_string_equal(p->funcs[3].name, "pick");
		assert_int_equal(p->insns[p->funcs[3].insn + 1].imm, 4);
		assert_non_null(image_line(p, p->funcs[3].insn));
		image_free(img);
	}
}

/* Twice the same object: its strong symbols clash, and the message says where. */
static void test_twice(void **state)
{
	struct skep_err err = { 0 };
	struct os_file f;

	assert_int_equal(link_files(&f, "link-b.o", "link-b.o", &err), -EINVAL);
	assert_int_equal(err.id, ERR_LINK);
	assert_non_null(strstr(err.text, "is defined twice"));
	assert_non_null(strstr(err.text, "note: the other one is at link-b.o:"));
}

static void test_needed(void **state)
{
	struct os_file f[3] = { load("link-a.o"), load("link-b.o"), load("basic-v3.o") };
	struct linker_input in[2] = {
		{ f[0].data, f[0].size, "a" }, { f[1].data, f[1].size, "b" },
	};

	assert_true(obj_link_needed(in, 2));
	in[0] = (struct linker_input){ f[2].data, f[2].size, "c" };
	assert_false(obj_link_needed(in, 2));
	for (int i = 0; i < 3; i++)
		os_file_close(&f[i]);
}

static u64 next_random(u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Whatever happens to bytes, linking ends with an object or one message. */
static void test_mutations(void **state)
{
	struct os_file a = load("link-a.o"), b = load("link-b.o");
	u8 *work = mem_alloc(a.size);
	u64 seed = 0x5eed;

	for (unsigned i = 0; i < 20000; i++) {
		const struct linker_input in[2] = {
			{ work, a.size, "a.o" }, { b.data, b.size, "b.o" },
		};
		struct skep_err err = { 0 };
		struct os_file out;

		memcpy(work, a.data, a.size);
		for (u64 k = next_random(&seed) % 4 + 1; k; k--)
			work[next_random(&seed) % a.size] = (u8)next_random(&seed);
		if (obj_link(&out, in, 2, &err))
			assert_non_null(strstr(err.text, "error: "));
		else
			os_file_close(&out);
	}
	free(work);
	os_file_close(&a);
	os_file_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("linker", tests, NULL, NULL);
}
