/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * step_jump.c: jumps. A condition whose outcome is certain takes one way;
 * otherwise both ways are followed, and each knows that the condition held or
 * did not: for the operands and for all registers that share an id with them.
 */
#include "verify/explore.h"

enum { NOT_TAKEN, TAKEN };

struct jump {
	u32 at, target;
	unsigned kind, width;
	unsigned dst, src;	/* src: NR_REGS when there is none */
	struct reg imm;		/* the second operand then */
	struct reg *a, *b;	/* operands in the state at hand */
};

static void operands(struct jump *j, struct state *s)
{
	j->a = state_reg(s, j->dst);
	j->b = j->src == NR_REGS ? &j->imm : state_reg(s, j->src);
}

/* ---- checks -------------------------------------------------------------- */

static bool ends_packet(const struct reg *pkt, const struct reg *end);
static bool is_unsigned_order(unsigned kind);

/* Asks how long a packet is, and nothing else of its address. */
static bool measures_packet(const struct jump *j)
{
	return j->width == 64 && is_unsigned_order(j->kind) &&
	       (ends_packet(j->a, j->b) || ends_packet(j->b, j->a));
}

static bool equality(const struct jump *j)
{
	return j->kind == KIND_JMP_JEQ || j->kind == KIND_JMP_JNE;
}

static void check_compare(struct verifier *v, const struct jump *j)
{
	bool nulls = equality(j) && j->width == 64 && reg_is_null(&j->imm) &&
		     j->src == NR_REGS && (j->a->flags & REG_OR_NULL);
	struct why why = { .reg = j->dst, .ptr = j->a };

	if (v->privileged || measures_packet(j) || nulls)
		return;
	if (!reg_is_ptr(j->a)) {
		why.reg = j->src;
		why.ptr = j->b;
	}
	if (reg_is_ptr(j->a) || reg_is_ptr(j->b))
		reject(v, REJECT_PTR_CMP, j->at, &why);
}

/* ---- what is certain ----------------------------------------------------- */

static enum scalar_truth equal_is(const struct jump *j, bool equal)
{
	return (j->kind == KIND_JMP_JEQ) == equal ? SCALAR_ALWAYS : SCALAR_NEVER;
}

/* Pointers that cannot be NULL, compared with a constant 0. */
static bool never_null(const struct verifier *v, const struct reg *r)
{
	switch (r->type) {
	case REG_CTX:		/* whoever runs it may give such programs none */
		return v->opts->policy != POLICY_KERNEL &&
		       v->prog->type != BPF_PROG_TYPE_SYSCALL;
	case REG_STACK:		/* the kernel does not know */
		return v->opts->policy != POLICY_KERNEL;
	case REG_MAP:
	case REG_MAP_VALUE:
	case REG_MAP_KEY:
	case REG_SOCKET:
	case REG_TCP_SOCK:
	case REG_SOCK_COMMON:
	case REG_XDP_SOCK:
	case REG_MEM:
		return !(r->flags & (REG_OR_NULL | REG_UNTRUSTED));
	case REG_BTF:
		return (r->ref || (r->flags & REG_TRUSTED)) && !(r->flags & REG_OR_NULL);
	default:
		return false;
	}
}

/* A packet pointer against the end, after an earlier comparison with it. */
static enum scalar_truth packet_truth(const struct jump *j)
{
	bool swapped = j->a->type == REG_PACKET_END;
	const struct reg *pkt = swapped ? j->b : j->a;
	bool beyond = pkt->range == RANGE_BEYOND;
	unsigned kind = j->kind;

	if (pkt->type != REG_PACKET || pkt->range >= 0 || j->width != 64 ||
	    (swapped ? j->a : j->b)->type != REG_PACKET_END)
		return SCALAR_UNSURE;
	if (swapped)
		kind = kind == KIND_JMP_JGT ? KIND_JMP_JLT :
		       kind == KIND_JMP_JLT ? KIND_JMP_JGT :
		       kind == KIND_JMP_JGE ? KIND_JMP_JLE :
		       kind == KIND_JMP_JLE ? KIND_JMP_JGE : kind;
	if (kind == KIND_JMP_JGE)
		return SCALAR_ALWAYS;
	if (kind == KIND_JMP_JLT)
		return SCALAR_NEVER;
	if (kind == KIND_JMP_JGT && beyond)
		return SCALAR_ALWAYS;
	return kind == KIND_JMP_JLE && beyond ? SCALAR_NEVER : SCALAR_UNSURE;
}

/* The value that a pointer has for the comparison; only equality is certain. */
static enum scalar_truth pointer_truth(const struct verifier *v, const struct jump *j)
{
	enum scalar_truth packets = packet_truth(j);

