/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks_prog.c: BPF_PROG_QUERY, BPF_PROG_ATTACH and BPF_PROG_DETACH. Their structs are
 * laid out here as Linux 6.18 has them, as the installed header may be older.
 */
#include "kernel/hooks.h"
#include "kernel/sys.h"
#include "model/uapi.h"
#include <stdlib.h>

struct query {
	u32 target, attach, flags, attach_flags;
	u64 ids;
	u32 count, unused;
	u64 prog_flags;			/* 6.0; not with BPF_F_QUERY_EFFECTIVE */
	u64 links, link_flags, revision;	/* 6.6, of devices */
};

struct attach {
	u32 target, prog, type, flags, replace;
};

/* Cgroups are asked by the descriptor; before 6.6 the kernel knows no others that have
 * links, and refuses to hear of them. */
static bool has_links(u32 attach)
{
	return attach == UAPI_TCX_INGRESS || attach == UAPI_TCX_EGRESS ||
	       attach == UAPI_NETKIT_PRIMARY || attach == UAPI_NETKIT_PEER;
}

static int ask(struct query *q)
{
	union bpf_attr a = { 0 };
	int r;

	static_assert(sizeof(*q) <= sizeof(a), "fits");
	memcpy(&a, q, sizeof(*q));
	r = sys_bpf(BPF_PROG_QUERY, &a);
	memcpy(q, &a, sizeof(*q));
	return r;
}

static void make_room(struct hook_progs *p, u32 n)
{
	hook_progs_free(p);
	p->ids = mem_alloc((n + 1) * sizeof(u32));
	p->prog_flags = mem_alloc((n + 1) * sizeof(u32));
	p->links = mem_alloc((n + 1) * sizeof(u32));
	p->link_flags = mem_alloc((n + 1) * sizeof(u32));
}

/* Q says who is asked; P has room for N. */
static int ask_all(struct query *q, struct hook_progs *p, u32 n, bool with_flags)
{
	q->ids = (uintptr_t)p->ids;
	q->count = n;
	q->prog_flags = with_flags ? (uintptr_t)p->prog_flags : 0;
	if (has_links(q->attach)) {
		q->links = (uintptr_t)p->links;
		q->link_flags = (uintptr_t)p->link_flags;
	}
	return ask(q);
}

int hook_query(struct hook_progs *out, u32 target, u32 attach, bool effective)
{
	const struct query who = { .target = target, .attach = attach,
		.flags = effective ? BPF_F_QUERY_EFFECTIVE : 0 };
	struct query q = who;
	u32 n;
	int r = ask(&q);

	*out = (struct hook_progs){ 0 };
	if (r || !q.count)
		return r;
	do {	/* there may be more of them meanwhile */
		n = q.count + 8;
		make_room(out, n);
		q = who;
		r = ask_all(&q, out, n, !effective);
		if (r == -EINVAL || r == -E2BIG) {	/* it does not have flags of each */
			q = who;
			r = ask_all(&q, out, n, false);
		}
	} while (r == -ENOSPC && q.count > n);
	if (r) {
		hook_progs_free(out);
		return r;
	}
	out->n = q.count;
	out->flags = q.attach_flags;
	return 0;
}

void hook_progs_free(struct hook_progs *p)
{
	free(p->ids);
	free(p->prog_flags);
	free(p->links);
	free(p->link_flags);
	*p = (struct hook_progs){ 0 };
}

static int change(int command, const struct attach *at)
{
	union bpf_attr a = { 0 };

	memcpy(&a, at, sizeof(*at));
	return sys_bpf(command, &a);
}

int hook_attach(u32 target, int prog, u32 attach, u32 flags, int replace)
{
	const struct attach a = { target, (u32)prog, attach, flags,
				  replace < 0 ? 0 : (u32)replace };

	return change(BPF_PROG_ATTACH, &a);
}

int hook_detach(u32 target, int prog, u32 attach)
{
	const struct attach a = { target, prog < 0 ? 0 : (u32)prog, attach, 0, 0 };

	return change(BPF_PROG_DETACH, &a);
}

int hook_said_no(const char *what, int code, struct skep_err *err)
{
	int r = err_set(err, ERR_HOOK, NULL, "%s: %s", what, sys_error(code));

	kernel_why(err, code);
	return r;
}
