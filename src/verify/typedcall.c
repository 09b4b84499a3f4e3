/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typedcall.c: functions of the kernel that are judged by their prototype in its
 * types and the flags of kfunc.def: numbers, objects with what is known of them,
 * buffers with their sizes, the context. Names of parameters end in what else
 * holds: __ign, __sz, __nullable ...
 */
#include "verify/call.h"
#include "verify/fields.h"
#include "verify/kobject.h"

struct typed {
	const struct kfunc_typed_row *row;
	const struct btf *btf;
	const struct btf_type *proto;
	const struct btf_param *params;
	u32 n;
	u32 release;		/* reference that goes */
	struct call c;
	struct helper_row name;	/* for messages */
};

static bool ends(const struct typed *t, u32 i, const char *suffix)
{
	const char *s = i < t->n ? btf_str(t->btf, t->params[i].name_off) : "";
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}

static struct why why_of(const struct typed *t, const struct reg *r, u32 i)
{
	return (struct why){ .reg = i + 1, .ptr = r, .a = i + 1, .b = i, .s = "scalar",
			     .t = t->row->name };
}

static bool is_number(const struct btf *btf, u32 id)
{
	u32 kind = btf_kind(btf_type(btf, btf_skip_mods(btf, id)));

	return kind == BTF_KIND_INT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

/* ---- arguments ----------------------------------------------------------- */

static bool needs_trust(const struct typed *t)
{
	return t->row->flags & (KFUNC_TRUSTED | KFUNC_RELEASES);
}

/* The embedded engine's objects of the kernel's types have no members: what lies in one is
 * none of its objects. */
static bool is_inside(const struct reg *r, u32 want)
{
	return r->off || (r->btf_id != want &&
			  strcmp(btf_type_name(r->btf, r->btf_id), "bpf_cpumask"));
}

/* An object of struct WANT. */
static void check_object(struct verifier *v, struct typed *t, const struct reg *r, u32 i,
			 u32 want)
{
	bool unsafe = r->flags & (REG_UNTRUSTED | REG_USER | REG_PERCPU | REG_OR_NULL);
	bool gives = (t->row->flags & KFUNC_RELEASES) && r->ref;
	struct why why = why_of(t, r, i);
	u64 off = (u64)(s64)r->off;

	why.s = btf_type_name(t->btf, want);
	if (r->type == REG_BTF && is_inside(r, want))
		v->points[t->c.insn].access.flags |= FACT_KERNEL;
	if (needs_trust(t) && !kobject_trusted(r))
		reject(v, REJECT_KFUNC_TRUST, t->c.insn, &why);
	else if ((t->row->flags & KFUNC_RCU) && !kobject_trusted(r) && !(r->flags & REG_RCU))
		reject(v, REJECT_KFUNC_RCU, t->c.insn, &why);
	else if (r->type != REG_BTF || unsafe || r->btf != t->btf)
		reject(v, REJECT_KFUNC_OBJECT, t->c.insn, &why);
	else if (!scalar_is_const(&r->val) || scalar_value(&r->val) || r->off < 0)
		reject(v, REJECT_VAR_ACCESS, t->c.insn, &why);
	else if (gives && r->off)
		reject(v, REJECT_RELEASE_OFF, t->c.insn, &why);
	else if (gives || strstr(why.s, "___init") ||
		 strstr(btf_type_name(r->btf, r->btf_id), "___init")
		 ? r->btf_id != want : !btf_holds(t->btf, r->btf_id, off, want))
		reject(v, REJECT_KFUNC_OBJECT, t->c.insn, &why);
	if (gives)
		t->release = r->ref;
}

/* Is that what C calls the context of programs of this type? */
static bool is_ctx(const struct verifier *v, const char *name)
{
	const char *kernel = ctx_kernel_struct(v->prog->type);

	if (!strcmp(name, "__sk_buff"))
		return kernel && !strcmp(kernel, "sk_buff");
	return v->prog->type == BPF_PROG_TYPE_XDP && !strcmp(name, "xdp_md");
}

static void check_ctx(struct verifier *v, const struct reg *r, u32 at, u32 i, const char *name)
{
	struct why why = { .reg = i + 1, .ptr = r, .a = i + 1, .b = i, .t = name };

	if (r->type != REG_CTX)
		reject(v, REJECT_KFUNC_CTX, at, &why);
	else if (r->off || !scalar_is_const(&r->val))
		reject(v, REJECT_CTX_MODIFIED, at, &(struct why){ .reg = i + 1, .ptr = r,
			.a = r->off });
}

static void check_map_arg(struct verifier *v, struct typed *t, const struct reg *r, u32 i)
{
	struct why why = why_of(t, r, i);

	if (r->type != REG_MAP)
		reject(v, REJECT_KFUNC_MAP, t->c.insn, &why);
}

/* A dynptr: one that is there, or room for a new one. */
static void check_dynptr(struct verifier *v, struct state *s, struct typed *t, u32 i)
{
	if (ends(t, i, "__uninit"))
		arg_dynptr_out(v, s, &t->c, i);
	else
		arg_dynptr(v, s, &t->c, i);
}

/* Sockets that tables describe are structs of the kernel, too. */
static const char *struct_of(const struct reg *r)
{
	switch (r->type) {
	case REG_SOCKET:
		return "sock";
	case REG_SOCK_COMMON:
		return "sock_common";
	case REG_TCP_SOCK:
		return "tcp_sock";
	default:
		return NULL;
	}
}

static void check_socket(struct verifier *v, struct typed *t, const struct reg *r, u32 i, u32 want)
{
	u32 id = btf_find(t->btf, struct_of(r), BTF_KIND_STRUCT);
	struct why why = why_of(t, r, i);

	why.s = btf_type_name(t->btf, want);
	if (!scalar_is_const(&r->val) || scalar_value(&r->val) || r->off)
		reject(v, REJECT_RELEASE_OFF, t->c.insn, &why);
	else if (!btf_holds(t->btf, id, 0, want))
		reject(v, REJECT_KFUNC_OBJECT, t->c.insn, &why);
	if ((t->row->flags & KFUNC_RELEASES) && r->ref)
		t->release = r->ref;
}

/* The buffer I with its size in the next register. */
static void check_pair(struct verifier *v, struct state *s, struct typed *t, u32 i)
{
	struct reg *size = state_reg(s, i + 2);
	struct why why = why_of(t, size, i + 1);

	if (check_readable(v, s, t->c.insn, i + 2))
		return;
	if (size->type != REG_SCALAR || (ends(t, i + 1, "__szk") && !scalar_is_const(&size->val)))
		reject(v, REJECT_ARG_CONST, t->c.insn, &why);
	else if (size->val.smin < 0)
		reject(v, REJECT_ARG_SIZE_NEG, t->c.insn, &why);
	else if (size->val.umax >= MAX_VAR_OFF)
		reject(v, REJECT_ARG_SIZE_MAX, t->c.insn, &why);
	else if (!reg_is_null(state_reg(s, i + 1)) || !ends(t, i, "__opt"))
		check_buffer(v, s, &t->c, i, (u32)size->val.umax);
	reg_mark(v, size);
	reg_mark(v, state_reg(s, i + 1));	/* NULL, perhaps */
}

static bool may_be_null(const struct reg *r)
{
	return reg_is_null(r) || (r->flags & REG_OR_NULL);
}

static void check_pointer(struct verifier *v, struct state *s, struct typed *t, u32 i, u32 to)
{
	struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(t, r, i);
	u32 id = btf_skip_mods(t->btf, to), kind = btf_kind(btf_type(t->btf, id));
	bool pair = ends(t, i + 1, "__sz") || ends(t, i + 1, "__szk");

	if (reg_is_null(r) && ends(t, i, "__nullable")) {
		reg_mark(v, r);		/* that it is NULL matters */
		return;
	}
	if (may_be_null(r) && !ends(t, i, "__nullable") &&
	    (needs_trust(t) || (t->row->flags & KFUNC_RCU)))
		reject(v, REJECT_KFUNC_NULL, t->c.insn, &why);
	else if (ends(t, i, "__map"))
		check_map_arg(v, t, r, i);
	else if (r->type == REG_SCALAR)
		reject(v, REJECT_ARG_TYPE, t->c.insn, &why);
	else if (ends(t, i, "__str"))
		check_string(v, s, &t->c, i);
	else if (is_ctx(v, btf_type_name(t->btf, id)))
		check_ctx(v, r, t->c.insn, i, t->row->name);
	else if (!strcmp(btf_type_name(t->btf, id), "bpf_dynptr"))
		check_dynptr(v, s, t, i);
	else if (struct_of(r) && kind == BTF_KIND_STRUCT)
		check_socket(v, t, r, i, id);
	else if (r->type == REG_BTF && (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION))
		check_object(v, t, r, i, id);
	else if (pair)
		check_pair(v, s, t, i);
	else if (is_number(t->btf, to) && id)
		check_buffer(v, s, &t->c, i, (u32)btf_bytes(t->btf, id));
	else if (reg_is_ptr(r) && r->type != REG_SOCKET && r->type != REG_SOCK_COMMON &&
		 r->type != REG_TCP_SOCK && needs_trust(t))
		reject(v, REJECT_KFUNC_TRUST, t->c.insn, &why);
	else
		not_judged(v, t->c.insn, "argument %u of %s", i + 1, t->row->name);
}

static void check_arg(struct verifier *v, struct state *s, struct typed *t, u32 i)
{
	u32 type = t->params[i].type;
	struct reg *r = state_reg(s, i + 1);
	struct why why = why_of(t, r, i);

	if (ends(t, i, "__ign"))
		check_unread(v, s, t->c.insn, i, t->row->name);
	if (ends(t, i, "__ign") || ends(t, i, "__prog") ||
	    check_readable(v, s, t->c.insn, i + 1))
		return;
	if (!is_number(t->btf, type))
		check_pointer(v, s, t, i, btf_type(t->btf, btf_skip_mods(t->btf, type))->type);
	else if (r->type != REG_SCALAR)
		reject(v, REJECT_KFUNC_NUMBER, t->c.insn, &why);
}

/* ---- the result ---------------------------------------------------------- */

static void set_result(struct verifier *v, struct state *s, const struct typed *t)
{
	struct reg *r0 = state_reg(s, 0);
	u32 id = btf_skip_mods(t->btf, t->proto->type);
	const struct btf_type *type = btf_type(t->btf, id);

	if (!id)
		return;
	if (is_number(t->btf, id)) {
		reg_set_unknown(v, r0);
		return;
	}
	id = btf_skip_mods(t->btf, type->type);
	if (t->row->flags & KFUNC_ADDRESS) {	/* which has to be cast */
		reg_set_unknown(v, r0);
		return;
	}
	if (t->row->flags & KFUNC_SESSION) {
		reg_set_ptr(r0, REG_MEM, 0);
		r0->bytes = (u32)btf_bytes(t->btf, id);
		return;
	}
	if (btf_kind(btf_type(t->btf, id)) != BTF_KIND_STRUCT) {
		not_judged(v, t->c.insn, "the result of %s", t->row->name);
		return;
	}
	if (!strcmp(t->row->name, "bpf_get_kmem_cache")) {	/* nobody counts it */
		reg_set_btf(v, r0, t->btf, id, REG_UNTRUSTED);
		return;
	}
	reg_set_btf(v, r0, t->btf, id, t->row->flags & KFUNC_MAY_FAIL ? REG_OR_NULL : 0);
	if (!(t->row->flags & KFUNC_ACQUIRES))
		return;
	r0->ref = ref_acquire(v, s, REF_PTR);
	ref_find(s, r0->ref)->insn = t->c.insn;
	if (r0->id)
		r0->id = r0->ref;
}

/* ---- the call ------------------------------------------------------------ */

static bool find_proto(struct verifier *v, struct typed *t)
{
	u32 id = t->btf ? btf_find(t->btf, t->row->name, BTF_KIND_FUNC) : 0;

	if (!id) {
		not_judged(v, t->c.insn, "calls of %s without its prototype in the kernel's types",
			   t->row->name);
		return false;
	}
	t->proto = btf_type(t->btf, btf_type(t->btf, id)->type);
	t->params = (const struct btf_param *)(t->proto + 1);
	t->n = btf_vlen(t->proto);
	return t->n <= 5;
}

static void check_sleep(struct verifier *v, const struct state *s, const struct typed *t)
{
	struct why why = { .s = t->row->name };

	if (!(t->row->flags & KFUNC_SLEEPS))
		return;
	why.t = section_open(v, s);
	if (!s->sleepable)
		reject(v, REJECT_KFUNC_SLEEPS, t->c.insn, &why);
	else if (why.t)
		reject(v, REJECT_KFUNC_SECTION, t->c.insn, &why);
}

bool check_typed_args(struct verifier *v, struct state *s, u32 at, u32 first)
{
	struct typed t = { .row = kfunc_typed_row(kfunc_name(v, at)), .btf = v->opts->vmlinux,
			   .c = { .insn = at, .func = -1, .is_kfunc = true } };

	t.name.name = t.row->name;
	t.c.row = &t.name;
	if (!find_proto(v, &t))
		return false;
	check_sleep(v, s, &t);
	for (u32 i = first; i < t.n && !v->stop; i++)
		check_arg(v, s, &t, i);
	return !v->stop;
}

enum step step_call_typed(struct verifier *v, struct state *s, u32 at,
			  const struct kfunc_typed_row *row)
{
	struct typed t = { .row = row, .btf = v->opts->vmlinux,
			   .c = { .insn = at, .func = -1, .is_kfunc = true },
			   .name = { .name = row->name } };

	t.c.row = &t.name;
	if (!find_proto(v, &t))
		return STEP_END;
	check_sleep(v, s, &t);
	if (!strcmp(row->name, "bpf_stream_vprintk_impl"))	/* strings at any address */
		check_secret(v, at, row->name);
	for (u32 i = 0; i < t.n && !v->stop; i++)
		if (!ends(&t, i, "__sz") && !ends(&t, i, "__szk"))
			check_arg(v, s, &t, i);
	if (v->stop)
		return STEP_END;
	if ((row->flags & KFUNC_RELEASES) && !t.release)
		reject(v, REJECT_KFUNC_RELEASE, at, &(struct why){
			.reg = 1, .ptr = state_reg(s, 1), .t = row->name });
	if (t.release)
		ref_release(v, s, t.release);
	for (unsigned r = 0; r <= 5; r++)
		reg_set_none(state_reg(s, r));
	set_result(v, s, &t);
	return STEP_NEXT;
}

/* ---- objects of the program's types -------------------------------------- */

enum { PERCPU_BYTES_MAX = 512, PERCPU_NESTING = 4 };

/* Is struct ID made of numbers alone? */
static bool is_numbers(const struct btf *btf, u32 id, u32 depth)
{
	const struct btf_type *t = btf_type(btf, id = btf_skip_mods(btf, id));

	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		return is_numbers(btf, ((const struct btf_array *)(t + 1))->type, depth);
	case BTF_KIND_STRUCT:
		for (u32 i = 0; i < btf_vlen(t) && depth; i++)
			if (!is_numbers(btf, btf_member(btf, t, i).type_id, depth - 1))
				return false;
		return depth;
	default:
		return is_number(btf, id);
	}
}

