/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_map.c: maps of scripts. A scalar map is an array of one element, read and written
 * where it lies; an aggregation has a value per cpu that is changed in place; a histogram
 * is one value.
 */
#include "lang/lower.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- making them ------------------------------------------------------------- */

static u32 key_bytes(const struct map_var *m)
{
	return m->key ? (u32)round_up(m->key->bytes, 8) : 4;
}

static bool is_percpu(const struct map_var *m)
{
	if (m->decl)
		return m->decl_type == BPF_MAP_TYPE_PERCPU_HASH ||
		       m->decl_type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	return ty_is_agg(m->value) && m->value->kind != TY_TSERIES;
}

/* A scalar map that is no aggregation is data, which programs reach without a call. SHORTS:
 * what maps before it are called. */
static const char *bpf_name(struct lang *l, const struct map_var *m, struct strtab *shorts)
{
	const char *name = m->name + 1, *cut = arena_printf(l->arena, "AT_%.12s", name);
	const bool is_data = !m->keyed && !m->percpu;
	u32 other;

	if (!is_data && strtab_get(shorts, cut, &other))
		return arena_printf(l->arena, "AT%u_%.9s", m->index, name);
	strtab_put(shorts, cut, 0);
	return is_data ? arena_printf(l->arena, ".bss.%s", *name ? name : "_") : cut;
}

static void make_map(struct lang *l, struct map_var *m, struct strtab *shorts)
{
	struct ir_map def = { .key_bytes = key_bytes(m), .max_entries = 1 };
	u32 bytes = (u32)round_up(m->value->bytes, 8);

	m->percpu = is_percpu(m);
	def.name = bpf_name(l, m, shorts);
	if (m->keyed) {
		def.max_entries = m->decl_max ? m->decl_max : (u32)l->config.max_map_keys;
		def.type = m->decl ? m->decl_type : m->percpu ? BPF_MAP_TYPE_PERCPU_HASH :
			   BPF_MAP_TYPE_HASH;
	} else {
		def.type = m->percpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_ARRAY;
		m->set_at = bytes;
		bytes += 8;
	}
	def.value_bytes = bytes;
	m->ir = ir_map_add(&l->ir, &def);
	*vec_push(&l->unit->maps) = (struct lang_map){ .name = m->name, .bpf_name = def.name,
		.key = m->keyed ? m->key : NULL, .value = m->value, .percpu = m->percpu,
		.max_entries = def.max_entries, .set_at = m->set_at,
		.lost = LC_FIRST_MAP + m->index };
}

void low_maps(struct lang *l)
{
	struct strtab shorts = { .arena = l->arena };

	for (size_t i = 0; i < l->maps.n; i++)
		make_map(l, l->maps.v[i], &shorts);
}

/* ---- keys and places --------------------------------------------------------- */

/* The address of the key: KEY NULL: of the only element. */
struct ir_insn *low_map_key(struct low *w, struct map_var *m, struct node *key)
{
	struct ir_insn *at;

	if (!m->keyed) {
		at = low_temp(w, 8);
		ir_store(w->f, 4, at, 0, num(w, 0));
		return at;
	}
	at = low_temp(w, key_bytes(m));
	low_into(w, key, m->key, at, 0, true);
	if (m->key->bytes % 8)
		ir_zero(w->f, at, (s32)m->key->bytes, 8 - m->key->bytes % 8);
	return at;
}

static struct ir_insn *lookup(struct low *w, struct map_var *m, struct ir_insn *key)
{
	return ir_call(w->f, BPF_FUNC_map_lookup_elem, 2, ir_map(w->f, m->ir), key);
}

static bool in_place(const struct map_var *m)
{
	return !m->keyed && !m->percpu;
}

static void mark_set(struct low *w, struct map_var *m, struct ir_insn *value)
{
	if (!m->keyed)
		ir_store(w->f, 8, value, (s32)m->set_at, num(w, 1));
}

