/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks_net.c: programs on network devices, which rtnetlink tells and changes. */
#include "kernel/hooks.h"
#include "base/vec.h"
#include "kernel/netlink.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_bpf.h>
#include <linux/pkt_sched.h>
#include <stdio.h>

/* ---- XDP ------------------------------------------------------------------- */

struct devices {
	void (*fn)(void *arg, const struct hook_device *d);
	void *arg;
};

static enum hook_xdp mode_of(u8 attached)
{
	switch (attached) {
	case XDP_ATTACHED_DRV: return HOOK_XDP_DRIVER;
	case XDP_ATTACHED_SKB: return HOOK_XDP_GENERIC;
	case XDP_ATTACHED_HW: return HOOK_XDP_OFFLOAD;
	case XDP_ATTACHED_MULTI: return HOOK_XDP_SEVERAL;
	}
	return HOOK_XDP_NONE;
}

static void read_device(void *arg, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	const struct rtattr *xdp, *mode;
	struct devices *to = arg;
	struct hook_device d = { 0 };

	if (h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(*info)))
		return;
	d.ifindex = (u32)info->ifi_index;
	snprintf(d.name, sizeof(d.name), "%s",
		 nl_get_str(nl_find(h, sizeof(*info), IFLA_IFNAME, 1)));
	xdp = nl_find(h, sizeof(*info), IFLA_XDP, 0);
	mode = nl_find_in(xdp, IFLA_XDP_ATTACHED, 1);
	d.mode = mode ? mode_of(*(const u8 *)RTA_DATA(mode)) : HOOK_XDP_NONE;
	d.xdp = nl_get_u32(nl_find_in(xdp, IFLA_XDP_PROG_ID, 4));
	d.driver = nl_get_u32(nl_find_in(xdp, IFLA_XDP_DRV_PROG_ID, 4));
	d.generic = nl_get_u32(nl_find_in(xdp, IFLA_XDP_SKB_PROG_ID, 4));
	d.offload = nl_get_u32(nl_find_in(xdp, IFLA_XDP_HW_PROG_ID, 4));
	to->fn(to->arg, &d);
}

int hook_devices(void (*fn)(void *arg, const struct hook_device *d), void *arg)
{
	struct devices to = { fn, arg };
	struct nl_msg m;

	nl_begin(&m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	return nl_list(&m, read_device, &to);
}

int hook_xdp_set(u32 ifindex, int prog, u32 mode, char *why, size_t size)
{
	const s32 fd = prog;
	struct nl_msg m;
	struct ifinfomsg *info = nl_begin(&m, RTM_SETLINK, 0, sizeof(*info));
	struct rtattr *nest;

	info->ifi_index = (int)ifindex;
	nest = nl_nest(&m, IFLA_XDP);
	nl_add(&m, IFLA_XDP_FD, &fd, sizeof(fd));
	if (mode)
		nl_u32(&m, IFLA_XDP_FLAGS, mode);
	nl_nest_end(&m, nest);
	return nl_send(&m, why, size);
}

/* ---- filters --------------------------------------------------------------- */

/* Where filters may be on a device: a class or qdisc. */
struct parent { u32 handle; char kind[IF_NAMESIZE]; };

struct filters {
	u32 ifindex;
	VEC(struct parent) parents;
	const char *kind;	/* of the parent that is asked */
	void (*fn)(void *arg, const struct hook_filter *f);
	void *arg;
};

static void read_parent(void *arg, const struct nlmsghdr *h)
{
	const struct tcmsg *t = NLMSG_DATA(h);
	struct filters *to = arg;
	struct parent p;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*t)) || t->tcm_ifindex != (int)to->ifindex)
		return;
	p.handle = t->tcm_handle;
	snprintf(p.kind, sizeof(p.kind), "%s", nl_get_str(nl_find(h, sizeof(*t), TCA_KIND, 1)));
	/* what has no handle has no filters, those of clsact are asked for by name */
	if (p.handle && strcmp(p.kind, "clsact"))
		*vec_push(&to->parents) = p;
}

/* Each action is a list of its own in the list that A is. */
static void read_actions(struct hook_filter *f, const struct rtattr *a)
{
	f->acts = a != NULL;
	for (u16 i = 1; a && i <= HOOK_ACTIONS; i++) {
		const struct rtattr *act = nl_find_in(a, i, 0), *options;

		if (!act || strcmp(nl_get_str(nl_find_in(act, TCA_ACT_KIND, 1)), "bpf"))
			continue;
		options = nl_find_in(act, TCA_ACT_OPTIONS, 0);
		f->actions[f->nr_actions++] = (struct hook_action){
			.name = nl_get_str(nl_find_in(options, TCA_ACT_BPF_NAME, 1)),
			.prog = nl_get_u32(nl_find_in(options, TCA_ACT_BPF_ID, 4)) };
	}
}

static void read_filter(void *arg, const struct nlmsghdr *h)
{
	const struct tcmsg *t = NLMSG_DATA(h);
	const struct rtattr *options;
	struct filters *to = arg;
	struct hook_filter f;

	if (h->nlmsg_type != RTM_NEWTFILTER || h->nlmsg_len < NLMSG_LENGTH(sizeof(*t)) ||
	    t->tcm_ifindex != (int)to->ifindex || !t->tcm_handle ||
	    strcmp(nl_get_str(nl_find(h, sizeof(*t), TCA_KIND, 1)), "bpf"))
		return;
	options = nl_find(h, sizeof(*t), TCA_OPTIONS, 0);
	f = (struct hook_filter){ .kind = to->kind,
		.name = nl_get_str(nl_find_in(options, TCA_BPF_NAME, 1)),
		.prog = nl_get_u32(nl_find_in(options, TCA_BPF_ID, 4)) };
	read_actions(&f, nl_find_in(options, TCA_BPF_ACT, 0));
	to->fn(to->arg, &f);
}

static int list_tc(struct filters *to, u16 type, u32 parent, nl_entry_fn *fn)
{
	struct nl_msg m;
	struct tcmsg *t = nl_begin(&m, type, 0, sizeof(*t));

	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = (int)to->ifindex;
	t->tcm_parent = parent;
	return nl_list(&m, fn, to);
}

static int list_filters(struct filters *to, u32 parent, const char *kind)
{
	int r;

	to->kind = kind;
	r = list_tc(to, RTM_GETTFILTER, parent, read_filter);
	/* no such qdisc, or one that has no filters */
	return r == -EINVAL || r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
}

int hook_filters(u32 ifindex, void (*fn)(void *arg, const struct hook_filter *f), void *arg)
{
	struct filters to = { .ifindex = ifindex, .fn = fn, .arg = arg };
	int r = list_tc(&to, RTM_GETTCLASS, 0, read_parent);

	if (!r)
		r = list_tc(&to, RTM_GETQDISC, 0, read_parent);
	for (size_t i = 0; !r && i < to.parents.n; i++)
		r = list_filters(&to, to.parents.v[i].handle, to.parents.v[i].kind);
	if (!r)
		r = list_filters(&to, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), "clsact/ingress");
	if (!r)
		r = list_filters(&to, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), "clsact/egress");
	vec_free(&to.parents);
	return r;
}
