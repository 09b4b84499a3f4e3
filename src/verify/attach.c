/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach.c: what programs are attached to: the prototype of a function, tracepoint
 * or hook in the kernel's types, whether such programs may be there, and what they
 * may return.
 */
#include "verify/kobject.h"
#include "btf/core.h"
#include "model/uapi.h"
#include <stdio.h>

enum { MAX_ERRNO = 4095 };

/* ---- prototypes ---------------------------------------------------------- */

/* The prototype behind NAME, a function or the pointer type of a tracepoint. */
static const struct btf_type *proto_named(const struct btf *btf, const char *prefix,
					  const char *target, u32 kind)
{
	char name[256];
	const struct btf_type *t;
	u32 id;

	snprintf(name, sizeof(name), "%s%s", prefix, target);
	id = btf_find_next(btf, name, kind, btf->first_id - 1);
	if (!id)
		return NULL;
	t = btf_type(btf, id);
	if (kind == BTF_KIND_TYPEDEF)
		t = btf_type(btf, btf_skip_mods(btf, id));
	t = btf_type(btf, t->type);
	return btf_kind(t) == BTF_KIND_FUNC_PROTO ? t : NULL;
}

static const struct btf_type *proto_in(const struct verifier *v, const struct btf *btf,
				       const char *target)
{
	if (v->prog->type == BPF_PROG_TYPE_LSM)
		return proto_named(btf, "bpf_lsm_", target, BTF_KIND_FUNC);
	if (v->prog->expected_attach == BPF_TRACE_RAW_TP)
		return proto_named(btf, "btf_trace_", target, BTF_KIND_TYPEDEF);
	if (v->prog->expected_attach == BPF_TRACE_ITER)
		return proto_named(btf, "bpf_iter_", target, BTF_KIND_FUNC);
	return proto_named(btf, "", target, BTF_KIND_FUNC);
}

/* Does a module's file, or its name in sysfs, go by the N bytes of NAME? */
static bool is_module(const struct core_module *m, const char *name, size_t n)
{
	const char *base = strrchr(m->name, '/');

	base = base ? base + 1 : m->name;
	return !n || (!strncmp(base, name, n) && (!base[n] || base[n] == '.'));
}

/* "FUNCTION", or "MODULE:FUNCTION". */
void attach_find(struct verifier *v)
{
	const char *target = v->prog->target, *colon = target ? strchr(target, ':') : NULL;
	size_t n = colon ? (size_t)(colon - target) : 0;
	bool kernel = !colon || (n == strlen("vmlinux") && !strncmp(target, "vmlinux", n));

	if (!traces_types(v) || !v->opts->vmlinux || !target || !*target)
		return;
	v->attach_btf = v->opts->vmlinux;
	if (kernel)
		v->attach_proto = proto_in(v, v->attach_btf, colon ? colon + 1 : target);
	for (u32 i = 0; i < v->opts->nr_modules && !v->attach_proto; i++) {
		if (!is_module(&v->opts->modules[i], target, n))
			continue;
		v->attach_btf = v->opts->modules[i].btf;
		v->attach_proto = proto_in(v, v->attach_btf, colon ? colon + 1 : target);
	}
}

/* ---- may it be attached? ------------------------------------------------- */

void attach_check(struct verifier *v)
{
	const struct btf *btf = v->opts->vmlinux;
	const char *hook = v->prog->target ? v->prog->target : "";
	struct why why = { .s = hook };
	unsigned flags = lsm_flags(hook);
	char name[256];

	if (v->prog->type != BPF_PROG_TYPE_LSM)
		return;
	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	why.a = btf ? btf_find(btf, name, BTF_KIND_FUNC) : 0;
	if (!license_is_gpl(v->img->license))
		reject(v, REJECT_LSM_GPL, 0, &why);
	else if (flags & LSM_OFF)
		reject(v, REJECT_LSM_OFF, 0, &why);
	else if (v->prog->sec && (v->prog->sec->flags & SEC_SLEEPABLE) && !(flags & LSM_SLEEPS))
		reject(v, REJECT_LSM_SLEEPS, 0, &why);
	else if (!v->attach_proto)
		not_judged(v, 0, "the hook '%s' without the kernel's types of it", hook);
}

/* ---- results ------------------------------------------------------------- */

/* Programs on addresses that can refuse nothing. */
static bool only_watches(u32 attach)
{
	switch (attach) {
	case BPF_CGROUP_UDP4_RECVMSG:
	case BPF_CGROUP_UDP6_RECVMSG:
	case UAPI_CGROUP_UNIX_RECVMSG:
	case BPF_CGROUP_INET4_GETPEERNAME:
	case BPF_CGROUP_INET6_GETPEERNAME:
	case UAPI_CGROUP_UNIX_GETPEERNAME:
	case BPF_CGROUP_INET4_GETSOCKNAME:
	case BPF_CGROUP_INET6_GETSOCKNAME:
	case UAPI_CGROUP_UNIX_GETSOCKNAME:
		return true;
	default:
		return false;
	}
}

/* What programs at a hook give. */
static bool hook_limits(const struct verifier *v, s64 *min, s64 *max)
{
	const struct btf_type *proto = v->attach_proto;
	bool whole = v->prog->expected_attach == BPF_LSM_MAC;

	if (!proto || (whole && !proto->type))
		return false;
	*min = !proto->type;	/* of a cgroup: nothing can be refused there */
	if (whole && !(lsm_flags(v->prog->target) & LSM_BOOL)) {
		*min = -MAX_ERRNO;
		*max = 0;
	}
	return true;
}

bool attach_limits(const struct verifier *v, s64 *min, s64 *max)
{
	u32 attach = v->prog->expected_attach;

	*min = 0;
	*max = 1;
	switch (v->prog->type) {
	case BPF_PROG_TYPE_LSM:
		return hook_limits(v, min, max);
	case BPF_PROG_TYPE_CGROUP_SKB:
		*max = attach == BPF_CGROUP_INET_EGRESS ? 3 : 1;
		return true;
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
		if (attach == BPF_CGROUP_INET4_BIND || attach == BPF_CGROUP_INET6_BIND)
			*max = 3;
		*min = only_watches(attach);
		return true;
	case BPF_PROG_TYPE_KPROBE:
		return attach == UAPI_TRACE_KPROBE_SESSION || attach == UAPI_TRACE_UPROBE_SESSION;
	case BPF_PROG_TYPE_TRACING:
		*max = attach == BPF_TRACE_ITER;
		return attach == BPF_TRACE_ITER || attach == BPF_TRACE_FENTRY ||
		       attach == BPF_TRACE_FEXIT;
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_SOCK_OPS:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_SK_LOOKUP:
	case UAPI_PROG_TYPE_NETFILTER:
		return true;
	default:
		return false;
	}
}