/* update_elem, and what found no room is counted. */
static void update(struct low *w, struct map_var *m, struct ir_insn *key, struct ir_insn *value,
		   u64 flags)
{
	struct ir_block *lost = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *r = ir_call(w->f, BPF_FUNC_map_update_elem, 4, ir_map(w->f, m->ir), key,
				    value, num(w, (s64)flags));

	ir_br(w->f, CC_EQ, 32, r, num(w, 0), end, lost);
	low_at(w, lost);
	low_count(w, LC_FIRST_MAP + m->index);
	ir_jmp(w->f, end);
	low_at(w, end);
}

/* ---- reading ----------------------------------------------------------------- */

static struct ir_insn *node_key(struct low *w, struct node *n)
{
	return low_map_key(w, n->sem, n->a);
}

static struct ir_insn *read_number(struct low *w, struct node *n)
{
	struct map_var *m = n->sem;
	struct ir_block *has, *none, *end;
	struct ir_insn *p;
	u32 var;

	if (in_place(m))
		return low_load(w, m->value, ir_mapval(w->f, m->ir, 0), 0, SPACE_NONE).v;
	p = lookup(w, m, node_key(w, n));
	var = ir_var(w->f);
	has = low_block_new(w), none = low_block_new(w), end = low_block_new(w);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, none);
	low_at(w, has);
	ir_write(w->f, var, low_load(w, m->value, p, 0, SPACE_NONE).v);
	ir_jmp(w->f, end);
	low_at(w, none);
	ir_write(w->f, var, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, var);
}

void low_map_into(struct low *w, struct node *n, const struct ty *t, struct ir_insn *base,
		  s32 off)
{
	struct map_var *m = n->sem;
	struct ir_block *has, *none, *end;
	struct ir_insn *p;

	if (in_place(m)) {
		low_store(w, (struct val){ m->value, ir_mapval(w->f, m->ir, 0), SPACE_NONE }, t,
			  base, off, true);
		return;
	}
	p = lookup(w, m, node_key(w, n));
	has = low_block_new(w), none = low_block_new(w), end = low_block_new(w);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, none);
	low_at(w, has);
	low_store(w, (struct val){ m->value, p, SPACE_NONE }, t, base, off, true);
	ir_jmp(w->f, end);
	low_at(w, none);
	low_zero(w, base, off, t->bytes);
	ir_jmp(w->f, end);
	low_at(w, end);
}

struct val low_map_read(struct low *w, struct node *n)
{
	struct map_var *m = n->sem;
	struct ir_insn *tmp;

	if (ty_is_agg(m->value))
		return (struct val){ n->ty, low_map_number(w, n), SPACE_NONE };
	if (!ty_is_mem(m->value))
		return (struct val){ m->value, read_number(w, n), SPACE_NONE };
	if (in_place(m))
		return (struct val){ m->value, ir_mapval(w->f, m->ir, 0), SPACE_NONE };
	tmp = low_temp(w, m->value->bytes);
	low_map_into(w, n, m->value, tmp, 0);
	return (struct val){ m->value, tmp, SPACE_NONE };
}

/* ---- numbers of aggregations: over all cpus ---------------------------------- */

struct sums { u32 a, b; };	/* variables */

