/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * global.c: functions with external linkage. Each is judged once, for all
 * arguments that its types allow; a caller only has to pass such arguments, and
 * knows nothing of the result but that it is a number.
 */
#include "verify/call.h"
#include "verify/kobject.h"
#include "model/dynptr.h"

enum param_kind {
	PARAM_NUMBER, PARAM_CTX, PARAM_MEM, PARAM_DYNPTR, PARAM_ARENA,
	PARAM_OBJECT,		/* of the kernel's types */
	PARAM_ANYTHING,		/* an address that is read with faults caught */
	PARAM_BAD
};

struct param {
	enum param_kind kind;
	u32 bytes;		/* MEM */
	u32 id;			/* OBJECT; ANYTHING: a struct of the kernel, or 0 */
	bool nonnull;		/* MEM, OBJECT */
};

/* ---- types --------------------------------------------------------------- */

static const struct btf_type *proto_of(const struct verifier *v, const struct func *f)
{
	const struct btf *btf = v->img->btf;
	const struct btf_type *t = btf ? btf_type(btf, f->type_id) : NULL;

	if (!t || btf_kind(t) != BTF_KIND_FUNC)
		return NULL;
	t = btf_type(btf, t->type);
	return t && btf_kind(t) == BTF_KIND_FUNC_PROTO ? t : NULL;
}

/* The tag "arg:WHAT" of parameter I of function F. */
static bool has_tag(const struct verifier *v, const struct func *f, u32 i, const char *what)
{
	const struct btf *btf = v->img->btf;

	for (u32 id = 1; id < btf->nr_types; id++) {
		const struct btf_type *t = btf_type(btf, id);

		if (btf_kind(t) == BTF_KIND_DECL_TAG && t->type == f->type_id &&
		    ((const struct btf_decl_tag *)(t + 1))->component_idx == (s32)i &&
		    !strcmp(btf_type_name(btf, id), what))
			return true;
	}
	return false;
}

static bool is_number(const struct btf *btf, u32 id)
{
	u32 kind = btf_kind(btf_type(btf, btf_skip_mods(btf, id)));

	return kind == BTF_KIND_INT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

static bool is_ctx_name(const struct verifier *v, const char *name)
{
	return *name && (!strcmp(name, "bpf_user_pt_regs_t") ||
			 (v->ctx && !strcmp(name, v->ctx->name)));
}

enum {
	TAG_CTX = 1, TAG_ARENA = 2, TAG_NONNULL = 4, TAG_TRUSTED = 8, TAG_UNTRUSTED = 16,
	TAG_NULLABLE = 32
};

static unsigned tags_of(const struct verifier *v, const struct func *f, u32 i)
{
	return (has_tag(v, f, i, "arg:ctx") ? TAG_CTX : 0u) |
	       (has_tag(v, f, i, "arg:arena") ? TAG_ARENA : 0u) |
	       (has_tag(v, f, i, "arg:nonnull") ? TAG_NONNULL : 0u) |
	       (has_tag(v, f, i, "arg:trusted") ? TAG_TRUSTED : 0u) |
	       (has_tag(v, f, i, "arg:untrusted") ? TAG_UNTRUSTED : 0u) |
	       (has_tag(v, f, i, "arg:nullable") ? TAG_NULLABLE : 0u);
}

/* An object of the kernel that has the name and the kind of ID, by its tags. */
static struct param object_param(const struct verifier *v, u32 id, unsigned tags)
{
	const struct btf *btf = v->img->btf, *kernel = v->opts->vmlinux;
	const struct btf_type *t = btf_type(btf, id);
	bool trusted = tags == TAG_TRUSTED || tags == (TAG_TRUSTED | TAG_NULLABLE);
	struct param p = { .kind = PARAM_BAD, .nonnull = !(tags & TAG_NULLABLE) };

	if (!v->privileged || (!trusted && tags != TAG_UNTRUSTED))
		return p;
	if (btf_kind(t) == BTF_KIND_STRUCT && kernel)
		p.id = btf_find(kernel, btf_type_name(btf, id), BTF_KIND_STRUCT);
	if (trusted && p.id)
		p.kind = PARAM_OBJECT;
	else if (!trusted && (p.id || !id || is_number(btf, id)))
		p.kind = PARAM_ANYTHING;
	return p;
}

/* What the type says; tags that say something else are none that a kernel takes. */
static struct param pointer_param(const struct verifier *v, const struct func *f, u32 i,
				  u32 to)
{
	const struct btf *btf = v->img->btf;
	u32 id = btf_skip_mods(btf, to);
	s64 bytes = btf_size(btf, id);
	unsigned tags = tags_of(v, f, i), but = 0;
	bool dynptr = !strcmp(btf_type_name(btf, id), "bpf_dynptr");
	struct param p = { .kind = PARAM_BAD };

	if (tags & (TAG_TRUSTED | TAG_UNTRUSTED))
		return object_param(v, id, tags);
	if (tags & TAG_CTX || is_ctx_name(v, btf_type_name(btf, id)))
		p.kind = PARAM_CTX, but = tags & TAG_CTX && dynptr ? 0 : TAG_CTX;
	else if (dynptr)
		p.kind = PARAM_DYNPTR;
	else if (tags & TAG_ARENA)
		p.kind = PARAM_ARENA, but = TAG_ARENA;
	else if (bytes > 0 && bytes < MAX_VAR_OFF)
		p = (struct param){ .kind = PARAM_MEM, .bytes = (u32)bytes,
				   .nonnull = tags & TAG_NONNULL }, but = TAG_NONNULL;
	if (tags & ~but)
		p.kind = PARAM_BAD;
	return p;
}

static struct param param_of(const struct verifier *v, const struct func *f, u32 i, u32 id)
{
	const struct btf *btf = v->img->btf;
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));

	if (is_number(btf, id))
		return (struct param){ .kind = tags_of(v, f, i) ? PARAM_BAD : PARAM_NUMBER };
	if (btf_kind(t) != BTF_KIND_PTR)
		return (struct param){ .kind = PARAM_BAD };
	return pointer_param(v, f, i, t->type);
}

