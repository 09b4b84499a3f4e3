/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decode.c: from raw slots to rows of insn.def, and whether a slot is well
 * formed. Takes any bytes; says nothing about what a program may do (that is
 * the verifier's business) and never changes what it looks at.
 */
#include "isa/isa.h"

_Static_assert(OP_MAX < 255, "row numbers and OP_BAD must fit a byte");

/*
 * The last row of each opcode; rows with the same opcode stand before it.
 * Later initialisers override earlier ones, which is what is wanted here.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const u8 last_row[256] = {
	[0 ... 255] = OP_BAD,
#define INSN(name, opcode, ...) [opcode] = OP_##name,
#include "isa/insn.def"
};
#pragma GCC diagnostic pop

static bool selects(const struct isa_row *row, const struct bpf_insn *insn)
{
	switch (row->sel) {
	case SEL_OFF:
		return insn->off == row->val;
	case SEL_SRC:
		return insn->src_reg == row->val;
	case SEL_IMM:
		return insn->imm == row->val;
	}
	return true;
}

enum isa_op isa_op(const struct bpf_insn *insn)
{
	unsigned op = last_row[insn->code];

	if (op == OP_BAD)
		return OP_BAD;
	do {
		if (selects(&isa_rows[op], insn))
			return op;
	} while (op-- > 0 && isa_rows[op].opcode == insn->code);
	return OP_BAD;
}

/* The fields that the directive %C of a template mentions. */
static unsigned directive_fields(char c)
{
	switch (c) {
	case 'd': case 'D':
		return FIELD_DST;
	case 's': case 'S':
		return FIELD_SRC;
	case 'o': case 'O': case 'j':
		return FIELD_OFF;
	case 'i': case '+': case 'J': case 'c': case 'C': case 'h': case 'a':
		return FIELD_IMM;
	case 'l':
		return FIELD_IMM | FIELD_IMM2;
	case 'n':
		return FIELD_IMM2;
	}
	return 0;	/* "%%" */
}

static unsigned row_fields(const struct isa_row *row)
{
	static const u8 of_sel[] = {
		[SEL_NONE] = 0, [SEL_OFF] = FIELD_OFF,
		[SEL_SRC] = FIELD_SRC, [SEL_IMM] = FIELD_IMM,
	};
	unsigned mask = of_sel[row->sel];

	for (const char *t = row->text; *t; t++)
		if (*t == '%')
			mask |= directive_fields(*++t);
	return mask;
}

/*
 * The masks are a function of the table alone; each is worked out when first
 * asked for. Threads that race store the same value.
 */
unsigned isa_fields(enum isa_op op)
{
	enum { KNOWN = 0x80 };
	static u8 memo[OP_MAX];
	unsigned mask;

	if (op >= OP_MAX)
		return 0;
	mask = __atomic_load_n(&memo[op], __ATOMIC_RELAXED);
	if (!mask) {
		mask = row_fields(&isa_rows[op]) | KNOWN;
		__atomic_store_n(&memo[op], (u8)mask, __ATOMIC_RELAXED);
	}
	return mask & ~(unsigned)KNOWN;
}

bool isa_op_target(enum isa_op op, const struct bpf_insn *insn, s64 *delta)
{
	if (op == OP_BAD)
		return false;
	switch (isa_rows[op].kind) {
	case KIND_JMP_JEQ ... KIND_JMP_JSLE:
	case KIND_JA:
	case KIND_MAY_GOTO:
		*delta = insn->off;
		return true;
	case KIND_JA32:
	case KIND_CALL_LOCAL:
		*delta = insn->imm;
		return true;
	}
	return false;
}

bool isa_target(const struct bpf_insn *insn, s64 *delta)
{
	return isa_op_target(isa_op(insn), insn, delta);
}

static const char *check_second(const struct bpf_insn *next, unsigned fields)
{
	if (!next)
		return "64-bit immediate load without its second slot";
	if (next->code || next->dst_reg || next->src_reg || next->off)
		return "second slot of a 64-bit immediate load has more than imm";
	if (next->imm && !(fields & FIELD_IMM2))
		return "second slot of this load must be zero";
	return NULL;
}

/* Why no row fits: the opcode is unknown, or only its selector. */
static const char *why_bad(const struct bpf_insn *insn)
{
	if (last_row[insn->code] == OP_BAD)
		return "unknown opcode";
	switch (isa_rows[last_row[insn->code]].sel) {
	case SEL_OFF:
		return "known opcode with an off that it does not have";
	case SEL_SRC:
		return "known opcode with a src that it does not have";
	}
	return "known opcode with an imm that it does not have";
}

const char *isa_check_fields(const struct bpf_insn *insn,
			     const struct bpf_insn *next)
{
	enum isa_op op = isa_op(insn);
	unsigned fields = isa_fields(op);

	if (op == OP_BAD)
		return why_bad(insn);
	if (insn->dst_reg > BPF_REG_10)
		return "dst is above r10";
	if (insn->src_reg > BPF_REG_10)
		return "src is above r10";
	if (insn->dst_reg && !(fields & FIELD_DST))
		return "dst must be zero";
	if (insn->src_reg && !(fields & FIELD_SRC))
		return "src must be zero";
	if (insn->off && !(fields & FIELD_OFF))
		return "off must be zero";
	if (insn->imm && !(fields & FIELD_IMM))
		return "imm must be zero";
	if (isa_rows[op].kind == KIND_LDDW)
		return check_second(next, fields);
	return NULL;
}

/* Reports slot AT: what is wrong and the bytes that it has. */
static int bad_insn(enum err_id id, const struct bpf_insn *insns, size_t at,
		    const char *where, const char *why, struct skep_err *err)
{
	char place[256];
	int code;
	u8 b[8];

	memcpy(b, &insns[at], sizeof(b));
	snprintf(place, sizeof(place), "%s:%zu", where ? where : "insn", at);
	code = err_set(err, id, place, "%s", why);
	err_note(err, "the bytes are %02x %02x %02x %02x %02x %02x %02x %02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
	return code;
}

static bool is_jump_class(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;
}

/*
 * Where INSN sends control or, as a function's address, could send it. Only
 * for slots that are known to be well formed.
 */
static bool refers(const struct bpf_insn *insn, s64 *delta)
{
	if (isa_is_lddw(insn) && insn->src_reg == BPF_PSEUDO_FUNC) {
		*delta = insn->imm;
		return true;
	}
	return is_jump_class(insn) && isa_target(insn, delta);
}

static int check_target(const struct bpf_insn *insns, size_t n, size_t at,
			const char *where, struct skep_err *err)
{
	char why[128];
	s64 delta, to;

	if (!refers(&insns[at], &delta))
		return 0;
	to = (s64)at + 1 + delta;
	if (to < 0 || to >= (s64)n)
		snprintf(why, sizeof(why), "target %lld is outside the %zu "
			 "slots of the program", (long long)to, n);
	else if (!insns[to].code)	/* no instruction has opcode 0 */
		snprintf(why, sizeof(why), "target %lld is the second slot of "
			 "a 64-bit immediate load", (long long)to);
	else
		return 0;
	return bad_insn(ERR_JUMP, insns, at, where, why, err);
}

int isa_check(const struct bpf_insn *insns, size_t n, const char *where,
	      struct skep_err *err)
{
	for (size_t at = 0; at < n; at += isa_slots(&insns[at])) {
		const struct bpf_insn *next = n - at > 1 ? &insns[at + 1] : NULL;
		const char *why = isa_check_fields(&insns[at], next);

		if (why)
			return bad_insn(ERR_INSN, insns, at, where, why, err);
	}
	for (size_t at = 0; at < n; at += isa_slots(&insns[at])) {
		int code = check_target(insns, n, at, where, err);

		if (code)
			return code;
	}
	return 0;
}