	if (packets != SCALAR_UNSURE)
		return packets;
	if (!equality(j) || j->width != 64)
		return SCALAR_UNSURE;
	if (reg_is_null(j->b) && reg_is_ptr(j->a) && never_null(v, j->a))
		return equal_is(j, false);
	if (reg_is_null(j->a) && reg_is_ptr(j->b) && never_null(v, j->b))
		return equal_is(j, false);
	return SCALAR_UNSURE;
}

/* Of the bits that are compared. */
static bool is_const(const struct reg *r, unsigned width)
{
	return width == 64 ? scalar_is_const(&r->val) : r->val.u32_min == r->val.u32_max;
}

/* Does a kernel that has no RULE_TWO_RANGES learn nothing of the bounds of two numbers? */
static bool both_vary(const struct jump *j)
{
	return !is_const(j->a, j->width) && !is_const(j->b, j->width);
}

static enum scalar_truth truth(struct verifier *v, const struct jump *j)
{
	if (reg_is_ptr(j->a) || reg_is_ptr(j->b))
		return pointer_truth(v, j);
	if (j->a != j->b && !is_const(j->b, j->width) && !dated_rule(v, RULE_TWO_RANGES))
		return SCALAR_UNSURE;
	return scalar_branch_taken(j->kind, j->width, &j->a->val, &j->b->val);
}

/* ---- what the outcome tells ---------------------------------------------- */

struct sharing {			/* for state_each */
	struct verifier *v;
	const struct reg *from;	/* what was refined */
	u32 id;
	u32 ref;
	bool null;
	u32 at;			/* 1 + the comparison */
	s32 range;
	u8 type;
};

static s32 added(const struct reg *r)
{
	return r->flags & REG_LINKED ? r->off : 0;
}

/*
 * A register that shares its id with a refined number learns the same: of numbers
 * whose low halves are related alone, where the other one has no more. That both
 * exclude each other tells nothing: the register may be dead, and states are covered
 * whatever is in those.
 */
static void share_number(struct reg *r, void *arg)
{
	struct sharing *s = arg;
	s64 delta;
	struct scalar val, off, both = r->val;
	bool narrow;

	if (r == s->from || r->type != REG_SCALAR || r->id != s->id)
		return;
	val = s->from->val;
	delta = (s64)added(r) - added(s->from);
	narrow = (r->flags | s->from->flags) & REG_NARROW;
	if (narrow && !(r->flags & REG_NARROW) && r->val.umax > UINT32_MAX)
		return;
	if (delta || narrow) {
		off = scalar_const((u64)delta);
		scalar_alu(KIND_ALU_ADD, narrow ? 32 : 64, &val, &off);
	}
	r->val = scalar_meet(&both, &val) ? both : val;
	if (r->def != s->from->def)
		r->def = def_new(s->v, r->def, s->from->def);
}

static void spread(struct verifier *v, struct state *s, const struct reg *from)
{
	struct sharing share = { .v = v, .from = from, .id = from->id };

	if (from->id)
		state_each(s, share_number, &share);
}

/* By the rules of older kernels: that two numbers differ tells nothing, and of two that
 * vary alone that they are equal, all 64 bits of them. */
static bool learns_nothing(struct verifier *v, const struct jump *j, bool taken)
{
	bool equal = equality(j) && (j->kind == KIND_JMP_JEQ) == taken;

	if (equality(j) && !equal && !dated_rule(v, RULE_NOT_EQUAL))
		return true;
	return both_vary(j) && !(equal && j->width == 64) && !dated_rule(v, RULE_TWO_RANGES);
}

/* Both operands are numbers. */
static bool learn_numbers(struct verifier *v, struct state *s, struct jump *j, bool taken)
{
	u32 a = j->a->def, b = j->b->def;
	struct reg self;

	if (j->a == j->b) {
		self = *j->b;
		return scalar_refine(j->kind, j->width, &j->a->val, &self.val, taken);
	}
	if (learns_nothing(v, j, taken))
		return true;
	if (!scalar_refine(j->kind, j->width, &j->a->val, &j->b->val, taken))
		return false;
	if (j->src != NR_REGS && a != b) {
		j->a->def = def_new(v, a, b);
		j->b->def = def_new(v, b, a);
	}
	spread(v, s, j->a);
	if (j->src != NR_REGS)
		spread(v, s, j->b);
	return true;
}

/* A pointer that was compared with NULL, and all that came from it. */
static void share_null(struct reg *r, void *arg)
{
	struct sharing *s = arg;

	if (!reg_is_ptr(r) || r->id != s->id || !(r->flags & REG_OR_NULL))
		return;
	if (s->null) {
		reg_set_const(s->v, r, 0);
		return;
	}
	r->flags &= (u16)~REG_OR_NULL;
	if (r->type != REG_MAP_VALUE)
		r->id = 0;
}

