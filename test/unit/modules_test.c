/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * modules_test.c: the types of modules: from a distilled base (.BTF.base) onto
 * another kernel's, from ELF files, and as candidates of CO-RE: which module is
 * asked, in which order, and what is ambiguous.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "btf/build.h"
#include "btf/core.h"
#include "obj/obj.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena arena;

static int setup(void **state)
{
	arena = (struct arena)ARENA_INIT;
	return 0;
}

static int teardown(void **state)
{
	arena_free(&arena);
	return 0;
}

static struct btf *finish(struct btf_build *b, struct strbuf *raw)
{
	struct strbuf out = { 0 };
	struct skep_err err;
	struct btf *btf;

	btf_build_write(b, &out);
	if (btf_parse_split(&btf, &arena, b->base, (u8 *)out.s, out.n, "built", &err))
		fail_msg("%s", err.text);
	btf_build_free(b);
	if (raw)
		*raw = out;
	else
		sb_free(&out);
	return btf;
}

/* ---- a kernel, what a module says of it, the module -------------------------------- */

/* Types in an order of its own; SHIFT puts others before them. */
static struct btf *make_kernel(int shift, u32 task_bytes)
{
	struct btf_build b;
	u32 i, task;

	btf_build_open(&b, &arena);
	for (int n = 0; n < shift; n++)
		btf_build_float(&b, "before", 8);
	btf_build_enum(&b, "state", 4, false);
	btf_build_value(&b, "RUNNING", 1);
	i = btf_build_int(&b, "int", 4, BTF_INT_SIGNED);
	/* names that other kinds and widths have too */
	btf_build_ref(&b, BTF_KIND_TYPEDEF, "task", i);
	btf_build_int(&b, "int", 2, BTF_INT_SIGNED);
	btf_build_record(&b, "word", true, 4);
	btf_build_member(&b, "i", i, 0, 0);
	task = btf_build_record(&b, "task", false, task_bytes);
	btf_build_member(&b, "pid", i, 0, 0);
	btf_build_ref(&b, BTF_KIND_PTR, "", task);
	btf_build_record(&b, "far", false, 4);
	btf_build_member(&b, "pid", i, 0, 0);
	return finish(&b, NULL);
}

static struct btf *make_distilled(struct strbuf *raw, u32 word_bytes)
{
	struct btf_build b;

	btf_build_open(&b, &arena);
	btf_build_int(&b, "int", 4, BTF_INT_SIGNED);		/* 1 */
	btf_build_record(&b, "task", false, 16);		/* 2 */
	btf_build_record(&b, "word", true, word_bytes);		/* 3 */
	btf_build_enum(&b, "state", 4, false);			/* 4 */
	btf_build_fwd(&b, "far", false);			/* 5 */
	return finish(&b, raw);
}

static struct btf *make_module(struct strbuf *raw, const struct btf *base)
{
	struct btf_build b;
	u32 mod, proto, func;

	btf_build_open_split(&b, &arena, base);
	mod = btf_build_next(&b);
	btf_build_record(&b, "mod", false, 32);
	btf_build_member(&b, "n", 1, 0, 0);
	btf_build_member(&b, "word", 3, 32, 0);
	btf_build_member(&b, "owner", mod + 1, 64, 0);
	btf_build_member(&b, "state", 4, 128, 0);
	btf_build_member(&b, "far", mod + 2, 192, 0);
	btf_build_ref(&b, BTF_KIND_PTR, "", 2);
	btf_build_ref(&b, BTF_KIND_PTR, "", 5);
	proto = btf_build_proto(&b, 1);
	btf_build_param(&b, "task", mod + 1);
	func = btf_build_func(&b, "mod_probe", proto, BTF_FUNC_STATIC);
	btf_build_tag(&b, "bpf_kfunc", func, -1);
	return finish(&b, raw);
}

