/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link_iter.c: iterators, whose text is read once from the kernel, and programs that run
 * once when they are asked (syscall).
 */
#include "kernel/link_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What an iterator may be told: enum and layout of union bpf_iter_link_info. */
union iter_info {
	struct { u32 map_fd; } map;
	struct { u32 order, cgroup_fd; u64 cgroup_id; } cgroup;
	struct { u32 tid, pid, pid_fd; } task;
};

enum { ITER_SELF_AND_BELOW = 2 };	/* BPF_CGROUP_ITER_DESCENDANTS_PRE, 6.1 */

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* The map whose elements a program of iter/bpf_map_elem and its kin goes through: the
 * one that the user names, or the object's only one of a fitting type. */
static int map_of(struct link_job *j, const char *name)
{
	const struct image *img = j->img;
	int found = -1;

	for (u32 i = 0; i < img->nr_maps; i++) {
		if (img->maps[i].kind != IMAGE_MAP_USER)
			continue;
		if (*name ? strcmp(img->maps[i].name, name) : found >= 0)
			continue;
		found = (int)i;
	}
	return found;
}

/* Fills INFO; its bytes, 0 when the iterator needs none, or an error. */
static int make_info(struct link_job *j, union iter_info *info)
{
	static const char *const maps[] = { "bpf_map_elem", "bpf_sk_storage_map", "sockmap",
		NULL };
	static const char *const tasks[] = { "task", "task_file", "task_vma", NULL };
	const char *kind = j->p->target;
	int map;

	if (j->w->map > 0 && !is_one_of(kind, maps))
		return link_bad_where(j, "it goes through no map, and one is given");
	if (j->w->map > 0) {
		info->map.map_fd = (u32)j->w->map;
		return sizeof(info->map);
	}
	if (is_one_of(kind, maps)) {
		map = map_of(j, j->w->at == j->p->target ? "" : j->w->at);
		if (map < 0)
			return link_bad_where(j, "there is no map%s%s whose elements it goes "
					      "through", *j->w->at ? " " : "", j->w->at);
		info->map.map_fd = (u32)j->k->maps.v[map].fd;
		return sizeof(info->map);
	}
	if (is_one_of(kind, tasks) && j->w->pid) {
		info->task.pid = j->w->pid;
		return sizeof(info->task);
	}
	if (!strcmp(kind, "cgroup") && j->w->cgroup >= 0) {
		info->cgroup.order = ITER_SELF_AND_BELOW;
		info->cgroup.cgroup_fd = (u32)j->w->cgroup;
		return sizeof(info->cgroup);
	}
	if (!strcmp(kind, "cgroup"))
		return link_bad_where(j, "it goes through a cgroup and those below, which "
				      "--cgroup names");
	return 0;
}

int link_iter(struct link_job *j)
{
	struct link_attr a = { .prog_fd = (u32)j->prog_fd, .attach_type = BPF_TRACE_ITER };
	union iter_info info = { 0 };
	int r = make_info(j, &info);

	if (r < 0)
		return r;
	if (r) {
		a.u.iter.info = (uintptr_t)&info;
		a.u.iter.info_len = (u32)r;
	}
	r = link_create(&a);
	if (r < 0)
		return link_refused(j, r, "iterator %s", j->p->target);
	j->l->fd = r;
	j->l->flags |= LINK_READS;
	link_says(j, "%s", j->p->target);
	return 0;
}

int link_read(const struct link *l, void (*fn)(void *arg, const char *text, size_t n), void *arg)
{
	union bpf_attr a = { .iter_create = { .link_fd = (u32)l->fd } };
	int fd = sys_bpf(BPF_ITER_CREATE, &a);
	char text[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	for (;;) {
		n = read(fd, text, sizeof(text));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		fn(arg, text, (size_t)n);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

int link_run_once(struct link_job *j)
{
	struct test_run t = { .repeat = 1 };
	int r = j->k->b.ops->test_run(&j->k->b, j->l->prog, &t, j->err);

	if (r)
		return r;
	j->l->flags |= LINK_ONCE;
	j->l->retval = (s32)t.retval;
	link_says(j, "%s", "");
	return 0;
}