static enum step make_object(struct verifier *v, struct state *s, u32 at, const char *name,
			     unsigned flags)
{
	const struct btf *btf = v->img->btf;
	struct reg *r1 = state_reg(s, 1), *r0 = state_reg(s, 0);
	struct why why = { .reg = 1, .ptr = r1, .a = 1, .t = name };
	u64 id;

	if (r1->type != REG_SCALAR || !scalar_is_const(&r1->val)) {
		reject(v, REJECT_ARG_CONST, at, &why);
		return STEP_END;
	}
	reg_mark(v, r1);
	id = scalar_value(&r1->val);
	if (!btf || id >= btf->nr_types ||
	    btf_kind(btf_type(btf, (u32)id)) != BTF_KIND_STRUCT) {
		not_judged(v, at, "objects of a type that is no struct of the program's");
		return STEP_END;
	}
	why.a = (s64)btf_bytes(btf, (u32)id);
	if ((flags & REG_PERCPU) && !is_numbers(btf, (u32)id, PERCPU_NESTING))
		reject(v, REJECT_PERCPU_TYPE, at, &why);
	else if ((flags & REG_PERCPU) && why.a > PERCPU_BYTES_MAX)
		reject(v, REJECT_PERCPU_SIZE, at, &why);
	reg_set_btf(v, r0, btf, (u32)id, REG_ALLOC | REG_OR_NULL | flags);
	fields_at(v, r0);	/* is it a type at all? */
	r0->ref = r0->id = ref_acquire(v, s, REF_PTR);
	ref_find(s, r0->ref)->insn = at;
	return STEP_NEXT;
}

