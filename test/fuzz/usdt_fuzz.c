/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usdt_fuzz.c: the input is a note's description, 64-bit and 32-bit; its arguments are
 * read for either machine. What is read must be inside of what there is, and an argument
 * be one that a record can say. The same bytes are a place in a program.
 */
#include "sym/usdt.h"
#include <elf.h>
#include <stdlib.h>

static void read_args(const char *text, u16 machine)
{
	struct skep_err err = { 0 };
	struct usdt_arg a;
	const char *end = text + strlen(text);
	int r;

	while ((r = usdt_arg_next(&a, &text, machine, &err)) > 0) {
		if (text > end || a.scale > 3 || a.reg > 256 || a.index > 256 ||
		    strlen(a.symbol) >= USDT_NAME_MAX)
			abort();
		if (a.bytes != 1 && a.bytes != 2 && a.bytes != 4 && a.bytes != 8)
			abort();
	}
	if (text > end || (r < 0 && err.id != ERR_USDT))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u8 *copy = malloc(size + 1);	/* its end is guarded */
	struct sym_place p;
	struct usdt_note n;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	for (int is64 = 0; is64 < 2; is64++)
		if (usdt_note_parse(&n, copy, (u32)size, is64)) {
			const u8 *last = (const u8 *)n.args + strlen(n.args);

			if ((const u8 *)n.provider < copy || last >= copy + size)
				abort();
			read_args(n.args, EM_X86_64);
			read_args(n.args, EM_AARCH64);
		}
	copy[size] = 0;
	for (int usdt = 0; usdt < 2; usdt++)
		if (sym_place_parse(&p, (const char *)copy, usdt)) {
			if (!*p.path || !p.symbol || (usdt && !p.provider))
				abort();
			sym_place_free(&p);
		}
	free(copy);
	return 0;
}
