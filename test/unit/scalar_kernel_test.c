/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scalar_kernel_test.c: the scalar domain against the running kernel. Random
 * programs of arithmetic and jumps are loaded with log level 2; from the
 * registers that the log shows before each instruction ours computes those
 * after it, which must be equal to the kernel's or contained in them. Every
 * register of the log is also printed again and must give the same text.
 * SKEP_EXHAUSTIVE=1 runs many more; SKEP_SHOW=1 prints a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include "kernel_bpf.h"
#include "scalar_gen.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

enum { REGS = 9, MAX_INSNS = 128, LOG_BYTES = 8 << 20, EVENTS = 256, NO_INSN = MAX_INSNS };

/* R9 points to a map value, the others are numbers. */
struct reg { struct scalar s; bool known; };
struct regs { struct reg r[11]; };

/* A conditional jump on the path being read. */
struct event { unsigned insn, next; struct scalar a, b; };

struct tally { unsigned n, equal, ours, theirs; };

struct reader {
	struct bpf_insn insns[MAX_INSNS];
	unsigned n;
	struct regs regs;
	struct event events[EVENTS];
	unsigned n_events;
	struct event last;	/* the instruction that was read last, or none: NO_INSN */
	bool fresh_event;	/* the last event does not know its next instruction */
	struct tally tally[256][2];	/* by row; [1] the branch that is taken, ALU: [0] */
	struct tally guess[256];	/* n: both directions possible for the kernel */
	unsigned texts;
	int forks;		/* first parts that were shown, less second ones */
};

static char log_text[LOG_BYTES];

/* ---- reading the log ------------------------------------------------------ */

static struct scalar bounds_unknown(void) { return scalar_unknown(); }

static u64 number(const char *p)
{
	return *p == '-' ? (u64)strtoll(p, NULL, 0) : strtoull(p, NULL, 0);
}

static void set_bound(struct scalar *s, const char *name, size_t n, u64 v)
{
	static const char *const names[] = { "smin", "smax", "umin", "umax",
					     "smin32", "smax32", "umin32", "umax32" };
	size_t i = 0;

	while (i < ARRAY_LEN(names) && (strlen(names[i]) != n || memcmp(names[i], name, n)))
		i++;
	switch (i) {
	case 0: s->smin = (s64)v; break;
	case 1: s->smax = (s64)v; break;
	case 2: s->umin = v; break;
	case 3: s->umax = v; break;
	case 4: s->s32_min = (s32)v; break;
	case 5: s->s32_max = (s32)v; break;
	case 6: s->u32_min = (u32)v; break;
	case 7: s->u32_max = (u32)v; break;
	default: fail_msg("the log has a field %.*s", (int)n, name);
	}
}

struct link { u32 id; bool ahead; s32 delta; };

/* "smin=umin=5" or "var_off=(0x0; 0xff)" or "id=1+2", up to END. */
static void parse_field(struct scalar *s, const char *p, const char *end, struct link *link)
{
	const char *value = end;

	while (value[-1] != '=')
		value--;
	if (!strncmp(p, "id=", 3)) {
		char *rest;

		link->id = (u32)strtoul(value, &rest, 10);
		link->ahead = rest < end;
		link->delta = link->ahead ? (s32)strtol(rest, NULL, 10) : 0;
	} else if (!strncmp(p, "var_off=", 8)) {
		s->bits.value = strtoull(p + 9, NULL, 16);
		s->bits.mask = strtoull(strchr(p, ';') + 2, NULL, 16);
	} else {
		while (p < value) {
			const char *eq = strchr(p, '=');

			set_bound(s, p, (size_t)(eq - p), number(value));
			p = eq + 1;
		}
	}
}

static void check_text(const struct scalar *s, const struct link *link, const char *p, size_t n)
{
	struct strbuf b = { 0 };

	scalar_log(&b, s, link->id, link->ahead ? &link->delta : NULL);
	if (b.n != n || memcmp(b.s, p, n))
		fail_msg("the kernel prints\n%.*s\nours\n%s", (int)n, p, b.s);
	sb_free(&b);
}

