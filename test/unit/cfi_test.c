/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfi_test.c: rows of .eh_frame: this process' own stack followed by them, in a function that
 * qsort of the C library calls, has the addresses that the compiler's unwinder finds
 * (backtrace); tables with random bytes changed are read without harm.
 */
#include "sym/cfi.h"
#include <dlfcn.h>
#include <execinfo.h>
#include <gelf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>
#include <cmocka.h>

#if defined(__x86_64__)

enum { MAX = 64 };

struct object { u64 base; struct cfi_row *rows; u32 n; };
static struct object objects[MAX];
static u32 nr_objects;

static int add_object(struct dl_phdr_info *i, size_t size, void *arg)
{
	struct object *o = &objects[nr_objects];
	const char *path = *i->dlpi_name ? i->dlpi_name : "/proc/self/exe";
	struct sym_file f;

	(void)size, (void)arg;
	if (nr_objects == MAX || sym_open(&f, path, NULL))
		return 0;
	o->base = i->dlpi_addr;
	if (!sym_cfi_read(&f, &o->rows, &o->n, NULL))
		nr_objects++;
	sym_close(&f);
	return 0;
}

/* The row of ADDR in whichever object has code there. */
static const struct cfi_row *row_of(u64 addr)
{
	for (u32 i = 0; i < nr_objects; i++) {
		const struct cfi_row *r = addr < objects[i].base ? NULL :
			sym_cfi_at(objects[i].rows, objects[i].n, addr - objects[i].base);
		Dl_info info;

		if (r && r->cfa != CFI_END && dladdr((void *)addr, &info) &&
		    (u64)info.dli_fbase == objects[i].base)
			return r;
		/* a program that is not relocated begins elsewhere than its base says */
		if (r && r->cfa != CFI_END && !objects[i].base)
			return r;
	}
	return NULL;
}

static u64 word_at(u64 addr) { return *(const u64 *)addr; }

static u32 follow(u64 ip, u64 sp, u64 bp, void **v)
{
	u32 n = 0;

	for (u64 look = ip; n < MAX && ip; look = ip - 1) {
		const struct cfi_row *r = row_of(look);
		u64 cfa;

		v[n++] = (void *)ip;
		if (!r)
			break;
		cfa = r->cfa == CFI_SP ? sp + (u64)(s64)r->off : r->cfa == CFI_BP ?
			bp + (u64)(s64)r->off : r->cfa == CFI_DEREF ?
			word_at(bp + (u64)(s64)r->off) : 0;
		if (cfa <= sp)
			break;
		ip = word_at(cfa - 8);
		bp = r->bp == CFI_BP_AT_CFA ? word_at(cfa + (u64)(s64)r->bp_off) :
		     r->bp == CFI_BP_AT_BP ? word_at(bp + (u64)(s64)r->bp_off) : bp;
		sp = cfa;
	}
	return n;
}

static u32 compared;

static int look_up(const void *a, const void *b)
{
	void *want[MAX], *got[MAX];
	ucontext_t c;
	int n = backtrace(want, MAX);
	u32 m;

	getcontext(&c);
	m = follow((u64)c.uc_mcontext.gregs[REG_RIP], (u64)c.uc_mcontext.gregs[REG_RSP],
		   (u64)c.uc_mcontext.gregs[REG_RBP], got);
	assert_int_equal(m, n);
	for (int i = 1; i < n; i++)	/* the first is in this function in both */
		assert_ptr_equal(got[i], want[i]);
	assert_true(n > 5);
	compared++;
	return *(const int *)a - *(const int *)b;
}

static void test_own_stack(void **state)
{
	int v[] = { 5, 2, 7, 1 };

	(void)state;
	dl_iterate_phdr(add_object, NULL);
	assert_true(nr_objects > 0);
	qsort(v, ARRAY_LEN(v), sizeof(*v), look_up);
	assert_true(compared >= 3);
	for (u32 i = 0; i < nr_objects; i++)
		free(objects[i].rows);
}

static void test_order(void **state)
{
	struct cfi_row *rows;
	struct sym_file f;
	u32 n;

	(void)state;
	assert_int_equal(sym_open(&f, "/proc/self/exe", NULL), 0);
	assert_int_equal(sym_cfi_read(&f, &rows, &n, NULL), 0);
	assert_true(n > 10);
	for (u32 i = 1; i < n; i++)
		assert_true(rows[i - 1].pc < rows[i].pc);
	assert_null(sym_cfi_at(rows, n, 0));
	assert_ptr_equal(sym_cfi_at(rows, n, rows[3].pc), &rows[3]);
	assert_ptr_equal(sym_cfi_at(rows, n, rows[4].pc - 1), &rows[3]);
	free(rows);
	sym_close(&f);
}

