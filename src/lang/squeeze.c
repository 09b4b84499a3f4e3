/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * squeeze.c: the last look at a function's instructions, which knows of them only where
 * they jump: jumps to jumps lead on, "if c goto over; goto x" becomes one jump, what is
 * never reached and jumps to what follows go away. Then jumps get their offsets.
 */
#include "lang/emit_in.h"

struct squeeze {
	struct out *o;
	u32 n;
	u32 *to;		/* where an instruction jumps; NOWHERE */
	u8 *keep;		/* how many come of it: 0: it goes; 2 or 3 of a jump by a condition
				   that does not reach */
	u32 *todo;
	struct island *islands;	/* from 1; NULL: none are needed */
	u32 nr_islands;
};

/* Jumps that lead on those that do not reach: before version 4 there are no longer ones. */
struct island {
	u32 before;		/* the instruction */
	u32 at;			/* its place */
	bool skip;		/* what comes from above is led around it */
	VEC(u32) to;		/* where each of its jumps goes, at last */
};

enum { NOWHERE = UINT32_MAX };

static bool is_ja(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_JA);
}

static bool is_jump(const struct bpf_insn *i)
{
	u32 class = BPF_CLASS(i->code), op = BPF_OP(i->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT;
}

static void find_targets(struct squeeze *s)
{
	for (u32 i = 0; i < s->n; i++) {
		const struct bpf_insn *c = &s->o->code.v[i];

		s->to[i] = NOWHERE;
		if (isa_is_lddw(c))
			s->to[++i] = NOWHERE;
		else if (is_jump(c))	/* of a SET; the others' offsets are in jumps */
			s->to[i] = i + 1 + (u32)(s32)c->off;
	}
	for (size_t k = 0; k < s->o->jumps.n; k++)
		s->to[s->o->jumps.v[k].insn] = s->o->starts[s->o->jumps.v[k].to->order];
}

/* Where a jump to AT ends up; the steps are counted for circles of nothing but jumps. */
static u32 lead_on(const struct squeeze *s, u32 at)
{
	for (u32 steps = 0; is_ja(&s->o->code.v[at]) && steps < 64; steps++)
		at = s->to[at];
	return at;
}

static u8 opposite(u32 code)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ: return BPF_JNE;
	case BPF_JNE: return BPF_JEQ;
	case BPF_JGT: return BPF_JLE;
	case BPF_JLE: return BPF_JGT;
	case BPF_JGE: return BPF_JLT;
	case BPF_JLT: return BPF_JGE;
	case BPF_JSGT: return BPF_JSLE;
	case BPF_JSLE: return BPF_JSGT;
	case BPF_JSGE: return BPF_JSLT;
	case BPF_JSLT: return BPF_JSGE;
	default: return 0;
	}
}

/* if c goto over; goto x; over: -- if !c goto x */
static void turn_round(struct squeeze *s, u32 i)
{
	struct bpf_insn *c = &s->o->code.v[i];

	if (is_ja(c) || i + 2 >= s->n || s->to[i] != i + 2 || !is_ja(&c[1]) ||
	    !opposite(c->code))
		return;
	c->code = (u8)((c->code & ~0xf0u) | opposite(c->code));
	s->to[i] = s->to[i + 1];
	s->to[i + 1] = i + 2;
}

static bool is_move(const struct bpf_insn *i)
{
	return (BPF_CLASS(i->code) == BPF_ALU64 || BPF_CLASS(i->code) == BPF_ALU) &&
	       BPF_OP(i->code) == BPF_MOV && !i->off;
}

static bool reads(const struct bpf_insn *i, u32 reg)
{
	bool x = BPF_SRC(i->code) == BPF_X;

	if (is_move(i))
		return x && i->src_reg == reg;
	return i->dst_reg == reg || (x && i->src_reg == reg);
}

/* if c goto L; r = a; goto M; L: r = b; M: -- r = b; if c goto M; r = a; M:
 * where nobody else comes to L. The third of the four becomes a jump to the next. */