static void assert_module(const struct btf *btf, const struct btf *base)
{
	const struct btf_type *t = btf_type(btf, btf_find(btf, "mod", BTF_KIND_STRUCT));
	struct strbuf s = { 0 };
	struct btf_member_info m;

	assert_ptr_equal(btf->base, base);
	assert_int_equal(btf_vlen(t), 5);
	m = btf_member(btf, t, 0);
	assert_string_equal(m.name, "n");
	assert_int_equal(btf_size(base, m.type_id), 4);
	m = btf_member(btf, t, 1);
	assert_int_equal(m.type_id, btf_find(base, "word", BTF_KIND_UNION));
	m = btf_member(btf, t, 2);
	assert_int_equal(btf_type(btf, m.type_id)->type, btf_find(base, "task", BTF_KIND_STRUCT));
	m = btf_member(btf, t, 3);
	assert_int_equal(m.type_id, btf_find(base, "state", BTF_KIND_ENUM));
	m = btf_member(btf, t, 4);
	assert_int_equal(btf_type(btf, m.type_id)->type, btf_find(base, "far", BTF_KIND_STRUCT));
	btf_decl_c(&s, btf, btf_type(btf, btf_find(btf, "mod_probe", BTF_KIND_FUNC))->type, "f");
	assert_string_equal(sb_text(&s), "int f(struct task *task)");
	assert_int_not_equal(btf_find(btf, "bpf_kfunc", BTF_KIND_DECL_TAG), 0);
	sb_free(&s);
}

static void test_relocate(void **state)
{
	for (int shift = 0; shift < 5; shift += 2) {
		struct btf *kernel = make_kernel(shift, 16), *out;
		struct btf *split = make_module(NULL, make_distilled(NULL, 4));
		struct skep_err err;

		if (btf_relocate(&out, &arena, split, kernel, "m", &err))
			fail_msg("%s", err.text);
		assert_int_equal(out->nr_types - out->first_id, split->nr_types - split->first_id);
		assert_module(out, kernel);
	}
}

static void test_relocate_grown(void **state)
{
	/* what is only pointed to may have another size; what is held may not */
	struct btf *kernel = make_kernel(1, 64), *out;
	struct skep_err err = { 0 };

	if (btf_relocate(&out, &arena, make_module(NULL, make_distilled(NULL, 4)), kernel,
			 "m", &err))
		fail_msg("%s", err.text);
	assert_module(out, kernel);
	assert_int_equal(btf_relocate(&out, &arena, make_module(NULL, make_distilled(NULL, 8)),
				      kernel, "m.ko:.BTF", &err), -EINVAL);
	assert_non_null(strstr(err.text, "m.ko:.BTF: error: type 3 of the base, 'union word', "
			       "has 4 bytes in the new base"));
	assert_null(out);
}

static struct btf *one_type(const char *name, int times)
{
	struct btf_build b;

	btf_build_open(&b, &arena);
	for (int i = 0; i < times; i++) {
		btf_build_record(&b, name, false, 4);
		btf_build_member(&b, i ? "b" : "a", btf_build_next(&b), 0, 0);
		btf_build_int(&b, i ? "int" : "signed", 4, BTF_INT_SIGNED);
	}
	return finish(&b, NULL);
}

static void test_relocate_bad(void **state)
{
	struct btf_build b;
	struct btf *split, *out;
	struct skep_err err = { 0 };

	btf_build_open(&b, &arena);
	btf_build_record(&b, "task", false, 4);
	split = finish(&b, NULL);
	btf_build_open_split(&b, &arena, split);
	btf_build_ref(&b, BTF_KIND_PTR, "", 1);
	split = finish(&b, NULL);
	assert_int_equal(btf_relocate(&out, &arena, split, one_type("task", 1), "m", &err), 0);
	assert_int_equal(btf_relocate(&out, &arena, split, one_type("other", 1), "m", &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "'struct task', is not in the new base"));
	assert_non_null(strstr(err.text, "help: "));
	assert_int_equal(btf_relocate(&out, &arena, split, one_type("task", 2), "m", &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "may be 2 types of the new base"));
}

