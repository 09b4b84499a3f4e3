/* SPDX-License-Identifier: BSD-2-Clause */
/* gen.c: see gen.h. */
#include "diff/gen_inner.h"

/* ---- arithmetic ------------------------------------------------------------ */

static bool is_alu(const struct isa_row *r)
{
	return r->kind <= KIND_BSWAP && r->kind != KIND_AS_CAST;
}

static bool is_shift(u8 kind)
{
	return kind == KIND_ALU_LSH || kind == KIND_ALU_RSH || kind == KIND_ALU_ARSH;
}

static bool divides(u8 kind)
{
	return kind == KIND_ALU_DIV || kind == KIND_ALU_SDIV || kind == KIND_ALU_MOD ||
	       kind == KIND_ALU_SMOD;
}

/* Fills what the row says and random operands. */
struct bpf_insn gen_row_insn(struct gen *g, enum isa_op op)
{
	const struct isa_row *r = &isa_rows[op];
	unsigned fields = isa_fields(op);
	struct bpf_insn in = { .code = r->opcode };

	if (fields & FIELD_DST)
		in.dst_reg = scalar(g);
	if (fields & FIELD_SRC)
		in.src_reg = scalar(g);
	if (fields & FIELD_IMM)
		in.imm = (s32)number(g);
	if (r->sel == SEL_OFF)
		in.off = r->val;
	else if (r->sel == SEL_IMM)
		in.imm = r->val;
	else if (r->sel == SEL_SRC)
		in.src_reg = (u8)r->val & 15;
	return in;
}

void gen_alu(struct gen *g)
{
	enum isa_op op;
	struct bpf_insn in;
	u8 kind;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while (!is_alu(&isa_rows[op]) || !has_row(g, op));
	kind = isa_rows[op].kind;
	in = gen_row_insn(g, op);
	if (is_shift(kind) && !(in.code & BPF_X))
		in.imm &= isa_rows[op].width - 1;
	if (divides(kind) && !(in.code & BPF_X) && !in.imm)
		in.imm = 3;
	add(g, in);
}

static void st_load_number(struct gen *g)
{
	u8 r = scalar(g);
	s64 v = number(g);

	ADD(BPF_LD_IMM64(r, v));
}

/* ---- memory --------------------------------------------------------------------- */

/* A row of one of the kinds, of any width. */
enum isa_op gen_row(struct gen *g, u8 kind, u8 or_kind)
{
	enum isa_op op;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while ((isa_rows[op].kind != kind && isa_rows[op].kind != or_kind) || !has_row(g, op));
	return op;
}

/* Where numbers may be loaded and stored: base register and a good offset. */
static u8 place(struct gen *g, u32 bytes, bool write, s16 *off)
{
	u32 where = pick(g, g->direct && (g->writes || !write) ? 3 : 2), room;

	if (where == 0) {	/* one slot, or a part of it */
		*off = (s16)(-8 * (s32)(1 + pick(g, 8)) + (s32)(pick(g, 8 / bytes) * bytes));
		return BPF_REG_10;
	}
	room = where == 1 ? VALUE_BYTES : PACKET_BYTES;
	*off = (s16)(pick(g, room / bytes) * bytes);
	return where == 1 ? BPF_REG_7 : BPF_REG_8;
}

static void st_load(struct gen *g)
{
	enum isa_op op = gen_row(g, KIND_LDX, KIND_LDXSX);
	struct bpf_insn in = gen_row_insn(g, op);

	in.src_reg = place(g, isa_rows[op].width / 8, false, &in.off) & 15;
	add(g, in);
}

static void st_store(struct gen *g)
{
	enum isa_op op = gen_row(g, KIND_ST, KIND_STX);
	struct bpf_insn in = gen_row_insn(g, op);

	in.dst_reg = place(g, isa_rows[op].width / 8, true, &in.off) & 15;
	add(g, in);
}

/* Gives what memory had before. */
static bool fetches(u8 kind)
{
	return kind == KIND_ATOMIC_FADD || kind == KIND_ATOMIC_FAND || kind == KIND_ATOMIC_FOR ||
	       kind == KIND_ATOMIC_FXOR || kind == KIND_ATOMIC_XCHG ||
	       kind == KIND_ATOMIC_CMPXCHG;
}