/* The value P..END of a register. */
static struct reg parse_value(struct reader *r, const char *p, const char *end)
{
	struct reg reg = { bounds_unknown(), true };
	const char *start;
	struct link link = { 0 };

	if (*p == 'P')
		p++;
	start = p;
	if (strncmp(p, "scalar(", 7)) {
		reg.known = *p == '-' || (*p >= '0' && *p <= '9');
		reg.s = scalar_const(reg.known ? number(p) : 0);
	} else {
		for (p += 7; p < end - 1;) {
			const char *q = p;
			int depth = 0;

			while (q < end - 1 && (depth || *q != ',')) {
				depth += (*q == '(') - (*q == ')');
				q++;
			}
			parse_field(&reg.s, p, q, &link);
			p = q + 1;
		}
	}
	if (reg.known) {
		check_text(&reg.s, &link, start, (size_t)(end - start));
		r->texts++;
	}
	return reg;
}

/* All " R6=..." from P to the line's END. */
static void parse_regs(struct reader *r, const char *p, const char *end)
{
	while (p < end) {
		const char *q = p;
		unsigned i;
		int depth = 0, n = 0;

		if (sscanf(p, "R%u=%n", &i, &n) != 1 || !n) {
			p++;
			continue;
		}
		for (q = p + n; q < end && (depth || *q != ' '); q++)
			depth += (*q == '(') - (*q == ')');
		if (i < ARRAY_LEN(r->regs.r))
			r->regs.r[i] = parse_value(r, p + n, q);
		p = q;
	}
}

/* ---- comparing ------------------------------------------------------------ */

static const char *disasm(const struct bpf_insn *insn)
{
	static struct strbuf b;

	sb_reset(&b);
	isa_disasm(&b, insn, 1, 0);
	return sb_text(&b);
}

static void print_scalar(const char *what, const struct scalar *s)
{
	struct strbuf b = { 0 };

	scalar_log(&b, s, 0, NULL);
	print_message("   %-8s %s\n", what, sb_text(&b));
	sb_free(&b);
}

static void compare(struct tally *t, const struct bpf_insn *insn, const struct scalar *a,
		    const struct scalar *b, const struct scalar *ours,
		    const struct scalar *theirs)
{
	t->n++;
	if (scalar_eq(ours, theirs)) {
		t->equal++;
	} else if (scalar_subset(ours, theirs)) {
		t->ours++;
	} else if (t->theirs++ < 3) {
		print_message("the kernel knows more after %s:\n", disasm(insn));
		print_scalar("dst", a);
		print_scalar("src", b);
		print_scalar("ours", ours);
		print_scalar("kernel", theirs);
	}
}

static struct scalar source(const struct reader *r, const struct bpf_insn *insn)
{
	if (BPF_SRC(insn->code) == BPF_X && isa_rows[isa_op(insn)].kind <= KIND_MOVSX32)
		return r->regs.r[insn->src_reg].s;
	if (BPF_SRC(insn->code) == BPF_X && BPF_CLASS(insn->code) != BPF_ALU &&
	    BPF_CLASS(insn->code) != BPF_ALU64)
		return r->regs.r[insn->src_reg].s;
	return scalar_const((u64)(s64)insn->imm);
}

static bool consistent(const struct scalar *s)
{
	struct scalar copy = *s;

	return scalar_sync(&copy);
}

static void check_alu(struct reader *r, const struct bpf_insn *insn, const struct scalar *a,
		      const struct scalar *b)
{
	enum isa_op op = isa_op(insn);
	const struct isa_row *row = &isa_rows[op];
	struct scalar ours = *a, parts[2];

	if (!consistent(a) || !consistent(b))
		return;
	if (scalar_fork(row->kind, a, b, parts)) {
		r->forks++;
		ours = parts[0];
	}
	if (insn->dst_reg == insn->src_reg && BPF_SRC(insn->code) == BPF_X)
		scalar_alu_self(row->kind, row->width, &ours);
	else
		scalar_alu(row->kind, row->width, &ours, b);
	scalar_sync(&ours);
	compare(&r->tally[op][0], insn, a, b, &ours, &r->regs.r[insn->dst_reg].s);
}

