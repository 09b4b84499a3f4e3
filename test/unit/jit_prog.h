/* SPDX-License-Identifier: BSD-2-Clause */
/* jit_prog.h: programs that tests of native code put together. */
#ifndef JIT_PROG_H
#define JIT_PROG_H

#include "jit_world.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { PROGRAM_MAX = 2000 };

static inline u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline u64 operand(u64 *state)
{
	static const u64 edges[] = { 0, 1, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
		0x8000000000000000, 0xffffffff80000000, (u64)-1 };
	u64 r = next_random(state);

	return r & 1 ? edges[next_random(state) % ARRAY_LEN(edges)] :
	       next_random(state) >> (r >> 1 & 63);
}

struct prog { struct bpf_insn v[PROGRAM_MAX]; u32 n; };

static inline void add(struct prog *p, u8 code, u32 dst, u32 src, s32 off, s32 imm)
{
	assert_true(p->n < PROGRAM_MAX);
	p->v[p->n++] = (struct bpf_insn){ code, (u8)(dst & 15), (u8)(src & 15), (s16)off, imm };
}

static inline void add_imm(struct prog *p, u32 dst, u64 v)
{
	add(p, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (s32)v);
	add(p, 0, 0, 0, 0, (s32)(v >> 32));
}

static inline void show(const struct prog *p)
{
	struct strbuf text = { 0 };

	for (u32 at = 0; at < p->n; at += isa_slots(&p->v[at])) {
		isa_disasm(&text, p->v, p->n, at);
		sb_putc(&text, '\n');
	}
	fprintf(stderr, "%s", sb_text(&text));
	sb_free(&text);
}

static inline struct bpf_insn insn_of(enum isa_op op, u32 dst, u32 src, s32 imm)
{
	const struct isa_row *row = &isa_rows[op];
	unsigned fields = isa_fields(op);
	struct bpf_insn in = { .code = row->opcode };

	in.dst_reg = fields & FIELD_DST ? (u8)(dst & 15) : 0;
	in.src_reg = fields & FIELD_SRC ? (u8)(src & 15) : 0;
	in.imm = fields & FIELD_IMM ? imm : 0;
	in.off = row->sel == SEL_OFF ? row->val : 0;
	in.imm = row->sel == SEL_IMM ? row->val : in.imm;
	return in;
}

#endif
