/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * args_object.c: arguments that are sockets or other objects of the kernel: sockets
 * that tables describe (model/access.def), and pointers to structs by the types of
 * the target kernel.
 */
#include "verify/args.h"
#include "btf/btf.h"

static const char *const object_types[] = {
	[ARG_SOCK_BTF] = "sock_common", [ARG_SOCK_BTF_GIVEN] = "sock_common",
	[ARG_SOCK_BTF_OR_NULL] = "sock_common",
	[ARG_VALUE] = "sock_common", [ARG_TASK] = "task_struct",
	[ARG_TASK_OR_NULL] = "task_struct", [ARG_CGROUP_OR_NULL] = "cgroup",
	[ARG_INODE] = "inode", [ARG_INODE_OR_NULL] = "inode", [ARG_FILE] = "file",
	[ARG_PATH] = "path", [ARG_SEQ_FILE] = "seq_file", [ARG_SK_BUFF] = "sk_buff",
	[ARG_XDP_BUFF] = "xdp_buff", [ARG_BINPRM] = "linux_binprm",
	[ARG_TCP_SOCK_BTF] = "tcp_sock",
};

/* Is struct ID one of NAME, or does one of NAME lie at its beginning? */
static bool begins_with(const struct btf *btf, u32 id, const char *name)
{
	for (;;) {
		const struct btf_type *t;

		id = btf_skip_mods(btf, id);
		t = btf_type(btf, id);
		if (btf_kind(t) != BTF_KIND_STRUCT && btf_kind(t) != BTF_KIND_UNION)
			return false;
		if (!strcmp(btf_type_name(btf, id), name))
			return true;
		if (!btf_vlen(t) || btf_member(btf, t, 0).bit_off)
			return false;
		id = btf_member(btf, t, 0).type_id;
	}
}

static bool is_object(const struct arg *a)
{
	const struct reg *r = a->r;

	return r->type == REG_BTF && r->btf && !r->off && scalar_is_const(&r->val) &&
	       !(r->flags & (REG_OR_NULL | REG_UNTRUSTED | REG_PERCPU | REG_USER | REG_ALLOC)) &&
	       begins_with(r->btf, r->btf_id, object_types[a->kind]);
}

static bool null_ok(const struct arg *a)
{
	return a->kind == ARG_FULLSOCK_OR_NULL || a->kind == ARG_SOCK_BTF_OR_NULL;
}

static bool is_sock(const struct arg *a)
{
	bool full = a->kind == ARG_FULLSOCK_OR_NULL;

	switch (a->r->flags & REG_OR_NULL && !null_ok(a) ? REG_NONE : a->r->type) {
	case REG_SOCKET:
		return true;
	case REG_SOCK_COMMON:
	case REG_TCP_SOCK:
	case REG_XDP_SOCK:
		return !full;
	case REG_BTF:
		return !full && a->kind != ARG_SOCK_COMMON &&
		       is_object(a);
	default:
		return false;
	}
}

/* The object is one of the kernel's, and of another type. */
static bool is_other_object(const struct arg *a)
{
	return a->r->type == REG_BTF && a->r->btf && a->kind != ARG_SOCK_COMMON &&
	       a->kind != ARG_FULLSOCK_OR_NULL &&
	       !(a->r->flags & (REG_OR_NULL | REG_UNTRUSTED | REG_PERCPU | REG_USER | REG_ALLOC));
}

static void wrong_object(struct verifier *v, const struct arg *a, const char *expected)
{
	struct why why = arg_why(a, object_types[a->kind]);

	if (!is_other_object(a)) {
		arg_wrong(v, a, expected);
		return;
	}
	why.want = btf_type_name(a->r->btf, a->r->btf_id);
	reject(v, REJECT_ARG_OTHER_OBJECT, a->call->insn, &why);
}

static const char *wanted_sock(const struct arg *a)
{
	if (a->kind == ARG_FULLSOCK_OR_NULL)
		return "sock";
	return a->kind == ARG_SOCK_COMMON ? ARG_WANTS_SOCK_COMMON : ARG_WANTS_SOCK;
}

void arg_sock(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "sock_common");

	(void)s;
	if (null_ok(a) && arg_takes_null(v, a))
		return;
	if (!is_sock(a))
		wrong_object(v, a, wanted_sock(a));
	else if (a->kind != ARG_SOCK_BTF_GIVEN)
		a->call->ref = a->r->ref;
	else if (!a->r->ref)
		reject(v, REJECT_RELEASE_NONE, a->call->insn, &why);
	else
		a->call->release = a->r->ref;
}

void arg_object(struct verifier *v, struct state *s, struct arg *a)
{
	(void)s;
	if (!is_object(a))
		wrong_object(v, a, ARG_WANTS_OBJECT);
}

void arg_object_or_null(struct verifier *v, struct state *s, struct arg *a)
{
	if (!arg_takes_null(v, a))
		arg_object(v, s, a);
}

void arg_percpu(struct verifier *v, struct state *s, struct arg *a)
{
	struct why why = arg_why(a, "");

	(void)s;
	why.a = a->r->off;
	if (a->r->type != REG_BTF || !(a->r->flags & REG_PERCPU) || (a->r->flags & REG_OR_NULL) ||
	    ((a->r->flags & REG_ALLOC) && !(a->r->flags & REG_RCU)))
		arg_wrong(v, a, ARG_WANTS_PERCPU);
	else if (a->r->off)	/* the result is taken for the whole */
		reject(v, REJECT_CTX_MODIFIED, a->call->insn, &why);
	else if (!scalar_is_const(&a->r->val) || scalar_value(&a->r->val))
		reject(v, REJECT_VAR_ACCESS, a->call->insn, &why);
	else
		a->call->percpu = *a->r;
}
