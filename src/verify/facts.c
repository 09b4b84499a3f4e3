/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * facts.c: collects what facts.h tells: before each step of an exploration
 * through what kind of pointer memory is reached; in the last round of
 * *invariants* without checks (inv_facts) all of the state, joined over all that
 * are at an instruction. In: states. Out: a struct facts in the result's arena.
 * Never refuses anything and never changes a state.
 *
 * What is equal is kept once: registers, slots and whole stacks are the same
 * from instruction to instruction mostly.
 */
#include "base/hash.h"
#include "verify/call.h"
#include "verify/facts.h"
#include "verify/inv.h"

enum { ARGS = 5 };

/* Maps among the arguments of a call. */
struct calls {
	u32 map[ARGS];		/* 1 + index; 0: none yet */
	u8 inner;		/* bit I: of argument I */
	u8 differs;		/* the same: not one map each time */
};

/* Before an instruction. */
struct before {
	const struct fact_reg *reg[NR_REGS];
	const struct fact_slot *const *slots;
	u32 nr_slots;
	bool seen;
};

struct facts {
	u32 nr_insns;
	bool bounded;
	bool *reached;
	struct fact_access *access;
	struct calls **calls;
	struct before *before;	/* [nr_insns] */
};

/* ---- what is equal, once ------------------------------------------------- */

struct once {
	const void **v;
	u32 *bytes;
	u32 n, cap;		/* cap is a power of two, or 0 */
};

static void once_grow(struct once *o)
{
	struct once old = *o;

	o->cap = old.cap ? old.cap * 2 : 256;
	o->v = mem_alloc(o->cap * sizeof(*o->v));
	o->bytes = mem_alloc(o->cap * sizeof(*o->bytes));
	for (u32 i = 0; i < old.cap; i++) {
		u32 at;

		if (!old.v[i])
			continue;
		at = (u32)hash_bytes(old.v[i], old.bytes[i], 0) & (o->cap - 1);
		while (o->v[at])
			at = (at + 1) & (o->cap - 1);
		o->v[at] = old.v[i];
		o->bytes[at] = old.bytes[i];
	}
	free(old.v);
	free(old.bytes);
}

/* The one that has the BYTES at DATA, which are all meaningful. */
static const void *once_put(struct once *o, struct arena *a, const void *data, u32 bytes)
{
	u32 at;

	if (o->n * 2 >= o->cap)
		once_grow(o);
	at = (u32)hash_bytes(data, bytes, 0) & (o->cap - 1);
	while (o->v[at]) {
		if (o->bytes[at] == bytes && !memcmp(o->v[at], data, bytes))
			return o->v[at];
		at = (at + 1) & (o->cap - 1);
	}
	o->n++;
	o->bytes[at] = bytes;
	return o->v[at] = arena_copy(a, data, bytes);
}

/* ---- collecting ---------------------------------------------------------- */

/* The registers and slots of the step before, which mostly are those of the next. */
struct last {
	struct reg regs[NR_REGS];
	const struct fact_reg *reg[NR_REGS];
	struct slot slots[MAX_SLOTS];
	const struct fact_slot *slot[MAX_SLOTS];
	u32 up;			/* number of the frame */
	bool valid;		/* there is one */
};

struct collect {
	struct verifier *v;
	struct facts *facts;
	struct arena *arena;
	struct before *before;	/* of the function at hand */
	struct once once;
	struct last last;
	const struct fact_reg *unknown;
};

static const struct fact_reg unknown_reg = { .map = FACT_NO_MAP };
static const struct fact_slot unknown_slot;

static const struct fact_reg *put_reg(struct collect *c, const struct fact_reg *r)
{
	return once_put(&c->once, c->arena, r, sizeof(*r));
}

/* ---- registers ----------------------------------------------------------- */

static enum fact_kind memory_kind(const struct reg *r)
{
	if (r->flags & REG_RECORD)
		return FACT_RECORD;
	return r->flags & REG_SLICE ? FACT_SLICE : FACT_MEM;
}

