/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uapi.h: Linux UAPI numbers that the installed linux/bpf.h may lack, with the
 * version that brought them; model_test compares them with the running kernel's.
 * Where the header has a name as an enum constant it cannot be tested with
 * #ifdef, so ours carry the prefix UAPI_.
 */
#ifndef MODEL_UAPI_H
#define MODEL_UAPI_H

#include <linux/bpf.h>

enum {
	UAPI_MAP_TYPE_CGRP_STORAGE = 32,	/* 6.2 */
	UAPI_MAP_TYPE_ARENA = 33,		/* 6.9 */
	UAPI_FUNC_cgrp_storage_get = 210,	/* helpers: 6.2 */
	UAPI_FUNC_cgrp_storage_delete = 211,
	UAPI_F_LINK = 1 << 13,			/* map flags: 6.4 */
	UAPI_PROG_TYPE_NETFILTER = 32,		/* 6.4 */
	UAPI_NETFILTER = 45,			/* attach types: 6.4 */
	UAPI_TCX_INGRESS = 46,			/* 6.6 */
	UAPI_TCX_EGRESS = 47,
	UAPI_TRACE_UPROBE_MULTI = 48,		/* 6.6 */
	UAPI_CGROUP_UNIX_CONNECT = 49,		/* 6.7 */
	UAPI_CGROUP_UNIX_SENDMSG = 50,
	UAPI_CGROUP_UNIX_RECVMSG = 51,
	UAPI_CGROUP_UNIX_GETPEERNAME = 52,
	UAPI_CGROUP_UNIX_GETSOCKNAME = 53,
	UAPI_NETKIT_PRIMARY = 54,		/* 6.7 */
	UAPI_NETKIT_PEER = 55,
	UAPI_TRACE_KPROBE_SESSION = 56,		/* 6.10 */
	UAPI_TRACE_UPROBE_SESSION = 57,		/* 6.13 */
	UAPI_TRACE_FSESSION = 58,		/* 7.0 */
	UAPI_TRACE_FENTRY_MULTI = 59,		/* after 7.0 */
	UAPI_TRACE_FEXIT_MULTI = 60,
	UAPI_TRACE_FSESSION_MULTI = 61,
	UAPI_FIB_SKIP_NEIGH = 1 << 2,		/* bpf_fib_lookup: 6.2 */
	UAPI_FIB_TBID = 1 << 3,			/* 6.5 */
	UAPI_FIB_SRC = 1 << 4,			/* 6.7 */
	UAPI_FIB_MARK = 1 << 5,			/* 6.10 */
	UAPI_FIB_RET_NO_SRC = 9,		/* 6.7 */
};

#endif