static const struct btf_param *params(const struct btf_type *proto)
{
	return (const struct btf_param *)(proto + 1);
}

/* ---- inside -------------------------------------------------------------- */

static void set_object(struct verifier *v, struct reg *r, struct param p)
{
	if (p.kind == PARAM_OBJECT)
		reg_set_btf(v, r, v->opts->vmlinux, p.id,
			    REG_TRUSTED | (p.nonnull ? 0 : REG_OR_NULL));
	else if (p.id)
		reg_set_btf(v, r, v->opts->vmlinux, p.id, REG_UNTRUSTED);
	else
		reg_set_ptr(r, REG_MEM, REG_RDONLY | REG_UNTRUSTED);
}

static void set_param(struct verifier *v, const struct func *f, struct reg *r, u32 i,
		      struct param p)
{
	switch (p.kind) {
	case PARAM_OBJECT:
	case PARAM_ANYTHING:
		set_object(v, r, p);
		break;
	case PARAM_NUMBER:
	case PARAM_ARENA:	/* it may be a number, too */
		reg_set_unknown(v, r);
		break;
	case PARAM_CTX:
		reg_set_ptr(r, REG_CTX, 0);
		break;
	case PARAM_MEM:
		reg_set_ptr(r, REG_MEM, (p.nonnull ? 0 : REG_OR_NULL) |
			    (f->shown >> i & 1 ? REG_SHOWN | REG_RDONLY : 0));
		r->bytes = p.bytes;
		r->id = ++v->next_id;
		break;
	case PARAM_DYNPTR:
		reg_set_ptr(r, REG_DYNPTR, 0);
		/* of a packet, perhaps, which the function moves (the kernel takes it for
		   memory) */
		r->dynptr = v->opts->policy == POLICY_USER ? DYNPTR_GIVEN : DYNPTR_LOCAL;
		break;
	default:
		not_judged(v, f->start, "parameter %u of the global function %s", i + 1, f->name);
	}
}

void global_args(struct verifier *v, struct state *s, u32 func)
{
	const struct func *f = &v->funcs[func];
	const struct btf_type *proto = proto_of(v, f);

	if (!proto || btf_vlen(proto) > 5) {
		not_judged(v, f->start, "global functions without types (%s)", f->name);
		return;
	}
	if (!is_number(v->img->btf, proto->type))
		reject(v, REJECT_GLOBAL_RET, f->start, &(struct why){ .s = f->name });
	for (u32 i = 0; i < btf_vlen(proto); i++)
		set_param(v, f, state_reg(s, i + 1), i,
			  param_of(v, f, i, params(proto)[i].type));
}

/* ---- calls --------------------------------------------------------------- */

/* Memory that the function may not write to, though its type does not say so. (The kernel
 * lets it write to packets that the program may only read.) */
static bool shows(const struct verifier *v, const struct reg *r)
{
	return (reg_is_packet(r) && !writes_packet(v)) || (r->type == REG_MEM &&
							   (r->flags & REG_SHOWN));
}