static void check_branch(struct reader *r, const struct event *e, bool taken)
{
	const struct bpf_insn *insn = &r->insns[e->insn];
	enum isa_op op = isa_op(insn);
	struct scalar a = e->a, b = e->b;

	if (!consistent(&a) || !consistent(&b) ||
	    !scalar_refine(isa_rows[op].kind, isa_rows[op].width, &a, &b, taken))
		return;
	compare(&r->tally[op][taken], insn, &e->a, &e->b, &a, &r->regs.r[insn->dst_reg].s);
	if (BPF_SRC(insn->code) == BPF_X)
		compare(&r->tally[op][taken], insn, &e->a, &e->b, &b,
			&r->regs.r[insn->src_reg].s);
}

/* The kernel followed one direction only: so must ours. */
static void check_decided(struct reader *r, const struct event *e)
{
	const struct bpf_insn *insn = &r->insns[e->insn];
	enum isa_op op = isa_op(insn);
	bool taken = e->next != e->insn + 1;
	struct scalar a = e->a, b = e->b;
	enum scalar_truth t;

	if (!consistent(&a) || !consistent(&b))
		return;
	t = scalar_branch_taken(isa_rows[op].kind, isa_rows[op].width, &a, &b);
	r->guess[op].n++;
	if (t == (taken ? SCALAR_ALWAYS : SCALAR_NEVER)) {
		r->guess[op].equal++;
	} else if (t == SCALAR_UNSURE && r->guess[op].theirs++ < 3) {
		print_message("the kernel decides %s to be %d:\n", disasm(insn), taken);
		print_scalar("dst", &e->a);
		print_scalar("src", &e->b);
	} else if (t != SCALAR_UNSURE) {
		fail_msg("the kernel and ours decide %s otherwise", disasm(insn));
	}
}

/* Both directions possible for the kernel; ours may know better. */
static void check_open(struct reader *r, const struct event *e)
{
	enum isa_op op = isa_op(&r->insns[e->insn]);

	if (consistent(&e->a) && consistent(&e->b) &&
	    scalar_branch_taken(isa_rows[op].kind, isa_rows[op].width, &e->a, &e->b) !=
	    SCALAR_UNSURE)
		r->guess[op].ours++;
}

/* ---- lines ---------------------------------------------------------------- */

static bool is_jump(const struct bpf_insn *insn)
{
	u8 kind = isa_rows[isa_op(insn)].kind;

	return kind >= KIND_JMP_JEQ && kind <= KIND_JMP_JSLE;
}

static bool is_arithmetic(const struct bpf_insn *insn)
{
	return isa_rows[isa_op(insn)].kind <= KIND_BSWAP;
}

/* The path is at instruction AT. */
static void arrive(struct reader *r, unsigned at)
{
	if (r->fresh_event)
		r->events[r->n_events - 1].next = at;
	r->fresh_event = false;
}

/* The registers after the instruction that was read last. */
static void read_result(struct reader *r, const char *p, const char *end)
{
	const struct bpf_insn *insn = &r->insns[r->last.insn];

	parse_regs(r, p, end);
	if (is_arithmetic(insn))
		check_alu(r, insn, &r->last.a, &r->last.b);
	else if (is_jump(insn))
		check_branch(r, &r->last, false);
}

static void read_insn(struct reader *r, unsigned at, const char *p, const char *end)
{
	const struct bpf_insn *insn = &r->insns[at];
	const char *semi = memchr(p, ';', (size_t)(end - p));

	r->last = (struct event){ at, 0, r->regs.r[insn->dst_reg].s, scalar_const(0) };
	if (is_jump(insn) || is_arithmetic(insn))
		r->last.b = source(r, insn);
	if (is_jump(insn)) {
		assert_true(r->n_events < EVENTS);
		r->events[r->n_events++] = r->last;
		r->fresh_event = true;
	}
	if (semi)
		read_result(r, semi, end);
}

/* Path X went on where it had been left: all jumps after X were decided. */
static struct event back_to(struct reader *r, unsigned x)
{
	for (;;) {
		assert_true(r->n_events > 0);
		struct event e = r->events[--r->n_events];

		if (e.insn == x)
			return e;
		check_decided(r, &e);
	}
}

