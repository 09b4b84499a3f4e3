/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helper_probe.h: asks the running kernel which helpers it offers to which
 * program types, by loading programs of one call each. For the test of
 * model/helper_types.def and for the tool that writes that file.
 */
#ifndef TEST_HELPER_PROBE_H
#define TEST_HELPER_PROBE_H

#include "btf/btf.h"
#include "model/tables.h"
#include "model/uapi.h"
#include <sys/syscall.h>
#include <unistd.h>

/* A way to load programs of TYPE. What a type is offered depends on how its
 * programs attach, so some types have several. */
struct probe_case {
	u32 type, attach, flags;
	const char *func;	/* BTF name of what it attaches to, or NULL */
	u32 kind;		/* BTF_KIND_* of FUNC */
};

static const struct probe_case probe_cases[] = {
	{ .type = BPF_PROG_TYPE_SOCKET_FILTER },
	{ .type = BPF_PROG_TYPE_KPROBE },
	{ .type = BPF_PROG_TYPE_KPROBE, .attach = BPF_TRACE_KPROBE_MULTI },
	{ .type = BPF_PROG_TYPE_KPROBE, .attach = UAPI_TRACE_UPROBE_MULTI,
	  .flags = BPF_F_SLEEPABLE },
	{ .type = BPF_PROG_TYPE_KPROBE, .attach = UAPI_TRACE_KPROBE_SESSION },
	{ .type = BPF_PROG_TYPE_SCHED_CLS },
	{ .type = BPF_PROG_TYPE_SCHED_ACT },
	{ .type = BPF_PROG_TYPE_TRACEPOINT },
	{ .type = BPF_PROG_TYPE_XDP },
	{ .type = BPF_PROG_TYPE_PERF_EVENT },
	{ .type = BPF_PROG_TYPE_CGROUP_SKB },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCK },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCK, .attach = BPF_CGROUP_INET_SOCK_RELEASE },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCK, .attach = BPF_CGROUP_INET4_POST_BIND },
	{ .type = BPF_PROG_TYPE_LWT_IN },
	{ .type = BPF_PROG_TYPE_LWT_OUT },
	{ .type = BPF_PROG_TYPE_LWT_XMIT },
	{ .type = BPF_PROG_TYPE_SOCK_OPS },
	{ .type = BPF_PROG_TYPE_SK_SKB },
	{ .type = BPF_PROG_TYPE_CGROUP_DEVICE },
	{ .type = BPF_PROG_TYPE_SK_MSG },
	{ .type = BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach = BPF_CGROUP_INET4_CONNECT },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach = BPF_CGROUP_INET4_BIND },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach = BPF_CGROUP_UDP4_SENDMSG },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach = BPF_CGROUP_INET4_GETPEERNAME },
	{ .type = BPF_PROG_TYPE_LWT_SEG6LOCAL },
	{ .type = BPF_PROG_TYPE_SK_REUSEPORT },
	{ .type = BPF_PROG_TYPE_FLOW_DISSECTOR },
	{ .type = BPF_PROG_TYPE_CGROUP_SYSCTL },
	{ .type = BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCKOPT, .attach = BPF_CGROUP_GETSOCKOPT },
	{ .type = BPF_PROG_TYPE_CGROUP_SOCKOPT, .attach = BPF_CGROUP_SETSOCKOPT },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0, "btf_trace_sched_switch", BTF_KIND_TYPEDEF },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0, "btf_trace_xdp_exception", BTF_KIND_TYPEDEF },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0, "btf_trace_consume_skb", BTF_KIND_TYPEDEF },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 0, "bpf_fentry_test1", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, 0, "bpf_fentry_test1", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, 0, "bpf_modify_return_test", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0, "bpf_iter_task", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, BPF_F_SLEEPABLE, "bpf_iter_task", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0, "bpf_iter_tcp", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_STRUCT_OPS, 0, 0, "tcp_congestion_ops", BTF_KIND_STRUCT },
	{ BPF_PROG_TYPE_STRUCT_OPS, 2, 0, "tcp_congestion_ops", BTF_KIND_STRUCT },
	{ BPF_PROG_TYPE_STRUCT_OPS, 8, 0, "tcp_congestion_ops", BTF_KIND_STRUCT },
	{ BPF_PROG_TYPE_STRUCT_OPS, 0, 0, "sched_ext_ops", BTF_KIND_STRUCT },
	{ BPF_PROG_TYPE_LSM, BPF_LSM_MAC, 0, "bpf_lsm_file_open", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_LSM, BPF_LSM_MAC, BPF_F_SLEEPABLE, "bpf_lsm_file_open", BTF_KIND_FUNC },
	{ BPF_PROG_TYPE_LSM, BPF_LSM_MAC, BPF_F_SLEEPABLE, "bpf_lsm_bprm_committed_creds",
	  BTF_KIND_FUNC },
	{ .type = BPF_PROG_TYPE_SK_LOOKUP, .attach = BPF_SK_LOOKUP },
	{ .type = BPF_PROG_TYPE_SYSCALL, .attach = 0, .flags = BPF_F_SLEEPABLE },
	{ .type = UAPI_PROG_TYPE_NETFILTER, .attach = UAPI_NETFILTER },
};