static enum fact_kind kind_of(const struct reg *r)
{
	static const u8 kinds[REG_TYPES] = {
		[REG_SCALAR] = FACT_NUMBER, [REG_CTX] = FACT_CTX, [REG_MAP] = FACT_MAP,
		[REG_MAP_VALUE] = FACT_MAP_VALUE, [REG_MAP_KEY] = FACT_MAP_KEY,
		[REG_STACK] = FACT_STACK, [REG_PACKET_META] = FACT_PACKET_META,
		[REG_PACKET] = FACT_PACKET, [REG_PACKET_END] = FACT_PACKET_END,
		[REG_FLOW_KEYS] = FACT_FLOW_KEYS, [REG_SOCKET] = FACT_SOCK,
		[REG_SOCK_COMMON] = FACT_SOCK_COMMON, [REG_TCP_SOCK] = FACT_TCP_SOCK,
		[REG_XDP_SOCK] = FACT_XDP_SOCK, [REG_TP_BUFFER] = FACT_TP_BUFFER,
		[REG_BTF] = FACT_BTF, [REG_BUF] = FACT_BUF, [REG_ARENA] = FACT_ARENA,
		[REG_FUNC] = FACT_FUNC, [REG_DYNPTR] = FACT_DYNPTR,
	};

	return r->type == REG_MEM ? memory_kind(r) : (enum fact_kind)kinds[r->type];
}

static bool is_map(const struct reg *r)
{
	return r->type == REG_MAP || r->type == REG_MAP_VALUE || r->type == REG_MAP_KEY;
}

static bool is_inner(const struct verifier *v, const struct reg *r)
{
	return is_map(r) && r->uid && v->img->maps[r->map].inner;
}

/* A load through R may meet memory that is not there. */
static bool faults(const struct reg *r)
{
	enum { SAFE = REG_TRUSTED | REG_RCU | REG_ALLOC | REG_NON_OWN };

	return r->flags & (REG_UNTRUSTED | REG_USER | REG_PERCPU) || r->type == REG_ARENA ||
	       (r->type == REG_BTF && !(r->flags & SAFE));
}

/* Objects of the program's own types are the engine's; so is what may be none. */
static bool is_kernel(const struct reg *r)
{
	return r->flags & (REG_USER | REG_PERCPU) ||
	       (r->type == REG_BTF && !(r->flags & (REG_ALLOC | REG_UNTRUSTED)));
}

static u16 flags_of(const struct verifier *v, const struct reg *r)
{
	unsigned flags = 0;

	if (!reg_is_ptr(r))
		return 0;
	flags |= r->flags & REG_OR_NULL ? FACT_OR_NULL : 0;
	flags |= r->flags & REG_RDONLY ? FACT_RDONLY : 0;
	flags |= faults(r) ? FACT_FAULTS : 0;
	flags |= is_inner(v, r) ? FACT_INNER : 0;
	flags |= is_kernel(r) ? FACT_KERNEL : 0;
	return (u16)flags;
}

static u32 bytes_of(const struct verifier *v, const struct reg *r)
{
	switch (r->type) {
	case REG_MEM:
	case REG_BUF:
		return r->bytes;
	case REG_PACKET:
	case REG_PACKET_META:
		/* the range begins at the variable part; before it may be nothing */
		return r->off >= 0 && r->range > r->off ? (u32)(r->range - r->off) : 0;
	case REG_FUNC:
		return v->funcs[r->func].start;
	default:
		return 0;
	}
}

/* Where it leads was not kept: any access is fine, it may fault. */
static bool leads_anywhere(const struct reg *r)
{
	return r->type == REG_ARENA || (r->type == REG_MEM && r->flags & REG_UNTRUSTED);
}

/* In a frame with number UP. */
static struct fact_reg fact_of(const struct verifier *v, const struct reg *r, u32 up)
{
	struct scalar off = scalar_const((u64)(s64)r->off);
	struct fact_reg f;

	memset(&f, 0, sizeof(f));
	f.kind = (u8)kind_of(r);
	f.map = FACT_NO_MAP;
	if (f.kind == FACT_UNKNOWN)
		return f;
	f.val = r->val;
	if (reg_is_ptr(r) && r->off)
		scalar_alu(KIND_ALU_ADD, 64, &f.val, &off);
	f.flags = flags_of(v, r);
	f.bytes = bytes_of(v, r);
	if (leads_anywhere(r)) {
		f.val = scalar_unknown();
		f.bytes = 0;
	}
	if (is_map(r))
		f.map = r->map;
	if (r->type == REG_STACK)
		f.up = (u8)(up - r->frame);
	return f;
}

