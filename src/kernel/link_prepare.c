/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_prepare.c: what a kernel wants to know of an attachment already when it loads the
 * program: the direction of programs on traffic, one place or many.
 */
#include "kernel/kernel.h"
#include "kernel/link.h"
#include "kernel/live.h"
#include "model/uapi.h"
#include <stdlib.h>
#include <unistd.h>

/* Links to tcx and to many places of a program. Loading a program for either is no
 * proof: kernels from before take it, too, and do not look. */
static bool has_6_6(void)
{
	const u32 version = kernel_version_code();

	return !version || version >= (6 << 16 | 6 << 8);
}

/* By tcx where there is one, so that it is a link. */
static void prepare_tc(struct image_prog *p, const char *at)
{
	u32 type = !strcmp(at, "egress") ? UAPI_TCX_EGRESS : UAPI_TCX_INGRESS;

	p->expected_attach = strncmp(at, "clsact/", 7) && has_6_6() ? type : 0;
}

static int bad(const struct image_prog *p, const char *at, const char *what, struct skep_err *err)
{
	return err_set(err, ERR_ATTACH_WHERE, NULL, "program '%s' of section '%s': '%s' is not %s",
		       p->name, p->section, at, what);
}

/* SEC("cgroup/skb") says no direction. */
static int prepare_cgroup_skb(struct image_prog *p, const char *at, struct skep_err *err)
{
	if (*at && strcmp(at, "ingress") && strcmp(at, "egress"))
		return bad(p, at, "ingress or egress", err);
	if (!p->expected_attach)
		p->expected_attach = !strcmp(at, "egress") ? BPF_CGROUP_INET_EGRESS :
							     BPF_CGROUP_INET_INGRESS;
	return 0;
}

/* "id:N[:FUNCTION]", "/PIN[:FUNCTION]": 1 it is of that form and P is made for it; 0 not. */
static int prepare_of_prog(struct image_prog *p, const char *at, struct skep_err *err)
{
	char *path, *end;
	int fd;

	if (!strncmp(at, "id:", 3)) {
		p->of_prog = (u32)strtoul(at + 3, &end, 10);
		if (!p->of_prog || (*end && *end != ':'))
			return bad(p, at, "id:N or id:N:FUNCTION", err);
		p->target = *end ? end + 1 : p->target;
		return 1;
	}
	if (*at != '/')
		return 0;
	path = mem_strdup(at);
	end = strchr(path, ':');
	if (end)
		*end = 0;
	fd = live_open_pin(LIVE_PROG, path, err);
	if (end)
		p->target = at + (end - path) + 1;
	free(path);
	if (fd < 0)
		return fd;
	p->of_prog = live_id(LIVE_PROG, fd);
	close(fd);
	return 1;
}

/* What is for a name of the kernel's types, or of a program's. */
static int prepare_loaded(struct image_prog *p, const char *at, struct skep_err *err)
{
	int r = prepare_of_prog(p, at, err);

	if (!r && *at)
		p->target = at;
	return r < 0 ? r : 0;
}

int link_prepare(struct image_prog *p, const struct link_where *w, struct skep_err *err)
{
	const struct attach_row *row = attach_row(p->sec);

	if (!row)
		return 0;
	switch (row->how) {
	case ATTACH_CLSACT:
		prepare_tc(p, w->at);
		return 0;
	case ATTACH_USDT:
		if (has_6_6())
			p->expected_attach = UAPI_TRACE_UPROBE_MULTI;
		return 0;
	case ATTACH_CGROUP:
		return p->type == BPF_PROG_TYPE_CGROUP_SKB ?
		       prepare_cgroup_skb(p, w->at, err) : 0;
	case ATTACH_FREPLACE:
	case ATTACH_LOADED:
	case ATTACH_CGROUP_LSM:
		return prepare_loaded(p, w->at, err);
	case ATTACH_ITER:
		if (*w->at && !*p->target)
			p->target = w->at;
		return 0;
	default:
		return 0;
	}
}