static void drop_ref(struct state *s, u32 id)
{
	struct ref *ref = ref_find(s, id);

	if (!ref)
		return;
	memmove(ref, ref + 1, (size_t)(s->refs + s->nr_refs - ref - 1) * sizeof(*ref));
	s->nr_refs--;
}

static void learn_null(struct verifier *v, struct state *s, struct reg *ptr, bool null)
{
	struct sharing share = { .v = v, .id = ptr->id, .null = null };
	u32 ref = ptr->ref;

	if (null && ref == share.id)	/* not so for what was made of it */
		drop_ref(s, ref);
	state_each(s, share_null, &share);
}

/* Packet pointers with the id of a compared one: RANGE bytes exist. */
static void share_range(struct reg *r, void *arg)
{
	struct sharing *s = arg;

	if (r->type == s->type && r->id == s->id && reg_is_packet(r) &&
	    r->range < s->range) {
		r->range = s->range;
		r->uid = s->at;
	}
}

/* PKT is known to be at most END; OPEN: to be below it. */
static void learn_range(struct state *s, u32 at, const struct reg *pkt, bool open)
{
	struct sharing share = { .id = pkt->id, .type = pkt->type, .at = at + 1 };

	if (pkt->off < 0 || (pkt->off == 0 && open))
		return;
	if (pkt->val.umax > MAX_PKT_OFF || (u64)pkt->off + pkt->val.umax > MAX_PKT_OFF)
		return;
	share.range = pkt->off + (open ? 1 : 0);
	state_each(s, share_range, &share);
}

static bool is_start(const struct reg *r)
{
	return r->type == REG_PACKET && !r->off && scalar_is_const(&r->val) &&
	       !scalar_value(&r->val) && !r->id;
}

static bool ends_packet(const struct reg *pkt, const struct reg *end)
{
	return (pkt->type == REG_PACKET && end->type == REG_PACKET_END) ||
	       (pkt->type == REG_PACKET_META && is_start(end));
}

/* PKT is at or behind the end: what decides later comparisons of it. */
static void note_beyond(struct reg *pkt, bool open)
{
	if (pkt->type == REG_PACKET)
		pkt->range = open ? RANGE_BEYOND : RANGE_AT_END;
}

static bool is_unsigned_order(unsigned kind)
{
	return kind == KIND_JMP_JGT || kind == KIND_JMP_JGE ||
	       kind == KIND_JMP_JLT || kind == KIND_JMP_JLE;
}

/*
 * Packet pointer A compared with the end B (or the other way round, SWAPPED):
 * the side on which A <= B or A < B holds knows that the bytes exist.
 */
static void learn_packet(struct state *s, struct jump *j, bool taken)
{
	bool swapped = !ends_packet(j->a, j->b);
	struct reg *pkt = swapped ? j->b : j->a;
	const struct reg *end = swapped ? j->a : j->b;
	bool above = j->kind == KIND_JMP_JGT || j->kind == KIND_JMP_JGE;
	bool strict = j->kind == KIND_JMP_JGT || j->kind == KIND_JMP_JLT;
	bool below;

	if (!ends_packet(pkt, end) || !is_unsigned_order(j->kind))
		return;
	if (!taken) {		/* !(a > b) is a <= b */
		above = !above;
		strict = !strict;
	}
	below = above == swapped;
	if (below)
		learn_range(s, j->at, pkt, strict);
	else
		note_beyond(pkt, strict);
}

static void mark_operands(struct verifier *v, const struct jump *j)
{
	reg_mark(v, j->a);
	if (j->src != NR_REGS)
		reg_mark(v, j->b);
}

static bool same_side(const struct jump *j, bool taken)
{
	return (j->kind == KIND_JMP_JEQ) == taken;
}

static bool learn_pointers(struct verifier *v, struct state *s, struct jump *j, bool taken)
{
	if (j->width != 64)
		return true;
	/* that a register is 0 is what is learned from */
	if (equality(j) && (reg_is_null(j->a) || reg_is_null(j->b)))
		mark_operands(v, j);
	if (equality(j) && reg_is_null(j->b) && (j->a->flags & REG_OR_NULL))
		learn_null(v, s, j->a, same_side(j, taken));
	else if (equality(j) && reg_is_null(j->a) && (j->b->flags & REG_OR_NULL))
		learn_null(v, s, j->b, same_side(j, taken));
	else if (equality(j) && reg_is_ptr(j->a) && reg_is_ptr(j->b) &&
		 j->a->type != REG_BTF && j->b->type != REG_BTF && same_side(j, taken)) {
		if ((j->a->flags & REG_OR_NULL) && never_null(v, j->b))
			learn_null(v, s, j->a, false);
		else if ((j->b->flags & REG_OR_NULL) && never_null(v, j->a))
			learn_null(v, s, j->b, false);
	} else {
		learn_packet(s, j, taken);
	}
	return true;
}

