/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.c: see model.h. States are kept where a run may go on in several ways, or
 * comes to what others come to, too: at random numbers, at may_goto, behind jumps back,
 * calls and returns. What lies between is followed at once.
 */
#include "diff/model.h"
#include "diff/gen.h"
#include "base/arena.h"
#include "base/hash.h"
#include <inttypes.h>

enum { STACK = 64, FRAMES = 3, MOST_STATES = 12000, MOST_STEPS = 4000, GIVEN = 8 };
enum call_kind { CALL_LOCAL, CALL_LOOP };

/* Addresses; the numbers of programs do not come near them. */
#define STACK_AT 0x100000000000ull
#define VALUE_AT 0x200000000000ull
#define FUNC_AT 0x300000000000ull
#define FRAME_BYTES 0x1000ull

struct frame {
	u64 saved[4];		/* r6..r9 of the caller */
	u32 ret;		/* the call */
	u32 kind;		/* enum call_kind */
	u32 i, n, body, unused;	/* LOOP */
	u64 ctx;
	u8 stack[STACK];
};

struct state {
	u32 pc, depth;		/* frames less 1 */
	u64 r[10];
	struct frame f[FRAMES];
};

struct edge { u32 from, to; bool budgeted; };

struct job {
	struct model *m;
	const struct diff_prog *p;
	const struct facts *facts;
	struct state *v;	/* [MOST_STATES] */
	u32 *up;		/* the state before */
	u32 n;
	u32 *table, mask;
	VEC(struct edge) edges;
	u32 at;			/* the state at hand */
	bool full;
};

/* ---- states -------------------------------------------------------------- */

static u32 state_put(struct job *j, const struct state *s)
{
	u32 i = (u32)hash_bytes(s, sizeof(*s), 0) & j->mask;

	for (; j->table[i]; i = (i + 1) & j->mask)
		if (!memcmp(&j->v[j->table[i] - 1], s, sizeof(*s)))
			return j->table[i] - 1;
	if (j->n == MOST_STATES) {
		j->full = true;
		return 0;
	}
	j->v[j->n] = *s;
	j->up[j->n] = j->at;
	j->table[i] = ++j->n;
	return j->n - 1;
}

static void go_on(struct job *j, const struct state *s, bool budgeted)
{
	u32 to = state_put(j, s);

	if (!j->full)
		*vec_push(&j->edges) = (struct edge){ j->at, to, budgeted };
}

static u64 frame_top(u32 depth) { return STACK_AT + depth * FRAME_BYTES; }

static u64 reg(const struct state *s, unsigned r)
{
	return r == 10 ? frame_top(s->depth) : s->r[r];
}

/* SIZE bytes of a stack at ADDR, or NULL. */
static u8 *stack_at(struct state *s, u64 addr, u32 size)
{
	for (u32 f = 0; f <= s->depth; f++) {
		u64 off = frame_top(f) - addr;

		if (off <= STACK && off >= size)
			return s->f[f].stack + STACK - off;
	}
	return NULL;
}

/* ---- what is found --------------------------------------------------------- */

static void tell_state(struct job *j, const struct state *s)
{
	struct strbuf *out = &j->m->how;

	sb_printf(out, "%5u: ", s->pc);
	isa_disasm(out, j->p->v, j->p->n, s->pc);
	for (unsigned r = 0; r < 10; r++)
		sb_printf(out, "%s%" PRIx64, r ? " " : "  [", s->r[r]);
	sb_puts(out, "] ");
	for (u32 n = 1; n <= STACK / 8; n++) {
		u64 v;

		memcpy(&v, s->f[s->depth].stack + STACK - 8 * n, 8);
		sb_printf(out, " %" PRIx64, v);
	}
	sb_putc(out, '\n');
}

static void tell_way(struct job *j, u32 at)
{
	u32 way[200], n = 0;

	for (; at && n < ARRAY_LEN(way); at = j->up[at])
		way[n++] = at;
	while (n)
		tell_state(j, &j->v[way[--n]]);
}