enum step step_obj_new(struct verifier *v, struct state *s, u32 at)
{
	return make_object(v, s, at, "bpf_obj_new_impl", 0);
}

enum step step_percpu_new(struct verifier *v, struct state *s, u32 at)
{
	return make_object(v, s, at, "bpf_percpu_obj_new_impl", REG_PERCPU);
}

static enum step drop_object(struct verifier *v, struct state *s, u32 at, const char *name,
			     bool percpu)
{
	struct reg *r = state_reg(s, 1);
	struct why why = { .reg = 1, .ptr = r, .a = 1, .t = name, .s = name };

	if (may_be_null(r))
		reject(v, REJECT_KFUNC_NULL, at, &why);
	else if (!reg_is_ptr(r) || (r->flags & (REG_NON_OWN | REG_RCU)) == REG_NON_OWN)
		reject(v, REJECT_KFUNC_TRUST, at, &why);
	else if (r->type != REG_BTF || !(r->flags & REG_ALLOC) || !r->ref)
		reject(v, REJECT_KFUNC_RELEASE, at, &why);
	else if (percpu != !!(r->flags & REG_PERCPU))
		reject(v, REJECT_PERCPU_DROP, at, &(struct why){ .reg = 1, .ptr = r,
			.s = percpu ? "bpf_obj_drop_impl" : "bpf_percpu_obj_drop_impl" });
	else if (r->off || !scalar_is_const(&r->val))
		reject(v, REJECT_RELEASE_OFF, at, &why);
	else
		ref_release(v, s, r->ref);
	return STEP_NEXT;
}

