/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kobject.c: pointers to objects of the kernel's types: where tracing programs
 * get them, what loads through them give, how far they are trusted. A load that
 * faults gives 0, so any may be read through; what may be passed on to the kernel
 * is another matter, and what the flags say (Linux 6.18).
 */
#include "verify/kobject.h"
#include "verify/fields.h"
#include "verify/mem.h"
#include "verify/call.h"

bool in_read_section(const struct state *s)
{
	return s->rcu || !s->sleepable;
}

void reg_set_btf(struct verifier *v, struct reg *r, const struct btf *btf, u32 id,
		 unsigned flags)
{
	while (btf->base && id < btf->first_id)	/* a type that a module shares */
		btf = btf->base;
	reg_set_ptr(r, REG_BTF, flags);
	r->btf = btf;
	r->btf_id = id;
	if (flags & REG_OR_NULL)
		r->id = ++v->next_id;
}

/* ---- trust --------------------------------------------------------------- */

bool kobject_trusted(const struct reg *r)
{
	return r->ref || (r->flags & (REG_TRUSTED | REG_ALLOC | REG_NON_OWN));
}

/* Does the kernel's struct "NAME + SUFFIX" list the member with its type? Such
 * structs say what of an object inherits its state. */
static bool listed(const struct reg *ptr, const struct walk_at *at, const char *suffix)
{
	const struct btf *btf = ptr->btf;
	const struct btf_type *t;
	char name[128];
	u32 id;

	snprintf(name, sizeof(name), "%s%s", btf_type_name(btf, ptr->btf_id), suffix);
	id = btf_find(btf, name, btf_kind(btf_type(btf, ptr->btf_id)));
	t = btf_type(btf, id);
	for (u32 i = 0; id && i < btf_vlen(t); i++) {
		struct btf_member_info m = btf_member(btf, t, i);
		const struct btf_type *p = btf_type(btf, btf_skip_mods(btf, m.type_id));

		if (!strcmp(m.name, at->field) && btf_kind(p) == BTF_KIND_PTR &&
		    btf_skip_mods(btf, p->type) == at->id)
			return true;
	}
	return false;
}

/* Flags of a pointer that was read of the object at PTR. */
static unsigned inherited(const struct state *s, const struct reg *ptr,
			  const struct walk_at *at)
{
	unsigned flags = at->flags;

	if (ptr->flags & REG_UNTRUSTED)
		return REG_UNTRUSTED;
	if (!kobject_trusted(ptr) && !(ptr->flags & REG_RCU))
		return flags & ~(unsigned)REG_RCU;
	if (listed(ptr, at, "__safe_trusted"))
		return flags | REG_TRUSTED;
	if (listed(ptr, at, "__safe_trusted_or_null"))
		return flags | REG_TRUSTED | REG_OR_NULL;
	if (!in_read_section(s))
		return REG_UNTRUSTED;
	if (listed(ptr, at, "__safe_rcu"))
		return flags | REG_RCU;
	if ((flags & REG_RCU) || listed(ptr, at, "__safe_rcu_or_null"))
		return flags | REG_RCU | REG_OR_NULL;
	return flags;
}

/* ---- loads --------------------------------------------------------------- */

static bool check_object(struct verifier *v, const struct access *a, const struct reg *ptr)
{
	struct why why = { .reg = a->reg, .ptr = ptr, .size = a->size, .t = "",
			   .s = btf_type_name(ptr->btf, ptr->btf_id) };

	why.off = (s64)a->off + ptr->off;
	if (a->kind & ACCESS_WRITE)
		reject(v, REJECT_BTF_WRITE, a->insn, &why);
	else if (!v->privileged ||
		 (ptr->btf != v->img->btf && !license_is_gpl(v->img->license)))
		reject(v, REJECT_BTF_GPL, a->insn, &why);
	else if (a->is_helper && !(ptr->flags & REG_TRUSTED))
		reject(v, REJECT_ARG_TYPE, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .a = a->reg, .s = "fp", .t = "the helper" });
	else if (!scalar_is_const(&ptr->val))
		reject(v, REJECT_BTF_VAR, a->insn, &why);
	else if (why.off + (s64)scalar_value(&ptr->val) < 0)
		reject(v, REJECT_BTF_NEG, a->insn, &why);
	else if (ptr->flags & (REG_USER | REG_PERCPU)) {
		why.t = ptr->flags & REG_USER ? "user" : "percpu";
		reject(v, REJECT_BTF_SPACE, a->insn, &why);
	}
	else
		return true;
	return false;
}

