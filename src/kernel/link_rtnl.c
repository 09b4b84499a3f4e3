/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_rtnl.c: what is attached by netlink messages and not by links: filters of clsact
 * (before 6.6, or when they are asked for) and routes with programs (lwt). Linux keeps
 * these when the process is killed: LINK_STAYS.
 */
#include "kernel/link_priv.h"
#include "kernel/netlink.h"
#include "model/uapi.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/lwtunnel.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/seg6_local.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- clsact ---------------------------------------------------------------- */

struct filter { u32 ifindex, parent, prio, handle; bool own_qdisc; };

static struct tcmsg *filter_message(struct nl_msg *m, const struct filter *f, u16 type, u16 flags)
{
	struct tcmsg *t = nl_begin(m, type, flags, sizeof(*t));

	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = (int)f->ifindex;
	t->tcm_parent = f->parent;
	t->tcm_handle = f->handle;
	t->tcm_info = f->prio << 16 | htons(ETH_P_ALL);
	return t;
}

static int change_qdisc(u32 ifindex, u16 type, u16 flags)
{
	struct nl_msg m;
	struct tcmsg *t = nl_begin(&m, type, flags, sizeof(*t));

	t->tcm_ifindex = (int)ifindex;
	t->tcm_parent = TC_H_CLSACT;
	t->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	nl_str(&m, TCA_KIND, "clsact");
	return nl_send(&m, NULL, 0);
}

static void drop_filter(struct link *l)
{
	const struct filter *f = l->undo_arg;
	struct nl_msg m;

	if (f->handle) {
		filter_message(&m, f, RTM_DELTFILTER, 0);
		nl_str(&m, TCA_KIND, "bpf");
		nl_send(&m, NULL, 0);
	}
	if (f->own_qdisc)
		change_qdisc(f->ifindex, RTM_DELQDISC, 0);
	free(l->undo_arg);
}