static void found(struct job *j, const struct state *s, enum model_end end, const char *what)
{
	if (j->m->end)
		return;
	j->m->end = end;
	j->m->insn = s->pc;
	tell_way(j, j->at);
	tell_state(j, s);
	sb_printf(&j->m->how, "%s\n", what);
}

/* ---- facts ------------------------------------------------------------------ */

static bool number_in(const struct fact_reg *f, u64 v)
{
	return f->kind != FACT_NUMBER || scalar_has(&f->val, v);
}

static void check_facts(struct job *j, const struct state *s)
{
	char what[60];

	if (!facts_reached(j->facts, s->pc))
		found(j, s, MODEL_FACTS, "never reached");
	for (unsigned r = 0; r < 10; r++)
		if (!number_in(facts_reg(j->facts, s->pc, r), s->r[r])) {
			snprintf(what, sizeof(what), "r%u", r);
			found(j, s, MODEL_FACTS, what);
		}
	for (u32 n = 0; n < facts_slots(j->facts, s->pc) && n < STACK / 8; n++) {
		const struct fact_slot *t = facts_slot(j->facts, s->pc, n);
		u64 v = 0;
		u32 k = 0;

		while (k < 8 && t->byte[k] == FACT_BYTE_PART)
			k++;
		memcpy(&v, s->f[s->depth].stack + STACK - 8 * (n + 1), k);
		if (k && !number_in(t->reg, v))
			found(j, s, MODEL_FACTS, "a slot");
	}
}

/* ---- arithmetic, conditions --------------------------------------------------- */

#define OPERATE(ut, st, w, expr) { \
	typedef ut T; enum { W = w }; T D = (T)d, S = (T)s; st SD = (st)D, SS = (st)S; \
	(void)SD; (void)SS; (void)W; (void)sizeof(T); return (u64)(expr); }
#define BOTH(kind, cast, expr) \
	case kind: \
		if (width == 32) OPERATE(u32, s32, 32, (cast)(expr)) \
		OPERATE(u64, s64, 64, (expr))