static void move_first(struct squeeze *s, u32 i, const u32 *comers, const u8 *fixed)
{
	struct bpf_insn *c = &s->o->code.v[i], b;

	if (i + 4 > s->n || s->to[i] != i + 3 || is_ja(c) || !is_move(&c[1]) || !is_ja(&c[2]) ||
	    !is_move(&c[3]) || s->to[i + 2] != i + 4 || comers[i + 1] || comers[i + 2] ||
	    comers[i + 3] != 1 || c[1].dst_reg != c[3].dst_reg || reads(c, c[3].dst_reg) ||
	    reads(&c[1], c[3].dst_reg) || fixed[i + 1] || fixed[i + 3])
		return;
	b = c[3];
	c[3] = c[2];
	c[2] = c[1];
	c[1] = c[0];
	c[0] = b;
	s->to[i] = NOWHERE;
	s->to[i + 1] = i + 4;
	s->to[i + 2] = NOWHERE;
	s->to[i + 3] = i + 4;
}

static void moves_first(struct squeeze *s)
{
	u32 *comers = arena_news(&s->o->ra->arena, s->n + 2, u32);
	u8 *fixed = arena_news(&s->o->ra->arena, s->n + 2, u8);

	for (u32 i = 0; i < s->n; i++)
		if (s->to[i] != NOWHERE)
			comers[s->to[i]]++;
	for (size_t k = 0; k < s->o->relocs.n; k++)
		fixed[s->o->relocs.v[k].insn] = true;
	for (u32 i = 0; i < s->n; i++) {
		if (isa_is_lddw(&s->o->code.v[i]))
			i++;
		else if (is_jump(&s->o->code.v[i]) && s->to[i] != NOWHERE)
			move_first(s, i, comers, fixed);
	}
}

static void mark(struct squeeze *s, u32 at, u32 *n)
{
	if (at < s->n && !s->keep[at]) {
		s->keep[at] = true;
		s->todo[(*n)++] = at;
	}
}

static void mark_reached(struct squeeze *s)
{
	u32 n = 0;

	mark(s, 0, &n);
	while (n) {
		u32 at = s->todo[--n];
		const struct bpf_insn *c = &s->o->code.v[at];

		if (isa_is_lddw(c))
			s->keep[++at] = true;
		if (s->to[at] != NOWHERE)
			mark(s, s->to[at], &n);
		if (!is_ja(c) && c->code != (BPF_JMP | BPF_EXIT))
			mark(s, at + 1, &n);
	}
}

/* Jumps over nothing that stays, from the last on. */
static void drop_needless(struct squeeze *s)
{
	u32 next = s->n;	/* the first that stays behind I */

	for (u32 i = s->n; i-- > 0; ) {
		u32 to = s->to[i];

		if (!s->keep[i])
			continue;
		if (to != NOWHERE && to > i && to <= next)
			s->keep[i] = false;
		else
			next = i;
	}
}

static void move_records(struct squeeze *s, const u32 *at)
{
	struct out *o = s->o;
	size_t n = 0;

	for (size_t k = 0; k < o->relocs.n; k++) {
		if (!s->keep[o->relocs.v[k].insn])
			continue;
		o->relocs.v[n] = o->relocs.v[k];
		o->relocs.v[n].insn = at[o->relocs.v[n].insn];
		n++;
	}
	o->relocs.n = n;
	n = 0;
	for (size_t k = 0; k < o->lines.n; k++) {
		struct ir_code_line l = { at[o->lines.v[k].insn], o->lines.v[k].line };

		if (n && o->lines.v[n - 1].insn == l.insn)
			n--;
		if (n && o->lines.v[n - 1].line == l.line)
			continue;
		o->lines.v[n++] = l;
	}
	o->lines.n = n;
}

/* ---- places ------------------------------------------------------------------------- */

static u32 island_size(const struct island *is)
{
	return (u32)is->to.n + (is->skip && is->to.n);
}

