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
/* Loads of maps and kernel symbols are numbered by each loader for itself. */
static bool same_insn(const struct bpf_insn *a, const struct bpf_insn *b)
{
	return !memcmp(a, b, sizeof(*a)) ||
	       (isa_is_lddw(a) && isa_is_lddw(b) && a->src_reg && b->src_reg);
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
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef HAVE_LIBBPF
		cmocka_unit_test(test_libbpf),
#endif
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
