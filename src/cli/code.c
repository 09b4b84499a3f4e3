/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code.c: instructions that come without an object: classic BPF as text, and
 * raw eBPF as `skep asm` writes it. Told apart by their content.
 */
#include "cli/cli.h"
#include "isa/isa.h"
#include <ctype.h>

enum { CODE_MAX = 1 << 30 };	/* bytes of raw instructions */

bool code_is_classic(const u8 *data, size_t bytes)
{
	size_t digits = 0;

	for (size_t i = 0; i < bytes; i++)
		if (isdigit(data[i]))
			digits++;
		else if (!isspace(data[i]) && data[i] != ',')
			return false;
	return digits > 0;
}

bool code_is_raw(const u8 *data, size_t bytes)
{
	struct bpf_insn insn;

	if (!bytes || bytes % sizeof(insn) || bytes > CODE_MAX)
		return false;
	for (size_t at = 0; at < bytes; at += sizeof(insn) * isa_slots(&insn)) {
		memcpy(&insn, data + at, sizeof(insn));
		if (isa_op(&insn) == OP_BAD)
			return false;
	}
	return true;
}

static int read_classic(struct isa_code *code, const struct os_file *f, const char *name,
			struct skep_err *err)
{
	struct isa_cbpf prog = { 0 };
	int r = cbpf_parse(&prog, (const char *)f->data, f->size, name, err);

	if (!r)
		r = cbpf_check(prog.v, prog.n, name, err);
	if (!r)
		r = cbpf_translate(code, prog.v, prog.n, name, err);
	vec_free(&prog);
	return r;
}

int code_read(struct isa_code *code, const struct os_file *f, const char *name,
	      struct skep_err *err)
{
	if (code_is_classic(f->data, f->size))
		return read_classic(code, f, name, err);
	if (!code_is_raw(f->data, f->size))
		return err_set(err, ERR_FILE_KIND, name,
			       "neither a BPF object, a C file nor instructions");
	for (size_t at = 0; at < f->size; at += sizeof(struct bpf_insn))
		memcpy(vec_push(code), f->data + at, sizeof(struct bpf_insn));
	return 0;
}