/*
 * The kernel has no atomic operations on packets. Those that fetch are not made
 * on the stack: Linux 6.18 loses track of precision there and removes code that
 * runs (doc/kernel.md).
 */
static void st_atomic(struct gen *g)
{
	bool direct = g->direct;
	enum isa_op op;
	struct bpf_insn in;
	u8 base, kind;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while (isa_rows[op].kind < KIND_ATOMIC_ADD || isa_rows[op].kind > KIND_ATOMIC_STREL ||
	       !has_row(g, op));
	in = gen_row_insn(g, op);
	kind = isa_rows[op].kind;
	g->direct = false;
	do
		base = place(g, isa_rows[op].width / 8, true, &in.off);
	while (base == BPF_REG_10 && fetches(kind));
	g->direct = direct;
	if (kind == KIND_ATOMIC_LDACQ)
		in.src_reg = base & 15;
	else
		in.dst_reg = base & 15;
	add(g, in);
}

/* The map's value at an offset that only a mask bounds. */
static void st_variable(struct gen *g)
{
	u8 at = scalar(g), v = scalar(g);

	if (at == v)
		v = at == 9 ? 0 : 9;
	ADD(BPF_ALU64_IMM(BPF_AND, at, VALUE_BYTES - 8), BPF_ALU64_REG(BPF_ADD, at, BPF_REG_7));
	if (pick(g, 2))
		ADD(BPF_LDX_MEM(BPF_DW, v, at, 0));
	else
		ADD(BPF_STX_MEM(BPF_DW, at, v, 0));
	ADD(BPF_MOV64_REG(at, v));	/* a number again */
}

static void simple(struct gen *g);

/* ---- control ------------------------------------------------------------------------ */

static void st_if(struct gen *g)
{
	u32 at, n = 1 + pick(g, 4);
	enum isa_op op;

	do
		op = (enum isa_op)pick(g, OP_MAX);
	while (isa_rows[op].kind < KIND_JMP_JEQ || isa_rows[op].kind > KIND_JMP_JSLE ||
	       !has_row(g, op));
	at = g->p->n;
	add(g, gen_row_insn(g, op));
	g->nesting++;
	for (u32 i = 0; i < n; i++)
		simple(g);
	g->nesting--;
	g->p->v[at].off = (s16)(g->p->n - at - 1);
}

/* The counter has a slot of its own. */
static void st_loop(struct gen *g)
{
	u32 head, n = 1 + pick(g, 3);
	const s16 counter = -96;

	if (g->nesting)
		return;
	ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, counter, (s32)(1 + pick(g, 6))));
	head = g->p->n;
	g->nesting++;
	for (u32 i = 0; i < n; i++)
		gen_alu(g);
	g->nesting--;
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, counter),
	    BPF_ALU64_IMM(BPF_SUB, BPF_REG_1, 1),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, counter));
	add(g, (struct bpf_insn)BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 0,
					    (s16)(head - g->p->n - 1)));
}

/* may_goto never ends this loop: the counter does. */
static void st_may_goto(struct gen *g)
{
	u32 head, leave, n = 1 + pick(g, 3);
	const s16 counter = -104;

	if (g->nesting || !has_row(g, OP_MAY_GOTO))
		return;
	ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, counter, (s32)(1 + pick(g, 50))));
	head = g->p->n;
	ADD(SKEP_INSN(isa_rows[OP_MAY_GOTO].opcode, 0, 0, 0, 0));
	for (u32 i = 0; i < n; i++)
		gen_alu(g);
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, counter),
	    BPF_ALU64_IMM(BPF_SUB, BPF_REG_1, 1),
	    BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, counter));
	leave = g->p->n;
	ADD(BPF_JMP_IMM(BPF_JEQ, BPF_REG_1, 0, 1), BPF_JMP_A((s16)(head - leave - 2)));
	g->p->v[head].off = (s16)(g->p->n - head - 1);
}

/* Two ways, of which JA or JA32 jumps over the second. */
static void st_else(struct gen *g)
{
	bool far = pick(g, 2) && has_row(g, OP_JA32);
	u32 at = g->p->n, ja;

	ADD(SKEP_INSN(pick(g, 2) ? BPF_JMP32 | BPF_JSLT | BPF_X : BPF_JMP32 | BPF_JSET | BPF_X,
		      scalar(g), scalar(g), 0, 0));
	g->nesting++;
	simple(g);
	ja = g->p->n;
	ADD(SKEP_INSN(far ? BPF_JMP32 | BPF_JA : BPF_JMP | BPF_JA, 0, 0, 0, 0));
	g->p->v[at].off = (s16)(g->p->n - at - 1);
	simple(g);
	g->nesting--;
	if (far)
		g->p->v[ja].imm = (s32)(g->p->n - ja - 1);
	else
		g->p->v[ja].off = (s16)(g->p->n - ja - 1);
}

