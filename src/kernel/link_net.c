/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_net.c: programs on network devices (XDP, tcx, netkit) and in network name spaces
 * (sk_lookup, flow dissectors, netfilter), all by links. What needs netlink is in
 * link_rtnl.c.
 */
#include "kernel/link_priv.h"
#include "model/uapi.h"
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>

static int needs_device(struct link_job *j)
{
	return j->w->ifindex ? 0 : link_bad_where(j, "no device is named (--dev)");
}

static int device_link(struct link_job *j, u32 type, u32 flags)
{
	const struct link_attr a = { .prog_fd = (u32)j->prog_fd, .target_fd = j->w->ifindex,
		.attach_type = type, .flags = flags };

	return link_create(&a);
}

/* ---- XDP ------------------------------------------------------------------- */

static const struct { const char *name; u32 flags; } modes[] = {
	{ "", 0 }, { "native", XDP_FLAGS_DRV_MODE }, { "generic", XDP_FLAGS_SKB_MODE },
	{ "offload", XDP_FLAGS_HW_MODE },
};

/* What is known of why FLAGS did not do. */
static void note_xdp(struct link_job *j, u32 flags, int code)
{
	if (code == -EOPNOTSUPP && flags & XDP_FLAGS_DRV_MODE)
		err_note(j->err, "the driver of %s has no XDP; --at generic is for all devices",
			 j->w->dev);
	if (code == -EINVAL && flags & XDP_FLAGS_HW_MODE)
		err_note(j->err, "the device runs no programs, or the program was not loaded "
			 "for it");
	if (code == -ENOENT || code == -ENODEV)
		err_note(j->err, "the device is gone");
}

int link_xdp(struct link_job *j)
{
	u32 flags = UINT32_MAX;
	int fd, r = needs_device(j);

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (!strcmp(modes[i].name, j->w->at))
			flags = modes[i].flags;
	if (!r && flags == UINT32_MAX)
		r = link_bad_where(j, "'%s' is neither native, generic nor offload", j->w->at);
	if (r)
		return r;
	fd = device_link(j, BPF_XDP, flags);
	if (fd < 0) {
		r = link_refused(j, fd, "device %s", j->w->dev);
		note_xdp(j, flags, fd);
		return r;
	}
	j->l->fd = fd;
	link_says(j, "%s%s%s", j->w->dev, *j->w->at ? ", " : "", j->w->at);
	return 0;
}

/* ---- tcx, netkit ----------------------------------------------------------- */

int link_tcx(struct link_job *j)
{
	const bool in = j->p->expected_attach == UAPI_TCX_INGRESS;
	int fd, r = needs_device(j);

	if (r)
		return r;
	fd = device_link(j, j->p->expected_attach, 0);
	if (fd < 0)
		return link_refused(j, fd, "the %s of device %s", in ? "ingress" : "egress",
				    j->w->dev);
	j->l->fd = fd;
	if (j->l->row->how == ATTACH_TCX)
		link_says(j, "%s", j->w->dev);
	else
		link_says(j, "%s %s, by tcx", j->w->dev, in ? "ingress" : "egress");
	return 0;
}

int link_netkit(struct link_job *j)
{
	int fd, r = needs_device(j);

	if (r)
		return r;
	fd = device_link(j, j->p->expected_attach, 0);
	if (fd < 0) {
		r = link_refused(j, fd, "device %s", j->w->dev);
		if (fd == -EINVAL || fd == -EOPNOTSUPP)
			err_note(j->err, "it must be the primary device of a netkit pair, and "
				 "the kernel built with CONFIG_NETKIT");
		return r;
	}
	j->l->fd = fd;
	link_says(j, "%s", j->w->dev);
	return 0;
}

/* ---- name spaces ----------------------------------------------------------- */

int link_netns(struct link_job *j)
{
	const struct link_attr a = { .prog_fd = (u32)j->prog_fd, .target_fd = (u32)j->w->netns,
		.attach_type = j->p->expected_attach };
	int fd;

	if (j->w->netns < 0)
		return link_bad_where(j, "no network name space is named (--netns)");
	fd = link_create(&a);
	if (fd < 0)
		return link_refused(j, fd, "the network name space");
	j->l->fd = fd;
	link_says(j, "%s", "");
	return 0;
}

/* ---- netfilter ------------------------------------------------------------- */

static const struct { const char *name; u32 value; } families[] = {
	{ "ip", NFPROTO_IPV4 }, { "ipv4", NFPROTO_IPV4 }, { "ip4", NFPROTO_IPV4 },
	{ "ip6", NFPROTO_IPV6 }, { "ipv6", NFPROTO_IPV6 },
}, hooks[] = {
	{ "prerouting", NF_INET_PRE_ROUTING }, { "input", NF_INET_LOCAL_IN },
	{ "local_in", NF_INET_LOCAL_IN }, { "forward", NF_INET_FORWARD },
	{ "output", NF_INET_LOCAL_OUT }, { "local_out", NF_INET_LOCAL_OUT },
	{ "postrouting", NF_INET_POST_ROUTING },
};

/* "ip/input[/PRIORITY]" */
static bool parse_hook(struct link_attr *a, const char *text)
{
	char family[16] = "", hook[16] = "", rest;
	int priority = 0, n = sscanf(text, "%15[^/]/%15[^/]/%d%c", family, hook, &priority, &rest);
	bool one = false, two = false;

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (!strcmp(families[i].name, family)) {
			a->u.netfilter.pf = families[i].value;
			one = true;
		}
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		if (!strcmp(hooks[i].name, hook)) {
			a->u.netfilter.hooknum = hooks[i].value;
			two = true;
		}
	a->u.netfilter.priority = n >= 3 ? priority : -128;
	return one && two && (n == 2 || n == 3);
}

int link_netfilter(struct link_job *j)
{
	struct link_attr a = { .prog_fd = (u32)j->prog_fd, .attach_type = UAPI_NETFILTER };
	int fd, r;

	if (!parse_hook(&a, j->w->at)) {
		r = link_bad_where(j, *j->w->at ? "'%s' is no hook%s" : "no hook is named%s%s",
				   j->w->at, "");
		err_help(j->err, "--at ip/input, ip6/prerouting, ip/forward/PRIORITY ...");
		return r;
	}
	fd = link_create(&a);
	if (fd < 0) {
		r = link_refused(j, fd, "hook %s", j->w->at);
		if (fd == -EBUSY || fd == -EEXIST)
			err_note(j->err, "a hook takes one program of each priority: %d",
				 a.u.netfilter.priority);
		return r;
	}
	j->l->fd = fd;
	link_says(j, "%s", j->w->at);
	return 0;
}
