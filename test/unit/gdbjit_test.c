/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gdbjit_test.c: the list of ELF files that gdb reads: what is in it and when, that threads
 * may load at once, and what libelf finds in a file.
 */
#include "api/object.h"
#include "isa/isa.h"
#include "jit/jit.h"
#include "runtime/gdbjit.h"
#include <gelf.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static const char two[] = "r6 = r1\nr1 = 1\ncall f\nr6 = *(u32 *)(r6 + 0)\nexit\n"
	"f:\nr7 = r1\nr0 = r7\nr0 += 1\nexit\n";

static struct skep_object *load(enum skep_jit jit)
{
	const struct skep_load_opts opts = { .size = sizeof(opts), .jit = jit, .cpus = 1 };
	struct isa_code code = { 0 };
	struct skep_object *obj;
	struct skep_err err;

	if (isa_asm(&code, two, strlen(two), "program", &err) ||
	    skep_object_from_insns(&obj, BPF_PROG_TYPE_XDP, "p", code.v, code.n, NULL, 0, "GPL",
				   &err) ||
	    skep_object_load(obj, &opts, &err))
		fail_msg("%s", skep_err_text(&err));
	vec_free(&code);
	return obj;
}

static u32 listed(void)
{
	const struct gdb_file *last = NULL;
	u32 n = 0;

	for (const struct gdb_file *f = __jit_debug_descriptor.first; f; last = f, f = f->next, n++)
		assert_ptr_equal(f->prev, last);
	return n;
}

static void is_listed_when_asked(void **state)
{
	struct skep_object *a, *b, *c;

	(void)state;
	unsetenv("SKEP_GDB");
	a = load(SKEP_JIT_FAST);
	assert_int_equal(listed(), 0);
	skep_object_close(a);
	setenv("SKEP_GDB", "1", 1);
	a = load(SKEP_JIT_FAST);
	b = load(SKEP_JIT_OPT);
	c = load(SKEP_JIT_FAST);
	assert_int_equal(listed(), 3);
	skep_object_close(b);		/* of the middle, the first, the last */
	assert_int_equal(listed(), 2);
	skep_object_close(c);
	assert_int_equal(listed(), 1);
	skep_object_close(a);
	assert_int_equal(listed(), 0);
	a = load(SKEP_JIT_OFF);		/* nothing is compiled */
	assert_int_equal(listed(), 0);
	skep_object_close(a);
	assert_int_equal(__jit_debug_descriptor.version, 1);
	assert_int_equal(__jit_debug_descriptor.action, GDB_NOTHING);
}

/* ---- what is in a file ------------------------------------------------------------- */

static Elf_Scn *section(Elf *elf, const char *name, GElf_Shdr *sh)
{
	size_t names;

	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
		assert_non_null(gelf_getshdr(s, sh));
		if (!strcmp(elf_strptr(elf, names, sh->sh_name), name))
			return s;
	}
	fail_msg("there is no section %s", name);
	return NULL;
}

/* The symbols are functions that fill .text from the first on. */
static void symbols_are(Elf *elf, const GElf_Shdr *text)
{
	GElf_Shdr sh;
	Elf_Data *d = elf_getdata(section(elf, ".symtab", &sh), NULL);
	GElf_Sym sym;
	u64 at = 0;

	assert_int_equal(sh.sh_size / sh.sh_entsize, 3);
	for (int i = 1; i < 3; i++) {
		const char *name;

		assert_non_null(gelf_getsym(d, i, &sym));
		name = elf_strptr(elf, sh.sh_link, sym.st_name);
		if (i == 1)
			assert_string_equal(name, "p");
		assert_int_equal(GELF_ST_TYPE(sym.st_info), STT_FUNC);
		assert_true(in_bounds(sym.st_value - text->sh_addr, sym.st_size, text->sh_size));
		assert_true(i == 1 || sym.st_value == at);
		at = sym.st_value + sym.st_size;
	}
	assert_int_equal(at, text->sh_addr + text->sh_size);
}

static void file_has_symbols(void **state)
{
	struct skep_object *obj;

	(void)state;
	setenv("SKEP_GDB", "1", 1);
	elf_version(EV_CURRENT);
	for (enum skep_jit jit = SKEP_JIT_FAST; jit <= SKEP_JIT_OPT; jit++) {
		const struct gdb_file *f;
		GElf_Shdr text, sh;
		u32 bytes;
		Elf *elf;

		obj = load(jit);
		f = __jit_debug_descriptor.first;
		elf = elf_memory((char *)(uintptr_t)f->data, f->bytes);
		assert_non_null(elf);
		section(elf, ".text", &text);
		assert_int_equal(text.sh_type, SHT_NOBITS);
		assert_ptr_equal(text.sh_addr,
				 jit_bytes(prog_native(skep_object_prog(obj, "p")), &bytes));
		assert_int_equal(text.sh_size, bytes);
		symbols_are(elf, &text);
		section(elf, ".debug_frame", &sh);
		assert_true(sh.sh_size > 0 && sh.sh_size % 8 == 0);
		section(elf, ".debug_line", &sh);	/* the program has none */
		assert_int_equal(sh.sh_size, 0);
		elf_end(elf);
		skep_object_close(obj);
	}
}

/* ---- threads ----------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 50 };

static void *loads(void *arg)
{
	(void)arg;
	for (u32 i = 0; i < ROUNDS; i++) {
		struct skep_object *a = load(SKEP_JIT_FAST), *b = load(SKEP_JIT_FAST);

		skep_object_close(a);
		skep_object_close(b);
	}
	return NULL;
}

static void threads_load_at_once(void **state)
{
	pthread_t t[THREADS];

	(void)state;
	setenv("SKEP_GDB", "1", 1);
	for (u32 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, loads, NULL), 0);
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(listed(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_listed_when_asked),
		cmocka_unit_test(file_has_symbols),
		cmocka_unit_test(threads_load_at_once),
	};

	if (!jit_available())
		return puts("1..0 # SKIP no native code here") < 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