/* ---- the whole ------------------------------------------------------------------------ */

static const gen_statement simples[] = {
	gen_alu, gen_alu, gen_alu, gen_alu, st_load_number, st_load, st_store, st_load, st_store,
	st_atomic,
};

static const gen_statement others[] = {
	gen_alu, gen_alu, gen_alu, st_load_number, st_load, st_store, st_atomic, st_variable,
	st_if, st_if, st_if, st_loop, st_may_goto, st_else,
};

static void simple(struct gen *g) { simples[pick(g, ARRAY_LEN(simples))](g); }

/* Most call something. */
static void statement(struct gen *g)
{
	if (pick(g, 5) < 3)
		gen_call(g);
	else
		others[pick(g, ARRAY_LEN(others))](g);
}

static void prologue(struct gen *g)
{
	ADD(BPF_MOV64_REG(BPF_REG_6, BPF_REG_1));
	if (g->packet)
		gen_load_packet(g);
	ADD(SKEP_LD_MAP_VALUE(BPF_REG_7, 0, 0));
	for (s16 i = 1; i <= 8; i++)
		ADD(BPF_ST_MEM(BPF_DW, BPF_REG_10, -8 * i, (s32)number(g)));
	ADD(BPF_MOV64_IMM(BPF_REG_0, (s32)number(g)), BPF_MOV64_IMM(BPF_REG_9, (s32)number(g)));
	after_call(g);
}

/* Everything that can be seen goes to map 2. */
static void epilogue(struct gen *g)
{
	static const u8 regs[] = { 0, 1, 2, 3, 4, 5, 9 };

	ADD(SKEP_LD_MAP_VALUE(BPF_REG_8, 2, 0));
	for (u32 i = 0; i < ARRAY_LEN(regs); i++)
		ADD(BPF_STX_MEM(BPF_DW, BPF_REG_8, regs[i], (s16)(8 * i)));
	for (u32 i = 0; i < 8; i++)
		ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, (s16)(-8 * (s32)(i + 1))),
		    BPF_STX_MEM(BPF_DW, BPF_REG_8, BPF_REG_1,
				(s16)(8 * (ARRAY_LEN(regs) + i))));
	if (g->result_mask)
		ADD(BPF_ALU64_IMM(BPF_AND, BPF_REG_0, g->result_mask));
	ADD(BPF_EXIT_INSN());
}

/* A function of r1 and r2, with a stack of its own. */
static void subprogram(struct gen *g)
{
	bool direct = g->direct;

	ADD(BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_2, -8),
	    BPF_MOV64_IMM(BPF_REG_3, (s32)number(g)), BPF_MOV64_IMM(BPF_REG_4, (s32)number(g)),
	    BPF_MOV64_IMM(BPF_REG_5, (s32)number(g)), BPF_MOV64_REG(BPF_REG_9, BPF_REG_2));
	g->direct = false;
	for (u32 i = 0, n = 1 + pick(g, 8); i < n; i++)
		gen_alu(g);
	g->direct = direct;
	ADD(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
	    BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_1), BPF_EXIT_INSN());
}

/* r1 = the round, r2 = the slots: they change; another round or not. */
static void loop_callback(struct gen *g)
{
	bool direct = g->direct;

	g->direct = false;
	ADD(BPF_MOV64_REG(BPF_REG_6, BPF_REG_2), BPF_MOV64_REG(BPF_REG_0, BPF_REG_1),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_9, BPF_REG_6, (s16)(8 * pick(g, 8))));
	after_call(g);
	for (u32 i = 0, n = 1 + pick(g, 6); i < n; i++)
		gen_alu(g);
	ADD(BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_9, (s16)(8 * pick(g, 8))),
	    BPF_ALU64_IMM(BPF_AND, BPF_REG_0, 1), BPF_EXIT_INSN());
	g->direct = direct;
}

/* r1 = the map, r2 = a key, r3 = its value, r4 = the slots: sums, which no order
 * changes. */