static void read_from(struct reader *r, unsigned x, const char *p, const char *end)
{
	struct event e;

	r->last.insn = NO_INSN;
	r->fresh_event = false;
	if (is_arithmetic(&r->insns[x])) {	/* the second part of a fork */
		parse_regs(r, p, end);
		r->forks--;
		return;
	}
	e = back_to(r, x);
	check_open(r, &e);
	if (memchr(p, '=', (size_t)(end - p))) {
		parse_regs(r, p, end);
		check_branch(r, &e, true);
	}
}

static void read_line(struct reader *r, const char *p, const char *end)
{
	unsigned at, to;
	int n = 0;

	if (sscanf(p, "from %u to %u:%n", &at, &to, &n) == 2 && n)
		read_from(r, at, p + n, end);
	else if (sscanf(p, "%u: %n", &at, &n) == 1 && n && at < r->n) {
		/* what it takes to make a register precise stands in between */
		if (p[n] == 'R' && at == r->last.insn) {
			read_result(r, p, end);
			return;
		}
		arrive(r, at);
		if (p[n] == '(')
			read_insn(r, at, p + n, end);
		else if (p[n] == 'R')
			parse_regs(r, p, end);
	}
}

static void read_log(struct reader *r)
{
	const char *p = strstr(log_text, "\n0: R");

	assert_non_null(p);
	r->n_events = 0;
	r->last.insn = NO_INSN;
	r->fresh_event = false;
	while (*++p) {
		const char *end = strchr(p, '\n');

		if (!end)
			break;
		read_line(r, p, end);
		p = end;
	}
	while (r->n_events)
		check_decided(r, &r->events[--r->n_events]);
}

/* ---- programs ------------------------------------------------------------- */

static void emit(struct reader *r, u8 op, u8 dst, u8 src, s16 off, s32 imm)
{
	r->insns[r->n++] = (struct bpf_insn){ .code = op, .dst_reg = dst, .src_reg = src,
		.off = off, .imm = imm };
}

static void emit_wide(struct reader *r, u8 dst, u64 v)
{
	emit(r, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (s32)v);
	emit(r, 0, 0, 0, 0, (s32)(v >> 32));
}

static void emit_start(struct reader *r, int map)
{
	static const u8 loads[] = {
		BPF_LDX | BPF_MEM | BPF_DW, BPF_LDX | BPF_MEM | BPF_W,
		BPF_LDX | BPF_MEM | BPF_H, BPF_LDX | BPF_MEM | BPF_B,
		BPF_LDX | BPF_MEMSX | BPF_W, BPF_LDX | BPF_MEMSX | BPF_H,
		BPF_LDX | BPF_MEMSX | BPF_B, BPF_LDX | BPF_MEM | BPF_DW,
	};

	r->n = 0;
	emit(r, BPF_LD | BPF_DW | BPF_IMM, 9, BPF_PSEUDO_MAP_VALUE, 0, map);
	emit(r, 0, 0, 0, 0, 0);
	for (u8 i = 0; i < REGS; i++)
		if (gen_below(8))
			emit(r, loads[gen_below(8)], i, 9, 8 * i, 0);
		else
			emit_wide(r, i, gen_value());
}

static s32 immediate(const struct isa_row *row)
{
	s32 v = (s32)gen_value();

	switch (row->kind) {
	case KIND_ALU_LSH: case KIND_ALU_RSH: case KIND_ALU_ARSH:
		return (s32)gen_below(row->width);
	case KIND_ALU_DIV: case KIND_ALU_SDIV: case KIND_ALU_MOD: case KIND_ALU_SMOD:
		return v ? v : 1;
	default:
		return v;
	}
}

/* A copy would link the two registers, and the log does not show what then
 * happens to the other; so the copied one gets a new value. */
