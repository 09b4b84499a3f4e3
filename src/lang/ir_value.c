/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ir_value.c: global value numbering: an instruction without effects whose operands equal
 * another's is that one, if that comes before it on every way. Blocks are walked in
 * reverse postorder, so operands are known first but for phis of loops. Calls that give
 * the same all through a run (who runs, where) count as such instructions; so do loads
 * from the context, which tracing programs do not write to.
 */
#include "lang/opt_in.h"

struct numbering {
	struct opt *o;
	struct ir_insn **slots;
	u32 mask;
	u32 *first, *last;	/* by block's order: its numbers in a walk of the dominator tree */
	bool ctx_stays;		/* no call or store changes what is in the context */
};

/* ---- constants and addresses that every block may use ------------------------------- */

static struct ir_insn *at_start(struct opt *o, enum ir_op op, s64 imm)
{
	struct ir_insn *i = ir_insn_new(o->f, op);

	i->imm = imm;
	i->line = 0;
	ir_insert(o->f->first, o->f->first->first, i);
	return i;
}

/* What nobody used for a while has been taken away. */
static struct ir_insn *here(struct opt *o, struct ir_insn *i)
{
	if (!i->block)
		ir_insert(o->f->first, o->f->first->first, i);
	return i;
}

static u32 number_slot(const struct opt *o, s64 n)
{
	u32 at = (u32)(((u64)n * 0x9e3779b97f4a7c15u) >> 40) & (o->cap_numbers - 1);

	while (o->numbers[at] && o->numbers[at]->imm != n)
		at = (at + 1) & (o->cap_numbers - 1);
	return at;
}

static void numbers_grow(struct opt *o)
{
	struct ir_insn **old = o->numbers;
	u32 n = o->cap_numbers;

	o->cap_numbers = n ? 2 * n : 256;
	o->numbers = arena_news(&o->arena, o->cap_numbers, struct ir_insn *);
	for (u32 i = 0; i < n; i++)
		if (old[i])
			o->numbers[number_slot(o, old[i]->imm)] = old[i];
}

struct ir_insn *opt_number(struct opt *o, s64 n)
{
	u32 at;

	if (2 * o->nr_numbers >= o->cap_numbers)
		numbers_grow(o);
	at = number_slot(o, n);
	if (!o->numbers[at]) {
		o->numbers[at] = at_start(o, IR_CONST, n);
		o->nr_numbers++;
	}
	return here(o, o->numbers[at]);
}

struct ir_insn *opt_mapval(struct opt *o, s64 map)
{
	if (!o->data[map])
		o->data[map] = at_start(o, IR_MAPVAL, map);
	return here(o, o->data[map]);
}

/* ---- what may be numbered ----------------------------------------------------------- */

/* Helpers that give the same whenever they are called in one run of a program. */
static bool is_steady(s64 helper)
{
	switch (helper) {
	case BPF_FUNC_get_current_pid_tgid: case BPF_FUNC_get_current_uid_gid:
	case BPF_FUNC_get_smp_processor_id: case BPF_FUNC_get_numa_node_id:
	case BPF_FUNC_get_current_task: case BPF_FUNC_get_current_task_btf:
	case BPF_FUNC_get_current_cgroup_id: case BPF_FUNC_get_func_ip:
	case BPF_FUNC_get_attach_cookie: case BPF_FUNC_get_func_arg_cnt:
		return true;
	default:
		return false;
	}
}

bool ir_is_steady_call(const struct ir_insn *i)
{
	return i->op == IR_CALL && is_steady(i->imm);
}

static bool may_number(const struct numbering *n, const struct ir_insn *i)
{
	if (i->op == IR_LOAD)
		return i->args[0]->op == IR_CTX && n->ctx_stays;
	return (ir_is(i, IRF_P) && !(i->op == IR_CONST && ir_is_number(i))) ||
	       ir_is_steady_call(i) || i->op == IR_PHI;
}