static bool is_null(const struct fact_reg *f)
{
	return f->kind == FACT_NUMBER && scalar_is_const(&f->val) && !scalar_value(&f->val);
}

enum { JOINS = FACT_OR_NULL | FACT_RDONLY | FACT_FAULTS };

/* What holds for both. */
static struct fact_reg join(const struct fact_reg *a, const struct fact_reg *b)
{
	struct fact_reg f = *a;

	if (is_null(a) && b->kind > FACT_NUMBER) {
		f = *b;
		f.flags |= FACT_OR_NULL;
		return f;
	}
	if (is_null(b) && a->kind > FACT_NUMBER) {
		f.flags |= FACT_OR_NULL;
		return f;
	}
	if (a->kind != b->kind || a->up != b->up || a->map != b->map ||
	    (a->flags & ~JOINS) != (b->flags & ~JOINS) ||
	    (a->kind == FACT_FUNC && a->bytes != b->bytes))
		return unknown_reg;
	if (!scalar_subset(&b->val, &a->val))
		f.val = scalar_join(&a->val, &b->val);
	f.flags |= b->flags;
	f.bytes = (u32)min_u64(a->bytes, b->bytes);
	return f;
}

static const struct fact_reg *join_regs(struct collect *c, const struct fact_reg *a,
					const struct fact_reg *b)
{
	struct fact_reg f;

	if (a == b || a == c->unknown)
		return a;
	f = join(a, b);
	return put_reg(c, &f);
}

/* ---- the stack ----------------------------------------------------------- */

static enum fact_byte byte_of(const struct slot *t, u32 i)
{
	switch (t->kind[i]) {
	case SLOT_NONE:
		return FACT_BYTE_UNKNOWN;
	case SLOT_SPILL:
		return t->reg.type == REG_ANY || t->reg.type == REG_NONE ? FACT_BYTE_UNKNOWN :
			FACT_BYTE_PART;
	case SLOT_MISC:
		return FACT_BYTE_NUMBER;
	case SLOT_ZERO:
		return FACT_BYTE_ZERO;
	default:
		return FACT_BYTE_OBJECT;
	}
}

static const struct fact_slot *put_slot(struct collect *c, const struct fact_slot *s)
{
	return once_put(&c->once, c->arena, s, sizeof(*s));
}

static const struct fact_slot *slot_fact(struct collect *c, const struct slot *t, u32 up)
{
	struct fact_slot s;
	struct fact_reg r;
	bool parts = false;

	memset(&s, 0, sizeof(s));
	for (u32 i = 0; i < SLOT_BYTES; i++) {
		s.byte[i] = (u8)byte_of(t, i);
		parts |= s.byte[i] == FACT_BYTE_PART;
	}
	/* what is left of a register that was partly written over tells nothing */
	if (parts && !slot_spilled(t)) {
		for (u32 i = 0; i < SLOT_BYTES; i++)
			if (s.byte[i] == FACT_BYTE_PART)
				s.byte[i] = FACT_BYTE_UNKNOWN;
	} else if (parts) {
		r = fact_of(c->v, &t->reg, up);
		s.reg = put_reg(c, &r);
	}
	return put_slot(c, &s);
}

static u32 parts(const struct fact_slot *s)
{
	u32 n = 0;

	while (n < SLOT_BYTES && s->byte[n] == FACT_BYTE_PART)
		n++;
	return n;
}

/* A byte by itself. */
static enum fact_byte plain(const struct fact_slot *s, u32 i)
{
	if (s->byte[i] != FACT_BYTE_PART)
		return (enum fact_byte)s->byte[i];
	if (s->reg->kind != FACT_NUMBER)
		return FACT_BYTE_UNKNOWN;
	return is_null(s->reg) ? FACT_BYTE_ZERO : FACT_BYTE_NUMBER;
}