static int add_filter(struct link_job *j, const struct filter *f)
{
	struct rtattr *nest;
	struct nl_msg m;

	filter_message(&m, f, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
	nl_str(&m, TCA_KIND, "bpf");
	nest = nl_nest(&m, TCA_OPTIONS);
	nl_u32(&m, TCA_BPF_FD, (u32)j->prog_fd);
	nl_str(&m, TCA_BPF_NAME, j->p->name);
	nl_u32(&m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	nl_nest_end(&m, nest);
	return nl_send(&m, NULL, 0);
}

/* The qdisc stays when it was there before. */
static int by_filter(struct link_job *j, bool in)
{
	struct filter *f = mem_alloc(sizeof(*f));
	int r;

	*f = (struct filter){ .ifindex = j->w->ifindex, .prio = 1,
		.parent = TC_H_MAKE(TC_H_CLSACT, in ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS) };
	j->l->undo = drop_filter;
	j->l->undo_arg = f;
	r = change_qdisc(f->ifindex, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	f->own_qdisc = !r;
	if (r && r != -EEXIST)
		return link_refused(j, r, "device %s (qdisc clsact)", j->w->dev);
	f->handle = kernel_prog_id(&j->k->b, j->l->prog);
	r = add_filter(j, f);
	if (r) {
		f->handle = 0;
		return link_refused(j, r, "the %s of device %s (filter of clsact)",
				    in ? "ingress" : "egress", j->w->dev);
	}
	j->l->flags |= LINK_STAYS;
	link_says(j, "%s %s, by a filter of clsact", j->w->dev, in ? "ingress" : "egress");
	return 0;
}

int link_clsact(struct link_job *j)
{
	const char *at = j->w->at;
	const bool filter = !strncmp(at, "clsact/", 7);
	const char *way = filter ? at + 7 : at;
	const bool in = !*way || !strcmp(way, "ingress");

	if (!in && strcmp(way, "egress"))
		return link_bad_where(j, "'%s' is neither ingress, egress, clsact/ingress nor "
				      "clsact/egress", at);
	if (!j->w->ifindex)
		return link_bad_where(j, "no device is named (--dev)");
	return j->p->expected_attach ? link_tcx(j) : by_filter(j, in);
}

/* ---- routes ---------------------------------------------------------------- */

struct route {
	u8 family, bits;
	u8 dst[16], via[16];
	bool has_via;
	u32 ifindex;
};

/* "PREFIX/BITS[ via ADDRESS]" */
static bool parse_route(struct route *r, const char *text)
{
	char dst[64] = "", via[64] = "";
	int bits = -1, n = sscanf(text, "%63[^/]/%d via %63s", dst, &bits, via);

	r->family = strchr(dst, ':') ? AF_INET6 : AF_INET;
	r->bits = (u8)bits;
	r->has_via = n == 3;
	return n >= 2 && bits >= 0 && bits <= (r->family == AF_INET ? 32 : 128) &&
	       inet_pton(r->family, dst, r->dst) == 1 &&
	       (n < 3 || inet_pton(r->family, via, r->via) == 1);
}

static void route_message(struct nl_msg *m, const struct route *r, u16 type, u16 flags)
{
	struct rtmsg *t = nl_begin(m, type, flags, sizeof(*t));
	size_t n = r->family == AF_INET ? 4 : 16;

	t->rtm_family = r->family;
	t->rtm_dst_len = r->bits;
	t->rtm_table = RT_TABLE_MAIN;
	t->rtm_protocol = RTPROT_STATIC;
	t->rtm_type = RTN_UNICAST;
	t->rtm_scope = r->has_via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	nl_add(m, RTA_DST, r->dst, n);
	if (r->has_via)
		nl_add(m, RTA_GATEWAY, r->via, n);
	nl_u32(m, RTA_OIF, r->ifindex);
}

static void drop_route(struct link *l)
{
	struct nl_msg m;

	route_message(&m, l->undo_arg, RTM_DELROUTE, 0);
	nl_send(&m, NULL, 0);
	free(l->undo_arg);
}

static u16 lwt_way(u32 type)
{
	return type == BPF_PROG_TYPE_LWT_IN ? LWT_BPF_IN :
	       type == BPF_PROG_TYPE_LWT_OUT ? LWT_BPF_OUT : LWT_BPF_XMIT;
}

static void add_program(struct nl_msg *m, const struct link_job *j)
{
	const bool seg6 = j->l->row->how == ATTACH_LWT_SEG6;
	const u16 type = seg6 ? LWTUNNEL_ENCAP_SEG6_LOCAL : LWTUNNEL_ENCAP_BPF;
	struct rtattr *encap, *nest;

	nl_add(m, RTA_ENCAP_TYPE, &type, sizeof(type));
	encap = nl_nest(m, RTA_ENCAP);
	if (seg6)
		nl_u32(m, SEG6_LOCAL_ACTION, SEG6_LOCAL_ACTION_END_BPF);
	nest = nl_nest(m, seg6 ? SEG6_LOCAL_BPF : lwt_way(j->p->type));
	nl_u32(m, seg6 ? SEG6_LOCAL_BPF_PROG : LWT_BPF_PROG_FD, (u32)j->prog_fd);
	nl_str(m, seg6 ? SEG6_LOCAL_BPF_PROG_NAME : LWT_BPF_PROG_NAME, j->p->name);
	nl_nest_end(m, nest);
	nl_nest_end(m, encap);
}

int link_lwt(struct link_job *j)
{
	struct route r = { .ifindex = j->w->ifindex };
	struct nl_msg m;
	int code;

	if (!*j->w->at || !parse_route(&r, j->w->at)) {
		code = link_bad_where(j, "'%s' is no route", j->w->at);
		err_help(j->err, "--at '10.1.0.0/16 via 10.0.0.1' --dev DEV");
		return code;
	}
	if (!r.ifindex)
		return link_bad_where(j, "no device is named (--dev)");
	route_message(&m, &r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	add_program(&m, j);
	code = nl_send(&m, NULL, 0);
	if (code)
		return link_refused(j, code, "route %s", j->w->at);
	j->l->undo_arg = mem_alloc(sizeof(r));
	memcpy(j->l->undo_arg, &r, sizeof(r));
	j->l->undo = drop_route;
	j->l->flags |= LINK_STAYS;
	link_says(j, "%s, %s", j->w->at, j->w->dev);
	return 0;
}
