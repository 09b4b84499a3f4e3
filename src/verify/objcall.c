/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * objcall.c: functions of the kernel whose row of kfunc.def says what their
 * arguments are: judged as helpers are, but numbers must be numbers.
 */
#include "verify/call.h"
#include "verify/kobject.h"

static bool is(const struct call *c, const char *name)
{
	return !strcmp(c->row->name, name);
}

/* ---- who may call -------------------------------------------------------- */

void check_kfunc(struct verifier *v, u32 at, const char *name, u64 types)
{
	struct why why = { .s = name };

	if (!license_is_gpl(v->img->license))
		reject(v, REJECT_KFUNC_GPL, at, &why);
	else if (!(types >> v->prog->type & 1))
		reject(v, REJECT_KFUNC_TYPE, at, &why);
}

/* What function NAME reads at any address may be an address itself, of what was spilled:
 * that is for loaders with CAP_PERFMON. (The kernel lets all read.) */
void check_secret(struct verifier *v, u32 at, const char *name)
{
	if (v->opts->policy == POLICY_USER && !v->privileged)
		reject(v, REJECT_KFUNC_TYPE, at, &(struct why){ .s = name });
}

/* ---- arguments ----------------------------------------------------------- */

/* Argument I is whatever the register holds. (The kernel does not ask whether it holds
 * anything.) */
void check_unread(struct verifier *v, const struct state *s, u32 at, unsigned i,
		  const char *name)
{
	if (v->opts->policy == POLICY_USER && !check_readable(v, s, at, i + 1))
		check_secret(v, at, name);
}

static struct why why_of(const struct call *c, const struct reg *r, unsigned i,
			 const char *expected)
{
	return (struct why){ .reg = i + 1, .ptr = r, .a = i + 1, .b = i, .s = expected,
			     .t = c->row->name };
}

/* Strings are read with faults caught: the kernel looks at no such argument. */
static bool is_unread(const struct call *c, unsigned i)
{
	static const struct { const char *name; u8 args; } unread[] = {
		{ "strcmp", 3 }, { "strcasecmp", 3 }, { "strchr", 1 }, { "strchrnul", 1 },
		{ "strnchr", 1 }, { "strrchr", 1 }, { "strlen", 1 }, { "strnlen", 1 },
		{ "strspn", 3 }, { "strcspn", 3 }, { "strstr", 3 }, { "strnstr", 3 },
		{ "probe_read_kernel_dynptr", 8 }, { "probe_read_kernel_str_dynptr", 8 },
		{ "probe_read_user_dynptr", 8 }, { "probe_read_user_str_dynptr", 8 },
		{ "iter_bits_new", 2 },
	};

	for (size_t n = 0; n < ARRAY_LEN(unread); n++)
		if (is(c, unread[n].name))
			return unread[n].args >> i & 1;
	return false;
}

static void arg_number(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i, "scalar");

	if (is_unread(c, i)) {
		check_unread(v, s, c->insn, i, kfunc_name(v, c->insn));
		return;
	}
	if (check_readable(v, s, c->insn, i + 1))
		return;
	if (r->type != REG_SCALAR)
		reject(v, REJECT_KFUNC_NUMBER, c->insn, &why);
}

static void check_memory(struct verifier *v, struct state *s, const struct call *c, unsigned i,
			 u32 size)
{
	struct reg r = *state_reg(s, i + 1);
	struct access a = { .insn = c->insn, .reg = i + 1, .size = size, .store = -1,
			    .kind = ACCESS_READ, .is_helper = true };
	struct why why = why_of(c, &r, i, "fp");

	if (!reg_is_ptr(&r))
		reject(v, REJECT_ARG_TYPE, c->insn, &why);
	else if (r.type == REG_STACK)
		stack_helper_access(v, s, &a, &r, false);
	else if (size)
		mem_access(v, s, &a, NULL);
	a.kind = ACCESS_WRITE;
	if (r.type == REG_STACK)
		stack_helper_access(v, s, &a, &r, false);
	else if (size && reg_is_ptr(&r))
		mem_access(v, s, &a, NULL);
}

void check_buffer(struct verifier *v, struct state *s, const struct call *c, unsigned i,
		  u32 size)
{
	struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i, "fp");

	if (r->flags & REG_OR_NULL)
		reject(v, REJECT_ARG_NULL, c->insn, &why);
	check_memory(v, s, c, i, size);
}

/* NULL, and that matters. (The kernel does not note it, and takes a number for none.) */
static bool is_no_buffer(struct verifier *v, const struct reg *r)
{
	if (v->opts->policy == POLICY_USER)
		reg_mark(v, r);
	return reg_is_null(r);
}

/* The size of an optional buffer, which may be NULL: a constant, and of what the call
 * gives. */