/* The running kernel's types as the new base: each is found among all of them. */
static void test_relocate_running(void **state)
{
	struct btf_build b;
	struct btf *split, *out;
	struct btf_file kernel;
	struct skep_err err = { 0 };
	const struct btf_type *t;

	if (btf_open_file(&kernel, "/sys/kernel/btf/vmlinux", NULL, NULL)) {
		print_message("# this kernel shows no types\n");
		skip();
	}
	btf_build_open(&b, &arena);
	btf_build_int(&b, "int", 4, BTF_INT_SIGNED);		/* 1 */
	btf_build_fwd(&b, "task_struct", false);		/* 2 */
	btf_build_record(&b, "list_head", false, 16);		/* 3 */
	btf_build_enum(&b, "pid_type", 4, false);		/* 4 */
	split = finish(&b, NULL);
	btf_build_open_split(&b, &arena, split);
	btf_build_ref(&b, BTF_KIND_PTR, "", 2);
	btf_build_record(&b, "mod", false, 32);
	btf_build_member(&b, "list", 3, 0, 0);
	btf_build_member(&b, "task", 5, 128, 0);
	btf_build_member(&b, "n", 1, 192, 0);
	btf_build_member(&b, "type", 4, 224, 0);
	split = finish(&b, NULL);
	if (btf_relocate(&out, &arena, split, kernel.btf, "m", &err))
		fail_msg("%s", err.text);
	t = btf_type(out, out->first_id + 1);
	assert_string_equal(btf_str(out, t->name_off), "mod");
	assert_int_equal(btf_member(out, t, 0).type_id,
			 btf_find(kernel.btf, "list_head", BTF_KIND_STRUCT));
	assert_int_equal(btf_type(out, out->first_id)->type,
			 btf_find(kernel.btf, "task_struct", BTF_KIND_STRUCT));
	assert_int_equal(btf_member(out, t, 2).type_id, btf_find(kernel.btf, "int", 0));
	assert_int_equal(btf_member(out, t, 3).type_id,
			 btf_find(kernel.btf, "pid_type", BTF_KIND_ENUM));
	btf_close_file(&kernel);
}

/* ---- files --------------------------------------------------------------------------- */

static char dir[] = "/tmp/skep-modules-XXXXXX";