/* What of an object only calls change, and the access touches; NULL: nothing. */
static const char *touched_field(struct verifier *v, const struct access *a,
				 const struct reg *ptr)
{
	const struct fields *f = fields_at(v, ptr);
	s64 off = (s64)a->off + ptr->off;

	for (u32 i = 0; i < f->n; i++) {
		if (off >= (s64)f->v[i].off + f->v[i].bytes || off + (s64)a->size <= f->v[i].off)
			continue;
		return field_name((enum field_kind)f->v[i].kind);
	}
	return NULL;
}

/* Its bytes end with the struct: an array without a length at its end has no room.
 * (The kernel takes it for one that goes on.) */
static bool behind_own(const struct verifier *v, const struct reg *ptr, u64 end)
{
	return v->opts->policy == POLICY_USER && end > btf_type(ptr->btf, ptr->btf_id)->size;
}

/* An object that the program made: it may be written, too. */
static bool own_access(struct verifier *v, const struct access *a, const struct reg *ptr)
{
	struct walk_at at = { .field = "" };
	s64 off = (s64)a->off + ptr->off;
	struct why why = { .reg = a->reg, .ptr = ptr, .off = off, .size = a->size,
			   .s = btf_type_name(ptr->btf, ptr->btf_id) };

	why.t = "percpu";
	if (!v->privileged)
		reject(v, REJECT_OBJECT_CAP, a->insn, &why);
	else if (!ptr->ref && !(ptr->flags & (REG_RCU | REG_NON_OWN)))
		reject(v, REJECT_OBJECT_GONE, a->insn, &why);
	else if (ptr->flags & REG_PERCPU)
		reject(v, REJECT_BTF_SPACE, a->insn, &why);
	else if (a->is_helper)
		reject(v, REJECT_ARG_TYPE, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .a = a->reg, .s = "fp", .t = "the helper" });
	else if (touched_field(v, a, ptr))
		reject(v, REJECT_OBJECT_FIELD, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .s = touched_field(v, a, ptr) });
	else if (!scalar_is_const(&ptr->val) || scalar_value(&ptr->val))
		reject(v, REJECT_BTF_VAR, a->insn, &why);
	else if (off < 0)
		reject(v, REJECT_BTF_NEG, a->insn, &why);
	else if (btf_walk(ptr->btf, ptr->btf_id, (u64)off, a->size, &at) == WALK_BAD ||
		 behind_own(v, ptr, (u64)off + a->size))
		reject(v, REJECT_BTF_FIELD, a->insn, &why);
	return false;
}

bool kobject_access(struct verifier *v, struct state *s, const struct access *a,
		    const struct reg *ptr, struct reg *value)
{
	struct walk_at at = { .field = "" };
	s64 off = (s64)a->off + ptr->off + (s64)scalar_value(&ptr->val);
	enum walk found;

	if (ptr->flags & REG_ALLOC)
		return own_access(v, a, ptr);
	if (!check_object(v, a, ptr))
		return false;
	found = btf_walk(ptr->btf, ptr->btf_id, (u64)off, a->size, &at);
	if (found == WALK_BAD)
		reject(v, REJECT_BTF_FIELD, a->insn, &(struct why){
			.reg = a->reg, .ptr = ptr, .off = off, .size = a->size,
			.s = btf_type_name(ptr->btf, ptr->btf_id) });
	if (!value || found == WALK_BAD || found == WALK_NUMBER)
		return false;
	if (found == WALK_ADDRESS)
		reg_set_ptr(value, REG_MEM, REG_RDONLY | REG_UNTRUSTED);
	else
		reg_set_btf(v, value, ptr->btf, at.id, inherited(s, ptr, &at));
	/* what is trusted for the object's sake goes with it (not so for the kernel) */
	if (value->flags & REG_TRUSTED && v->opts->policy == POLICY_USER)
		value->buffer = ptr->ref ? BUFFER_REF | ptr->ref : ptr->buffer;
	return true;
}

/* ---- arguments of what is traced ----------------------------------------- */

