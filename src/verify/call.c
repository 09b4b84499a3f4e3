/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call.c: calls of helpers: may the program call it, do the arguments fit, what
 * is different afterwards, what does it return. Rows of helper.def drive it.
 */
#include "verify/call.h"
#include "model/dynptr.h"
#include "verify/kobject.h"
#include "btf/btf.h"
#include "btf/core.h"

/* ---- may it be called? --------------------------------------------------- */

bool prog_sleeps(const struct verifier *v)
{
	const struct sec_row *sec = v->prog->sec;

	return v->prog->type == BPF_PROG_TYPE_SYSCALL || (sec && sec->flags & SEC_SLEEPABLE);
}

/* Does the program run where a function is entered or left? */
static bool knows_function(const struct verifier *v, struct why *why)
{
	why->b = v->prog->type;
	switch (v->prog->expected_attach) {
	case BPF_TRACE_FENTRY:
	case BPF_TRACE_FEXIT:
	case BPF_MODIFY_RETURN:
		return true;
	default:
		return v->prog->type == BPF_PROG_TYPE_KPROBE;
	}
}

/* Listed for programs of type syscall, and refused for want of a trace. */
static bool of_sockets_storage(u32 id)
{
	return id == BPF_FUNC_sk_storage_get || id == BPF_FUNC_sk_storage_delete;
}

/* Instead of an instruction whose CO-RE relocation has no value. */
static bool poisoned(struct verifier *v, u32 at)
{
	struct strbuf what = { 0 };
	struct why why = { .a = IMAGE_POISON };

	for (u32 i = 0; i < v->prog->nr_cores && !what.n; i++)
		if (v->prog->cores[i].insn == at)
			core_describe(&what, v->img->btf, &v->prog->cores[i].relo);
	why.s = what.n ? sb_text(&what) : "what a CO-RE relocation here asks for";
	reject(v, REJECT_CORE_POISON, at, &why);
	sb_free(&what);
	return false;
}

/* May the program call the helper? Where it may it is not asked again. */
static bool check_helper(struct verifier *v, const struct state *s, u32 at,
			 const struct helper_row *row)
{
	u32 id = (u32)v->insns[at].imm;
	char name[64] = "unknown";
	struct why why = { .a = id, .s = name };

	if (!row && id == IMAGE_POISON)
		return poisoned(v, at);
	if (!row)
		return reject(v, REJECT_HELPER_NONE, at, &why);
	dated_helper(v, at, helper_row(id));
	if ((v->points[at].flags & POINT_CALL) && (s->sleepable || !(row->flags & HELPER_SLEEPS)))
		return true;
	snprintf(name, sizeof(name), "bpf_%s", row->name);
	if ((!v->privileged && helper_measures(id)) ||
	    !helper_offered_to(id, v->prog->type, v->prog->expected_attach, prog_sleeps(v)))
		return reject(v, REJECT_HELPER_TYPE, at, &why);
	if (row->flags & HELPER_SLEEPS && !s->sleepable)
		reject(v, REJECT_HELPER_SLEEPS, at, &why);
	if (id == BPF_FUNC_get_func_ip && !knows_function(v, &why))
		reject(v, REJECT_HELPER_HERE, at, &why);
	if (v->prog->type == BPF_PROG_TYPE_SYSCALL && of_sockets_storage(id))
		reject(v, REJECT_HELPER_PROBE, at, &why);
	if (helper_row(id)->gpl && !license_is_gpl(v->img->license))
		reject(v, REJECT_HELPER_GPL, at, &why);
	if (!v->errors.n && !v->stop)
		v->points[at].flags |= POINT_CALL;
	return true;
}

/* ---- effects ------------------------------------------------------------- */

struct moved { struct verifier *v; u32 at; };

static void forget_packet_reg(struct reg *r, void *arg)
{
	struct moved *m = arg;

	if (!reg_is_packet(r) && r->type != REG_PACKET_END &&
	    !(r->type == REG_MEM && (r->flags & REG_SLICE)))
		return;
	reg_invalidate(m->v, r, m->at, AT_MOVED);
}

void forget_packet(struct verifier *v, struct state *s, u32 at)
{
	struct moved moved = { v, at };

	state_each(s, forget_packet_reg, &moved);
}

static void clobber(struct state *s)
{
	memset(state_reg(s, 0), 0, 6 * sizeof(struct reg));
}

static void tail_call(struct verifier *v, struct state *s, u32 at)
{
	v->funcs[state_frame(s)->func].tail_calls = true;
	if (s->rcu || s->preempt || s->irq)
		reject(v, REJECT_RCU_EXIT, at, &(struct why){ .s = "tail_call" });
	if (s->nr_frames == 1)
		check_refs(v, s, at, REJECT_TAIL_REF);
	else	/* the other program returns for the function: who called it has what is held */
		leave_function(v, s, at, false);
}