/* S went this way. False: it cannot have. */
static bool learn(struct verifier *v, struct state *s, struct jump *j, bool taken)
{
	operands(j, s);
	if (reg_is_ptr(j->a) || reg_is_ptr(j->b))
		return learn_pointers(v, s, j, taken);
	return learn_numbers(v, s, j, taken);
}

/* ---- the jump ------------------------------------------------------------ */

static void prepare(struct verifier *v, struct state *s, struct jump *j)
{
	const struct bpf_insn *insn = &v->insns[j->at];
	const struct isa_row *row = &isa_rows[v->points[j->at].op];

	j->kind = row->kind;
	j->width = row->width;
	j->dst = insn->dst_reg;
	j->target = j->at + 1 + (u32)(s32)insn->off;
	j->src = BPF_SRC(insn->code) == BPF_X ? insn->src_reg : NR_REGS;
	j->imm.type = REG_SCALAR;
	j->imm.val = scalar_const((u64)(s64)insn->imm);
	check_readable(v, s, j->at, j->dst);
	if (j->src != NR_REGS)
		check_readable(v, s, j->at, j->src);
	operands(j, s);
}

/* What is compared with data_end; NULL: nothing. */
static const struct reg *compared_packet(const struct jump *j)
{
	if (ends_packet(j->a, j->b))
		return j->a;
	return ends_packet(j->b, j->a) ? j->b : NULL;
}

/* S goes on at TO: kept for messages. J's operands are as before the jump. */
static void keep_branch(struct verifier *v, struct state *s, const struct jump *j, bool taken)
{
	struct branch *b = arena_new(&v->mem, struct branch);
	bool null = equality(j) && reg_is_null(j->b) && (j->a->flags & REG_OR_NULL);
	const struct reg *pkt = compared_packet(j);

	*b = (struct branch){ s->path, j->at, s->insn, null ? j->a->at : 0,
			      null && same_side(j, taken), pkt, pkt ? pkt->id : 0 };
	s->path = b;
}

/* Both ways are open: the one that is not taken goes on in S. */
static enum step both_ways(struct verifier *v, struct state *s, struct jump *j)
{
	struct state *other;

	other = explore_push(v, s, j->target);
	if (!other)
		return STEP_END;
	if (v->trace) {
		keep_branch(v, other, j, TAKEN);
		keep_branch(v, s, j, NOT_TAKEN);
	}
	if (!learn(v, other, j, TAKEN)) {
		explore_unpush(v);
		operands(j, s);
		mark_operands(v, j);
		learn(v, s, j, NOT_TAKEN);
		return STEP_NEXT;
	}
	explore_settle(v);
	if (learn(v, s, j, NOT_TAKEN))
		return STEP_NEXT;
	operands(j, s);
	mark_operands(v, j);
	return STEP_END;
}

static enum step step_if(struct verifier *v, struct state *s, u32 at)
{
	struct jump j = { .at = at };

	prepare(v, s, &j);
	switch (truth(v, &j)) {
	case SCALAR_ALWAYS:
		mark_operands(v, &j);
		s->insn = j.target;
		return STEP_NEXT;
	case SCALAR_NEVER:
		mark_operands(v, &j);
		return STEP_NEXT;
	default:		/* what is certain tells nothing of an address */
		check_compare(v, &j);
		return both_ways(v, s, &j);
	}
}

/* Falls through as often as the engine's budget allows, then jumps: what falls
 * through begins another pass. */
static enum step step_may_goto(struct verifier *v, struct state *s, u32 at)
{
	struct state *pass = explore_push(v, s, at + 1);

	if (!pass)
		return STEP_END;
	pass->may_goto++;
	state_frame(pass)->fell++;
	widen_from(v, pass, at);
	explore_settle(v);
	s->insn = at + 1 + (u32)(s32)v->insns[at].off;
	return STEP_NEXT;
}

enum step step_jump(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];

	switch (v->points[at].op) {
	case OP_JA:
		s->insn = at + 1 + (u32)(s32)insn->off;
		return STEP_NEXT;
	case OP_JA32:
		s->insn = at + 1 + (u32)insn->imm;
		return STEP_NEXT;
	case OP_MAY_GOTO:
		return step_may_goto(v, s, at);
	default:
		return step_if(v, s, at);
	}
}