/* Places of what stays; the next one's behind the last. */
static void find_places(struct squeeze *s, u32 *at)
{
	u32 n = 0, k = 1;

	for (u32 i = 0; i < s->n; i++) {
		if (k <= s->nr_islands && s->islands[k].before == i) {
			s->islands[k].at = n;
			n += island_size(&s->islands[k++]);
		}
		at[i] = n;
		n += s->keep[i];
	}
	at[s->n] = n;
}

static s64 distance(const struct squeeze *s, const u32 *at, u32 i)
{
	return (s64)at[s->to[i]] - (at[i] + s->keep[i]);
}

/* Jumps that do not reach get room for one that does, until all do: room grows only. */
static void make_room(struct squeeze *s, u32 *at)
{
	bool again = true;

	while (again) {
		again = false;
		find_places(s, at);
		for (u32 i = 0; i < s->n; i++) {
			const struct bpf_insn *c = &s->o->code.v[i];

			if (!s->keep[i] || s->to[i] == NOWHERE || s->keep[i] > 1 ||
			    distance(s, at, i) == (s16)distance(s, at, i) || is_ja(c))
				continue;
			s->keep[i] = opposite(c->code) ? 2 : 3;
			again = true;
		}
	}
}

/* ---- islands ------------------------------------------------------------------------ */

/*
 * The code is cut into segments; before each but the first is an island. A jump reaches
 * the segments beside its own and the islands behind those, an island's jump the two
 * segments on either side and the islands behind those: 2 segments and 3 islands are less
 * than 32767 instructions.
 */
enum { SEGMENT = 10000, ISLAND_MAX = 4000 };

/* The segment that instruction I is in. */
static u32 segment_of(const struct squeeze *s, u32 i)
{
	u32 lo = 0, hi = s->nr_islands;

	while (lo < hi) {
		const u32 mid = (lo + hi + 1) / 2;

		if (s->islands[mid].before <= i)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

/* The island to go to from segment A on the way to segment B; 0: B is reached. */
static u32 first_hop(u32 a, u32 b)
{
	if (b > a + 1)
		return a + 2;
	return b + 1 < a ? a - 1 : 0;
}

static u32 next_hop(u32 island, u32 b)
{
	if (b > island + 1)
		return island + 2;
	return b + 2 < island ? island - 2 : 0;
}

/* The place among island K's jumps of that to instruction TO, which is made if need be. */
static u32 jump_of(const struct squeeze *s, u32 k, u32 to)
{
	struct island *is = &s->islands[k];

	for (u32 n = (u32)is->to.n; n-- > 0; )
		if (is->to.v[n] == to)
			return n;
	*vec_push(&is->to) = to;
	return (u32)is->to.n - 1;
}

static u32 place_of_jump(const struct squeeze *s, u32 k, u32 to)
{
	return s->islands[k].at + (s->islands[k].skip ? 1 : 0) + jump_of(s, k, to);
}

static void cut_segments(struct squeeze *s)
{
	u32 kept = 0, last = 0;

	s->islands = arena_news(&s->o->ra->arena, s->n / SEGMENT + 2, struct island);
	for (u32 i = 0; i < s->n; i++) {
		const struct bpf_insn *c = &s->o->code.v[i], *before = &s->o->code.v[last];

		if (!s->keep[i])
			continue;
		if (kept >= SEGMENT * (s->nr_islands + 1))
			s->islands[++s->nr_islands] = (struct island){ .before = i,
				.skip = !is_ja(before) && before->code != (BPF_JMP | BPF_EXIT) };
		last = i;
		kept += 1 + isa_is_lddw(c);
		i += isa_is_lddw(c);
	}
}

/* False: an island would be too large. */
static bool make_islands(struct squeeze *s, u32 *at)
{
	find_places(s, at);
	if (at[s->n] <= INT16_MAX)
		return true;
	cut_segments(s);
	for (u32 i = 0; i < s->n; i++) {
		u32 to = s->to[i], b, k;

		if (!s->keep[i] || to == NOWHERE)
			continue;
		b = segment_of(s, to);
		for (k = first_hop(segment_of(s, i), b); k; k = next_hop(k, b)) {
			jump_of(s, k, to);
			if (s->islands[k].to.n > ISLAND_MAX - 1)
				return false;
		}
	}
	find_places(s, at);
	return true;
}

static void put_island(const struct squeeze *s, const u32 *at, u32 k, struct bpf_insn *to)
{
	const struct island *is = &s->islands[k];
	u32 n = is->at;

	if (is->skip && is->to.n)
		to[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA, .off = (s16)is->to.n };
	for (size_t j = 0; j < is->to.n; j++, n++) {
		const u32 target = is->to.v[j], hop = next_hop(k, segment_of(s, target));
		const s64 off = (s64)(hop ? place_of_jump(s, hop, target) : at[target]) - (n + 1);

		assert(off == (s16)off && "islands are near enough");
		to[n] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA, .off = (s16)off };
	}
}

/* ---- the jumps ---------------------------------------------------------------------- */

static struct bpf_insn far_jump(s64 off)
{
	return (struct bpf_insn){ .code = BPF_JMP32 | BPF_JA, .imm = (s32)off };
}

/* How far jump I goes, perhaps to an island. */
static s64 reach(const struct squeeze *s, const u32 *at, u32 i)
{
	u32 hop = s->nr_islands ? first_hop(segment_of(s, i), segment_of(s, s->to[i])) : 0;

	return hop ? (s64)place_of_jump(s, hop, s->to[i]) - (at[i] + 1) : distance(s, at, i);
}

/* Jump I with its offset, into TO. */
static void put_jump(const struct squeeze *s, const u32 *at, u32 i, struct bpf_insn *to)
{
	struct bpf_insn c = s->o->code.v[i];
	s64 off = reach(s, at, i);

	if (s->keep[i] == 1) {
		if (is_ja(&c) && off != (s16)off)
			c = far_jump(off);
		else
			c.off = (s16)off;
		*to = c;
		return;
	}
	c.off = 1;
	if (s->keep[i] == 2)
		c.code = (u8)((c.code & ~0xf0u) | opposite(c.code));
	else
		to[1] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA, .off = 1 };
	to[0] = c;
	to[s->keep[i] - 1] = far_jump(off);
}