static u64 compute(unsigned kind, unsigned width, u64 d, u64 s)
{
	switch (kind) {
#define ALU(name, code, sym, g32, g64, expr) BOTH(KIND_ALU_##name, u32, expr)
#define ALU2(un, usym, uexpr, sn, ssym, sexpr, code) \
	BOTH(KIND_ALU_##un, u32, uexpr) BOTH(KIND_ALU_##sn, u32, sexpr)
#include "isa/insn.def"
	BOTH(KIND_NEG, u32, -D)
	BOTH(KIND_MOV, u32, S)
	BOTH(KIND_MOVSX8, u32, (s8)S)
	BOTH(KIND_MOVSX16, u32, (s16)S)
	BOTH(KIND_MOVSX32, u32, (s32)S)
	default:
		assert(!"an operation of tiny.c");
		return 0;
	}
}

static bool holds(unsigned kind, unsigned width, u64 d, u64 s)
{
	switch (kind) {
#define JMP(name, code, sym, cond) BOTH(KIND_JMP_##name, bool, cond)
#include "isa/insn.def"
	default:
		assert(!"a condition of tiny.c");
		return 0;
	}
}

static u64 operand(const struct state *s, const struct bpf_insn *in)
{
	return BPF_SRC(in->code) == BPF_X ? reg(s, in->src_reg) : (u64)(s64)in->imm;
}

/* ---- memory ------------------------------------------------------------------- */

static u64 extend(u64 v, u32 bytes, bool sign)
{
	unsigned n = 64 - bytes * 8;

	return sign ? (u64)((s64)(v << n) >> n) : v << n >> n;
}

/* What is in the map is 0. */
static bool load(struct job *j, struct state *s, const struct bpf_insn *in, u32 bytes, bool sign)
{
	u64 addr = reg(s, in->src_reg) + (u64)(s64)in->off, v = 0;
	const u8 *mem = stack_at(s, addr, bytes);

	if (mem)
		memcpy(&v, mem, bytes);
	else if (addr < VALUE_AT || addr + bytes > VALUE_AT + VALUE_BYTES) {
		found(j, s, MODEL_ACCESS, "a load");
		return false;
	}
	s->r[in->dst_reg] = extend(v, bytes, sign);
	return true;
}

static bool store(struct job *j, struct state *s, const struct bpf_insn *in, u32 bytes, u64 v)
{
	u8 *mem = stack_at(s, reg(s, in->dst_reg) + (u64)(s64)in->off, bytes);

	if (!mem) {
		found(j, s, MODEL_ACCESS, "a store");
		return false;
	}
	memcpy(mem, &v, bytes);
	return true;
}

/* ---- calls ---------------------------------------------------------------------- */

static void clobber(struct state *s)
{
	for (unsigned r = 1; r <= 5; r++)
		s->r[r] = 0;
}

static struct frame *push_frame(struct state *s, enum call_kind kind, u32 body)
{
	struct frame *f = &s->f[++s->depth];

	memset(f, 0, sizeof(*f));
	memcpy(f->saved, &s->r[6], sizeof(f->saved));
	f->ret = s->pc;
	f->kind = kind;
	f->body = body;
	s->pc = body;
	return f;
}

static void enter_body(struct state *s, const struct frame *f)
{
	s->r[1] = f->i;
	s->r[2] = f->ctx;
	s->r[0] = s->r[3] = s->r[4] = s->r[5] = 0;
	s->pc = f->body;
}

static void loop_call(struct job *j, struct state *s)
{
	u32 n = (u32)s->r[1];
	u64 ctx = s->r[3];
	struct frame *f;

	if (!n || n > 1u << 23 || s->depth + 1 == FRAMES) {
		s->r[0] = n > 1u << 23 ? (u64)-7 : 0;
		clobber(s);
		s->pc++;
	} else {
		f = push_frame(s, CALL_LOOP, (u32)(s->r[2] - FUNC_AT));
		f->n = n;
		f->ctx = ctx;
		enter_body(s, f);
	}
	go_on(j, s, false);
}

static void random_call(struct job *j, struct state *s)
{
	static const u64 some[] = { 0, 1, 2, 7, 8, 15, 0x7fffffff, 0xffffffff };
	const struct bpf_insn *next = &j->p->v[s->pc + 1];
	bool masked = next->code == (BPF_ALU64 | BPF_AND | BPF_K) && !next->dst_reg &&
		      next->imm >= 0 && next->imm < GIVEN;
	u32 n = masked ? (u32)next->imm + 1 : ARRAY_LEN(some);

	clobber(s);
	s->pc++;
	for (u32 i = 0; i < n; i++) {
		s->r[0] = masked ? i : some[i];
		go_on(j, s, false);
	}
}

static void iter_call(struct job *j, struct state *s, s32 which)
{
	s32 *it = (s32 *)(void *)stack_at(s, s->r[1], 8);

	assert(it);
	if (which == EXT_ITER_NEW) {
		bool bad = (s32)s->r[2] > (s32)s->r[3];

		it[0] = bad ? 0 : (s32)s->r[2] - 1;
		it[1] = bad ? 0 : (s32)s->r[3];
		s->r[0] = bad ? (u64)-22 : 0;
	} else if (which == EXT_ITER_NEXT) {
		bool more = it[0] + 1 < it[1];

		s->r[0] = more ? s->r[1] : 0;
		it[0] = more ? it[0] + 1 : 0;
		it[1] = more ? it[1] : 0;
	} else {
		it[0] = it[1] = 0;
		s->r[0] = 0;
	}
	clobber(s);
	s->pc++;
	go_on(j, s, false);
}

static void call(struct job *j, struct state *s, const struct bpf_insn *in)
{
	switch (isa_op(in)) {
	case OP_CALL_KFUNC:
		iter_call(j, s, in->imm);
		break;
	case OP_CALL_LOCAL:
		if (s->depth + 1 == FRAMES)
			return;
		push_frame(s, CALL_LOCAL, s->pc + 1 + (u32)in->imm);
		go_on(j, s, false);
		break;
	default:
		in->imm == BPF_FUNC_loop ? loop_call(j, s) : random_call(j, s);
	}
}

static void leave(struct job *j, struct state *s)
{
	struct frame *f = &s->f[s->depth];

	if (!s->depth)
		return;
	memcpy(&s->r[6], f->saved, sizeof(f->saved));
	if (f->kind == CALL_LOOP && !s->r[0] && ++f->i < f->n) {
		memset(f->stack, 0, sizeof(f->stack));
		enter_body(s, f);
	} else {
		if (f->kind == CALL_LOOP)
			s->r[0] = f->i + (s->r[0] ? 1 : 0);
		s->pc = f->ret + 1;
		clobber(s);
		memset(f, 0, sizeof(*f));
		s->depth--;
	}
	go_on(j, s, false);
}

/* ---- a step --------------------------------------------------------------------- */

static void address(const struct job *j, struct state *s, const struct bpf_insn *in)
{
	const struct bpf_insn *high = in + 1;
	u64 *r = &s->r[in->dst_reg];

	(void)j;
	if (in->src_reg == BPF_PSEUDO_FUNC)
		*r = FUNC_AT + s->pc + 1 + (u32)in->imm;
	else if (in->src_reg == BPF_PSEUDO_MAP_IDX_VALUE)
		*r = VALUE_AT + (u32)high->imm;
	else
		*r = (u32)in->imm | (u64)(u32)high->imm << 32;
	s->pc += 2;
}

static void may_goto(struct job *j, struct state *s, s16 off)
{
	struct state other = *s;

	s->pc++;
	go_on(j, s, true);
	other.pc += 1 + (u32)(s32)off;
	go_on(j, &other, false);
}

/* One instruction; false: the states that follow were kept, or there are none. */
static bool step(struct job *j, struct state *s)
{
	const struct bpf_insn *in = &j->p->v[s->pc];
	const struct isa_row *row = &isa_rows[isa_op(in)];
	u32 from = s->pc;

	switch (row->kind) {
	case KIND_ALU_ADD ... KIND_MOVSX32:
		s->r[in->dst_reg] = compute(row->kind, row->width, s->r[in->dst_reg],
					    operand(s, in));
		break;
	case KIND_JMP_JEQ ... KIND_JMP_JSLE:
		if (holds(row->kind, row->width, reg(s, in->dst_reg), operand(s, in)))
			s->pc += (u32)(s32)in->off;
		break;
	case KIND_JA:
		s->pc += (u32)(s32)in->off;
		break;
	case KIND_MAY_GOTO:
		may_goto(j, s, in->off);
		return false;
	case KIND_LDDW:
		address(j, s, in);
		return true;
	case KIND_LDX:
	case KIND_LDXSX:
		if (!load(j, s, in, row->width / 8u, row->kind == KIND_LDXSX))
			return false;
		break;
	case KIND_ST:
	case KIND_STX:
		if (!store(j, s, in, row->width / 8u, row->kind == KIND_ST ?
			   (u64)(s64)in->imm : reg(s, in->src_reg)))
			return false;
		break;
	case KIND_EXIT:
		leave(j, s);
		return false;
	default:
		call(j, s, in);
		return false;
	}
	s->pc++;
	if (s->pc > from)
		return true;
	go_on(j, s, false);
	return false;
}

static void follow(struct job *j)
{
	struct state s = j->v[j->at];
	u32 n = 0;

	do {
		if (j->facts)
			check_facts(j, &s);
	} while (!j->m->end && ++n < MOST_STEPS && step(j, &s));
}

/* ---- runs without an end ---------------------------------------------------------- */

/* Strongly connected parts of the states, by Tarjan's way. */
struct parts {
	const struct job *j;
	u32 depth;
	u32 *first;		/* [n + 1] edges of each state, in TO */
	u32 *to, *order, *low, *next, *path, *stack;
	u32 nr_order, nr_path, nr_stack;
	u32 found;		/* 1 + a state with DEPTH that comes back to itself */
};

/*
 * Is it an edge of a circle of states whose frames are DEPTH or more, that comes to one
 * with DEPTH? Those frames stay, and each way round that uses the budget of the last of
 * them ends. (Those above are other ones each time, with budgets of their own.)
 */
static bool counts(const struct parts *t, const struct edge *e)
{
	const struct state *v = t->j->v;

	return v[e->from].depth >= t->depth && v[e->to].depth >= t->depth &&
	       !(e->budgeted && v[e->from].depth == t->depth);
}

static void edges_sort(struct parts *t)
{
	const struct job *j = t->j;

	for (size_t i = 0; i < j->edges.n; i++)
		t->first[j->edges.v[i].from + 1] += counts(t, &j->edges.v[i]);
	for (u32 i = 0; i < j->n; i++)
		t->first[i + 1] += t->first[i];
	memcpy(t->next, t->first, j->n * sizeof(u32));
	for (size_t i = 0; i < j->edges.n; i++)
		if (counts(t, &j->edges.v[i]))
			t->to[t->next[j->edges.v[i].from]++] = j->edges.v[i].to;
	memcpy(t->next, t->first, j->n * sizeof(u32));
}

/* All of one part are on top of the stack. */
static void part_end(struct parts *t, u32 at)
{
	u32 n = 0, v;
	bool self = false, has = false;

	do {
		v = t->stack[--t->nr_stack];
		t->low[v] = UINT32_MAX;
		has |= t->j->v[v].depth == t->depth;
		n++;
	} while (v != at);
	for (u32 k = t->first[at]; k < t->first[at + 1]; k++)
		self |= t->to[k] == at;
	if (has && (n > 1 || self))
		t->found = at + 1;
}

static void part_enter(struct parts *t, u32 at)
{
	t->order[at] = t->low[at] = ++t->nr_order;
	t->path[t->nr_path++] = at;
	t->stack[t->nr_stack++] = at;
}

static void parts_from(struct parts *t, u32 start)
{
	part_enter(t, start);
	while (t->nr_path) {
		u32 at = t->path[t->nr_path - 1];

		if (t->next[at] < t->first[at + 1]) {
			u32 to = t->to[t->next[at]++];

			if (!t->order[to])
				part_enter(t, to);
			else if (t->low[to] != UINT32_MAX && t->order[to] < t->low[at])
				t->low[at] = t->order[to];
			continue;
		}
		t->nr_path--;
		if (t->nr_path && t->low[at] < t->low[t->path[t->nr_path - 1]])
			t->low[t->path[t->nr_path - 1]] = t->low[at];
		if (t->low[at] == t->order[at])
			part_end(t, at);
	}
}

static void look_for_circle(struct job *j, u32 depth)
{
	struct arena mem = ARENA_INIT;
	struct parts t = { .j = j, .depth = depth };

	t.first = arena_news(&mem, j->n + 1, u32);
	t.to = arena_news(&mem, j->edges.n + 1, u32);
	t.order = arena_news(&mem, j->n, u32);
	t.low = arena_news(&mem, j->n, u32);
	t.next = arena_news(&mem, j->n, u32);
	t.path = arena_news(&mem, j->n, u32);
	t.stack = arena_news(&mem, j->n, u32);
	edges_sort(&t);
	for (u32 i = 0; i < j->n; i++)
		if (!t.order[i])
			parts_from(&t, i);
	arena_free(&mem);
	if (!t.found)
		return;
	j->at = t.found - 1;
	found(j, &j->v[j->at], MODEL_ENDLESS, "from here to here without an end");
}

void model_runs(struct model *m, const struct diff_prog *p, const struct facts *facts)
{
	static struct state v[MOST_STATES];
	static u32 up[MOST_STATES], table[4 * MOST_STATES];
	struct job j = { .m = m, .p = p, .facts = facts, .v = v, .up = up, .table = table,
			 .mask = (1u << 15) - 1 };
	struct state first;

	_Static_assert(ARRAY_LEN(table) > 1u << 15, "the mask is below the table's end");
	memset(m, 0, sizeof(*m));
	memset(table, 0, sizeof(table));
	memset(&first, 0, sizeof(first));
	state_put(&j, &first);
	for (; j.at < j.n && !m->end; j.at++)
		follow(&j);
	m->states = j.n;
	m->whole = !j.full;
	for (u32 depth = 0; depth < FRAMES; depth++)
		look_for_circle(&j, depth);
	vec_free(&j.edges);
}