enum step step_obj_drop(struct verifier *v, struct state *s, u32 at)
{
	return drop_object(v, s, at, "bpf_obj_drop_impl", false);
}

enum step step_percpu_drop(struct verifier *v, struct state *s, u32 at)
{
	return drop_object(v, s, at, "bpf_percpu_obj_drop_impl", true);
}

/* ---- casts --------------------------------------------------------------- */

/* The context as the kernel's struct behind it. */
enum step step_cast_ctx(struct verifier *v, struct state *s, u32 at)
{
	const struct btf *btf = v->opts->vmlinux;
	const char *name = ctx_kernel_struct(v->prog->type);
	u32 id = btf && name ? btf_find(btf, name, BTF_KIND_STRUCT) : 0;

	check_ctx(v, state_reg(s, 1), at, 0, "bpf_cast_to_kern_ctx");
	if (!name) {
		reject(v, REJECT_CAST_CTX, at, NULL);
	} else if (!id) {
		not_judged(v, at, "the context as struct %s without the kernel's types", name);
		return STEP_END;
	}
	reg_set_btf(v, state_reg(s, 0), btf, id, REG_TRUSTED);
	return STEP_NEXT;
}

/* Any address as a struct of the kernel, which is read with faults caught. */
enum step step_rdonly_cast(struct verifier *v, struct state *s, u32 at)
{
	const struct btf *btf = v->opts->vmlinux;
	struct reg *r2 = state_reg(s, 2), *r0 = state_reg(s, 0);
	u64 id = scalar_value(&r2->val);

	if (check_readable(v, s, at, 2))
		return STEP_END;
	if (r2->type != REG_SCALAR || !scalar_is_const(&r2->val)) {
		reject(v, REJECT_ARG_CONST, at, &(struct why){
			.reg = 2, .ptr = r2, .a = 2, .t = "bpf_rdonly_cast" });
		return STEP_END;
	}
	reg_mark(v, r2);
	if (!id)
		check_secret(v, at, "bpf_rdonly_cast");
	if (!btf || id >= btf->nr_types ||
	    (id && btf_kind(btf_type(btf, (u32)id)) != BTF_KIND_STRUCT)) {
		not_judged(v, at, "casts to type %llu", (unsigned long long)id);
		return STEP_END;
	}
	if (id)
		reg_set_btf(v, r0, btf, (u32)id, REG_UNTRUSTED);
	else
		reg_set_ptr(r0, REG_MEM, REG_RDONLY | REG_UNTRUSTED);
	return STEP_NEXT;
}
