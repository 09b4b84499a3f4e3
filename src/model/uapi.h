/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uapi.h: Linux UAPI numbers (6.18) that the installed linux/bpf.h may lack.
 * Where the header has a name as an enum constant it cannot be tested with
 * #ifdef, so ours carry the prefix UAPI_.
 */
#ifndef MODEL_UAPI_H
#define MODEL_UAPI_H

#include <linux/bpf.h>

enum {
	UAPI_MAP_TYPE_CGRP_STORAGE = 32,	/* 6.2 */
	UAPI_MAP_TYPE_ARENA = 33,		/* 6.9 */
	UAPI_MAP_TYPE_INSN_ARRAY = 34,		/* 6.19 */
	UAPI_PROG_TYPE_NETFILTER = 32,		/* 6.4 */
};

#endif
