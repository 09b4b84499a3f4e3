/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * linker_test.c: several objects into one. The objects are in test/obj. Where
 * libbpf is installed its linker, which is that of bpftool, is the judge of
 * programs, maps and types, and the kernel of what runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "unit/obj_file.h"
#include "obj/linker.h"
#include "obj/obj.h"
#include <stdlib.h>
#ifdef HAVE_LIBBPF
#include "isa/isa.h"
#include "unit/btf_spell.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>
#endif

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

/* ---- against libbpf -------------------------------------------------------------- */

#ifdef HAVE_LIBBPF
static int no_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return 0;
}

/* What libbpf links; false when it will not. */
static bool link_libbpf(struct os_file *out, const char *a, const char *b)
{
	char path[] = "/tmp/skep-link-XXXXXX", in[2][256];
	struct bpf_linker *l;
	struct skep_err err;
	int fd = mkstemp(path), r = -1;

	assert_true(fd >= 0);
	close(fd);
	l = bpf_linker__new(path, NULL);
	snprintf(in[0], sizeof(in[0]), TEST_DIR "/obj/%s", a);
	snprintf(in[1], sizeof(in[1]), TEST_DIR "/obj/%s", b);
	if (l && !bpf_linker__add_file(l, in[0], NULL) && !bpf_linker__add_file(l, in[1], NULL) &&
	    !bpf_linker__finalize(l))
		r = os_file_read(out, path, &err);
	bpf_linker__free(l);
	unlink(path);
	return !r;
}

/* The same instruction, maps by name. */
static void same_insn(const struct image *a, const struct bpf_insn *x,
		      const struct image *b, const struct bpf_insn *y)
{
	bool map = isa_is_lddw(x) && (x->src_reg == BPF_PSEUDO_MAP_FD ||
				      x->src_reg == BPF_PSEUDO_MAP_VALUE);

	assert_int_equal(x->code, y->code);
	assert_int_equal(x->off, y->off);
	assert_int_equal(x->dst_reg, y->dst_reg);
	assert_int_equal(x->src_reg, y->src_reg);
	if (map)
		assert_string_equal(a->maps[x->imm].name, b->maps[y->imm].name);
	else
		assert_int_equal(x->imm, y->imm);
}

static void same_map(const struct image_map *x, const struct image_map *y)
{
	assert_int_equal(x->type, y->type);
	assert_int_equal(x->key_size, y->key_size);
	assert_int_equal(x->value_size, y->value_size);
	assert_int_equal(x->max_entries, y->max_entries);
	assert_int_equal(x->map_flags, y->map_flags);
	assert_int_equal(!x->init, !y->init);
	if (x->init)
		assert_memory_equal(x->init, y->init, x->value_size);
}

static void same_image(const struct image *ours, const struct image *theirs)
{
	assert_int_equal(ours->nr_progs, theirs->nr_progs);
	assert_int_equal(ours->nr_maps, theirs->nr_maps);
	assert_string_equal(ours->license, theirs->license);
	for (u32 i = 0; i < theirs->nr_progs; i++) {
		const struct image_prog *x = prog_of(ours, theirs->progs[i].name);
		const struct image_prog *y = &theirs->progs[i];

		assert_int_equal(x->nr_insns, y->nr_insns);
		assert_int_equal(x->nr_lines, y->nr_lines);
		assert_int_equal(x->nr_funcs, y->nr_funcs);
		for (u32 k = 0; k < y->nr_insns; k += isa_slots(&y->insns[k]))
			same_insn(ours, &x->insns[k], theirs, &y->insns[k]);
	}
	for (u32 i = 0; i < theirs->nr_maps; i++)
		same_map(&ours->maps[image_map_find(ours, theirs->maps[i].name)],
			 &theirs->maps[i]);
}

/* Ours keeps the prototypes of functions that were declared otherwise. */
static void same_types(const struct btf *ours, const struct btf *theirs)
{
	for (enum pick pick = TYPES; pick <= VARS; pick++) {
		struct lines a = { 0 }, b = { 0 };

		spell_btf(&a, ours, pick);
		spell_btf(&b, theirs, pick);
		assert_int_equal(compare_lines(&a, &b, false), 0);
		free_lines(&a);
		free_lines(&b);
	}
}

/* Loads an object by libbpf and runs its XDP programs; what they return. */
static u32 run_libbpf(const struct os_file *f, u32 *ret, u32 most)
{
	struct bpf_object *o = bpf_object__open_mem(f->data, f->size, NULL);
	struct bpf_program *p;
	u8 packet[64] = { 0 };
	u32 n = 0;
	int r;

	assert_non_null(o);
	r = bpf_object__load(o);
	if (r == -EPERM) {
		print_message("# bpf(2) is not allowed\n");
		bpf_object__close(o);
		skip();
	}
	assert_int_equal(r, 0);
	bpf_object__for_each_program(p, o) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
			    .data_size_in = sizeof(packet));

		assert_true(n < most);
		assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(p), &opts), 0);
		ret[n++] = opts.retval;
	}
	bpf_object__close(o);
	return n;
}

static const char *const pairs[][2] = {
	{ "link-a.o", "link-b.o" }, { "link-b.o", "link-a.o" }, { "multi.o", "maps.o" },
	{ "types.o", "link-b.o" }, { "basic-v3.o", "types.o" }, { "core.o", "externs.o" },
};

static void test_libbpf(void **state)
{
	u32 linked = 0;

	libbpf_set_print(no_print);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		const char *a = pairs[i][0], *b = pairs[i][1];
		struct skep_err err = { 0 };
		struct os_file ours, theirs;
		struct image *x, *y;

		if (!link_libbpf(&theirs, a, b)) {
			print_message("# libbpf does not link %s and %s\n", a, b);
			continue;
		}
		linked++;
		if (link_files(&ours, a, b, &err) ||
		    obj_open(&x, ours.data, ours.size, "ours.o", &err) ||
		    obj_open(&y, theirs.data, theirs.size, "theirs.o", &err))
			fail_msg("%s and %s: %s", a, b, err.text);
		same_image(x, y);
		same_types(x->btf, y->btf);
		image_free(x);
		image_free(y);
		os_file_close(&ours);
		os_file_close(&theirs);
	}
	assert_true(linked >= 4);
}

static void test_loads(void **state)
{
	libbpf_set_print(no_print);
	for (int i = 0; i < 2; i++) {
		struct skep_err err = { 0 };
		struct os_file ours, theirs;
		u32 x[4], y[4], n;

		assert_true(link_libbpf(&theirs, pairs[i][0], pairs[i][1]));
		assert_int_equal(link_files(&ours, pairs[i][0], pairs[i][1], &err), 0);
		n = run_libbpf(&ours, x, 4);
		assert_int_equal(n, 2);
		assert_int_equal(run_libbpf(&theirs, y, 4), n);
		assert_memory_equal(x, y, n * sizeof(*x));
		os_file_close(&ours);
		os_file_close(&theirs);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_mutations),
#ifdef HAVE_LIBBPF
		cmocka_unit_test(test_libbpf),
		cmocka_unit_test(test_loads),
#endif
	};

	return cmocka_run_group_tests_name("linker", tests, NULL, NULL);
}