/* ---- the result ---------------------------------------------------------- */

/* A pointer that is NULL when there is no such thing. */
static void ret_or_null(struct verifier *v, struct state *s, const struct call *c,
			enum reg_type type, bool acquires)
{
	struct reg *r0 = state_reg(s, 0);

	reg_set_ptr(r0, type, REG_OR_NULL);
	r0->id = ++v->next_id;
	if (c->row->flags & HELPER_CASTS)
		r0->ref = c->ref;
	if (!acquires)
		return;
	r0->ref = r0->id = ref_acquire(v, s, REF_PTR);
	ref_find(s, r0->ref)->insn = c->insn;
}

static void ret_value(struct verifier *v, struct state *s, const struct call *c)
{
	const struct image_map *map = map_of(v, c->map);
	struct reg *r0 = state_reg(s, 0);

	switch (map->type) {
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
		ret_or_null(v, s, c, REG_SOCKET, true);
		return;
	case BPF_MAP_TYPE_XSKMAP:
		ret_or_null(v, s, c, REG_XDP_SOCK, false);
		return;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		reg_set_ptr(r0, REG_MAP, c->sure ? 0 : REG_OR_NULL);
		r0->uid = r0->id = ++v->next_id;
		break;
	default:
		reg_set_ptr(r0, REG_MAP_VALUE, c->sure ? 0 : REG_OR_NULL);
		r0->uid = c->map->uid;
		r0->id = ++v->next_id;
	}
	r0->map = c->map->map;
}

static void ret_record(struct verifier *v, struct state *s, const struct call *c)
{
	struct reg *r0 = state_reg(s, 0);

	ret_or_null(v, s, c, REG_MEM, true);
	r0->flags |= REG_RECORD;
	r0->bytes = (u32)c->const_size;
}

/* An object of a type of the target kernel. */
static void ret_btf(struct verifier *v, struct state *s, const struct call *c)
{
	struct reg *r0 = state_reg(s, 0);
	const struct btf *btf = v->opts->vmlinux;
	const char *name = helper_ret_type(c->row->id);
	u32 id = btf && name ? btf_find(btf, name, BTF_KIND_STRUCT) : 0;

	if (!id) {
		not_judged(v, c->insn, "the result of bpf_%s without the kernel's types",
			   c->row->name);
		reg_set_unknown(v, r0);
		return;
	}
	ret_or_null(v, s, c, REG_BTF, false);
	if (c->row->ret == RET_BTF) {
		r0->flags &= (u16)~REG_OR_NULL;
		r0->id = 0;
	}
	if (c->row->flags & HELPER_TRUSTED)
		r0->flags |= REG_TRUSTED;
	r0->btf = btf;
	r0->btf_id = id;
}

/* A per-cpu variable of one cpu; its type was noted before r1 went. */
static void ret_variable(struct verifier *v, struct state *s, const struct call *c,
			 unsigned flags)
{
	struct reg *r0 = state_reg(s, 0);
	const struct btf *btf = c->percpu.btf;
	u32 kind = btf ? btf_kind(btf_type(btf, c->percpu.btf_id)) : 0;

	if (c->percpu.flags & REG_ALLOC)
		flags |= REG_ALLOC | REG_RCU;
	if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION) {
		reg_set_btf(v, r0, btf, c->percpu.btf_id, flags);
		return;
	}
	reg_set_ptr(r0, REG_MEM, flags | REG_RDONLY);
	r0->bytes = btf ? (u32)btf_bytes(btf, c->percpu.btf_id) : 0;
	r0->id = flags & REG_OR_NULL ? ++v->next_id : 0;
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

enum { MAX_ERRNO = 4095, MAX_CPUS = 8192 };	/* that Linux can be built for */

static void ret_int(struct verifier *v, struct reg *r0, const struct call *c)
{
	reg_set_unknown(v, r0);
	if (gives_length(c->row->id))
		r0->val = scalar_srange(-MAX_ERRNO, (s64)c->const_size);
	else if (c->row->id == BPF_FUNC_get_smp_processor_id)
		r0->val = scalar_srange(0, MAX_CPUS - 1);
}

static void ret_other(struct verifier *v, struct state *s, const struct call *c)
{
	switch (c->row->id) {
	case BPF_FUNC_dynptr_data:
		ret_slice(v, s, c, 0);
		break;
	case BPF_FUNC_kptr_xchg:
		ret_kptr(v, s, c);
		break;
	case BPF_FUNC_per_cpu_ptr:
		ret_variable(v, s, c, REG_OR_NULL);
		break;
	case BPF_FUNC_this_cpu_ptr:
		ret_variable(v, s, c, 0);
		break;
	default:
		not_judged(v, c->insn, "the result of bpf_%s", c->row->name);
	}
}