enum { ARGS_MAX = 12 };

bool traces_types(const struct verifier *v)
{
	switch (v->prog->type) {
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_LSM:
		return true;
	default:
		return false;
	}
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* Flags of a pointer to a struct that is parameter I. */
static unsigned param_flags(const struct verifier *v, const char *name, u32 i)
{
	u32 attach = v->prog->expected_attach;
	unsigned flags = ends_with(name, "__nullable") ? REG_OR_NULL : 0;

	if (v->prog->type == BPF_PROG_TYPE_LSM)
		return flags | (lsm_flags(v->prog->target) & LSM_UNTRUSTED ? 0 : REG_TRUSTED);
	if (attach == BPF_TRACE_RAW_TP)
		return flags | REG_TRUSTED |
		       (rawtp_arg(v->prog->target, i) == 'n' ? REG_OR_NULL : 0);
	if (attach != BPF_TRACE_ITER)
		return flags;
	switch (i ? iter_arg(v->prog->target, i) : 'T') {
	case 'T':
		return REG_TRUSTED;
	case 't':
		return REG_TRUSTED | REG_OR_NULL;
	default:
		return REG_OR_NULL;
	}
}

/* A buffer of an iterator's program: how long it is shows when that is attached. */
static bool buffer_value(struct verifier *v, const struct access *a, u32 i, struct reg *value)
{
	char kind = iter_arg(v->prog->target, i);

	if (!kind)
		not_judged(v, a->insn, "buffers of iter/%s", v->prog->target);
	if (kind != 'r' && kind != 'b')
		return false;
	reg_set_ptr(value, REG_BUF, REG_OR_NULL | (kind == 'r' ? REG_RDONLY : 0));
	value->id = ++v->next_id;
	return true;
}

static bool is_number_kind(u32 kind)
{
	return kind == BTF_KIND_INT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64 ||
	       kind == BTF_KIND_STRUCT;
}

/* VALUE from a parameter of type ID; false: a number. */
static bool param_value(struct verifier *v, const struct access *a, const char *name,
			u32 i, u32 id, struct reg *value)
{
	const struct btf *btf = v->attach_btf;
	const struct btf_type *t = btf_type(btf, btf_skip_mods(btf, id));
	u32 to;
	bool iter = v->prog->expected_attach == BPF_TRACE_ITER &&
		    v->prog->type == BPF_PROG_TYPE_TRACING;

	if (is_number_kind(btf_kind(t)))
		return false;
	to = btf_skip_mods(btf, t->type);
	if (btf_kind(t) != BTF_KIND_PTR || a->size != 8) {
		reject(v, REJECT_CTX, a->insn, &(struct why){
			.reg = a->reg, .off = a->off, .size = a->size });
		return false;
	}
	if (!to || btf_kind(btf_type(btf, to)) == BTF_KIND_INT ||
	    (!iter && rawtp_arg(v->prog->target, i) == 's'))
		return iter && buffer_value(v, a, i, value);
	if (iter && i && !iter_arg(v->prog->target, i))
		not_judged(v, a->insn, "arguments of iter/%s", v->prog->target);
	if (btf_kind(btf_type(btf, to)) != BTF_KIND_STRUCT &&
	    btf_kind(btf_type(btf, to)) != BTF_KIND_UNION) {
		reject(v, REJECT_CTX, a->insn, &(struct why){
			.reg = a->reg, .off = a->off, .size = a->size });
		return false;
	}
	reg_set_btf(v, value, btf, to, param_flags(v, name, i));
	return true;
}

/* The result, which fexit and the like see behind the arguments. */
static u32 result_type(const struct verifier *v, const struct btf_type *proto)
{
	switch (v->prog->expected_attach) {
	case BPF_TRACE_FEXIT:
	case BPF_MODIFY_RETURN:
	case BPF_LSM_MAC:
	case BPF_LSM_CGROUP:
		return proto->type;
	default:
		return 0;
	}
}

/* What the hook gave so far: an int, so only half of the register. */
static void result_value(const struct verifier *v, const struct access *a, struct reg *value)
{
	s64 min, max;

	if (v->prog->expected_attach != BPF_LSM_MAC || !attach_limits(v, &min, &max))
		return;
	value->val.s32_min = (s32)min;
	value->val.s32_max = (s32)max;
	scalar_sync(&value->val);
}

static u64 words_of(const struct btf *btf, u32 id)
{
	id = btf_skip_mods(btf, id);
	return btf_kind(btf_type(btf, id)) == BTF_KIND_PTR ? 1 :
	       round_up(btf_bytes(btf, id), 8) / 8;
}

/* The parameter of PROTO at word AT of the context, without the FIRST ones; that
 * behind the last is the result. Structs by value have two words. */
static u32 param_at(const struct btf *btf, const struct btf_type *proto, u32 first, u64 at)
{
	const struct btf_param *p = (const struct btf_param *)(proto + 1) + first;
	u32 n = btf_vlen(proto) - first, i;
	u64 end = 0;

	for (i = 0; i < n; i++) {
		end += words_of(btf, p[i].type);
		if (at < end)
			return i;
	}
	return at < end + words_of(btf, proto->type) ? n : n + 1;
}

bool traced_access(struct verifier *v, struct state *s, const struct access *a,
		   struct reg *value)
{
	const struct btf_type *proto = v->attach_proto;
	u32 first = v->prog->expected_attach == BPF_TRACE_RAW_TP &&
		    v->prog->type == BPF_PROG_TYPE_TRACING;
	const struct btf_param *p;
	u32 i, n, id;

	(void)s;
	if (!proto) {
		not_judged(v, a->insn, "arguments of '%s' without the kernel's types of it",
			   v->prog->target ? v->prog->target : "");
		return false;
	}
	p = (const struct btf_param *)(proto + 1) + first;
	n = btf_vlen(proto) - first;
	i = a->off < 0 ? n + 1 : param_at(v->attach_btf, proto, first, (u64)a->off / 8);
	id = i < n ? p[i].type : i == n ? result_type(v, proto) : 0;
	if (a->off >= ARGS_MAX * 8 || a->off % 8 || !id || !value) {
		reject(v, REJECT_CTX, a->insn, &(struct why){
			.reg = a->reg, .off = a->off, .size = a->size });
		return false;
	}
	if (i < n)
		return param_value(v, a, btf_str(v->attach_btf, p[i].name_off), i, id, value);
	if (param_value(v, a, "", i, id, value))
		return true;
	mem_unknown(v, a, value);
	result_value(v, a, value);
	return true;
}

/* ---- variables ----------------------------------------------------------- */

static bool is_percpu(const struct btf *btf, u32 var)
{
	u32 id = btf_find(btf, ".data..percpu", BTF_KIND_DATASEC);
	const struct btf_type *t = btf_type(btf, id);
	const struct btf_var_secinfo *s = (const void *)(t + 1);

	for (u32 i = 0; id && i < btf_vlen(t); i++)
		if (s[i].type == var)
			return true;
	return false;
}

static void set_variable(struct verifier *v, struct reg *dst, const struct btf *btf, u32 var)
{
	u32 id = btf_skip_mods(btf, btf_type(btf, var)->type);

	if (is_percpu(btf, var)) {
		reg_set_btf(v, dst, btf, id, REG_PERCPU);
	} else if (btf_kind(btf_type(btf, id)) == BTF_KIND_STRUCT ||
		   btf_kind(btf_type(btf, id)) == BTF_KIND_UNION) {
		reg_set_btf(v, dst, btf, id, 0);
	} else {
		reg_set_ptr(dst, REG_MEM, REG_RDONLY);
		dst->bytes = (u32)btf_bytes(btf, id);
	}
}

void kobject_lddw(struct verifier *v, u32 at, struct reg *dst)
{
	const struct image_extern *e = &v->img->externs[v->insns[at].imm];
	const struct btf *btf = v->opts->vmlinux;
	u32 var = btf && e->kind == IMAGE_KSYM_VAR ?
		  btf_find(btf, e->name, BTF_KIND_VAR) : 0;

	reg_set_unknown(v, dst);
	if (e->kind == IMAGE_KSYM_ADDR)		/* a number that nobody may follow */
		return;
	if (var)
		set_variable(v, dst, btf, var);
	else if (e->kind == IMAGE_KSYM_VAR && e->weak && btf)
		reg_set_const(v, dst, 0);
	else
		not_judged(v, at, "the address of %s, which is not in the kernel's types",
			   e->name);
}
