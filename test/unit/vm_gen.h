/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm_gen.h: programs that pass isa_check out of any bytes, and what must hold
 * when the checked interpreter runs them: no crash, no write to what is
 * read-only, no more instructions than the budget, and twice the same.
 */
#ifndef VM_GEN_H
#define VM_GEN_H

#include "vm_world.h"
#include <stdio.h>

enum { GEN_INSNS = 64, GEN_SLOTS = 16 + 2 * GEN_INSNS + 1, GEN_BUDGET = 2000,
       GEN_PACKET_MAX = 64 };

struct gen {
	struct bpf_insn slots[GEN_SLOTS];
	u32 n;
	u32 start[GEN_INSNS + 1];	/* slot of each instruction */
	u32 insns;
	u8 packet[GEN_PACKET_MAX];
	u32 bytes, meta;
};

static inline void gen_add(struct gen *g, u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	g->slots[g->n++] = (struct bpf_insn){ code, dst, src, off, imm };
}

/* Good pointers to begin with: r6 packet, r7 map value, r8 stack, r9 context. */
static inline void gen_prologue(struct gen *g)
{
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_X, 9, 1, 0, 0);
	gen_add(g, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns);
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_X, 6, 0, 0, 0);
	gen_add(g, BPF_LD | BPF_DW | BPF_IMM, 7, BPF_PSEUDO_MAP_IDX_VALUE, 0, 0);
	gen_add(g, 0, 0, 0, 0, 0);
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_X, 8, 10, 0, 0);
	gen_add(g, BPF_ALU64 | BPF_MOV | BPF_X, 1, 9, 0, 0);
}

static inline bool gen_refused(enum isa_op op)
{
	return op == OP_AS_CAST || op == OP_CALL_KFUNC || op == OP_CALL_REG ||
	       op == OP_LDDW_MAP_FD || op == OP_LDDW_MAP_VAL || op == OP_LDDW_BTF_ID;
}

static inline s32 gen_imm(enum isa_op op, const u8 b[8])
{
	static const u8 helpers[] = { 1, 2, 5, 6, 7, 8, 12, 12, 14, 28, 42, 44, 65, 93,
				      105, 118, 165, 181, 181, 182, 189, 0, 4 };
	s32 imm;

	memcpy(&imm, b + 4, sizeof(imm));
	switch (op) {
	case OP_CALL:
		return helpers[(u32)imm % ARRAY_LEN(helpers)];
	case OP_LDDW_MAP_IDX:
	case OP_LDDW_IDX_VAL:
		return (s32)((u32)imm % WORLD_MAPS);
	default:
		return b[1] & 0x80 ? imm : (s8)b[4];
	}
}

/* One instruction out of 8 bytes; jumps are set later. */
static inline void gen_insn(struct gen *g, const u8 b[8])
{
	enum isa_op op = (enum isa_op)(b[0] % OP_MAX);
	const struct isa_row *row;
	struct bpf_insn in = { 0 };
	unsigned fields;

	if (gen_refused(op))
		op = OP_CALL;
	row = &isa_rows[op];
	fields = isa_fields(op);
	in.code = row->opcode;
	if (fields & FIELD_DST)
		in.dst_reg = (b[1] & 15) % 11;
	if (fields & FIELD_SRC)
		in.src_reg = (b[1] >> 4 & 7) + (b[2] & 1) * 3;
	if (fields & FIELD_OFF)
		in.off = (s16)(b[1] & 0x80 ? b[2] | b[3] << 8 : (s8)b[2]);
	if (fields & FIELD_IMM)
		in.imm = gen_imm(op, b);
	if (row->sel == SEL_OFF)
		in.off = row->val;
	if (row->sel == SEL_SRC)
		in.src_reg = (u8)row->val;
	if (row->sel == SEL_IMM)
		in.imm = row->val;
	g->start[g->insns++] = g->n;
	g->slots[g->n++] = in;
	if (isa_slots(&in) == 2)
		g->slots[g->n++] = (struct bpf_insn){
			.imm = op == OP_LDDW_FUNC || op == OP_LDDW_MAP_IDX ? 0 : (s8)b[3] };
}

