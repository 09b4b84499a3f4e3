/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * step.c: the one dispatcher: an instruction of a state leads to what becomes
 * of the state. Cases are calls.
 */
#include "verify/call.h"
#include "model/uapi.h"
#include "verify/kobject.h"

int reject_unreadable(struct verifier *v, const struct state *s, u32 insn, unsigned r)
{
	reject(v, REJECT_REG_UNINIT, insn, &(struct why){ .reg = r, .ptr = state_reg(s, r) });
	reg_set_unknown(v, state_reg(s, r));
	return -EACCES;
}

/* ---- 64-bit immediates --------------------------------------------------- */

/* Has the map of the instruction a value at that offset? */
void check_map_value(struct verifier *v, u32 at)
{
	const struct image_map *m = &v->img->maps[v->insns[at].imm];
	u32 off = (u32)v->insns[at + 1].imm, size = m->value_size;

	if (m->type == UAPI_MAP_TYPE_ARENA)
		arena_offset(v, at);
	else if (m->type != BPF_MAP_TYPE_ARRAY)
		reject(v, REJECT_MAP_DIRECT, at, NULL);
	else if (m->max_entries != 1)
		reject(v, REJECT_MAP_OFF_END, at, &(struct why){ .off = off, .a = size });
	else if (off >= MAX_VAR_OFF)
		reject(v, REJECT_MAP_OFF, at, &(struct why){ .off = off });
	else if (off >= size)
		reject(v, REJECT_MAP_OFF_END, at, &(struct why){ .off = off, .a = size });
}

/* A value of map MAP at OFF: what LDDW_IDX_VAL gives. */
static void map_value_at(struct reg *r, u32 map, u32 off)
{
	reg_set_ptr(r, REG_MAP_VALUE, 0);
	r->map = map;
	r->off = (s32)off;
}

void step_lddw(struct verifier *v, struct state *s, u32 at)
{
	const struct bpf_insn *insn = &v->insns[at];
	struct reg *dst = state_reg(s, insn->dst_reg);
	u32 low = (u32)insn->imm, high = (u32)insn[1].imm;

	if (insn->dst_reg == REG_FP)
		reject(v, REJECT_FP_WRITE, at, &(struct why){ .reg = REG_FP });
	switch (v->points[at].op) {
	case OP_LDDW:
		reg_set_const(v, dst, low | (u64)high << 32);
		break;
	case OP_LDDW_MAP_IDX:
		reg_set_ptr(dst, REG_MAP, 0);
		dst->map = low;
		break;
	case OP_LDDW_IDX_VAL:
		if (v->img->maps[low].type == UAPI_MAP_TYPE_ARENA)
			reg_set_unknown(v, dst);
		else
			map_value_at(dst, low, high);
		break;
	case OP_LDDW_FUNC:
		reg_set_ptr(dst, REG_FUNC, 0);
		dst->func = cfg_func_at(v, at + low + 1);
		if (v->funcs[dst->func].global)
			reject(v, REJECT_CALLBACK_GLOBAL, at, &(struct why){
				.s = v->funcs[dst->func].name });
		break;
	case OP_LDDW_BTF_ID:
		kobject_lddw(v, at, dst);
		break;
	default:
		reject(v, REJECT_MAP_FD, at, &(struct why){ .a = low });
		reg_set_unknown(v, dst);
	}
}

/* ---- packet loads of classic BPF ----------------------------------------- */

static void check_ld_abs(struct verifier *v, struct state *s, u32 at)
{
	u32 type = v->prog->type;
	struct reg *ctx = state_reg(s, 6);

	if (type != BPF_PROG_TYPE_SOCKET_FILTER && type != BPF_PROG_TYPE_SCHED_CLS &&
	    type != BPF_PROG_TYPE_SCHED_ACT)
		reject(v, REJECT_LD_ABS_CALLS, at, NULL);
	if (!check_readable(v, s, at, 6) && ctx->type != REG_CTX)
		reject(v, REJECT_ARG_TYPE, at, &(struct why){ .reg = 6, .ptr = ctx,
		       .a = 6, .s = "ctx", .t = "the packet load" });
	else if (ctx->off || !scalar_is_const(&ctx->val) || scalar_value(&ctx->val))
		reject(v, REJECT_CTX_MODIFIED, at, &(struct why){ .reg = 6, .ptr = ctx,
		       .a = ctx->off });
	if (s->nr_refs)
		reject(v, REJECT_LD_ABS_REF, at, NULL);
	if (s->rcu || s->preempt)	/* saved interrupts are a reference */
		reject(v, REJECT_RCU_EXIT, at, &(struct why){ .s = "BPF_LD_[ABS|IND]" });
}

