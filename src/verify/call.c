/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.c: calls of helpers: may the program call it, do the arguments fit, what
 * is different afterwards, what does it return. Rows of helper.def drive it.
 */
#include "verify/call.h"

/* ---- may it be called? --------------------------------------------------- */

static bool check_helper(struct verifier *v, u32 at, const struct helper_row *row)
{
	u32 id = (u32)v->insns[at].imm;
	char name[64] = "unknown";
	struct why why = { .a = id, .s = name };

	if (row)
		snprintf(name, sizeof(name), "bpf_%s", row->name);
	if (!row)
		return reject(v, REJECT_HELPER_NONE, at, &why);
	if (!helper_offered(id, v->prog->type))
		return reject(v, REJECT_HELPER_TYPE, at, &why);
	if (row->gpl && !license_is_gpl(v->img->license))
		reject(v, REJECT_HELPER_GPL, at, &why);
	return true;
}

/* ---- effects ------------------------------------------------------------- */

static void forget_packet_reg(struct reg *r, void *arg)
{
	struct verifier *v = arg;

	if (!reg_is_packet(r) && r->type != REG_PACKET_END)
		return;
	if (v->privileged)
		reg_set_unknown(v, r);
	else
		reg_set_none(r);
}

void forget_packet(struct verifier *v, struct state *s)
{
	state_each(s, forget_packet_reg, v);
}

static void clobber(struct state *s)
{
	for (unsigned r = 0; r <= 5; r++)
		reg_set_none(state_reg(s, r));
}

static void tail_call(struct verifier *v, struct state *s, u32 at)
{
	v->funcs[state_frame(s)->func].tail_calls = true;
	check_refs(v, s, at, REJECT_TAIL_REF);
}

/* ---- the result ---------------------------------------------------------- */

static void ret_value(struct verifier *v, struct reg *r0, const struct call *c)
{
	const struct image_map *map = map_of(v, c->map);
	bool inner = map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
		     map->type == BPF_MAP_TYPE_HASH_OF_MAPS;

	reg_set_ptr(r0, inner ? REG_MAP : REG_MAP_VALUE, c->sure ? 0 : REG_OR_NULL);
	r0->map = c->map->map;
	r0->id = ++v->next_id;
	r0->uid = inner ? r0->id : c->map->uid;
}

static void ret_record(struct verifier *v, struct state *s, const struct call *c)
{
	struct reg *r0 = state_reg(s, 0);

	reg_set_ptr(r0, REG_MEM, REG_OR_NULL | REG_RECORD);
	r0->bytes = (u32)c->const_size;
	v->next_id++;	/* as in the kernel, whose log names ids */
	r0->ref = ref_acquire(v, s, REF_PTR);
	ref_find(s, r0->ref)->insn = c->insn;
	r0->id = r0->ref;
}

/* Helpers that give 0..max bytes, or an error. */
static bool gives_length(u32 id)
{
	switch (id) {
	case BPF_FUNC_get_stack:
	case BPF_FUNC_get_task_stack:
	case BPF_FUNC_probe_read_str:
	case BPF_FUNC_probe_read_kernel_str:
	case BPF_FUNC_probe_read_user_str:
		return true;
	default:
		return false;
	}
}

enum { MAX_ERRNO = 4095 };

static void ret_int(struct verifier *v, struct reg *r0, const struct call *c)
{
	reg_set_unknown(v, r0);
	if (gives_length(c->row->id))
		r0->val = scalar_srange(-MAX_ERRNO, (s64)c->const_size);
}

static void ret_other(struct verifier *v, struct state *s, const struct call *c)
{
	if (c->row->id == BPF_FUNC_ringbuf_reserve)
		ret_record(v, s, c);
	else
		not_judged(v, c->insn, "the result of bpf_%s", c->row->name);
}

void ret_set(struct verifier *v, struct state *s, const struct call *c)
{
	struct reg *r0 = state_reg(s, 0);

	switch (c->row->ret) {
	case RET_VOID:
		break;
	case RET_INT:
		ret_int(v, r0, c);
		break;
	case RET_VALUE_OR_NULL:
		if (c->map)
			ret_value(v, r0, c);
		else
			reg_set_unknown(v, r0);
		break;
	default:
		ret_other(v, s, c);
	}
}

/* ---- under a lock -------------------------------------------------------- */

static bool lock_held(const struct state *s)
{
	for (u32 i = 0; i < s->nr_refs; i++)
		if (s->refs[i].kind == REF_LOCK)
			return true;
	return false;
}

void check_locked(struct verifier *v, struct state *s, u32 at, bool inside)
{
	if (!inside && lock_held(s))
		reject(v, REJECT_LOCK_HELD, at, NULL);
}

/* Nothing is called before the lock is released, but what releases it. */
static void check_lock(struct verifier *v, struct state *s, u32 at,
		       const struct helper_row *row)
{
	if (lock_held(s) && row->id != BPF_FUNC_spin_unlock && row->id != BPF_FUNC_spin_lock &&
	    row->id != BPF_FUNC_kptr_xchg)
		reject(v, REJECT_LOCK_HELD, at, NULL);
}

/* ---- the call ------------------------------------------------------------ */

/* Elements of these are sockets, which the program has to release. */
static bool has_sockets(const struct verifier *v, const struct call *c)
{
	u32 type = c->map ? map_of(v, c->map)->type : BPF_MAP_TYPE_UNSPEC;

	return type == BPF_MAP_TYPE_SOCKMAP || type == BPF_MAP_TYPE_SOCKHASH;
}

static void args_check(struct verifier *v, struct state *s, struct call *c)
{
	for (unsigned i = 0; i < 5 && c->row->args[i] != ARG_NONE; i++)
		if (i && c->row->args[i - 1] == ARG_MAP && has_sockets(v, c))
			not_judged(v, c->insn, "bpf_%s on maps of sockets", c->row->name);
		else
			arg_check(v, s, c, i);
}

enum step step_call(struct verifier *v, struct state *s, u32 at)
{
	struct call c = { .insn = at, .func = -1, .row = helper_row((u32)v->insns[at].imm) };

	if (!check_helper(v, at, c.row)) {
		clobber(s);
		reg_set_unknown(v, state_reg(s, 0));
		return STEP_NEXT;
	}
	check_lock(v, s, at, c.row);
	args_check(v, s, &c);
	if (v->stop)
		return STEP_END;
	if (c.func >= 0)
		callback_enter(v, s, &c);
	if (c.row->id == BPF_FUNC_tail_call)
		tail_call(v, s, at);
	if (helper_moves_packet(c.row->id))
		forget_packet(v, s);
	if (c.release)
		ref_release(v, s, c.release);
	clobber(s);
	ret_set(v, s, &c);
	return STEP_NEXT;
}