static void add_up(struct low *w, const struct ty *t, struct sums *s, struct ir_insn *p)
{
	struct ir_insn *a = ir_load(w->f, 8, false, p, 0), *b;
	struct ir_block *take = low_block_new(w), *end = low_block_new(w);

	switch (t->kind) {
	case TY_COUNT:
	case TY_SUM:
		ir_write(w->f, s->a, ir_op2(w->f, IR_ADD, 64, ir_read(w->f, s->a), a));
		ir_jmp(w->f, end);
		break;
	case TY_MIN:
	case TY_MAX: {
		struct ir_block *set = low_block_new(w), *more = low_block_new(w);
		const enum ir_cc cc = t->kind == TY_MIN ? (t->is_signed ? CC_SLT : CC_ULT) :
				      t->is_signed ? CC_SGT : CC_UGT;

		ir_br(w->f, CC_NE, 64, ir_load(w->f, 8, false, p, 8), num(w, 0), set, end);
		low_at(w, set);
		ir_br(w->f, CC_EQ, 64, ir_read(w->f, s->b), num(w, 0), take, more);
		low_at(w, more);
		ir_br(w->f, cc, 64, a, ir_read(w->f, s->a), take, end);
		low_at(w, take);
		ir_write(w->f, s->a, a);
		ir_write(w->f, s->b, num(w, 1));
		ir_jmp(w->f, end);
		low_at(w, end);
		return;
	}
	default:			/* avg, stats */
		b = ir_load(w->f, 8, false, p, 8);
		ir_write(w->f, s->a, ir_op2(w->f, IR_ADD, 64, ir_read(w->f, s->a), a));
		ir_write(w->f, s->b, ir_op2(w->f, IR_ADD, 64, ir_read(w->f, s->b), b));
		ir_jmp(w->f, end);
	}
	low_at(w, take);
	ir_jmp(w->f, end);
	low_at(w, end);
}

static struct ir_insn *of_sums(struct low *w, const struct ty *t, const struct sums *s)
{
	struct ir_insn *a = ir_read(w->f, s->a);

	if (t->kind != TY_AVG && t->kind != TY_STATS)
		return a;
	return ir_op2(w->f, t->is_signed ? IR_SDIV : IR_UDIV, 64, a, ir_read(w->f, s->b));
}

struct ir_insn *low_map_number(struct low *w, struct node *n)
{
	struct map_var *m = n->sem;
	struct ir_insn *key = node_key(w, n), *p, *i;
	struct sums s = { ir_var(w->f), ir_var(w->f) };
	struct ir_block *head, *body, *some, *next, *end;
	const u32 cpu = ir_var(w->f);

	head = low_block_new(w), body = low_block_new(w), some = low_block_new(w);
	next = low_block_new(w), end = low_block_new(w);
	ir_write(w->f, s.a, num(w, 0));
	ir_write(w->f, s.b, num(w, 0));
	ir_write(w->f, cpu, num(w, 0));
	ir_jmp(w->f, head);
	ir_at(w->f, head);
	ir_br(w->f, CC_ULT, 64, ir_read(w->f, cpu), num(w, m->percpu ? w->l->cpus : 1), body, end);
	low_at(w, body);
	i = ir_read(w->f, cpu);
	p = m->percpu ? ir_call(w->f, BPF_FUNC_map_lookup_percpu_elem, 3, ir_map(w->f, m->ir), key,
				i) : lookup(w, m, key);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), some, next);
	low_at(w, some);
	add_up(w, m->value, &s, p);
	ir_jmp(w->f, next);
	low_at(w, next);
	ir_write(w->f, cpu, ir_addi(w->f, ir_read(w->f, cpu), 1));
	ir_jmp(w->f, head);
	ir_seal(head);
	low_at(w, end);
	return of_sums(w, m->value, &s);
}

/* ---- aggregations: changing the value in place ------------------------------- */

static void add_at(struct low *w, struct map_var *m, struct ir_insn *p, s32 off,
		   struct ir_insn *v)
{
	if (!m->percpu)
		ir_addto(w->f, 8, p, off, v);
	else
		ir_store(w->f, 8, p, off,
			 ir_op2(w->f, IR_ADD, 64, ir_load(w->f, 8, false, p, off), v));
}

static void take_extreme(struct low *w, const struct ty *t, struct ir_insn *p, struct ir_insn *v)
{
	struct ir_block *more = low_block_new(w), *take = low_block_new(w), *end = low_block_new(w);
	const enum ir_cc cc = t->kind == TY_MIN ? (t->is_signed ? CC_SLT : CC_ULT) :
			      t->is_signed ? CC_SGT : CC_UGT;

	ir_br(w->f, CC_EQ, 64, ir_load(w->f, 8, false, p, 8), num(w, 0), take, more);
	low_at(w, more);
	ir_br(w->f, cc, 64, v, ir_load(w->f, 8, false, p, 0), take, end);
	low_at(w, take);
	ir_store(w->f, 8, p, 0, v);
	ir_store(w->f, 8, p, 8, num(w, 1));
	ir_jmp(w->f, end);
	low_at(w, end);
}