/* Where in the packet: whether there is anything tells something of the number. (The kernel
 * lets an address be one.) */
static void check_index(struct verifier *v, struct state *s, u32 at, unsigned r)
{
	const struct reg *index = state_reg(s, r);

	if (check_readable(v, s, at, r) || v->privileged || v->opts->policy != POLICY_USER)
		return;
	if (reg_is_ptr(index))
		reject(v, REJECT_PTR_LEAK, at, &(struct why){ .reg = r, .ptr = index,
		       .s = "packet" });
}

void step_ld_abs(struct verifier *v, struct state *s, u32 at)
{
	check_ld_abs(v, s, at);
	if (isa_rows[v->points[at].op].kind == KIND_LD_IND)
		check_index(v, s, at, v->insns[at].src_reg);
	if (s->nr_frames > 1)	/* outside the packet: the function returns 0 */
		leave_function(v, s, at, true);
	for (unsigned r = 0; r <= 5; r++)
		reg_set_none(state_reg(s, r));
	reg_set_unknown(v, state_reg(s, 0));
}

/* ---- the dispatcher ------------------------------------------------------ */

static enum step step_kind(struct verifier *v, struct state *s, u32 at, unsigned kind)
{
	switch (kind) {
	case KIND_ALU_ADD ... KIND_BSWAP:
		step_alu(v, s, at);
		break;
	case KIND_LDDW:
		step_lddw(v, s, at);
		s->insn++;
		break;
	case KIND_LDX:
	case KIND_LDXSX:
		step_load(v, s, at);
		break;
	case KIND_ST:
	case KIND_STX:
		step_store(v, s, at);
		break;
	case KIND_ATOMIC_ADD ... KIND_ATOMIC_STREL:
		step_atomic(v, s, at);
		break;
	case KIND_LD_ABS:
	case KIND_LD_IND:
		step_ld_abs(v, s, at);
		break;
	case KIND_JMP_JEQ ... KIND_MAY_GOTO:
		return step_jump(v, s, at);
	case KIND_CALL:
		return step_call(v, s, at);
	case KIND_CALL_KFUNC:
		return step_call_kfunc(v, s, at);
	case KIND_CALL_LOCAL:
		return step_call_local(v, s, at);
	case KIND_EXIT:
		return step_exit(v, s, at);
	case KIND_CALL_REG:
		reject(v, REJECT_CALL_REG, at, NULL);
		return STEP_END;
	default:
		not_judged(v, at, "%s", isa_rows[v->points[at].op].name);
		return STEP_END;
	}
	return STEP_NEXT;
}

/* The register that instruction AT writes, for what it makes; -1: none. */
static int written(const struct verifier *v, u32 at, unsigned kind)
{
	switch (kind) {
	case KIND_MOV:		/* a copy keeps where it came from */
		return BPF_SRC(v->insns[at].code) == BPF_X ? -1 : v->insns[at].dst_reg;
	case KIND_ALU_ADD ... KIND_NEG:
	case KIND_MOVSX8 ... KIND_BSWAP:
	case KIND_LDDW:
	case KIND_LDX:
	case KIND_LDXSX:
		return v->insns[at].dst_reg;
	case KIND_CALL:
	case KIND_CALL_KFUNC:
		return 0;
	default:
		return -1;
	}
}

/* Calls and exits are jumps for the kernel, too, where it counts them. */
static bool is_jump(unsigned kind)
{
	return kind >= KIND_JMP_JEQ && kind <= KIND_EXIT;
}

enum step step(struct verifier *v, struct state *s)
{
	u32 at = s->insn++;
	unsigned kind = isa_rows[v->points[at].op].kind;
	int made = written(v, at, kind);
	enum step step;

	if (unlikely(v->facts))
		facts_note(v, s, at);
	v->points[at].flags |= POINT_SEEN;
	v->visited++;
	v->step_insns++;
	v->step_jumps += is_jump(kind);
	step = step_kind(v, s, at, kind);
	/* a load of what was spilled, or a pointer that moves, is no origin */
	if (made >= 0 && step == STEP_NEXT && !state_reg(s, (unsigned)made)->at)
		state_reg(s, (unsigned)made)->at = at + 1;
	return step;
}