static u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static u64 hash_of(const struct ir_insn *i)
{
	u64 h = (u64)i->op << 32 | (u64)i->width << 16 | (u64)i->size << 8 | (u64)i->cc;

	h = mix(h, (u64)i->imm);

	h = mix(h, (u64)(u32)i->off | (u64)i->sx << 32);
	for (u32 k = 0; k < i->nr_args; k++)
		h = mix(h, i->args[k]->id);
	for (size_t p = 0; i->op == IR_PHI && p < i->block->preds.n; p++)
		h = mix(h, ir_real(i->phi[p])->id);
	return i->op == IR_PHI ? mix(h, i->block->id) : h;
}

static bool same_core(const struct ir_core *a, const struct ir_core *b)
{
	return a == b || (a && b && a->kind == b->kind && a->type == b->type &&
			  !strcmp(a->path, b->path));
}

static bool equal(const struct ir_insn *a, const struct ir_insn *b)
{
	if (a->op != b->op || a->width != b->width || a->size != b->size || a->cc != b->cc ||
	    a->off != b->off || a->sx != b->sx || a->nr_args != b->nr_args ||
	    (a->op != IR_PHI && (a->imm != b->imm || !same_core(a->core, b->core))))
		return false;
	for (u32 k = 0; k < a->nr_args; k++)
		if (a->args[k] != b->args[k])
			return false;
	if (a->op != IR_PHI)
		return true;
	for (size_t p = 0; a->block == b->block && p < a->block->preds.n; p++)
		if (ir_real(a->phi[p]) != ir_real(b->phi[p]))
			return false;
	return a->block == b->block;
}

static bool comes_before(const struct numbering *n, const struct ir_block *a,
			 const struct ir_block *b)
{
	return n->first[a->order] <= n->first[b->order] && n->last[b->order] <= n->last[a->order];
}

/* An equal instruction that is there when I runs; else I is the one from here on. */
static struct ir_insn *find_equal(struct numbering *n, struct ir_insn *i)
{
	u32 at = (u32)hash_of(i) & n->mask;
	struct ir_insn *have;

	for (; (have = n->slots[at]); at = (at + 1) & n->mask) {
		if (!equal(have, i))
			continue;
		if (have->block && comes_before(n, have->block, i->block))
			return have;
		break;
	}
	n->slots[at] = i;
	return NULL;
}

/* ---- the walk ----------------------------------------------------------------------- */

static void replace(struct ir_insn *i, struct ir_insn *by)
{
	by->uses += i->uses;
	ir_remove(i);
	i->same = by;
}

static struct ir_insn *phi_same(const struct ir_insn *phi)
{
	struct ir_insn *same = NULL;

	for (size_t p = 0; p < phi->block->preds.n; p++) {
		struct ir_insn *v = ir_real(phi->phi[p]);

		if (v == phi || v == same)
			continue;
		if (same)
			return NULL;
		same = v;
	}
	return same;
}

static void take_operands(struct ir_insn *i)
{
	for (u32 k = 0; k < i->nr_args; k++)
		i->args[k] = ir_real(i->args[k]);
	for (size_t p = 0; i->op == IR_PHI && p < i->block->preds.n; p++)
		i->phi[p] = ir_real(i->phi[p]);
}

static void number_one(struct numbering *n, struct ir_insn *i)
{
	struct ir_insn *have;

	take_operands(i);
	have = may_number(n, i) ? find_equal(n, i) : NULL;
	if (have)
		replace(i, have);
}

/* I, and what folding it has put before it. */
static void visit(struct numbering *n, struct ir_insn *i)
{
	struct ir_insn *before = i->prev, *by, *next;
	struct ir_block *b = i->block;

	take_operands(i);
	i->mark = false;
	by = i->op == IR_PHI ? phi_same(i) : opt_fold(n->o, i);
	for (struct ir_insn *k = before ? before->next : b->first; k && k != i; k = next) {
		next = k->next;
		if (k->op != IR_CONST && k->op != IR_MAPVAL)
			number_one(n, k);
	}
	if (by && ir_real(by) != i)
		replace(i, ir_real(by));
	else if (!by)
		number_one(n, i);
}