static void emit_random(struct reader *r, bool jumps, unsigned op)
{
	const struct isa_row *row = &isa_rows[op];
	u8 dst = (u8)gen_below(REGS), src = (u8)gen_below(REGS);
	bool x = BPF_SRC(row->opcode) == BPF_X && row->kind < KIND_NEG;
	struct bpf_insn insn = { .code = row->opcode, .dst_reg = dst };

	if (row->kind >= KIND_JMP_JEQ) {
		if (!jumps)
			return;
		insn.off = (s16)(1 + gen_below(3));
		x = BPF_SRC(row->opcode) == BPF_X;
		src = src == dst ? (u8)((src + 1) % REGS) : src;
	}
	if (row->kind >= KIND_MOV && row->kind <= KIND_MOVSX32)
		x = BPF_SRC(row->opcode) == BPF_X;
	if (x)
		insn.src_reg = src;
	else if (row->kind != KIND_NEG)
		insn.imm = immediate(row);
	if (row->sel == SEL_OFF)
		insn.off = row->val;
	if (row->sel == SEL_IMM)
		insn.imm = row->val;
	r->insns[r->n++] = insn;
	if (x && row->kind >= KIND_MOV && row->kind <= KIND_MOVSX32 && src != dst)
		emit(r, BPF_LDX | BPF_MEM | BPF_DW, src, 9, 0, 0);
}

static bool in_scope(unsigned op)
{
	u8 kind = isa_rows[op].kind;

	return kind <= KIND_JMP_JSLE && kind != KIND_AS_CAST;
}

static void make_program(struct reader *r, int map)
{
	unsigned jumps = 0;

	emit_start(r, map);
	while (r->n < 60) {
		unsigned op = (unsigned)gen_below(OP_MAX), before = r->n;

		if (!in_scope(op))
			continue;
		if (gen_below(4) == 0 && jumps < 7)	/* ranges come from jumps */
			op = OP_JEQ64_K + (unsigned)gen_below(OP_JSLE32_X - OP_JEQ64_K + 1);
		emit_random(r, jumps < 7, op);
		jumps += r->n > before && isa_rows[op].kind >= KIND_JMP_JEQ;
	}
	for (int i = 0; i < 4; i++)
		emit(r, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	emit(r, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static bool load_program(struct reader *r)
{
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)r->insns, .insn_cnt = r->n,
		.license = (uintptr_t)"GPL", .log_level = 2, .log_size = LOG_BYTES,
		.log_buf = (uintptr_t)log_text };
	int fd = sys_bpf(BPF_PROG_LOAD, &a);

	if (fd < 0) {
		size_t n = strlen(log_text);

		fail_msg("the kernel refuses a program (%d): %s", fd,
			 log_text + (n > 500 ? n - 500 : 0));
	}
	close(fd);
	return true;
}

static void show_table(const struct reader *r)
{
	print_message("%-14s %9s %9s %9s %9s   %s\n", "instruction", "cases", "equal", "better",
		      "worse", "jumps decided by: both, kernel only, ours only");
	for (unsigned op = 0; op < OP_MAX; op++) {
		const struct tally *t = r->tally[op], *g = &r->guess[op];

		if (!in_scope(op))
			continue;
		print_message("%-14s %9u %9u %9u %9u", isa_rows[op].name, t[0].n + t[1].n,
			      t[0].equal + t[1].equal, t[0].ours + t[1].ours,
			      t[0].theirs + t[1].theirs);
		if (isa_rows[op].kind >= KIND_JMP_JEQ)
			print_message("   %u %u %u", g->equal, g->theirs, g->ours);
		print_message("\n");
	}
}

static void test_precision(void **state)
{
	struct map_attr m = { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 128,
		.max_entries = 1 };
	static struct reader r;
	unsigned worse = 0, programs = getenv("SKEP_EXHAUSTIVE") ? 20000 : 150;
	int map;

	need_kernel();
	map = kmap_create(&m);
	assert_true(map >= 0);
	for (unsigned i = 0; i < programs; i++) {
		make_program(&r, map);
		load_program(&r);
		read_log(&r);
	}
	close(map);
	if (getenv("SKEP_SHOW"))
		show_table(&r);
	for (unsigned op = 0; op < OP_MAX; op++)
		worse += r.tally[op][0].theirs + r.tally[op][1].theirs + r.guess[op].theirs;
	/* the log leaves out the result where the path ends then */
	assert_true(r.forks <= 0);
	print_message("%u registers of the log printed alike\n", r.texts);
	assert_true(r.texts > programs * 50);
	assert_int_equal(worse, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_precision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
