/* SPDX-License-Identifier: BSD-2-Clause */
/* linked.c: see linked.h. r6, r8, r9, r1, r2, r3 are numbers, r4 counts. */
#include "diff/linked.h"
#include <linux/bpf.h>
#include <skep/insn.h>

enum { EXITS = 40, NUMBERS = 6, SLOTS = 2, MEMSX = 0x80 };

struct linked {
	struct diff_prog *p;
	u64 rng;
	u32 exits[EXITS], nr_exits;
};

static const u8 numbers[NUMBERS] = { 6, 8, 9, 1, 2, 3 };

static u32 any(struct linked *l, u32 n) { return gen_below(&l->rng, n); }
static u8 number(struct linked *l) { return numbers[any(l, NUMBERS)]; }
static s16 slot(struct linked *l) { return (s16)(-8 * (1 + (s32)any(l, SLOTS))); }
static u8 alu(struct linked *l) { return any(l, 2) ? BPF_ALU64 : BPF_ALU; }
static u8 width(struct linked *l)
{
	return (u8[]){ BPF_B, BPF_H, BPF_W, BPF_DW }[any(l, 4)];
}

static void add(struct linked *l, struct bpf_insn in)
{
	assert(l->p->n < PROG_MAX);
	l->p->v[l->p->n++] = in;
}

static s32 constant(struct linked *l)
{
	static const s32 some[] = { 0, 1, 2, 5, 8, 15, 16, 31, 60, 64, 127, 128, 255, 256, -1, -2,
				    -8, -128, 0x7fff, 0xffff, 0x7fffffff, INT32_MIN };

	return some[any(l, ARRAY_LEN(some))];
}

static void move(struct linked *l)
{
	u8 class = alu(l);
	u32 bits = any(l, 3) ? 0 : 8u << any(l, class == BPF_ALU ? 2 : 3);

	add(l, SKEP_INSN(class | BPF_MOV | BPF_X, number(l), number(l), bits, 0));
}

static void sum(struct linked *l)
{
	u8 op = any(l, 2) ? BPF_ADD : BPF_SUB;

	if (any(l, 3))
		add(l, SKEP_INSN(alu(l) | op | BPF_K, number(l), 0, 0, constant(l)));
	else
		add(l, SKEP_INSN(alu(l) | op | BPF_X, number(l), number(l), 0, 0));
}

static void spill(struct linked *l)
{
	u8 size = width(l);

	if (any(l, 2))
		add(l, SKEP_INSN(BPF_STX | BPF_MEM | size, 10, number(l), slot(l), 0));
	else
		add(l, SKEP_INSN(BPF_LDX | (size != BPF_DW && any(l, 2) ? MEMSX : BPF_MEM) | size,
				 number(l), 10, slot(l), 0));
}

/* Leaves the program, or leaves a copy out. */
static void condition(struct linked *l)
{
	static const u8 ops[] = { BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE,
				  BPF_JSGT, BPF_JSLT, BPF_JSGE, BPF_JSLE, BPF_JSET };
	u8 op = (any(l, 2) ? BPF_JMP : BPF_JMP32) | ops[any(l, ARRAY_LEN(ops))];
	bool leaves = any(l, 3) && l->nr_exits < EXITS;

	if (leaves)
		l->exits[l->nr_exits++] = l->p->n;
	if (any(l, 4))
		add(l, SKEP_INSN(op | BPF_K, number(l), 0, 1, constant(l)));
	else
		add(l, SKEP_INSN(op | BPF_X, number(l), number(l), 1, 0));
	if (!leaves)
		move(l);
}

static void prologue(struct linked *l)
{
	const struct bpf_insn value[] = { SKEP_LD_MAP_VALUE(BPF_REG_7, MAP_VALUE, 0) };

	add(l, value[0]);
	add(l, value[1]);
	for (u32 i = 0; i < NUMBERS; i++)
		if (i < 2)
			add(l, BPF_LDX_MEM(width(l), numbers[i], BPF_REG_7, (s16)(8 * i)));
		else
			add(l, BPF_MOV64_REG(numbers[i], numbers[any(l, 2)]));
	for (s16 i = 1; i <= SLOTS; i++)
		add(l, BPF_STX_MEM(BPF_DW, BPF_REG_10, number(l), (s16)(-8 * i)));
	add(l, BPF_MOV64_IMM(BPF_REG_4, 0));
}

void linked_program(struct diff_prog *p, u64 seed)
{
	static void (*const all[])(struct linked *) = { move, move, sum, sum, sum, spill, spill,
							condition, condition, condition };
	struct linked l = { .p = p, .rng = seed };
	u32 head;

	p->n = 0;
	p->type = BPF_PROG_TYPE_XDP;
	p->attach = 0;
	prologue(&l);
	head = p->n;
	for (u32 i = 6 + any(&l, 12); i > 0; i--)
		all[any(&l, ARRAY_LEN(all))](&l);
	if (!any(&l, 4)) {	/* three times */
		add(&l, BPF_ALU64_IMM(BPF_ADD, BPF_REG_4, 1));
		add(&l, BPF_JMP_IMM(BPF_JLT, BPF_REG_4, 3, (s16)((s32)head - (s32)p->n - 1)));
	}
	for (u32 i = 0; i < l.nr_exits; i++)
		p->v[l.exits[i]].off = (s16)(p->n - l.exits[i] - 1);
	add(&l, BPF_MOV64_IMM(BPF_REG_0, XDP_PASS));
	add(&l, BPF_EXIT_INSN());
}