/* The verifier's log of a program of case P that calls helper ID; LICENSE. */
static inline void probe_log(const struct probe_case *p, u32 btf_id, u32 id,
			     const char *license, char *log, u32 size)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = (s32)id },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr a = {
		.prog_type = p->type, .expected_attach_type = p->attach,
		.prog_flags = p->flags, .attach_btf_id = btf_id,
		.insns = (uintptr_t)insns, .insn_cnt = ARRAY_LEN(insns),
		.license = (uintptr_t)license, .log_level = 1, .log_size = size,
		.log_buf = (uintptr_t)log,
	};
	long fd;

	*log = 0;
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
	if (fd < 0)
		return;
	close((int)fd);
	strcpy(log, "taken");
}

static inline u32 probe_btf_id(const struct probe_case *p, const struct btf *btf)
{
	return p->func && btf ? btf_find(btf, p->func, p->kind) : 0;
}

enum probe_answer { PROBE_UNKNOWN, PROBE_NO, PROBE_YES };

/* Does the kernel offer helper ID to programs of case P? */
static inline enum probe_answer probe_helper(const struct probe_case *p, u32 btf_id, u32 id)
{
	static char log[1 << 14];

	if (p->func && !btf_id)
		return PROBE_UNKNOWN;
	probe_log(p, btf_id, id, "GPL", log, sizeof(log));
	if (strstr(log, "cannot use helper") || strstr(log, "unknown func") ||
	    strstr(log, "invalid func"))
		return PROBE_NO;
	/* the call was looked at: refused for its arguments, or taken */
	return strstr(log, "call bpf_") || !strcmp(log, "taken") ? PROBE_YES : PROBE_UNKNOWN;
}

/*
 * Facts that kernels answer for only with options that few have: remote control
 * receivers, error injection, function tracing, no lockdown.
 */
#define PROBE_BIT(type) (1ull << BPF_PROG_TYPE_##type)
static const struct { u32 id; u64 types; } probe_known[] = {
	{ BPF_FUNC_probe_write_user, PROBE_BIT(KPROBE) | PROBE_BIT(TRACEPOINT) |
		PROBE_BIT(PERF_EVENT) | PROBE_BIT(RAW_TRACEPOINT) |
		PROBE_BIT(RAW_TRACEPOINT_WRITABLE) | PROBE_BIT(TRACING) |
		PROBE_BIT(SYSCALL) },
	{ BPF_FUNC_override_return, PROBE_BIT(KPROBE) },
	{ BPF_FUNC_get_func_arg, PROBE_BIT(TRACING) },
	{ BPF_FUNC_get_func_ret, PROBE_BIT(TRACING) },
	{ BPF_FUNC_get_func_arg_cnt, PROBE_BIT(TRACING) },
};

/* Program types, as a bit mask, that the kernel offers helper ID to. Adds the
 * types that it answers for to *ASKED. IDS are those of probe_cases. */
static inline u64 probe_types(u32 id, const u32 *ids, u64 *asked)
{
	u64 types = 0;

	for (size_t i = 0; i < ARRAY_LEN(probe_cases); i++) {
		enum probe_answer r = probe_helper(&probe_cases[i], ids[i], id);

		if (r != PROBE_UNKNOWN)
			*asked |= 1ull << probe_cases[i].type;
		if (r == PROBE_YES)
			types |= 1ull << probe_cases[i].type;
	}
	for (size_t i = 0; i < ARRAY_LEN(probe_known); i++)
		types |= probe_known[i].id == id ? probe_known[i].types : 0;
	return types;
}

#endif