/* The floor of log2 of V, which is not 0: six comparisons. */
static struct ir_insn *log2_of(struct low *w, struct ir_insn *v)
{
	const u32 x = ir_var(w->f), r = ir_var(w->f);

	ir_write(w->f, x, v);
	ir_write(w->f, r, num(w, 0));
	for (u32 bits = 32; bits; bits /= 2) {
		struct ir_block *big = low_block_new(w), *end = low_block_new(w);

		ir_br(w->f, CC_UGE, 64, ir_read(w->f, x), num(w, (s64)(1ull << bits)), big, end);
		low_at(w, big);
		ir_write(w->f, x, ir_op2(w->f, IR_SHR, 64, ir_read(w->f, x), num(w, bits)));
		ir_write(w->f, r, ir_op2(w->f, IR_OR, 64, ir_read(w->f, r), num(w, bits)));
		ir_jmp(w->f, end);
		low_at(w, end);
	}
	return ir_read(w->f, r);
}

/* unit.h says where each value belongs. */
static struct ir_insn *hist_index(struct low *w, const struct ty *t, struct ir_insn *v)
{
	const s64 k = t->par[0], n = 1ll << k;
	const u32 r = ir_var(w->f);
	struct ir_block *pos = low_block_new(w), *neg = low_block_new(w), *end = low_block_new(w);
	struct ir_block *big = low_block_new(w), *small = low_block_new(w);
	struct ir_insn *e, *part;

	ir_br(w->f, CC_SGE, 64, v, num(w, 0), pos, neg);
	low_at(w, neg);
	ir_write(w->f, r, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, pos);
	ir_br(w->f, CC_UGE, 64, v, num(w, n), big, small);
	low_at(w, small);
	ir_write(w->f, r, ir_addi(w->f, v, 1));
	ir_jmp(w->f, end);
	low_at(w, big);
	e = ir_addi(w->f, log2_of(w, v), -k);
	part = k ? ir_op2(w->f, IR_AND, 64, ir_op2(w->f, IR_SHR, 64, v, e), num(w, n - 1)) :
	       num(w, 0);
	ir_write(w->f, r, ir_op2(w->f, IR_ADD, 64, ir_addi(w->f, part, 1 + n),
				 k ? ir_op2(w->f, IR_SHL, 64, e, num(w, k)) : e));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, r);
}

static struct ir_insn *lhist_index(struct low *w, const struct ty *t, struct ir_insn *v)
{
	const s64 min = t->par[0], max = t->par[1], step = t->par[2];
	const u32 r = ir_var(w->f);
	struct ir_block *low = low_block_new(w), *more = low_block_new(w), *end = low_block_new(w);
	struct ir_block *high = low_block_new(w), *mid = low_block_new(w);

	ir_br(w->f, CC_SLT, 64, v, num(w, min), low, more);
	low_at(w, low);
	ir_write(w->f, r, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, more);
	ir_br(w->f, CC_SGE, 64, v, num(w, max), high, mid);
	low_at(w, high);
	ir_write(w->f, r, num(w, t->bytes / 8 - 1));
	ir_jmp(w->f, end);
	low_at(w, mid);
	ir_write(w->f, r, ir_addi(w->f, ir_op2(w->f, IR_UDIV, 64, ir_addi(w->f, v, -min),
					       num(w, step)), 1));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, r);
}

static void count_bucket(struct low *w, struct map_var *m, struct ir_insn *p, struct ir_insn *i)
{
	struct ir_block *in = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *at;

	ir_br(w->f, CC_ULT, 64, i, num(w, m->value->bytes / 8), in, end);
	low_at(w, in);
	at = ir_op2(w->f, IR_ADD, 64, p, ir_op2(w->f, IR_SHL, 64, i, num(w, 3)));
	add_at(w, m, at, 0, num(w, 1));
	ir_jmp(w->f, end);
	low_at(w, end);
}