/* Numbers of blocks in a walk of the dominator tree: of what a block dominates they lie
 * between its own. Children are counted up from the last block to the first. */
static void number_blocks(struct numbering *n)
{
	struct ir_func *f = n->o->f;
	u32 count = f->last->order + 1, *size = arena_news(&n->o->arena, count, u32);
	u32 *next = arena_news(&n->o->arena, count, u32);
	struct ir_block **all = arena_news(&n->o->arena, count, struct ir_block *);

	n->first = arena_news(&n->o->arena, count, u32);
	n->last = arena_news(&n->o->arena, count, u32);
	for (struct ir_block *b = f->first; b; b = b->next)
		all[b->order] = b;
	for (u32 k = count; k-- > 0; ) {
		size[k]++;
		if (k)
			size[all[k]->idom->order] += size[k];
	}
	for (u32 k = 0; k < count; k++) {
		u32 up = all[k]->idom->order;

		n->first[k] = k ? next[up] : 0;
		n->last[k] = n->first[k] + size[k] - 1;
		next[k] = n->first[k] + 1;
		if (k)
			next[up] += size[k];
	}
}

static bool writes_ctx(const struct ir_insn *i)
{
	return (i->op == IR_STORE || i->op == IR_ADDTO || i->op == IR_ZERO || i->op == IR_COPY) &&
	       i->args[0]->op == IR_CTX;
}

/* Helpers that get the context may change it (packets that move), but for those of
 * tracing. */
static bool may_write_ctx(const struct ir_insn *i)
{
	if (!ir_is_call(i) || !i->nr_args || ir_real(i->args[0])->op != IR_CTX)
		return false;
	return i->op != IR_CALL ||
	       !(is_steady(i->imm) || i->imm == BPF_FUNC_perf_event_output ||
		 i->imm == BPF_FUNC_get_stackid || i->imm == BPF_FUNC_get_stack ||
		 i->imm == BPF_FUNC_get_func_arg || i->imm == BPF_FUNC_get_func_ret ||
		 i->imm == BPF_FUNC_perf_prog_read_value);
}

static bool ctx_stays(const struct ir_func *f)
{
	for (struct ir_block *b = f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next)
			if (writes_ctx(i) || may_write_ctx(i))
				return false;
	return true;
}

/* Phis that somebody else than their block's jump or a phi of the next block uses. */
static void mark_wanted(struct ir_insn *i)
{
	struct ir_block *b = i->block;

	for (u32 k = 0; k < i->nr_args; k++)
		if (i->args[k]->op == IR_PHI && (i->args[k]->block != b || i->op != IR_BR))
			i->args[k]->mark = true;
	for (size_t p = 0; i->op == IR_PHI && p < b->preds.n; p++)
		if (i->phi[p]->op == IR_PHI && i->phi[p]->block != b->preds.v[p])
			i->phi[p]->mark = true;
}

/* One table for all rounds; it is only made anew when folding has made many instructions. */
static void clear_slots(struct opt *o)
{
	u32 cap = 64;

	while (cap < 2 * o->f->nr_insns)
		cap *= 2;
	if (cap > o->cap_slots)
		o->slots = arena_news(&o->arena, cap, struct ir_insn *);
	else
		memset(o->slots, 0, o->cap_slots * sizeof(*o->slots));
	o->cap_slots = cap > o->cap_slots ? cap : o->cap_slots;
}

void opt_values(struct opt *o)
{
	struct numbering n = { .o = o, .ctx_stays = ctx_stays(o->f) };

	clear_slots(o);
	n.slots = o->slots;
	n.mask = o->cap_slots - 1;
	number_blocks(&n);
	for (struct ir_block *b = o->f->first; b; b = b->next) {
		for (struct ir_insn *i = b->first, *next; i; i = next) {
			next = i->next;
			visit(&n, i);
		}
	}
	for (struct ir_block *b = o->f->first; b; b = b->next)
		for (struct ir_insn *i = b->first; i; i = i->next) {
			take_operands(i);
			mark_wanted(i);
		}
}
