/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_kernel_test.c: the objects inside other packages' programs, into the
 * running kernel by libbpf and by us: whole, or else each program alone. What
 * one of the two loads, the other must. Attaches nothing.
 */
#include "api/object.h"
#include "kernel_bpf.h"
#include "embedded.h"
#include <glob.h>
#include <stdlib.h>
#ifdef HAVE_LIBBPF
#include <bpf/libbpf.h>

static u32 loaded, refused, objects;

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap) { return 0; }

/* Only program NAME when that is not NULL. */
static bool load_theirs(const u8 *data, size_t bytes, const char *name)
{
	struct bpf_object *obj = bpf_object__open_mem(data, bytes, NULL);
	struct bpf_program *p;
	bool ok;

	if (!obj)
		return false;
	if (name)
		bpf_object__for_each_program(p, obj)
			bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	ok = !bpf_object__load(obj);
	bpf_object__close(obj);
	return ok;
}

static bool load_ours(struct skep_object *obj, const struct prog_set *only, struct skep_err *err)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .engine = SKEP_KERNEL };
	struct skep_object *twin = object_twin(obj);
	bool ok = !object_load(twin, &opts, only, err);

	skep_object_close(twin);
	return ok;
}

static void compare_progs(struct skep_object *obj, const u8 *data, size_t bytes)
{
	struct skep_err err = { 0 };

	for (u32 i = 0; i < obj->img->nr_progs; i++) {
		const struct prog_set only = { &i, 1 };
		const char *name = obj->img->progs[i].name;
		bool theirs = load_theirs(data, bytes, name);
		bool ours = load_ours(obj, &only, &err);

		if (ours != theirs)
			fail_msg("%s, %s: libbpf says %s, skep %s\n%s", obj->img->file, name,
				 theirs ? "yes" : "no", ours ? "yes" : "no", ours ? "" : err.text);
		loaded += ours;
		refused += !ours;
		if (!ours && err.id == ERR_KERNEL && !strstr(err.text, "note:"))
			fail_msg("no reason: %s", err.text);
	}
}

static void compare_object(const u8 *data, size_t bytes, const char *name)
{
	struct skep_err err = { 0 };
	struct skep_object *obj;

	if (skep_object_open_mem(&obj, data, bytes, name, &err))
		fail_msg("%s", err.text);
	objects++;
	if (load_theirs(data, bytes, NULL) && load_ours(obj, NULL, &err))
		loaded += obj->img->nr_progs;
	else
		compare_progs(obj, data, bytes);
	skep_object_close(obj);
}

static void compare_file(const char *path)
{
	struct os_file f;
	size_t at = 4, n;

	if (os_file_read(&f, path, NULL))
		return;
	for (; f.size < 3 << 20 && (n = embedded_next(&f, &at)); at += n)
		compare_object(f.data + at, n, path);
	os_file_close(&f);
}

static void test_tools(void **state)
{
	glob_t files;

	need_old_kernel();
	libbpf_set_print(quiet);
	if (glob("/usr/sbin/*", 0, NULL, &files))
		skip_as("no /usr/sbin");
	for (size_t i = 0; i < files.gl_pathc; i++)
		compare_file(files.gl_pathv[i]);
	globfree(&files);
	print_message("# %u objects, %u programs loaded, %u refused\n", objects, loaded, refused);
	if (!objects)
		skip_as("no program here has BPF objects inside (libbpf-tools)");
	assert_true(loaded > refused / 10);
}
#else
static void test_tools(void **state) { skip_as("built without libbpf"); }
#endif

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tools) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
