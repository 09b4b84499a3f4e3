/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_priv.h: what the files that attach share. Each family is a function that fills
 * job->l; link.c detaches what one that fails has left.
 */
#ifndef KERNEL_LINK_PRIV_H
#define KERNEL_LINK_PRIV_H

#include "kernel/link.h"
#include "kernel/tracefs.h"
#include "kernel/sys.h"
#include <linux/perf_event.h>

struct link_job {
	struct kernel *k;
	struct link *l;
	const struct image *img;
	const struct image_prog *p;
	int prog_fd;
	const struct link_where *w;
	struct skep_err *err;
};

/* BPF_LINK_CREATE as Linux 6.18 has it; zero where a kernel knows less. */
struct link_attr {
	u32 prog_fd;		/* or a map's */
	u32 target_fd;		/* or an interface's number */
	u32 attach_type;
	u32 flags;
	union {
		u32 target_btf_id;
		struct { u64 info; u32 info_len; } iter;
		struct { u64 cookie; } perf_event;
		struct { u32 flags, cnt; u64 syms, addrs, cookies; } kprobe_multi;
		struct { u32 btf_id; u64 cookie; } tracing;
		struct { u32 pf, hooknum; s32 priority; u32 flags; } netfilter;
		struct { u32 relative; u64 revision; } mprog;	/* tcx, netkit, cgroup */
		struct { u64 path, offsets, refs, cookies; u32 cnt, flags, pid; } uprobe_multi;
	} u;
};

/* ---- link.c ---------------------------------------------------------------------- */

/* A descriptor or -errno. */
int link_create(const struct link_attr *a);
/* The kernel answered CODE to what FMT says; with the reasons that are known. */
int link_refused(struct link_job *j, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The target is missing or wrong. Error: ATTACH_WHERE. */
int link_bad_where(struct link_job *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "KIND FMT" becomes the link's text. */
void link_says(struct link_job *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Is the kernel from before SINCE, as far as it tells? */
bool link_kernel_before(const struct link_job *j, const char *since);

/* ---- families -------------------------------------------------------------------- */

int link_tracepoint(struct link_job *j);
int link_raw_tp(struct link_job *j);
int link_loaded(struct link_job *j);
int link_perf_event(struct link_job *j);
int link_kprobe(struct link_job *j);
int link_kprobe_multi(struct link_job *j);
int link_uprobe(struct link_job *j);
int link_uprobe_multi(struct link_job *j);
int link_usdt(struct link_job *j);
int link_iter(struct link_job *j);
int link_run_once(struct link_job *j);
int link_xdp(struct link_job *j);
int link_tcx(struct link_job *j);
int link_clsact(struct link_job *j);
int link_netkit(struct link_job *j);
int link_netns(struct link_job *j);
int link_netfilter(struct link_job *j);
int link_cgroup(struct link_job *j);
int link_sockmap(struct link_job *j);
int link_socket(struct link_job *j);
int link_lwt(struct link_job *j);
int link_freplace(struct link_job *j);

/* link_perf.c: an event of perf as a program's: FD goes to the link, also after an error,
 * which is -errno. */
int link_perf_attach(struct link_job *j, int fd);

#endif
