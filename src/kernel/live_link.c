/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live_link.c: links that the running kernel has. The kernel's struct is laid out here
 * as far as Linux 6.18 has it, as the installed header may be older.
 */
#include "kernel/live_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NAME_BYTES = 4096 };	/* of a path */

struct name_at { u64 at; u32 bytes; };

/* struct bpf_link_info */
struct link_info {
	u32 type, id, prog, unused;
	union {
		struct name_at name;	/* raw_tracepoint, and the first of an iterator */
		struct { u32 attach, obj, btf; } tracing;
		struct { u64 id; u32 attach; } cgroup;
		struct {
			u64 name;
			u32 name_bytes, map;
			union {
				struct { u64 id; u32 order; } cgroup;
				struct { u32 tid, pid; } task;
			};
		} iter;
		struct { u32 ino, attach; } netns;
		struct { u32 ifindex, attach; } dev;	/* xdp, tcx, netkit */
		struct { u32 id, attach; } map;		/* struct_ops, sockmap */
		struct { u32 pf, hook; s32 priority; u32 flags; } netfilter;
		struct { u64 addrs; u32 count, flags; u64 missed; } kprobes;
		struct {
			u64 path, offsets, refs, cookies;
			u32 path_bytes, count, flags, pid;
		} uprobes;
		u8 room[112];
	};
};

/* Where the kernel shall write the name; false: links of this type have none. */
static bool name_room(struct link_info *is, u32 type, char *name)
{
	switch (type) {
	case LINK_RAW_TP:
	case LINK_ITER:
		*is = (struct link_info){ 0 };
		is->name = (struct name_at){ (uintptr_t)name, NAME_BYTES };
		return true;
	case LINK_UPROBE_MULTI:
		*is = (struct link_info){ 0 };
		is->uprobes.path = (uintptr_t)name;
		is->uprobes.path_bytes = NAME_BYTES;
		return true;
	}
	return false;
}

static void read_iter(struct live_link *l, const struct link_info *is)
{
	const char *name = l->name ? l->name : "";

	if (!strncmp(name, "bpf_map_elem", 12) || !strncmp(name, "bpf_sk_storage_map", 18))
		l->map = is->iter.map;
	else if (!strcmp(name, "cgroup")) {
		l->cgroup = is->iter.cgroup.id;
		l->order = is->iter.cgroup.order;
	} else if (!strncmp(name, "task", 4)) {
		l->tid = is->iter.task.tid;
		l->pid = is->iter.task.pid;
	}
}

static void read_probes(struct live_link *l, const struct link_info *is)
{
	if (l->type == LINK_KPROBE_MULTI) {
		l->count = is->kprobes.count;
		l->flags = is->kprobes.flags;
		l->missed = is->kprobes.missed;
	} else {
		l->count = is->uprobes.count;
		l->flags = is->uprobes.flags;
		l->pid = is->uprobes.pid;
	}
}

static void read_tracing(struct live_link *l, const struct link_info *is)
{
	l->attach = is->tracing.attach;
	l->obj = is->tracing.obj;
	l->btf = is->tracing.btf;
}

static void read_cgroup(struct live_link *l, const struct link_info *is)
{
	l->cgroup = is->cgroup.id;
	l->attach = is->cgroup.attach;
}

static void read_netfilter(struct live_link *l, const struct link_info *is)
{
	l->pf = is->netfilter.pf;
	l->hook = is->netfilter.hook;
	l->priority = is->netfilter.priority;
	l->flags = is->netfilter.flags;
}

static void read_two(u32 *what, u32 *attach, const struct link_info *is)
{
	*what = is->dev.ifindex;	/* as all pairs lie */
	*attach = is->dev.attach;
}

static void read_by_type(struct live_link *l, const struct link_info *is)
{
	switch ((enum live_link_type)l->type) {
	case LINK_TRACING: read_tracing(l, is); break;
	case LINK_CGROUP: read_cgroup(l, is); break;
	case LINK_ITER: read_iter(l, is); break;
	case LINK_NETNS: read_two(&l->netns, &l->attach, is); break;
	case LINK_XDP:
	case LINK_TCX:
	case LINK_NETKIT: read_two(&l->ifindex, &l->attach, is); break;
	case LINK_STRUCT_OPS:
	case LINK_SOCKMAP: read_two(&l->map, &l->attach, is); break;
	case LINK_NETFILTER: read_netfilter(l, is); break;
	case LINK_KPROBE_MULTI:
	case LINK_UPROBE_MULTI: read_probes(l, is); break;
	case LINK_RAW_TP:
	case LINK_PERF_EVENT: break;
	}
}

int live_link_read(struct live_link *l, int fd, struct skep_err *err)
{
	struct link_info is = { 0 };
	char name[NAME_BYTES] = "";
	int r = live_info(fd, &is, sizeof(is));

	if (!r && name_room(&is, is.type, name))
		r = live_info(fd, &is, sizeof(is));
	if (r) {
		close(fd);
		return live_said_no("the kernel does not describe the link", r, err);
	}
	*l = (struct live_link){ .fd = fd, .id = is.id, .type = is.type, .prog = is.prog,
				 .name = *name ? mem_strdup(name) : NULL };
	read_by_type(l, &is);
	return 0;
}

void live_link_close(struct live_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->name);
	*l = (struct live_link){ .fd = -1 };
}

int live_link_detach(const struct live_link *l, struct skep_err *err)
{
	union bpf_attr a = { .link_detach.link_fd = (u32)l->fd };
	int r = sys_bpf(BPF_LINK_DETACH, &a);
	char what[64];

	if (!r)
		return 0;
	snprintf(what, sizeof(what), "link %u is not detached", l->id);
	r = live_said_no(what, r, err);
	err_note(err, "links of cgroups, network devices and name spaces can be detached by "
		 "others; the rest ends with the last process or pin that has them");
	return r;
}
