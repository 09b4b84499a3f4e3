/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cbpf_fuzz.c: text to a classic program; one that passes the check must print,
 * run on any packet, and translate to slots that pass isa_check. The packet is
 * the end of the input, so that the program can be about it.
 */
#include "isa/isa.h"
#include <linux/filter.h>

static void use(const struct isa_cbpf *prog, const u8 *packet, u32 bytes)
{
	struct isa_code code = { 0 };
	struct strbuf text = { 0 };

	for (size_t at = 0; at < prog->n; at++)
		cbpf_disasm(&text, prog->v, at);
	for (u32 n = bytes; ; n /= 2) {
		u8 *copy = malloc(n ? n : 1);	/* its end is guarded */

		if (!copy)
			abort();
		memcpy(copy, packet, n);
		cbpf_run(prog->v, prog->n, copy, n, bytes);
		free(copy);
		if (!n)
			break;
	}
	if (!cbpf_translate(&code, prog->v, prog->n, "fuzz", NULL) &&
	    isa_check(code.v, code.n, "fuzz", NULL))
		abort();
	vec_free(&code);
	sb_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct isa_cbpf prog = { 0 };
	struct skep_err err = { 0 };
	u32 bytes = size < 128 ? (u32)size : 128;

	cbpf_parse(&prog, (const char *)data, size, "fuzz", &err);
	if (!cbpf_check(prog.v, prog.n, "fuzz", &err))
		use(&prog, data + size - bytes, bytes);
	/* The input as a program, which reaches what text seldom does. */
	prog.n = 0;
	for (size_t i = 0; i + sizeof(*prog.v) <= size; i += sizeof(*prog.v))
		memcpy(vec_push(&prog), data + i, sizeof(*prog.v));
	if (!cbpf_check(prog.v, prog.n, "fuzz", &err))
		use(&prog, data + size - bytes, bytes);
	vec_free(&prog);
	return 0;
}
