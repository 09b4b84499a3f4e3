/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cbpf_text.c: classic BPF from the texts that tools hand around, and to the
 * text that people read. Takes any bytes; what it gives need not be a valid
 * program, cbpf_check says.
 */
#include "isa/cbpf.h"

static const struct cbpf_row rows[] = {
#define CBPF(code, name, operand) { code, OPERAND_##operand, name },
#include "isa/cbpf.def"
};

const struct cbpf_row *cbpf_row(u16 code)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

const char *cbpf_ancillary(u32 k)
{
	static const struct { u32 k; const char *text; } table[] = {
#define ANCILLARY(name, text) { (u32)(SKF_AD_OFF + SKF_AD_##name), text },
#include "isa/cbpf.def"
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].k == k)
			return table[i].text;
	return NULL;
}

/* ---- reading ---------------------------------------------------------- */

struct reader {
	const char *p, *start, *end;
	const char *file;
	struct skep_err *err;
};

static PRINTF_LIKE(2, 3) int fail(struct reader *r, const char *fmt, ...)
{
	size_t line = 1, col = 1;
	char place[512];
	va_list ap;
	int code;

	for (const char *q = r->start; q < r->p; q++) {
		col++;
		if (*q == '\n') {
			line++;
			col = 1;
		}
	}
	snprintf(place, sizeof(place), "%s:%zu:%zu", r->file, line, col);
	va_start(ap, fmt);
	code = err_vset(r->err, ERR_CBPF, place, fmt, ap);
	va_end(ap);
	return code;
}

static char peek(const struct reader *r)
{
	return r->p < r->end ? *r->p : 0;
}

static void skip_space(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' ||
	       peek(r) == '\r')
		r->p++;
}

/* Skips space and, when C is there, C; true when it was. */
static bool skip(struct reader *r, char c)
{
	skip_space(r);
	if (peek(r) != c || r->p == r->end)
		return false;
	r->p++;
	return true;
}

/* The next number, decimal or hex; WHAT names it in messages. */
static int number(struct reader *r, u32 max, const char *what, u32 *value)
{
	unsigned base = 10;
	const char *first;
	u64 v = 0;

	skip_space(r);
	first = r->p;
	if (r->end - r->p >= 2 && r->p[0] == '0' && (r->p[1] | 32) == 'x') {
		base = 16;
		r->p = first += 2;
	}
	for (; digit_value(peek(r)) < base; r->p++) {
		v = v * base + digit_value(peek(r));
		if (v > max) {
			r->p = first;
			return fail(r, "%s is larger than %u", what, max);
		}
	}
	if (r->p == first)
		return fail(r, "expected a number for %s", what);
	*value = (u32)v;
	return 0;
}

/* Code, jt, jf and k, with SEP between them or only space when it is 0. */
static int insn(struct reader *r, struct isa_cbpf *prog, char sep)
{
	static const struct { const char *name; u32 max; } fields[] = {
		{ "code", UINT16_MAX }, { "jt", UINT8_MAX },
		{ "jf", UINT8_MAX }, { "k", UINT32_MAX },
	};
	u32 v[4];

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		int code;

		if (i && sep && !skip(r, sep))
			return fail(r, "expected '%c' before %s", sep,
				    fields[i].name);
		code = number(r, fields[i].max, fields[i].name, &v[i]);
		if (code)
			return code;
	}
	if (prog->n >= CBPF_MAX_INSNS)
		return fail(r, "more than %d instructions", CBPF_MAX_INSNS);
	*vec_push(prog) = (struct sock_filter){
		(u16)v[0], (u8)v[1], (u8)v[2], v[3] };
	return 0;
}

/* "{ 0x28, 0, 0, 0x0000000c }," for each instruction. */
static int initialisers(struct reader *r, struct isa_cbpf *prog)
{
	while (skip(r, '{')) {
		int code = insn(r, prog, ',');

		if (code)
			return code;
		skip(r, ',');
		if (!skip(r, '}'))
			return fail(r, "expected '}'");
		skip(r, ',');
	}
	return r->p == r->end ? 0 : fail(r, "expected '{'");
}

/* The number of instructions, then each; lines or commas divide them. */
static int counted(struct reader *r, struct isa_cbpf *prog)
{
	u32 count;
	int code = number(r, CBPF_MAX_INSNS, "the number of instructions",
			  &count);

	if (code)
		return code;
	for (u32 i = 0; i < count; i++) {
		skip(r, ',');
		skip_space(r);
		if (r->p == r->end)
			return fail(r, "%u instructions are announced and only "
				    "%u are there", count, i);
		code = insn(r, prog, 0);
		if (code)
			return code;
	}
	skip(r, ',');
	skip_space(r);
	if (r->p < r->end)
		return fail(r, "expected the end behind %u instructions", count);
	return 0;
}

int cbpf_parse(struct isa_cbpf *prog, const char *text, size_t text_bytes,
	       const char *file, struct skep_err *err)
{
	struct reader r = { text, text, text + text_bytes, file, err };

	skip_space(&r);
	if (peek(&r) == '{')
		return initialisers(&r, prog);
	return counted(&r, prog);
}

/* ---- printing --------------------------------------------------------- */

static void operand_text(char *buf, size_t size, const struct sock_filter *f,
			 unsigned operand, size_t at)
{
	const char *ancillary = cbpf_ancillary(f->k);
	s32 k = (s32)f->k;

	*buf = 0;
	switch (operand) {
	case OPERAND_HEX: snprintf(buf, size, "#0x%x", f->k); break;
	case OPERAND_DEC: snprintf(buf, size, "#%d", k); break;
	case OPERAND_X: snprintf(buf, size, "x"); break;
	case OPERAND_IND: snprintf(buf, size, "[x + %d]", k); break;
	case OPERAND_MEM: snprintf(buf, size, "M[%d]", k); break;
	case OPERAND_LEN: snprintf(buf, size, "#pktlen"); break;
	case OPERAND_MSH: snprintf(buf, size, "4*([%d]&0xf)", k); break;
	case OPERAND_GOTO:
		snprintf(buf, size, "%d", (s32)((u32)at + 1 + f->k));
		break;
	case OPERAND_ABS:
		if (ancillary)
			snprintf(buf, size, "[%s]", ancillary);
		else
			snprintf(buf, size, "[%d]", k);
		break;
	}
}

void cbpf_disasm(struct strbuf *out, const struct sock_filter *v, size_t at)
{
	const struct sock_filter *f = &v[at];
	const struct cbpf_row *row = cbpf_row(f->code);
	char operand[32];

	if (!row) {
		sb_printf(out, "(%03zu) unimp    0x%x", at, f->code);
		return;
	}
	operand_text(operand, sizeof(operand), f, row->operand, at);
	if (cbpf_is_cond(f))
		sb_printf(out, "(%03zu) %-8s %-16s jt %zu\tjf %zu", at,
			  row->name, operand, at + 1 + f->jt, at + 1 + f->jf);
	else
		sb_printf(out, "(%03zu) %-8s %s", at, row->name, operand);
}
