/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_cgroup.c: programs on cgroups of version 2, by links (5.7), which go when skep
 * goes or the cgroup does. Older kernels have BPF_PROG_ATTACH alone, which stays: it is
 * not used.
 */
#include "kernel/link_priv.h"
#include <linux/magic.h>
#include <sys/vfs.h>

static int check_cgroup(struct link_job *j)
{
	struct statfs fs;

	if (j->w->cgroup < 0)
		return link_bad_where(j, "no cgroup is named (--cgroup)");
	if (fstatfs(j->w->cgroup, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return link_bad_where(j, "what --cgroup names is no folder of cgroup v2");
	return 0;
}

int link_cgroup(struct link_job *j)
{
	const struct link_attr a = { .prog_fd = (u32)j->prog_fd, .target_fd = (u32)j->w->cgroup,
		.attach_type = j->p->expected_attach };
	int fd, r = check_cgroup(j);

	if (r)
		return r;
	fd = link_create(&a);
	if (fd < 0)
		return link_refused(j, fd, "the cgroup");
	j->l->fd = fd;
	link_says(j, "%s", j->l->row->how == ATTACH_CGROUP_LSM ? j->p->target : "");
	return 0;
}
