/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach.h: how programs are attached to the Linux kernel: the rows of attach.def.
 * Link means BPF_LINK_CREATE: what it attaches goes with the last descriptor, so also
 * when a process is killed.
 */
#ifndef MODEL_ATTACH_H
#define MODEL_ATTACH_H

#include "model/tables.h"

enum attach_how {
	/* perf_event_open, then a link (5.15) or PERF_EVENT_IOC_SET_BPF */
	ATTACH_TRACEPOINT, ATTACH_PERF_EVENT,
	ATTACH_KPROBE, ATTACH_KRETPROBE, ATTACH_KSYSCALL, ATTACH_KRETSYSCALL,
	ATTACH_UPROBE, ATTACH_URETPROBE,
	ATTACH_USDT,		/* uprobes, and a map that says where arguments are */
	/* link_create.kprobe_multi, .uprobe_multi */
	ATTACH_KPROBE_MULTI, ATTACH_KRETPROBE_MULTI,
	ATTACH_UPROBE_MULTI, ATTACH_URETPROBE_MULTI,
	ATTACH_RAW_TP,		/* BPF_RAW_TRACEPOINT_OPEN, by name */
	ATTACH_LOADED,		/* the same without: what the program was loaded for */
	ATTACH_ITER,		/* a link, BPF_ITER_CREATE, and read(2) of that */
	ATTACH_XDP,		/* a link, target_ifindex */
	ATTACH_TCX, ATTACH_NETKIT,	/* the same */
	ATTACH_CLSACT,		/* the same as tcx, or a filter of clsact by netlink */
	ATTACH_CGROUP,		/* a link, target_fd */
	ATTACH_CGROUP_LSM,	/* the same */
	ATTACH_NETNS,		/* a link, target_fd */
	ATTACH_NETFILTER,	/* link_create.netfilter */
	ATTACH_SOCKMAP,		/* a link on a map (6.10), or BPF_PROG_ATTACH */
	ATTACH_SOCKET,		/* setsockopt SO_ATTACH_BPF */
	ATTACH_REUSEPORT,	/* setsockopt SO_ATTACH_REUSEPORT_EBPF */
	ATTACH_LWT,		/* a route, by netlink */
	ATTACH_LWT_SEG6,	/* the same */
	ATTACH_LIRC,		/* BPF_PROG_ATTACH to a device's file */
	ATTACH_FREPLACE,	/* a link, target_fd and target_btf_id */
	ATTACH_STRUCT_OPS,	/* a link on its map (6.4), or the map's element stored */
	ATTACH_RUN_ONCE,	/* BPF_PROG_TEST_RUN */
	ATTACH_IN_MAP,		/* an element of a devmap or cpumap names it */
	ATTACH_NOWHERE,		/* no call of Linux 6.18 attaches it by itself */
};

enum attach_target {
	ATTACH_TO_NONE,
	ATTACH_TO_FUNCTION,	/* of the kernel, +OFFSET; multi: a pattern */
	ATTACH_TO_BINARY,	/* PATH:SYMBOL[@VERSION][+OFFSET]; usdt: PATH:PROVIDER:NAME */
	ATTACH_TO_TRACEPOINT,	/* CATEGORY/NAME; raw ones: NAME */
	ATTACH_TO_BTF,		/* a name of the kernel's types; known when it is loaded */
	ATTACH_TO_EVENT,	/* of perf: cpu-clock, ... */
	ATTACH_TO_DEVICE,	/* a network device */
	ATTACH_TO_CGROUP,	/* a folder of cgroup v2 */
	ATTACH_TO_NETNS,	/* a network name space */
	ATTACH_TO_HOOK,		/* of netfilter: family, hook, priority */
	ATTACH_TO_SOCKET,	/* a descriptor of a process */
	ATTACH_TO_MAP,		/* a sockmap or sockhash of the object */
	ATTACH_TO_ROUTE,	/* a prefix, and a device */
	ATTACH_TO_PROGRAM,	/* a program that is loaded, and a function of it */
	ATTACH_TO_FILE,		/* a device's file */
};

struct attach_row {
	const char *section;	/* PREFIX of sec.def */
	u8 how, target;		/* enum attach_how, enum attach_target */
	const char *since;	/* "" none up to 7.2 */
};

const struct attach_row *attach_row(const struct sec_row *sec);	/* NULL: of no row */
/* "uprobe.multi": the section's name without its "+"; TEXT has the room. */
const char *attach_kind(const struct attach_row *row, char text[32]);
/* "a network device". */
const char *attach_target_text(const struct attach_row *row);

#endif