void ret_set(struct verifier *v, struct state *s, const struct call *c)
{
	bool acquires = c->row->flags & HELPER_ACQUIRES;

	switch (c->row->ret) {
	case RET_VOID:
		break;
	case RET_INT:
		ret_int(v, state_reg(s, 0), c);
		break;
	case RET_VALUE:
	case RET_VALUE_OR_NULL:
		if (c->map)
			ret_value(v, s, c);
		else
			reg_set_unknown(v, state_reg(s, 0));
		if (c->row->ret == RET_VALUE)
			state_reg(s, 0)->flags = 0;
		break;
	case RET_RECORD_OR_NULL:
		ret_record(v, s, c);
		break;
	case RET_FULLSOCK_OR_NULL:
		ret_or_null(v, s, c, REG_SOCKET, acquires);
		break;
	case RET_SOCK_COMMON_OR_NULL:
		ret_or_null(v, s, c, REG_SOCK_COMMON, acquires);
		break;
	case RET_TCP_SOCK_OR_NULL:
		ret_or_null(v, s, c, REG_TCP_SOCK, acquires);
		break;
	case RET_BTF:
	case RET_BTF_OR_NULL:
		ret_btf(v, s, c);
		break;
	default:
		ret_other(v, s, c);
	}
}

/* ---- under a lock -------------------------------------------------------- */

bool lock_held(const struct state *s)
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
	if (lock_held(s) && row->id != BPF_FUNC_spin_unlock && row->id != BPF_FUNC_spin_lock)
		reject(v, REJECT_LOCK_HELD, at, NULL);
}

/* Nothing sleeps where the kernel must not be interrupted. */
static void check_section(struct verifier *v, struct state *s, u32 at,
			  const struct helper_row *row)
{
	struct why why = { .a = row->id, .s = row->name };

	if (!(row->flags & HELPER_SLEEPS))
		return;
	why.t = section_open(v, s);
	if (why.t)
		reject(v, REJECT_SLEEP_SECTION, at, &why);
}

/* What depends on the call's arguments besides each for itself. */
static void check_whole(struct verifier *v, struct state *s, const struct call *c)
{
	const struct reg *r1 = state_reg(s, 1);

	if (c->row->id != BPF_FUNC_dynptr_from_mem)
		return;
	if (r1->type != REG_MAP_VALUE)
		reject(v, REJECT_DYNPTR_DATA, c->insn, &(struct why){ .reg = 1, .ptr = r1 });
	else if (map_of(v, r1)->map_flags & BPF_F_WRONLY_PROG && v->opts->policy == POLICY_USER)
		reject(v, REJECT_MAP_WRONLY, c->insn, &(struct why){ .reg = 1, .ptr = r1,
			.a = map_of(v, r1)->value_size, .off = r1->off });
}

static bool moves_packet(const struct call *c)
{
	return helper_moves_packet(c->row->id) ||
	       (c->row->id == BPF_FUNC_dynptr_write && dynptr_moves_packet(&c->into));
}

/* ---- the call ------------------------------------------------------------ */

static void args_check(struct verifier *v, struct state *s, struct call *c)
{
	for (unsigned i = 0; i < 5 && c->row->args[i] != ARG_NONE; i++)
		arg_check(v, s, c, i);
	args_check_map(v, c);
}

enum step step_call(struct verifier *v, struct state *s, u32 at)
{
	struct call c = { .insn = at, .func = -1, .row = helper_proto(
		(u32)v->insns[at].imm, v->prog->type) };

	if (!check_helper(v, s, at, c.row)) {
		clobber(s);
		reg_set_unknown(v, state_reg(s, 0));
		return STEP_NEXT;
	}
	check_lock(v, s, at, c.row);
	check_section(v, s, at, c.row);
	args_check(v, s, &c);
	check_whole(v, s, &c);
	check_format(v, s, &c);
	if (v->stop)
		return STEP_END;
	if (c.func >= 0)
		callback_enter(v, s, &c);
	if (c.row->id == BPF_FUNC_tail_call)
		tail_call(v, s, at);
	if (moves_packet(&c))
		forget_packet(v, s, at);
	if (c.release_dynptr)
		dynptr_release(v, s, c.release);
	else if (c.release)
		ref_release(v, s, c.release);
	clobber(s);
	ret_set(v, s, &c);
	return STEP_NEXT;
}