static char *write_file(const char *name, const struct strbuf *s)
{
	char *path = arena_printf(&arena, "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(s->s, 1, s->n, f), s->n);
	fclose(f);
	return path;
}

/* An object with these two sections. */
static char *write_module(const char *name, const struct strbuf *types,
			  const struct strbuf *base)
{
	char *path = arena_printf(&arena, "%s/%s", dir, name);
	char *cmd = arena_printf(&arena, "objcopy --remove-section .BTF --add-section .BTF=%s "
				 "--add-section .BTF.base=%s /proc/self/exe %s 2>/dev/null",
				 write_file("types", types), write_file("base", base), path);

	if (system(cmd)) {
		print_message("# objcopy is not there\n");
		skip();
	}
	return path;
}

static void test_file(void **state)
{
	struct strbuf base = { 0 }, types = { 0 };
	struct btf *kernel = make_kernel(3, 16);
	struct btf_file f;
	struct skep_err err;
	char *path;

	assert_non_null(mkdtemp(dir));
	make_module(&types, make_distilled(&base, 4));
	path = write_module("m.ko", &types, &base);
	if (obj_open_btf(&f, path, kernel, &err))
		fail_msg("%s", err.text);
	assert_module(f.btf, kernel);
	btf_close_file(&f);
	/* without a kernel, on its own base */
	if (obj_open_btf(&f, path, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(f.btf->first_id, 6);
	assert_string_equal(btf_type_name(f.btf, 2), "task");
	btf_close_file(&f);
	base.n /= 2;
	path = write_module("bad.ko", &types, &base);
	assert_int_equal(obj_open_btf(&f, path, kernel, &err), -EINVAL);
	assert_non_null(strstr(err.text, "bad.ko:.BTF.base: error: "));
	sb_free(&base);
	sb_free(&types);
	assert_int_equal(system(arena_printf(&arena, "rm -r %s", dir)), 0);
}

/* ---- CO-RE ------------------------------------------------------------------------------ */

/* struct NAME { [pad;] TYPE x; } after the kernel's types. */
static struct btf *add_struct(const struct btf *base, const char *name, u32 pad, u32 bytes)
{
	struct btf_build b;
	u32 i;

	btf_build_open_split(&b, &arena, base);
	i = btf_build_int(&b, "unsigned", bytes, 0);
	btf_build_record(&b, name, false, pad + bytes);
	btf_build_member(&b, "x", i, pad * 8, 0);
	return finish(&b, NULL);
}

struct modules { struct core_module v[3]; u32 n, asked; };

static int find_modules(void *arg, const struct core_module **out, u32 *n,
			struct skep_err *err)
{
	struct modules *m = arg;

	m->asked++;
	*out = m->v;
	*n = m->n;
	return 0;
}

/* The offset of x in a struct NAME that has it at 0, of 4 bytes. */
static int resolve(struct core_result *res, const char *name, const struct btf *kernel,
		   struct modules *m, struct skep_err *err)
{
	struct btf *local = add_struct(NULL, name, 0, 4);
	struct btf_core_relo relo = {
		.type_id = btf_find(local, name, BTF_KIND_STRUCT), .access = "0:0",
		.kind = CORE_FIELD_BYTE_OFFSET,
	};
	struct core *c = core_new(&arena, local, kernel, "vmlinux");
	int r;

	memset(err, 0, sizeof(*err));
	m->asked = 0;
	core_set_modules(c, find_modules, m);
	core_want(c, &relo, 1);
	r = core_resolve(c, &relo, res, "o", err);
	/* the second time it is known */
	assert_int_equal(core_resolve(c, &relo, res, "o", err), r);
	return r;
}

static void test_core(void **state)
{
	struct btf *kernel = make_kernel(0, 16);
	struct btf *a = add_struct(kernel, "mod", 8, 4), *b = add_struct(kernel, "mod", 8, 2);
	struct btf *far = add_struct(kernel, "mod", 16, 4), *pid = add_struct(kernel, "task", 8, 4);
	struct btf *flavour = add_struct(kernel, "mod___v2", 8, 4);
	struct modules m = { .v = { { a, "a" }, { b, "b" } }, .n = 2 };
	struct core_result res;
	struct skep_err err;

	if (resolve(&res, "mod", kernel, &m, &err))
		fail_msg("%s", err.text);
	assert_int_equal(m.asked, 1);
	assert_int_equal(res.target, 8);
	assert_int_equal(res.target_bytes, 4);
	/* equal values: the first module decides about the width */
	m = (struct modules){ .v = { { b, "b" }, { a, "a" } }, .n = 2 };
	assert_int_equal(resolve(&res, "mod", kernel, &m, &err), 0);
	assert_int_equal(res.target_bytes, 2);
	m = (struct modules){ .v = { { pid, "p" }, { flavour, "f" } }, .n = 2 };
	assert_int_equal(resolve(&res, "mod", kernel, &m, &err), 0);
	assert_int_equal(res.target, 8);
	/* a flavour of the object's finds it as well */
	assert_int_equal(resolve(&res, "mod___mine", kernel, &m, &err), 0);
	assert_int_equal(res.target, 8);
	/* two modules that differ */
	m = (struct modules){ .v = { { pid, "p" }, { a, "a" }, { far, "far" } }, .n = 3 };
	assert_int_equal(resolve(&res, "mod", kernel, &m, &err), -EINVAL);
	assert_non_null(strstr(err.text, "of a and type"));
	assert_non_null(strstr(err.text, "of far"));
	assert_non_null(strstr(err.text, "different values (8, 16)"));
	/* the kernel's own type hides the module's, also where it lacks the field */
	assert_int_equal(resolve(&res, "task", kernel, &m, &err), 0);
	assert_true(res.poison);
	assert_int_equal(m.asked, 0);
	assert_non_null(strstr(res.reason, "no such field in vmlinux"));
	/* but not a type of another kind */
	m = (struct modules){ .v = { { add_struct(kernel, "word", 4, 4), "w" } }, .n = 1 };
	assert_int_equal(resolve(&res, "word", kernel, &m, &err), 0);
	assert_int_equal(res.target, 4);
	assert_int_equal(resolve(&res, "nowhere", kernel, &m, &err), 0);
	assert_true(res.poison);
	assert_string_equal(res.reason, "no such type in vmlinux and its 1 module");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_relocate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relocate_grown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relocate_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relocate_running, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_core, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