/* Leads jumps, calls and function addresses to an instruction. */
static inline void gen_targets(struct gen *g)
{
	for (u32 i = 0; i < g->insns; i++) {
		struct bpf_insn *in = &g->slots[g->start[i]];
		enum isa_op op = isa_op(in);
		s64 seed = (s64)in->off + in->imm, delta;

		if (!isa_target(in, &delta) && op != OP_LDDW_FUNC)
			continue;
		delta = (s64)g->start[(u64)(i + seed) % g->insns] - g->start[i] - 1;
		if (op == OP_LDDW_FUNC || op == OP_CALL_LOCAL || op == OP_JA32)
			in->imm = (s32)delta;
		else
			in->off = (s16)delta;
	}
}

/* A program and a packet out of N bytes. */
static inline void gen_make(struct gen *g, const u8 *b, size_t n)
{
	memset(g, 0, sizeof(*g));
	if (n >= 2) {
		g->bytes = b[0] % GEN_PACKET_MAX;
		g->meta = g->bytes ? b[1] % 16 % g->bytes : 0;
		b += 2;
		n -= 2;
	}
	for (u32 i = 0; i < g->bytes; i++)
		g->packet[i] = (u8)(n ? b[i % n] : i);
	gen_prologue(g);
	while (n >= 8 && g->insns < GEN_INSNS) {
		gen_insn(g, b);
		b += 8;
		n -= 8;
	}
	g->start[g->insns++] = g->n;
	gen_add(g, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	gen_targets(g);
}

/* ---- what must hold --------------------------------------------------------- */

struct gen_result { int r; u64 ret, insns; enum vm_fault_kind kind; u32 insn; };

static inline void gen_require(bool good, const struct gen *g, const char *what)
{
	struct strbuf text = { 0 };

	if (good)
		return;
	for (u32 at = 0; at < g->n; at += isa_slots(&g->slots[at])) {
		isa_disasm(&text, g->slots, g->n, at);
		sb_putc(&text, '\n');
	}
	fprintf(stderr, "%s\n%s", what, sb_text(&text));
	abort();
}

static inline struct gen_result gen_once(struct world *w, const struct gen *g,
					 const struct vm_code *code)
{
	const struct packet_buf at = w->run.pkt;
	const struct vm_fault *f = vm_fault(w->machine);
	struct gen_result res = { 0 };

	world_reset(w);
	if (g->bytes)
		memcpy(w->frame, g->packet, g->bytes);
	res.r = vm_run(w->machine, code, &w->run, GEN_BUDGET, &res.ret);
	w->run.pkt = at;
	res.insns = vm_run_insns(w->machine);
	gen_require(res.insns <= GEN_BUDGET, g, "more instructions than the budget");
	gen_require(!memcmp(w->maps[1].mem.base, "0123456789abcde", 16) &&
		    !memcmp(w->maps[4].mem.base, "ABCDEFGH", 8), g, "a read-only map was written");
	gen_require(!res.r == (f->kind == VM_FAULT_NONE), g, "fault and return value disagree");
	if (res.r) {
		res.kind = f->kind;
		res.insn = f->insn;
		gen_require(f->insn <= g->n && f->text[0], g, "a fault without place or text");
	}
	return res;
}

/* True when it ran to its end. */
static inline bool gen_run(struct world *w, const struct gen *g)
{
	struct vm_bind bind = world_bind(w, g->slots, g->n, w);
	struct skep_err err = { 0 };
	struct gen_result first, again;
	struct vm_code *code;

	gen_require(!isa_check(g->slots, g->n, "gen", &err), g, skep_err_text(&err));
	gen_require(!vm_code_new(&code, &bind, VM_CHECKED, "gen", &err), g, skep_err_text(&err));
	w->progs[0] = w->progs[1] = code;
	world_packet_set(w, g->packet, g->bytes, g->meta, 0);
	first = gen_once(w, g, code);
	again = gen_once(w, g, code);
	gen_require(first.r == again.r && first.ret == again.ret && first.insns == again.insns &&
		    first.kind == again.kind && first.insn == again.insn, g,
		    "the second run differs from the first");
	w->progs[0] = w->progs[1] = NULL;
	vm_code_free(code);
	return !first.r;
}

#endif
