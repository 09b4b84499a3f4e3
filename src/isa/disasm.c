/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disasm.c: one instruction as text, by its row's template in insn.def. What
 * is no well-formed instruction is printed as bytes, so that assembling the
 * text gives the same bytes always.
 */
#include "isa/isa.h"

/* The longest text is an atomic's, about 70 characters. */
struct line {
	char s[128];
	size_t n;
};

static void put(struct line *l, char c)
{
	if (l->n < sizeof(l->s))
		l->s[l->n++] = c;
}

static void put_text(struct line *l, const char *s)
{
	while (*s)
		put(l, *s++);
}

static void put_hex(struct line *l, u64 v)
{
	unsigned shift = 60;

	put_text(l, "0x");
	while (shift && !(v >> shift))
		shift -= 4;
	for (;; shift -= 4) {
		put(l, "0123456789abcdef"[v >> shift & 15]);
		if (!shift)
			return;
	}
}

/* V with MINUS before a negative and PLUS before any other number. */
static void put_signed(struct line *l, const char *plus, const char *minus,
		       s64 v)
{
	put_text(l, v < 0 ? minus : plus);
	put_hex(l, v < 0 ? -(u64)v : (u64)v);
}

static void put_reg(struct line *l, char prefix, unsigned reg)
{
	put(l, prefix);
	if (reg > 9)
		put(l, '1');
	put(l, (char)('0' + reg % 10));
}

static u64 imm64(const struct bpf_insn *insn)
{
	return (u32)insn[0].imm | (u64)(u32)insn[1].imm << 32;
}

static void put_directive(struct line *l, char c, const struct bpf_insn *insn)
{
	s32 imm = insn->imm;

	switch (c) {
	case 'd': put_reg(l, 'r', insn->dst_reg); break;
	case 'D': put_reg(l, 'w', insn->dst_reg); break;
	case 's': put_reg(l, 'r', insn->src_reg); break;
	case 'S': put_reg(l, 'w', insn->src_reg); break;
	case 'h':
	case 'i': put_signed(l, "", "-", imm); break;
	case 'l': put_signed(l, "", "-", (s64)imm64(insn)); break;
	case 'n': put_hex(l, (u32)insn[1].imm); break;
	case 'j': put_signed(l, "+", "-", insn->off); break;
	case 'J':
	case 'C': put_signed(l, "+", "-", imm); break;
	case 'c': put_signed(l, "pc+", "pc-", imm); break;
	case 'o': put_signed(l, " + ", " - ", insn->off); break;
	case 'O':
		if (insn->off)
			put_signed(l, " + ", " - ", insn->off);
		break;
	case '+':
		if (imm)
			put_signed(l, " + ", " - ", imm);
		break;
	case 'a':
		put_hex(l, (u32)imm >> 16);
		put_text(l, ", ");
		put_hex(l, imm & 0xffff);
		break;
	default:
		put(l, c);	/* "%%" */
	}
}

/* SLOTS slots as the bytes that they are. */
static void put_raw(struct line *l, const struct bpf_insn *insn, unsigned slots)
{
	put_text(l, ".raw");
	for (; slots; slots--, insn++) {
		u8 b[sizeof(*insn)];

		memcpy(b, insn, sizeof(b));
		put_text(l, " 0x");
		for (size_t i = 0; i < sizeof(b); i++) {
			put(l, "0123456789abcdef"[b[i] >> 4]);
			put(l, "0123456789abcdef"[b[i] & 15]);
		}
	}
}

void isa_disasm(struct strbuf *out, const struct bpf_insn *insns, size_t n,
		size_t at)
{
	const struct bpf_insn *insn = &insns[at];
	bool more = n - at > 1;
	struct line l = { .n = 0 };

	if (isa_check_fields(insn, more ? insn + 1 : NULL)) {
		put_raw(&l, insn, more ? isa_slots(insn) : 1);
		sb_add(out, l.s, l.n);
		return;
	}
	for (const char *t = isa_rows[isa_op(insn)].text; *t; t++) {
		if (*t == '%')
			put_directive(&l, *++t, insn);
		else
			put(&l, *t);
	}
	sb_add(out, l.s, l.n);
}