static void each_callback(struct gen *g)
{
	const s16 slot = (s16)(8 * pick(g, 8));

	ADD(BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_2, 0),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_3, 0),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_4, slot),
	    BPF_ALU64_REG(BPF_ADD, BPF_REG_2, BPF_REG_1),
	    BPF_ALU64_REG(BPF_ADD, BPF_REG_2, BPF_REG_0),
	    BPF_STX_MEM(BPF_DW, BPF_REG_4, BPF_REG_2, slot), BPF_MOV64_IMM(BPF_REG_0, 0),
	    BPF_EXIT_INSN());
}

/* r1 = the context: what slot 0 gives, or 5. */
static void tail_function(struct gen *g)
{
	ADD(SKEP_LD_MAP(BPF_REG_2, MAP_PROGS), BPF_MOV64_IMM(BPF_REG_3, gen_slot(g, 2)),
	    BPF_EMIT_CALL(BPF_FUNC_tail_call), BPF_MOV64_IMM(BPF_REG_0, 5), BPF_EXIT_INSN());
}

struct name {
	u32 at;
	enum gen_func fn;
};

/* The functions that CALLS name, and the places in CALLS. */
static void functions(struct gen *g, const struct name *calls, u32 n)
{
	static void (*const bodies[NR_FUNCS])(struct gen *) = { subprogram, loop_callback,
		each_callback, tail_function };

	for (u32 fn = 0; fn < NR_FUNCS; fn++) {
		u32 at = g->p->n;
		bool named = false;

		for (u32 i = 0; i < n; i++)
			if (calls[i].fn == fn) {
				g->p->v[calls[i].at].imm = (s32)(at - calls[i].at - 1);
				named = true;
			}
		if (!named)
			continue;
		bodies[fn](g);
	}
}

/* Types, more often those with more to do. */
enum { DIRECT = 1, WRITES = 2 };
static const struct { u32 type, attach, flags; s32 mask; } types[] = {
	{ BPF_PROG_TYPE_XDP, 0, DIRECT | WRITES, 0 },
	{ BPF_PROG_TYPE_XDP, 0, DIRECT | WRITES, 0 },
	{ BPF_PROG_TYPE_XDP, 0, DIRECT | WRITES, 0 },
	{ BPF_PROG_TYPE_SCHED_CLS, 0, DIRECT | WRITES, 0 },
	{ BPF_PROG_TYPE_SCHED_CLS, 0, DIRECT | WRITES, 0 },
	{ BPF_PROG_TYPE_SCHED_ACT, 0, DIRECT | WRITES, 0 },
	{ BPF_PROG_TYPE_SOCKET_FILTER, 0, 0, 0 },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, DIRECT, 1 },
	{ BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, DIRECT, 3 },
	{ BPF_PROG_TYPE_LWT_XMIT, 0, DIRECT | WRITES, 0 },
	{ BPF_PROG_TYPE_LWT_IN, 0, DIRECT, 0 },
};

bool gen_makes(u32 type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return true;
	return false;
}

static void choose_type(struct gen *g)
{
	u32 i = pick(g, ARRAY_LEN(types));

	g->p->type = types[i].type;
	g->p->attach = types[i].attach;
	g->packet = pick(g, 2);
	g->direct = g->packet && types[i].flags & DIRECT &&
		    !(types[i].type == BPF_PROG_TYPE_CGROUP_SKB && has_quirk(g, QUIRK_CGROUP_DATA));
	g->writes = types[i].flags & WRITES;
	g->result_mask = types[i].mask;
}

void gen_program(struct diff_prog *p, const struct gen_level *level, u64 seed, u64 skip)
{
	struct gen gen = { .p = p, .level = level, .rnd = seed }, *g = &gen;
	u32 n = 1 + pick(g, GEN_STATEMENTS), nr_calls = 0;
	struct name calls[GEN_STATEMENTS];

	p->n = 0;
	choose_type(g);
	prologue(g);
	for (u32 i = 0; i < n; i++) {
		g->rnd = seed ^ (0xd1342543de82ef95 * (i + 1));
		g->call = 0;
		if (!(skip >> i & 1))
			statement(g);
		if (g->call)
			calls[nr_calls++] = (struct name){ g->call, g->fn };
	}
	g->rnd = ~seed;
	epilogue(g);
	functions(g, calls, nr_calls);
}