static void put_all(const struct squeeze *s, const u32 *at, struct bpf_insn *to)
{
	for (u32 i = 0; i < s->n; i++) {
		if (!s->keep[i])
			continue;
		if (s->to[i] != NOWHERE)
			put_jump(s, at, i, to + at[i]);
		else
			to[at[i]] = s->o->code.v[i];
	}
	for (u32 k = 1; k <= s->nr_islands; k++)
		put_island(s, at, k, to);
}

/* Gives places to what stays; false when a jump does not reach. */
static bool close_up(struct squeeze *s, u32 *at)
{
	struct bpf_insn *to;
	bool fits = true;

	if (s->o->f->unit->isa_level >= 4)
		make_room(s, at);
	else
		fits = make_islands(s, at);
	if (fits) {
		to = arena_news(&s->o->ra->arena, at[s->n] + 1, struct bpf_insn);
		put_all(s, at, to);
		move_records(s, at);
		s->o->code.n = 0;
		for (u32 k = 0; k < at[s->n]; k++)
			*vec_push(&s->o->code) = to[k];
	}
	for (u32 k = 1; k <= s->nr_islands; k++)
		vec_free(&s->islands[k].to);
	return fits;
}

bool out_squeeze(struct out *o)
{
	struct arena *a = &o->ra->arena;
	struct squeeze s = { .o = o, .n = (u32)o->code.n };

	s.to = arena_news(a, s.n + 2, u32);
	s.keep = arena_news(a, s.n + 2, u8);
	s.todo = arena_news(a, s.n + 2, u32);
	find_targets(&s);
	for (u32 i = 0; i < s.n; i++)
		turn_round(&s, i);
	moves_first(&s);
	for (u32 i = 0; i < s.n; i++)
		if (s.to[i] != NOWHERE && s.to[i] < s.n)
			s.to[i] = lead_on(&s, s.to[i]);
	mark_reached(&s);
	drop_needless(&s);
	return close_up(&s, arena_news(a, s.n + 2, u32));
}
