/* SPDX-License-Identifier: BSD-2-Clause */
/* disasm_kernel.c: instructions as the kernel's verifier prints them. */
#include "isa/isa.h"

enum {
	CODE_NOSPEC = 0xc2,	/* what verifiers put against speculation */
	OFF_PERCPU = -1,	/* of a move: to an address of this cpu */
};

static bool is_memory(unsigned kind)
{
	return kind == KIND_LDX || kind == KIND_LDXSX || kind == KIND_ST || kind == KIND_STX ||
	       (kind >= KIND_ATOMIC_ADD && kind <= KIND_ATOMIC_STREL);
}

static bool is_jump(unsigned kind)
{
	return kind >= KIND_JMP_JEQ && kind <= KIND_MAY_GOTO;
}

/* Key C of a row's syntax (insn.def), as the kernel prints it. */
static void put_field(struct strbuf *out, const struct isa_row *row, const struct bpf_insn *i,
		      char c)
{
	char half = is_memory(row->kind) ? 'r' : 'w';

	switch (c) {
	case 'd': sb_printf(out, "r%u", i->dst_reg); break;
	case 's': sb_printf(out, "r%u", i->src_reg); break;
	case 'D': sb_printf(out, "%c%u", half, i->dst_reg); break;
	case 'S': sb_printf(out, "%c%u", half, i->src_reg); break;
	case 'i': sb_printf(out, is_jump(row->kind) ? "0x%x" : "%d", (u32)i->imm); break;
	case 'l': sb_printf(out, "0x%llx", (unsigned long long)(u32)i->imm |
			    (unsigned long long)(u32)i[1].imm << 32); break;
	case 'n': sb_printf(out, "%u", (u32)i[1].imm); break;
	case 'o':
	case 'O': sb_printf(out, " %+d", i->off); break;
	case '+': sb_printf(out, " %+d", i->imm); break;
	case 'j': sb_printf(out, "pc%+d", i->off); break;
	case 'J':
	case 'C':
	case 'c': sb_printf(out, "pc%+d", i->imm); break;
	case 'a': sb_printf(out, "%u, %u", (u32)i->imm >> 16, (u16)i->imm); break;
	case '%': sb_putc(out, '%'); break;
	default: sb_printf(out, "%d", i->imm);
	}
}

/* The syntax of atomics that give back the old value is the kernel's own. */
static const char *syntax(const struct isa_row *row)
{
	switch (row->kind) {
	case KIND_ATOMIC_XCHG:
		return row->width == 64 ? "%s = atomic64_xchg((u64 *)(%d%o), %s)" :
					  "%s = atomic_xchg((u32 *)(%d%o), %s)";
	case KIND_ATOMIC_CMPXCHG:
		return row->width == 64 ? "r0 = atomic64_cmpxchg((u64 *)(%d%o), r0, %s)" :
					  "r0 = atomic_cmpxchg((u32 *)(%d%o), r0, %s)";
	default:
		return row->text;
	}
}

static void put_row(struct strbuf *out, const struct isa_row *row, const struct bpf_insn *insn)
{
	for (const char *s = syntax(row); *s; s++) {
		if (*s == '%')
			put_field(out, row, insn, *++s);
		else if (row->width == 64 && !strncmp(s, "atomic_fetch", 12))
			sb_puts(out, "atomic64"), s += strlen("atomic") - 1;
		else if (!strncmp(s, " ll", 3) && !s[3])
			break;
		else
			sb_putc(out, *s);
	}
}

/* What only the kernel's own passes make. */
static void put_other(struct strbuf *out, const struct bpf_insn *insn)
{
	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && insn->off == OFF_PERCPU)
		sb_printf(out, "r%u = &(void __percpu *)(r%u)", insn->dst_reg, insn->src_reg);
	else if (insn->code == CODE_NOSPEC)
		sb_puts(out, "nospec");
	else
		sb_printf(out, "BUG_%02x", insn->code);
}

void isa_disasm_kernel(struct strbuf *out, const struct bpf_insn *insn, isa_name_fn *name,
		       void *arg)
{
	bool call = insn->code == (BPF_JMP | BPF_CALL), lddw = isa_is_lddw(insn);
	enum isa_op op = isa_op(insn);
	size_t start;

	sb_printf(out, "(%02x) ", insn->code);
	start = out->n;
	if (call)
		sb_puts(out, "call ");
	else if (lddw)
		sb_printf(out, "r%u = ", insn->dst_reg);
	if ((call || lddw) && name(arg, out, insn))
		return;
	out->n = start;
	if (op == OP_BAD)
		put_other(out, insn);
	else
		put_row(out, &isa_rows[op], insn);
}