static enum fact_byte join_bytes(enum fact_byte a, enum fact_byte b)
{
	bool numbers = (a == FACT_BYTE_NUMBER || a == FACT_BYTE_ZERO) &&
		       (b == FACT_BYTE_NUMBER || b == FACT_BYTE_ZERO);

	if (a == b)
		return a;
	return numbers ? FACT_BYTE_NUMBER : FACT_BYTE_UNKNOWN;
}

static const struct fact_slot *join_slots(struct collect *c, const struct fact_slot *a,
					  const struct fact_slot *b)
{
	struct fact_slot s;
	u32 from = 0, n = parts(a);

	if (a == b)
		return a;
	memset(&s, 0, sizeof(s));
	if (n && n == parts(b)) {
		s.reg = join_regs(c, a->reg, b->reg);
		from = s.reg->kind == FACT_UNKNOWN ? 0 : n;
		s.reg = from ? s.reg : NULL;
		memset(s.byte, FACT_BYTE_PART, from);
	}
	for (u32 i = from; i < SLOT_BYTES; i++)
		s.byte[i] = (u8)join_bytes(plain(a, i), plain(b, i));
	return put_slot(c, &s);
}

/* ---- states -------------------------------------------------------------- */

static void set_stack(struct collect *c, struct before *b,
		      const struct fact_slot *const *slots, u32 n)
{
	while (n && slots[n - 1] == &unknown_slot)
		n--;
	b->nr_slots = n;
	b->slots = n ? once_put(&c->once, c->arena, slots, n * (u32)sizeof(*slots)) : NULL;
}

static bool known_slot(const struct fact_slot *s)
{
	return memcmp(s->byte, unknown_slot.byte, sizeof(s->byte));
}

/* Facts of the current frame of S go into c->last. */
static void look(struct collect *c, const struct state *s)
{
	const struct frame *f = state_frame(s);
	struct last *l = &c->last;
	u32 up = s->nr_frames - 1;
	bool valid = l->valid && l->up == up;

	for (u32 r = 0; r < NR_REGS; r++) {
		struct fact_reg fact;

		if (valid && !memcmp(&l->regs[r], &f->regs[r], sizeof(f->regs[r])))
			continue;
		memcpy(&l->regs[r], &f->regs[r], sizeof(f->regs[r]));
		fact = fact_of(c->v, &f->regs[r], up);
		l->reg[r] = put_reg(c, &fact);
	}
	for (u32 n = 0; n < f->nr_slots; n++) {
		if (valid && l->slot[n] && !memcmp(&l->slots[n], &f->slots[n],
						   sizeof(f->slots[n])))
			continue;
		memcpy(&l->slots[n], &f->slots[n], sizeof(f->slots[n]));
		l->slot[n] = slot_fact(c, &f->slots[n], up);
		if (!known_slot(l->slot[n]))
			l->slot[n] = &unknown_slot;
	}
	for (u32 n = f->nr_slots; n < MAX_SLOTS; n++)
		l->slot[n] = NULL;
	l->valid = true;
	l->up = up;
}

/* The N slots at SLOTS are there, too. */
static void join_stack(struct collect *c, struct before *b,
		       const struct fact_slot *const *slots, u32 n)
{
	const struct fact_slot *joined[MAX_SLOTS];
	u32 both = (u32)min_u64(n, b->nr_slots);

	for (u32 i = 0; i < both; i++) {
		joined[i] = join_slots(c, b->slots[i], slots[i]);
		if (!known_slot(joined[i]))
			joined[i] = &unknown_slot;
	}
	set_stack(c, b, joined, both);
}

static void note_state(struct collect *c, const struct state *s, u32 at)
{
	struct before *b = &c->before[at];
	u32 n = state_frame(s)->nr_slots;

	look(c, s);
	if (!b->seen) {
		b->seen = true;
		memcpy(b->reg, c->last.reg, sizeof(b->reg));
		set_stack(c, b, c->last.slot, n);
		return;
	}
	for (u32 r = 0; r < NR_REGS; r++)
		b->reg[r] = join_regs(c, b->reg[r], c->last.reg[r]);
	join_stack(c, b, c->last.slot, n);
}

/* ---- what instructions touch, and which maps calls get --------------------- */

static struct calls *calls_at(struct collect *c, u32 insn)
{
	struct calls **r = &c->facts->calls[insn];

