/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * step_ptr.c: a pointer plus or minus a number. A known number goes into the
 * fixed offset, any other into the variable part, which then gets a new id:
 * what was proved for the old offset no longer holds.
 */
#include "verify/state.h"

/* ---- which pointers may move at all -------------------------------------- */

static bool may_move(const struct reg *ptr, const struct reg *num, bool add)
{
	bool known = scalar_is_const(&num->val);

	switch (ptr->type) {
	case REG_CTX:
	case REG_MAP_VALUE:
	case REG_MAP_KEY:
	case REG_STACK:
	case REG_PACKET_META:
	case REG_PACKET:
	case REG_TP_BUFFER:
	case REG_BTF:
	case REG_MEM:
	case REG_BUF:
	case REG_FUNC:
	case REG_DYNPTR:
	case REG_ARENA:
		return true;
	case REG_FLOW_KEYS:
		return known;
	case REG_MAP:
		return known && add && scalar_value(&num->val) == 0;
	default:
		return false;
	}
}

/* ---- offsets that are too far -------------------------------------------- */

static bool near(s64 off)
{
	return off > -MAX_VAR_OFF && off < MAX_VAR_OFF;
}

/* May R take NUM, a number or the variable part of a pointer, as an offset? */
static bool check_offset(struct verifier *v, u32 at, const struct reg *ptr,
			 const struct reg *num)
{
	struct why why = { .ptr = ptr };

	if (scalar_is_const(&num->val)) {
		why.a = (s64)scalar_value(&num->val);
		if (near(why.a))
			return true;
		reject(v, REJECT_PTR_FAR_NUM, at, &why);
		return false;
	}
	why.a = num->val.smin;
	if (num->val.smin == INT64_MIN)
		reject(v, REJECT_PTR_UNBOUNDED, at, &why);
	else if (!near(num->val.smin))
		reject(v, REJECT_PTR_FAR, at, &why);
	else
		return true;
	return false;
}

static bool check_sum(struct verifier *v, u32 at, const struct reg *ptr)
{
	struct why why = { .ptr = ptr, .a = ptr->off };

	if (!near(ptr->off)) {
		reject(v, REJECT_PTR_OFF, at, &why);
		return false;
	}
	return check_offset(v, at, ptr, ptr);
}

/* ---- the arithmetic ------------------------------------------------------ */

static bool add_known(struct reg *r, s64 n)
{
	s64 off = r->off + n;

	if (off != (s32)off)
		return false;
	r->off = (s32)off;
	return true;
}

static void add_unknown(struct verifier *v, struct reg *r, const struct reg *num,
			bool add)
{
	bool back = !add && num->val.smin >= 0;

	scalar_alu(add ? KIND_ALU_ADD : KIND_ALU_SUB, 64, &r->val, &num->val);
	if (!reg_is_packet(r))
		return;
	r->id = ++v->next_id;
	if (!back)	/* bytes before what is proved to exist do, too */
		r->range = 0;
}

static bool check_move(struct verifier *v, u32 at, const struct reg *ptr,
		       const struct reg *num, bool add, bool from_num)
{
	struct why why = { .reg = v->insns[at].dst_reg, .ptr = ptr };

	if (ptr->flags & REG_OR_NULL)
		reject(v, REJECT_PTR_ARITH_NULL, at, &why);
	else if (!may_move(ptr, num, add))
		reject(v, REJECT_PTR_TYPE, at, &why);
	else if (!add && from_num)
		reject(v, REJECT_PTR_FROM_NUM, at, &why);
	else if (!add && ptr->type == REG_STACK)
		reject(v, REJECT_PTR_SUB_STACK, at, &why);
	else
		return check_offset(v, at, ptr, num);
	return false;
}

void step_ptr(struct verifier *v, struct state *s, u32 at, struct reg *dst,
	      const struct reg *ptr, const struct reg *num)
{
	bool add = isa_rows[v->points[at].op].kind == KIND_ALU_ADD;
	struct reg sum = *ptr, n = *num;
	s64 known = (s64)scalar_value(&n.val);

	if (!check_move(v, at, ptr, num, add, ptr != dst)) {
		*dst = sum;
		return;
	}
	reg_mark(v, &n);
	if (!scalar_is_const(&n.val) || !add_known(&sum, add ? known : -known))
		add_unknown(v, &sum, &n, add);
	if (reg_is_packet(&sum) && sum.range < 0)
		sum.range = 0;	/* what was beyond the end may no longer be */
	check_sum(v, at, &sum);
	*dst = sum;
}
