/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs.c: access to kfunc.def. */
#include "model/tables.h"
#include "model/uapi.h"

enum { KFUNC_ID = 1 << 16 };	/* their ids are above those of helpers */

#define TYPE(name) (1ull << BPF_PROG_TYPE_##name)
#define KFUNC_ALL (~0ull)
#define KFUNC_CPUMASK (KFUNC_TRACING | TYPE(STRUCT_OPS) | TYPE(SYSCALL))
#define KFUNC_GENERIC (KFUNC_CPUMASK | KFUNC_CGROUP | TYPE(SCHED_CLS) | TYPE(XDP))
#define KFUNC_XDP TYPE(XDP)
#define KFUNC_CGROUP (TYPE(CGROUP_SKB) | TYPE(CGROUP_SOCK) | TYPE(CGROUP_DEVICE) | \
	TYPE(CGROUP_SOCK_ADDR) | TYPE(CGROUP_SOCKOPT) | TYPE(CGROUP_SYSCTL) | TYPE(SOCK_OPS))
#define KFUNC_TRACING (TYPE(TRACING) | TYPE(TRACEPOINT) | TYPE(PERF_EVENT) | TYPE(LSM))
#define KFUNC_LWT (TYPE(LWT_IN) | TYPE(LWT_OUT) | TYPE(LWT_XMIT) | TYPE(LWT_SEG6LOCAL))
#define KFUNC_SKB (KFUNC_CGROUP | KFUNC_TRACING | KFUNC_LWT | TYPE(SCHED_CLS) | \
	TYPE(SCHED_ACT) | TYPE(SOCKET_FILTER) | TYPE(SK_SKB) | 1ull << UAPI_PROG_TYPE_NETFILTER)

#define KFUNC_CLS TYPE(SCHED_CLS)
#define KFUNC_TRACE TYPE(TRACING)
#define KFUNC_LSM TYPE(LSM)
#define KFUNC_KPROBE TYPE(KPROBE)
#define KFUNC_TC (TYPE(SCHED_CLS) | TYPE(SCHED_ACT))
#define KFUNC_CIPHER (KFUNC_TC | TYPE(XDP))
#define KFUNC_CT (TYPE(SCHED_CLS) | TYPE(XDP))
#define KFUNC_CRYPTO TYPE(SYSCALL)

static const struct helper_row rows[] = {
#define KFUNC(name, since, who, ret, a1, a2, a3, a4, a5) \
	{ KFUNC_ID, #name, since, 1, RET_##ret, \
	  { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 }, KFUNC_##who, 0 },
#include "model/kfunc.def"
#undef KFUNC
};

const struct helper_row *kfunc_row(const char *name)
{
	if (strncmp(name, "bpf_", 4))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(rows[i].name, name + 4))
			return &rows[i];
	return NULL;
}

static const struct kfunc_typed_row typed[] = {
#define KFUNC_TYPED(name, who, flags) { "bpf_" #name, KFUNC_##who, flags },
#include "model/kfunc.def"
#undef KFUNC_TYPED
};

const struct kfunc_typed_row *kfunc_typed_next(const struct kfunc_typed_row *row)
{
	size_t i = row ? (size_t)(row - typed) + 1 : 0;

	return i < ARRAY_LEN(typed) ? &typed[i] : NULL;
}

const struct kfunc_typed_row *kfunc_typed_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(typed); i++)
		if (!strcmp(typed[i].name, name))
			return &typed[i];
	return NULL;
}

const struct helper_row *kfunc_next(const struct helper_row *row)
{
	size_t i = row ? (size_t)(row - rows) + 1 : 0;

	return i < ARRAY_LEN(rows) ? &rows[i] : NULL;
}