	if (!*r)
		*r = arena_new(c->arena, struct calls);
	return *r;
}

void facts_join_access(struct fact_access *a, const struct fact_access *b)
{
	const u32 maps = 1 << FACT_MAP | 1 << FACT_MAP_VALUE | 1 << FACT_MAP_KEY;

	if (!a->kinds)
		a->map = FACT_NO_MAP;
	if (b->kinds & maps && !(a->kinds & maps))
		a->map = b->map;
	else if (b->kinds & maps && (a->map != b->map || (a->flags ^ b->flags) & FACT_INNER))
		a->map = FACT_NO_MAP;
	a->kinds |= b->kinds;
	a->flags |= b->flags;
}

void facts_note_access(const struct verifier *v, struct fact_access *a, const struct reg *r)
{
	const bool value = r->type == REG_MAP_VALUE || r->type == REG_MAP_KEY;
	struct fact_access one = { .kinds = 1u << kind_of(r), .map = value ? r->map : FACT_NO_MAP,
				   .flags = flags_of(v, r) & (u16)~FACT_OR_NULL };

	/* what accepts knows better than what asks nothing */
	if (reg_is_ptr(r) && !(v->inv && v->inv->unchecked))
		facts_join_access(a, &one);
}

static void note_call(struct collect *c, u32 at, const struct state *s)
{
	u8 op = c->v->points[at].op;
	struct calls *to = op == OP_CALL || op == OP_CALL_KFUNC ? calls_at(c, at) : NULL;

	for (u32 i = 0; to && i < ARGS; i++) {
		const struct reg *r = state_reg(s, i + 1);
		bool inner = is_inner(c->v, r);

		if (r->type != REG_MAP)
			continue;
		if (!to->map[i])
			to->inner |= (u8)(inner << i);
		else if (to->map[i] != r->map + 1 || (to->inner >> i & 1) != inner)
			to->differs |= (u8)(1u << i);
		to->map[i] = r->map + 1;
	}
}

void facts_note(struct verifier *v, const struct state *s, u32 at)
{
	struct collect *c = v->facts;

	if (!v->inv || !v->inv->unchecked)
		note_call(c, at, s);
	else if (v->inv->checking)
		note_state(c, s, at);
}

void facts_round(struct verifier *v)
{
	memset(v->facts->before, 0, v->nr_insns * sizeof(*v->facts->before));
}

/* ---- the job ------------------------------------------------------------- */

void facts_begin(struct verifier *v)
{
	struct collect *c = arena_new(&v->mem, struct collect);
	struct facts *f = arena_new(v->arena, struct facts);

	f->nr_insns = v->nr_insns;
	f->calls = arena_news(v->arena, v->nr_insns, struct calls *);
	f->access = arena_news(v->arena, v->nr_insns, struct fact_access);
	f->reached = arena_news(v->arena, v->nr_insns, bool);
	c->v = v;
	c->facts = f;
	c->arena = v->arena;
	c->unknown = put_reg(c, &unknown_reg);
	v->facts = c;
}

/* Of another function; functions that both call are in both. */
static void merge(struct collect *c, struct before *to, const struct before *from)
{
	if (!from->seen)
		return;
	if (!to->seen) {
		*to = *from;
		return;
	}
	for (u32 r = 0; r < NR_REGS; r++)
		to->reg[r] = join_regs(c, to->reg[r], from->reg[r]);
	join_stack(c, to, from->slots, from->nr_slots);
}

static bool collect_func(struct verifier *v, u32 func, bool sleeps)
{
	struct collect *c = v->facts;
	struct facts *f = c->facts;

	c->before = arena_news(&v->mem, v->nr_insns, struct before);
	c->last.valid = false;
	v->entry = func;
	v->entry_sleeps = sleeps;
	if (!inv_facts(v, func))
		return false;
	for (u32 i = 0; i < v->nr_insns; i++)
		merge(c, &f->before[i], &c->before[i]);
	return true;
}

/* A path ends before what it leads to where an older state covers it, and that
 * state's paths lead there; so what no path saw no run gets to. */