/* One element of a time series: the first of a new interval begins anew. */
static void series(struct low *w, struct map_var *m, struct ir_insn *p, struct ir_insn *v)
{
	const struct ty *t = m->value;
	struct ir_insn *epoch, *at, *old, *meta;
	struct ir_block *fresh = low_block_new(w), *same = low_block_new(w),
			*end = low_block_new(w);
	struct ir_block *take;

	epoch = ir_op2(w->f, IR_UDIV, 64, ir_call(w->f, BPF_FUNC_ktime_get_ns, 0),
		       num(w, t->par[0]));
	at = low_below(w, ir_op2(w->f, IR_UMOD, 64, epoch, num(w, t->par[1])), (u32)t->par[1]);
	at = ir_op2(w->f, IR_ADD, 64, p, ir_op2(w->f, IR_MUL, 64, at,
						num(w, sizeof(struct lang_tseries))));
	ir_br(w->f, CC_EQ, 64, ir_load(w->f, 8, false, at, 16), epoch, same, fresh);
	low_at(w, fresh);
	ir_store(w->f, 8, at, 0, v);
	ir_store(w->f, 8, at, 8, num(w, 1));
	ir_store(w->f, 8, at, 16, epoch);
	ir_jmp(w->f, end);
	low_at(w, same);
	old = ir_load(w->f, 8, false, at, 0);
	meta = ir_load(w->f, 8, false, at, 8);
	take = low_block_new(w);
	if (t->par[2] == 2 || t->par[2] == 3) {		/* max, min */
		ir_br(w->f, t->par[2] == 2 ? CC_SGT : CC_SLT, 64, v, old, take, end);
	} else {
		if (t->par[2])				/* avg, sum */
			v = ir_op2(w->f, IR_ADD, 64, old, v);
		ir_jmp(w->f, take);
	}
	low_at(w, take);
	ir_store(w->f, 8, at, 0, v);
	ir_store(w->f, 8, at, 8, ir_addi(w->f, meta, 1));
	ir_jmp(w->f, end);
	low_at(w, end);
}

static void aggregate(struct low *w, struct map_var *m, struct ir_insn *p, struct ir_insn *v)
{
	switch (m->value->kind) {
	case TY_COUNT:
		add_at(w, m, p, 0, num(w, 1));
		break;
	case TY_SUM:
		add_at(w, m, p, 0, v);
		break;
	case TY_AVG:
	case TY_STATS:
		add_at(w, m, p, 0, v);
		add_at(w, m, p, 8, num(w, 1));
		break;
	case TY_MIN:
	case TY_MAX:
		take_extreme(w, m->value, p, v);
		break;
	case TY_HIST:
		count_bucket(w, m, p, hist_index(w, m->value, v));
		break;
	case TY_LHIST:
		count_bucket(w, m, p, lhist_index(w, m->value, v));
		break;
	default:
		series(w, m, p, v);
	}
	mark_set(w, m, p);
}

/* The value of a key that is not there yet is all 0. */
static struct ir_insn *insert_zero(struct low *w, struct map_var *m, struct ir_insn *key)
{
	const u32 bytes = (u32)round_up(m->value->bytes, 8);
	struct ir_insn *zero;

	if (bytes <= 64) {
		zero = low_temp(w, bytes);
		ir_zero(w->f, zero, 0, bytes);
	} else {
		zero = ir_mapval(w->f, low_zero_map(w->l, bytes), 0);
	}
	ir_call(w->f, BPF_FUNC_map_update_elem, 4, ir_map(w->f, m->ir), key, zero,
		num(w, BPF_NOEXIST));
	return lookup(w, m, key);
}

