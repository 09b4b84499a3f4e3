/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.h: what is attached where in the running kernel, whoever attached it: to
 * cgroups, network devices, name spaces, events of perf. Attaches and detaches as
 * bpftool does: without a link, so that it stays when the process ends.
 */
#ifndef KERNEL_HOOKS_H
#define KERNEL_HOOKS_H

#include "base/err.h"
#include <net/if.h>

/* ---- programs of a place (hooks_prog.c) ---------------------------------------- */

struct hook_progs {
	u32 n, flags;		/* BPF_F_ALLOW_MULTI ..., of all */
	u32 *ids;		/* [n] of programs, in the order in which they run */
	u32 *prog_flags;	/* [n] of each; 0 when the kernel does not say */
	u32 *links, *link_flags;	/* [n] of network devices: 0 attached without */
};

/*
 * The programs attached as ATTACH to TARGET: a cgroup's or a name space's descriptor, a
 * device's number. EFFECTIVE: those that run there, inherited ones among them. 0, or
 * -errno: -EINVAL where the kernel does not know ATTACH. Freed by hook_progs_free.
 */
int hook_query(struct hook_progs *out, u32 target, u32 attach, bool effective);
void hook_progs_free(struct hook_progs *p);
/* 0 or -errno. REPLACE: the descriptor of a program whose place it takes, or -1. */
int hook_attach(u32 target, int prog, u32 attach, u32 flags, int replace);
int hook_detach(u32 target, int prog, u32 attach);	/* PROG -1: the last one */
/* The kernel answered CODE to WHAT; with the reasons that are known. Error: HOOK. */
int hook_said_no(const char *what, int code, struct skep_err *err);

/* ---- network devices (hooks_net.c) --------------------------------------------- */

enum hook_xdp { HOOK_XDP_NONE, HOOK_XDP_DRIVER, HOOK_XDP_GENERIC, HOOK_XDP_OFFLOAD,
		HOOK_XDP_SEVERAL };

struct hook_device {
	u32 ifindex;
	char name[IF_NAMESIZE];
	enum hook_xdp mode;
	u32 xdp;		/* the program's id; 0 none, or several */
	u32 driver, generic, offload;	/* of HOOK_XDP_SEVERAL */
};
/* All devices of this process's name space: 0 or -errno. */
int hook_devices(void (*fn)(void *arg, const struct hook_device *d), void *arg);

enum { HOOK_ACTIONS = 32 };	/* that a filter has at most */

struct hook_filter {
	const char *kind;	/* "clsact/ingress", or the qdisc's: "htb" */
	const char *name;	/* what whoever attached it called it */
	u32 prog;		/* its id */
	/* those of its actions that are programs, in their order */
	struct hook_action { const char *name; u32 prog; } actions[HOOK_ACTIONS];
	u32 nr_actions;
	bool acts;		/* it has actions, of whatever kind */
};
/* Filters of kind bpf on a device. */
int hook_filters(u32 ifindex, void (*fn)(void *arg, const struct hook_filter *f), void *arg);

/* PROG, or -1 to detach what is there; MODE is of XDP_FLAGS_*. 0, or -errno and, in WHY
 * of SIZE bytes, what the kernel says besides. */
int hook_xdp_set(u32 ifindex, int prog, u32 mode, char *why, size_t size);

/* ---- events of perf (hooks_perf.c) --------------------------------------------- */

enum hook_event { HOOK_RAW_TP, HOOK_TP, HOOK_KPROBE, HOOK_KRETPROBE, HOOK_UPROBE,
		  HOOK_URETPROBE };

struct hook_perf {
	u32 pid, fd, prog;
	enum hook_event event;
	const char *name;	/* of the tracepoint, function or file; "" not told */
	u64 offset, addr;	/* from the function or in the file; of the function, when
				   it has no name here */
};
/* All that processes have open, as far as /proc shows them. 0 or -errno. */
int hook_perf_each(void (*fn)(void *arg, const struct hook_perf *p), void *arg);

#endif