static void check_mem(struct verifier *v, struct state *s, u32 at, struct func *f, u32 i,
		      u32 bytes)
{
	struct access a = { .insn = at, .reg = i + 1, .size = bytes, .store = -1,
			    .kind = ACCESS_READ, .is_helper = true };
	struct reg r = *state_reg(s, i + 1);

	if (r.type == REG_STACK) {
		stack_helper_access(v, s, &a, &r, false);
		a.kind = ACCESS_WRITE;
		stack_helper_access(v, s, &a, &r, false);
		return;
	}
	mem_access(v, s, &a, NULL);
	if (shows(v, &r)) {
		f->shown |= (u8)(v->opts->policy == POLICY_USER ? 1 << i : 0);
		return;
	}
	a.kind = ACCESS_WRITE;
	mem_access(v, s, &a, NULL);
}

static bool is_plain_ctx(const struct reg *r)
{
	return r->type == REG_CTX && !r->off && scalar_is_const(&r->val) &&
	       !scalar_value(&r->val);
}

/* What the function may pass on, too. (The kernel takes what only a read section keeps, and
 * what nobody does.) */
static void check_object(struct verifier *v, const struct reg *r, u32 at, struct why why,
			 struct param p)
{
	const struct btf *btf = v->opts->vmlinux;
	bool safe = r->type == REG_BTF && r->btf == btf && kobject_trusted(r) &&
		    !(r->flags & (REG_UNTRUSTED | REG_USER | REG_PERCPU)) &&
		    scalar_is_const(&r->val) && !scalar_value(&r->val) && r->off >= 0;

	why.s = btf_type_name(btf, p.id);
	reg_mark(v, r);
	if (reg_is_null(r) && !p.nonnull)
		return;
	if (!safe || !btf_holds(btf, r->btf_id, (u64)r->off, p.id))
		reject(v, REJECT_ARG_TYPE, at, &why);
	else if (p.nonnull && (r->flags & REG_OR_NULL))
		reject(v, REJECT_ARG_NULL, at, &why);
}

static void check_arg(struct verifier *v, struct state *s, u32 at, struct func *f,
		      u32 i, struct param p)
{
	struct reg *r = state_reg(s, i + 1);
	struct why why = { .reg = i + 1, .ptr = r, .a = i + 1, .b = i, .t = f->name };

	if (check_readable(v, s, at, i + 1))
		return;
	if (p.kind == PARAM_OBJECT)
		check_object(v, r, at, why, p);
	if (p.kind == PARAM_OBJECT || p.kind == PARAM_ANYTHING)
		return;
	if (p.kind == PARAM_DYNPTR) {
		dynptr_arg(v, s, at, i, f->name);
		return;
	}
	if (p.kind == PARAM_ARENA) {
		if (r->type != REG_ARENA && r->type != REG_SCALAR)
			reject(v, REJECT_ARENA_ARG, at, &why);
		return;
	}
	reg_mark(v, r);
	why.s = p.kind == PARAM_CTX ? "ctx" : p.kind == PARAM_MEM ? "memory" : "a number";
	if (p.kind == PARAM_NUMBER ? r->type != REG_SCALAR :
	    p.kind == PARAM_CTX ? !is_plain_ctx(r) :
	    !reg_is_ptr(r) && !(reg_is_null(r) && !p.nonnull))
		reject(v, REJECT_ARG_TYPE, at, &why);
	else if (p.kind == PARAM_MEM && p.nonnull && (r->flags & REG_OR_NULL))
		reject(v, REJECT_ARG_NULL, at, &why);
	else if (p.kind == PARAM_MEM && reg_is_ptr(r))
		check_mem(v, s, at, f, i, p.bytes);
}

/* Has the program dynptrs of packets that move when they are written to? */
static bool has_skb_dynptrs(const struct verifier *v)
{
	for (u32 at = 0; at < v->nr_insns; at++)
		if (v->points[at].op == OP_CALL_KFUNC &&
		    !strncmp(kfunc_name(v, at), "bpf_dynptr_from_skb", 19))
			return true;
	return false;
}

/* Does instruction AT write into a dynptr, perhaps of a packet? (The kernel does not ask
 * in functions that it judges alone.) */
static bool fills_dynptr(const struct verifier *v, u32 at)
{
	if (v->points[at].op == OP_CALL)
		return v->insns[at].imm == BPF_FUNC_dynptr_write;
	return v->points[at].op == OP_CALL_KFUNC && writes_dynptr(kfunc_name(v, at) + 4);
}

