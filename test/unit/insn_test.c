/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn_test.c: how long instructions of x86-64 are: forms by hand, and all code of the C
 * library beside what objdump says.
 */
#include "sym/insn.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct { const char *hex; u32 n; } forms[] = {
	{ "90", 1 },			/* nop */
	{ "c3", 1 },			/* ret */
	{ "f30f1efa", 4 },		/* endbr64 */
	{ "0f1f440000", 5 },		/* nopl 0(%rax,%rax) */
	{ "66662e0f1f840000000000", 11 },
	{ "48b8efcdab8967452301", 10 },	/* movabs */
	{ "66b83412", 4 },		/* mov $0x1234, %ax */
	{ "a10011223344556677", 9 },	/* mov of an address */
	{ "67a100112233", 6 },
	{ "c8100000", 4 },		/* enter */
	{ "f6c001", 3 },		/* test $1, %al */
	{ "f6d0", 2 },			/* not %al */
	{ "f7c001000000", 6 },		/* test $1, %eax */
	{ "66f7c00100", 5 },
	{ "48f7d8", 3 },		/* neg */
	{ "0f8400000000", 6 },		/* je */
	{ "0f70c11b", 4 },		/* pshufw */
	{ "660f3a0fc108", 6 },		/* palignr */
	{ "660f3800c1", 5 },		/* pshufb */
	{ "660f78c00102", 6 },		/* extrq */
	{ "0f78c0", 3 },		/* vmread */
	{ "c5f877", 3 },		/* vzeroupper */
	{ "c4e37d39c101", 6 },		/* vextracti128 */
	{ "c4e2f9f7c3", 5 },		/* shlx */
	{ "62f1fe486f06", 6 },		/* vmovdqu64 (%rsi), %zmm0 */
	{ "62f3fd483bc101", 7 },	/* vextracti64x4 */
	{ "8fe97812c1", 5 },		/* XOP */
	{ "8f00", 2 },			/* pop (%rax) */
	{ "488d0500000000", 7 },	/* lea 0(%rip), %rax */
	{ "488b042500000000", 8 },	/* mov 0, %rax */
	{ "4889442408", 5 },
	{ "0f20c0", 3 },		/* mov %cr0, %rax: no memory whatever it says */
	{ "06", 0 }, { "9a00000000", 0 }, { "d6", 0 }, { "0f04", 0 },
	{ "48", 0 }, { "e80000", 0 }, { "66666666666666666666666666666690", 0 },
};

static u32 bytes_of(const char *hex, u8 *out, u32 max)
{
	u32 n = 0;

	for (; hex[0] && hex[1] && n < max; hex += 2)
		if (*hex != ' ')
			out[n++] = (u8)strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16);
		else
			hex--;
	return n;
}

static void test_forms(void **state)
{
	u8 c[32];

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		const u32 n = bytes_of(forms[i].hex, c, sizeof(c));

		if (sym_x86_length(c, n) != forms[i].n)
			fail_msg("%s: %u", forms[i].hex, sym_x86_length(c, n));
	}
}

/* No byte behind MAX is read, whatever is before it: what a sanitizer would see. */
static void test_bounds(void **state)
{
	for (u32 n = 0; n < 16; n++)
		for (u32 k = 0; k < 65536; k++) {
			u8 *c = malloc(n + 1);
			u32 got;

			for (u32 i = 0; i < n; i++)
				c[i] = (u8)(i ? k >> 8 : k);
			got = sym_x86_length(c, n);
			free(c);
			assert_true(got <= n);
		}
}

/* A line of objdump -dw: "  26380:\tbytes\ttext"; what it calls bad is no instruction. */
static bool is_line(char *line, u8 *c, u32 *n)
{
	char *bytes = strchr(line, '\t'), *text = bytes ? strchr(bytes + 1, '\t') : NULL;

	if (!text || strstr(text, "(bad)") || strstr(text, "rex"))
		return false;
	*text = 0;
	*n = bytes_of(bytes + 1, c, 16);
	return true;
}

static void test_objdump(void **state)
{
	char *path = sym_find_file("libc.so.6", (u32)getpid()), cmd[512], line[1024];
	u32 n, lines = 0;
	u8 c[16];
	FILE *f;

#if !defined(__x86_64__)
	skip();
#endif
	if (!path || system("objdump --version > /dev/null 2>&1"))
		skip();
	snprintf(cmd, sizeof(cmd), "objdump -dw '%s'", path);
	f = popen(cmd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (is_line(line, c, &n)) {
			if (sym_x86_length(c, n) != n)
				fail_msg("%s: %u", line, sym_x86_length(c, n));
			lines++;
		}
	assert_int_equal(pclose(f), 0);
	assert_true(lines > 10000);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_objdump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