static void arg_slice_size(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(c, r, i, "scalar");

	if (check_readable(v, s, c->insn, i) || check_readable(v, s, c->insn, i + 1))
		return;
	if (r->type != REG_SCALAR || !scalar_is_const(&r->val)) {
		reject(v, REJECT_ARG_CONST, c->insn, &why);
		return;
	}
	reg_mark(v, r);
	c->const_size = scalar_value(&r->val);
	if (c->const_size >= MAX_VAR_OFF)
		reject(v, REJECT_ARG_SIZE_MAX, c->insn, &why);
	else if (!is_no_buffer(v, state_reg(s, i))) {
		c->buffer = *state_reg(s, i);
		check_memory(v, s, c, i - 1, (u32)c->const_size);
	}
}

/* A map as an object of the kernel, as programs that go over maps get it. */
static bool is_map_object(const struct reg *r)
{
	return r->type == REG_BTF && kobject_trusted(r) && !(r->flags & REG_OR_NULL) && !r->off &&
	       scalar_is_const(&r->val) && !scalar_value(&r->val) &&
	       !strcmp(btf_type_name(r->btf, r->btf_id), "bpf_map");
}

/* Programs of these types have a packet only as an object of the kernel. */
static bool traces(u32 type)
{
	return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_TRACEPOINT ||
	       type == BPF_PROG_TYPE_PERF_EVENT || type == BPF_PROG_TYPE_LSM;
}

static void arg_traced_skb(struct verifier *v, const struct reg *r, const struct call *c,
			   unsigned i)
{
	struct why why = why_of(c, r, i, "__sk_buff");

	if (reg_is_null(r) || (r->flags & REG_OR_NULL))
		reject(v, REJECT_KFUNC_NULL, c->insn, &why);
	else if (r->type != REG_BTF)
		reject(v, REJECT_KFUNC_SKB, c->insn, &why);
	else if (!kobject_trusted(r))
		reject(v, REJECT_KFUNC_TRUST, c->insn, &why);
	else if (r->off || !scalar_is_const(&r->val) || scalar_value(&r->val) ||
		 strcmp(btf_type_name(r->btf, r->btf_id), "sk_buff"))
		reject(v, REJECT_KFUNC_OBJECT, c->insn, &why);
}

static void check_arg(struct verifier *v, struct state *s, struct call *c, unsigned i)
{
	switch (c->row->args[i]) {
	case ARG_CTX:
		if (is(c, "dynptr_from_skb") && traces(v->prog->type))
			arg_traced_skb(v, state_reg(s, i + 1), c, i);
		else
			arg_check(v, s, c, i);
		break;
	case ARG_MAP:
		if (!is_map_object(state_reg(s, i + 1)))
			arg_check(v, s, c, i);
		break;
	case ARG_ANY:
		arg_number(v, s, c, i);
		break;
	case ARG_MEM_OUT_OPT:
		break;		/* with its size */
	case ARG_SIZE_0:
		arg_slice_size(v, s, c, i);
		break;
	default:
		arg_check(v, s, c, i);
	}
}

/* ---- afterwards ---------------------------------------------------------- */

static void set_result(struct verifier *v, struct state *s, struct call *c)
{
	if (c->row->ret == RET_INT) {
		reg_set_unknown(v, state_reg(s, 0));
	} else if (is(c, "dynptr_slice")) {
		ret_slice(v, s, c, REG_RDONLY);
	} else if (is(c, "dynptr_slice_rdwr")) {
		if (!writes_packet(v))
			reject(v, REJECT_SLICE_WRITE, c->insn, NULL);
		ret_slice(v, s, c, 0);
	} else if (c->row->ret != RET_VOID) {
		not_judged(v, c->insn, "the result of bpf_%s", c->row->name);
	}
}

/* What is written behind the bytes that lie in one piece moves them. (The kernel knows
 * it of bpf_dynptr_write alone.) */
static bool fills_packet(const struct verifier *v, const struct call *c)
{
	return v->opts->policy == POLICY_USER && writes_dynptr(c->row->name) &&
	       dynptr_moves_packet(&c->into);
}

enum step step_call_row(struct verifier *v, struct state *s, u32 at,
			const struct helper_row *row)
{
	struct call c = { .insn = at, .func = -1, .row = row, .is_kfunc = true };

	for (unsigned i = 0; i < 5 && row->args[i] != ARG_NONE && !v->stop; i++)
		check_arg(v, s, &c, i);
	if (v->stop)
		return STEP_END;
	if (c.func >= 0)
		callback_enter(v, s, &c);
	if (is(&c, "xdp_pull_data") || fills_packet(v, &c))
		forget_packet(v, s, at);
	for (unsigned r = 0; r <= 5; r++)
		reg_set_none(state_reg(s, r));
	set_result(v, s, &c);
	return STEP_NEXT;
}