/* The same file with the bytes of its table changed. */
static void test_damaged(void **state)
{
	struct os_file whole;
	struct sym_file f;
	struct cfi_row *rows;
	GElf_Shdr sh = { 0 };
	Elf_Scn *scn = NULL;
	size_t names;
	u8 *copy;
	u32 n;

	(void)state;
	assert_int_equal(os_file_read(&whole, "/proc/self/exe", NULL), 0);
	assert_int_equal(sym_open(&f, "/proc/self/exe", NULL), 0);
	elf_getshdrstrndx(f.elf, &names);
	while ((scn = elf_nextscn(f.elf, scn)) && gelf_getshdr(scn, &sh) &&
	       strcmp(elf_strptr(f.elf, names, sh.sh_name), ".eh_frame"))
		;
	copy = mem_alloc(whole.size);
	srandom(1);
	for (u32 round = 0; round < 300; round++) {
		const struct os_file was = f.file;

		memcpy(copy, whole.data, whole.size);
		for (u32 i = 0; i < 1 + round % 40; i++)
			copy[sh.sh_offset + (u64)random() % sh.sh_size] = (u8)random();
		f.file.data = copy;
		if (!sym_cfi_read(&f, &rows, &n, NULL))
			for (u32 i = 1; i < n; i++)
				assert_true(rows[i - 1].pc < rows[i].pc);
		free(rows);
		f.file = was;
	}
	free(copy);
	sym_close(&f);
	os_file_close(&whole);
}

static void put32(u8 *p, u32 v) { memcpy(p, &v, 4); }

/* A table of one function, whose CIE has NOPS instructions. */
static void write_table(u8 *p, u32 nops)
{
	const u8 cie[] = { 1, 0, 1, 0x78, 16 };	/* version, no augmentation, aligns, rip */
	const u64 range[2] = { 0x1000, 16 };
	const u32 bytes = 4 + sizeof(cie) + nops;

	put32(p, bytes);
	put32(p + 4, 0);
	memcpy(p + 8, cie, sizeof(cie));
	memset(p + 8 + sizeof(cie), 0, nops);
	p += 4 + bytes;
	put32(p, 20);
	put32(p + 4, bytes + 8);
	memcpy(p + 8, range, 16);
	put32(p + 24, 0);
}

/* All functions begin with what their CIE says: were that long, a small file took hours. */
static void test_long_cie(void **state)
{
	u8 *copy;
	struct sym_file f;
	struct cfi_row *rows;
	GElf_Shdr sh = { 0 };
	Elf_Scn *scn = NULL;
	size_t names;
	u32 n;

	(void)state;
	assert_int_equal(sym_open(&f, "/proc/self/exe", NULL), 0);
	elf_getshdrstrndx(f.elf, &names);
	while ((scn = elf_nextscn(f.elf, scn)) && gelf_getshdr(scn, &sh) &&
	       strcmp(elf_strptr(f.elf, names, sh.sh_name), ".eh_frame"))
		;
	assert_true(sh.sh_size > 4096);
	copy = mem_alloc(f.file.size);
	memcpy(copy, f.file.data, f.file.size);
	for (u32 nops = 1000; nops <= 1100; nops += 100) {
		const struct os_file was = f.file;
		int r;

		write_table(copy + sh.sh_offset, nops);
		f.file.data = copy;
		r = sym_cfi_read(&f, &rows, &n, NULL);
		f.file = was;
		assert_int_equal(r != 0, nops != 1000);
		free(rows);
	}
	free(copy);
	sym_close(&f);
}

/* A file that is cut while it is read. */
static void test_cut(void **state)
{
	char path[] = "/tmp/cfi_XXXXXX";
	struct os_file whole;
	struct cfi_row *rows;
	struct sym_file f;
	int fd = mkstemp(path);
	u32 n;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(os_file_read(&whole, "/proc/self/exe", NULL), 0);
	assert_int_equal(write(fd, whole.data, whole.size), whole.size);
	os_file_close(&whole);
	assert_int_equal(sym_open(&f, path, NULL), 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_true(sym_cfi_read(&f, &rows, &n, NULL) != 0);
	sym_close(&f);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_stack),
		cmocka_unit_test(test_long_cie),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) { return 77; }
#endif