static void low_aggregate(struct low *w, struct node *n)
{
	struct map_var *m = n->a->sem;
	struct ir_insn *v = n->b->list ? low_num(w, n->b->list) : num(w, 1), *key, *p;
	struct ir_block *has, *none, *lost, *end;
	u32 var;

	if (in_place(m)) {
		aggregate(w, m, ir_mapval(w->f, m->ir, 0), v);
		return;
	}
	key = node_key(w, n->a);
	p = lookup(w, m, key);
	has = low_block_new(w), none = low_block_new(w), end = low_block_new(w);
	lost = low_block_new(w);
	var = ir_var(w->f);
	ir_write(w->f, var, p);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, m->keyed ? none : end);
	low_at(w, none);
	if (m->keyed) {
		p = insert_zero(w, m, key);
		ir_write(w->f, var, p);
		ir_br(w->f, CC_NE, 64, p, num(w, 0), has, lost);
	} else {
		ir_jmp(w->f, end);
	}
	low_at(w, lost);
	low_count(w, LC_FIRST_MAP + m->index);
	ir_jmp(w->f, end);
	low_at(w, has);
	aggregate(w, m, ir_read(w->f, var), v);
	ir_jmp(w->f, end);
	low_at(w, end);
}

/* ---- writing ----------------------------------------------------------------- */

/* @x op= v, at P: additions are atomic. */
static void change_at(struct low *w, struct map_var *m, struct ir_insn *p, enum node_op op,
		      struct ir_insn *v)
{
	const struct ty *t = m->value;
	const s64 scale = t->kind == TY_PTR && t->of->bytes ? t->of->bytes : 1;

	if (scale > 1)
		v = ir_op2(w->f, IR_MUL, 64, v, num(w, scale));
	if ((op == OP_ADD || op == OP_SUB) && t->bytes == 8) {
		ir_addto(w->f, 8, p, 0, op == OP_ADD ? v : ir_neg(w->f, 64, v));
	} else {
		struct ir_insn *old = low_load(w, t, p, 0, SPACE_NONE).v;

		ir_store(w->f, t->bytes, p, 0, ir_op2(w->f, low_op(op, t->is_signed), 64, old, v));
	}
	mark_set(w, m, p);
}

static void low_change(struct low *w, struct node *n, enum node_op op, struct ir_insn *v)
{
	struct map_var *m = n->sem;
	struct ir_insn *key, *p;
	struct ir_block *has, *none, *lost, *end;
	u32 var;

	if (in_place(m)) {
		change_at(w, m, ir_mapval(w->f, m->ir, 0), op, v);
		return;
	}
	key = node_key(w, n);
	p = lookup(w, m, key);
	has = low_block_new(w), none = low_block_new(w), end = low_block_new(w);
	lost = low_block_new(w);
	var = ir_var(w->f);
	ir_write(w->f, var, p);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, none);
	low_at(w, none);
	p = insert_zero(w, m, key);
	ir_write(w->f, var, p);
	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, lost);
	low_at(w, lost);
	low_count(w, LC_FIRST_MAP + m->index);
	ir_jmp(w->f, end);
	low_at(w, has);
	change_at(w, m, ir_read(w->f, var), op, v);
	ir_jmp(w->f, end);
	low_at(w, end);
}

struct ir_insn *low_map_step(struct low *w, struct node *n)
{
	struct ir_insn *old = read_number(w, n->a);
	const struct ty *t = ((struct map_var *)n->a->sem)->value;
	const s64 by = t->kind == TY_PTR && t->of->bytes ? t->of->bytes : 1;

	low_change(w, n->a, n->op == OP_INC ? OP_ADD : OP_SUB, num(w, 1));
	return n->post ? old : ir_addi(w->f, old, n->op == OP_INC ? by : -by);
}

