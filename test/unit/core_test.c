/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_test.c: CO-RE relocations, external variables, --set. Relocated
 * instructions are compared with libbpf's where it is installed and the system
 * lets it load; values that matter are checked here too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "base/os.h"
#include "btf/core.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include <stdio.h>
#include <stdlib.h>
#ifdef HAVE_LIBBPF
#include "unit/libbpf_oracle.h"
#include <elf.h>
#include <glob.h>
#endif

#define DIR TEST_DIR "/obj/"

static struct os_file load(const char *name)
{
	struct os_file f;
	struct skep_err err;
	char path[256];

	snprintf(path, sizeof(path), DIR "%s", name);
	if (os_file_read(&f, path, &err))
		fail_msg("%s", err.text);
	return f;
}

static struct image *open_for(const char *name, const char *btf, const char *kconfig)
{
	struct target t = { .opts = { btf, kconfig } };
	struct os_file f = load(name);
	struct skep_err err = { 0 };
	struct image *img = NULL;

	if (obj_open_for(&img, &t, f.data, f.size, name, &err))
		fail_msg("%s", err.text);
	os_file_close(&f);
	target_close(&t);
	return img;
}

static const struct image_prog *prog_of(const struct image *img, const char *name)
{
	for (u32 i = 0; i < img->nr_progs; i++)
		if (!strcmp(img->progs[i].name, name))
			return &img->progs[i];
	fail_msg("no program '%s'", name);
	return NULL;
}

/* ---- against libbpf ------------------------------------------------------------ */

#ifdef HAVE_LIBBPF
/* libbpf puts such calls where maps are that it did not create. */
enum { NO_MAP = 2001000000 };

/* Loads of maps and kernel symbols are numbered by each loader for itself. */
static bool same_insn(const struct bpf_insn *want, const struct bpf_insn *got)
{
	bool symbol = isa_is_lddw(want) ? want->src_reg : want->code == (BPF_JMP | BPF_CALL) &&
							   want->imm >= NO_MAP;

	return !memcmp(want, got, sizeof(*got)) ||
	       (isa_is_lddw(got) && got->src_reg && symbol);
}

static void compare_prog(const struct oracle_prog *want, const struct image_prog *p)
{
	assert_int_equal(want->n, p->nr_insns);
	for (u32 i = 0; i < p->nr_insns; i += isa_slots(&p->insns[i])) {
		const struct image_core *c = image_core(p, i);
		const struct bpf_insn *w = &want->insns[i], *g = &p->insns[i];

		if (!same_insn(w, g))
			fail_msg("%s:%u: libbpf has %02x off %d imm %d, skep %02x off %d imm %d (%s %s)",
				 p->name, i, w->code, w->off, w->imm, g->code, g->off, g->imm,
				 c ? core_kind_name(c->relo.kind) : "no record",
				 c ? c->relo.access : "");
	}
}

static void test_libbpf(void **state)
{
	struct image *img = open_for("core.o", DIR "core-target.o", NULL);
	struct os_file f = load("core.o");
	struct oracle o;

	if (!oracle_run(&o, f.data, f.size, DIR "core-target.o")) {
		print_message("# libbpf: %s\n", o.log);
		os_file_close(&f);
		image_free(img);
		skip();
	}
	assert_int_equal(o.n, img->nr_progs);
	for (size_t i = 0; i < o.n; i++)
		compare_prog(&o.progs[i], prog_of(img, o.progs[i].name));
	oracle_free(&o);
	os_file_close(&f);
	image_free(img);
}

/* ---- real programs: objects inside the commands of libbpf-tools ------------------ */

/* The next BPF object in F at or after *AT; its length, 0 when there is none. */
static size_t next_object(const struct os_file *f, size_t *at)
{
	static const u8 magic[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	for (; *at + sizeof(Elf64_Ehdr) < f->size; ++*at) {
		const u8 *p = memmem(f->data + *at, f->size - *at, magic, sizeof(magic));
		Elf64_Ehdr h;

		*at = p ? (size_t)(p - f->data) : f->size;
		if (!p || !in_bounds(*at, sizeof(h), f->size))
			return 0;
		memcpy(&h, p, sizeof(h));
		if (h.e_machine == EM_BPF && in_bounds(h.e_shoff, 64ull * h.e_shnum, f->size - *at))
			return h.e_shoff + 64ull * h.e_shnum;
	}
	return 0;
}

/* 1 compared, 0 opened but libbpf could not. */
static int compare_object(const u8 *data, size_t bytes, const char *name)
{
	struct target t = { .opts = { 0 } };
	struct skep_err err = { 0 };
	struct image *img;
	struct oracle o;
	bool ok;

	if (obj_open_for(&img, &t, data, bytes, name, &err))
		fail_msg("%s", err.text);
	target_close(&t);
	ok = oracle_run(&o, data, bytes, NULL);
	for (size_t i = 0; i < o.n; i++)
		compare_prog(&o.progs[i], prog_of(img, o.progs[i].name));
	oracle_free(&o);
	image_free(img);
	return ok;
}

static void test_tools(void **state)
{
	u32 opened = 0, compared = 0;
	glob_t files;

	if (glob("/usr/sbin/*", 0, NULL, &files))
		skip();
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct os_file f;
		size_t at = 4, n;

		if (os_file_read(&f, files.gl_pathv[i], NULL))
			continue;
		for (; f.size < 3 << 20 && (n = next_object(&f, &at)); at += n, opened++)
			compared += (u32)compare_object(f.data + at, n, files.gl_pathv[i]);
		os_file_close(&f);
	}
	globfree(&files);
	print_message("# %u objects opened, %u compared with libbpf\n", opened, compared);
	if (!compared)
		skip();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_LIBBPF
		cmocka_unit_test(test_libbpf),
		cmocka_unit_test(test_tools),
#endif
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
