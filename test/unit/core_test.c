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
#include "unit/obj_file.h"
#include "base/os.h"
#include "btf/core.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include <stdio.h>
#include <stdlib.h>
#ifdef HAVE_LIBBPF
#include "unit/embedded.h"
#include "unit/libbpf_oracle.h"
#include <glob.h>
#endif

#define DIR TEST_DIR "/obj/"

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
			fail_msg("%s:%u: libbpf has %02x off %d imm %d, "
				 "skep %02x off %d imm %d (%s %s)",
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
		for (; f.size < 3 << 20 && (n = embedded_next(&f, &at)); at += n, opened++)
			compared += (u32)compare_object(f.data + at, n, files.gl_pathv[i]);
		os_file_close(&f);
	}
	globfree(&files);
	print_message("# %u objects opened, %u compared with libbpf\n", opened, compared);
	if (!compared)
		skip();
}
#endif

/* ---- values that are known ------------------------------------------------------ */

static const struct image_core *core_of(const struct image_prog *p, const char *access, u32 kind)
{
	for (u32 i = 0; i < p->nr_cores; i++)
		if (!strcmp(p->cores[i].relo.access, access) && p->cores[i].relo.kind == kind)
			return &p->cores[i];
	fail_msg("no relocation %s", access);
	return NULL;
}

static void test_values(void **state)
{
	struct image *img = open_for("core.o", DIR "core-target.o", NULL);
	const struct image_prog *p = prog_of(img, "guard");
	struct strbuf text = { 0 };
	const struct image_core *c = core_of(p, "0:13", CORE_FIELD_BYTE_OFFSET);

	assert_int_equal(c->status, IMAGE_CORE_GUARDED);
	assert_int_equal(p->insns[c->insn].imm, IMAGE_POISON);
	assert_non_null(strstr(c->reason, "no such field in " DIR "core-target.o"));
	assert_int_equal(core_of(p, "0:13", CORE_FIELD_EXISTS)->target, 0);
	c = core_of(prog_of(img, "poison"), "0:13", CORE_FIELD_BYTE_OFFSET);
	assert_int_equal(c->status, IMAGE_CORE_POISONED);
	core_describe(&text, img->btf, &c->relo);
	assert_string_equal(sb_text(&text), "struct thing.old_name (0:13)");
	sb_free(&text);
	assert_string_equal(img->types, DIR "core-target.o");
	image_free(img);
}

/* Without a kernel every relocation finds what it was compiled against. */
static void test_own_types(void **state)
{
	struct os_file f = load("core.o");
	struct image *img;

	assert_int_equal(obj_open(&img, f.data, f.size, "core.o", NULL), 0);
	for (u32 i = 0; i < img->nr_progs; i++)
		for (u32 k = 0; k < img->progs[i].nr_cores; k++) {
			const struct image_core *c = &img->progs[i].cores[k];

			assert_int_equal(c->status, IMAGE_CORE_OK);
			assert_int_equal(c->local, c->target);
		}
	image_free(img);
	os_file_close(&f);
}

