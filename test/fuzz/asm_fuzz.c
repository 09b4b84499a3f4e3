/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asm_fuzz.c: text to slots. Whatever assembles must give the same slots again
 * from its own disassembly; the checks must stand any slots. The input's bytes
 * as slots must also go to text and back.
 */
#include "isa/isa.h"

static void disasm_all(struct strbuf *text, const struct isa_code *code)
{
	for (size_t at = 0; at < code->n; at += isa_slots(&code->v[at])) {
		isa_disasm(text, code->v, code->n, at);
		sb_putc(text, '\n');
	}
}

static void round_trip(const struct isa_code *code)
{
	struct isa_code back = { 0 };
	struct strbuf text = { 0 };

	disasm_all(&text, code);
	if (isa_asm(&back, sb_text(&text), text.n, "back", NULL) ||
	    back.n != code->n ||
	    (back.n && memcmp(back.v, code->v, back.n * sizeof(*back.v))))
		abort();
	vec_free(&back);
	sb_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct isa_code code = { 0 };
	struct skep_err err = { 0 };

	if (!isa_asm(&code, (const char *)data, size, "fuzz", &err)) {
		round_trip(&code);
		isa_check(code.v, code.n, "fuzz", &err);
	}
	code.n = 0;
	for (; size >= sizeof(*code.v); size -= sizeof(*code.v)) {
		memcpy(vec_push(&code), data, sizeof(*code.v));
		data += sizeof(*code.v);
	}
	isa_check(code.v, code.n, "fuzz", &err);
	round_trip(&code);
	vec_free(&code);
	return 0;
}