/* Does instruction AT by itself move the packet, does it sleep? */
static void find_here(const struct verifier *v, u32 at, struct func *f, bool skb_dynptrs)
{
	u32 i = (u32)v->insns[at].imm;

	f->moves_packet |= skb_dynptrs && fills_dynptr(v, at);

	if (v->points[at].op == OP_CALL) {
		const struct helper_row *row = helper_proto(i, v->prog->type);

		f->moves_packet |= helper_moves_packet(i) || i == BPF_FUNC_tail_call;
		f->might_sleep |= row && (row->flags & HELPER_SLEEPS);
	} else if (v->points[at].op == OP_CALL_KFUNC && i < v->img->nr_externs) {
		const char *name = v->img->externs[i].name;
		const struct kfunc_typed_row *row = kfunc_typed_row(name);

		f->moves_packet |= !strcmp(name, "bpf_xdp_pull_data");
		f->might_sleep |= row && (row->flags & KFUNC_SLEEPS);
	}
}

/* What the function does that instruction AT names, F does; true: that is news. */
static bool find_callee(const struct verifier *v, u32 at, struct func *f)
{
	const struct func before = *f, *to;
	u8 op = v->points[at].op;

	if (op != OP_CALL_LOCAL && op != OP_LDDW_FUNC)
		return false;
	to = &v->funcs[cfg_func_at(v, at + (u32)v->insns[at].imm + 1)];
	f->moves_packet |= to->moves_packet;
	f->might_sleep |= to->might_sleep;
	return f->moves_packet != before.moves_packet || f->might_sleep != before.might_sleep;
}

void global_effects(struct verifier *v)
{
	bool changed = false, skb_dynptrs;

	for (u32 i = 0; i < v->nr_funcs; i++)
		changed |= v->funcs[i].global;
	if (!changed)	/* nobody asks */
		return;
	skb_dynptrs = v->opts->policy == POLICY_USER && has_skb_dynptrs(v);
	for (u32 at = 0; at < v->nr_insns; at++)
		find_here(v, at, &v->funcs[v->points[at].func], skb_dynptrs);
	while (changed) {
		changed = false;
		for (u32 at = 0; at < v->nr_insns; at++)
			changed |= find_callee(v, at, &v->funcs[v->points[at].func]);
	}
}

static void check_global_sleeps(struct verifier *v, const struct state *s, u32 at,
				const struct func *f)
{
	if (f->might_sleep && (!s->sleepable || section_open(v, s)))
		reject(v, REJECT_GLOBAL_SLEEPS, at, &(struct why){ .s = f->name });
}

/* Memory in the packet would be gone while the function runs. (The kernel lets it
 * pass: what was freed is its own.) */
static void check_packet_args(struct verifier *v, struct state *s, u32 at, const struct func *f,
			      u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		const struct reg *r = state_reg(s, i + 1);
		bool packet = reg_is_packet(r) || (r->type == REG_MEM && (r->flags & REG_SLICE));

		if (packet && f->moves_packet && v->opts->policy == POLICY_USER)
			reject(v, REJECT_ARG_PACKET, at, &(struct why){ .reg = i + 1, .ptr = r,
			       .t = f->name });
	}
}

/* Work may sleep where the program may not, and is in no read section then: what it calls
 * is judged for that. (The kernel judges for the program alone.) */
static bool called_from(const struct verifier *v, const struct state *s)
{
	return v->opts->policy == POLICY_USER ? s->sleepable : prog_sleeps(v);
}

enum step call_global(struct verifier *v, struct state *s, u32 at, u32 func)
{
	struct func *f = &v->funcs[func];
	const struct btf_type *proto = proto_of(v, f);

	if (!proto || btf_vlen(proto) > 5) {
		not_judged(v, at, "global functions without types (%s)", f->name);
		return STEP_END;
	}
	for (u32 i = 0; i < s->nr_refs; i++)
		if (s->refs[i].kind == REF_LOCK)
			reject(v, REJECT_LOCK_GLOBAL, at, &(struct why){ .s = f->name });
	check_global_sleeps(v, s, at, f);
	for (u32 i = 0; i < btf_vlen(proto); i++) {
		struct param p = param_of(v, f, i, params(proto)[i].type);

		if (p.kind == PARAM_BAD)
			not_judged(v, at, "parameter %u of the global function %s", i + 1, f->name);
		else
			check_arg(v, s, at, f, i, p);
	}
	f->callers |= (u8)(1u << called_from(v, s));
	check_packet_args(v, s, at, f, btf_vlen(proto));
	if (f->moves_packet)
		forget_packet(v, s, at);
	for (unsigned r = 0; r <= 5; r++)
		reg_set_none(state_reg(s, r));
	reg_set_unknown(v, state_reg(s, 0));
	return STEP_NEXT;
}