static void test_essential(void **state)
{
	static const struct { const char *name; size_t n; } cases[] = {
		{ "task_struct", 11 }, { "task_struct___old", 11 }, { "a___b", 1 },
		{ "a___b___c", 5 }, { "___a", 4 }, { "a___", 4 }, { "a____b", 6 }, { "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(core_essential(cases[i].name), cases[i].n);
}

/* ---- damaged and impossible ------------------------------------------------------- */

/* Replaces every access string OLD, which has as many characters, by NEW. */
static void expect_bad(const char *old, const char *new, const char *text)
{
	struct os_file f = load("core.o");
	u8 *data = mem_alloc(f.size), *at;
	struct skep_err err = { 0 };
	struct image *img;

	memcpy(data, f.data, f.size);
	at = memmem(data, f.size, old, strlen(old) + 1);
	assert_non_null(at);
	memcpy(at, new, strlen(new));
	if (!obj_open(&img, data, f.size, "t.o", &err))
		fail_msg("%s was taken", new);
	if (err.id != ERR_CORE || !strstr(err.text, text) || !strstr(err.text, "t.o:skep/"))
		fail_msg("expected '%s', got %s", text, err.text);
	free(data);
	os_file_close(&f);
}

static void test_bad_records(void **state)
{
	expect_bad("0:15:7", "0:99:7", "leads outside the type");
	expect_bad("0:15:7", "0:15:a", "no list of up to 64 numbers");
	expect_bad("0:15:7", "0::157", "no list of up to 64 numbers");
	expect_bad("0:15:7", "0:15:8", "the instruction holds");
	expect_bad("0:15:7", "0:1:77", "leads outside the type");
}

/* Two types of one name with the field at different places. */
static void test_ambiguous(void **state)
{
	struct target t = { .opts = { .btf = DIR "core-twice.o" } };
	struct os_file f = load("core.o");
	struct skep_err err = { 0 };
	struct image *img;

	assert_true(obj_open_for(&img, &t, f.data, f.size, "t.o", &err) < 0);
	assert_int_equal(err.id, ERR_CORE);
	assert_non_null(strstr(err.text, "both fit and give different values"));
	target_close(&t);
	os_file_close(&f);
}

/* ---- what a kernel has ---------------------------------------------------------------- */

static const u8 *var(const struct image *img, const char *name, u32 *bytes)
{
	for (u32 i = 0; i < img->nr_maps; i++) {
		const struct btf_type *t = btf_type(img->btf, img->maps[i].value_type);
		const struct btf_var_secinfo *v = (const void *)(t + 1);

		for (u32 k = 0; btf_kind(t) == BTF_KIND_DATASEC && k < btf_vlen(t); k++)
			if (!strcmp(btf_type_name(img->btf, v[k].type), name)) {
				*bytes = v[k].size;
				return img->maps[i].init + v[k].offset;
			}
	}
	fail_msg("no variable '%s'", name);
	return NULL;
}

static void test_kconfig(void **state)
{
	static const struct { const char *name; u64 value; } cases[] = {
		{ "CONFIG_HZ", 250 }, { "CONFIG_NET", 1 }, { "CONFIG_MODULE_SIG", 2 },
		{ "CONFIG_LETTER", 'm' }, { "CONFIG_SHORT", 0xfed4 }, { "CONFIG_WIDE", 0 },
		{ "CONFIG_NOT_THERE", 0 }, { "LINUX_KERNEL_VERSION", 0x50a00 },
		{ "LINUX_HAS_BPF_COOKIE", 0 },
	};
	struct image *img = open_for("externs.o", "5.10.btf", DIR "kconfig.txt");
	u32 bytes;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const u8 *at = var(img, cases[i].name, &bytes);
		u64 v = 0;

		memcpy(&v, at, bytes);
		assert_int_equal(v, cases[i].value);
	}
	assert_memory_equal(var(img, "CONFIG_NAME", &bytes), "a long ", 8);
	assert_int_equal(obj_ready(img, NULL), 0);
	assert_non_null(strstr(img->notes[0], "CONFIG_NAME is cut from 11 to 7 bytes"));
	image_free(img);
}

static void test_missing_kconfig(void **state)
{
	struct image *img = open_for("externs.o", NULL, DIR "build");
	struct skep_err err = { 0 };

	assert_true(obj_ready(img, &err) < 0);
	assert_int_equal(err.id, ERR_KCONFIG);
	assert_non_null(strstr(err.text, "does not have 'CONFIG_"));
	assert_non_null(strstr(err.text, "--kconfig FILE"));
	image_free(img);
}

/* ---- --set --------------------------------------------------------------------------------- */

static void test_set(void **state)
{
	static const struct {
		const char *path, *value, *var;
		u32 off, bytes;
		const char *want;
	} ok[] = {
		{ "limit", "-16", "limit", 0, 4, "\xf0\xff\xff\xff" },
		{ "limit", "'a'", "limit", 0, 4, "a\0\0" },
		{ "quiet", "true", "quiet", 0, 1, "\1" },
		{ "name", "seven77", "name", 0, 8, "seven77" },
		{ "cfg.ports[2]", "0xffff", "cfg", 4, 2, "\xff\xff" },
		{ "cfg.mode", "ODD", "cfg", 8, 4, "\xfd\xff\xff\xff" },
		{ "cfg.mode", "5", "cfg", 8, 4, "\5\0\0" },
		{ "cfg.mac", "02:00:00:00:ab:01", "cfg", 12, 6, "\2\0\0\0\xab\1" },
		{ "cfg.small", "-128", "cfg", 20, 1, "\x80" },
		{ "cfg.bits", "31", "cfg", 21, 1, "\x1f" },
		{ "cfg.addr6", "::1", "cfg", 24, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" },
		{ "addr4", "10.1.2.3", "addr4", 0, 4, "\n\1\2\3" },
		{ "wide", "0xffffffffffffffff", "wide", 0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff" },
	};
	static const struct { const char *path, *value, *text; } bad[] = {
		{ "limi", "1", "did you mean 'limit'?" }, { "limit", "0x80000000", "out of range" },
		{ "limit", "12x", "no integer" }, { "limit", "", "no integer" },
		{ "quiet", "2", "neither true nor false" }, { "name", "eight888", "too long" },
		{ "cfg.port", "1", "no member 'port'" }, { "cfg.ports[4]", "1", "no element" },
		{ "cfg.ports", "1", "set its elements" }, { "cfg", "1", "set its members" },
		{ "cfg.bits", "32", "out of range" }, { "cfg.mode", "QUICK", "none of its names" },
		{ "real", "1.5", "cannot be given" }, { "limit[0]", "1", "array of 0" },
		{ "limit.x", "1", "no member" }, { "CONFIG_HZ", "1", "no global variable" },
		{ "cfg.ports[-1]", "1", "no element" }, { "cfg.small", "128", "out of range" },
	};
	struct image *img = open_for("externs.o", NULL, DIR "kconfig.txt");
	u32 bytes;

	for (size_t i = 0; i < ARRAY_LEN(ok); i++) {
		struct skep_err err = { 0 };

		if (obj_set(img, ok[i].path, ok[i].value, &err))
			fail_msg("%s", err.text);
		assert_memory_equal(var(img, ok[i].var, &bytes) + ok[i].off, ok[i].want,
				    ok[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct skep_err err = { 0 };

		if (!obj_set(img, bad[i].path, bad[i].value, &err) || err.id != ERR_GLOBAL ||
		    !strstr(err.text, bad[i].text))
			fail_msg("%s=%s: expected '%s', got %s", bad[i].path, bad[i].value,
				 bad[i].text, err.text);
	}
	image_free(img);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_own_types),
		cmocka_unit_test(test_essential),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_kconfig),
		cmocka_unit_test(test_missing_kconfig),
		cmocka_unit_test(test_set),
#ifdef HAVE_LIBBPF
		cmocka_unit_test(test_libbpf),
		cmocka_unit_test(test_tools),
#endif
	};

	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