static void plain_store(struct low *w, struct node *n)
{
	struct map_var *m = n->a->sem;
	struct ir_insn *value, *key;

	if (in_place(m)) {
		value = ir_mapval(w->f, m->ir, 0);
		low_into(w, n->b, m->value, value, 0, true);
		mark_set(w, m, value);
		return;
	}
	value = low_temp(w, (u32)round_up(m->value->bytes, 8));
	low_into(w, n->b, m->value, value, 0, true);
	if (m->value->bytes % 8)
		ir_zero(w->f, value, (s32)m->value->bytes, 8 - m->value->bytes % 8);
	key = node_key(w, n->a);
	update(w, m, key, value, BPF_ANY);
}

/* @x = { ...; count() } */
static bool block_of(struct low *w, struct node *n)
{
	struct node inner = *n;

	if (n->b->kind != N_BLOCK || !n->b->a || n->op)
		return false;
	low_block(w, n->b);
	inner.b = n->b->a;
	low_map_assign(w, &inner);
	return true;
}

void low_map_assign(struct low *w, struct node *n)
{
	struct map_var *m = n->a->sem;

	if (ty_is_agg(m->value) && block_of(w, n))
		return;

	if (n->op)
		low_change(w, n->a, n->op, low_num(w, n->b));
	else if (ty_is_agg(m->value) && n->b->kind == N_CALL)
		low_aggregate(w, n);
	else if (ty_is_agg(m->value) && n->b->kind == N_IDENT)	/* @ = count */
		low_aggregate(w, n);
	else
		plain_store(w, n);
}

/* ---- calls ------------------------------------------------------------------- */

static struct ir_insn *unset(struct low *w, struct map_var *m)
{
	struct ir_insn *p = ir_mapval(w->f, m->ir, 0), *was;

	was = ir_load(w->f, 8, false, p, (s32)m->set_at);
	low_zero(w, p, 0, m->set_at + 8);
	return ir_set(w->f, CC_NE, 64, was, num(w, 0));
}

/* delete(@m, key), and as it was, delete(@m[key]). */
struct ir_insn *low_delete(struct low *w, struct node *n)
{
	struct node *map = n->list, *key = map->a ? map->a : map->next;
	struct map_var *m = map->sem;
	struct ir_insn *r;

	if (!m->keyed)
		return unset(w, m);
	r = ir_call(w->f, BPF_FUNC_map_delete_elem, 2, ir_map(w->f, m->ir),
		    low_map_key(w, m, key));
	return ir_set(w->f, CC_EQ, 64, r, num(w, 0));
}

struct ir_insn *low_has_key(struct low *w, struct node *n)
{
	struct map_var *m = n->list->sem;

	return ir_set(w->f, CC_NE, 64, lookup(w, m, low_map_key(w, m, n->list->next)), num(w, 0));
}

struct ir_insn *low_find(struct low *w, struct node *n)
{
	struct map_var *m = n->list->sem;
	struct node *to = n->list->next->next;
	struct ir_insn *p = lookup(w, m, low_map_key(w, m, n->list->next));
	struct ir_block *has = low_block_new(w), *end = low_block_new(w), *none = low_block_new(w);
	const u32 var = ir_var(w->f);

	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, none);
	low_at(w, has);
	low_assign_var(w, to->sem, low_load(w, m->value, p, 0, SPACE_NONE));
	ir_write(w->f, var, num(w, 1));
	ir_jmp(w->f, end);
	low_at(w, none);
	ir_write(w->f, var, num(w, 0));
	ir_jmp(w->f, end);
	low_at(w, end);
	return ir_read(w->f, var);
}

/* How many keys a map has: a walk over them. */
struct ir_insn *low_len(struct low *w, struct node *n)
{
	struct map_var *m = n->list->sem;
	struct ir_func *count;
	struct ir_insn *none = num(w, 0);

	count = ir_func_new(&w->l->ir, arena_printf(w->l->arena, "len_%zu", w->l->ir.funcs.n), NULL,
			    4);
	ir_exit(count, ir_const(count, 0));
	return ir_call(w->f, BPF_FUNC_for_each_map_elem, 4, ir_map(w->f, m->ir),
		       ir_funcptr(w->f, count), none, none);
}