static void note_reached(struct verifier *v, struct facts *f)
{
	for (u32 i = 0; i < v->nr_insns; i++)
		f->reached[i] = v->points[i].flags & POINT_SEEN &&
				(!f->bounded || f->before[i].seen);
}

const struct facts *facts_end(struct verifier *v)
{
	struct facts *f = v->facts->facts;

	f->before = arena_news(v->arena, v->nr_insns, struct before);
	f->bounded = collect_func(v, 0, prog_sleeps(v));
	for (u32 i = 1; i < v->nr_funcs && f->bounded; i++)
		for (unsigned sleeps = 0; sleeps < 2 && f->bounded; sleeps++)
			if (v->funcs[i].judged >> sleeps & 1)
				f->bounded = collect_func(v, i, sleeps);
	note_reached(v, f);
	for (u32 i = 0; i < v->nr_insns; i++)
		f->access[i] = v->points[i].access;
	return f;
}

void facts_free(struct verifier *v)
{
	if (!v->facts)
		return;
	free(v->facts->once.v);
	free(v->facts->once.bytes);
	v->facts = NULL;
}

/* ---- asking -------------------------------------------------------------- */

bool facts_reached(const struct facts *f, u32 insn) { return f->reached[insn]; }

bool facts_bounded(const struct facts *f) { return f->bounded; }

struct fact_access facts_access(const struct facts *f, u32 insn)
{
	static const struct fact_access none = { .map = FACT_NO_MAP };

	return f->access[insn].kinds ? f->access[insn] : none;
}

u32 facts_call_map(const struct facts *f, u32 insn, unsigned reg, unsigned *flags)
{
	const struct calls *r = f->calls[insn];
	u32 i = reg - 1;

	*flags = 0;
	if (!r || !r->map[i] || r->differs >> i & 1)
		return FACT_NO_MAP;
	*flags = r->inner >> i & 1 ? FACT_INNER : 0;
	return r->map[i] - 1;
}

const struct fact_reg *facts_reg(const struct facts *f, u32 insn, unsigned reg)
{
	const struct before *b = &f->before[insn];

	return f->bounded && b->seen ? b->reg[reg] : &unknown_reg;
}

bool facts_const(const struct facts *f, u32 insn, unsigned reg, u64 *value)
{
	const struct fact_reg *r = facts_reg(f, insn, reg);

	if (r->kind != FACT_NUMBER || !scalar_is_const(&r->val))
		return false;
	*value = scalar_value(&r->val);
	return true;
}

unsigned facts_slots(const struct facts *f, u32 insn)
{
	const struct before *b = &f->before[insn];

	return f->bounded ? b->nr_slots : 0;
}

const struct fact_slot *facts_slot(const struct facts *f, u32 insn, unsigned n)
{
	return n < facts_slots(f, insn) ? f->before[insn].slots[n] : &unknown_slot;
}

const char *fact_kind_name(enum fact_kind kind)
{
	static const char *const names[] = {
#define X(name, text) [FACT_##name] = text,
		FACT_KINDS(X)
#undef X
	};

	return names[kind];
}

/* Pointers of this kind are at some offset. */
static bool has_offset(enum fact_kind kind)
{
	return kind > FACT_NUMBER && kind != FACT_PACKET_END && kind != FACT_MAP &&
	       kind != FACT_FUNC && kind != FACT_DYNPTR;
}

void fact_text(struct strbuf *out, const struct fact_reg *f)
{
	enum fact_kind kind = (enum fact_kind)f->kind;

	sb_puts(out, fact_kind_name(kind));
	if (f->map != FACT_NO_MAP)
		sb_printf(out, " %u", f->map);
	if (kind == FACT_NUMBER)
		sb_putc(out, ' ');
	else if (has_offset(kind))
		sb_puts(out, " at ");
	if (kind == FACT_NUMBER || has_offset(kind))
		scalar_text(out, &f->val);
	if (f->up)
		sb_printf(out, ", %u up", f->up);
	if (f->bytes)
		sb_printf(out, kind == FACT_FUNC ? " %u" : ", %u bytes", f->bytes);
	if (f->flags & FACT_INNER)
		sb_puts(out, ", inner");
	if (f->flags & FACT_OR_NULL)
		sb_puts(out, " or NULL");
}
